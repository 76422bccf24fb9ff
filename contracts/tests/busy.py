"""A busy zone: what settling costs is measured on its batch, by the tests and by the bench."""

from random import Random
from typing import Any

from market_hand import BATCH, Hand
from model.market import Batch


def busy_batch(hand: Hand, rows: int, waiting: float) -> tuple[Batch, list[Any]]:
    """A batch of `rows` rows at many limits and what `settle` takes for it, signed by three seats of four; `waiting` of
    the points have an order that begins in its interval."""
    zone, interval, net = _zone(hand, rows, waiting)
    batch, proposal = hand.propose(zone, interval, net)
    signatures = hand.sign("Batch", BATCH, proposal.struct(), [0, 1, 2])
    return batch, [tuple(proposal.header.values()), proposal.packed, 7, signatures]


def _zone(hand: Hand, rows: int, waiting: float) -> tuple[int, int, dict[int, int]]:
    """(zone, interval, net Wh) whose orders are in their slots, but for those who changed them."""
    chance = Random(rows)
    tree = hand.tree()
    zone = hand.zone(tree)
    first = hand.model.zones[zone].next
    hand.publish(tree, first)
    hand.deposit_utility(tree, 10**18)
    net = {}
    points = [hand.point(zone, cap=6_000) for _ in range(rows)]
    for number, point in enumerate(points):
        buying = number % 2 == 0
        hand.deposit(point, 10**12)
        hand.place(point, chance.randint(300, 1000), chance.randint(0, 700), 6_000)
        net[point] = chance.randint(1, 5_000) * (1 if buying else -1)
    # One batch behind them, so that every order is in its slot.
    hand.at(zone, first + 1, 60)
    hand.settle(zone, first, {point: 1 if wh > 0 else -1 for point, wh in net.items()})
    for point in chance.sample(points, int(rows * waiting)):
        hand.place(point, chance.randint(300, 1000), chance.randint(0, 700), 6_000)
    hand.at(zone, first + 3, 60)
    # The next interval is settled, then the one in which the new orders begin is measured.
    hand.settle(zone, first + 1, {points[0]: 5})
    hand.settle(zone, first + 2, {points[0]: 5})
    hand.at(zone, first + 4, 60)
    return zone, first + 3, net
