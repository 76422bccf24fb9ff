"""Entry of upkeep: hears what stations say, works by the clock, forgets what is old."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sunpile.basics.ids import StationId
from sunpile.basics.jobs import goes_on
from sunpile.basics.ports import Clock
from sunpile.chargers.certificates.redaction import is_secret
from sunpile.chargers.commands import Command, CommandResult
from sunpile.chargers.events import StationEvent, StatusChanged
from sunpile.chargers.notices import CarSchedule, LimitNotified, MonitorEvent, Notice, Progress, SecurityEvent, Told
from sunpile.chargers.station import StationState
from sunpile.fleet.alarm import Alarm, Source
from sunpile.fleet.alerts import ALARMING, Finding
from sunpile.fleet.campaigns import Campaigns
from sunpile.fleet.catalogue import HIDDEN
from sunpile.fleet.configuration import Configuration
from sunpile.fleet.curves import SampleRow, rows_of
from sunpile.fleet.customers import Customers
from sunpile.fleet.events import Told as Happened
from sunpile.fleet.maintenance import Maintenance
from sunpile.fleet.reports import Reports
from sunpile.fleet.run_words import FIRMWARE_FAILED, LOG_FAILED, PUBLISH_FAILED
from sunpile.fleet.upkeep_ports import LiveStations

DAY_S = 86_400
SKEW_S = 10
"""A clock that is less off [s] is no finding."""
NO_SEVERITY = 3
"""A monitor that tells no severity (2.0.1 has none in an event) is an alert of its own making."""


class HistoryBook(Protocol):
    """What was with stations."""

    async def recover(self) -> None: ...
    async def look(self, states: Mapping[StationId, StationState], now: int) -> None: ...
    async def status(self, event: StatusChanged, now: int) -> None: ...
    async def note(self, event: Happened) -> None: ...
    async def findings(self, now: int) -> Sequence[Finding]: ...
    async def empty_sessions(self, since: int, now: int) -> Sequence[Finding]: ...
    async def places(self, stations: Sequence[str]) -> Mapping[str, tuple[str, str, tuple[str, ...]]]:
        """(tenant, site, tags) of those of these stations that are known."""
        ...


class SampleBook(Protocol):
    """Where samples go."""

    def keep(self, rows: Iterable[SampleRow]) -> None: ...


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept [days]."""

    frames: int = 30
    """The raw message log and refused attempts."""
    samples: int = 400
    """Curves."""
    history: int = 800
    """Connections, statuses and events: two years of uptime and a bit."""
    files: int = 90
    """Logs from stations and reports."""
    alerts: int = 400
    """Closed alerts."""
    customers: int = 30
    """What stations said of a person."""


Forget = Callable[[int], Awaitable[int]]
"""Forget what is older than a moment [Unix s]."""


@dataclass(frozen=True)
class Parts:
    """What upkeep is made of."""

    live: LiveStations
    history: HistoryBook
    samples: SampleBook
    configuration: Configuration
    alarm: Alarm
    campaigns: Campaigns
    maintenance: Maintenance
    reports: Reports
    customers: Customers
    forget: Mapping[str, Forget]
    """By field of `Retention`, what forgets it."""
    sources: Mapping[str, Source] = field(default_factory=dict[str, Source])
    """More to look at for alerts, by the kind it speaks for: certificate ..."""


class Upkeep:
    """`told` with every notice, `heard` with every event, `answered` with every answer, `run` beside them."""

    def __init__(self, parts: Parts, clock: Clock, retention: Callable[[], Awaitable[Retention]], period_s: int = 15):
        self.parts, self._clock, self._retention, self._period_s = parts, clock, retention, period_s
        self._drift_at = self._forgot_at = self._minute_at = 0
        self._sessions_at = clock.now()

    # -- what stations say ------------------------------------------------------------------------------------------

    def metered(self, event: StationEvent) -> None:
        """Samples go to the curves; never waits."""
        self.parts.samples.keep(rows_of(event, self._clock.now()))

    async def heard(self, event: StationEvent) -> None:
        """An event of a station: samples to the curves, statuses to the history."""
        self.metered(event)
        if isinstance(event, StatusChanged):
            await self.parts.history.status(event, self._clock.now())

    async def told(self, notice: Notice) -> None:
        """A notice of a station."""
        await self.parts.configuration.told(notice)
        await self.parts.campaigns.told(notice)
        await self.parts.customers.told(notice)
        now = self._clock.now()
        kept = of_notice(notice, now)
        if kept is None:
            return
        await self.parts.history.note(kept)
        finding = finding_of(notice)
        if finding:
            await self.happened(finding)

    async def happened(self, finding: Finding) -> None:
        """Something happened at a station, whose tenant and place are looked up."""
        place = (await self.parts.history.places([finding.station])).get(finding.station)
        if place:
            await self.parts.alarm.happened([finding._replace(tenant=place[0], site=place[1], tags=place[2])])

    async def answered(self, station: StationId, command: Command, result: CommandResult) -> None:
        """An answer to a command teaches what a station's settings are."""
        await self.parts.configuration.answered(station, command, result)

    # -- by the clock -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled."""
        await self.parts.history.recover()
        while True:
            with self._clock.work():
                await self.tick()
            await self._clock.sleep_until(self._clock.now() + self._period_s)

    async def tick(self) -> None:
        """Everything that is due. What fails (a locked disk, a bug in one report) keeps nothing else from its turn."""
        parts, now = self.parts, self._clock.now()
        with goes_on("history of connections"):
            await parts.history.look(parts.live.states(), now)
        with goes_on("firmware campaigns"):
            await parts.campaigns.tick()
        if now >= self._minute_at + 60:
            self._minute_at = now
            await self._minute(now)
        if now >= self._drift_at + 3600:
            self._drift_at = now
            with goes_on("drift"):
                await parts.alarm.look(await parts.configuration.findings(), {"drift"})
        if now >= self._forgot_at + DAY_S:
            self._forgot_at = now
            with goes_on("forgetting"):
                await self.forget()

    async def _minute(self, now: int) -> None:
        parts = self.parts
        with goes_on("maintenance"):
            parts.alarm.quiet = await parts.maintenance.tick()
        with goes_on("alerts"):
            await parts.alarm.look(
                await self._findings(now), {"offline", "faulted", "leniency", "clock", *parts.sources}
            )
        with goes_on("sessions without energy"):
            await parts.alarm.happened(await parts.history.empty_sessions(self._sessions_at, now))
            self._sessions_at = now
        with goes_on("reports"):
            await parts.reports.tick()

    async def _findings(self, now: int) -> list[Finding]:
        found = [*await self.parts.history.findings(now), *await self._clocks()]
        for source in self.parts.sources.values():
            found += await source(now)
        return found

    async def _clocks(self) -> list[Finding]:
        skews = {
            station: state.clock_skew_s or 0 for station, state in self.parts.live.states().items() if state.connected
        }
        off = {station: skew for station, skew in skews.items() if abs(skew) > SKEW_S}
        found: list[Finding] = []
        for station, (tenant, site, tags) in (await self.parts.history.places(list(off))).items():
            skew = off[StationId(station)]
            words = f"its clock is {abs(skew)} s {'ahead' if skew > 0 else 'behind'}"
            found.append(Finding(tenant, station, "clock", "", abs(skew), words, site, tags))
        return found

    async def forget(self) -> dict[str, int]:
        """Forget what is older than the retention says; how much went."""
        now, kept = self._clock.now(), await self._retention()
        gone: dict[str, int] = {}
        for name, work in self.parts.forget.items():
            with goes_on(f"forgetting {name}"):
                gone[name] = await work(now - getattr(kept, name) * DAY_S)
        return gone


def of_notice(notice: Notice, now: int) -> Happened | None:
    """What of a notice is kept in the history."""
    match notice:
        case SecurityEvent():
            return Happened(notice.station, notice.at, now, "security", notice.kind, notice.info)
        case Progress():
            detail = {"request": notice.request} if notice.request is not None else {}
            return Happened(notice.station, now, now, notice.work, notice.status, notice.info, detail=detail)
        case MonitorEvent():
            name = f"{notice.component}.{notice.variable}"
            facts = {"event": notice.event, "trigger": notice.trigger, "monitor": notice.monitor}
            facts |= {"tech_code": notice.tech_code, "tech_info": notice.tech_info, "transaction": notice.transaction}
            detail = {key: value for key, value in facts.items() if value not in (None, "")}
            return Happened(
                notice.station,
                notice.at,
                now,
                "monitor",
                name,
                said_of(notice),
                notice.severity,
                notice.cleared,
                detail,
            )
        case LimitNotified():
            where = None if notice.evse is None else int(notice.evse)
            said = {"evse": where, "grid_critical": notice.grid_critical, "local_generation": notice.local_generation}
            detail = {key: value for key, value in said.items() if value not in (None, False)}
            detail |= {"schedules": list(notice.schedules)} if notice.schedules else {}
            return Happened(notice.station, now, now, "limit", notice.source, "", None, notice.cleared, detail)
        case CarSchedule():
            detail = {"evse": int(notice.evse), "schedule": notice.schedule, "selected": notice.selected}
            detail = {key: value for key, value in detail.items() if value is not None}
            return Happened(notice.station, notice.at, now, "car", "NotifyEVChargingSchedule", detail=detail)
        case Told():
            return _other(notice, now)
        case _:
            return None


def _other(told: Told, now: int) -> Happened | None:
    said = told.payload
    match told.action:
        case "NotifyDERAlarm":
            name, ended = said["controlType"], bool(said.get("alarmEnded", False))
            fault = str(said.get("gridEventFault", ""))
            return Happened(told.station, now, now, "grid", name, fault, None, ended, dict(said))
        case "NotifyDERStartStop":
            value = "started" if said["started"] else "stopped"
            return Happened(told.station, now, now, "grid", said["controlId"], value, detail=dict(said))
        case "NotifyPriorityCharging":
            value = "activated" if said["activated"] else "deactivated"
            return Happened(told.station, now, now, "priority", said["transactionId"], value)
        case _:
            return None


def said_of(event: MonitorEvent) -> str:
    """The value an event tells, as staff may see it: no password that a station gives away."""
    return HIDDEN if event.value and is_secret(event.variable) else event.value


def finding_of(notice: Notice) -> Finding | None:
    """What of a notice may alert; whose station it is comes later."""
    station = str(getattr(notice, "station", ""))
    match notice:
        case SecurityEvent() if notice.kind in ALARMING:
            return Finding("", station, "security", notice.kind, 0, notice.info or notice.kind)
        case Progress(work="firmware" | "publish") if notice.status in FIRMWARE_FAILED | PUBLISH_FAILED:
            return Finding("", station, "firmware", "", 0, f"{notice.status} {notice.info}".strip())
        case Progress(work="log") if notice.status in LOG_FAILED:
            return Finding("", station, "log", "", 0, notice.status)
        case Told(action="NotifyDERAlarm"):
            said, name = notice.payload, f"grid.{notice.payload['controlType']}"
            words = f"{name} {said.get('gridEventFault', '')} {said.get('extraInfo', '')}".strip()
            return Finding("", station, "monitor", name, NO_SEVERITY, words, cleared=said.get("alarmEnded", False))
        case MonitorEvent() if notice.trigger in ("Alerting", "Delta") or notice.severity is not None:
            severity = NO_SEVERITY if notice.severity is None else notice.severity
            name = f"{notice.component}.{notice.variable}"
            return Finding(
                "", station, "monitor", name, severity, f"{name} = {said_of(notice)}", cleared=notice.cleared
            )
        case _:
            return None
