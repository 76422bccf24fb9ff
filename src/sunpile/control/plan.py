"""What time asks for: who must charge now to be ready, and for whom now is among the cheapest moments.

The cheapest plan for many cars is a flow from cars through slots with one price each. Opening slots from the cheapest
on, and sending as much as fits through each before the next (with rerouting, so that a car gives way to one who has no
other slot), gives least cost: the sets of needs that can be met form a polymatroid (Edmonds 1970), where greed is
optimal. A test compares it with the linear program.
"""

from collections import deque
from collections.abc import Sequence

from sunpile.control.site import VOLTAGE_V, Car, Conditions, Outlet, Site

HOUR_S = 3600


def required_ma(site: Site, cars: Sequence[Car], given: Conditions, urgent: bool = False) -> list[tuple[Car, int]]:
    """Cars with a departure and the mean current they need until then [mA], who has least time to spare first.

    `urgent`: only those that cannot wait for the next slot even at their full current.
    """
    asked: list[tuple[int, Car, int]] = []
    for car in cars:
        if car.departs is None or not car.need_wh:
            continue
        left, top = max(1, car.departs - given.now), site.most_ma(car)
        if top < car.min_ma:
            continue
        mean = -(-car.need_wh * 1000 * HOUR_S // (site.milliwatts(car) * left))
        spare = left - car.need_wh * 1000 * HOUR_S // (site.milliwatts(car) * top)
        if urgent and spare > given.slot_s:
            continue
        asked.append((spare, car, max(car.min_ma, top if urgent else mean)))
    asked.sort(key=lambda item: (item[0], item[1].arrived, item[1].outlet.station, item[1].outlet.evse))
    return [(car, ma) for _, car, ma in asked]


def charge_now(site: Site, cars: Sequence[Car], given: Conditions) -> set[Outlet]:
    """For whom the present slot belongs to the cheapest plan; a car that has not said what it needs does not wait."""
    planned = [car for car in cars if car.departs is not None and car.need_wh]
    now = {car.outlet for car in cars} - {car.outlet for car in planned}
    if not given.prices:
        return now | {car.outlet for car in planned}
    energy = cheapest_plan(site, planned, given)
    return now | {car.outlet for car, slots in zip(planned, energy, strict=True) if slots[0] > 0}


def cheapest_plan(site: Site, cars: Sequence[Car], given: Conditions) -> list[list[int]]:
    """Energy of each car in each slot [mWh], at least cost and as much of each need as fits before it leaves."""
    slots = len(given.prices)
    most = [_slot_energy(site, car, given) for car in cars]
    last = [min(slots, max(0, (car.departs or 0) - given.now) // given.slot_s) for car in cars]
    needs = [(car.need_wh or 0) * 1000 for car in cars]
    room = [_site_energy(site, given)] * slots
    sent = [[0] * slots for _ in cars]
    for slot in sorted(range(slots), key=lambda index: (given.prices[index], index)):
        while room[slot] > 0 and (path := _path(slot, needs, sent, most, last)) is not None:
            _send(path, slot, needs, sent, most, room)
    return sent


Path = list[tuple[int, int]]
"""(car, slot it takes more in) from the slot that is filled back to a car with an open need."""


def _path(
    slot: int, needs: Sequence[int], sent: Sequence[Sequence[int]], most: Sequence[int], last: Sequence[int]
) -> Path | None:
    """A shortest way to fill `slot`: by a car with an open need, or one that moves here and makes room for another."""
    came: dict[int, tuple[int, int] | None] = {slot: None}
    queue = deque([slot])
    while queue:
        here = queue.popleft()
        for car, limit in enumerate(most):
            if here >= last[car] or sent[car][here] >= limit:
                continue
            if needs[car] > 0:
                path: Path = [(car, here)]
                step = came[here]
                while step is not None:
                    path.append(step)
                    step = came[step[1]]
                return path
            for other, energy in enumerate(sent[car]):
                if energy > 0 and other not in came:
                    came[other] = (car, here)
                    queue.append(other)
    return None


def _send(
    path: Path, slot: int, needs: list[int], sent: Sequence[list[int]], most: Sequence[int], room: list[int]
) -> None:
    """Push along `path` as much as its narrowest place lets through."""
    narrow = [room[slot], needs[path[0][0]]]
    for index, (car, takes) in enumerate(path):
        narrow.append(most[car] - sent[car][takes])
        if index:
            narrow.append(sent[car][path[index - 1][1]])
    amount = min(narrow)
    needs[path[0][0]] -= amount
    room[slot] -= amount
    for index, (car, takes) in enumerate(path):
        sent[car][takes] += amount
        if index:
            sent[car][path[index - 1][1]] -= amount


def _slot_energy(site: Site, car: Car, given: Conditions) -> int:
    return site.milliwatts(car) * site.most_ma(car) * given.slot_s // HOUR_S


def _site_energy(site: Site, given: Conditions) -> int:
    """What the grid connection lets through in a slot [mWh]."""
    milliwatts = 0
    for fuse in site.fuses:
        if fuse.parent is None:
            base = given.base.get(fuse.fuse, (0, 0, 0))
            milliwatts += sum(max(0, fuse.limit[phase] - max(0, base[phase])) for phase in range(3)) * VOLTAGE_V
    if given.ceiling_w is not None:
        milliwatts = min(milliwatts, given.ceiling_w * 1000)
    return milliwatts * given.slot_s // HOUR_S
