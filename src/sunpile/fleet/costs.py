"""What a session costs by its tariff: `cost(tariff, usage) -> Cost`, pure and exact.

The session is cut where anything a price depends on changes: a time of day, a date, daylight saving, an energy or a
duration reached. In each piece every part has one price. Energy is spread evenly between two readings of the meter, so
a piece may have a fraction of a Wh; all of it is reckoned in fractions. **The only rounding**: the total with tax is
rounded to the tariff's step, half up, once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sunpile.fleet.tariffs import PARTS, Part, Price, Tariff, When
from sunpile.sessions.tokens import zone

MICRO = 1000
"""Nano in a micro."""


class Slice(NamedTuple):
    """What a meter said between two moments."""

    start: int
    """From when [Unix s]."""
    end: int
    """Until when [Unix s]."""
    wh: int
    """Energy [Wh]."""


@dataclass(frozen=True, slots=True)
class Usage:
    """A session as its cost sees it."""

    slices: tuple[Slice, ...]
    """What was metered, in order, without gaps from start to end."""
    reservation_s: int = 0
    """How long the EVSE was reserved for it [s]."""
    reserved: bool = False
    """It used a reservation."""
    evse_kind: str | None = None
    """AC or DC; None: unknown, which fits no condition."""

    @property
    def wh(self) -> int:
        """Energy of the session [Wh]."""
        return sum(one.wh for one in self.slices)


class Span(NamedTuple):
    """A stretch of a session with one price for each part."""

    start: Fraction
    """From when [Unix s]."""
    end: Fraction
    """Until when [Unix s]."""
    wh: Fraction
    """Energy [Wh]."""
    charging: bool
    """Energy flows."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a session costs."""

    nano: int
    """With tax, rounded: what is asked for [nano]."""
    net: Fraction
    """Without tax, exact [nano]."""
    tax: Fraction
    """Tax, exact [nano]."""
    parts: dict[Part, Fraction]
    """Each part without tax, exact [nano]; they add up to `net` unless `bound` is set."""
    wh: int
    """Energy [Wh]."""
    charging_s: Fraction
    """How long energy flowed [s]."""
    idle_s: Fraction
    """How long none did [s]."""
    bound: str = ""
    """min or max where the tariff's least or greatest cost replaced the sum of the parts."""


def cost(tariff: Tariff, usage: Usage) -> Cost:
    """What `usage` costs by `tariff`."""
    parts: dict[Part, Fraction] = dict.fromkeys(PARTS, Fraction(0))
    meter = _Meter(tariff, usage)
    charging, idle = Fraction(0), Fraction(0)
    for span in meter.spans():
        length = span.end - span.start
        timed: Part = "charging_time" if span.charging else "idle_time"
        parts["energy"] += span.wh * meter.price("energy", span) * MICRO / 1000
        parts[timed] += length * meter.price(timed, span) * MICRO / 60
        charging += length if span.charging else 0
        idle += 0 if span.charging else length
        meter.passed(span)
    if usage.slices:
        begin = usage.slices[0].start
        parts["fixed"] += _at(tariff, "fixed", begin, usage) * MICRO
        if usage.reserved:
            parts["reservation_fixed"] += _at(tariff, "reservation_fixed", begin, usage) * MICRO
            per_minute = _at(tariff, "reservation_time", begin, usage)
            parts["reservation_time"] += Fraction(usage.reservation_s * per_minute * MICRO, 60)
    net, bound = sum(parts.values(), Fraction(0)), ""
    if tariff.min_nano is not None and usage.slices and net < tariff.min_nano:
        net, bound = Fraction(tariff.min_nano), "min"
    if tariff.max_nano is not None and net > tariff.max_nano:
        net, bound = Fraction(tariff.max_nano), "max"
    tax = tax_of(tariff, net)
    return Cost(rounded(net + tax, tariff.step_nano), net, tax, parts, usage.wh, charging, idle, bound)


def tax_of(tariff: Tariff, net: Fraction) -> Fraction:
    """Tax on an amount without tax, exact."""
    tax = Fraction(0)
    for stack in sorted({one.stack for one in tariff.taxes}):
        rate = sum(one.ppm for one in tariff.taxes if one.stack == stack)
        tax += (net + tax if stack else net) * rate / 10**6
    return tax


def rounded(nano: Fraction, step: int) -> int:
    """The multiple of `step` next to `nano`, half up: the one rounding of a cost.

    >>> rounded(Fraction(15), 10), rounded(Fraction(149, 10), 10)
    (20, 10)
    """
    return int((nano / step + Fraction(1, 2)) // 1) * step


class _Meter:
    """Walks along a session; knows what has been used so far."""

    def __init__(self, tariff: Tariff, usage: Usage) -> None:
        self._tariff, self._usage = tariff, usage
        self._zone = zone(tariff.time_zone)
        self._wh, self._charging, self._idle = Fraction(0), Fraction(0), Fraction(0)
        self._begin = usage.slices[0].start if usage.slices else 0
        self._conditions = [price.when for part in PARTS for price in tariff.prices(part)]

    def spans(self) -> Iterable[Span]:
        for one in self._usage.slices:
            if one.end <= one.start:
                # Energy without time: a meter that was read twice in a second.
                yield Span(Fraction(one.start), Fraction(one.start), Fraction(one.wh), charging=True)
                continue
            charging = one.wh * 3600 >= self._tariff.idle_below_w * (one.end - one.start) and one.wh > 0
            cuts = self._cuts(one, charging)
            rate = Fraction(one.wh, one.end - one.start)
            for start, end in pairwise(cuts):
                yield Span(start, end, rate * (end - start), charging)

    def passed(self, span: Span) -> None:
        self._wh += span.wh
        if span.charging:
            self._charging += span.end - span.start
        else:
            self._idle += span.end - span.start

    def price(self, part: Part, span: Span) -> int:
        return next((p.price for p in self._tariff.prices(part) if self._holds(p, span)), 0)

    def _holds(self, price: Price, span: Span) -> bool:
        when, half = price.when, (span.end - span.start) / 2
        if when.always:
            return True
        middle = span.start + half
        hours = (span.end - span.start) / 3600
        watts = span.wh / hours if hours else Fraction(0)
        charging = self._charging + (half if span.charging else 0)
        idle = self._idle + (0 if span.charging else half)
        return (
            in_calendar(when, middle, self._zone)
            and when.evse_kind in (None, self._usage.evse_kind)
            and _within(self._wh + span.wh / 2, when.min_wh, when.max_wh)
            and _within(middle - self._begin, when.min_s, when.max_s)
            and _within(charging, when.min_charging_s, when.max_charging_s)
            and _within(idle, when.min_idle_s, when.max_idle_s)
            and _within(watts, when.min_w, when.max_w)
        )

    def _cuts(self, one: Slice, charging: bool) -> list[Fraction]:
        """Where a slice must be cut, with its start and end."""
        start, end = Fraction(one.start), Fraction(one.end)
        found = {start, end}
        own = self._charging if charging else self._idle
        for when in self._conditions:
            for seconds in (when.min_s, when.max_s):
                if seconds is not None:
                    found.add(Fraction(self._begin + seconds))
            reached = (when.min_charging_s, when.max_charging_s) if charging else (when.min_idle_s, when.max_idle_s)
            found |= {start + seconds - own for seconds in reached if seconds is not None}
            if one.wh:
                rate = Fraction(one.wh, one.end - one.start)
                found |= {start + (wh - self._wh) / rate for wh in (when.min_wh, when.max_wh) if wh is not None}
            found |= {Fraction(at) for at in calendar_cuts(when, one.start, one.end, self._zone)}
        return sorted(at for at in found if start <= at <= end)


def _within(value: Fraction, low: int | None, high: int | None) -> bool:
    return (low is None or value >= low) and (high is None or value < high)


def _at(tariff: Tariff, part: Part, at: int, usage: Usage) -> int:
    """The price of a part that is due once, at a moment."""
    zone_ = zone(tariff.time_zone)
    fits = (
        price.price
        for price in tariff.prices(part)
        if in_calendar(price.when, Fraction(at), zone_) and price.when.evse_kind in (None, usage.evse_kind)
    )
    return next(fits, 0)


def in_calendar(when: When, at: Fraction, zone_: ZoneInfo) -> bool:
    """True if time of day, weekday and date of `at` [Unix s] fit. Over midnight, the days are those of the moment."""
    if (when.from_minute, when.until_minute, when.days, when.from_date, when.until_date) == (None,) * 5:
        return True
    local = datetime.fromtimestamp(int(at // 1), zone_)
    minute = local.hour * 60 + local.minute
    low, high = when.from_minute or 0, when.until_minute or 1440
    in_day = low <= minute < high if low < high else (minute >= low or minute < high)
    today = local.date().isoformat()
    return (
        in_day
        and (when.days is None or local.weekday() in when.days)
        and (when.from_date is None or today >= when.from_date)
        and (when.until_date is None or today < when.until_date)
    )


def calendar_cuts(when: When, start: int, end: int, zone_: ZoneInfo) -> set[int]:
    """Moments from `start` to `end` [Unix s] at which `in_calendar` may change."""
    if (when.from_minute, when.until_minute, when.days, when.from_date, when.until_date) == (None,) * 5:
        return set()
    found = set(_shifts(start, end, zone_))
    day = datetime.fromtimestamp(start, zone_).date()
    last = datetime.fromtimestamp(end, zone_).date() + timedelta(days=1)
    marks = {minute for minute in (0, when.from_minute, when.until_minute) if minute is not None and minute < 1440}
    while day <= last:
        for minute in marks:
            found |= {_moment(day, minute, fold, zone_) for fold in (0, 1)}
        day += timedelta(days=1)
    return {at for at in found if start < at < end}


def _moment(day: date, minute: int, fold: int, zone_: ZoneInfo) -> int:
    local = datetime.combine(day, time(minute // 60, minute % 60, fold=fold), zone_)
    return int(local.astimezone(UTC).timestamp())


def _shifts(start: int, end: int, zone_: ZoneInfo) -> Sequence[int]:
    """Where the zone's offset changes between `start` and `end`: daylight saving begins or ends."""

    def offset(at: int) -> timedelta | None:
        return datetime.fromtimestamp(at, zone_).utcoffset()

    found: list[int] = []
    # Never two changes within a fortnight, so a look at both ends of each is enough.
    for low in range(start, end, 14 * 86_400):
        high = min(low + 14 * 86_400, end)
        if offset(low) != offset(high):
            before, after = low, high
            while after - before > 1:
                middle = (before + after) // 2
                before, after = (middle, after) if offset(middle) == offset(low) else (before, middle)
            found.append(after)
    return found
