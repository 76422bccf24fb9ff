"""EIP-712 typed data for the flat structs sunpile signs.

Only static member types occur (uintN, intN, address, bytes32, bool), so `encodeData` is one 32-byte word a member.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address


def word(kind: str, value: object) -> bytes:
    """One 32-byte word of ABI encoding for a static type."""
    if kind == "address":
        return bytes(12) + bytes.fromhex(str(value)[2:])
    if kind == "bytes32":
        assert isinstance(value, bytes)
        assert len(value) == 32
        return value
    return int(value).to_bytes(32, "big", signed=kind.startswith("int"))  # type: ignore[call-overload]


@dataclass(frozen=True)
class Domain:
    """The EIP-712 domain a signature is bound to: one contract on one chain."""

    name: str
    chain_id: int
    contract: Address
    """The verifying contract."""
    version: str = "1"

    @cached_property
    def separator(self) -> bytes:
        """The domain separator, 32 bytes."""
        kind = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
        return keccak256(
            keccak256(kind.encode())
            + keccak256(self.name.encode())
            + keccak256(self.version.encode())
            + word("uint256", self.chain_id)
            + word("address", self.contract)
        )


@dataclass(frozen=True)
class Struct:
    """A flat EIP-712 struct type, as `Struct("Order", (("point", "uint32"), ...))`."""

    name: str
    members: tuple[tuple[str, str], ...]
    """(member name, Solidity type) in order."""

    @cached_property
    def type_hash(self) -> bytes:
        """keccak256 of `encodeType`."""
        inner = ",".join(f"{kind} {member}" for member, kind in self.members)
        return keccak256(f"{self.name}({inner})".encode())

    def hash(self, values: Mapping[str, object]) -> bytes:
        """`hashStruct` of `values`, 32 bytes."""
        return keccak256(self.type_hash + b"".join(word(kind, values[member]) for member, kind in self.members))

    def digest(self, domain: Domain, values: Mapping[str, object]) -> bytes:
        """The 32 bytes that are signed: keccak256(0x1901 || separator || hashStruct)."""
        return keccak256(b"\x19\x01" + domain.separator + self.hash(values))
