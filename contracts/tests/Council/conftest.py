"""A council of four, and a market that reports to it."""

from typing import Any

import pytest
from roles import role

EPOCH = 86_400


@pytest.fixture
def market(deploy) -> Any:
    """A market that pays."""
    return deploy("PayingMarket")


@pytest.fixture
def make_council(deploy, market):
    """`make_council(n)` is a council of n seats that knows the market."""

    def make(count: int, seats: list[str] | None = None) -> Any:
        seats = seats or [role(f"seat_{number}").address for number in range(count)]
        council = deploy("Council", seats, EPOCH)
        council.setMarket(market.address, sender=role("deployer").address)
        return council

    return make


@pytest.fixture
def council(make_council) -> Any:
    """Four seats."""
    return make_council(4)
