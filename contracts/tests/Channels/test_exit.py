"""The payer leaves, whatever others do."""

from dataclasses import replace

import boa
import pytest
from channel_hand import UNIT
from roles import role

GRACE = 900


def test_ch_8_the_payer_gets_the_rest_after_the_grace(channels, token, hand, terms, env):
    channel = hand.open(terms, 50 * UNIT)
    hand.settle(terms, 8 * UNIT)
    channels.requestClose(terms.tuple(), sender=terms.payer.address)
    assert channels.stateOf(channel).close_requested_at == env.timestamp
    assert channels.GRACE() == GRACE
    env.time_travel(seconds=GRACE - 1)
    with boa.reverts("withdraw: within the grace period"):
        channels.withdraw(terms.tuple(), sender=terms.payer.address)
    env.time_travel(seconds=1)
    # Anyone may send it home.
    channels.withdraw(terms.tuple(), sender=role("stranger").address)
    assert token.balanceOf(terms.payer.address) == 992 * UNIT
    assert token.balanceOf(terms.payee.address) == 8 * UNIT
    assert channels.stateOf(channel) == (8 * UNIT, 0, 0, True)


def test_ch_8_without_a_request_nothing_leaves(channels, hand, terms, env):
    hand.open(terms, 50 * UNIT)
    env.time_travel(seconds=10 * GRACE)
    with boa.reverts("withdraw: no close requested"):
        channels.withdraw(terms.tuple(), sender=terms.payer.address)
    with boa.reverts("channel: unknown"):
        channels.withdraw(replace(terms, salt=b"?" * 32).tuple(), sender=terms.payer.address)


@pytest.mark.parametrize("name", ["payee", "session_signer", "hub_operator", "stranger"])
def test_ch_8_only_the_payer_requests(channels, hand, terms, name):
    hand.open(terms, 50 * UNIT)
    with boa.reverts("request close: not the payer"):
        channels.requestClose(terms.tuple(), sender=role(name).address)


def test_ch_8_a_second_request_does_not_move_the_first(channels, hand, terms, env):
    channel = hand.open(terms, 50 * UNIT)
    channels.requestClose(terms.tuple(), sender=terms.payer.address)
    first = env.timestamp
    env.time_travel(seconds=100)
    with boa.reverts("request close: already requested"):
        channels.requestClose(terms.tuple(), sender=terms.payer.address)
    with boa.reverts("request close: already requested"):
        channels.requestCloseSigned(terms.tuple(), *hand.close_request(terms, 50 * UNIT))
    assert channels.stateOf(channel).close_requested_at == first


def test_ch_8_the_payees_acts_do_not_stop_the_exit(channels, token, hand, terms, env):
    hand.open(terms, 50 * UNIT)
    channels.requestClose(terms.tuple(), sender=terms.payer.address)
    for step in range(1, 4):
        env.time_travel(seconds=GRACE // 3)
        hand.settle(terms, step * UNIT, relayer="payee")
    channels.withdraw(terms.tuple(), sender=terms.payer.address)
    assert token.balanceOf(terms.payer.address) == 997 * UNIT


def test_ch_8_a_fully_settled_channel_can_be_finished(channels, token, hand, terms, env):
    channel = hand.open(terms, 50 * UNIT)
    hand.settle(terms, 50 * UNIT)
    channels.requestClose(terms.tuple(), sender=terms.payer.address)
    env.time_travel(seconds=GRACE)
    channels.withdraw(terms.tuple())
    assert channels.stateOf(channel) == (50 * UNIT, 0, 0, True)


def test_ch_8_a_request_is_carried_by_anyone_and_signed_by_the_payer(channels, hand, terms):
    channel = hand.open(terms, 50 * UNIT)
    signature = hand.close_request(terms, 50 * UNIT)
    with boa.reverts("signature: wrong signer"):
        channels.requestCloseSigned(terms.tuple(), *hand.close_request(terms, 49 * UNIT))
    channels.requestCloseSigned(terms.tuple(), *signature, sender=role("stranger").address)
    assert channels.stateOf(channel).close_requested_at != 0


def test_ch_8_the_session_key_cannot_sign_a_request(channels, hand, terms):
    hand.open(terms, 50 * UNIT)
    for name in ("session_signer", "payee", "hub_operator"):
        with boa.reverts("signature: wrong signer"):
            channels.requestCloseSigned(terms.tuple(), *hand.close_request(terms, 50 * UNIT, by=role(name)))


def test_ch_9_a_top_up_takes_the_request_back_and_makes_old_requests_void(channels, hand, terms, env):
    channel = hand.open(terms, 50 * UNIT)
    old = hand.close_request(terms, 50 * UNIT)
    channels.requestCloseSigned(terms.tuple(), *old)
    hand.top_up(terms, 5 * UNIT)
    assert channels.stateOf(channel) == (0, 55 * UNIT, 0, False)
    env.time_travel(seconds=GRACE)
    with boa.reverts("withdraw: no close requested"):
        channels.withdraw(terms.tuple(), sender=terms.payer.address)
    with boa.reverts("signature: wrong signer"):
        channels.requestCloseSigned(terms.tuple(), *old)


def test_ch_9_the_payee_settles_until_it_is_withdrawn(channels, token, hand, terms, env):
    channel = hand.open(terms, 50 * UNIT)
    channels.requestClose(terms.tuple(), sender=terms.payer.address)
    requested = channels.stateOf(channel).close_requested_at
    env.time_travel(seconds=5 * GRACE)
    hand.settle(terms, 10 * UNIT)
    assert channels.stateOf(channel).close_requested_at == requested
    hand.settle(terms, 11 * UNIT)
    channels.withdraw(terms.tuple())
    assert token.balanceOf(terms.payer.address) == 989 * UNIT
    with boa.reverts("channel: closed"):
        hand.settle(terms, 12 * UNIT)


def test_ch_9_the_payee_may_close_while_the_grace_runs(channels, token, hand, terms):
    hand.open(terms, 50 * UNIT)
    channels.requestClose(terms.tuple(), sender=terms.payer.address)
    hand.close(terms, 10 * UNIT)
    assert token.balanceOf(terms.payer.address) == 990 * UNIT
    assert token.balanceOf(terms.payee.address) == 10 * UNIT
