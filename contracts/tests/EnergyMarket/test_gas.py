"""What settling costs: the market that pays people is the market that proves itself."""

import os
from collections.abc import Callable

import pytest
from busy import busy_batch
from market_hand import Hand
from roles import role

PER_ROW = 6_500
BLOCK = 16_700_000


CASES = [(80, 0), (400, 0), (400, 0.05)] + [(2_000, 0)] * (os.environ.get("SUNPILE_SOAK") == "1")


@pytest.mark.parametrize(("rows", "waiting"), CASES)
def test_settle_gas(hand: Hand, gas: Callable[..., int], rows: int, waiting: float) -> None:
    batch, arguments = busy_batch(hand, rows, waiting)
    case = f"{rows} rows" + (f", {waiting:.0%} with waiting orders" if waiting else "")
    used = gas(case, hand.market, "settle", *arguments, sender=role("relayer"))
    hand.model.settle(batch)
    hand.check()
    print(f"{case}: {used} gas, {used / rows:.0f} a row")
    assert batch.clearing.volume > 0
    if rows >= 400:
        assert used <= PER_ROW * rows
    assert used <= BLOCK


def test_what_people_do_costs_what_it_did(hand: Hand, gas: Callable[..., int]) -> None:
    tree = hand.tree()
    zone = hand.zone(tree)
    hand.publish(tree, hand.model.zones[zone].next)
    owner, operator, holder = role("point_owner"), role("zone_operator"), role("holder")
    values = (zone, owner.address, owner.address, 6_000, 0, bytes(32))
    gas("a meter of its own", hand.registry, "registerPoint", *values, sender=operator)
    hand.mint(holder, 10**13)
    gas("the first, which turns buying on", hand.market, "deposit", 1, 10**12, sender=holder)
    gas("a later one", hand.market, "deposit", 1, 10**12, sender=holder)
    first = hand.market.firstEffective(zone)
    hand.at(zone, first, 1)
    gas("a new order", hand.market, "placeOrder", 1, 700, 300, 6_000, 2**32 - 1, sender=owner)
    gas("one that replaces the waiting one", hand.market, "placeOrder", 1, 701, 300, 6_000, 2**32 - 1, sender=owner)
    gas("the last order", hand.market, "cancelOrder", 1, sender=owner)
    gas("all of it", hand.market, "requestWithdrawal", 1, 10**13, owner.address, sender=owner)
    hand.at(zone, first + 7)
    gas("all of it", hand.market, "withdraw", 1, sender=owner)
    gas("three intervals at once", hand.market, "void", zone, first + 2, sender=owner)
    gas("the second", hand.registry, "publishTariff", tree, first + 9, 10, 5, 1, 1, sender=role("admin"))
