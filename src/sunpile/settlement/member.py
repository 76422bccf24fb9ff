"""A member of the council decides: it recomputes what it is asked to sign, from what it holds itself.

It checks what no contract can: that each reading is signed by the key valid in that interval, that houses are
complete and add up, that nothing it received was left out or exists in two versions. It signs one batch for a zone,
interval and round, or says why not, and hands over the readings the proposal lacks so that the next round can be right.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace

from sunpile.basics.errors import BatchInvalid, InputInvalid
from sunpile.basics.ids import PointId
from sunpile.basics.reading import SignedReading
from sunpile.basics.typed_data import Domain
from sunpile.settlement.batch import Batch
from sunpile.settlement.facts import ZoneFacts
from sunpile.settlement.intake import signer_of
from sunpile.settlement.late import LateProposal, late_rows, select_late
from sunpile.settlement.proposal import Proposal, batch_of, clear_interval
from sunpile.settlement.selection import Held, Reason, merge, select


@dataclass(frozen=True, slots=True)
class MemberView:
    """What a member knows by itself when a proposal comes."""

    facts: ZoneFacts
    """The chain, as this member reads it."""
    own: Held
    """Valid readings of the interval in its own store."""
    signed: Mapping[int, bytes]
    """Struct hashes it signed for this zone and interval, by round (late rounds for a late proposal)."""
    domain: Domain
    """The market's EIP-712 domain."""
    covered: Set[PointId] = frozenset()
    """Points of the interval already settled, by its batch or a late one; asked for late proposals only."""


@dataclass(frozen=True, slots=True)
class SignatureRequest:
    """The member's key signs `digest`; `struct_hash` is remembered first, so that nothing else is signed."""

    struct_hash: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the member does not sign."""

    reason: str
    """`fault: one sentence`."""
    readings: tuple[SignedReading, ...] = ()
    """Valid readings it holds and the proposal lacks."""


def decide(view: MemberView, proposal: Proposal) -> SignatureRequest | Refusal:
    """Sign `proposal` or refuse it."""
    view = replace(view, own=_still_valid(view))
    batch, facts = proposal.batch, view.facts
    struct_hash = batch.struct_hash()
    try:
        _check_place(view, batch, struct_hash)
        _check_readings(view, proposal.witness.readings)
        _check_readings(view, (signed for exclusion in proposal.excluded for signed in exclusion.evidence))
    except InputInvalid as fault:
        return Refusal(fault.detail)
    shown = _shown(proposal)
    lacking = _lacking(shown, view.own)
    if (refusal := _check_selection(proposal, facts, merge(shown, view.own), lacking)) is not None:
        return refusal
    included = {signed.reading.point: signed for signed in proposal.witness.readings}
    expected = batch_of(facts, clear_interval(facts, included), batch.header.round, proposal.witness.root)
    if expected != batch:
        return Refusal(_difference(expected, batch))
    return SignatureRequest(struct_hash, batch.digest(view.domain))


def decide_late(view: MemberView, proposal: LateProposal) -> SignatureRequest | Refusal:
    """Sign a late batch or refuse it. Paying a point twice for an interval is slashable, so `covered` is checked."""
    view = replace(view, own=_still_valid(view))
    batch, facts = proposal.batch, view.facts
    struct_hash = batch.struct_hash()
    try:
        if (batch.zone, batch.interval) != (facts.zone, facts.interval) or batch.interval >= facts.next_interval:
            raise BatchInvalid(f"interval: {batch.interval} is not settled or voided yet")
        if view.signed.get(batch.round, struct_hash) != struct_hash:
            raise BatchInvalid(f"round: another late batch was signed for round {batch.round}")
        if (batch.tariff_index, batch.tariff) != (facts.tariff_index, facts.tariff):
            raise BatchInvalid("tariff: not the one published for this interval")
        _check_readings(view, proposal.witness.readings)
        _check_readings(view, proposal.evidence)
    except InputInvalid as fault:
        return Refusal(fault.detail)
    twice = [signed.reading.point for signed in proposal.witness.readings if signed.reading.point in view.covered]
    if twice:
        return Refusal(f"twice: point {twice[0]} is settled for interval {batch.interval} already")
    shown = merge(
        {signed.reading.point: (signed,) for signed in proposal.witness.readings}, _by_point(proposal.evidence)
    )
    included = {signed.reading.point: signed for signed in proposal.witness.readings}
    selected = select_late(facts, merge(shown, view.own), view.covered)
    for point, signed in included.items():
        if point not in selected or selected[point].reading.wh != signed.reading.wh:
            return Refusal(f"late: point {point} is incomplete, above its cap or differs", _lacking(shown, view.own))
    metered = {point: signed.reading.wh for point, signed in included.items()}
    if batch.rows != late_rows(metered, facts.parents()) or batch.witness_root != proposal.witness.root:
        return Refusal("rows: not what the readings net to")
    return SignatureRequest(struct_hash, batch.digest(view.domain))


def _check_place(view: MemberView, batch: Batch, struct_hash: bytes) -> None:
    header, facts = batch.header, view.facts
    if (header.zone, header.interval) != (facts.zone, facts.interval) or header.interval != facts.next_interval:
        raise BatchInvalid(f"interval: the next of zone {facts.zone} is {facts.next_interval}, not {header.interval}")
    if view.signed.get(header.round, struct_hash) != struct_hash:
        raise BatchInvalid(f"round: another batch was signed for round {header.round}")
    if batch.previous != facts.previous:
        raise BatchInvalid("previous: not the digest of the zone's last batch")
    if (header.tariff_index, batch.tariff) != (facts.tariff_index, facts.tariff):
        raise BatchInvalid("tariff: not the one published for this interval")


def _still_valid(view: MemberView) -> Held:
    """What this member holds, by the keys of the chain as it is now: a member has no clock, so a reading may have come
    before its interval, and its key may have been changed since."""
    points = view.facts.points
    return {
        point: valid
        for point, readings in view.own.items()
        if point in points
        and (valid := tuple(s for s in readings if signer_of(s, view.domain) == points[point].meter_key))
    }


def _check_readings(view: MemberView, readings: Iterable[SignedReading]) -> None:
    """Each belongs to this zone and interval and is signed by the key valid then. What we hold is checked already."""
    for signed in readings:
        reading = signed.reading
        metering = view.facts.points.get(reading.point)
        if metering is None:
            raise BatchInvalid(f"witness: point {reading.point} is not in zone {view.facts.zone} in this interval")
        if reading.interval != view.facts.interval:
            raise BatchInvalid(f"witness: the reading of point {reading.point} is of interval {reading.interval}")
        if signed in view.own.get(reading.point, ()):
            continue
        signer = signer_of(signed, view.domain)
        if signer != metering.meter_key:
            raise BatchInvalid(
                f"signature: the reading of point {reading.point} is signed by {signer}, not by its key "
                f"{metering.meter_key}"
            )


def _shown(proposal: Proposal) -> dict[PointId, tuple[SignedReading, ...]]:
    witness = {signed.reading.point: (signed,) for signed in proposal.witness.readings}
    return merge(witness, {exclusion.point: exclusion.evidence for exclusion in proposal.excluded})


def _by_point(readings: Iterable[SignedReading]) -> dict[PointId, tuple[SignedReading, ...]]:
    grouped: dict[PointId, tuple[SignedReading, ...]] = {}
    for signed in readings:
        grouped[signed.reading.point] = (*grouped.get(signed.reading.point, ()), signed)
    return grouped


def _lacking(shown: Held, own: Held) -> tuple[SignedReading, ...]:
    known = {(point, signed.reading.wh) for point, readings in shown.items() for signed in readings}
    return tuple(
        signed for point, readings in own.items() for signed in readings if (point, signed.reading.wh) not in known
    )


def _check_selection(
    proposal: Proposal, facts: ZoneFacts, merged: Held, lacking: tuple[SignedReading, ...]
) -> Refusal | None:
    """Compare who is in the proposal with who should be, given what both sides hold."""
    expected = select(facts, merged)
    reasons = {exclusion.point: exclusion for exclusion in expected.excluded}
    for signed in proposal.witness.readings:
        point = signed.reading.point
        if point in reasons:
            return Refusal(_wrongly_in(point, reasons[point].reason), lacking)
    left_out = sorted(expected.included.keys() - set(proposal.witness.points))
    if left_out:
        held = "a valid reading of" if any(s.reading.point == left_out[0] for s in lacking) else "the complete house of"
        return Refusal(f"left out: {held} point {left_out[0]} is missing from the proposal", lacking)
    return None


def _wrongly_in(point: PointId, reason: Reason) -> str:
    sentences = {
        Reason.MISSING: f"witness: point {point} has no reading",
        Reason.DIFFERING: f"differing: point {point} signed two readings, it is late",
        Reason.ABOVE_CAP: f"cap: the reading of point {point} is above its certified cap",
        Reason.HOUSE: f"house: a point behind the same meter as point {point} is late, so it is late too",
    }
    return sentences[reason]


def _difference(expected: Batch, batch: Batch) -> str:
    """The first thing in which a proposed batch is not what it should be."""
    if batch.header.witness_root != expected.header.witness_root:
        return "root: not the Merkle root of the readings shown"
    if set(batch.rows.buyers) != set(expected.rows.buyers) or set(batch.rows.sellers) != set(expected.rows.sellers):
        return "rows: not what the readings net to"
    if batch.rows != expected.rows:
        return "rows: not in the order of their limits"
    if batch.header.price != expected.header.price:
        return f"price: {batch.header.price} is not the equilibrium price {expected.header.price}"
    return "totals: the groups above, at and below the price do not add up"
