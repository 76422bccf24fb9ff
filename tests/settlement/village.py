"""A small zone for the tests: a house with a pile and a battery behind its meter, two piles and two roofs alone."""

from dataclasses import dataclass, field, replace

from sunpile.basics.ids import Address, PointId, ZoneId
from sunpile.basics.keys import Key
from sunpile.basics.reading import Reading, SignedReading
from sunpile.basics.typed_data import Domain
from sunpile.basics.units import PerMille, Wh
from sunpile.market import StandingOrder, Tariff
from sunpile.settlement import MeteringPoint, ZoneFacts, market_domain
from sunpile.settlement.member import MemberView

INTERVAL = 1_888_888
MARKET = Address("0x" + "11" * 20)
DOMAIN = market_domain(31337, MARKET)
TARIFF = Tariff(300_000, 80_000, 5_000, 5_000)
PREVIOUS = bytes(range(32))
CAP = Wh(20_000)
WH = {1: 1500, 2: 4000, 3: -500, 4: 2500, 5: 1000, 6: -3000, 7: -1500}
"""Point 1 is the meter of 2 and 3: 1500 Wh net, so the house itself gave 2000 Wh to its pile."""
PARENTS = {2: 1, 3: 1}


def meter_key(point: int) -> Key:
    """The key of a point's meter."""
    return Key.from_seed(f"meter {point}")


def reading(point: int, wh: int | None = None, interval: int = INTERVAL, key: Key | None = None) -> SignedReading:
    """A signed reading of a village point."""
    energy = WH[point] if wh is None else wh
    plain = Reading(PointId(point), interval, Wh(energy), point.to_bytes(32, "big"))
    return plain.sign(DOMAIN, key or meter_key(point))


def readings(changed: dict[int, int] | None = None) -> dict[PointId, tuple[SignedReading, ...]]:
    """All readings of the interval."""
    energies = {**WH, **(changed or {})}
    return {PointId(point): (reading(point, wh),) for point, wh in energies.items()}


def facts() -> ZoneFacts:
    """The chain's facts of the village's next interval."""
    order = StandingOrder(PerMille(500), PerMille(500), CAP, INTERVAL)
    points = {
        PointId(p): MeteringPoint(PointId(p), meter_key(p).address, CAP, PointId(PARENTS[p]) if p in PARENTS else None)
        for p in WH
    }
    return ZoneFacts(
        zone=ZoneId(1),
        interval=INTERVAL,
        next_interval=INTERVAL,
        previous=PREVIOUS,
        tariff_index=3,
        tariff=TARIFF,
        points=points,
        orders={**dict.fromkeys(points, order), PointId(4): replace(order, buy=PerMille(800))},
    )


@dataclass
class Member:
    """A member with a key and what it received."""

    key: Key
    own: dict[PointId, tuple[SignedReading, ...]] = field(default_factory=readings)
    signed: dict[int, bytes] = field(default_factory=dict)

    def view(self, zone: ZoneFacts | None = None, domain: Domain = DOMAIN) -> MemberView:
        """What it decides from."""
        return MemberView(zone or facts(), self.own, self.signed, domain)


SEAT_KEYS = [Key.from_seed(f"seat {i}") for i in range(4)]
