"""Towns in real time: intervals of five seconds, waited for by nobody."""

import asyncio
import dataclasses
import time
from typing import Any

from sunpile.town.scenario import Scenario
from sunpile.town.town import Town
from sunpile.wiring.demo import Stage

LENGTH = 5
SETUP = 3600
"""How far before the first interval the town's plan begins [s]; joining starts somewhere in it."""


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
    town = await asyncio.to_thread(Town, dataclasses.replace(stage.town.scenario, start=start))
    await town.open()
    await asyncio.sleep(1 - time.time() % 1)
    town.scheduler.now = int(time.time())
    stage.town = town
    return town


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
