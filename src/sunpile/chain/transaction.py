"""Raw transactions: type 2 (EIP-1559), signed, and read again without trust."""

from collections.abc import Sequence
from dataclasses import dataclass

from sunpile.basics.errors import InputInvalid
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address
from sunpile.basics.keys import Key, recover
from sunpile.chain import rlp

TYPE = b"\x02"
FIELDS = 12
SIZE_MAX = 128 * 1024
"""Bytes of a raw transaction that every common chain takes."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """What a raw transaction says."""

    raw: bytes
    hash: bytes
    """keccak256 of `raw`, the id of the transaction."""
    sender: Address
    """Who signed it."""
    nonce: int
    to: Address | None
    """None creates a contract."""
    data: bytes
    gas_limit: int
    chain_id: int
    max_fee: int
    """Most wei paid per gas."""


@dataclass(frozen=True, slots=True)
class Fees:
    """Price of gas, wei per gas; both 0 on a chain without a price."""

    max_fee: int
    """Most that is paid, base fee and tip together."""
    tip: int
    """What the maker of the block gets."""


def sign(key: Key, chain_id: int, nonce: int, to: Address | None, data: bytes, gas_limit: int, fees: Fees) -> bytes:
    """A raw type-2 transaction without value."""
    target = bytes.fromhex(to[2:]) if to else b""
    numbers = [rlp.whole(number) for number in (chain_id, nonce, fees.tip, fees.max_fee, gas_limit)]
    body: list[rlp.Item] = [*numbers, target, b"", data, []]
    signature = key.sign(keccak256(TYPE + rlp.encode(body)))
    r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
    return TYPE + rlp.encode([*body, rlp.whole(signature[64] - 27), rlp.whole(r), rlp.whole(s)])


def read(raw: bytes) -> Transaction:
    """What `raw` says, and who signed it.

    Raises
    ------
    InputInvalid
        if it is no signed type-2 transaction.
    """
    if raw[:1] != TYPE:
        raise InputInvalid("only type-2 (EIP-1559) transactions are taken")
    if len(raw) > SIZE_MAX:
        raise InputInvalid(f"a transaction has at most {SIZE_MAX} bytes, this one has {len(raw)}")
    fields = rlp.decode(raw[1:])
    if isinstance(fields, bytes) or len(fields) != FIELDS:
        raise InputInvalid(f"a type-2 transaction has {FIELDS} parts")
    chain_id, nonce, _, max_fee, gas_limit, _ = (_number(fields[at]) for at in (0, 1, 2, 3, 4, 6))
    to, data = fields[5], fields[7]
    if not isinstance(to, bytes) or len(to) not in (0, 20) or not isinstance(data, bytes):
        raise InputInvalid("a transaction goes to an address and carries bytes")
    return Transaction(
        raw=raw,
        hash=keccak256(raw),
        sender=_signer(fields),
        nonce=nonce,
        to=Address("0x" + to.hex()) if to else None,
        data=data,
        gas_limit=gas_limit,
        chain_id=chain_id,
        max_fee=max_fee,
    )


def _signer(fields: Sequence[rlp.Item]) -> Address:
    parity, r, s = (_number(fields[at]) for at in (9, 10, 11))
    if parity > 1 or max(r, s) >> 256:
        raise InputInvalid("the transaction's signature is wrong")
    signed = keccak256(TYPE + rlp.encode(fields[:9]))
    return recover(signed, r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + parity]))


def _number(item: rlp.Item) -> int:
    if not isinstance(item, bytes) or item[:1] == b"\0" or len(item) > 32:
        raise InputInvalid("a number in the transaction is coded wrongly")
    return int.from_bytes(item, "big")
