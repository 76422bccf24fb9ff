"""Composite schedules: by hand, and against a second-by-second reading of the rules."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sunpile.chargers.commands import ClearChargingProfile, Period, Profile, Schedule
from sunpile.control.composite import Asked, Installed, Stretch, composite, differences
from sunpile.control.profile_book import cleared, stretches

DAY = 86_400


def profile(number: int, *periods: tuple[int, int], **more: Any) -> Profile:
    schedule = {name: more.pop(name) for name in ("start", "duration_s", "unit") if name in more}
    return Profile(number, [Schedule([Period(at, limit) for at, limit in periods], **schedule)], **more)


def limits(installed: list[Installed], asked: Asked) -> list[tuple[int, int | None]]:
    return [(item.start_s, item.limit) for item in composite(installed, asked)]


def test_the_highest_stack_level_that_says_something_counts() -> None:
    low = profile(1, (0, 11_000), stack_level=0, kind="Relative")
    high = profile(2, (0, 5_000), stack_level=3, kind="Absolute", start=100, duration_s=50)
    assert limits([Installed(1, low), Installed(1, high)], Asked(1, 0, 300)) == [
        (0, 11_000),
        (100, 5_000),
        (150, 11_000),
    ]


def test_the_lowest_of_the_purposes_is_the_limit() -> None:
    station = profile(1, (0, 7_000), (60, 20_000), purpose="ChargingStationMaxProfile", start=0)
    default = profile(2, (0, 11_000), kind="Relative")
    assert limits([Installed(0, station), Installed(0, default)], Asked(1, 0, 120)) == [(0, 7_000), (60, 11_000)]


def test_a_transactions_own_profile_stands_before_the_default() -> None:
    own = profile(1, (0, 16_000), purpose="TxProfile", kind="Relative", transaction="T", duration_s=100)
    default = profile(2, (0, 4_000), kind="Relative", stack_level=9)
    installed = [Installed(1, own), Installed(1, default)]
    running = Asked(1, 1_050, 100, transaction_start=1_000, transaction="T")
    assert limits(installed, running) == [(0, 16_000), (50, 4_000)]
    assert limits(installed, Asked(1, 1_050, 100)) == [(0, 4_000)]
    assert limits(installed, Asked(1, 1_050, 100, transaction_start=1_000, transaction="U")) == [(0, 4_000)]


def test_a_default_for_the_evse_stands_before_one_for_all() -> None:
    installed = [
        Installed(0, profile(1, (0, 3_000), kind="Relative", stack_level=9)),
        Installed(1, profile(2, (0, 9_000), kind="Relative")),
    ]
    assert limits(installed, Asked(1, 0, 10)) == [(0, 9_000)]
    assert limits(installed, Asked(2, 0, 10)) == [(0, 3_000)]


def test_a_daily_profile_comes_again() -> None:
    nightly = profile(1, (0, 6_000), kind="Recurring", recurrency="Daily", start=22 * 3600, duration_s=8 * 3600)
    found = limits([Installed(1, nightly)], Asked(1, 5 * DAY, 2 * DAY))
    assert found == [
        (0, 6_000),
        (6 * 3600, None),
        (22 * 3600, 6_000),
        (30 * 3600, None),
        (46 * 3600, 6_000),
    ]


def test_amperes_become_watts_by_phases() -> None:
    amps = Profile(1, [Schedule([Period(0, 16_000, phases=1)], "A")], kind="Relative")
    assert limits([Installed(1, amps)], Asked(1, 0, 10)) == [(0, 3_680)]
    watts = profile(1, (0, 11_040), kind="Relative")
    assert limits([Installed(1, watts)], Asked(1, 0, 10, "A")) == [(0, 16_000)]


def test_validity_begins_and_ends() -> None:
    item = profile(1, (0, 6_000), kind="Relative", valid_from=50, valid_to=70)
    assert limits([Installed(1, item)], Asked(1, 0, 100)) == [(0, None), (50, 6_000), (70, None)]


def test_a_difference_is_said_in_words() -> None:
    assert differences([Stretch(0, 5_000), Stretch(60, None)], [Stretch(0, 5_000)], 100) == [
        (60, "no limit by the profiles, 5000 by the station")
    ]
    assert differences([Stretch(0, 5)], [Stretch(0, 5), Stretch(100, 6)], 100) == []


def test_a_stations_answer_is_read() -> None:
    data = {
        "schedule": {
            "scheduleStart": "1970-01-01T00:16:30Z",
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.5}, {"startPeriod": 60, "limit": 10}],
        }
    }
    assert stretches(data, 1_000) == [Stretch(0, 6_500), Stretch(50, 10_000)]
    assert stretches(None, 0) is None


def test_clearing_goes_by_number_or_by_all_that_is_named() -> None:
    item = Installed(1, profile(7, (0, 1), kind="Relative", stack_level=2))
    assert cleared(item, ClearChargingProfile())
    assert cleared(item, ClearChargingProfile(profile=7, evse=2))
    assert not cleared(item, ClearChargingProfile(profile=8))
    assert cleared(item, ClearChargingProfile(evse=1, stack_level=2))
    assert not cleared(item, ClearChargingProfile(evse=1, stack_level=1))


profiles = st.builds(
    lambda number, evse, level, purpose, begin, length, periods, recurs: Installed(
        0 if purpose == "ChargingStationMaxProfile" else evse,
        Profile(
            number,
            [
                Schedule(
                    [Period(at, limit) for at, limit in sorted({0: 5, **dict(periods)}.items())],
                    start=begin,
                    duration_s=length,
                )
            ],
            purpose=purpose,
            stack_level=level,
            kind="Recurring" if recurs else "Absolute",
            recurrency="Daily" if recurs else None,
        ),
    ),
    st.integers(1, 9),
    st.sampled_from([0, 1]),
    st.integers(0, 4),
    st.sampled_from(["TxDefaultProfile", "ChargingStationMaxProfile", "ChargingStationExternalConstraints"]),
    st.integers(0, 200),
    st.none() | st.integers(1, 100),
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 99)), max_size=3),
    st.booleans(),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(profiles, max_size=5), st.integers(0, 150))
def test_the_schedule_says_at_every_second_what_the_rules_say_then(installed: list[Installed], start: int) -> None:
    found = composite(installed, Asked(1, start, 120))
    for second in range(120):
        alone = composite(installed, Asked(1, start + second, 1))
        held = [item.limit for item in found if item.start_s <= second]
        assert held[-1] == alone[0].limit
