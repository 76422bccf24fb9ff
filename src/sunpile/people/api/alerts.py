"""Alerts for staff: list, acknowledge, close; rules; what stations told; maintenance windows."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from sunpile.fleet.alarm import Alarm
from sunpile.fleet.alerts import KINDS, Alert, Rule
from sunpile.fleet.maintenance import Maintenance, Window
from sunpile.people.api.bodies import Body, StationText, UnixTime
from sunpile.people.api.staff import Configurer, Operator, Reader

Note = Annotated[str, StringConstraints(max_length=500)]
Seconds = Annotated[int, Field(ge=0, le=90 * 86_400)]
RuleName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,24}$")]


class NoteBody(Body):
    """Why, or what is being done."""

    note: Note = ""


class RuleBody(Body):
    """A rule."""

    kind: str
    severity: Annotated[int, Field(ge=0, le=9)] = 5
    threshold: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    hold_s: Seconds = 0
    clear_s: Seconds = 300
    escalate_s: Seconds = 0
    enabled: bool = True
    site: Annotated[str, StringConstraints(max_length=64)] = ""
    tag: Annotated[str, StringConstraints(max_length=48)] = ""
    reason: Note = ""

    def rule(self, name: str) -> Rule:
        """The record, with this id."""
        return Rule(name, **self.model_dump(exclude={"reason"}))


class WindowBody(Body):
    """A maintenance window, of a station or a site."""

    station: StationText | Literal[""] = ""
    site: Annotated[str, StringConstraints(max_length=64)] = ""
    begins: UnixTime
    ends: UnixTime
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    availability: bool = Field(False, description="take it out of service meanwhile")


class KindView(Body):
    """A kind of alert."""

    kind: str
    en: str
    zh: str


def router(alarm: Alarm, maintenance: Maintenance) -> APIRouter:
    """Routes over the services."""
    routes = APIRouter(prefix="/api", tags=["alerts"])
    _alerts(routes, alarm)
    _rules(routes, alarm)
    _windows(routes, maintenance)
    return routes


def _alerts(routes: APIRouter, alarm: Alarm) -> None:
    @routes.get("/alerts")
    async def listing(
        scope: Reader,
        state: Literal["", "open", "acknowledged", "closed"] = "",
        station: Annotated[str, Query(max_length=48)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> list[Alert]:
        """Alerts, newest first; without a state those that need somebody."""
        return list(await alarm.listing(scope, state, station, limit))

    @routes.post("/alerts/{alert}/acknowledge")
    async def acknowledge(scope: Operator, alert: str, body: NoteBody) -> Alert:
        """Say that somebody has seen it: it escalates no more."""
        return await alarm.acknowledge(scope, alert, body.note)

    @routes.post("/alerts/{alert}/close")
    async def close(scope: Operator, alert: str, body: NoteBody) -> Alert:
        """Close it by hand; what is still true opens a new one."""
        return await alarm.close(scope, alert, body.note)


def _rules(routes: APIRouter, alarm: Alarm) -> None:
    @routes.get("/alert-kinds")
    async def kinds(scope: Reader) -> list[KindView]:
        """What there may be alerts of."""
        return [KindView(kind=kind, en=en, zh=zh) for kind, (en, zh) in KINDS.items()]

    @routes.get("/alert-rules")
    async def rules(scope: Reader) -> list[Rule]:
        """When there is an alert."""
        return await alarm.rules(scope)

    @routes.put("/alert-rules/{rule}")
    async def save(scope: Configurer, rule: RuleName, body: RuleBody) -> Rule:
        """Change or add a rule."""
        return await alarm.save_rule(scope, body.rule(rule), body.reason)

    @routes.delete("/alert-rules/{rule}", status_code=204)
    async def remove(scope: Configurer, rule: RuleName) -> None:
        """Take back what was changed."""
        await alarm.remove_rule(scope, rule)


def _windows(routes: APIRouter, maintenance: Maintenance) -> None:
    @routes.get("/maintenance")
    async def listing(scope: Reader, since: Annotated[int, Query(ge=0, lt=1 << 62)] = 0) -> list[Window]:
        """Windows that end after a moment, the earliest first."""
        return list(await maintenance.windows(scope, since))

    @routes.post("/maintenance", status_code=201)
    async def plan(scope: Operator, body: WindowBody) -> Window:
        """Plan a window: no alerts, no outage, and if wished out of service."""
        return await maintenance.plan(
            scope, body.station, body.site, body.begins, body.ends, body.reason, body.availability
        )

    @routes.delete("/maintenance/{window}", status_code=204)
    async def remove(scope: Operator, window: str) -> None:
        """Give up a window that has not begun."""
        await maintenance.remove(scope, window)
