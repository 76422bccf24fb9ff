"""Sites for staff: fuses, outlets, policy; what each outlet may draw now; measured loads; what drivers say."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field, StringConstraints

from sunpile.basics.audit import Audit
from sunpile.basics.ids import EvseId, StationId
from sunpile.basics.scope import Scope
from sunpile.control.ports import SiteBook, SiteRecord
from sunpile.control.profile_book import Comparison, ProfileBook
from sunpile.control.service import CarWish, SiteControl
from sunpile.control.site import Fuse, FuseId, Outlet, Phases, Site, Wiring
from sunpile.people.api.bodies import Body, StationText, UnixTime
from sunpile.people.api.staff import Configurer, Operator, Reader

SiteName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 _.-]{1,64}$")]
FuseName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,32}$")]
Current = Annotated[int, Field(ge=0, le=10_000_000)]
Evse = Annotated[int, Field(ge=1, le=64)]


class LoadBody(Body):
    """Currents on three phases."""

    l1: Current = Field(description="mA on L1")
    l2: Current = Field(description="mA on L2")
    l3: Current = Field(description="mA on L3")

    def phases(self) -> Phases:
        """As the core knows them."""
        return self.l1, self.l2, self.l3


class FuseBody(Body):
    """A fuse, a cable or the grid connection."""

    fuse: FuseName
    limit: LoadBody
    parent: FuseName | None = None
    other_loads: LoadBody | None = Field(None, description="the most other loads take through it")


class OutletBody(Body):
    """How an EVSE is connected."""

    station: StationText
    evse: Evse
    fuse: FuseName
    phases: Annotated[list[Literal[1, 2, 3]], Field(min_length=1, max_length=3)] = Field([1, 2, 3])
    max_ma: Annotated[int, Field(ge=6_000, le=1_000_000)] = 32_000


class SiteBody(Body):
    """A site whole: what is not in it is no longer there."""

    policy: Literal["fair", "priority", "departure", "cheapest"] = "fair"
    ceiling_w: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    fuses: Annotated[list[FuseBody], Field(min_length=1, max_length=200)]
    outlets: Annotated[list[OutletBody], Field(max_length=2_000)] = Field([])

    def record(self, tenant: str, name: str) -> SiteRecord:
        """The record it asks for. Raises `InputInvalid` if it is impossible."""
        fuses = tuple(
            Fuse(FuseId(fuse.fuse), fuse.limit.phases(), FuseId(fuse.parent) if fuse.parent else None)
            for fuse in self.fuses
        )
        wirings = tuple(
            Wiring(
                Outlet(StationId(item.station), EvseId(item.evse)),
                FuseId(item.fuse),
                tuple(phase - 1 for phase in item.phases),
                item.max_ma,
            )
            for item in self.outlets
        )
        worst = {FuseId(fuse.fuse): fuse.other_loads.phases() for fuse in self.fuses if fuse.other_loads is not None}
        return SiteRecord(tenant, Site(name, fuses, wirings, self.policy), worst, self.ceiling_w)


class LoadsBody(Body):
    """What else flows through fuses now."""

    loads: Annotated[dict[FuseName, LoadBody], Field(min_length=1, max_length=200)]


class WishBody(Body):
    """What is said of the car at an outlet."""

    departs: UnixTime | None = None
    need_wh: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    priority: Annotated[int, Field(ge=0, le=9)] = 0
    solar_only: bool = False


Power = Annotated[float, Field(ge=-100_000_000, le=100_000_000)]


class DynamicBody(Body):
    """What a dynamic profile says, in its own unit, W or A."""

    limit: Annotated[float, Field(ge=0, le=100_000_000)] | None = None
    discharge_limit: Annotated[float, Field(ge=-100_000_000, le=0)] | None = Field(None, alias="dischargeLimit")
    setpoint: Power | None = None


def router(book: SiteBook, control: SiteControl, audit: Audit) -> APIRouter:
    """Routes over sites."""
    routes = APIRouter(prefix="/api/sites", tags=["sites"])

    @routes.get("")
    async def listing(scope: Reader) -> list[dict[str, Any]]:
        """All sites."""
        return [as_json(record) for record in await book.of(scope)]

    @routes.get("/{site}")
    async def one(scope: Reader, site: SiteName) -> dict[str, Any]:
        """A site with what each outlet may draw now."""
        record = await book.one(scope, site)
        return as_json(record) | {"now": _now(control, scope, site)}

    @routes.put("/{site}")
    async def put(scope: Configurer, site: SiteName, body: SiteBody) -> dict[str, Any]:
        """Make a site, or change it."""
        record = body.record(scope.tenant, site)
        before = next((as_json(known) for known in await book.of(scope) if known.site.site == site), None)
        await book.put(scope, record)
        await control.load()
        await audit.record(scope, "site.put", f"site:{site}", before, as_json(record))
        return as_json(record)

    @routes.delete("/{site}", status_code=204)
    async def remove(scope: Configurer, site: SiteName) -> None:
        """Forget a site; its stations keep their safe shares."""
        before = as_json(await book.one(scope, site))
        await book.remove(scope, site)
        await control.load()
        await audit.record(scope, "site.remove", f"site:{site}", before, None)

    @routes.post("/{site}/loads", status_code=202)
    async def loads(scope: Operator, site: SiteName, body: LoadsBody) -> dict[str, str]:
        """Measured loads beside the cars, from an energy manager; believed for two minutes."""
        control.measured(scope, site, {FuseId(fuse): load.phases() for fuse, load in body.loads.items()})
        return {"status": "accepted"}

    @routes.put("/{site}/cars/{station}/{evse}", status_code=202)
    async def wish(scope: Operator, site: SiteName, station: str, evse: Evse, body: WishBody) -> dict[str, str]:
        """Departure, energy, priority or solar only of the car at an outlet."""
        await book.one(scope, site)
        said = CarWish(body.departs, body.need_wh, body.priority, body.solar_only)
        control.wish(scope, Outlet(StationId(station), EvseId(evse)), said)
        await audit.record(scope, "site.car", f"station:{station}/{evse}", None, asdict(said))
        return {"status": "accepted"}

    return routes


def composite_router(book: ProfileBook, audit: Audit) -> APIRouter:
    """Routes over what stations' charging profiles say together, and over dynamic ones."""
    routes = APIRouter(prefix="/api/stations", tags=["sites"])

    @routes.get("/{station}/composite")
    async def compare(
        scope: Operator,
        station: str,
        evse: Annotated[int, Query(ge=0, le=64)] = 1,
        duration_s: Annotated[int, Query(ge=1, le=7 * 86_400)] = 86_400,
        unit: Literal["W", "A"] = "W",
    ) -> Comparison:
        """The limit that results from all profiles: by the rules, and by the station."""
        return await book.compare(scope, station, evse, duration_s, unit)

    @routes.put("/{station}/dynamic-profiles/{profile}")
    async def offer(
        scope: Operator, station: str, profile: Annotated[int, Path(ge=1, lt=1 << 31)], body: DynamicBody
    ) -> dict[str, Any]:
        """What a station finds when it asks what its dynamic profile says; what is left out stays."""
        said = await book.offer(scope, station, profile, body.model_dump(exclude_none=True, by_alias=True))
        await audit.record(scope, "profile.offer", f"station:{station}", None, {"profile": profile, **said})
        return said

    return routes


def as_json(record: SiteRecord) -> dict[str, Any]:
    """A site as it is shown."""
    worst = record.worst_base
    return {
        "site": record.site.site,
        "policy": record.site.policy,
        "ceiling_w": record.ceiling_w,
        "fuses": [
            {
                "fuse": fuse.fuse,
                "limit": list(fuse.limit),
                "parent": fuse.parent,
                "other_loads": list(worst[fuse.fuse]) if fuse.fuse in worst else None,
            }
            for fuse in record.site.fuses
        ],
        "outlets": [
            {
                "station": item.outlet.station,
                "evse": item.outlet.evse,
                "fuse": item.fuse,
                "phases": [phase + 1 for phase in item.phases],
                "max_ma": item.max_ma,
            }
            for item in record.site.wirings
        ],
    }


def _now(control: SiteControl, scope: Scope, site: str) -> dict[str, Any]:
    state, given = control.state(scope, site)
    return {
        "time": given.now,
        "surplus_w": given.surplus_w,
        "loads": {fuse: list(load) for fuse, load in given.base.items()},
        "outlets": [
            {
                "station": outlet.station,
                "evse": outlet.evse,
                "car": outlet in state.cars,
                "away": outlet in state.away,
                "limit_ma": state.held[outlet].ma if outlet in state.held else None,
                "until": state.held[outlet].until if outlet in state.held else None,
            }
            for outlet in state.site.by_outlet
        ],
    }
