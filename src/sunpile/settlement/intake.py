"""Intake of readings: what a meter sent is accepted, known, in conflict, late, or no reading at all."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from sunpile.basics.errors import ReadingInvalid
from sunpile.basics.ids import Address
from sunpile.basics.interval import Interval
from sunpile.basics.reading import SignedReading
from sunpile.basics.typed_data import Domain
from sunpile.market.order import WH_LIMIT

MAX_INTERVAL = 2**32
SIGNERS_KEPT = 8192


class Status(StrEnum):
    """The answer to a meter."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    """The same Wh came before; nothing changes."""
    DIFFERING = "differing"
    """Another Wh, validly signed, came before: both are kept and the point is late for this interval."""
    LATE = "late"
    """Kept, but its interval's batch is settled without it: it follows the late rule."""
    REFUSED = "refused"
    """Never paid."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of a reading."""

    status: Status
    reason: str
    """One sentence; empty when accepted or known."""

    @property
    def keep(self) -> bool:
        """Store the reading; a differing one as the point's second, a third is of no use."""
        return self.status in (Status.ACCEPTED, Status.DIFFERING, Status.LATE)


@dataclass(frozen=True, slots=True)
class IntakeView:
    """What is known of the reading's point and interval."""

    key: Address | None
    """Meter key valid in the interval; None = no such point, or not yet in that interval."""
    known: tuple[SignedReading, ...]
    """Readings of this point and interval stored before."""
    settled: bool
    """The interval's batch is settled or voided."""
    domain: Domain
    now: int | None
    """Unix time; None where there is no clock (a member trusts the contract to refuse what has not ended)."""
    length: int
    """Interval length of the zone [s]."""


def decide(signed: SignedReading, view: IntakeView) -> Answer:
    """Judge one reading. Overlap cannot hide: a point has one reading an interval, another one differs.

    Wh above the certified cap are accepted: they wait for the zone's certifier and stay out of batches until then.
    """
    reading = signed.reading
    if any(other == signed for other in view.known):
        return Answer(Status.DUPLICATE, "")
    if view.key is None:
        return _refused(f"unknown: point {reading.point} has no meter key in interval {reading.interval}")
    if not 0 <= reading.interval < MAX_INTERVAL or len(reading.salt) != 32:
        return _refused("malformed: an interval index has 32 bits and a salt 32 bytes")
    if abs(reading.wh) >= WH_LIMIT:
        return _refused(f"impossible: {reading.wh} Wh is more than any point can be certified for")
    if view.now is not None and view.now < Interval(reading.interval, view.length).end:
        return _refused(f"impossible: interval {reading.interval} has not ended")
    try:
        signer = signer_of(signed, view.domain)
    except ReadingInvalid as fault:
        return _refused(f"forged: {fault.detail}")
    if signer != view.key:
        return _refused(f"forged: signed by {signer}, the key of point {reading.point} is {view.key}")
    if any(other.reading.wh == reading.wh for other in view.known):
        return Answer(Status.DUPLICATE, "")
    if view.known:
        sentence = f"point {reading.point} signed {view.known[0].reading.wh} Wh before: it is late for this interval"
        return Answer(Status.DIFFERING, sentence)
    if view.settled:
        return Answer(Status.LATE, f"interval {reading.interval} is settled: the grid's tariff of that interval holds")
    return Answer(Status.ACCEPTED, "")


@lru_cache(maxsize=SIGNERS_KEPT)
def signer_of(signed: SignedReading, domain: Domain) -> Address:
    """Who signed a reading. Kept for a while: a member asks when the reading comes and again when it is proposed."""
    return signed.signer(domain)


def _refused(reason: str) -> Answer:
    return Answer(Status.REFUSED, reason)
