"""Credentials and token buckets, without a socket."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sunpile.basics.ids import StationId
from sunpile.chargers.access import Attempt, Buckets, credentials, judge, new_password, password_hash
from sunpile.chargers.ports import StationRecord

KEY = bytes(range(20))
RECORD = StationRecord(StationId("P1"), "default", b"salt", password_hash(b"salt", KEY), 11_000)


def header(user: str, password: bytes) -> str:
    return "Basic " + base64.b64encode(user.encode() + b":" + password).decode()


def refusal(station: str, record: StationRecord | None, given: str | None) -> str | None:
    return judge(Attempt(station, given, record=record), insecure=(1,)).reason


@pytest.mark.parametrize("password", [KEY, KEY.hex().encode(), KEY.hex().upper().encode()])
def test_the_key_is_accepted_raw_and_as_hex(password: bytes) -> None:
    assert refusal("P1", RECORD, header("P1", password)) is None
    assert refusal("P1", RECORD, header("P1", password).replace("Basic", "basic")) is None


@pytest.mark.parametrize("password", [b"", KEY[:-1], KEY + b"\x00", KEY.hex().encode() + b" ", b"z" * 40, b"\xff" * 40])
def test_anything_else_is_refused(password: bytes) -> None:
    assert refusal("P1", RECORD, header("P1", password)) is not None
    assert refusal("P1", None, header("P1", password)) is not None


@given(st.text(max_size=80) | st.binary(max_size=80).map(lambda raw: "Basic " + base64.b64encode(raw).decode()))
def test_no_header_crashes_or_opens(text: str) -> None:
    credentials(text)
    assert refusal("P1", RECORD, text) is not None


def test_passwords_are_twenty_random_bytes_with_a_salt_each() -> None:
    made = [new_password() for _ in range(50)]
    assert len({password for password, _, _ in made}) == len({salt for _, salt, _ in made}) == 50
    for password, salt, hashed in made:
        assert hashed == password_hash(salt, bytes.fromhex(password))
        assert len(password) == 40


class TestBuckets:
    def test_failures_empty_it_and_time_fills_it(self) -> None:
        buckets = Buckets(capacity=2, refill=0.5)
        for _ in range(2):
            assert buckets.allows("a", 0.0)
            buckets.spend("a", 0.0)
        assert not buckets.allows("a", 1.9)
        assert buckets.allows("a", 2.0)
        assert buckets.allows("b", 0.0)

    def test_it_never_holds_more_than_its_capacity(self) -> None:
        buckets = Buckets(capacity=1, refill=10)
        buckets.spend("a", 0.0)
        buckets.spend("a", 1000.0)
        assert not buckets.allows("a", 1000.0)

    def test_it_forgets_the_oldest_keys(self) -> None:
        buckets = Buckets(capacity=1, refill=0, keys_max=10)
        for key in range(100):
            buckets.spend(key, 0.0)
        assert buckets.allows(0, 0.0)
        assert not buckets.allows(99, 0.0)
