"""Cars come and go: ElaadNL's distributions at slow piles, real sessions at the fast charger."""

import random
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

from sunpile.town.localtime import draw, midnight
from sunpile.town.tables import column, rows

SESSIONS_A_DAY = {"private": 0.8, "public": 1.7}
"""Mean sessions of a slow pile and day."""
CAR_WATTS = (3680, 7360, 11_000, 11_000, 11_000, 22_000)
"""What cars' on-board chargers take [W], one draw each."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A car at a pile."""

    evse: int
    arrive: int
    """Unix time [s]."""
    depart: int
    """Unix time [s]."""
    energy_wh: int
    """What the car takes if there is time enough [Wh]."""
    car_w: int
    """What the car can take [W]."""
    taper_after_wh: int
    """Energy from which on it takes only `taper_w` [Wh]."""
    taper_w: int
    """Power at the end of the charge [W]."""
    by_app: bool
    """Started by the driver's phone, not by a card."""


def _quantile(table: str, kind: str, share: float) -> float:
    """Value that `share` of sessions exceed, interpolated between the table's rows of one per cent."""
    values = column(table, kind)
    row = min(int(share * 100), len(values) - 2)
    return values[row] + (values[row + 1] - values[row]) * (share * 100 - row)


def _arrival(kind: str, day: date, dice: random.Random) -> int:
    table = "arrivals-weekend" if day.weekday() >= 5 else "arrivals-weekday"
    sums = list(accumulate(column(table, kind)))
    quarter = min(bisect_right(sums, dice.random() * sums[-1]), 95)
    return midnight(day) + quarter * 900 + dice.randrange(0, 900, 60)


def slow_visits(seed: int, pile: int, kind: str, days: list[date]) -> list[Visit]:
    """Visits at a slow pile, `kind` private or public, in order; a car that finds it taken drives on."""
    dice = draw(seed, "cars", pile)
    visits: list[Visit] = []
    for day in days:
        mean = SESSIONS_A_DAY[kind]
        count = int(mean) + (dice.random() < mean - int(mean))
        for arrive in sorted(_arrival(kind, day, dice) for _ in range(count)):
            stay = max(900, int(_quantile("connection-time", kind, dice.random()) * 60) * 60)
            energy = max(500, int(_quantile("energy-demand", kind, dice.random()) * 1000))
            car_w = dice.choice(CAR_WATTS)
            by_app = dice.random() < 0.25
            if not visits or arrive > visits[-1].depart + 120:
                visits.append(Visit(1, arrive, arrive + stay, energy, car_w, energy, car_w, by_app))
    return visits


def session_day(day: date) -> date:
    """The day of the record that is replayed for `day`: itself, or the nearest one of the same weekday."""
    days = {datetime.fromisoformat(row["arrival_local"]).date() for row in rows("fast-charging-sessions")}
    alike = [known for known in days if known.weekday() == day.weekday()]
    return min(alike, key=lambda known: (abs((known - day).days), known))


def fast_visits(day: date) -> list[Visit]:
    """The real sessions of `day` at the two plugs, by arrival."""
    source = session_day(day)
    shift = midnight(day) - midnight(source)
    visits: list[Visit] = []
    for row in rows("fast-charging-sessions"):
        arrive, depart = (datetime.fromisoformat(row[f"{end}_local"]) for end in ("arrival", "departure"))
        if arrive.date() == source:
            begin = midnight(source) + int((arrive - datetime.combine(source, datetime.min.time())).total_seconds())
            stay = int((depart - arrive).total_seconds())
            visits.append(_fast_visit(row, begin + shift, max(stay, 120)))
    return sorted(visits, key=lambda visit: (visit.arrive, visit.evse))


def _fast_visit(row: dict[str, str], arrive: int, stay: int) -> Visit:
    """Full power first, half of it at the end, so that the energy of the record is reached in its time."""
    energy, peak = int(row["energy_wh"]), int(row["max_w"])
    mean = -(-energy * 3600 // (stay - 60))
    if mean * 2 <= peak:
        peak = tail = mean
    else:
        peak, tail = max(peak, mean), max(peak, mean) // 2
    full_s = max(0, (energy * 3600 - tail * (stay - 60)) // max(1, peak - tail)) if peak > tail else stay
    after = min(energy, peak * full_s // 3600)
    return Visit(int(row["plug"][-1]), arrive, arrive + stay, energy, peak, after, max(tail, 1), False)


def assign(visits: dict[str, list[Visit]]) -> dict[tuple[str, Visit], int]:
    """Give each visit (by station) a driver number so that no driver is at two piles at once; few drivers."""
    free_at: list[int] = []
    taken: dict[tuple[str, Visit], int] = {}
    everything = sorted((v.arrive, station, v.evse, v) for station, at in visits.items() for v in at)
    for arrive, station, _, visit in everything:
        driver = next((d for d, free in enumerate(free_at) if free + 1800 < arrive), len(free_at))
        if driver == len(free_at):
            free_at.append(0)
        free_at[driver] = visit.depart
        taken[station, visit] = driver
    return taken


def local_days(begin: int, end: int) -> list[date]:
    """Local calendar days that overlap `begin` to `end` [Unix s]."""
    days: list[date] = []
    day = datetime.fromtimestamp(begin, UTC).date() - timedelta(days=2)
    while midnight(day) < end:
        if midnight(day + timedelta(days=1)) > begin:
            days.append(day)
        day += timedelta(days=1)
    return days


def visits_by_driver(taken: dict[tuple[str, Visit], int]) -> dict[int, list[tuple[str, Visit]]]:
    """Visits of each driver."""
    grouped: defaultdict[int, list[tuple[str, Visit]]] = defaultdict(list)
    for (station, visit), driver in taken.items():
        grouped[driver].append((station, visit))
    return dict(grouped)
