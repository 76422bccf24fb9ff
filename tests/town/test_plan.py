"""A town on paper: real data in, physical sense out, the same for the same seed."""

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sunpile.town import cars, localtime, prices
from sunpile.town.batteries import LOWEST, START, draw_battery
from sunpile.town.energy import Meter, Steps
from sunpile.town.evse import share
from sunpile.town.houses import load
from sunpile.town.limits import Limits, read_profile
from sunpile.town.scenario import Scenario, TownPlan, lay_out
from sunpile.town.tables import rows
from town.conftest import SMALL


def test_the_same_seed_is_the_same_town(small_plan: TownPlan):
    again = lay_out(SMALL)
    assert [(h.owner.address, h.load, h.sun) for h in again.houses] == [
        (h.owner.address, h.load, h.sun) for h in small_plan.houses
    ]
    assert [p.visits for p in again.piles] == [p.visits for p in small_plan.piles]


def test_another_seed_is_another_town(small_plan: TownPlan):
    other = lay_out(replace(SMALL, seed=4))
    assert other.houses[0].load != small_plan.houses[0].load


def test_a_town_has_two_thirds_of_its_piles_on_ocpp_1_6_and_one_fast_charger(small_plan: TownPlan):
    assert [p.version for p in small_plan.piles].count("1.6") == 4
    assert [(p.kind, p.evses) for p in small_plan.piles if p.kind == "fast"] == [("fast", 2)]
    assert [p.house is not None for p in small_plan.piles].count(True) == 3


def test_the_sun_rises_and_sets_over_the_roofs(small_plan: TownPlan):
    for house in small_plan.houses:
        noon = house.sun.at(SMALL.real_begin + 2 * 3600)
        night = house.sun.at(SMALL.real_begin - 10 * 3600)
        assert noon < 0 == night
        assert min(house.sun.watts) >= -house.roof_w


def test_a_town_can_be_played_at_any_time_of_ours():
    moved = Scenario(seed=3, start=1_800_000_000, length=5, intervals=24, from_hour=12, lead_s=60)
    assert moved.first_interval * 5 == 1_800_000_000
    assert moved.begin == 1_800_000_000 - 60
    assert moved.day_end - moved.first_begin == 120


def test_all_1878_sessions_of_the_fast_charger_are_there_and_a_day_replays_its_own():
    assert len(rows("fast-charging-sessions")) == 1878
    visits = cars.fast_visits(date(2022, 6, 15))
    assert [v.energy_wh for v in visits] == [21873, 29947, 40735, 32539, 6641, 38834, 33636, 35029]


def test_a_day_without_record_replays_the_nearest_same_weekday():
    day = date(2023, 12, 6)
    assert cars.session_day(day).weekday() == day.weekday()


def test_a_replayed_session_gets_its_energy_in_its_time():
    for visit in cars.fast_visits(date(2022, 6, 15)):
        left = visit.energy_wh - visit.taper_after_wh
        seconds = visit.taper_after_wh * 3600 / visit.car_w + left * 3600 / visit.taper_w
        assert seconds <= visit.depart - visit.arrive


def test_cars_at_a_slow_pile_never_overlap():
    for pile in range(20):
        visits = cars.slow_visits(1, pile, "public", [date(2022, 6, d) for d in range(1, 8)])
        assert all(a.depart < b.arrive for a, b in pairwise(visits))


def test_a_driver_is_at_one_pile_at_a_time():
    visits = {f"S{p}": cars.slow_visits(1, p, "public", [date(2022, 6, 15)]) for p in range(20)}
    for mine in cars.visits_by_driver(cars.assign(visits)).values():
        times = sorted((v.arrive, v.depart) for _, v in mine)
        assert all(a[1] < b[0] for a, b in pairwise(times))


@pytest.mark.parametrize("day_ahead", [-222_000, 0, 15_000, 250_000, 900_000, 2_000_000])
def test_tariffs_keep_their_order(day_ahead: int):
    tariff = prices.tariff(day_ahead, 1_000_000)
    assert 0 <= tariff.feed_in <= tariff.retail <= 1_000_000


def test_the_missing_hour_has_its_predecessors_price():
    missing = 1_703_977_200  # 2023-12-30 23:00 UTC
    assert prices.day_ahead(missing) == prices.day_ahead(missing - 3600)


def test_a_house_uses_what_the_profile_says_on_the_mean():
    day = [load(1, house, 1_655_244_000, 1_655_244_000 + 86_400) for house in range(60)]
    kwh = sum(sum(steps.watts) for steps in day) / 4000 / 60
    assert 6 < kwh < 12


def test_a_battery_stays_within_its_bounds_and_gives_less_than_it_took():
    for number in range(10):
        battery = draw_battery(1, number, [0])
        levels = [battery.soc_permille(t) for t in range(0, 86_400, 600)]
        assert max(levels) <= 1000
        assert min(levels) >= LOWEST
        taken = given = 0
        for begin, end, watts in zip(battery.plan.times, battery.plan.times[1:], battery.plan.watts, strict=False):
            taken, given = taken + max(0, watts) * (end - begin), given + max(0, -watts) * (end - begin)
        stored = (START - LOWEST) * battery.capacity_wh * 3600 // 1000
        assert 0 < given < taken + stored


def test_summer_time_is_the_european_unions():
    assert localtime.midnight(date(2022, 6, 15)) % 86_400 == 22 * 3600
    assert localtime.midnight(date(2022, 1, 15)) % 86_400 == 23 * 3600
    assert localtime.midnight(date(2022, 3, 28)) - localtime.midnight(date(2022, 3, 27)) == 23 * 3600
    assert localtime.midnight(date(2022, 10, 31)) - localtime.midnight(date(2022, 10, 30)) == 25 * 3600


@given(st.lists(st.integers(1, 500), min_size=1, max_size=20), st.integers(-5000, 5000), st.integers(-5000, 5000))
def test_a_meter_counts_the_same_however_often_it_is_read(reads: list[int], first: int, second: int):
    profile = (Steps((0, 700), (first, second)),)
    often, once, at = Meter(0, profile), Meter(0, profile), 0
    for step in reads:
        at += step
        often.read(at)
    once.read(at)
    assert (often.import_ws, often.export_ws) == (once.import_ws, once.export_ws)
    exact = sum((first if t < 700 else second) for t in range(at))
    assert often.import_ws - often.export_ws == exact


@given(st.lists(st.integers(0, 200_000), min_size=1, max_size=6), st.integers(1, 200_000))
def test_a_station_never_gives_more_than_it_has(wishes: list[int], total: int):
    granted = share(wishes, total)
    assert sum(granted) <= total
    assert all(g <= w for g, w in zip(granted, wishes, strict=True))


def test_the_least_charging_profile_holds_and_ends_with_its_schedule():
    limits = Limits()
    periods = [{"startPeriod": 0, "limit": 16.0}, {"startPeriod": 600, "limit": 6.0}]
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": periods, "duration": 1200}
    common = {"chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile"}
    limits.install(1, read_profile({**common, "chargingSchedule": schedule}, 100))
    assert [limits.watts(t) for t in (100, 699, 700, 1299)] == [11_040, 11_040, 4_140, 4_140]
    assert limits.watts(1300) > 1_000_000
    assert (limits.next_change(100), limits.next_change(700)) == (700, 1300)
