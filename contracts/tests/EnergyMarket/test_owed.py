"""EnergyMarket: a utility that runs dry, and Wh that come late."""

import pytest
from market_hand import TARIFF, Hand, refused
from roles import role


@pytest.fixture
def dry(hand: Hand):
    """A zone whose utility account is empty: (hand, zone, first interval, buyer, three sellers)."""
    tree = hand.tree()
    zone = hand.zone(tree)
    first = hand.model.zones[zone].next
    hand.publish(tree, first)
    buyer, *sellers = [hand.point(zone) for _ in range(4)]
    hand.deposit(buyer, 10**12)
    hand.place(sellers[0], None, 100, 10_000)
    hand.at(zone, first + 1)
    return hand, tree, zone, first, buyer, sellers


def test_em_13_a_dry_utility_makes_the_batch_wait_and_not_fail(dry) -> None:
    hand, tree, zone, first, buyer, sellers = dry
    net = {buyer: 500, sellers[0]: -300, sellers[1]: -700, sellers[2]: -901}
    batch, proposal = hand.propose(zone, first, net)
    hand.send(proposal)
    hand.model.settle(batch)
    assert hand.event("BatchSettled")["owed"]
    hand.check()
    fills = batch.clearing.fills
    price = batch.clearing.price - TARIFF.sell_fee
    for point in sellers:
        assert hand.market.balanceOf(point) == fills[point] * price
    waiting = (1_901 - 500) * TARIFF.feed_in
    assert hand.market.owedTotal(tree) == waiting == sum(batch.owed.values())
    assert hand.market.isOwed(hand.market.lastDigest(zone))

    owed = hand.owed_of(proposal)
    with refused(hand.market, "owed: the utility is short"):
        hand.market.payOwed(owed, proposal.packed)
    hand.deposit_utility(tree, waiting - 1)
    with refused(hand.market, "withdrawal: more than is free"):
        hand.market.withdrawUtility(tree, 1, sender=role("utility").address)
    with refused(hand.market, "owed: the utility is short"):
        hand.market.payOwed(owed, proposal.packed)
    hand.deposit_utility(tree, 1)
    head = proposal.header
    for lie in (
        {"price": head["price"] + 1},
        # Totals that give every seller another fill, at the same volume.
        {"sellBelow": head["sellBelow"] - 1, "sellAt": head["sellAt"] + 1},
        {"sellAt": head["sellAt"] + 1},
        {"buyAt": head["buyAt"] - 1},
        {"round": 1},
        {"witnessRoot": bytes(32)},
        {"buyers": head["buyers"] + 1, "sellers": head["sellers"] - 1},
    ):
        with refused(hand.market, "owed: no such batch"):
            hand.market.payOwed((False, tuple({**head, **lie}.values()), *owed[2:]), proposal.packed)
    for lie in ((True, *owed[1:]), (*owed[:2], owed[2] + 1, owed[3]), (*owed[:3], bytes(32)[:-1] + b"\1")):
        with refused(hand.market, "owed: no such batch"):
            hand.market.payOwed(lie, proposal.packed)
    with refused(hand.market, "owed: no such batch"):
        hand.market.payOwed(owed, [proposal.packed[0] ^ 1 << 192, *proposal.packed[1:]])
    hand.market.payOwed(owed, proposal.packed, sender=role("stranger").address)
    hand.model.pay_owed(batch)
    hand.check()
    assert hand.market.owedTotal(tree) == 0 == hand.market.utilityBalance(tree)
    with refused(hand.market, "owed: no such batch"):
        hand.market.payOwed(owed, proposal.packed)


def test_the_grid_income_of_the_same_batch_counts(dry) -> None:
    hand, _, zone, first, buyer, sellers = dry
    hand.cancel(buyer)
    hand.cancel(sellers[1])
    hand.settle(zone, first, {})
    hand.at(zone, first + 4)
    hand.settle(zone, first + 1, {})
    hand.settle(zone, first + 2, {})
    hand.settle(zone, first + 3, {buyer: 800, sellers[1]: -3_000})
    event = hand.event("BatchSettled")
    assert (event["gridIncome"], event["gridCost"], event["owed"]) == (800 * 300_000, 3_000 * 80_000, False)
    hand.check()


def test_em_14_late_wh_are_paid_once_at_the_tariff_of_their_interval(town) -> None:
    hand, zone, first = town.hand, town.zone, town.first
    hand.publish(town.tree, first + 1, TARIFF.__class__(200_000, 10_000, 0, 0))
    buyer, seller = town.buyers[0], town.sellers[0]
    hand.at(zone, first + 2)
    hand.settle(zone, first, {town.buyers[1]: 5})
    with refused(hand.market, "late: the interval is still open"):
        hand.settle_late(zone, first + 1, {seller: -5})
    before = hand.market.balanceOf(buyer)
    hand.settle_late(zone, first, {buyer: 300, seller: -200})
    event = hand.event("LateSettled")
    assert event["digest"] == hand.market.lateDigestAt(zone, first, 0)
    assert hand.market.balanceOf(buyer) == before - 300 * 300_000
    assert hand.market.balanceOf(seller) == 200 * 80_000
    hand.check()
    assert hand.market.settledLate(seller, first)
    assert not hand.market.settledLate(seller, first + 1)
    cases = [
        (first, {town.sellers[1]: -5}, 0, "late: round already settled"),
        (first, {seller: -5}, 1, "row: point already settled late"),
        (first, {buyer: -5}, 1, "row: point already settled late"),
        (first, {town.buyers[1]: 5}, 1, "row: point already settled"),
        (first, {town.sellers[1]: -10_001}, 1, "row: above cap"),
        (first, {99: -1}, 1, "row: wrong zone"),
    ]
    for interval, net, round_, reason in cases:
        batch, index = hand.late(zone, interval, net)
        with refused(hand.market, reason):
            hand.send_late(batch, index, round_)
    batch, index = hand.late(zone, first, {town.sellers[1]: -5})
    with refused(hand.market, "tariff: not of this interval"):
        hand.send_late(batch, index + 1, 1)
    batch.clearing.sellers.append(batch.clearing.sellers[0])
    with refused(hand.market, "rows: out of order"):
        hand.send_late(batch, index, 1)
    hand.check()


def test_late_wh_of_a_voided_interval_spare_the_reserve(town) -> None:
    hand, zone, first = town.hand, town.zone, town.first
    hand.at(zone, first + 5)
    hand.market.void(zone, first)
    hand.model.void(zone, first)
    point = hand.point(zone, 10_000)
    hand.deposit(point, 10_000 * hand.model.zones[zone].rate + 7)
    # In force from a later interval, but its reserve is spoken for from now on.
    hand.settle_late(zone, first, {point: 10})
    assert hand.events("Unpaid") == [("Unpaid", point, first, 10 * TARIFF.retail - 7)]
    hand.check()


def test_a_dry_utility_owes_late_wh_too(dry) -> None:
    hand, tree, zone, first, buyer, sellers = dry
    hand.settle(zone, first, {})
    batch = hand.settle_late(zone, first, {sellers[0]: -50, sellers[2]: -30}, round_=3)
    assert hand.event("LateSettled")["owed"]
    hand.check()
    hand.deposit_utility(tree, 80 * TARIFF.feed_in)
    header = hand.late_header(batch, 0, 3)
    # Its digest says nothing of price and totals: whoever calls may write what he likes there and moves nothing.
    settled = (zone, first, 3, 7, 0, 2, 80, 0, 50, 30, 5, header[-1])
    owed = (True, settled, TARIFF.word, bytes(range(32)))
    words = [sellers[0] << 224 | 50 << 192 | sellers[2] << 160 | 30 << 128]
    hand.market.payOwed(owed, words)
    hand.model.pay_owed(batch)
    hand.check()
    assert buyer in hand.model.accounts
