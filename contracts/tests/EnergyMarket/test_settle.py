"""EnergyMarket.settle: honest batches."""

from random import Random

import boa
import pytest
from eth_account.messages import encode_typed_data
from market_hand import BATCH, ROOT, TARIFF, Hand, refused, rows_hash
from model.clearing import Row, Tariff, clear
from roles import domain_of


def test_em_3_nothing_is_matched_beyond_limit_order_or_cap(town) -> None:
    hand, zone, first = town.hand, town.zone, town.first
    dear, keen = town.buyers
    # 400 per mille is below every seller; 300 Wh are above the order's largest 200.
    hand.place(dear, 400, None, 5_000)
    hand.place(keen, 900, None, 200)
    hand.at(zone, first + 3)
    for interval in (first, first + 1):
        hand.settle(zone, interval, {})
    before = [hand.model.accounts[point].balance for point in (dear, keen, *town.sellers)]
    batch = hand.settle(zone, first + 2, {dear: 700, keen: 300, town.sellers[0]: -400})
    assert batch.clearing.volume == 0
    paid = [hand.market.balanceOf(p) - b for p, b in zip((dear, keen, *town.sellers), before, strict=True)]
    assert paid == [-700 * TARIFF.retail, -300 * TARIFF.retail, 400 * TARIFF.feed_in, 0]
    hand.at(zone, first + 4)
    batch = hand.settle(zone, first + 3, {dear: 700, keen: 200, town.sellers[0]: -400})
    assert batch.clearing.fills == {dear: 0, keen: 200, town.sellers[0]: 200}
    hand.check()


def test_em_5_each_digest_names_the_one_before_it(town) -> None:
    hand, zone = town.hand, town.zone
    previous = bytes(32)
    for interval in (town.first, town.first + 1):
        hand.at(zone, interval + 1)
        batch, proposal = hand.propose(zone, interval, {town.buyers[0]: 10, town.sellers[0]: -5}, round_=interval % 3)
        assert proposal.previous == previous
        hand.send(proposal)
        hand.model.settle(batch)
        event = hand.event("BatchSettled")
        digest = hand.market.digestAt(zone, interval)
        assert digest == hand.market.lastDigest(zone) == event["digest"]
        assert event["witnessRoot"] == ROOT
        assert event["mask"] == 15
        assert digest == struct_hash(hand, proposal)
        previous = digest


def struct_hash(hand: Hand, proposal) -> bytes:
    """EIP-712 hash of the batch, by eth-account."""
    fields = [dict(zip(("type", "name"), member.split(), strict=True)) for member in BATCH.split(",")]
    values = proposal.struct()
    assert values["rows"] == rows_hash(proposal.header["buyers"], proposal.header["sellers"], proposal.packed)
    return encode_typed_data(domain_of(hand.market, "sunpile"), {"Batch": fields}, values).body


# Limits (per mille) and Wh of buyers and sellers in a band from 1,000 to 2,000, and the price that must come out.
BOOKS = [
    ([], [], 1_500, 0),
    ([(500, 10)], [(500, 10)], 1_500, 10),
    # Any price between the two limits: the middle.
    ([(900, 10)], [(200, 10)], 1_550, 10),
    # The middle is rounded down.
    ([(901, 10)], [(200, 10)], 1_550, 10),
    # More demand: the buyer's limit; more supply: the seller's.
    ([(900, 20)], [(200, 10)], 1_900, 10),
    ([(900, 10)], [(200, 20)], 1_200, 10),
    # No trade: between the best of both sides.
    ([(300, 10)], [(700, 10)], 1_500, 0),
    # One side alone drives the price to where it would not trade: the middle up to the edge.
    ([(300, 10)], [], 1_650, 0),
    ([], [(700, 10)], 1_350, 0),
    # A marginal group of three that shares.
    ([(800, 5), (500, 1), (500, 1), (500, 1)], [(100, 7)], 1_500, 7),
    # A marginal group of both sides.
    ([(500, 3), (500, 4)], [(500, 5)], 1_500, 5),
    ([(0, 3)], [(0, 2)], 1_000, 2),
    ([(1000, 3)], [(1000, 4)], 2_000, 3),
]


@pytest.mark.parametrize(("bids", "asks", "price", "volume"), BOOKS)
def test_em_6_the_price_is_the_middle_of_all_equilibria(hand: Hand, bids, asks, price: int, volume: int) -> None:
    tree = hand.tree(retail_cap=3_000)
    zone = hand.zone(tree)
    first = hand.model.zones[zone].next
    hand.publish(tree, first, Tariff(2_000, 1_000, 0, 0))
    net = {}
    for sign, side in ((1, bids), (-1, asks)):
        for limit, wh in side:
            point = hand.point(zone, 100)
            hand.deposit(point, 10**9)
            hand.place(point, limit if sign > 0 else None, limit if sign < 0 else None, 100)
            net[point] = sign * wh
    hand.at(zone, first + 1)
    batch = hand.settle(zone, first, net)
    event = hand.event("BatchSettled")
    assert (event["price"], event["volume"]) == (price, volume) == (batch.clearing.price, batch.clearing.volume)
    hand.check()


def test_the_marginal_group_shares_by_cumulative_floors() -> None:
    rows = [Row(point, wh, 500) for point, wh in ((1, 3), (2, 3), (3, 4))]
    clearing = clear(rows, [Row(4, 7, 100)], Tariff(2_000, 1_000, 0, 0))
    assert [clearing.fills[point] for point in (1, 2, 3)] == [2, 2, 3]


def test_em_11_nobody_is_worse_off_than_at_the_grids_tariff(town) -> None:
    hand, chance = town.hand, Random(11)
    for interval in range(town.first, town.first + 6):
        hand.at(town.zone, interval + 1)
        net = {point: chance.randint(-900, 900) for point in town.buyers + town.sellers}
        before = {point: hand.market.balanceOf(point) for point in net}
        hand.settle(town.zone, interval, net)
        unpaid = {event[1]: event[3] for event in hand.events("Unpaid")}
        for point, wh in net.items():
            grid = -wh * (TARIFF.retail if wh > 0 else TARIFF.feed_in)
            assert hand.market.balanceOf(point) - before[point] - unpaid.get(point, 0) >= grid
        hand.check()


def test_without_a_band_nothing_is_matched(hand: Hand) -> None:
    tree = hand.tree()
    zone = hand.zone(tree)
    first = hand.model.zones[zone].next
    hand.publish(tree, first, Tariff(100, 95, 3, 3))
    points = [hand.point(zone) for _ in range(2)]
    for point in points:
        hand.deposit(point, 10**12)
    hand.deposit_utility(tree, 10**12)
    hand.at(zone, first + 1)
    batch, proposal = hand.propose(zone, first, {points[0]: 500, points[1]: -500})
    for field, value in (("price", 98), ("buyAt", 500)):
        lie = proposal.header | {field: value}
        with refused(hand.market, "price: there is no band"):
            hand.market.settle(tuple(lie.values()), proposal.packed, 0, [])
    hand.send(proposal)
    hand.model.settle(batch)
    assert hand.event("BatchSettled")["volume"] == 0
    hand.check()


def test_a_retailer_bills_the_grid_legs_elsewhere(hand: Hand) -> None:
    tree = hand.tree()
    zone = hand.zone(tree, billed=True)
    first = hand.model.zones[zone].next
    hand.publish(tree, first)
    buyer, seller = hand.point(zone), hand.point(zone)
    hand.deposit(buyer, 10**12)
    hand.at(zone, first + 1)
    hand.settle(zone, first, {buyer: 900, seller: -400})
    event = hand.event("BatchSettled")
    assert (event["gridIncome"], event["gridCost"], event["owed"]) == (0, 0, False)
    assert hand.market.balanceOf(seller) == 400 * (event["price"] - TARIFF.sell_fee)
    hand.check()


def test_a_batch_of_nothing_moves_the_zone_on(town) -> None:
    hand = town.hand
    hand.at(town.zone, town.first + 1)
    hand.settle(town.zone, town.first, {})
    assert hand.market.nextInterval(town.zone) == town.first + 1
    hand.check()


def test_a_zone_begins_with_its_first_tariff(hand: Hand) -> None:
    tree = hand.tree()
    zone = hand.zone(tree)
    first = hand.model.zones[zone].next
    assert hand.market.nextInterval(zone) == first
    hand.publish(tree, first + 2)
    assert hand.market.nextInterval(zone) == first + 2
    point = hand.point(zone)
    hand.at(zone, first + 4)
    _, proposal = hand.propose(zone, first + 2, {point: -1})
    reasons = {
        first: "tariff: not of this interval",
        first + 1: "interval: not the next",
        first + 3: "interval: not the next",
    }
    for interval, reason in reasons.items():
        lie = proposal.header | {"interval": interval}
        with refused(hand.market, reason):
            hand.market.settle(tuple(lie.values()), proposal.packed, 0, [])
    with boa.env.anchor():
        hand.send(proposal)
        assert hand.market.nextInterval(zone) == first + 3


def test_a_point_has_no_row_before_its_first_interval(town) -> None:
    hand, zone = town.hand, town.zone
    young = hand.point(zone)
    hand.at(zone, town.first + 1)
    _, proposal = hand.propose(zone, town.first, {young: -5})
    with refused(hand.market, "row: point already settled"):
        hand.send(proposal)
    hand.settle(zone, town.first, {})
    hand.at(zone, town.first + 2)
    hand.settle(zone, town.first + 1, {young: -5})
    hand.check()
