"""The first look for staff, and what can be put up with at a station."""

from typing import Annotated

from fastapi import APIRouter, Depends

from sunpile.basics.scope import Scope
from sunpile.chargers.leniency import DEVIATIONS
from sunpile.fleet.overview import Overview, OverviewDesk
from sunpile.people.api.staff import may

Reader = Annotated[Scope, Depends(may("read"))]


def router(desk: OverviewDesk) -> APIRouter:
    """Routes over `desk`."""
    routes = APIRouter(prefix="/api", tags=["stations"])

    @routes.get("/overview")
    async def overview(scope: Reader) -> Overview:
        """Stations, sessions, power and alerts of now."""
        return await desk.overview(scope)

    @routes.get("/deviations")
    async def deviations(_scope: Reader) -> list[dict[str, str]]:
        """Every deviation from OCPP that can be put up with, in words."""
        return [
            {"deviation": one.id, "words": one.en, "words_zh": one.zh, "seen": one.seen} for one in DEVIATIONS
        ]

    return routes
