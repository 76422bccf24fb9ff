"""secp256k1 keys: sign a digest, recover who signed it (libsecp256k1 by coincurve)."""

import secrets

from coincurve import PrivateKey, PublicKey

from sunpile.basics.errors import InputInvalid
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address

HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


class Key:
    """A private key. Its text form shows only the address."""

    __slots__ = ("_private", "address")

    def __init__(self, secret: bytes) -> None:
        self._private = PrivateKey(secret)
        self.address = address_of(self._private.public_key)

    @classmethod
    def new(cls) -> "Key":
        """A fresh random key."""
        return cls(secrets.token_bytes(32))

    @classmethod
    def from_seed(cls, seed: str) -> "Key":
        """A key for simulations and tests, the same for the same `seed`. Never for real money."""
        return cls(keccak256(b"sunpile town key " + seed.encode()))

    @property
    def secret(self) -> bytes:
        """The 32 secret bytes."""
        return self._private.secret

    def sign(self, digest: bytes) -> bytes:
        """65 bytes r || s || v over a 32-byte `digest`, s low, v 27 or 28 (EIP-2, Yellow Paper F)."""
        signature: bytes = self._private.sign_recoverable(digest, hasher=None)  # pyright: ignore[reportUnknownMemberType]
        return signature[:64] + bytes([27 + signature[64]])

    def __repr__(self) -> str:
        return f"Key({self.address})"


def address_of(public: PublicKey) -> Address:
    """EVM address of a public key."""
    return Address("0x" + keccak256(public.format(compressed=False)[1:])[12:].hex())


def recover(digest: bytes, signature: bytes) -> Address:
    """Address that signed the 32-byte `digest`.

    Raises
    ------
    InputInvalid
        if the signature is malformed or its s is high (malleable).
    """
    if len(signature) != 65 or signature[64] not in (27, 28):
        raise InputInvalid("a signature is 65 bytes r, s, v with v 27 or 28")
    if int.from_bytes(signature[32:64], "big") > HALF_ORDER:
        raise InputInvalid("the signature's s is in the upper half of the curve order")
    try:
        compact = signature[:64] + bytes([signature[64] - 27])
        return address_of(PublicKey.from_signature_and_message(compact, digest, hasher=None))
    except Exception as fault:
        raise InputInvalid("the signature recovers no key") from fault
