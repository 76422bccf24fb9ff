"""A voucher pays once, in its own channel, on its own chain; everything else is refused by name."""

from dataclasses import replace

import pytest
from eth_account import Account

from sessions.memory import PAYEE, PAYER, channel
from sessions.talk import T0
from sunpile.basics.errors import Conflict, VoucherInvalid
from sunpile.basics.keys import Key
from sunpile.sessions.model import Session, SessionRules
from sunpile.sessions.voucher import (
    NOBODY,
    accept,
    channel_id,
    channels_domain,
    due_cumulative,
    is_late,
    paid_of,
    sign_voucher,
)

KEY, STRANGER = Key.from_seed("session key"), Key.from_seed("stranger")
CONTRACT = "0x" + "cc" * 20
DOMAIN = channels_domain(31_337, CONTRACT)
OPEN = channel(KEY.address, deposit=1000, best=100)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def voucher(cumulative, key=KEY, domain=DOMAIN, name=OPEN.channel):
    return sign_voucher(key, domain, name, cumulative)


def high_s(one):
    s = ORDER - int.from_bytes(one.signature[32:64], "big")
    turned = one.signature[:32] + s.to_bytes(32, "big") + bytes([55 - one.signature[64]])
    return replace(one, signature=turned)


def take(one, known=OPEN, min_delta=50, due=10**6):
    return accept(known, one, DOMAIN, min_delta, due)


def test_a_good_voucher_moves_the_channel():
    assert take(voucher(200)).best == 200


def test_the_digest_is_that_of_the_contract():
    typed = {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Voucher": [{"name": "channel", "type": "bytes32"}, {"name": "cumulative", "type": "uint128"}],
        },
        "primaryType": "Voucher",
        "domain": {"name": "sunpile channels", "version": "1", "chainId": 31_337, "verifyingContract": CONTRACT},
        "message": {"channel": OPEN.channel, "cumulative": 200},
    }
    signed = Account.sign_typed_data(KEY.secret, full_message=typed)
    assert signed.signature == voucher(200).signature


def test_the_channel_id_is_that_of_the_contract():
    import eth_abi
    from eth_hash.auto import keccak

    words = [31_337, CONTRACT, PAYER, PAYEE, KEY.address, NOBODY, b"\x05" * 32]
    kinds = ["uint256", *["address"] * 5, "bytes32"]
    assert channel_id(DOMAIN, PAYER, PAYEE, KEY.address, b"\x05" * 32) == keccak(eth_abi.encode(kinds, words))


@pytest.mark.parametrize(
    ("forgery", "reason"),
    [
        (voucher(200, key=STRANGER), "not signed by"),
        (voucher(200, domain=channels_domain(1, CONTRACT)), "not signed by"),
        (voucher(200, domain=channels_domain(31_337, "0x" + "dd" * 20)), "not signed by"),
        (replace(voucher(200, name=b"\x02" * 32), channel=OPEN.channel), "not signed by"),
        (voucher(200, name=b"\x02" * 32), "another channel"),
        (replace(voucher(200), cumulative=300), "not signed by"),
        (voucher(99), "held already"),
        (voucher(1001), "exceeds the deposit"),
        (voucher(1 << 96), "below 2\\^96"),
        (replace(voucher(200), cumulative=0), "positive"),
        (voucher(149), "at least 50"),
        (high_s(voucher(200)), "upper half"),
        (replace(voucher(200), signature=voucher(200).signature[:64]), "65 bytes"),
        (replace(voucher(200), signature=voucher(200).signature[:64] + b"\x00"), "65 bytes"),
        (replace(voucher(200), signature=bytes(64) + b"\x1b"), "recovers no key|not signed by"),
    ],
)
def test_a_forged_voucher_is_refused_by_name(forgery, reason):
    with pytest.raises(VoucherInvalid, match=reason):
        take(forgery)


def test_the_newest_voucher_again_changes_nothing():
    assert take(voucher(100)) is OPEN


@pytest.mark.parametrize("state", ["closing", "closed"])
def test_a_channel_that_is_not_open_takes_nothing(state):
    with pytest.raises(Conflict, match=state):
        take(voucher(200), OPEN._replace(state=state))


def test_a_small_voucher_that_pays_all_that_is_due_is_fine():
    assert take(voucher(120), due=120).best == 120
    assert take(voucher(1000), OPEN._replace(best=990)).best == 1000


def test_without_a_session_key_the_payer_signs():
    assert take(voucher(200), OPEN._replace(signer=NOBODY, payer=KEY.address)).best == 200
    with pytest.raises(VoucherInvalid):
        take(voucher(200, key=STRANGER), OPEN._replace(signer=NOBODY, payer=KEY.address))


RULES = SessionRules()
SESSION = Session("s", "P1", 1, "1", 1000, T0, T0, channel=OPEN.channel)
STEP = 100_000
"""100 Wh at 1000 micro/kWh."""


@pytest.mark.parametrize(
    ("best", "other_owed", "owed", "deposit", "due", "paid", "late"),
    [
        (0, 0, 0, 10**9, STEP, 0, False),
        (0, 0, STEP, 10**9, 2 * STEP, 0, False),
        (0, 0, STEP + 1, 10**9, 2 * STEP + 1, 0, True),
        (STEP, 0, 2 * STEP, 10**9, 3 * STEP, STEP, False),
        (5 * STEP, 4 * STEP, STEP, 10**9, 6 * STEP, STEP, False),
        (4 * STEP, 4 * STEP, STEP + 1, 10**9, 6 * STEP + 1, 0, True),
        (3 * STEP, 4 * STEP, STEP, 10**9, 6 * STEP, 0, False),
        (2 * STEP, 0, 2 * STEP, 2 * STEP, 2 * STEP, 2 * STEP, False),
        (2 * STEP, 0, 2 * STEP + 1, 2 * STEP, 2 * STEP, 2 * STEP, True),
    ],
)
def test_what_is_due_and_when_it_is_late(best, other_owed, owed, deposit, due, paid, late):
    known = OPEN._replace(best=best, owed=other_owed + owed, deposit=deposit)
    session = SESSION._replace(owed=owed)
    assert due_cumulative(known, session, RULES) == due
    assert paid_of(known, session.owed) == paid
    assert is_late(known, session, RULES) is late


def test_an_ended_session_pays_what_it_owes_and_no_step_ahead():
    known = OPEN._replace(best=0, owed=50, deposit=10**9)
    assert due_cumulative(known, SESSION._replace(owed=50, state="ended"), RULES) == 50


def test_a_session_nobody_pays_for_is_late_at_once_and_a_free_one_never():
    assert is_late(None, SESSION, RULES)
    assert not is_late(None, SESSION._replace(pays=False), RULES)
    assert not is_late(None, SESSION._replace(price=0), RULES)
    assert not is_late(None, SESSION._replace(state="ended"), RULES)


def test_a_closing_channel_gives_no_credit():
    known = OPEN._replace(best=0, owed=1, deposit=10**9, state="closing")
    assert is_late(known, SESSION._replace(owed=1), RULES)
