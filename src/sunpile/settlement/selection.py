"""Which points are in a batch and which are late: node and members apply the same rule to what they hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sunpile.basics.ids import PointId
from sunpile.basics.reading import SignedReading
from sunpile.market.netting import houses
from sunpile.settlement.facts import ZoneFacts

Held = Mapping[PointId, tuple[SignedReading, ...]]
"""Valid readings of one interval by point; two = they differ."""


class Reason(StrEnum):
    """Why a point is not in the batch of its interval."""

    MISSING = "missing"
    """No reading came."""
    DIFFERING = "differing"
    """Two valid readings with different Wh came."""
    ABOVE_CAP = "above cap"
    """More Wh than the certified cap: waits for the zone's certifier."""
    HOUSE = "house"
    """Its own reading is good, but one behind the same meter is not."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A point that is late, with what proves the reason."""

    point: PointId
    reason: Reason
    evidence: tuple[SignedReading, ...]
    """The readings held: none if missing, both if they differ."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The points of a zone, told apart."""

    included: dict[PointId, SignedReading]
    excluded: tuple[Exclusion, ...]


def select(facts: ZoneFacts, held: Held) -> Selection:
    """Tell `held` readings apart. A house (a meter and all behind it) is in as a whole or not at all."""
    included: dict[PointId, SignedReading] = {}
    excluded: list[Exclusion] = []
    for meter, members in houses(facts.points, facts.parents()).items():
        reasons = {point: _reason(facts, point, held.get(point, ())) for point in members}
        if any(reasons.values()) or meter not in facts.points:
            excluded += [Exclusion(p, why or Reason.HOUSE, held.get(p, ())) for p, why in reasons.items()]
        else:
            included.update({point: held[point][0] for point in members})
    excluded.sort(key=lambda exclusion: exclusion.point)
    return Selection(dict(sorted(included.items())), tuple(excluded))


def merge(first: Held, second: Held) -> dict[PointId, tuple[SignedReading, ...]]:
    """Readings of both; of the same point and Wh, the one of `first`. Two of a point with other Wh differ."""
    merged = dict(first)
    for point, readings in second.items():
        known = list(merged.get(point, ()))
        for signed in readings:
            if all(signed.reading.wh != other.reading.wh for other in known):
                known.append(signed)
        merged[point] = tuple(known[:2])
    return merged


def _reason(facts: ZoneFacts, point: PointId, readings: tuple[SignedReading, ...]) -> Reason | None:
    if len(readings) != 1:
        return Reason.DIFFERING if readings else Reason.MISSING
    return Reason.ABOVE_CAP if abs(readings[0].reading.wh) > facts.points[point].cap else None
