"""Numbers and times as piles write them, read exactly: integers and scaled decimals, no floats.

What merely looks like a number to a lenient parser (NaN, infinities, full-width digits, `1_000`, `1e400`, `+5`, blanks)
is refused.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

_DECIMAL = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]{1,18}))?", re.ASCII)
_VISIBLE = re.compile(r"[\x20-\x7e]*", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
FLOAT_MAX = 1e15
"""Up to here a double's shortest decimal is the one that was sent, to three places after the point."""

NANO_PLACES = 9
"""Decimal places of nano-currency."""
PAST_S = 400 * 86400
FUTURE_S = 86400
"""A pile's time further off than this is no skew but a wrong clock: its messages are answered and held."""


@lru_cache(maxsize=8192)
def scaled(text: str, power: int) -> int:
    """`text` x 10^`power`, rounded down.

    >>> scaled("12.3456", 3)
    12345

    Raises
    ------
    ValueError
        if `text` is no plain decimal number.
    """
    if text.isdigit() and text.isascii() and len(text) <= 18:
        whole = int(text)
        return whole * 10**power if power >= 0 else whole // 10**-power
    match = _DECIMAL.fullmatch(text)
    if not match:
        raise ValueError("not a plain decimal number")
    sign, digits, fraction = match.group(1), match.group(2), match.group(3) or ""
    number = int(digits + fraction)
    number = -number if sign else number
    shift = power - len(fraction)
    return number * 10**shift if shift >= 0 else number // 10**-shift


def scaled_number(number: float, power: int) -> int:
    """A JSON number x 10^`power`, rounded down.

    Raises
    ------
    ValueError
        if it is too large to be exact.
    """
    if isinstance(number, int):
        return scaled(str(number), power)
    if not -FLOAT_MAX < number < FLOAT_MAX:
        raise ValueError("number is too large")
    digits = Decimal(repr(number)).scaleb(power)
    whole = int(digits)
    return whole - 1 if whole > digits else whole


@lru_cache(maxsize=4096)
def unix_time(text: str) -> int:
    """Unix seconds, rounded down, of an RFC 3339 date-time.

    Raises
    ------
    ValueError
        if there is no such moment.
    """
    moment = datetime.fromisoformat(text.upper())
    if moment.tzinfo is None:
        raise ValueError("time has no zone")
    return (moment - _EPOCH) // _SECOND


@lru_cache(maxsize=64)
def date_time(unix: int) -> str:
    """RFC 3339 date-time of a Unix time [s]."""
    return (_EPOCH + timedelta(seconds=unix)).strftime("%Y-%m-%dT%H:%M:%SZ")


def far_off(at: int, now: int) -> bool:
    """True if a pile that says `at` cannot mean a moment near `now`."""
    return not now - PAST_S <= at <= now + FUTURE_S


def is_visible(text: str) -> bool:
    """True for printable ASCII, all an OCPP identifier may hold."""
    return _VISIBLE.fullmatch(text) is not None


def decimal(amount: int, places: int) -> int | float:
    """`amount` / 10^`places` as the JSON number that reads back as it: whole numbers stay whole.

    >>> decimal(1500, 3)
    1.5
    """
    whole, rest = divmod(amount, 10**places)
    return amount / 10**places if rest else whole
