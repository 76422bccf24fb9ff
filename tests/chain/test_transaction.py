"""Raw transactions, read without trust."""

import pytest

from sunpile.basics.errors import InputInvalid
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address
from sunpile.basics.keys import Key
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
