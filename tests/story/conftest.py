"""A small town's day, played once for all tests that only look at it."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sunpile.town.scenario import Scenario
from sunpile.wiring.demo import DemoPlan, Stage, staged

SMALL = Scenario(seed=3, houses=6, piles=5, batteries=1, from_hour=11, intervals=6)
"""Six intervals around noon: roofs sell, cars and houses buy, the price moves."""


def small(**changes: Any) -> Scenario:
    return dataclasses.replace(SMALL, **changes)


@dataclasses.dataclass
class Played:
    """A day that is over, with node and members still running."""

    stage: Stage
    summary: dict[str, Any]
    dump: Path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    folder = tmp_path_factory.mktemp("day")
    async with staged(DemoPlan(SMALL, folder=folder / "node")) as stage:
        await stage.play(lambda _progress: None)
        summary = await stage.books()
        await stage.dump(folder / "dump")
        yield Played(stage, summary, folder / "dump")


async def until(condition: Any, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)
