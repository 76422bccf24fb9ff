"""A reading: what one metering point imported less what it exported in one interval (IntervalReading, IEC 61968-9)."""

from dataclasses import dataclass

from sunpile.basics.errors import InputInvalid, ReadingInvalid
from sunpile.basics.hashing import leaf_hash
from sunpile.basics.ids import Address, PointId
from sunpile.basics.keys import Key, recover
from sunpile.basics.typed_data import Domain, Struct
from sunpile.basics.units import Wh

READING = Struct("Reading", (("point", "uint32"), ("interval", "uint32"), ("wh", "int64"), ("salt", "bytes32")))
"""EIP-712 type; the domain is the `EnergyMarket` contract."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Net energy of one point in one interval, not yet signed."""

    point: PointId
    interval: int
    """Interval index."""
    wh: Wh
    """Import less export [Wh]; export is negative."""
    salt: bytes
    """32 random bytes of the signer, so that a leaf without its reading says nothing."""

    def struct_hash(self) -> bytes:
        """EIP-712 `hashStruct`."""
        return READING.hash({"point": self.point, "interval": self.interval, "wh": self.wh, "salt": self.salt})

    def digest(self, domain: Domain) -> bytes:
        """What the meter signs."""
        return READING.digest(
            domain, {"point": self.point, "interval": self.interval, "wh": self.wh, "salt": self.salt}
        )

    def sign(self, domain: Domain, key: Key) -> "SignedReading":
        """This reading with the signature of `key`."""
        return SignedReading(self, key.sign(self.digest(domain)))


@dataclass(frozen=True, slots=True)
class SignedReading:
    """A reading and the 65-byte signature of the point's meter key, or of the node's for piles that cannot sign."""

    reading: Reading
    signature: bytes

    def signer(self, domain: Domain) -> Address:
        """Who signed.

        Raises
        ------
        ReadingInvalid
            if the signature recovers no key.
        """
        try:
            return recover(self.reading.digest(domain), self.signature)
        except InputInvalid as fault:
            raise ReadingInvalid(f"reading of point {self.reading.point}: {fault.detail}") from fault

    def leaf(self) -> bytes:
        """Witness leaf: the point in clear (absence is provable), the salted reading as a commitment."""
        return leaf_hash(self.reading.point.to_bytes(4, "big") + self.reading.struct_hash())
