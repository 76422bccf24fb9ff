"""Closing at once, by the payee."""

from dataclasses import replace

import boa
import pytest
from channel_hand import UNIT
from roles import role

NO_VOUCHER = (0, 0, bytes(32), bytes(32))


def test_ch_7_the_payee_closes_and_both_are_paid(channels, token, hand, terms):
    channel = hand.open(terms, 50 * UNIT)
    hand.settle(terms, 5 * UNIT)
    hand.close(terms, 20 * UNIT)
    assert token.balanceOf(terms.payee.address) == 20 * UNIT
    assert token.balanceOf(terms.payer.address) == 980 * UNIT
    assert channels.stateOf(channel) == (20 * UNIT, 0, 0, True)


def test_ch_7_the_operator_closes_for_the_payee(token, hand, terms):
    hand.open(terms, 50 * UNIT)
    hand.close(terms, 20 * UNIT, by="hub_operator")
    assert token.balanceOf(terms.payee.address) == 20 * UNIT
    assert token.balanceOf(role("hub_operator").address) == 0


@pytest.mark.parametrize("name", ["payer", "session_signer", "stranger", "relayer"])
def test_ch_7_nobody_else_closes_at_once(hand, terms, name):
    hand.open(terms, 50 * UNIT)
    with boa.reverts("close: neither payee nor operator"):
        hand.close(terms, 20 * UNIT, by=name)


def test_ch_7_without_an_operator_only_the_payee_closes(hand, terms):
    alone = replace(terms, operator=None)
    hand.open(alone, 50 * UNIT)
    with boa.reverts("close: neither payee nor operator"):
        hand.close(alone, UNIT, by="hub_operator")
    hand.close(alone, UNIT)


def test_ch_7_a_voucher_above_the_deposit_does_not_stand_in_the_way(token, hand, terms):
    hand.open(terms, 10 * UNIT)
    hand.close(terms, 10 * UNIT, cumulative=25 * UNIT)
    assert token.balanceOf(terms.payee.address) == 10 * UNIT


def test_ch_7_the_capture_may_be_less_than_the_voucher(token, hand, terms):
    hand.open(terms, 10 * UNIT)
    hand.close(terms, 3 * UNIT, cumulative=9 * UNIT)
    assert token.balanceOf(terms.payee.address) == 3 * UNIT
    assert token.balanceOf(terms.payer.address) == 997 * UNIT


def test_ch_7_the_capture_is_at_most_the_voucher_and_the_deposit_and_at_least_what_is_settled(hand, terms):
    hand.open(terms, 10 * UNIT)
    hand.settle(terms, 4 * UNIT)
    with boa.reverts("close: above the voucher"):
        hand.close(terms, 6 * UNIT, cumulative=6 * UNIT - 1)
    with boa.reverts("close: above the deposit"):
        hand.close(terms, 10 * UNIT + 1, cumulative=20 * UNIT)
    with boa.reverts("close: below what is settled"):
        hand.close(terms, 4 * UNIT - 1)


def test_ch_7_the_voucher_must_be_signed(channels, hand, terms):
    hand.open(terms, 10 * UNIT)
    forged = hand.voucher(terms, 6 * UNIT, by=role("payee"))
    with boa.reverts("signature: wrong signer"):
        channels.close(terms.tuple(), 6 * UNIT, 6 * UNIT, *forged, sender=terms.payee.address)


def test_ch_7_nothing_new_needs_no_voucher(channels, token, hand, terms):
    hand.open(terms, 10 * UNIT)
    hand.settle(terms, 4 * UNIT)
    channels.close(terms.tuple(), 4 * UNIT, *NO_VOUCHER, sender=terms.payee.address)
    assert token.balanceOf(terms.payer.address) == 996 * UNIT


def test_an_empty_channel_closes_too(channels, token, hand, terms, other):
    hand.open(terms, 10 * UNIT)
    hand.settle(terms, 10 * UNIT)
    channels.close(terms.tuple(), 10 * UNIT, *NO_VOUCHER, sender=terms.payee.address)
    hand.open(other, 10 * UNIT)
    channels.close(other.tuple(), 0, *NO_VOUCHER, sender=terms.payee.address)
    assert token.balanceOf(channels.address) == 0
    with boa.reverts("channel: unknown"):
        channels.close(replace(terms, salt=b"?" * 32).tuple(), 0, *NO_VOUCHER, sender=terms.payee.address)


def test_ch_1_a_token_that_calls_back_finds_everything_booked(deploy, fund, hand, terms, token):
    """Checks, effects, interactions: even a token that calls back in the middle of a payment gains nothing."""
    hostile = deploy("CallingBackToken")
    channels = deploy("Channels", hostile.address)
    person = replace(terms.payee, address=hostile.address)
    # The token itself cannot be the payee, so it is the operator that closes during the payment.
    channel = replace(terms, operator=person, signer=None)
    sure = replace(channel, salt=b"\x07" * 32)
    for each in (channel, sure):
        channels.openWithAuthorization(each.tuple(), 10 * UNIT, 0, 0, 0, bytes(32), bytes(32))
    data = channels.close.prepare_calldata(channel.tuple(), 0, *NO_VOUCHER)
    hostile.call_back(channels.address, data)
    channels.close(channel.tuple(), 0, *NO_VOUCHER, sender=terms.payee.address)
    assert hostile.tried()
    assert not hostile.succeeded()
    assert hostile.balanceOf(channels.address) == 10 * UNIT
    assert hostile.balanceOf(terms.payer.address) == 10 * UNIT
