"""Passwords of dynamic QR codes, and signed static addresses."""

import hashlib
import hmac

from sunpile.fleet.web_passwords import (
    BASE62,
    TICKET_S,
    WebSecret,
    password,
    read_ticket,
    signature,
    signed,
    step_of,
    ticket,
)

SHARED = WebSecret("a-secret-of-the-station-and-us", 30, 12)
NODE = b"k" * 32
NOW = 1_772_625_612


def test_the_password_is_reckoned_as_the_station_does():
    step = NOW // 30
    digest = hmac.new(SHARED.secret.encode(), step.to_bytes(8, "big"), hashlib.sha256).digest()
    offset = digest[31] % 16
    expected = [BASE62[(digest + digest)[offset + place] % 62] for place in range(12)]
    assert password(SHARED, step) == "".join(expected)
    assert password(SHARED, step) != password(SHARED, step + 1)


def test_one_step_early_or_late_is_good_and_no_more():
    step = NOW // 30
    for away in (-1, 0, 1):
        assert step_of(SHARED, password(SHARED, step + away), NOW) == step + away
    for wrong in (password(SHARED, step - 2), password(SHARED, step + 2), "", "x" * 12, password(SHARED, step)[:-1]):
        assert step_of(SHARED, wrong, NOW) is None
    assert step_of(SHARED, "pässwörter€\ud800", NOW) is None


def test_a_static_address_is_good_for_its_own_evse_only():
    sign = signature(NODE, "static", "P1", 1)
    assert signed(NODE, sign, "static", "P1", 1)
    assert not signed(NODE, sign, "static", "P1", 2)
    assert not signed(b"x" * 32, sign, "static", "P1", 1)


def test_a_ticket_carries_the_step_and_ends():
    given = ticket(NODE, "P1", 1, 77, NOW)
    assert read_ticket(NODE, "P1", 1, given, NOW + TICKET_S - 1) == (True, 77)
    assert read_ticket(NODE, "P1", 1, given, NOW + TICKET_S) == (False, None)
    assert read_ticket(NODE, "P2", 1, given, NOW) == (False, None)
    assert read_ticket(NODE, "P1", 1, given.replace(".77.", "..", 1), NOW) == (False, None)
    assert read_ticket(NODE, "P1", 1, ticket(NODE, "P1", 1, None, NOW), NOW) == (True, None)
    for bad in ("", "1.2", "x.77.y", "9" * 40 + "..z"):
        assert read_ticket(NODE, "P1", 1, bad, NOW) == (False, None)
