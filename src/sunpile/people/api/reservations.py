"""Reservations for staff."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from sunpile.chargers.commands.authorisation import Token
from sunpile.fleet.reservations import NUMBERS, Reservation, Reservations
from sunpile.people.api.bodies import Body, StationText, UnixTime
from sunpile.people.api.staff import Operator, Reader


class ReservationBody(Body):
    """A wish to keep an EVSE."""

    station: StationText
    token: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    kind: Annotated[str, StringConstraints(max_length=20)] = "Central"
    expires_at: UnixTime
    evse: Annotated[int, Field(ge=1, le=64)] | None = None
    connector_type: Annotated[str, StringConstraints(max_length=20)] | None = None
    group: Annotated[str, StringConstraints(max_length=255)] | None = None


def router(desk: Reservations) -> APIRouter:
    """Routes over `desk`."""
    routes = APIRouter(prefix="/api", tags=["reservations"])

    @routes.get("/reservations")
    async def page(
        scope: Reader,
        before: Annotated[int, Query(ge=1, le=NUMBERS)] = NUMBERS,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        station: Annotated[str | None, Query(max_length=48)] = None,
    ) -> list[Reservation]:
        """The newest first."""
        return list(await desk.page(scope, before, limit, station))

    @routes.post("/reservations", status_code=201)
    async def make(scope: Operator, body: ReservationBody) -> Reservation:
        """Ask a station to keep an EVSE; `state` says what it answered."""
        token = Token(body.token, body.kind)
        return await desk.make(scope, body.station, token, body.expires_at, body.evse, body.connector_type, body.group)

    @routes.get("/reservations/{number}")
    async def find(scope: Reader, number: Annotated[int, Field(ge=0, lt=NUMBERS)]) -> Reservation:
        """One reservation."""
        return await desk.find(scope, number)

    @routes.delete("/reservations/{number}")
    async def cancel(
        scope: Operator,
        number: Annotated[int, Field(ge=0, lt=NUMBERS)],
        reason: Annotated[str, Query(max_length=64)] = "",
    ) -> Reservation:
        """Give it up."""
        return await desk.cancel(scope, number, reason)

    return routes
