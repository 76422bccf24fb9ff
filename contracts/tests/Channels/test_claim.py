"""A hub claims from many drivers at once."""

from dataclasses import replace

import boa
import pytest
from channel_hand import UNIT
from roles import Role, role


@pytest.fixture
def drivers(hand, terms, fund) -> list:
    """Channels of five drivers to the hub, 10 units each."""
    channels = [replace(terms, payer=role(f"driver_{number}"), signer=None) for number in range(5)]
    for channel in channels:
        fund(channel.payer, 10 * UNIT)
        hand.open(channel, 10 * UNIT)
    return channels


def claim(channels, terms, rows, sender: Role | None = None) -> int:
    people = terms.payee.address, terms.operator.address
    return channels.claim(*people, rows, sender=(sender or role("relayer")).address)


def test_a_claim_settles_every_row_with_one_transfer(channels, token, hand, terms, drivers):
    rows = [hand.row(driver, (number + 1) * UNIT) for number, driver in enumerate(drivers)]
    assert claim(channels, terms, rows) == 15 * UNIT
    assert token.balanceOf(terms.payee.address) == 15 * UNIT
    for number, driver in enumerate(drivers):
        assert channels.stateOf(hand.id(driver)).settled == (number + 1) * UNIT


def test_ch_11_a_closed_channel_or_an_old_voucher_is_passed_over(channels, token, hand, terms, drivers, env):
    rows = [hand.row(driver, UNIT) for driver in drivers]
    channels.requestClose(drivers[0].tuple(), sender=drivers[0].payer.address)
    env.time_travel(seconds=900)
    channels.withdraw(drivers[0].tuple())
    hand.settle(drivers[1], 2 * UNIT)
    unknown = hand.row(replace(drivers[2], salt=b"?" * 32), UNIT)
    assert claim(channels, terms, [*rows, unknown]) == 3 * UNIT
    assert token.balanceOf(terms.payee.address) == 5 * UNIT
    with boa.reverts("claim: nothing new"):
        claim(channels, terms, rows)
    with boa.reverts("claim: nothing new"):
        claim(channels, terms, [])


def test_ch_3_the_same_row_twice_in_a_claim_pays_once(channels, token, hand, terms, drivers):
    row = hand.row(drivers[0], UNIT)
    assert claim(channels, terms, [row, row, hand.row(drivers[0], 3 * UNIT), row]) == 3 * UNIT
    assert token.balanceOf(terms.payee.address) == 3 * UNIT


def test_ch_3_a_claim_pays_at_most_the_deposit(channels, hand, terms, drivers):
    assert claim(channels, terms, [hand.row(driver, 2**128 - 1) for driver in drivers]) == 50 * UNIT


def test_ch_5_a_row_that_is_not_signed_stops_the_claim(channels, hand, terms, drivers):
    payer, signer, salt, _, r, vs = hand.row(drivers[0], UNIT)
    rows = [hand.row(drivers[1], UNIT), (payer, signer, salt, 2 * UNIT, r, vs)]
    with boa.reverts("signature: wrong signer"):
        claim(channels, terms, rows)
    vs, r = hand.row(drivers[0], UNIT)[:3:-1]
    flipped = (int.from_bytes(vs, "big") ^ 1 << 255).to_bytes(32, "big")
    with boa.reverts("signature: wrong signer"):
        claim(channels, terms, [(payer, signer, salt, UNIT, r, flipped)])


def test_ch_4_a_row_pays_only_to_the_payee_it_was_signed_for(channels, hand, terms, drivers):
    thief = replace(terms, payee=role("stranger"))
    with boa.reverts("claim: nothing new"):
        claim(channels, thief, [hand.row(driver, UNIT) for driver in drivers], sender=role("stranger"))


def test_ch_10_anyone_brings_a_claim(channels, token, hand, terms, drivers):
    claim(channels, terms, [hand.row(driver, UNIT) for driver in drivers], sender=role("stranger"))
    assert token.balanceOf(terms.payee.address) == 5 * UNIT
    assert token.balanceOf(role("stranger").address) == 0
