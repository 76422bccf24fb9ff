"""A town of the market for every test of this folder."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from market_hand import TARIFF, Hand
from stage import stage

CAP = 10_000


@dataclass
class Town:
    """One zone with a rich utility, two buyers and two sellers, and the moment it begins."""

    hand: Hand
    tree: int
    zone: int
    first: int
    """The zone's first interval; the clock stands at its start."""
    buyers: list[int]
    sellers: list[int]


@pytest.fixture
def hand(deploy: Callable[..., Any], token: Any) -> Hand:
    """Contracts and model, nobody in them yet."""
    return stage(deploy, token)


@pytest.fixture
def town(hand: Hand) -> Town:
    """Buyers hold twice the reserve of their cap, so the default orders buy and sell at 500."""
    tree = hand.tree()
    zone = hand.zone(tree)
    first = hand.model.zones[zone].next
    hand.publish(tree, first, TARIFF)
    buyers = [hand.point(zone, CAP) for _ in range(2)]
    sellers = [hand.point(zone, CAP) for _ in range(2)]
    hand.deposit_utility(tree, 10**15)
    for point in buyers:
        hand.deposit(point, 2 * CAP * hand.model.zones[zone].rate)
    hand.at(zone, first)
    return Town(hand, tree, zone, first, buyers, sellers)
