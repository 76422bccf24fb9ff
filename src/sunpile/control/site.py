"""The nouns of a site: fuses in a tree, outlets behind them, cars that want current. Currents are mA for each phase."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NewType

from sunpile.basics.errors import InputInvalid
from sunpile.basics.ids import EvseId, StationId

FuseId = NewType("FuseId", str)
Phases = tuple[int, int, int]
"""mA on L1, L2, L3."""
Policy = Literal["fair", "priority", "departure", "cheapest"]
MIN_MA = 6_000
"""Least current a car charges with (IEC 61851-1)."""
VOLTAGE_V = 230
"""Nominal voltage of a phase."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """One EVSE."""

    station: StationId
    """Charging station."""
    evse: EvseId
    """EVSE number."""


@dataclass(frozen=True, slots=True)
class Fuse:
    """A fuse, a cable or the grid connection."""

    fuse: FuseId
    """Its name in the site."""
    limit: Phases
    """What it carries [mA]."""
    parent: FuseId | None = None
    """The fuse before it; None: the grid."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """How an outlet is connected."""

    outlet: Outlet
    """Which."""
    fuse: FuseId
    """The fuse it hangs on."""
    phases: tuple[int, ...] = (0, 1, 2)
    """Its L1, L2, L3 as phases of the site (0 to 2), in order; a rotated outlet has (1, 2, 0), one on L3 alone (2,)."""
    max_ma: int = 32_000
    """Largest current [mA]."""


@dataclass(frozen=True)
class Site:
    """Fuses and outlets, checked."""

    site: str
    """Its name."""
    fuses: tuple[Fuse, ...]
    """Each after its parent."""
    wirings: tuple[Wiring, ...]
    """Every outlet once."""
    policy: Policy = "fair"
    """Who gets what there is."""

    def __post_init__(self) -> None:
        known: set[FuseId] = set()
        for fuse in self.fuses:
            if fuse.fuse in known or (fuse.parent is not None and fuse.parent not in known):
                raise InputInvalid(f"fuse {fuse.fuse} of site {self.site} is there twice or comes before its parent")
            if min(fuse.limit) < 0:
                raise InputInvalid(f"fuse {fuse.fuse} of site {self.site} has a negative limit")
            known.add(fuse.fuse)
        outlets: set[Outlet] = set()
        for wiring in self.wirings:
            if wiring.fuse not in known or wiring.outlet in outlets:
                raise InputInvalid(
                    f"EVSE {wiring.outlet.evse} of {wiring.outlet.station} has no fuse or is there twice"
                )
            if (
                not wiring.phases
                or len(set(wiring.phases)) != len(wiring.phases)
                or not set(wiring.phases) <= {0, 1, 2}
            ):
                raise InputInvalid(f"EVSE {wiring.outlet.evse} of {wiring.outlet.station} has impossible phases")
            outlets.add(wiring.outlet)

    @cached_property
    def paths(self) -> Mapping[FuseId, tuple[FuseId, ...]]:
        """Each fuse with all before it, itself first."""
        paths: dict[FuseId, tuple[FuseId, ...]] = {}
        for fuse in self.fuses:
            paths[fuse.fuse] = (fuse.fuse, *(paths[fuse.parent] if fuse.parent is not None else ()))
        return paths

    @cached_property
    def by_outlet(self) -> Mapping[Outlet, Wiring]:
        """The wiring of each outlet."""
        return {wiring.outlet: wiring for wiring in self.wirings}

    def milliwatts(self, car: "Car") -> int:
        """Power of one mA of a car [mW]."""
        return VOLTAGE_V * (car.used_phases or len(self.by_outlet[car.outlet].phases))

    def most_ma(self, car: "Car") -> int:
        """Most that a car can draw at its outlet [mA]."""
        return min(car.want_ma, self.by_outlet[car.outlet].max_ma)


@dataclass(frozen=True, slots=True)
class Car:
    """A car at an outlet, as far as it matters for its limit."""

    outlet: Outlet
    """Where it is."""
    arrived: int
    """When it came [Unix s]."""
    want_ma: int = 1 << 30
    """Most it can use [mA]; unknown: what the outlet has."""
    min_ma: int = MIN_MA
    """Least it charges with [mA]."""
    used_phases: int | None = None
    """How many phases it draws from, if seen: 1, 2 or 3; None: all of its outlet."""
    priority: int = 0
    """Higher goes first, under policy `priority`."""
    departs: int | None = None
    """When it leaves [Unix s], if its driver said so."""
    need_wh: int | None = None
    """Energy still wanted [Wh], if its driver said so."""
    solar_only: bool = False
    """Charges from surplus alone."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the site is given besides cars."""

    now: int
    """Unix time [s]."""
    base: Mapping[FuseId, Phases]
    """What else flows through a fuse [mA], measured; missing: nothing else."""
    surplus_w: int | None = None
    """Solar power nobody uses [W]; None: not known."""
    ceiling_w: int | None = None
    """Most that all cars together may draw now, by the market or the grid [W]; None: no such limit."""
    prices: Sequence[int] = ()
    """Price of each coming slot [micro/kWh], the present one first."""
    slot_s: int = 900
    """Length of a slot [s]."""


Allotment = Mapping[Outlet, int]
"""Limit of each car [mA for each phase]: 0, or at least its minimum."""


def load_of(wiring: Wiring, car: Car | None, ma: int) -> Phases:
    """What a limit of `ma` can put on the site's phases."""
    used = len(wiring.phases) if car is None or car.used_phases is None else car.used_phases
    load = [0, 0, 0]
    for phase in wiring.phases[:used]:
        load[phase] = ma
    return load[0], load[1], load[2]
