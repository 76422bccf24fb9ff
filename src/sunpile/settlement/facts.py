"""What the chain says about one zone and one interval: everything a batch depends on, except the readings."""

from collections.abc import Mapping
from dataclasses import dataclass

from sunpile.basics.ids import Address, PointId, ZoneId
from sunpile.basics.tariff import Tariff
from sunpile.basics.units import Wh
from sunpile.market import StandingOrder


@dataclass(frozen=True, slots=True)
class MeteringPoint:
    """A metering point as the Registry has it."""

    point: PointId
    meter_key: Address
    """Who may sign its reading of this interval: its meter, or the node for a meter that cannot."""
    cap: Wh
    """Certified largest energy of an interval [Wh]."""
    parent: PointId | None
    """The meter it stands behind."""


@dataclass(frozen=True, slots=True)
class ZoneFacts:
    """One zone and interval as the chain has them. Node and members read it on their own."""

    zone: ZoneId
    interval: int
    """Interval index."""
    next_interval: int
    """The only interval the zone may settle next."""
    previous: bytes
    """Digest of the zone's last batch."""
    tariff_index: int
    tariff: Tariff
    """The tariff of `interval`."""
    points: Mapping[PointId, MeteringPoint]
    """Points of the zone that have a meter key valid in `interval`."""
    orders: Mapping[PointId, StandingOrder]
    """The order in force in `interval` of each point."""
    retailer_bills: bool = False
    """The zone is `billed_by_retailer`: grid legs move no money on chain."""

    def parents(self) -> dict[PointId, PointId]:
        """The meter of every point that stands behind one."""
        return {point: facts.parent for point, facts in self.points.items() if facts.parent is not None}
