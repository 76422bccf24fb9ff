"""A small town and a fake node it can be played with."""

from collections.abc import AsyncIterator

import pytest
from tests.town.fake_node import FakeNode

from sunpile.town.scenario import Scenario, TownPlan, lay_out

SMALL = Scenario(seed=3, houses=6, piles=6, batteries=1, intervals=24, from_hour=11)


@pytest.fixture(scope="session")
def small_plan() -> TownPlan:
    """Six houses, six piles, one battery, from 11:00 to 17:00."""
    return lay_out(SMALL)


@pytest.fixture
async def node() -> AsyncIterator[FakeNode]:
    """A fake node, not yet started."""
    fake = FakeNode()
    yield fake
    if fake._running:
        await fake.kill()
