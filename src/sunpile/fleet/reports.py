"""Reports: uptime and success of a tenant's stations, on demand or by the clock, as JSON or CSV."""

import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from sunpile.basics.audit import Audit
from sunpile.basics.errors import InputInvalid
from sunpile.basics.jobs import goes_on
from sunpile.basics.ports import Clock
from sunpile.basics.scope import DEFAULT_TENANT, Permission, Scope
from sunpile.fleet.files import Files
from sunpile.fleet.maintenance import Window
from sunpile.fleet.success import Attempt, all_together, by_model, by_reason, by_station, success
from sunpile.fleet.tabular import csv_text
from sunpile.fleet.uptime import Span, StatusAt, uptime

DAY_S = 86_400
LONGEST_S = 400 * DAY_S
Cadence = Literal["daily", "weekly"]
Form = Literal["json", "csv"]
Rows = list[dict[str, Any]]
GROUPS = {"station": by_station, "model": by_model, "reason": by_reason, "all": all_together}
READ: frozenset[Permission] = frozenset(("read",))


class ReportSource(Protocol):
    """Where reports come from; each call sees the scope's tenant only."""

    async def of_period(
        self, scope: Scope, period: Span
    ) -> Sequence[tuple[str, str, int, int, list[Span], list[StatusAt]]]: ...
    async def attempts(self, scope: Scope, period: Span) -> list[Attempt]: ...


class Windows(Protocol):
    """Planned maintenance of the scope's tenant."""

    async def windows(self, scope: Scope, since: int) -> Sequence[Window]: ...


@dataclass(frozen=True, slots=True)
class Schedule:
    """A report that makes itself."""

    schedule: str
    """Its id."""
    tenant: str
    """Whose."""
    report: str
    """uptime, or success-station, success-model, success-reason, success-all, or one that was wired in."""
    form: Form
    """json or csv."""
    cadence: Cadence
    """daily: of the day before; weekly: of the week before, on Mondays (UTC)."""
    hour: int
    """At this hour (UTC)."""
    last_at: int = 0
    """End of the last period that was reported [Unix s]."""


class ScheduleBook(Protocol):
    """Where schedules are kept."""

    async def schedules(self, scope: Scope | None) -> Sequence[Schedule]: ...
    async def save(self, schedule: Schedule) -> None: ...
    async def remove(self, scope: Scope, schedule: str) -> None: ...


Extra = Callable[[Scope, int, int], Awaitable[Rows]]
"""A report of another chapter: scope, from, to [Unix s]."""


class Reports:
    """The service."""

    def __init__(
        self,
        source: ReportSource,
        windows: Windows,
        book: ScheduleBook,
        files: Files,
        audit: Audit,
        clock: Clock,
        extra: Mapping[str, Extra] | None = None,
    ) -> None:
        self._source, self._windows, self._book, self._files = source, windows, book, files
        self._audit, self._clock = audit, clock
        self._extra = dict(extra or {})

    @property
    def names(self) -> list[str]:
        """Reports there are."""
        return ["uptime", *(f"success-{group}" for group in GROUPS), *self._extra]

    async def rows(self, scope: Scope, report: str, since: int, until: int) -> Rows:
        """A report of the tenant over a period [Unix s].

        Raises
        ------
        InputInvalid
            if there is no such report, or the period is none or too long.
        """
        if not since < until <= since + LONGEST_S:
            raise InputInvalid("a period ends after it begins, at most 400 days later")
        if report == "uptime":
            return await self._uptime(scope, Span(since, min(until, self._clock.now())))
        group = GROUPS.get(report.removeprefix("success-")) if report.startswith("success-") else None
        if group is not None:
            return [asdict(row) for row in success(await self._source.attempts(scope, Span(since, until)), group)]
        if report not in self._extra:
            raise InputInvalid(f"a report is one of {', '.join(self.names)}")
        return await self._extra[report](scope, since, until)

    async def _uptime(self, scope: Scope, period: Span) -> Rows:
        planned: dict[str, list[Span]] = {}
        for window in await self._windows.windows(scope, period.begin):
            planned.setdefault(window.station or f"site {window.site}", []).append(Span(window.begins, window.ends))
        rows: Rows = []
        for station, site, evse, registered, connected, statuses in await self._source.of_period(scope, period):
            # Nothing is held against a station before it was registered here.
            known = Span(max(period.begin, registered), period.end)
            windows = planned.get(station, []) + (planned.get(f"site {site}", []) if site else [])
            rows.append({"station": station, "evse": evse} | asdict(uptime(connected, statuses, windows, known)))
        return rows

    # -- by the clock -----------------------------------------------------------------------------------------------

    async def schedules(self, scope: Scope) -> Sequence[Schedule]:
        """The tenant's."""
        return await self._book.schedules(scope)

    async def plan(self, scope: Scope, report: str, form: Form, cadence: Cadence, hour: int) -> Schedule:
        """Have a report make itself.

        Raises
        ------
        InputInvalid
            if there is no such report.
        """
        scope.need("configure")
        if report not in self.names:
            raise InputInvalid(f"a report is one of {', '.join(self.names)}")
        made = Schedule(secrets.token_hex(8), scope.tenant, report, form, cadence, hour, self._clock.now())
        await self._book.save(made)
        await self._audit.record(scope, "report.plan", f"schedule:{made.schedule}", None, asdict(made))
        return made

    async def remove(self, scope: Scope, schedule: str) -> None:
        """Make it no more; what was made stays. Raises `NotFound`."""
        scope.need("configure")
        await self._book.remove(scope, schedule)
        await self._audit.record(scope, "report.remove", f"schedule:{schedule}", {"schedule": schedule}, None)

    async def tick(self) -> None:
        """Make what is due."""
        for schedule in await self._book.schedules(None):
            due = due_period(schedule, self._clock.now())
            if due is not None:
                with goes_on(f"report {schedule.report} of {schedule.tenant}"):
                    await self._make(schedule, due)

    async def _make(self, schedule: Schedule, due: Span) -> None:
        scope = Scope(schedule.tenant or DEFAULT_TENANT, "node", READ)
        rows = await self.rows(scope, schedule.report, due.begin, due.end)
        day = datetime.fromtimestamp(due.begin, UTC).date().isoformat()
        name = f"{schedule.report}-{schedule.cadence}-{day}.{schedule.form}"
        detail = {"report": schedule.report, "since": due.begin, "until": due.end}
        await self._files.keep(scope, "report", name, _once(as_text(rows, schedule.form).encode()), detail)
        await self._book.save(replace(schedule, last_at=due.end))


def due_period(schedule: Schedule, now: int) -> Span | None:
    """The period to report now; None: not yet. After a long rest only the last one is made.

    >>> due_period(Schedule("s", "t", "uptime", "csv", "daily", 6, 0), 10 * 86400 + 6 * 3600)
    Span(begin=777600, end=864000)
    """
    length = DAY_S if schedule.cadence == "daily" else 7 * DAY_S
    # The first day of 1970 was a Thursday; weeks begin on Mondays.
    first = 0 if schedule.cadence == "daily" else -3 * DAY_S
    end = now - (now - first) % length
    if end <= schedule.last_at or now < end + schedule.hour * 3600:
        return None
    return Span(end - length, end)


def as_text(rows: Rows, form: Form) -> str:
    """Rows in a form."""
    if form == "csv":
        return csv_text(list(rows[0]) if rows else [], rows)
    return json.dumps(rows, default=str)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
