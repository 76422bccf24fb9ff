"""Raw transactions: type 2 (EIP-1559), signed, and read again without trust."""

from dataclasses import dataclass
from typing import Any

from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from sunpile.basics.errors import InputInvalid
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address
from sunpile.basics.keys import Key

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
    body: dict[str, Any] = {
        "type": 2,
        "chainId": chain_id,
        "nonce": nonce,
        "to": bytes.fromhex(to[2:]) if to else b"",
        "value": 0,
        "data": data,
        "gas": gas_limit,
        "maxFeePerGas": fees.max_fee,
        "maxPriorityFeePerGas": fees.tip,
    }
    return bytes(Account.sign_transaction(body, key.secret).raw_transaction)


def read(raw: bytes) -> Transaction:
    """What `raw` says, and who signed it.

    Raises
    ------
    InputInvalid
        if it is no signed type-2 transaction.
    """
    if not raw or raw[0] != 2:
        raise InputInvalid("only type-2 (EIP-1559) transactions are taken")
    if len(raw) > SIZE_MAX:
        raise InputInvalid(f"a transaction has at most {SIZE_MAX} bytes, this one has {len(raw)}")
    try:
        fields: dict[str, Any] = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        sender = str(Account.recover_transaction(raw))
    except Exception as fault:
        raise InputInvalid("the transaction cannot be decoded or its signature is wrong") from fault
    to = bytes(fields["to"])
    return Transaction(
        raw=raw,
        hash=keccak256(raw),
        sender=Address(sender.lower()),
        nonce=int(fields["nonce"]),
        to=Address("0x" + to.hex()) if to else None,
        data=bytes(fields["data"]),
        gas_limit=int(fields["gas"]),
        chain_id=int(fields["chainId"]),
        max_fee=int(fields["maxFeePerGas"]),
    )
