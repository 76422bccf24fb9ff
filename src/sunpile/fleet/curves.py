"""Curves of a session: power, energy, current, voltage and state of charge over time. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from sunpile.chargers.events import (
    MeterRead,
    Sample,
    StationEvent,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.chargers.values import far_off

POINTS_MAX = 500
"""A page draws no more."""


class SampleRow(NamedTuple):
    """One moment of one EVSE."""

    station: str
    """Station."""
    evse: int
    """EVSE."""
    at: int
    """The pile's time [Unix s]."""
    register_wh: int | None
    """Energy register [Wh]."""
    power_w: int | None
    """Power [W]; negative is fed back."""
    current_ma: int | None
    """Current of the highest phase [mA]."""
    voltage_mv: int | None
    """Voltage of the highest phase [mV]."""
    soc_permille: int | None
    """State of charge [1/1000]."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A stretch of time on the page."""

    at: int
    """Its first sample [Unix s]."""
    register_wh: int | None
    """Register at its end [Wh]."""
    power_w: int | None
    """Mean power [W]."""
    power_max_w: int | None
    """Highest power [W]."""
    current_ma: int | None
    """Highest current [mA]."""
    voltage_mv: int | None
    """Mean voltage [mV]."""
    soc_permille: int | None
    """State of charge at its end [1/1000]."""


@dataclass(frozen=True, slots=True)
class Curve:
    """What a page draws."""

    station: str
    """Station."""
    evse: int
    """EVSE."""
    width_s: int
    """Length of a stretch [s]; 1: every sample as it is."""
    points: tuple[CurvePoint, ...]
    """In time."""


def rows_of(event: StationEvent, now: int) -> list[SampleRow]:
    """The samples in an event, as rows; those whose time cannot be meant are left out."""
    match event:
        case MeterRead() | TransactionUpdated():
            return _rows(event.station, event.evse, event.samples, now)
        case TransactionStarted():
            return _rows(event.station, event.evse, (event.sample,), now)
        case TransactionEnded() if event.evse is not None:
            return _rows(event.station, event.evse, event.samples, now)
        case _:
            return []


def _rows(station: str, evse: int, samples: Iterable[Sample], now: int) -> list[SampleRow]:
    rows: list[SampleRow] = []
    for sample in samples:
        row = SampleRow(
            station,
            evse,
            sample.at,
            sample.register_wh,
            sample.power_w,
            sample.current_ma,
            sample.voltage_mv,
            sample.soc_permille,
        )
        if any(value is not None for value in row[3:]) and not far_off(sample.at, now):
            rows.append(row)
    return rows


def width(since: int, until: int, points: int = POINTS_MAX) -> int:
    """Length of a stretch [s] so that no more than `points` fill the time.

    >>> width(0, 28800), width(0, 100)
    (58, 1)
    """
    return max(1, -(-(until - since) // points))
