"""How often a driver gets energy, and at the first try. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

VISIT_S = 600
"""A new try of the same driver at the same station within this time [s] is the same visit."""
ENERGY_WH = 50
"""A session that gave less has given nothing [Wh]."""


class Attempt(NamedTuple):
    """A session, as this looks at it."""

    station: str
    """Where."""
    model: str
    """Vendor and model of the station."""
    token: str
    """Who; empty if nobody can be told from others."""
    begun_at: int
    """Unix s."""
    ended_at: int
    """Unix s."""
    wh: int
    """Energy given [Wh]."""
    reason: str
    """Why it stopped, or is held."""


@dataclass(frozen=True, slots=True)
class Success:
    """A group of visits."""

    group: str
    """Station, model or reason."""
    visits: int
    """How many."""
    first_try: int
    """Of these got energy at the first try."""
    succeeded: int
    """Of these got energy in the end."""
    attempts: int
    """Sessions in all."""
    first_try_ppm: int
    """Share of the first try [parts per million]."""
    success_ppm: int
    """Share in the end [parts per million]."""


def visits(attempts: Iterable[Attempt]) -> list[list[Attempt]]:
    """Attempts of the same driver at the same station, one soon after the other, are one visit."""
    last: dict[tuple[str, str], list[Attempt]] = {}
    found: list[list[Attempt]] = []
    for attempt in sorted(attempts, key=lambda one: one.begun_at):
        key = (attempt.station, attempt.token)
        before = last.get(key)
        again = before and attempt.token and before[-1].wh < ENERGY_WH
        if before and again and attempt.begun_at <= before[-1].ended_at + VISIT_S:
            before.append(attempt)
        else:
            last[key] = [attempt]
            found.append(last[key])
    return found


def success(attempts: Iterable[Attempt], by: Callable[[list[Attempt]], str]) -> list[Success]:
    """Success by group, the worst first; the group of a visit is told by `by`."""
    groups: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for visit in visits(attempts):
        counts = groups[by(visit)]
        counts["visits"] += 1
        counts["attempts"] += len(visit)
        counts["first"] += visit[0].wh >= ENERGY_WH
        counts["last"] += any(attempt.wh >= ENERGY_WH for attempt in visit)
    rows = [_row(group, counts) for group, counts in groups.items()]
    return sorted(rows, key=lambda row: (row.first_try_ppm, row.group))


def _row(group: str, counts: Counter[str]) -> Success:
    visits, first, last = counts["visits"], counts["first"], counts["last"]
    return Success(
        group, visits, first, last, counts["attempts"], first * 1_000_000 // visits, last * 1_000_000 // visits
    )


def by_station(visit: list[Attempt]) -> str:
    """Group by station."""
    return visit[0].station


def by_model(visit: list[Attempt]) -> str:
    """Group by model."""
    return visit[0].model


def by_reason(visit: list[Attempt]) -> str:
    """Group by why the first attempt ended."""
    return visit[0].reason


def all_together(_visit: list[Attempt]) -> str:
    """One group."""
    return "all"
