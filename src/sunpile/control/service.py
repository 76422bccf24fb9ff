"""`SiteControl`: hears stations, looks at the clock, sends limits. Thin: what to send is `guard.decide`'s."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sunpile.basics.errors import NotFound, SunpileError, Unreachable
from sunpile.basics.ids import EvseId, StationId
from sunpile.basics.jobs import goes_on
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.chargers.commands import Period, Profile, Schedule, SetChargingProfile
from sunpile.chargers.events import (
    Booted,
    MeterRead,
    Sample,
    StationEvent,
    StatusChanged,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.control.allot import safe_shares
from sunpile.control.car_needs import CarNeeds
from sunpile.control.guard import Answered, Away, CarCame, CarLeft, Event, Looked, SetLimit, SiteState, decide, moved
from sunpile.control.ports import Changed, Energy, Outlook, SiteBook, SiteRecord, Stations
from sunpile.control.site import VOLTAGE_V, Car, Conditions, FuseId, Outlet, Phases, Wiring

LOOK_S = 10
"""Between two looks at time, loads and prices [s]."""
LOADS_FRESH_S = 120
"""A measured load older than this is not trusted: the worst counts [s]."""
PROFILE_ID, SAFE_ID = 910_000, 900_000
"""Numbers of our profiles on a station, plus the EVSE's."""
FREE = ("Available", "Unavailable", "Faulted")
Offer = Callable[[Outlet, int, int], Awaitable[bool | None]]
"""Outlet, limit [mA], how long [s]; as `SiteControl._ask`."""
log = logging.getLogger("sunpile.control")


@dataclass
class _Run:
    """A site under control."""

    record: SiteRecord
    state: SiteState
    loads: dict[FuseId, tuple[int, Phases]] = field(default_factory=dict[FuseId, tuple[int, Phases]])
    """When and what was measured."""
    outlook: Outlook = field(default_factory=Outlook)
    safe_sent: set[Outlet] = field(default_factory=set[Outlet])


@dataclass(frozen=True, slots=True)
class CarWish:
    """What a driver or operator says of a car."""

    departs: int | None = None
    """When it leaves [Unix s]."""
    need_wh: int | None = None
    """Energy still wanted [Wh]."""
    priority: int = 0
    """Higher goes first."""
    solar_only: bool = False
    """Charges from surplus alone."""


class SiteControl:
    """All sites of a node. One limit at a time is on its way to each outlet."""

    def __init__(self, book: SiteBook, stations: Stations, energy: Energy, clock: Clock, changed: Changed) -> None:
        self._book, self._stations, self._energy = book, stations, energy
        self._clock, self._changed = clock, changed
        self._runs: dict[tuple[str, str], _Run] = {}
        self._where: dict[Outlet, _Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.offer: Offer | None = None
        """Has a car that talks ISO 15118 follow a limit too."""

    # -- life -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled."""
        try:
            await self.load()
            while True:
                with self._clock.work(), goes_on("the look at sites"):
                    await self.look()
                await self._clock.sleep_until(self._clock.now() + LOOK_S)
        finally:
            for task in self._tasks:
                task.cancel()

    async def load(self) -> None:
        """Read the sites anew; what is known of cars and limits stays where the outlet stays."""
        runs: dict[tuple[str, str], _Run] = {}
        for record in await self._book.all():
            key = record.tenant, record.site.site
            # The same run goes on: what is on its way to a station is answered to it.
            run = self._runs.get(key) or _Run(record, SiteState(record.site))
            if run.record != record:
                run.safe_sent.clear()
            run.record, run.state = record, moved(run.state, record.site, record.worst_base)
            runs[key] = run
        self._runs = runs
        self._where = {outlet: run for run in runs.values() for outlet in run.record.site.by_outlet}

    async def look(self) -> None:
        """One round over all sites."""
        for run in list(self._runs.values()):
            run.outlook = await self._energy.outlook(run.record.site.site)
            for outlet in run.record.site.by_outlet:
                away = not self._stations.connected(outlet.station)
                if away != (outlet in run.state.away):
                    self._happened(run, Away(outlet, away))
                if away:
                    run.safe_sent.discard(outlet)
                elif outlet not in run.safe_sent:
                    run.safe_sent.add(outlet)
                    self._spawn(self._send_safe(run, outlet))
            self._happened(run, Looked())

    # -- what is heard ----------------------------------------------------------------------------------------------

    def heard(self, event: StationEvent) -> None:
        """A station's event; after it is durable."""
        match event:
            case TransactionStarted():
                self._came(event.station, event.evse, event.at)
            case TransactionUpdated() | MeterRead():
                self._sampled(event.station, event.evse, event.samples)
            case TransactionEnded() if event.evse is not None:
                self._left(event.station, event.evse)
            case StatusChanged() if event.status in FREE:
                self._left(event.station, event.evse)
            case Booted():
                for outlet, run in self._where.items():
                    if outlet.station == event.station:
                        run.safe_sent.discard(outlet)
            case _:
                pass

    def _came(self, station: StationId, evse: EvseId, at: int) -> None:
        outlet = Outlet(station, evse)
        run = self._where.get(outlet)
        if run is not None:
            known = run.state.cars.get(outlet) or Car(outlet, at)
            self._happened(run, CarCame(replace(known, arrived=at, used_phases=None)))

    def _left(self, station: StationId, evse: EvseId) -> None:
        outlet = Outlet(station, evse)
        run = self._where.get(outlet)
        if run is not None and outlet in run.state.cars:
            self._happened(run, CarLeft(outlet))

    def _sampled(self, station: StationId, evse: EvseId, samples: tuple[Sample, ...]) -> None:
        outlet = Outlet(station, evse)
        run = self._where.get(outlet)
        car = run.state.cars.get(outlet) if run is not None else None
        phases = phases_seen(samples)
        if run is not None and car is not None and phases is not None and phases != car.used_phases:
            self._happened(run, CarCame(replace(car, used_phases=phases)))

    # -- what is said of a site -------------------------------------------------------------------------------------

    def measured(self, scope: Scope, site: str, loads: Mapping[FuseId, Phases]) -> None:
        """What else flows through fuses [mA for each phase]; believed for two minutes."""
        run = self._run(scope, site)
        unknown = sorted(set(loads) - {fuse.fuse for fuse in run.record.site.fuses})
        if unknown:
            raise NotFound(f"site {site} has no fuse {unknown[0]}")
        run.loads |= {fuse: (self._clock.now(), load) for fuse, load in loads.items()}
        self._happened(run, Looked())

    def wish(self, scope: Scope, outlet: Outlet, wish: CarWish) -> None:
        """What a driver says of the car at an outlet; it holds until the car leaves."""
        run = self._where.get(outlet)
        if run is None or run.record.tenant != scope.tenant:
            raise NotFound(f"EVSE {outlet.evse} of {outlet.station} belongs to no site")
        car = run.state.cars.get(outlet)
        if car is None:
            raise NotFound(f"no car is at EVSE {outlet.evse} of {outlet.station}")
        changed = replace(
            car, departs=wish.departs, need_wh=wish.need_wh, priority=wish.priority, solar_only=wish.solar_only
        )
        self._happened(run, CarCame(changed))

    def limit_of(self, outlet: Outlet) -> tuple[Wiring, int, int] | None:
        """An outlet's wiring, the limit it keeps now [mA] and for how long [s]; None if it belongs to no site."""
        run = self._where.get(outlet)
        if run is None:
            return None
        wiring, held, now = run.record.site.by_outlet[outlet], run.state.held.get(outlet), self._clock.now()
        if held is not None and held.until > now:
            return wiring, held.ma, held.until - now
        return wiring, safe_shares(run.record.site, run.record.worst_base)[outlet], LOADS_FRESH_S

    def needs(self, outlet: Outlet, needs: CarNeeds) -> bool:
        """What a car itself says it needs; True if a limit is on its way to it, which `offer` follows."""
        run = self._where.get(outlet)
        if run is None:
            return False
        known = run.state.cars.get(outlet) or Car(outlet, self._clock.now())
        want = known.want_ma if needs.want_ma is None else needs.want_ma
        said = replace(known, want_ma=want, need_wh=needs.need_wh or known.need_wh)
        self._happened(run, CarCame(replace(said, departs=needs.departs or known.departs)))
        return outlet in run.state.asked

    def state(self, scope: Scope, site: str) -> tuple[SiteState, Conditions]:
        """A site as it is now."""
        run = self._run(scope, site)
        return run.state, self._given(run)

    def _run(self, scope: Scope, site: str) -> _Run:
        run = self._runs.get((scope.tenant, site))
        if run is None:
            raise NotFound(f"there is no site {site}")
        return run

    # -- what is sent -----------------------------------------------------------------------------------------------

    def _given(self, run: _Run) -> Conditions:
        now = self._clock.now()
        fresh = {fuse: load for fuse, (at, load) in run.loads.items() if now - at <= LOADS_FRESH_S}
        return Conditions(
            now,
            {**run.record.worst_base, **fresh},
            run.outlook.surplus_w,
            run.record.ceiling_w,
            run.outlook.prices,
            run.outlook.slot_s,
        )

    def _happened(self, run: _Run, event: Event) -> None:
        before = run.state
        run.state, effects = decide(run.state, event, self._given(run))
        for effect in effects:
            self._spawn(self._send(run, effect))
        if run.state != before:
            self._changed("site", {"site": run.record.site.site, "tenant": run.record.tenant})

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, run: _Run, effect: SetLimit) -> None:
        with self._clock.work():
            accepted = await self._ask(effect.outlet, limit_profile(effect, self._clock.now()))
            if accepted and self.offer is not None:
                # Its own profile stands before the default one, so the limit holds only when both say it.
                accepted = await self.offer(effect.outlet, effect.ma, effect.valid_s)
            self._happened(run, Answered(effect.outlet, accepted))

    async def _send_safe(self, run: _Run, outlet: Outlet) -> None:
        with self._clock.work():
            share = safe_shares(run.record.site, run.record.worst_base)[outlet]
            if await self._ask(outlet, safe_profile(outlet, share)) is not True:
                data = {"station": outlet.station, "evse": outlet.evse, "site": run.record.site.site}
                self._changed("unsafe", data)
                log.warning("%s does not take its safe share for EVSE %d", outlet.station, outlet.evse)

    async def _ask(self, outlet: Outlet, profile: Profile) -> bool | None:
        """True or False as the station says, None where nobody knows whether it took the profile."""
        try:
            return (await self._stations.command(outlet.station, SetChargingProfile(outlet.evse, profile))).accepted
        except Unreachable:
            return None
        except SunpileError as refusal:
            log.warning("%s cannot be limited: %s", outlet.station, refusal.detail)
            return False


def limit_profile(effect: SetLimit, now: int) -> Profile:
    """The profile that carries a limit: a default one, so that it holds for who comes too, and runs out by itself."""
    schedule = Schedule([Period(0, effect.ma)], "A", start=now, duration_s=effect.valid_s)
    return Profile(
        id=PROFILE_ID + effect.outlet.evse,
        schedules=[schedule],
        stack_level=1,
        kind="Absolute",
        valid_to=now + effect.valid_s,
    )


def safe_profile(outlet: Outlet, ma: int) -> Profile:
    """The profile below it, which holds while nothing else does."""
    return Profile(id=SAFE_ID + outlet.evse, schedules=[Schedule([Period(0, ma)], "A")], stack_level=0, kind="Relative")


def phases_seen(samples: tuple[Sample, ...]) -> int | None:
    """How many phases a car draws from, by power and current of its newest sample; None if that cannot be told."""
    for sample in reversed(samples):
        if sample.power_w and sample.current_ma and sample.current_ma >= 4_000:
            volts = sample.voltage_mv or VOLTAGE_V * 1000
            phases = (sample.power_w * 2_000_000 + sample.current_ma * volts) // (2 * sample.current_ma * volts)
            return phases if 1 <= phases <= 3 else None
    return None
