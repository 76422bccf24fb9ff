"""Towns in real time: intervals of five seconds, waited for by nobody."""

import asyncio
import dataclasses
import time
from collections import defaultdict
from typing import Any

from sunpile.town.cars import Visit
from sunpile.town.scenario import Scenario, TownPlan, lay_out
from sunpile.town.scenario import _drivers as drivers_of
from sunpile.town.town import Town
from sunpile.wiring.demo import Stage

LENGTH = 5


def quick_town(intervals: int, **changes: Any) -> Scenario:
    """A small town whose first interval is set by `begin_in`."""
    start = (int(time.time()) // LENGTH + 1) * LENGTH
    base = Scenario(
        seed=4, houses=2, piles=2, batteries=1, from_hour=12, intervals=intervals, length=LENGTH, start=start
    )
    return dataclasses.replace(base, wait=False, sample_s=LENGTH, tail_s=8, lead_s=600, **changes)


async def begin_in(stage: Stage, seconds: int) -> Town:
    """Give the stage a town whose first interval begins in `seconds`, and whose clock shows the time."""
    start = ((int(time.time()) + seconds) // LENGTH + 1) * LENGTH
    scenario = dataclasses.replace(stage.town.scenario, start=start)
    town = await asyncio.to_thread(lambda: Town(scenario, with_cars(lay_out(scenario))))
    await town.open()
    await asyncio.sleep(1 - time.time() % 1)
    town.scheduler.now = int(time.time())
    stage.town = town
    return town


def with_cars(plan: TownPlan) -> TownPlan:
    """Real cars stay for hours; these come and go within the minute."""
    begin, end = plan.scenario.first_begin, plan.scenario.day_end
    home = [Visit(1, begin + 3, end + 600, 40_000, 11_000, 40_000, 11_000, False)]
    fast = [
        Visit(1 + number % 2, begin + 2 + 12 * number, begin + 22 + 12 * number, 250, 100_000, 250, 100_000, False)
        for number in range((end - begin) // 12)
    ]
    visits = {"private": home, "fast": fast}
    piles = tuple(dataclasses.replace(pile, visits=tuple(visits[pile.kind])) for pile in plan.piles)
    drivers = drivers_of(plan.scenario, {pile.station: pile for pile in piles})
    return dataclasses.replace(plan, piles=piles, drivers=drivers)


async def all_settled(stage: Stage, seconds: float) -> int:
    """Wait until the day's last interval is settled; returns how many of the day are."""
    scenario = stage.town.scenario
    deadline = time.monotonic() + seconds
    while True:
        async with stage.opened() as (store, _reader, reconciler):
            settled = await store.settled(reconciler.zone, scenario.first_interval, scenario.last_interval)
        if len(settled) == scenario.intervals or time.monotonic() > deadline:
            return len(settled)
        await asyncio.sleep(1)


async def check_energy(stage: Stage) -> None:
    """What is settled, in batches or late, is what the meters counted."""
    report, scenario = stage.report, stage.town.scenario
    assert report is not None
    async with stage.opened() as (store, _reader, reconciler):
        first, last, zone = scenario.first_interval, scenario.last_interval, reconciler.zone
        settled: dict[tuple[int, int], int] = {}
        for interval in range(first, last + 1):
            batch = await store.batch(zone, interval)
            assert batch is not None
            proposals = [batch.kept.proposal] + [late.proposal for late in await store.lates(zone, interval)]
            for proposal in proposals:
                for signed in proposal.witness.readings:
                    settled[signed.reading.point, interval] = signed.reading.wh
        polled = {record.point for record in await store.points(zone) if record.node_signs and record.kind != "pile"}
    missing = report.truth.keys() - settled.keys()
    assert not missing, sorted(missing)
    more: dict[int, int] = defaultdict(int)
    for (point, interval), wh in settled.items():
        if point in polled:
            more[point] += wh - report.truth[point, interval]
        else:
            assert wh == report.truth[point, interval], (point, interval)
    # The node reads a register within a second of the edge it stands for: neighbours share the difference, so what
    # is left is that of the day's first and last edge.
    fastest = 12_000 // 3600 + 1
    assert all(abs(wh) <= 2 * fastest for wh in more.values()), dict(more)
