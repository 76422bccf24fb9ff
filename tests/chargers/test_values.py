"""Numbers and times are read exactly or refused."""

from decimal import ROUND_FLOOR, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sunpile.chargers.values import date_time, far_off, scaled, scaled_number, unix_time

NASTY = [
    "", " ", "NaN", "nan", "Infinity", "-inf", "1_000", "１２３", "٣", "1e3", "1E3", "1e400", "+5", "0x10", "1,5",
    "1.", ".5", "--5", "1.2.3", "5 ", " 5", "5\n", "1 000", "²", "⅕", "9" * 19, "-", "1.-5", "1.5\x00", "1." + "0" * 19,
]  # fmt: skip


@pytest.mark.parametrize("text", NASTY)
def test_what_merely_looks_like_a_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        scaled(text, 0)


@pytest.mark.parametrize(
    ("text", "power", "value"),
    [
        ("0", 0, 0), ("007", 0, 7), ("12.3456", 3, 12345), ("-0.1", 0, -1), ("-1", 3, -1000), ("0.9999", 0, 0),
        ("16.1", 1, 161), ("4.35", 2, 435), ("1234567890.123", 3, 1234567890123), ("-0.0", 3, 0), ("1999", -3, 1),
    ],
)  # fmt: skip
def test_decimals_are_scaled_and_rounded_down(text: str, power: int, value: int) -> None:
    assert scaled(text, power) == value


@given(st.decimals(-(10**9), 10**9, places=6), st.integers(-3, 3))
def test_scaling_agrees_with_decimal_arithmetic(number: Decimal, power: int) -> None:
    expected = int((number * Decimal(10) ** power).to_integral_value(ROUND_FLOOR))
    assert scaled(f"{number:f}", power) == expected
    assert scaled_number(float(number), power) == expected


@pytest.mark.parametrize("number", [1e15, -1e300, 10**18])
def test_a_number_too_large_to_be_exact_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="number"):
        scaled_number(number, 0)


@pytest.mark.parametrize(
    ("text", "unix"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2023-11-14T22:13:20Z", 1_700_000_000),
        ("2023-11-14T23:13:20.999+01:00", 1_700_000_000),
        ("2023-11-14t22:13:20.123456789z", 1_700_000_000),
        ("1969-12-31T23:59:59.5Z", -1),
    ],
)
def test_times_are_unix_seconds_rounded_down(text: str, unix: int) -> None:
    assert unix_time(text) == unix


@given(st.integers(0, 4_000_000_000))
def test_a_time_written_is_the_time_read(unix: int) -> None:
    assert unix_time(date_time(unix)) == unix


def test_a_month_old_queue_is_not_far_off_but_a_wrong_year_is() -> None:
    now = 1_700_000_000
    assert not far_off(now - 30 * 86400, now)
    assert not far_off(now + 3600, now)
    assert far_off(0, now)
    assert far_off(now + 366 * 86400, now)
