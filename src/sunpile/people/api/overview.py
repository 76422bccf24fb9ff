"""The first look for staff, and what can be put up with at a station."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

import segno
from fastapi import APIRouter, Query

from sunpile.chargers.leniency import DEVIATIONS
from sunpile.fleet.overview import Overview, OverviewDesk
from sunpile.people.api.staff import Reader


@dataclass(frozen=True, slots=True)
class DoorCard:
    """Where a station connects."""

    url: str
    """With its identity at the end."""
    qr: list[str]
    """The URL as a QR code: rows of 1 and 0."""


def router(desk: OverviewDesk, ocpp_url: str) -> APIRouter:
    """Routes over `desk`; stations connect at `ocpp_url`."""
    routes = APIRouter(prefix="/api", tags=["stations"])

    @routes.get("/overview")
    async def overview(scope: Reader) -> Overview:
        """Stations, sessions, power and alerts of now."""
        return await desk.overview(scope)

    @routes.get("/deviations")
    async def deviations(_scope: Reader) -> list[dict[str, str]]:
        """Every deviation from OCPP that can be put up with, in words."""
        return [{"deviation": one.id, "words": one.en, "words_zh": one.zh, "seen": one.seen} for one in DEVIATIONS]

    @routes.get("/door")
    async def door(_scope: Reader, station: Annotated[str, Query(min_length=1, max_length=48)]) -> DoorCard:
        """Where a station connects, to type or to scan."""
        url = f"{ocpp_url}/{quote(station, safe='')}"
        rows = segno.make(url, error="m").matrix
        return DoorCard(url, ["".join("1" if dark else "0" for dark in row) for row in rows])

    return routes
