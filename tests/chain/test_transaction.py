"""Raw transactions, read without trust."""

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from sunpile.basics.errors import InputInvalid
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address
from sunpile.basics.keys import Key
from sunpile.chain import rlp
from sunpile.chain.transaction import SIZE_MAX, Fees, read, sign

KEY = Key.from_seed("transaction")
TARGET = Address("0x" + "cd" * 20)


@pytest.mark.parametrize("to", [TARGET, None])
def test_what_was_signed_is_read_again(to: Address | None) -> None:
    raw = sign(KEY, 99, 7, to, b"\x01\x02", 50_000, Fees(30, 2))
    found = read(raw)
    assert (found.sender, found.nonce, found.to, found.data) == (KEY.address, 7, to, b"\x01\x02")
    assert (found.gas_limit, found.chain_id, found.max_fee) == (50_000, 99, 30)
    assert found.hash == keccak256(raw)


def test_a_changed_byte_is_refused_or_somebody_elses() -> None:
    raw = sign(KEY, 99, 7, TARGET, b"\x01\x02", 50_000, Fees(0, 0))
    for at in range(len(raw)):
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        try:
            assert read(changed).sender != KEY.address
        except InputInvalid:
            continue


@pytest.mark.parametrize(
    "raw", [b"", b"\x01", b"\x02", b"\x02" + bytes(50), b"\xf8" + bytes(80), b"\x02" * (SIZE_MAX + 1)]
)
def test_what_is_no_transaction_is_refused(raw: bytes) -> None:
    with pytest.raises(InputInvalid):
        read(raw)


@pytest.mark.parametrize("size", [0, 1, 55, 56, 300, 70_000])
@pytest.mark.parametrize("to", [TARGET, None])
def test_the_bytes_are_those_another_library_makes(to: Address | None, size: int) -> None:
    body = {
        "type": 2,
        "chainId": 4242,
        "nonce": size,
        "to": bytes.fromhex(to[2:]) if to else b"",
        "value": 0,
        "data": bytes(range(256)) * (size // 256) + bytes(range(size % 256)),
        "gas": 1_000_000,
        "maxFeePerGas": 10**12,
        "maxPriorityFeePerGas": 0,
    }
    other = bytes(Account.sign_transaction(body, KEY.secret).raw_transaction)
    ours = sign(KEY, 4242, size, to, body["data"], 1_000_000, Fees(10**12, 0))
    assert ours == other


@given(st.recursive(st.binary(max_size=80), lambda inner: st.lists(inner, max_size=6), max_leaves=20))
def test_rlp_comes_back_and_has_one_form(item: rlp.Item) -> None:
    coded = rlp.encode(item)
    assert rlp.decode(coded) == item
    for torn in (coded[:-1], coded + b"\0"):
        with pytest.raises(InputInvalid):
            rlp.decode(torn)


@given(st.binary(max_size=60))
def test_whatever_rlp_accepts_it_would_write_the_same(data: bytes) -> None:
    try:
        item = rlp.decode(data)
    except InputInvalid:
        return
    assert rlp.encode(item) == data
