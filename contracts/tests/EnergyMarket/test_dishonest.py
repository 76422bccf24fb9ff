"""A dishonest operator with the whole council behind it gets nothing past the contract."""

import os
from collections import Counter
from random import Random

import boa
import pytest
from boa import BoaError
from dishonest import KINDS, make_world
from market_hand import BATCH, Hand, reason_of, refused

TRIES = 1_000 if os.environ.get("SUNPILE_SOAK") == "1" else 2 * len(KINDS)
PER_WORLD = 50


def test_dishonest_batches_are_refused_each_with_its_own_reason(hand: Hand) -> None:
    seen: dict[str, Counter[str]] = {name: Counter() for name in KINDS}
    names = list(KINDS)
    for number in range(TRIES):
        if number % PER_WORLD == 0:
            world = make_world(hand, Random(number))
        chance = Random(10**6 + number)
        name = names[number % len(names)]
        lie, reasons = KINDS[name](world, chance)
        try:
            hand.send(lie)
        except BoaError:
            reason = reason_of(hand.market)
            assert reason in reasons, f"{name} (try {number}): refused with {reason!r}"
            seen[name][reason] += 1
        else:
            pytest.fail(f"{name} (try {number}) was accepted: {lie}")
        hand.check([])
    assert all(seen.values())
    # The honest batch of the last world still settles: none of the lies left a trace.
    with boa.env.anchor():
        hand.send(world.honest)


def test_em_12_a_batch_needs_a_quorum_of_the_right_signatures(hand: Hand) -> None:
    world = make_world(hand, Random(1))
    head, words = tuple(world.honest.header.values()), world.honest.packed
    good = hand.sign("Batch", BATCH, world.honest.struct(), [0, 1, 2, 3])
    other = hand.sign("Batch", BATCH, world.honest.struct() | {"round": 1}, [0, 1, 2, 3])
    nonsense = (0, bytes(32), bytes(32))
    cases = [
        (0b0000, [], "council: no quorum"),
        (0b0011, good[:2], "council: no quorum"),
        (0b0111, good[:2], "council: a signature is missing"),
        (0b0011, good[:3], "council: a signature too many"),
        (0b1_0111, [*good[:3], good[3]], "council: no such seat"),
        (0b1011, good[:3], "council: wrong signature"),
        (0b0111, [good[0], good[0], good[0]], "council: wrong signature"),
        (0b0111, [good[0], good[2], good[1]], "council: wrong signature"),
        (0b0111, other[:3], "council: wrong signature"),
        (0b0111, [good[0], good[1], nonsense], "council: wrong signature"),
    ]
    for mask, signatures, reason in cases:
        with refused(hand.market, reason):
            hand.market.settle(head, words, mask, signatures)
    hand.market.settle(head, words, 0b1101, [good[0], good[2], good[3]])


def test_time_binds_a_batch(hand: Hand) -> None:
    world = make_world(hand, Random(2))
    zone, interval = world.zone, world.interval
    hand.at(zone, interval, 899)
    with refused(hand.market, "interval: not ended"):
        hand.send(world.honest)
    hand.at(zone, interval + 5)
    with refused(hand.market, "interval: past its deadline"):
        hand.send(world.honest)
    hand.at(zone, interval + 4, 899)
    hand.send(world.honest)
    unknown = world.honest
    unknown.header["zone"] = 77
    with refused(hand.market, "zone: unknown"):
        hand.send(unknown)
    unknown.header |= {"zone": zone, "interval": interval + 1, "round": 2**32}
    head = tuple(unknown.header.values())
    with refused(hand.market, "header: round too large"):
        hand.market.settle(head, unknown.packed, 0, [])


def test_rows_beyond_two_thousand_are_refused(hand: Hand) -> None:
    world = make_world(hand, Random(3))
    lie = world.honest
    for buyers, sellers in [(2_001, 0), (1_000, 1_001), (2**256 - 1, 1), (2_000, 2**256 - 2_000)]:
        lie.header |= {"buyers": buyers, "sellers": sellers}
        with refused(hand.market, "rows: too many"):
            hand.market.settle(tuple(lie.header.values()), lie.packed, 0, [])
