"""Dishonest batches, each signed by the whole council, and the reason with which the contract refuses each.

A kind takes an honest proposal apart, changes one thing, and puts the rest together again as a clever liar would: the
totals and the signatures fit the lie.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from random import Random

from market_hand import TOTALS, Hand, Proposal
from model.clearing import Clearing, Row, Tariff
from model.market import Batch

CAP = 5_000


@dataclass
class World:
    """A zone with an honest batch at hand, the batch before it, and a point of another zone."""

    hand: Hand
    zone: int
    interval: int
    batch: Batch
    honest: Proposal
    settled: Proposal
    """The batch of the interval before, already on chain."""
    foreign: int
    """A point of another zone."""
    net: dict[int, int]


def make_world(hand: Hand, chance: Random) -> World:
    """Points at few limits, so that the marginal group is never one row alone."""
    tree = hand.tree()
    zone, other = hand.zone(tree), hand.zone(tree)
    first = hand.model.zones[zone].next
    for offset in range(4):
        feed_in = chance.randint(50_000, 90_000)
        hand.publish(tree, first + offset, Tariff(feed_in + chance.randint(50_000, 200_000), feed_in, 3_000, 2_000))
    hand.deposit_utility(tree, 10**15)
    points = [hand.point(zone, CAP) for _ in range(12)]
    foreign = hand.point(other, CAP)
    net = {}
    for number, point in enumerate(points):
        hand.deposit(point, 10**12)
        limit = chance.choice([200, 500, 500, 500, 800])
        hand.place(point, limit, limit, CAP)
        net[point] = chance.randint(1, CAP) * (1 if number % 2 else -1)
    hand.at(zone, first + 1, 30)
    before, settled = hand.propose(zone, first, {point: wh // 2 or 1 for point, wh in net.items()})
    hand.send(settled)
    hand.model.settle(before)
    hand.at(zone, first + 4, 30)
    batch, honest = hand.propose(zone, first + 1, net)
    return World(hand, zone, first + 1, batch, honest, settled, foreign, net)


Kind = Callable[[World, Random], tuple[Proposal, set[str]]]
KINDS: dict[str, Kind] = {}


def kind(function: Kind) -> Kind:
    """Register a kind of lie."""
    KINDS[function.__name__] = function
    return function


def _at_price(world: World, price: int) -> Proposal:
    """The honest rows with another price and the totals that go with it."""
    tariff, clearing = world.batch.tariff, world.batch.clearing

    def wh(rows: list[Row], side: int, strict: bool) -> int:
        total = 0
        for row in rows:
            if row.limit is not None:
                better = side * (tariff.limit(row.limit) - price)
                total += row.wh if (better > 0 if strict else better == 0) else 0
        return total

    lie = deepcopy(world.honest)
    lie.header |= {
        "price": price,
        "buyAbove": wh(clearing.buyers, 1, True),
        "buyAt": wh(clearing.buyers, 1, False),
        "sellBelow": wh(clearing.sellers, -1, True),
        "sellAt": wh(clearing.sellers, -1, False),
    }
    return lie


def _recount(world: World, lie: Proposal, buyers: int, sellers: int) -> Proposal:
    lie.header |= {"buyers": buyers, "sellers": sellers}
    return lie


def _sides(world: World) -> list[tuple[int, int]]:
    """(first row, past last) of each side."""
    head = world.honest.header
    return [(0, head["buyers"]), (head["buyers"], head["buyers"] + head["sellers"])]


@kind
def price_off_by_one(world: World, chance: Random) -> tuple[Proposal, set[str]]:
    lie = _at_price(world, world.honest.header["price"] + chance.choice([-1, 1]))
    return lie, {"price: not the middle", "price: not an equilibrium"}


@kind
def price_outside_the_band(world: World, chance: Random) -> tuple[Proposal, set[str]]:
    tariff = world.batch.tariff
    far = chance.randint(1, tariff.low - 1)
    lie = _at_price(world, chance.choice([tariff.low - far, tariff.high + far]))
    return lie, {"price: outside the band"}


@kind
def rows_swapped(world: World, chance: Random) -> tuple[Proposal, set[str]]:
    first, last = chance.choice(_sides(world))
    one, two = chance.sample(range(first, last), 2)
    lie = deepcopy(world.honest)
    lie.rows[one], lie.rows[two] = lie.rows[two], lie.rows[one]
    return lie, {"rows: out of order"}


@kind
def row_doubled(world: World, chance: Random) -> tuple[Proposal, set[str]]:
    lie = deepcopy(world.honest)
    (_, middle), (_, end) = _sides(world)
    number = chance.randrange(end)
    lie.rows.insert(number + 1, lie.rows[number])
    buying = number < middle
    _recount(world, lie, middle + buying, end - middle + (not buying))
    return lie, {"row: point already settled"}


@kind
def row_on_both_sides(world: World, chance: Random) -> tuple[Proposal, set[str]]:
    lie = deepcopy(world.honest)
    (_, middle), (_, end) = _sides(world)
    lie.rows.append(lie.rows[chance.randrange(middle)])
    _recount(world, lie, middle, end - middle + 1)
    return lie, {"row: point already settled"}


@kind
def row_of_a_wrong_zone(world: World, chance: Random) -> tuple[Proposal, set[str]]:
    lie = deepcopy(world.honest)
    number = chance.randrange(len(lie.rows))
    lie.rows[number] = (chance.choice([world.foreign, world.foreign + 1_000, 0]), lie.rows[number][1])
    return lie, {"row: wrong zone"}


@kind
def row_above_the_cap(world: World, chance: Random) -> tuple[Proposal, set[str]]:
    lie = deepcopy(world.honest)
    number = chance.randrange(len(lie.rows))
    lie.rows[number] = (lie.rows[number][0], chance.choice([CAP + 1, 2**24, 2**32 - 1]))
    return lie, {"row: above cap"}


@kind
def row_without_energy(world: World, chance: Random) -> tuple[Proposal, set[str]]:
    lie = deepcopy(world.honest)
    number = chance.randrange(len(lie.rows))
    lie.rows[number] = (lie.rows[number][0], 0)
    return lie, {"row: no Wh"}


@kind
def wrong_tariff(world: World, chance: Random) -> tuple[Proposal, set[str]]:
    lie = deepcopy(world.honest)
    index = chance.choice([index for index in range(4) if index != lie.header["tariffIndex"]])
    lie.header["tariffIndex"] = index
    lie.tariff = world.hand.tariffs[world.hand.model.zones[world.zone].tree][index][1]
    return lie, {"tariff: not of this interval"}


@kind
def unknown_tariff(world: World, chance: Random) -> tuple[Proposal, set[str]]:
    lie = deepcopy(world.honest)
    lie.header["tariffIndex"] = chance.randint(4, 2**64)
    return lie, {"tariff: unknown"}


@kind
def replay(world: World, chance: Random) -> tuple[Proposal, set[str]]:
    lie = deepcopy(world.settled)
    lie.header["round"] = chance.randint(0, 3)
    lie.previous = world.honest.previous
    return lie, {"interval: not the next"}


@kind
def skipped_interval(world: World, chance: Random) -> tuple[Proposal, set[str]]:
    _, lie = world.hand.propose(world.zone, world.interval + chance.randint(1, 2), world.net)
    return lie, {"interval: not the next"}


@kind
def wrong_share_of_the_marginal_group(world: World, chance: Random) -> tuple[Proposal, set[str]]:
    while True:
        lie = deepcopy(world.honest)
        side = chance.choice(["buyAt", "sellAt"])
        lie.header[side] = max(lie.header[side] + chance.choice([-100, -1, 1, 100, 10**6]), 0)
        better = max(lie.header["buyAbove"], lie.header["sellBelow"])
        if lie.header[side] != world.honest.header[side] and better <= lie.volume():
            return lie, {"group: wrong buy totals" if side == "buyAt" else "group: wrong sell totals"}


@kind
def marginal_rows_passed_as_better_ones(world: World, chance: Random) -> tuple[Proposal, set[str]]:
    while True:
        lie = deepcopy(world.honest)
        strict, at = chance.choice([("buyAbove", "buyAt"), ("sellBelow", "sellAt")])
        moved = chance.choice([-1, 1]) * chance.randint(1, 300)
        if lie.header[strict] + moved < 0 or lie.header[at] - moved < 0:
            moved = abs(moved) if lie.header[at] else 0
        lie.header[strict] += moved
        lie.header[at] -= moved
        better = max(lie.header["buyAbove"], lie.header["sellBelow"])
        if moved and lie.header[at] >= 0 and better <= lie.volume():
            side = "buy" if strict == "buyAbove" else "sell"
            return lie, {f"group: wrong {side} totals", "price: not the middle"}


@kind
def hidden_rows(world: World, chance: Random) -> tuple[Proposal, set[str]]:
    lie = deepcopy(world.honest)
    (_, middle), (_, end) = _sides(world)
    lie.header["sellers"] = end - middle - chance.randint(1, 4)
    lie.words = lie.packed
    return lie, {"rows: wrong count", "rows: padding is not zero"}


@kind
def totals_that_overflow(world: World, chance: Random) -> tuple[Proposal, set[str]]:
    lie = deepcopy(world.honest)
    lie.header[chance.choice(TOTALS)] = chance.choice([2**64, 2**255, 2**256 - 1])
    return lie, {"group: too large"}


def claims_nothing(clearing: Clearing) -> bool:
    """Whether a clearing has no marginal group to lie about."""
    return clearing.buy_at == 0 and clearing.sell_at == 0
