"""Stations for staff: list, page, add, change, remove, leniency, refused attempts."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from sunpile.basics.ports import Clock
from sunpile.fleet.cards import Refusal, StationCard, StationFilter, StationPage, StationView
from sunpile.fleet.station_desk import StationAdded, StationDesk
from sunpile.people.api.bodies import Body, StationText
from sunpile.people.api.staff import Configurer, Reader

Name = Annotated[str, StringConstraints(max_length=128)]
Reason = Annotated[str, StringConstraints(max_length=500)]
Latitude = Annotated[int, Field(ge=-90_000_000, le=90_000_000)]
Longitude = Annotated[int, Field(ge=-180_000_000, le=180_000_000)]
Profile = Annotated[int, Field(ge=0, le=3)]


class StationBody(Body):
    """A new station."""

    station: StationText
    max_w: Annotated[int, Field(gt=0, le=10_000_000)] = 22_000
    evses: list[Annotated[int, Field(ge=1, le=64)]] = Field(default_factory=list[int], max_length=64)
    name: Name = ""
    public_name: Name = ""
    site: Annotated[str, StringConstraints(max_length=64)] = ""
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    access_notes: Annotated[str, StringConstraints(max_length=2000)] = ""
    tags: list[str] = Field(default_factory=list[str], max_length=32)
    security_profile: Profile | None = Field(None, description="as the node's doors are, if left out")
    registration: str = "Accepted"
    leniency: list[str] = Field(default_factory=list[str], max_length=64)

    def card(self, usual_profile: int) -> StationCard:
        """The record it asks for."""
        values: dict[str, Any] = self.model_dump(exclude={"evses"})
        values["security_profile"] = usual_profile if self.security_profile is None else self.security_profile
        values |= {"tags": tuple(self.tags), "leniency": tuple(self.leniency)}
        return StationCard(**values)


class StationChangeBody(Body):
    """What to change; what is left out stays."""

    max_w: Annotated[int, Field(gt=0, le=10_000_000)] | None = None
    name: Name | None = None
    public_name: Name | None = None
    site: Annotated[str, StringConstraints(max_length=64)] | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    access_notes: Annotated[str, StringConstraints(max_length=2000)] | None = None
    tags: Annotated[list[str], Field(max_length=32)] | None = None
    security_profile: Profile | None = None
    registration: str | None = None
    reason: Reason = ""

    def changes(self) -> dict[str, Any]:
        """The fields that were given; null takes a position away and is no value for the others."""
        given: dict[str, Any] = self.model_dump(exclude_unset=True, exclude={"reason"})
        positions = ("latitude", "longitude")
        kept = {name: value for name, value in given.items() if value is not None or name in positions}
        return kept | ({"tags": tuple(self.tags)} if self.tags is not None else {})


class LeniencyBody(Body):
    """Deviations this station is allowed."""

    leniency: Annotated[list[Annotated[str, StringConstraints(max_length=48)]], Field(max_length=64)]
    reason: Reason = ""


def router(desk: StationDesk, clock: Clock, usual_profile: int = 1) -> APIRouter:
    """Routes over `desk`; a new station has the usual security profile, if none is said."""
    routes = APIRouter(prefix="/api", tags=["stations"])
    _reading(routes, desk)

    @routes.post("/stations", status_code=201)
    async def add(scope: Configurer, body: StationBody) -> StationAdded:
        """Register a station; its password is shown only in this answer."""
        return await desk.add(scope, body.card(usual_profile), body.evses, clock.now())

    @routes.patch("/stations/{station}")
    async def change(scope: Configurer, station: str, body: StationChangeBody) -> StationCard:
        """Change a station's record. A security profile is never lowered."""
        return await desk.change(scope, station, body.changes(), body.reason)

    @routes.put("/stations/{station}/leniency")
    async def leniency(scope: Configurer, station: str, body: LeniencyBody) -> StationCard:
        """Say which deviations of this station are put up with."""
        return await desk.change(scope, station, {"leniency": tuple(body.leniency)}, body.reason)

    @routes.delete("/stations/{station}", status_code=204)
    async def remove(scope: Configurer, station: str, reason: Annotated[str, Query(max_length=500)] = "") -> None:
        """Forget a station that has no sessions."""
        await desk.remove(scope, station, reason)

    return routes


def _reading(routes: APIRouter, desk: StationDesk) -> None:
    @routes.get("/stations")
    async def listing(
        scope: Reader,
        text: Annotated[str, Query(max_length=64)] = "",
        site: Annotated[str, Query(max_length=64)] = "",
        tag: Annotated[str, Query(max_length=48)] = "",
        model: Annotated[str, Query(max_length=64)] = "",
        status: Annotated[str, Query(max_length=24)] = "",
        version: Annotated[str, Query(max_length=8)] = "",
        registration: Annotated[str, Query(max_length=12)] = "",
        connected: bool | None = None,
        after: Annotated[str, Query(max_length=48)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> StationPage:
        """Stations that fit, in order of identity, page by page (`after`)."""
        wanted = StationFilter(text, site, tag, model, status, version, registration, connected, after, limit)
        return await desk.page(scope, wanted)

    @routes.get("/stations/{station}")
    async def one(scope: Reader, station: str) -> StationView:
        """A station: its record, as it is now, open alerts, refused attempts, what is put up with."""
        return await desk.view(scope, station)

    @routes.get("/refusals")
    async def refusals(
        scope: Reader,
        station: Annotated[str | None, Query(max_length=255)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> list[Refusal]:
        """Attempts to connect that were refused, newest first, with the reason."""
        return list(await desk.refusals(scope, station, limit))
