"""Battery swaps for staff."""

from collections.abc import Sequence
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Query

from sunpile.basics.scope import Scope
from sunpile.people.api.staff import Reader


class SwapBook(Protocol):
    """Where swaps are kept."""

    async def swaps(self, scope: Scope, station: str, limit: int = 100) -> Sequence[dict[str, Any]]: ...


def router(book: SwapBook) -> APIRouter:
    """Routes over `book`."""
    routes = APIRouter(prefix="/api", tags=["battery swaps"])

    @routes.get("/stations/{station}/battery-swaps")
    async def swaps(
        scope: Reader, station: str, limit: Annotated[int, Query(ge=1, le=500)] = 100
    ) -> list[dict[str, Any]]:
        """Batteries put in and taken out at a station, newest first."""
        return list(await book.swaps(scope, station, limit))

    return routes
