"""Random books on the contract and in the model: the same fills, balances and events, at both optimisation levels."""

import os
from random import Random

import pytest
from market_hand import Hand, refused
from model.clearing import Tariff
from model.market import Model, Refused

COUNT = 400 if os.environ.get("SUNPILE_SOAK") == "1" else 12
CAP = 3_000


def tariff(chance: Random) -> Tariff:
    """Bands of every width, none too: narrow ones make many limits meet at one price."""
    feed_in = chance.randint(0, 90_000)
    fees = (chance.choice([0, chance.randint(0, 5_000)]), chance.choice([0, chance.randint(0, 5_000)]))
    width = chance.choice([0, 1, 2, 7, 30, 999, 1_000, 1_001, 150_000, -1, -40])
    return Tariff(max(feed_in + sum(fees) + width, feed_in), feed_in, *fees)


def order(chance: Random) -> tuple[int | None, int | None]:
    """Limits that meet often, and sides that are off."""
    limits = [0, 250, 500, 500, 500, 501, 750, 1_000, chance.randint(0, 1_000), None]
    return chance.choice(limits), chance.choice(limits)


def book(hand: Hand, chance: Random) -> tuple[int, list[int]]:
    """A zone of its own with points whose orders are spread over the next intervals."""
    tree = hand.tree(length=chance.choice([900, 300, 5]), retail_cap=300_000)
    zone = hand.zone(tree, billed=chance.random() < 0.15)
    first = hand.model.zones[zone].next
    hand.publish(tree, first, tariff(chance))
    hand.publish(tree, first + 1, tariff(chance))
    points = [hand.point(zone, chance.choice([CAP, 50])) for _ in range(chance.randint(2, 14))]
    if chance.random() < 0.6:
        hand.deposit_utility(tree, chance.choice([1, 10**8, 10**15]))
    rate = hand.model.zones[zone].rate
    for point in points:
        if chance.random() < 0.8:
            hand.deposit(point, chance.randint(1, 3 * CAP * rate // 2))
        for _ in range(chance.choice([0, 1, 1, 2])):
            limits, until = order(chance), first + chance.choice([0, 1, 50])
            try:
                hand.place(point, *limits, max_wh=chance.choice([CAP, 700, 40]), until=until)
            except Exception:
                # The model has the reason; the contract must say the same.
                expect_refusal(hand, point, limits, until)
    return zone, points


def expect_refusal(hand: Hand, point: int, limits: tuple[int | None, int | None], until: int) -> None:
    with pytest.raises(Refused) as told:
        hand.model.place(point, *limits, 16_777_215, until)
    with refused(hand.market, str(told.value)):
        hand.place(point, *limits, 16_777_215, until)


@pytest.mark.parametrize("seed", range(COUNT))
def test_random_books_settle_as_the_model_says(hand: Hand, seed: int) -> None:
    chance = Random(seed)
    zone, points = book(hand, chance)
    length = hand.model.zones[zone].length
    start = hand.model.zones[zone].next
    caps = {point: hand.model.accounts[point].cap_at(start) for point in points}
    for interval in range(start, start + 4):
        hand.at(zone, interval + 1, chance.randint(0, length - 1))
        net = {point: chance.randint(-caps[point], caps[point]) for point in points if chance.random() < 0.9}
        hand.model.log.clear()
        before = dict(hand.model.accounts.items())
        batch = hand.settle(zone, interval, net)
        assert hand.events("Unpaid", "OrderCut") == hand.model.log
        settled = hand.event("BatchSettled")
        assert (settled["price"], settled["volume"]) == (batch.clearing.price, batch.clearing.volume)
        assert settled["owed"] == bool(batch.owed)
        hand.check(points)
        hand.check_orders(interval + 1, points)
        assert before.keys() == hand.model.accounts.keys()
        if chance.random() < 0.5:
            change(hand, chance, chance.choice(points))
    assert isinstance(hand.model, Model)


def change(hand: Hand, chance: Random, point: int) -> None:
    """Something a participant does between two batches."""
    act = chance.choice(["deposit", "cancel", "request", "place"])
    if act == "deposit":
        hand.deposit(point, chance.randint(1, 10**11))
    elif act == "cancel":
        hand.cancel(point)
    elif act == "request":
        hand.request(point, chance.randint(1, 10**10))
    else:
        hand.place(point, None, chance.randint(0, 1_000), CAP)
