"""Opening and topping up: the payer's signature decides everything, the carrier nothing."""

from dataclasses import replace

import boa
import pytest
from channel_hand import UNIT
from eth_utils import keccak
from roles import role


def test_a_channel_opens_with_the_money_the_payer_signed_for(channels, token, hand, terms):
    channel = hand.open(terms, 50 * UNIT)
    assert channel == hand.id(terms) == channels.channelId(terms.tuple())
    assert channels.stateOf(channel) == (0, 50 * UNIT, 0, False)
    assert token.balanceOf(channels.address) == 50 * UNIT
    assert token.balanceOf(terms.payer.address) == 950 * UNIT


@pytest.mark.parametrize("field", ["payee", "signer", "operator", "salt"])
def test_ch_6_a_carrier_changes_nothing_of_what_was_signed(channels, hand, terms, field):
    proof = hand.receive(terms.payer, 50 * UNIT, hand.id(terms))
    changed = replace(terms, **{field: b"\x09" * 32 if field == "salt" else role("stranger")})
    with boa.reverts("signature: wrong signer"):
        channels.openWithAuthorization(changed.tuple(), 50 * UNIT, *proof, sender=role("stranger").address)


def test_ch_6_neither_amount_nor_payer_can_be_changed(channels, hand, terms, fund):
    fund(role("holder"), 100 * UNIT)
    proof = hand.receive(terms.payer, 50 * UNIT, hand.id(terms))
    with boa.reverts("signature: wrong signer"):
        channels.openWithAuthorization(terms.tuple(), 51 * UNIT, *proof)
    with boa.reverts("signature: wrong signer"):
        channels.openWithAuthorization(replace(terms, payer=role("holder")).tuple(), 50 * UNIT, *proof)


def test_ch_6_nobody_runs_ahead_with_the_authorization(channels, token, hand, terms):
    channel = hand.id(terms)
    after, before, v, r, s = hand.receive(terms.payer, 50 * UNIT, channel)
    call = (terms.payer.address, channels.address, 50 * UNIT, after, before, channel, v, r, s)
    with boa.reverts("authorization: caller is not the payee"):
        token.receiveWithAuthorization(*call, sender=role("stranger").address)
    with boa.reverts("signature: wrong signer"):
        token.transferWithAuthorization(*call, sender=role("stranger").address)


def test_ch_6_an_authorization_outside_its_time_opens_nothing(channels, hand, terms, env):
    late = hand.receive(terms.payer, UNIT, hand.id(terms), before=env.timestamp)
    with boa.reverts("authorization: expired"):
        channels.openWithAuthorization(terms.tuple(), UNIT, *late)
    early = hand.receive(terms.payer, UNIT, hand.id(terms), after=env.timestamp)
    with boa.reverts("authorization: not yet valid"):
        channels.openWithAuthorization(terms.tuple(), UNIT, *early)
    assert channels.stateOf(hand.id(terms)) == (0, 0, 0, False)


def test_a_channel_that_could_trap_money_does_not_open(channels, token, hand, terms):
    with boa.reverts("open: no deposit"):
        hand.open(terms, 0)
    nobody = type(terms.payee)("nobody", "0x" + "00" * 20, b"")
    for address in (nobody.address, channels.address, token.address):
        payee = replace(nobody, address=address)
        with boa.reverts("open: no such payee"):
            hand.open(replace(terms, payee=payee), UNIT)
    with boa.reverts("transfer: above the balance"):
        hand.open(terms, 1_001 * UNIT)


def test_a_second_opening_while_open_fails(hand, terms):
    hand.open(terms, UNIT)
    with boa.reverts("open: the channel was opened before"):
        hand.open(terms, UNIT)


def test_ch_6_a_top_up_reaches_the_channel_it_was_signed_for(channels, token, hand, terms, other):
    hand.open(terms, UNIT)
    hand.open(other, UNIT)
    salt = b"t" * 32
    proof = hand.receive(terms.payer, 5 * UNIT, keccak(hand.id(terms) + salt))
    assert channels.topUpNonce(hand.id(terms), salt) == keccak(hand.id(terms) + salt)
    with boa.reverts("signature: wrong signer"):
        channels.topUpWithAuthorization(other.tuple(), 5 * UNIT, salt, *proof)
    with boa.reverts("signature: wrong signer"):
        channels.topUpWithAuthorization(terms.tuple(), 6 * UNIT, salt, *proof)
    channels.topUpWithAuthorization(terms.tuple(), 5 * UNIT, salt, *proof)
    assert channels.stateOf(hand.id(terms)).deposit == 6 * UNIT
    with boa.reverts("authorization: used"):
        channels.topUpWithAuthorization(terms.tuple(), 5 * UNIT, salt, *proof)
    assert token.balanceOf(channels.address) == 7 * UNIT


def test_ch_6_an_opening_and_a_top_up_cannot_stand_in_for_each_other(channels, hand, terms):
    proof = hand.receive(terms.payer, UNIT, hand.id(terms))
    hand.open(terms, UNIT)
    for salt in (b"t" * 32, hand.id(terms), bytes(32)):
        with boa.reverts("signature: wrong signer"):
            channels.topUpWithAuthorization(terms.tuple(), UNIT, salt, *proof)


def test_a_top_up_needs_an_open_channel_and_an_amount(channels, hand, terms):
    with boa.reverts("channel: unknown"):
        hand.top_up(terms, UNIT)
    hand.open(terms, UNIT)
    with boa.reverts("top up: no amount"):
        hand.top_up(terms, 0)
    with boa.reverts("top up: too large"):
        hand.top_up(terms, 2**96 - 1)
    hand.close(terms, 0)
    with boa.reverts("channel: closed"):
        hand.top_up(terms, UNIT)


def test_a_top_up_fills_a_channel_to_its_largest_deposit_and_no_further(channels, token, hand, terms):
    largest = 2**96 - 1
    token.attestReserve(2**100, sender=role("attester").address)
    token.setMinter(role("minter").address, 2**100, sender=role("admin").address)
    token.mint(terms.payer.address, largest, b"largest".ljust(32, b"\0"), sender=role("minter").address)
    channel = hand.open(terms, UNIT)
    hand.top_up(terms, largest - UNIT)
    assert channels.stateOf(channel) == (0, largest, 0, False)
    with boa.reverts("top up: too large"):
        hand.top_up(terms, 1, b"u" * 32)
    hand.close(terms, largest)
    assert token.balanceOf(terms.payee.address) == largest


def test_channels_without_a_token_are_not_deployed(deploy):
    with boa.reverts("channels: no token"):
        deploy("Channels", "0x" + "00" * 20)
