"""Uptime of charge points from the history of their connection and status. Pure; whole seconds, parts per million.

Both formulas are (T - (outage - excluded)) / T over the period T:

* in the style of 23 CFR 680.116(b) (NEVI), for a port: it is down while its station cannot be reached, or it says
  Faulted or Unavailable; planned maintenance is excluded;
* in the style of the United Kingdom's Public Charge Point Regulations 2023: the same by what the point itself says; a
  time in which it could not be reached counts as the status it had before, as it may well have charged.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

MILLION = 1_000_000
DOWN = frozenset(("Faulted", "Unavailable"))


class Span(NamedTuple):
    """A half-open stretch of time."""

    begin: int
    """First second [Unix s]."""
    end: int
    """Second after the last [Unix s]."""


class StatusAt(NamedTuple):
    """A status and since when."""

    at: int
    """Since [Unix s]."""
    status: str
    """In OCPP's words."""


@dataclass(frozen=True, slots=True)
class Uptime:
    """One EVSE over a period."""

    period_s: int
    """Length of the period that is known [s]."""
    offline_s: int
    """Could not be reached [s]."""
    down_s: int
    """Said Faulted or Unavailable [s]."""
    excluded_s: int
    """Of both, in planned maintenance [s]."""
    nevi_ppm: int
    """Uptime as NEVI counts [parts per million]."""
    pcpr_ppm: int
    """Reliability as the United Kingdom counts [parts per million]."""


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time without overlaps, in order.

    >>> merged([Span(5, 9), Span(0, 3), Span(2, 5), Span(7, 7)])
    [Span(begin=0, end=9)]
    """
    found: list[Span] = []
    for span in sorted(spans):
        if span.end <= span.begin:
            continue
        if found and span.begin <= found[-1].end:
            found[-1] = Span(found[-1].begin, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def within(spans: Iterable[Span], period: Span) -> list[Span]:
    """The parts inside a period."""
    return merged(Span(max(span.begin, period.begin), min(span.end, period.end)) for span in spans)


def outside(spans: Iterable[Span], period: Span) -> list[Span]:
    """The rest of a period.

    >>> outside([Span(2, 4), Span(6, 99)], Span(0, 10))
    [Span(begin=0, end=2), Span(begin=4, end=6)]
    """
    rest: list[Span] = []
    at = period.begin
    for span in within(spans, period):
        rest.append(Span(at, span.begin))
        at = span.end
    return merged([*rest, Span(at, period.end)])


def both(left: Sequence[Span], right: Sequence[Span]) -> list[Span]:
    """The time in which both are."""
    return merged(
        Span(max(one.begin, other.begin), min(one.end, other.end)) for one in merged(left) for other in merged(right)
    )


def total(spans: Iterable[Span]) -> int:
    """Its length [s]."""
    return sum(span.end - span.begin for span in merged(spans))


def joint(whole: Sequence[StatusAt], own: Sequence[StatusAt]) -> list[StatusAt]:
    """The statuses of an EVSE with those of its whole station: down while either is.

    >>> whole = [StatusAt(2, "Faulted"), StatusAt(4, "Available")]
    >>> [tuple(one) for one in joint(whole, [StatusAt(1, "Charging")])]
    [(1, 'Charging'), (2, 'Faulted'), (4, 'Charging')]
    """
    if not whole:
        return list(own)
    now = {0: "Available", 1: "Available"}
    found: list[StatusAt] = []
    for at, which, status in sorted([(s.at, 0, s.status) for s in whole] + [(s.at, 1, s.status) for s in own]):
        now[which] = status
        found.append(StatusAt(at, now[0] if now[0] in DOWN else now[1]))
    return found


def down_spans(statuses: Sequence[StatusAt], period: Span) -> list[Span]:
    """When the status was one that charges nobody; before the first one nothing is held against it."""
    ordered = sorted(statuses)
    ends = [status.at for status in ordered[1:]] + [period.end]
    spans = [Span(status.at, end) for status, end in zip(ordered, ends, strict=False) if status.status in DOWN]
    return within(spans, period)


def uptime(
    connected: Iterable[Span], statuses: Sequence[StatusAt], maintenance: Iterable[Span], period: Span
) -> Uptime:
    """The uptime of one EVSE: its station's connections, its own and the station's statuses, maintenance windows."""
    length = max(0, period.end - period.begin)
    if length == 0:
        return Uptime(0, 0, 0, 0, MILLION, MILLION)
    offline = outside(connected, period)
    down = down_spans(statuses, period)
    planned = within(maintenance, period)
    outage = merged([*offline, *down])
    excluded = total(both(outage, planned))
    said = total(down) - total(both(down, planned))
    return Uptime(
        length,
        total(offline),
        total(down),
        excluded,
        (length - (total(outage) - excluded)) * MILLION // length,
        (length - said) * MILLION // length,
    )
