"""The late rule: energy that missed its interval's batch is settled at that interval's tariff, grid only, once."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace

from sunpile.basics.errors import BatchInvalid
from sunpile.basics.ids import PointId
from sunpile.basics.reading import SignedReading
from sunpile.basics.units import Wh
from sunpile.market import net_zone
from sunpile.settlement.batch import Batch, LateBatch, Rows
from sunpile.settlement.facts import ZoneFacts
from sunpile.settlement.selection import Held, select
from sunpile.settlement.witness import Witness


@dataclass(frozen=True, slots=True)
class LateProposal:
    """A late batch with all that a member needs to recompute it."""

    batch: LateBatch
    witness: Witness
    """The readings it rests on."""
    evidence: tuple[SignedReading, ...]
    """The other reading of points that had two."""


def choose(readings: tuple[SignedReading, ...]) -> SignedReading:
    """Of two differing readings the one that pays the point least: nobody gains by signing twice."""
    return max(readings, key=lambda signed: signed.reading.wh)


def select_late(facts: ZoneFacts, held: Held, covered: Set[PointId]) -> dict[PointId, SignedReading]:
    """Readings of `facts.interval` that can be settled now: complete houses not yet `covered` by any batch."""
    open_points = {point: metering for point, metering in facts.points.items() if point not in covered}
    chosen = {point: (choose(readings),) for point, readings in held.items() if point in open_points and readings}
    return select(replace(facts, points=open_points), chosen).included


def build_late(facts: ZoneFacts, held: Held, covered: Set[PointId], round: int) -> LateProposal | None:
    """The late proposal of `round` for `facts.interval`, or None if no energy can be settled."""
    included = select_late(facts, held, covered)
    witness = Witness.of(included.values())
    rows = late_rows({point: signed.reading.wh for point, signed in included.items()}, facts.parents())
    if not len(rows):
        return None
    batch = LateBatch(facts.zone, facts.interval, round, rows, facts.tariff_index, facts.tariff, witness.root)
    others = (other for point, chosen in included.items() for other in held[point] if other != chosen)
    return LateProposal(batch, witness, tuple(others))


def late_rows(metered: Mapping[PointId, Wh], parents: Mapping[PointId, PointId]) -> Rows:
    """Rows of late energy after netting behind each meter, point rising on each side."""
    netted = sorted(net_zone(metered, parents).items())
    buyers = tuple((point, wh) for point, wh in netted if wh > 0)
    sellers = tuple((point, Wh(-wh)) for point, wh in netted if wh < 0)
    return Rows(buyers, sellers)


def proven_points(digest: bytes, batch: Batch | LateBatch, witness: Witness) -> set[PointId]:
    """Points that a batch on chain settled, from a body handed over by anybody; `digest` is the chain's.

    Raises
    ------
    BatchInvalid
        if the body is not the batch of that digest.
    """
    root = batch.witness_root if isinstance(batch, LateBatch) else batch.header.witness_root
    if batch.struct_hash() != digest or witness.root != root:
        raise BatchInvalid("settled: the batch handed over is not the one on chain")
    return set(witness.points)
