"""The entry: open the town, let a node and its members join, play the day, say what really happened."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from sunpile.town.api import NodeApi
from sunpile.town.cars import Visit
from sunpile.town.clock import ClockServer
from sunpile.town.drivers import Driver
from sunpile.town.link import Link
from sunpile.town.onboarding import Onboarding, Registered
from sunpile.town.pushing import PushingMeters, SigningMeter
from sunpile.town.scenario import Scenario, TownPlan, lay_out
from sunpile.town.scheduler import Phase, Scheduler
from sunpile.town.world import World

CLOCK_PARTICIPANT = "node"
"""Who must be done before time moves."""
ORDER_HOURS = (10, 17)
"""Hours after the first interval's begin at which some owners change their orders."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the day is."""

    stage: str
    """plan, join, fund, drivers, day, done."""
    intervals: int
    """Intervals that have ended."""
    of: int
    """Intervals of the day."""
    now: int
    """Virtual time [Unix s]."""


OnProgress = Callable[[Progress], None]


@dataclass
class TownReport:
    """What happened, measured at the meters themselves."""

    first_interval: int
    last_interval: int
    points: int = 0
    """Metering points registered."""
    truth: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    """Net energy by (point, interval) as each point's own meter counted it, before netting [Wh, import positive]."""
    moments: int = 0
    """How often time moved."""
    ocpp_calls: int = 0
    """Calls of stations that were answered."""
    ocpp_failures: list[str] = field(default_factory=list[str])
    """CALLERRORs that came back to stations."""
    reconnects: int = 0
    """Connections beyond the first of each station."""
    charges: int = 0
    """Transactions begun."""
    readings_pushed: int = 0
    """Signed readings the node has answered."""
    reading_answers: dict[str, int] = field(default_factory=dict[str, int])
    """How often the node answered what to a reading."""
    modbus_reads: int = 0
    """Modbus requests answered."""
    http_calls: int = 0
    """HTTP answers of the node."""
    http_retries: int = 0
    """HTTP attempts that found nobody."""
    vouchers: int = 0
    """Vouchers accepted."""
    refused: list[str] = field(default_factory=list[str])
    """What drivers were refused."""


def _silent(progress: Progress) -> None:
    pass


class Town:
    """A town that can be joined: `open`, then start the node with `clock_port`, then `run`, then `close`."""

    def __init__(self, scenario: Scenario, plan: TownPlan | None = None) -> None:
        self.scenario = scenario
        self.plan = plan or lay_out(scenario)
        self.scheduler = Scheduler(scenario.begin, scenario.wait)
        self.clock = ClockServer(self.scheduler, (CLOCK_PARTICIPANT,), steady=self._steady)
        self.world = World.build(self.plan, self.scheduler)
        self.registered: Registered | None = None
        self.drivers: list[Driver] = []
        self.pushing: PushingMeters | None = None
        self.report = TownReport(scenario.first_interval, scenario.last_interval)
        self._node: NodeApi | None = None
        self._links: dict[str, Link] = {}
        self._registers: dict[int, tuple[int, int]] = {}

    async def open(self, host: str = "127.0.0.1", clock_port: int = 0) -> int:
        """Start the clock and the Modbus devices; returns the clock's port."""
        await self.world.park.start(host)
        return await self.clock.start(host, clock_port)

    async def run(
        self,
        node_url: str,
        ocpp_url: str,
        member_urls: list[str],
        admin_token: str,
        on_progress: OnProgress = _silent,
        publish_tariffs: bool = True,
    ) -> TownReport:
        """Join the node at `node_url`, play the day, return what happened.

        Raises
        ------
        Unreachable
            if the node does not come back for ten minutes.
        """
        scenario = self.scenario
        if scenario.wait:
            await self.run_to(node_url, ocpp_url, member_urls, admin_token, scenario.end, on_progress, publish_tariffs)
        else:
            free = asyncio.create_task(self.clock.run_freely(scenario.end, scenario.speed))
            await self._join(node_url, ocpp_url, member_urls, admin_token, on_progress, publish_tariffs)
            await free
            await self.scheduler.drain(30.0)
        self._count()
        self._tell(on_progress, "done")
        return self.report

    async def run_to(
        self,
        node_url: str,
        ocpp_url: str,
        member_urls: list[str],
        admin_token: str,
        until: int,
        on_progress: OnProgress = _silent,
        publish_tariffs: bool = True,
    ) -> None:
        """Join and play to `until` [Unix s] with a waiting clock; `clock.run_until` goes on from there."""
        await self._join(node_url, ocpp_url, member_urls, admin_token, on_progress, publish_tariffs)
        await self.clock.run_until(until)

    async def close(self) -> None:
        """Hang up everywhere."""
        for link in self._links.values():
            await link.close()
        if self.pushing:
            await self.pushing.close()
        if self._node:
            await self._node.close()
        await self.world.park.stop()
        await self.clock.stop()

    # -- joining ------------------------------------------------------------------------------------------------------

    async def _join(
        self,
        node_url: str,
        ocpp_url: str,
        member_urls: list[str],
        admin_token: str,
        on_progress: OnProgress,
        publish_tariffs: bool,
    ) -> None:
        node = self._node = NodeApi(node_url, admin_token)
        onboarding = Onboarding(self.plan, node)
        self._tell(on_progress, "join")
        if publish_tariffs:
            await onboarding.publish_tariffs()
        done = self.registered = await onboarding.join(self.world.home_devices(), self.world.battery_devices())
        self.report.points = len(done.accounts)
        self._tell(on_progress, "fund")
        await onboarding.fund(done)
        await onboarding.order(done, 1)
        self._tell(on_progress, "drivers")
        piles = self.world.piles
        self.drivers = [Driver(plan, node, done.domains, self.scheduler, piles) for plan in self.plan.drivers]
        await onboarding.sign_up(done, self.drivers)
        signing = [
            SigningMeter(done.homes[house.number], house.meter_key, self.world.houses[house.number])
            for house in self.plan.houses
            if house.meter_key
        ]
        self.pushing = PushingMeters(signing, self.scenario.seed, done.domains.market, node, member_urls)
        self._connect(done, ocpp_url)
        for number, hour in enumerate(ORDER_HOURS, 2):
            # Off an interval's edge, so that the order takes effect in the same interval however long it takes.
            when = self.scenario.first_begin + hour * 3600 + self.scenario.length // 3
            if when < self.scenario.day_end:
                self.scheduler.at(when, Phase.PERSON, "orders", lambda t, n=number: self._reorder(onboarding, n))
        self._schedule_day(on_progress)

    async def _reorder(self, onboarding: Onboarding, round_number: int) -> None:
        if self.registered:
            await onboarding.order(self.registered, round_number)

    def _connect(self, done: Registered, ocpp_url: str) -> None:
        whose = {key: driver for driver in self.drivers for key in driver.plan.visits}
        for station, pile in self.world.piles.items():
            card = done.cards[station]
            url = card.get("url") or ocpp_url
            if not url.rstrip("/").endswith(card["identity"]):
                url = f"{url.rstrip('/')}/{card['identity']}"
            commands = self.world.commands(station)
            link = Link(url, pile.dialect.subprotocol, card["identity"], card["password"], commands)
            self._links[station] = link
            pile.on_moment = lambda name, visit, what: self._notice(whose, name, visit, what)
            pile.connect(link)

    def _notice(self, whose: dict[tuple[str, Visit], Driver], station: str, visit: Visit, what: str) -> None:
        if driver := whose.get((station, visit)):
            driver.notice(station, visit, what)

    async def _steady(self) -> bool:
        """Wait for stations that have lost the node; True if one had."""
        lost = [link for link in self._links.values() if not link.up]
        for link in lost:
            await link.wait_up(600.0)
        return bool(lost)

    # -- the day ------------------------------------------------------------------------------------------------------

    def _schedule_day(self, on_progress: OnProgress) -> None:
        scenario = self.scenario
        self.scheduler.at(scenario.first_begin, Phase.METER, "registers", self._mark)
        for interval in range(scenario.first_interval, scenario.last_interval + 1):
            end = (interval + 1) * scenario.length
            self.scheduler.at(
                end, Phase.METER, "registers", lambda t, i=interval: self._end_interval(t, i, on_progress)
            )

    async def _mark(self, when: int) -> None:
        if self.pushing:
            self.pushing.mark(when)
        self._registers = self._read_all(when)

    async def _end_interval(self, when: int, interval: int, on_progress: OnProgress) -> None:
        now = self._read_all(when)
        for point, (imported, exported) in now.items():
            before = self._registers.get(point, (0, 0))
            self.report.truth[point, interval] = (imported - before[0]) - (exported - before[1])
        self._registers = now
        if pushing := self.pushing:
            # Registers are read in time, however long the node takes to answer what is sent.
            batch = pushing.sign(when, interval)
            self.scheduler.soon(Phase.METER, "meters", lambda _t: pushing.send(batch))
        self._tell(on_progress, "day", interval - self.scenario.first_interval + 1)

    def _read_all(self, when: int) -> dict[int, tuple[int, int]]:
        done = self.registered
        if done is None:
            return {}
        found = {done.homes[number]: meter.read(when) for number, meter in self.world.houses.items()}
        found |= {done.batteries[number]: meter.read(when) for number, meter in self.world.batteries.items()}
        for (station, evse), point in done.evses.items():
            found[point] = self.world.piles[station].evses[evse - 1].meter.read(when)
        return found

    def _tell(self, on_progress: OnProgress, stage: str, intervals: int = 0) -> None:
        ended = self.scenario.intervals if stage == "done" else intervals
        on_progress(Progress(stage, ended, self.scenario.intervals, self.scheduler.now))

    def _count(self) -> None:
        report = self.report
        report.moments = self.clock.moments
        report.ocpp_calls = sum(link.sent for link in self._links.values())
        report.ocpp_failures = [f"{name} {failure}" for name, link in self._links.items() for failure in link.failures]
        report.reconnects = sum(link.connections - 1 for link in self._links.values())
        report.charges = sum(pile.charges for pile in self.world.piles.values())
        report.modbus_reads = self.world.park.reads
        report.vouchers = sum(driver.vouchers for driver in self.drivers)
        report.refused = [f"driver {d.plan.number} {refusal}" for d in self.drivers for refusal in d.refused]
        if self._node:
            report.http_calls, report.http_retries = self._node.calls, self._node.retries
        if self.pushing:
            report.readings_pushed, report.reading_answers = self.pushing.pushed, dict(self.pushing.answers)


async def run(
    scenario: Scenario,
    node_url: str,
    ocpp_url: str,
    member_urls: list[str],
    admin_token: str,
    on_progress: OnProgress = _silent,
    clock_port: int = 0,
) -> TownReport:
    """Open a town, play its day with a node that is already there, close it."""
    town = Town(scenario)
    await town.open(clock_port=clock_port)
    try:
        return await town.run(node_url, ocpp_url, member_urls, admin_token, on_progress)
    finally:
        await town.close()
