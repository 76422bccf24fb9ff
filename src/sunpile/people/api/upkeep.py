"""Curves, what stations told, how long things are kept, and what stations hold of a person."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from sunpile.fleet.curves import Curve
from sunpile.fleet.customers import CustomerPart, Customers
from sunpile.fleet.events import Told
from sunpile.fleet.retention import RetentionDesk
from sunpile.fleet.upkeep import Retention
from sunpile.fleet.upkeep_ports import CurveSource, EventSource
from sunpile.people.api.bodies import Body, StationText
from sunpile.people.api.staff import Manager, Reader

When = Annotated[int, Query(ge=0, lt=1 << 62)]
Days = Annotated[int, Field(ge=1, le=3660)]


class RetentionBody(Body):
    """How long things are kept [days]."""

    frames: Days = 30
    samples: Days = 400
    history: Days = 800
    files: Days = 90
    alerts: Days = 400
    customers: Days = 30


class CustomerBody(Body):
    """Whose data, by token or by customer number."""

    stations: list[StationText] = Field(default_factory=list[str], max_length=50_000, description="none: all")
    token: Annotated[str, StringConstraints(max_length=255)] = ""
    token_kind: Annotated[str, StringConstraints(max_length=20)] = "Central"
    customer: Annotated[str, StringConstraints(max_length=64)] = ""
    erase: bool = Field(False, description="delete it instead of telling it")


def router(curves: CurveSource, events: EventSource, retention: RetentionDesk, customers: Customers) -> APIRouter:
    """Routes over the services."""
    routes = APIRouter(prefix="/api", tags=["upkeep"])

    @routes.get("/stations/{station}/evses/{evse}/curve")
    async def curve(
        scope: Reader, station: str, evse: Annotated[int, Field(ge=0, le=999)], since: When, until: When
    ) -> Curve:
        """Power, energy, current, voltage and state of charge between two moments, in at most 500 points."""
        return await curves.curve(scope, station, evse, since, max(since + 1, until))

    @routes.get("/stations/{station}/events")
    async def told(
        scope: Reader,
        station: str,
        kind: Annotated[str, Query(max_length=12)] = "",
        before: When | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> list[Told]:
        """Security and monitor events and progress a station told, newest first."""
        return list(await events.events(scope, station, kind, limit, before))

    @routes.get("/retention")
    async def kept(scope: Reader) -> Retention:
        """How long things are kept [days]."""
        return await retention.get()

    @routes.put("/retention")
    async def keep(scope: Manager, body: RetentionBody) -> Retention:
        """Change how long things are kept; it counts for the whole node."""
        return await retention.put(scope, Retention(**body.model_dump()))

    @routes.post("/customer-wishes", status_code=202)
    async def wish(scope: Manager, body: CustomerBody) -> dict[str, int]:
        """Ask stations what they hold of a person, or have them delete it."""
        request = await customers.ask(scope, body.stations, body.token, body.token_kind, body.customer, body.erase)
        return {"request": request}

    @routes.get("/customer-wishes/{request}")
    async def parts(scope: Manager, request: int) -> list[CustomerPart]:
        """What the stations said."""
        return list(await customers.parts(scope, request))

    return routes
