"""Who gets how much current: exact, in whole mA, within every fuse on every phase.

Two steps for each group of cars, in the policy's order. First cars are admitted with their minimum as far as the minima
fit: below it a car does not charge at all (IEC 61851-1). Then the rest is shared max-min fairly among the admitted
(progressive filling; Bertsekas and Gallager, Data Networks, section 6.5.2): nobody can get more without taking from one
who has no more than he. Rounding leaves less than one mA for each car of a fuse.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sunpile.control.plan import charge_now, required_ma
from sunpile.control.site import Allotment, Car, Conditions, FuseId, Outlet, Site

Row = tuple[FuseId | str, int]
"""A fuse and a phase, or the ceiling or the surplus, which are in mW."""
CEILING: Row = ("ceiling", 0)
SURPLUS: Row = ("surplus", 0)
Wish = tuple[Car, int]
"""A car and the most it shall get [mA]."""


@dataclass
class Room:
    """What is left on each row, and how much of it one mA of each car takes."""

    left: dict[Row, int]
    weights: dict[Outlet, dict[Row, int]] = field(default_factory=dict[Outlet, dict[Row, int]])

    def fits(self, outlet: Outlet, ma: int) -> bool:
        """True if `outlet` can have `ma` more."""
        return all(self.left[row] >= weight * ma for row, weight in self.weights[outlet].items())

    def take(self, outlet: Outlet, ma: int) -> None:
        """Give `outlet` `ma` more."""
        for row, weight in self.weights[outlet].items():
            self.left[row] -= weight * ma


def allot(site: Site, cars: Iterable[Car], given: Conditions) -> Allotment:
    """A limit for every car of the site, under the site's policy."""
    present = sorted(cars, key=lambda car: (car.arrived, car.outlet.station, car.outlet.evse))
    limits = {car.outlet: 0 for car in present}
    room = _room(site, present, given)
    for group in _groups(site, [car for car in present if not car.solar_only], given):
        _share(group, limits, room)
    solar = [car for car in present if car.solar_only]
    if solar and given.surplus_w is not None:
        used = sum(site.milliwatts(car) * limits[car.outlet] for car in present)
        room.left[SURPLUS] = max(0, given.surplus_w * 1000 - used)
        for car in solar:
            room.weights[car.outlet][SURPLUS] = site.milliwatts(car)
        _share([(car, site.most_ma(car)) for car in solar], limits, room)
    return limits


def safe_shares(site: Site, base: Mapping[FuseId, tuple[int, int, int]]) -> Allotment:
    """Limits for which every outlet may charge at once: what a station falls back to when the node is gone.

    `base` is the most that other loads may take through each fuse [mA].
    """
    cars = [Car(wiring.outlet, 0) for wiring in site.wirings]
    limits = {car.outlet: 0 for car in cars}
    _share([(car, site.most_ma(car)) for car in cars], limits, _room(site, cars, Conditions(0, base)))
    return limits


def _room(site: Site, cars: Sequence[Car], given: Conditions) -> Room:
    room = Room({})
    for fuse in site.fuses:
        base = given.base.get(fuse.fuse, (0, 0, 0))
        for phase in range(3):
            room.left[fuse.fuse, phase] = max(0, fuse.limit[phase] - max(0, base[phase]))
    if given.ceiling_w is not None:
        room.left[CEILING] = max(0, given.ceiling_w) * 1000
    for car in cars:
        wiring = site.by_outlet[car.outlet]
        used = wiring.phases[: car.used_phases or len(wiring.phases)]
        room.weights[car.outlet] = {(fuse, phase): 1 for fuse in site.paths[wiring.fuse] for phase in used}
        if given.ceiling_w is not None:
            room.weights[car.outlet][CEILING] = site.milliwatts(car)
    return room


def _groups(site: Site, cars: Sequence[Car], given: Conditions) -> list[list[Wish]]:
    """Cars in the order they are served, each group together."""
    everybody = [(car, site.most_ma(car)) for car in _in_turn(cars, given)]
    match site.policy:
        case "fair":
            return [everybody]
        case "priority":
            classes = sorted({car.priority for car in cars}, reverse=True)
            return [[wish for wish in everybody if wish[0].priority == rank] for rank in classes]
        case "departure":
            hurried = [(car, min(ma, site.most_ma(car))) for car, ma in required_ma(site, cars, given)]
            return [*([wish] for wish in hurried), everybody]
        case "cheapest":
            hurried = [(car, min(ma, site.most_ma(car))) for car, ma in required_ma(site, cars, given, urgent=True)]
            now = charge_now(site, cars, given)
            return [*([wish] for wish in hurried), [wish for wish in everybody if wish[0].outlet in now]]


def _in_turn(cars: Sequence[Car], given: Conditions) -> list[Car]:
    """By arrival, begun at another car in each slot: where not all minima fit, everybody has his turn."""
    first = given.now // given.slot_s % len(cars) if cars else 0
    return [*cars[first:], *cars[:first]]


def _share(group: Sequence[Wish], limits: dict[Outlet, int], room: Room) -> None:
    """Admit by order, then fill evenly; `limits` and `room` follow."""
    rising: dict[Outlet, int] = {}
    for car, top in group:
        has = limits[car.outlet]
        if has == 0 and top >= car.min_ma and room.fits(car.outlet, car.min_ma):
            room.take(car.outlet, car.min_ma)
            has = limits[car.outlet] = car.min_ma
        if has and has < top:
            rising[car.outlet] = top
    while rising:
        _raise_lowest(rising, limits, room)
        for outlet in [outlet for outlet, top in rising.items() if limits[outlet] >= top]:
            del rising[outlet]


def _raise_lowest(rising: dict[Outlet, int], limits: dict[Outlet, int], room: Room) -> None:
    """Lift those who have least to the next level, or as far as the rows bear; who cannot rise at all is left there."""
    level = min(limits[outlet] for outlet in rising)
    lowest = [outlet for outlet in rising if limits[outlet] == level]
    demand: dict[Row, int] = {}
    for outlet in lowest:
        for row, weight in room.weights[outlet].items():
            demand[row] = demand.get(row, 0) + weight
    ends = [*(rising[outlet] for outlet in lowest), *(limits[outlet] for outlet in rising if limits[outlet] > level)]
    step = min(min(ends) - level, *(room.left[row] // weight for row, weight in demand.items()))
    for outlet in lowest:
        if step:
            room.take(outlet, step)
            limits[outlet] += step
        elif any(room.left[row] < demand[row] for row in room.weights[outlet]):
            del rising[outlet]
