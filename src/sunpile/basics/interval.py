"""The market time unit (IEC 62325): a half-open span of UTC time that starts at a multiple of its length."""

from dataclasses import dataclass

from sunpile.basics.errors import SettingInvalid

DEFAULT_LENGTH = 900


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """One market time unit `[start, end)`."""

    index: int
    """Unix time of the start divided by `length`."""
    length: int = DEFAULT_LENGTH
    """Seconds; a divisor of 900 and at least 5."""

    @property
    def start(self) -> int:
        """First second, Unix time UTC."""
        return self.index * self.length

    @property
    def end(self) -> int:
        """First second after the interval, Unix time UTC."""
        return (self.index + 1) * self.length

    @classmethod
    def at(cls, unix_time: int, length: int = DEFAULT_LENGTH) -> "Interval":
        """The interval that holds `unix_time`."""
        return cls(unix_time // length, length)

    def following(self) -> "Interval":
        """The next interval."""
        return Interval(self.index + 1, self.length)


def check_length(length: int) -> int:
    """Return `length` [s] if it may be an interval length.

    Raises
    ------
    SettingInvalid
        if it is not a divisor of 900 from 5 up.
    """
    if length < 5 or 900 % length:
        raise SettingInvalid(key="interval_length", value=str(length), allowed="a divisor of 900 from 5 up")
    return length


def settlement_deadline(length: int) -> int:
    """D in intervals: one hour, and at least four intervals. After it a batch is refused and may be voided."""
    return max(3600 // length, 4)
