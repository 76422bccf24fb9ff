"""EnergyMarket: placing and cancelling orders."""

import boa
import pytest
from market_hand import ORDER, SIDE_OFF, refused
from model.market import FOREVER
from roles import domain_of, role, twin

OWNER = role("point_owner")
CANCEL = "uint32 point,uint64 nonce,uint64 deadline"


def test_em_9_an_order_begins_one_whole_interval_later(town) -> None:
    hand, zone, first = town.hand, town.zone, town.first
    point = town.buyers[0]
    for second, begins in ((0, first + 1), (1, first + 2), (899, first + 2)):
        with boa.env.anchor():
            hand.at(zone, first, second)
            hand.market.placeOrder(point, 700, SIDE_OFF, 400, FOREVER, sender=OWNER.address)
            assert hand.event("OrderPlaced")["fromInterval"] == begins
            assert hand.market.orderAt(point, begins - 1)[:3] == (500, 500, 10_000)
            assert hand.market.orderAt(point, begins) == (700, SIDE_OFF, 400, True, 10_000)
    with boa.env.anchor():
        hand.at(zone, first, 1)
        hand.market.cancelOrder(point, sender=OWNER.address)
        assert hand.market.orderAt(point, first + 1)[3]
        assert not hand.market.orderAt(point, first + 2)[3]
    with boa.env.anchor():
        hand.registry.setCap(point, 77, sender=role("certifier").address)
        assert hand.market.orderAt(point, first)[4] == 10_000
        assert hand.market.orderAt(point, first + 1)[4] == 77
    hand.at(zone, first)


def test_two_orders_may_wait_and_a_third_is_refused(town) -> None:
    hand, zone, first = town.hand, town.zone, town.first
    point = town.buyers[0]
    hand.at(zone, first, 1)
    hand.place(point, 600, None, 100)
    hand.place(point, 610, None, 100)
    assert hand.market.orderAt(point, first + 2)[0] == 610
    hand.at(zone, first + 1, 1)
    hand.place(point, 700, None, 100)
    hand.place(point, 710, None, 100)
    hand.at(zone, first + 2, 1)
    with refused(hand.market, "order: two are waiting"):
        hand.place(point, 800, None, 100)
    assert [hand.market.orderAt(point, first + n)[0] for n in range(5)] == [500, 500, 610, 710, 710]
    hand.settle(zone, first, {point: 40, town.sellers[0]: -20})
    hand.check_orders(first + 1)
    with refused(hand.market, "order: two are waiting"):
        hand.place(point, 800, None, 100)
    # The first of them is in force in the interval that is next to be settled, so it waits no longer.
    hand.settle(zone, first + 1, {point: 40})
    hand.place(point, 800, None, 100)
    for interval in range(first + 2, first + 6):
        hand.check_orders(interval)
    # Cancelling is never refused, and takes what waits with it.
    hand.cancel(point)
    assert [hand.market.orderAt(point, first + n)[3] for n in (2, 3, 4, 5)] == [True, True, False, False]
    for interval in range(first + 2, first + 6):
        hand.check_orders(interval)


def test_an_order_that_cannot_be_is_refused(town) -> None:
    hand, point, first = town.hand, town.buyers[0], town.first
    cases = [
        ((1_001, 500, 10, FOREVER), "order: not a buy limit"),
        ((1_024, 500, 10, FOREVER), "order: not a buy limit"),
        ((500, 1_001, 10, FOREVER), "order: not a sell limit"),
        ((500, 500, 0, FOREVER), "order: not a largest Wh"),
        ((500, 500, 2**24, FOREVER), "order: not a largest Wh"),
        ((500, 500, 10, first), "order: ends before it begins"),
        ((500, 500, 10, 2**32), "order: ends before it begins"),
        ((500, 500, 20_001, FOREVER), "order: balance below the reserve"),
    ]
    for values, reason in cases:
        with refused(hand.market, reason):
            hand.market.placeOrder(point, *values, sender=OWNER.address)
    with refused(hand.market, "market: not the owner"):
        hand.market.placeOrder(point, 500, 500, 10, FOREVER, sender=role("stranger").address)
    hand.market.placeOrder(point, 500, 500, 20_000, FOREVER, sender=OWNER.address)
    # Selling needs no money.
    hand.market.placeOrder(town.sellers[0], SIDE_OFF, 0, 2**24 - 1, FOREVER, sender=OWNER.address)


def test_em_15_a_signed_order_works_once_here_and_in_order(town) -> None:
    hand, point = town.hand, town.buyers[0]
    market, deadline = hand.market, hand.model.now + 100

    def order(nonce: int, signer=OWNER, domain=None, **other):
        values = {"point": point, "buy": 600, "sell": SIDE_OFF, "maxWh": 50, "until": FOREVER}
        values |= {"nonce": nonce, "deadline": deadline}
        signature = signer.sign(domain or domain_of(market, "sunpile"), "Order", ORDER, **(values | other))
        return (*values.values(), *signature)

    market.placeOrderSigned(*order(5), sender=role("relayer").address)
    assert hand.event("OrderPlaced")["buy"] == 600
    for nonce in (5, 4, 0):
        with refused(market, "signature: nonce used"):
            market.placeOrderSigned(*order(nonce))
    with refused(market, "signature: not the owner"):
        market.placeOrderSigned(*order(6, role("stranger")))
    with refused(market, "signature: not the owner"):
        market.placeOrderSigned(*order(6, buy=601))
    for domain in (domain_of(hand.registry, "sunpile"), domain_of(market, "sunpile", 2), domain_of(market, "moon")):
        with refused(market, "signature: not the owner"):
            market.placeOrderSigned(*order(6, domain=domain))
    good = order(6)
    with refused(market, "signature: high s"):
        market.placeOrderSigned(*good[:7], *twin(good[7:]))
    with refused(market, "signature: not the owner"):
        market.placeOrderSigned(*good[:7], 0, bytes(32), bytes(32))
    hand.time(deadline + 1)
    with refused(market, "signature: expired"):
        market.placeOrderSigned(*good)


def test_a_signed_cancel_and_order_share_their_nonces(town) -> None:
    hand, point = town.hand, town.buyers[0]
    deadline = hand.model.now + 100
    values = {"point": point, "nonce": 9, "deadline": deadline}
    signature = OWNER.sign(domain_of(hand.market, "sunpile"), "Cancel", CANCEL, **values)
    hand.market.cancelOrderSigned(*values.values(), *signature)
    assert hand.events("OrderCancelled") == [("OrderCancelled", point, town.first)]
    assert hand.market.nonceOf(point) == 9
    with refused(hand.market, "signature: nonce used"):
        hand.market.cancelOrderSigned(*values.values(), *signature)


@pytest.mark.parametrize("short", [0, 1])
def test_the_first_money_that_covers_the_reserve_turns_buying_on(town, short: int) -> None:
    hand, zone = town.hand, town.zone
    point = hand.point(zone, 300)
    hand.deposit(point, 300 * hand.model.zones[zone].rate - short)
    first = hand.market.firstEffective(zone)
    assert hand.market.orderAt(point, first)[:4] == ((500 if not short else SIDE_OFF), 500, 300, True)
    hand.deposit(point, 1)
    assert hand.market.orderAt(point, first)[:4] == (500, 500, 300, True)


def test_no_order_turns_on_by_itself_where_the_owner_spoke(town) -> None:
    hand, zone = town.hand, town.zone
    point = hand.point(zone, 300)
    hand.cancel(point)
    hand.deposit(point, 10**15)
    assert not hand.market.orderAt(point, hand.market.firstEffective(zone))[3]


def test_a_second_change_of_a_cap_waits_for_the_first(town) -> None:
    hand, zone, first = town.hand, town.zone, town.first
    point, certifier = town.sellers[0], role("certifier").address
    hand.at(zone, first, 1)
    hand.registry.setCap(point, 70, sender=certifier)
    hand.registry.setCap(point, 80, sender=certifier)
    hand.at(zone, first + 1, 1)
    with refused(hand.registry, "cap: another change waits"):
        hand.registry.setCap(point, 90, sender=certifier)
    hand.model.accounts[point].caps.append((first + 2, 80))
    hand.settle(zone, first, {point: -100})
    hand.at(zone, first + 3, 1)
    hand.settle(zone, first + 1, {point: -100})
    _, proposal = hand.propose(zone, first + 2, {point: -81})
    with refused(hand.market, "row: above cap"):
        hand.send(proposal)
    hand.settle(zone, first + 2, {point: -80})
    hand.registry.setCap(point, 90, sender=certifier)
    hand.check()
