"""Towns in real time: intervals of five seconds, waited for by nobody."""

import asyncio
import dataclasses
import time
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
    return dataclasses.replace(base, wait=False, sample_s=LENGTH, tail_s=15, lead_s=600, **changes)


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
