"""The cost of a session equals what a slow reckoning second by second says, and is rounded once."""

import os
import random
from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from sunpile.basics.errors import InputInvalid
from sunpile.basics.units import money
from sunpile.fleet.costs import Slice, Usage, cost, rounded
from sunpile.fleet.tariffs import CENT, Price, Tariff, Tax, When, check, plain_tariff

ROUNDS = 2_000 if os.environ.get("SUNPILE_SOAK") else 120
BERLIN = "Europe/Berlin"


def at(*parts, zone=BERLIN):
    return int(datetime(*parts, tzinfo=ZoneInfo(zone)).timestamp())


def reference(tariff, usage):
    """Second by second, no cuts: slow, and plain to read."""
    zone = ZoneInfo(tariff.time_zone)
    begin = usage.slices[0].start
    wh, charged, idle = Fraction(0), 0, 0
    net = Fraction(0)

    def holds(when, moment, energy, charging_s, idle_s, watts):
        local = datetime.fromtimestamp(moment, zone)
        minute, day = local.hour * 60 + local.minute, local.date().isoformat()
        low, high = when.from_minute or 0, when.until_minute or 1440
        fits = (low <= minute < high) if low < high else not (high <= minute < low)
        fits = fits and (when.days is None or local.weekday() in when.days)
        fits = fits and (when.from_date is None or when.from_date <= day)
        fits = fits and (when.until_date is None or day < when.until_date)
        fits = fits and (when.evse_kind is None or when.evse_kind == usage.evse_kind)
        half = Fraction(1, 2)
        for value, least, most in (
            (energy, when.min_wh, when.max_wh),
            (moment + half - begin, when.min_s, when.max_s),
            (charging_s, when.min_charging_s, when.max_charging_s),
            (idle_s, when.min_idle_s, when.max_idle_s),
            (watts, when.min_w, when.max_w),
        ):
            fits = fits and (least is None or value >= least) and (most is None or value < most)
        return fits

    def first(prices, *moment):
        return next((price.price for price in prices if holds(price.when, *moment)), 0)

    for one in usage.slices:
        rate = Fraction(one.wh, one.end - one.start)
        charging = one.wh > 0 and rate * 3600 >= tariff.idle_below_w
        for second in range(one.start, one.end):
            half = Fraction(1, 2)
            now = (second, wh + rate / 2, charged + half * charging, idle + half * (not charging), rate * 3600)
            net += first(tariff.energy, *now) * rate
            net += Fraction(first(tariff.charging_time if charging else tariff.idle_time, *now) * 1000, 60)
            wh, charged, idle = wh + rate, charged + charging, idle + (not charging)
    start = (begin, Fraction(0), 0, 0, Fraction(0))
    net += first(tariff.fixed, *start) * 1000
    if usage.reserved:
        net += first(tariff.reservation_fixed, *start) * 1000
        net += Fraction(first(tariff.reservation_time, *start) * 1000 * usage.reservation_s, 60)
    net = max(net, tariff.min_nano or 0)
    net = min(net, tariff.max_nano) if tariff.max_nano is not None else net
    total, lower = net, net
    for stack in range(5):
        total = lower + sum(lower * tax.ppm / 10**6 for tax in tariff.taxes if tax.stack == stack)
        lower = total
    return (2 * total + tariff.step_nano) // (2 * tariff.step_nano) * tariff.step_nano


def random_when(draw, part):
    calendar = {}
    if draw.random() < 0.5:
        calendar |= {"from_minute": draw.choice([0, 90, 120, 150, 1380]), "until_minute": draw.choice([60, 121, 180])}
    if draw.random() < 0.3:
        calendar["days"] = frozenset(draw.sample(range(7), 4))
    if draw.random() < 0.2:
        calendar["until_date"] = "2026-03-29"
    if draw.random() < 0.2:
        calendar["from_date"] = "2026-10-25"
    if draw.random() < 0.2:
        calendar["evse_kind"] = draw.choice(["AC", "DC"])
    if part in ("fixed", "reservation_time", "reservation_fixed"):
        return When(**calendar)
    for low, high, unit in (("min_wh", "max_wh", 10), ("min_s", "max_s", 30), ("min_idle_s", "max_idle_s", 7)):
        if draw.random() < 0.25:
            calendar |= {low: draw.randrange(40) * unit, high: draw.randrange(40, 90) * unit}
    if draw.random() < 0.2:
        calendar["min_w"] = 3600
    return When(**calendar)


def random_tariff(draw):
    parts = {}
    for part in ("energy", "charging_time", "idle_time", "fixed", "reservation_time", "reservation_fixed"):
        parts[part] = tuple(Price(draw.randrange(1_000_000), random_when(draw, part)) for _ in range(draw.randrange(4)))
    taxes = tuple(Tax(f"T{n}", draw.choice([55_000, 190_000]), draw.randrange(3)) for n in range(draw.randrange(4)))
    limits = {"min_nano": 10**9} if draw.random() < 0.2 else {"max_nano": 10**9} if draw.random() < 0.3 else {}
    step = draw.choice([1, CENT])
    return Tariff("T", "EUR", **parts, taxes=taxes, **limits, step_nano=step, time_zone=BERLIN)


def random_usage(draw):
    # Around both changes of daylight saving, and an ordinary midnight.
    moment = draw.choice([at(2026, 3, 29, 1, 50), at(2026, 10, 25, 1, 50), at(2026, 5, 8, 23, 50)])
    slices = []
    for _ in range(draw.randrange(1, 5)):
        length = draw.choice([10, 60, 300, 600])
        slices.append(Slice(moment, moment + length, draw.choice([0, 1, 2, 5]) * length))
        moment += length
    reserved = draw.random() < 0.3
    return Usage(tuple(slices), 601 if reserved else 0, reserved, draw.choice(["AC", "DC", None]))


def test_the_cost_is_that_of_the_slow_reckoning():
    draw = random.Random(20260304)
    for _ in range(ROUNDS):
        tariff, usage = random_tariff(draw), random_usage(draw)
        assert cost(tariff, usage).nano == reference(tariff, usage), (tariff, usage)


def test_a_plain_price_costs_exactly_what_the_ledger_says():
    start = at(2026, 3, 4, 12)
    usage = Usage((Slice(start, start + 600, 333), Slice(start + 600, start + 1200, 1_000)))
    assert cost(plain_tariff(287_654, "EUR"), usage).nano == money(1_333, 287_654)


def test_how_a_session_is_cut_into_readings_does_not_change_its_cost():
    start = at(2026, 10, 25, 1)
    night = Price(150_000, When(from_minute=0, until_minute=150))
    tariff = Tariff("T", "EUR", energy=(night, Price(400_000)), charging_time=(Price(20_000),), time_zone=BERLIN)
    whole = Usage((Slice(start, start + 10_800, 10_800),))
    cut = Usage(tuple(Slice(start + n * 100, start + n * 100 + 100, 100) for n in range(108)))
    assert cost(tariff, whole) == cost(tariff, cut)


def test_money_is_rounded_once_half_up():
    assert rounded(Fraction(CENT, 2), CENT) == CENT
    assert rounded(Fraction(CENT, 2) - Fraction(1, 10**9), CENT) == 0
    start = at(2026, 3, 4, 12)
    thirds = Tariff("T", "EUR", charging_time=(Price(100_000),), energy=(Price(5_000),))
    usage = Usage(tuple(Slice(start + n, start + n + 1, 1) for n in range(30)))
    # 30 s at 0.1 per minute and 30 Wh at 0.005 per kWh: 0.05015, not thirty times nothing.
    assert cost(thirds, usage).nano == 5 * CENT


def test_least_and_greatest_cost_bind_before_tax():
    start = at(2026, 3, 4, 12)
    usage = Usage((Slice(start, start + 600, 1_000),))
    base = {"currency": "EUR", "energy": (Price(300_000),), "taxes": (Tax("VAT", 200_000),)}
    assert cost(Tariff("T", **base), usage).nano == 36 * CENT
    least = cost(Tariff("T", **base, min_nano=10**9), usage)
    assert (least.nano, least.bound, least.tax) == (120 * CENT, "min", 2 * 10**8)
    assert cost(Tariff("T", **base, max_nano=10**8), usage).nano == 12 * CENT
    assert cost(Tariff("T", **base, min_nano=10**9), Usage(())).nano == 0


def test_who_stands_pays_idle_time_after_a_grace():
    start = at(2026, 3, 4, 12)
    tariff = Tariff("T", "EUR", idle_time=(Price(0, When(max_idle_s=600)), Price(100_000)))
    usage = Usage((Slice(start, start + 3600, 7_000), Slice(start + 3600, start + 5400, 3)))
    found = cost(tariff, usage)
    assert (found.nano, found.charging_s, found.idle_s) == (200 * CENT, 3600, 1800)


def test_a_tax_on_tax_is_reckoned_on_both():
    start = int(datetime(2026, 3, 4, tzinfo=UTC).timestamp())
    taxes = (Tax("GST", 100_000), Tax("PST", 100_000, stack=1))
    tariff = Tariff("T", "CAD", fixed=(Price(1_000_000),), taxes=taxes)
    assert cost(tariff, Usage((Slice(start, start + 60, 0),))).nano == 121 * CENT


@pytest.mark.parametrize(
    "wrong",
    [
        {"energy": (Price(-1),)},
        {"currency": "euro"},
        {"fixed": (Price(1, When(min_wh=5)),)},
        {"energy": (Price(1, When(from_minute=1440)),)},
        {"energy": (Price(1, When(days=frozenset({7}))),)},
        {"energy": (Price(1, When(from_date="2026-2-30")),)},
        {"min_nano": 5, "max_nano": 4},
        {"step_nano": 0},
        {"id": ""},
        {"taxes": (Tax("VAT", 2_000_000),)},
    ],
)
def test_a_tariff_nobody_could_reckon_with_is_refused(wrong):
    with pytest.raises(InputInvalid):
        check(Tariff(**{"id": "T", "currency": "EUR"} | wrong))
