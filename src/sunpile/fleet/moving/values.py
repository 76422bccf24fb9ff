"""Values of other systems' tables as this house writes them. What cannot be one is None."""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

REGISTER_MAX = 1 << 53
"""No register goes further [Wh]."""
_PLAIN = re.compile(r"\d{1,15}", re.ASCII)
_ZONE = re.compile(r"([+-]\d\d)$")


def seconds(value: object) -> int | None:
    """A time, in UTC where it names no zone, as Unix seconds.

    >>> seconds("2026-01-01 00:00:00.25"), seconds("2026-01-01T01:00:00+01"), seconds("0000-00-00 00:00:00")
    (1767225600, 1767225600, None)
    """
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(_ZONE.sub(r"\1:00", value.strip()))
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    try:
        return int(at.timestamp())
    except (OverflowError, ValueError):
        return None


def whole(value: object) -> int | None:
    """A whole number, also where it is written with a fraction of zeros.

    >>> whole("12"), whole("12.0"), whole("12.5"), whole("twelve")
    (12, 12, None, None)
    """
    number = exact(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


def exact(value: object) -> Decimal | None:
    """A number, exactly."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 10**18 else None


def register(value: object, per_unit: int = 1) -> int | None:
    """A meter register in Wh, rounded down; `per_unit` is 1000 for kWh. None if it is none, or negative.

    >>> register("1234"), register("1234.9"), register("1.5", 1000), register("-3"), register("9e99")
    (1234, 1234, 1500, None, None)
    """
    if per_unit == 1 and isinstance(value, str) and _PLAIN.fullmatch(value):
        return int(value)
    number = exact(value)
    if number is None or not 0 <= number * per_unit < REGISTER_MAX:
        return None
    return int(number * per_unit)


def millionths(value: object, most: int) -> int | None:
    """Degrees as millionths, if they are not beyond `most`.

    >>> millionths("48.137154", 90), millionths(None, 90), millionths("91", 90)
    (48137154, None, None)
    """
    number = exact(value)
    return int(number * 1_000_000) if number is not None and abs(number) <= most else None


def text(value: object, most: int) -> str:
    """Text of one line without control characters, cut to `most`."""
    if value is None:
        return ""
    line = " ".join(str(value).split())
    return "".join(letter for letter in line if letter.isprintable())[:most]
