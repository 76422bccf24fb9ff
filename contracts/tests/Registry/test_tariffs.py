"""Registry: trees, zones and what the grid costs."""

from random import Random

import pytest
from market_hand import TARIFF, Hand, refused
from model.clearing import Tariff
from roles import role

ADMIN = role("admin").address
NOBODY = "0x" + "00" * 20


def test_re_3_a_tariff_is_published_before_its_interval_and_stays(hand: Hand) -> None:
    tree = hand.tree(retail_cap=400_000)
    registry, now = hand.registry, hand.model.now // 900
    with refused(registry, "tariff: none"):
        registry.tariffAt(tree, now)
    cases = [
        ((now, 300, 100, 1, 1), "tariff: too late"),
        ((now + 1 + 2_976 + 1, 300, 100, 1, 1), "tariff: too far ahead"),
        ((now + 1, 300, 301, 1, 1), "tariff: feed-in above retail"),
        ((now + 1, 400_001, 100, 1, 1), "tariff: retail above the cap"),
        ((now + 1, 300, 100, 2**48, 1), "tariff: fee too large"),
        ((now + 1, 300, 100, 1, 2**48), "tariff: fee too large"),
    ]
    for values, reason in cases:
        with refused(registry, reason):
            registry.publishTariff(tree, *values, sender=ADMIN)
    hand.publish(tree, now + 1)
    with refused(registry, "tariff: not after the last"):
        registry.publishTariff(tree, now + 1, 1, 1, 0, 0, sender=ADMIN)
    hand.time(hand.model.now + 1)
    with refused(registry, "tariff: too late"):
        registry.publishTariff(tree, now + 1, 1, 1, 0, 0, sender=ADMIN)
    assert registry.tariffAt(tree, now + 10**6) == (0, TARIFF.word)
    with refused(registry, "tree: unknown"):
        registry.publishTariff(9, now + 9, 1, 1, 0, 0, sender=ADMIN)


def test_the_last_tariff_holds_until_the_next(hand: Hand) -> None:
    chance = Random(3)
    tree, registry, first = hand.tree(), hand.registry, hand.model.now // 900 + 1
    starts = sorted(chance.sample(range(first, first + 300), 20))
    tariffs = [Tariff(chance.randint(100, 900), chance.randint(0, 100), chance.randint(0, 9), 1) for _ in starts]
    for start, tariff in zip(starts, tariffs, strict=True):
        hand.publish(tree, start, tariff)
    for interval in range(starts[0], first + 305, 3):
        index = max(i for i, start in enumerate(starts) if start <= interval)
        assert registry.tariffAt(tree, interval) == (index, tariffs[index].word)
        assert registry.tariffOf(tree, index, interval) == starts[index] << 192 | tariffs[index].word
        for wrong in {index - 1, index + 1} & set(range(20)):
            with refused(registry, "tariff: not of this interval"):
                registry.tariffOf(tree, wrong, interval)
        for per_mille in (0, 333, 1_000):
            if tariffs[index].has_band:
                assert registry.limitPrice(tree, interval, per_mille) == tariffs[index].limit(per_mille)
    with refused(registry, "tariff: unknown"):
        registry.tariffOf(tree, 20, first)
    assert registry.tariffStart(tree) == starts[0]


@pytest.mark.parametrize("length", [0, 1, 4, 7, 600, 901, 1_800])
def test_a_length_that_does_not_divide_is_refused(hand: Hand, length: int) -> None:
    with refused(hand.registry, "tree: not a length"):
        hand.tree(length)


def test_trees_and_zones_that_cannot_be_are_refused(hand: Hand, deploy) -> None:
    registry = hand.registry
    for cap in (0, 2**48):
        with refused(registry, "tree: not a retail cap"):
            hand.tree(retail_cap=cap)
    with refused(registry, "registry: zero address"):
        registry.createTree(900, 1, NOBODY, ADMIN, sender=ADMIN)
    with refused(registry, "tree: unknown"):
        registry.createZone(5, ADMIN, ADMIN, False, sender=ADMIN)
    tree = hand.tree()
    with refused(registry, "registry: zero address"):
        registry.createZone(tree, ADMIN, NOBODY, False, sender=ADMIN)
    alone = deploy("Registry", ADMIN)
    alone.createTree(900, 1, ADMIN, ADMIN, sender=ADMIN)
    with refused(alone, "registry: no market yet"):
        alone.createZone(1, ADMIN, ADMIN, False, sender=ADMIN)


def test_re_7_the_market_is_named_once(hand: Hand, deploy) -> None:
    with refused(hand.registry, "registry: market already set"):
        hand.registry.setMarket(ADMIN, sender=ADMIN)
    alone = deploy("Registry", ADMIN)
    with refused(alone, "registry: zero address"):
        alone.setMarket(NOBODY, sender=ADMIN)
    with refused(alone, "registry: not the admin"):
        alone.setMarket(ADMIN, sender=role("stranger").address)
