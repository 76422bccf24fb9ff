"""The witness: all readings a batch rests on, under one root. It proves presence, and absence too.

Leaves stand in the order of their points, so a point is absent if two neighbours close around it. Neighbours are
told apart by their paths alone: consecutive positions part at one node and then keep to its inner edge, whatever
number of leaves is claimed.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from sunpile.basics.errors import NotFound, ReadingInvalid
from sunpile.basics.hashing import EMPTY_ROOT, leaf_hash, merkle_proof, merkle_root, merkle_verify
from sunpile.basics.ids import PointId
from sunpile.basics.reading import SignedReading


@dataclass(frozen=True, slots=True)
class LeafProof:
    """One leaf of a witness: the point in clear, its reading only as a salted commitment."""

    point: PointId
    commitment: bytes
    """`Reading.struct_hash()`, 32 bytes."""
    index: int
    """Place among the leaves, from 0."""
    count: int
    """Number of leaves."""
    siblings: tuple[bytes, ...]
    """Hashes from the leaf up."""

    def holds(self, root: bytes) -> bool:
        """True if this leaf stands at its place under `root`."""
        leaf = leaf_hash(self.point.to_bytes(4, "big") + self.commitment)
        return merkle_verify(root, leaf, self.index, self.count, self.siblings)


@dataclass(frozen=True)
class Witness:
    """Signed readings of one interval, one a point, sorted by point."""

    readings: tuple[SignedReading, ...]

    @classmethod
    def of(cls, readings: Iterable[SignedReading]) -> "Witness":
        """The witness of `readings`, sorted here.

        Raises
        ------
        ReadingInvalid
            if a point has two.
        """
        ordered = sorted(readings, key=lambda signed: signed.reading.point)
        witness = cls(tuple(ordered))
        if len(set(witness.points)) != len(ordered):
            raise ReadingInvalid("a point stands twice in the witness")
        return witness

    @cached_property
    def points(self) -> list[PointId]:
        """Points in leaf order."""
        return [signed.reading.point for signed in self.readings]

    @cached_property
    def leaves(self) -> list[bytes]:
        """Hashed leaves in order."""
        return [signed.leaf() for signed in self.readings]

    @cached_property
    def root(self) -> bytes:
        """The witness root, 32 bytes."""
        return merkle_root(self.leaves)

    def find(self, point: PointId) -> SignedReading | None:
        """The reading of `point`, if it is in."""
        place = bisect_left(self.points, point)
        present = place < len(self.points) and self.points[place] == point
        return self.readings[place] if present else None

    def presence(self, point: PointId) -> LeafProof:
        """Proof that the reading of `point` is in.

        Raises
        ------
        NotFound
            if it is not.
        """
        place = bisect_left(self.points, point)
        if place == len(self.points) or self.points[place] != point:
            raise NotFound(f"point {point} has no reading in this witness")
        return self._proof(place)

    def absence(self, point: PointId) -> tuple[LeafProof, ...]:
        """Proof that `point` is not in: its neighbours, one at an end, none where the witness is empty.

        Raises
        ------
        NotFound
            if the point is in, so that there is no such proof.
        """
        place = bisect_left(self.points, point)
        if place < len(self.points) and self.points[place] == point:
            raise NotFound(f"point {point} is in this witness")
        return tuple(self._proof(i) for i in (place - 1, place) if 0 <= i < len(self.points))

    def _proof(self, place: int) -> LeafProof:
        reading = self.readings[place].reading
        siblings = tuple(merkle_proof(self.leaves, place))
        return LeafProof(reading.point, reading.struct_hash(), place, len(self.leaves), siblings)


def absent(root: bytes, point: PointId, neighbours: tuple[LeafProof, ...]) -> bool:
    """True if `neighbours` prove that `point` has no leaf under `root`."""
    if not neighbours:
        return root == EMPTY_ROOT
    if not all(proof.holds(root) for proof in neighbours):
        return False
    if len(neighbours) == 1:
        only = neighbours[0]
        before_first = only.index == 0 and point < only.point
        return before_first or (only.index == only.count - 1 and point > only.point)
    left, right = neighbours
    beside = left.index + 1 == right.index and left.count == right.count
    return beside and left.point < point < right.point
