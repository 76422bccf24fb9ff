"""Tokens, groups and local lists for staff."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field, StringConstraints
from starlette.responses import Response

from sunpile.basics.errors import InputInvalid
from sunpile.fleet.groups import COLUMNS, TokenDesk
from sunpile.fleet.local_lists import Known, LocalLists, digest
from sunpile.fleet.tabular import csv_text
from sunpile.people.api.bodies import Body, UnixTime
from sunpile.people.api.staff import Configurer, Operator, Reader
from sunpile.sessions.tokens import Group, Token, TokenLimits, TokenPolicy, Use, Window, plain

Id = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Count = Annotated[int, Field(ge=0, lt=1 << 62)]
Names = Annotated[list[Annotated[str, StringConstraints(max_length=64)]], Field(max_length=1000)]
Reason = Annotated[str, Query(max_length=500)]


class WindowBody(Body):
    """When a token may start."""

    from_minute: Annotated[int, Field(ge=0, le=1439)]
    until_minute: Annotated[int, Field(ge=1, le=1440)]
    days: list[Annotated[int, Field(ge=0, le=6)]] = Field(default_factory=lambda: list(range(7)), max_length=7)


class EvseBody(Body):
    """An EVSE of a station."""

    station: Annotated[str, StringConstraints(max_length=48)]
    evse: Annotated[int, Field(ge=1, le=64)]


EnergyMode = Literal[
    "AC_single_phase", "AC_two_phase", "AC_three_phase", "DC", "AC_BPT", "AC_BPT_DER", "AC_DER", "DC_BPT", "DC_ACDP",
    "DC_ACDP_BPT", "WPT",
]  # fmt: skip
"""EnergyTransferMode of OCPP 2.1."""


class LimitsBody(Body):
    """What a token or a group may do; what is left out is not limited."""

    concurrent: Count | None = None
    wh_day: Count | None = None
    wh_month: Count | None = None
    nano_month: Count | None = None
    credit: Count | None = None
    stations: Names | None = None
    sites: Names | None = None
    evses: Annotated[list[EvseBody], Field(max_length=1000)] | None = None
    evse_kinds: Annotated[list[str], Field(max_length=2)] | None = None
    windows: Annotated[list[WindowBody], Field(max_length=50)] = Field(default_factory=list[WindowBody])
    energy: Annotated[list[EnergyMode], Field(min_length=1, max_length=11)] | None = None

    def limits(self) -> TokenLimits:
        """As the core knows them."""
        return TokenLimits(
            self.concurrent,
            self.wh_day,
            self.wh_month,
            self.nano_month,
            self.credit,
            frozenset(self.stations) if self.stations is not None else None,
            frozenset(self.sites) if self.sites is not None else None,
            frozenset((one.station, one.evse) for one in self.evses) if self.evses is not None else None,
            frozenset(self.evse_kinds) if self.evse_kinds is not None else None,
            tuple(Window(w.from_minute, w.until_minute, frozenset(w.days)) for w in self.windows),
            frozenset(self.energy) if self.energy is not None else None,
        )


class TokenBody(Body):
    """A token; its id stands in the address."""

    kind: str = "ISO14443"
    driver: Annotated[str, StringConstraints(max_length=48)] | None = None
    group: Id | None = None
    parent: Id | None = None
    status: str = "accepted"
    valid_from: UnixTime | None = None
    valid_until: UnixTime | None = None
    limits: LimitsBody = Field(default_factory=lambda: LimitsBody(concurrent=1))
    language: Annotated[str, StringConstraints(max_length=8)] = ""
    priority: Annotated[int, Field(ge=-9, le=9)] = 0
    notes: Annotated[str, StringConstraints(max_length=2000)] = ""


class GroupBody(Body):
    """A group; its id stands in the address."""

    status: str = "accepted"
    limits: LimitsBody = Field(default_factory=LimitsBody)
    master_pass: bool = False


class PolicyBody(Body):
    """How the tenant treats tokens."""

    unknown: str = "refuse"
    time_zone: Annotated[str, StringConstraints(max_length=48)] = "UTC"


def router(desk: TokenDesk, lists: LocalLists) -> APIRouter:
    """Routes over `desk` and `lists`."""
    routes = APIRouter(prefix="/api", tags=["tokens"])
    _tables(routes, desk)
    _tokens(routes, desk)
    _groups(routes, desk)
    _lists(routes, lists)
    return routes


def _tables(routes: APIRouter, desk: TokenDesk) -> None:
    @routes.get("/tokens.csv", response_class=Response)
    async def export(scope: Reader) -> Response:
        """All tokens as CSV; what a spreadsheet would take for a formula is disarmed."""
        return Response(csv_text(COLUMNS, await desk.rows(scope)), media_type="text/csv; charset=utf-8")

    @routes.post("/tokens.csv")
    async def take_in(scope: Configurer, request: Request) -> dict[str, int]:
        """Add or change tokens from CSV, all rows or none."""
        try:
            text = (await request.body()).decode("utf-8-sig")
        except UnicodeDecodeError as fault:
            raise InputInvalid("the table is not UTF-8") from fault
        return {"tokens": await desk.take_in(scope, text)}


def _tokens(routes: APIRouter, desk: TokenDesk) -> None:
    @routes.get("/tokens")
    async def page(
        scope: Reader,
        after: Annotated[str, Query(max_length=255)] = "",
        search: Annotated[str, Query(max_length=64)] = "",
        status: Annotated[str | None, Query(max_length=16)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> list[Token]:
        """Tokens in order of their ids."""
        return await desk.book.page(scope, after, limit, search, status)

    @routes.get("/tokens/policy")
    async def policy(scope: Reader) -> TokenPolicy:
        """How unknown tokens are treated, and which time is local."""
        return await desk.book.policy(scope)

    @routes.put("/tokens/policy")
    async def set_policy(scope: Configurer, body: PolicyBody, reason: Reason = "") -> TokenPolicy:
        """Change that."""
        return await desk.set_policy(scope, TokenPolicy(body.unknown, body.time_zone), reason)

    @routes.get("/tokens/{token}")
    async def find(scope: Reader, token: str) -> Token:
        """One token."""
        return await desk.book.find(scope, token)

    @routes.get("/tokens/{token}/use")
    async def use(scope: Reader, token: str) -> Use:
        """What it has used today and this month."""
        return await desk.use(scope, token)

    @routes.put("/tokens/{token}")
    async def save(scope: Configurer, token: str, body: TokenBody, reason: Reason = "") -> Token:
        """Add or change a token."""
        values: dict[str, Any] = body.model_dump(exclude={"limits"})
        return await desk.save(scope, Token(plain(token), limits=body.limits.limits(), **values), reason)

    @routes.delete("/tokens/{token}", status_code=204)
    async def remove(scope: Configurer, token: str, reason: Reason = "") -> None:
        """Forget a token; its sessions stay."""
        await desk.remove(scope, token, reason)


def _groups(routes: APIRouter, desk: TokenDesk) -> None:
    @routes.get("/token-groups")
    async def groups(scope: Reader) -> list[Group]:
        """Groups of tokens."""
        return await desk.book.groups(scope)

    @routes.put("/token-groups/{group}")
    async def save_group(scope: Configurer, group: str, body: GroupBody, reason: Reason = "") -> Group:
        """Add or change a group."""
        return await desk.save_group(scope, Group(group, body.status, body.limits.limits(), body.master_pass), reason)

    @routes.delete("/token-groups/{group}", status_code=204)
    async def remove_group(scope: Configurer, group: str, reason: Reason = "") -> None:
        """Forget a group without tokens."""
        await desk.remove_group(scope, group, reason)


def _lists(routes: APIRouter, lists: LocalLists) -> None:
    def shown(station: str, known: Known) -> dict[str, Any]:
        return {
            "station": station,
            "version": known.version,
            "state": known.state,
            "reason": known.reason,
            "entries": len(known.lines),
            "content": digest(known.lines),
        }

    @routes.get("/local-lists")
    async def states(scope: Reader) -> list[dict[str, Any]]:
        """The lists of all stations that ever had one."""
        return [shown(station, known) for station, known in await lists.states(scope)]

    @routes.get("/stations/{station}/local-list")
    async def look(scope: Reader, station: str) -> dict[str, Any]:
        """What a station has, and what would be sent."""
        known, plan = await lists.look(scope, station)
        todo = [{"update": m.update, "version": m.version, "entries": len(m.entries)} for m in plan.messages]
        return shown(station, known) | {"to_send": todo, "left_out": plan.left_out}

    @routes.post("/stations/{station}/local-list")
    async def sync(scope: Operator, station: str, full: bool = False) -> dict[str, Any]:
        """Bring a station's list in step; `full` sends all of it."""
        return shown(station, await lists.sync(scope, station, full))
