"""Signatures of the council: who signed, in seat order, and whether they are enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sunpile.basics.errors import InputInvalid
from sunpile.basics.ids import Address
from sunpile.basics.keys import recover


def quorum(seats: int) -> int:
    """Signatures needed of `seats`: floor(2N/3) + 1."""
    return 2 * seats // 3 + 1


@dataclass(frozen=True, slots=True)
class Attestation:
    """Valid signatures of distinct seats over one digest."""

    mask: int
    """Bit i set: seat i signed."""
    signatures: tuple[tuple[int, bytes], ...]
    """(seat, 65 bytes r, s, v), seats rising."""

    def words(self) -> list[tuple[int, int, int]]:
        """(v, r, s) in seat order, as the contract takes them."""
        return [
            (raw[64], int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big")) for _, raw in self.signatures
        ]


def attest(seats: Sequence[Address], digest: bytes, signatures: Mapping[int, bytes]) -> Attestation:
    """Keep the `signatures` (by seat) that are the seat's own over `digest`."""
    valid = tuple((seat, raw) for seat, raw in sorted(signatures.items()) if _signed(seats, seat, digest, raw))
    return Attestation(sum(1 << seat for seat, _ in valid), valid)


def _signed(seats: Sequence[Address], seat: int, digest: bytes, raw: bytes) -> bool:
    if not 0 <= seat < len(seats):
        return False
    try:
        return recover(digest, raw) == seats[seat]
    except InputInvalid:
        return False
