"""Vouchers: each pays once, in its channel, up to the deposit."""

from dataclasses import replace

import boa
import pytest
from channel_hand import UNIT, Hand
from roles import role, twin


def test_ch_3_a_voucher_pays_its_sum_once(channels, token, hand, terms):
    channel = hand.open(terms, 50 * UNIT)
    hand.settle(terms, 10 * UNIT)
    assert token.balanceOf(terms.payee.address) == 10 * UNIT
    for again in (10 * UNIT, 9 * UNIT, 0):
        with boa.reverts("settle: nothing new"):
            hand.settle(terms, again)
    hand.settle(terms, 12 * UNIT)
    assert token.balanceOf(terms.payee.address) == 12 * UNIT
    assert channels.stateOf(channel) == (12 * UNIT, 50 * UNIT, 0, False)


def test_ch_3_a_voucher_above_the_deposit_pays_the_deposit_and_the_rest_after_a_top_up(token, hand, terms):
    hand.open(terms, 5 * UNIT)
    hand.settle(terms, 8 * UNIT)
    assert token.balanceOf(terms.payee.address) == 5 * UNIT
    with boa.reverts("settle: nothing new"):
        hand.settle(terms, 8 * UNIT)
    hand.top_up(terms, 10 * UNIT)
    hand.settle(terms, 8 * UNIT)
    assert token.balanceOf(terms.payee.address) == 8 * UNIT


def test_ch_2_the_largest_voucher_takes_the_deposit_and_no_more(channels, token, hand, terms, other):
    hand.open(other, 7 * UNIT)
    channel = hand.open(terms, 5 * UNIT)
    hand.settle(terms, 2**128 - 1)
    assert channels.stateOf(channel) == (5 * UNIT, 5 * UNIT, 0, False)
    assert token.balanceOf(channels.address) == 7 * UNIT


def test_ch_10_whoever_brings_a_voucher_the_payee_gets_the_money(token, hand, terms):
    hand.open(terms, 50 * UNIT)
    for count, name in enumerate(("payee", "payer", "stranger", "hub_operator"), 1):
        hand.settle(terms, count * UNIT, relayer=name)
        assert token.balanceOf(terms.payee.address) == count * UNIT


def test_ch_4_a_voucher_pays_in_its_own_channel_only(channels, hand, terms, other):
    hand.open(terms, 50 * UNIT)
    hand.open(other, 50 * UNIT)
    voucher = hand.voucher(terms, UNIT)
    with boa.reverts("signature: wrong signer"):
        channels.settle(other.tuple(), UNIT, *voucher)
    with boa.reverts("signature: wrong signer"):
        channels.settle(terms.tuple(), 2 * UNIT, *voucher)
    for field in ("payer", "payee", "signer", "operator"):
        with boa.reverts("channel: unknown"):
            channels.settle(replace(terms, **{field: role("stranger")}).tuple(), UNIT, *voucher)


def test_ch_4_a_voucher_of_another_contract_or_chain_pays_nothing(channels, token, hand, terms, deploy, env):
    second = Hand(deploy("Channels", token.address), token)
    hand.open(terms, UNIT)
    second.open(terms, UNIT)
    with boa.reverts("signature: wrong signer"):
        second.channels.settle(terms.tuple(), UNIT, *hand.voucher(terms, UNIT))
    with boa.reverts("signature: wrong signer"):
        channels.settle(terms.tuple(), UNIT, *Hand(channels, token, chain_id=2).voucher(terms, UNIT))
    separator = channels.DOMAIN_SEPARATOR()
    env.evm.patch.chain_id = 2
    try:
        # After a fork the ids and the separator are others; the old signatures are worth nothing there.
        assert channels.DOMAIN_SEPARATOR() != separator
        assert channels.eip712Domain()[3] == 2
        with boa.reverts("channel: unknown"):
            channels.settle(terms.tuple(), UNIT, *hand.voucher(terms, UNIT))
    finally:
        env.evm.patch.chain_id = 1
    assert channels.DOMAIN_SEPARATOR() == separator


def test_ch_4_after_closing_nothing_replays_and_the_id_never_opens_again(channels, token, hand, terms, env):
    hand.open(terms, 10 * UNIT)
    hand.close(terms, 4 * UNIT)
    for attempt in (
        lambda: hand.settle(terms, 5 * UNIT),
        lambda: hand.close(terms, 5 * UNIT),
        lambda: channels.withdraw(terms.tuple()),
        lambda: channels.requestClose(terms.tuple(), sender=terms.payer.address),
    ):
        with boa.reverts("channel: closed"):
            attempt()
    proof = hand.receive(terms.payer, 10 * UNIT, hand.id(terms), after=1)
    with boa.reverts("open: the channel was opened before"):
        channels.openWithAuthorization(terms.tuple(), 10 * UNIT, *proof)
    assert channels.stateOf(hand.id(terms)) == (4 * UNIT, 0, 0, True)
    assert token.balanceOf(channels.address) == 0


def test_ch_4_a_reopening_under_another_salt_does_not_know_the_old_vouchers(channels, hand, terms, other):
    hand.open(terms, 10 * UNIT)
    old = hand.voucher(terms, 9 * UNIT)
    hand.close(terms, 0)
    hand.open(other, 10 * UNIT)
    with boa.reverts("signature: wrong signer"):
        channels.settle(other.tuple(), 9 * UNIT, *old)


@pytest.mark.parametrize("name", ["payer", "payee", "hub_operator", "stranger"])
def test_ch_5_with_a_session_key_only_it_signs_vouchers(channels, hand, terms, name):
    hand.open(terms, 10 * UNIT)
    with boa.reverts("signature: wrong signer"):
        channels.settle(terms.tuple(), UNIT, *hand.voucher(terms, UNIT, by=role(name)))


def test_ch_5_without_a_session_key_the_payer_signs(channels, token, hand, terms):
    plain = replace(terms, signer=None)
    hand.open(plain, 10 * UNIT)
    with boa.reverts("signature: wrong signer"):
        channels.settle(plain.tuple(), UNIT, *hand.voucher(plain, UNIT, by=role("session_signer")))
    hand.settle(plain, UNIT)
    assert token.balanceOf(terms.payee.address) == UNIT


def test_ch_5_a_twin_or_nonsense_signature_is_no_voucher(channels, hand, terms):
    hand.open(terms, 10 * UNIT)
    v, r, s = hand.voucher(terms, UNIT)
    with boa.reverts("signature: high s"):
        channels.settle(terms.tuple(), UNIT, *twin((v, r, s)))
    for bad in ((v, bytes(32), s), (v, r, bytes(32)), (0, r, s), (29, r, s), (v, b"\xff" * 32, s)):
        with boa.reverts("signature: wrong signer"):
            channels.settle(terms.tuple(), UNIT, *bad)


def test_the_session_key_can_do_nothing_else(channels, hand, terms):
    hand.open(terms, 10 * UNIT)
    with boa.reverts("request close: not the payer"):
        channels.requestClose(terms.tuple(), sender=terms.signer.address)
    with boa.reverts("close: neither payee nor operator"):
        hand.close(terms, UNIT, by="session_signer")
