"""Sampled values of either version, gathered into one `Sample` per time and context.

A total (no phase) wins over per-phase values, which are added up for energy and power; of currents and voltages the
highest counts. Only the outlet's values are the EVSE's own; a state of charge may come from the car. Signed data goes
with the values of its own context.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sunpile.chargers.events import Sample
from sunpile.chargers.values import scaled, scaled_number

Row = tuple[str, str | float, str | None, int, str | None, str, str]
"""measurand, value, unit (None = the measurand's own), power of ten of the value, phase, location, context."""

REGISTER = "Energy.Active.Import.Register"
Signed = tuple[str, str | None, str | None]
"""Signed data, its encoding, its public key."""
DEFAULT_CONTEXT = "Sample.Periodic"
REGISTER_MAX = 2**53

_UNITS: dict[str, dict[str | None, int]] = {
    REGISTER: {None: 0, "Wh": 0, "kWh": 3},
    "Power.Active.Import": {None: 0, "W": 0, "kW": 3},
    "Power.Active.Export": {None: 0, "W": 0, "kW": 3},
    "Current.Import": {None: 3, "A": 3},
    "Voltage": {None: 3, "V": 3},
    "SoC": {None: 1, "Percent": 1},
}
"""Measurands that are used: unit to the power of ten that makes Wh, W, mA, mV or per mille of it."""
_UNUSED: dict[str | None, int] = {}
"""Every other measurand: its number must be one, and is not kept."""
_HIGHEST = ("Current.Import", "Voltage")
_UNSIGNED = (None, None, None)


def gather(
    at: int, rows: Iterable[Row], signed: Mapping[str, Signed] | None, held: str | None, any_place: bool = False
) -> list[Sample]:
    """The samples in `rows`, all taken `at` [Unix s]; `any_place` for the station's own meter (EVSE 0).

    `signed` holds signed data by its reading context.

    Raises
    ------
    ValueError
        if a value is no plain decimal, out of range, or in a unit its measurand does not have.
    """
    by_context: dict[str, dict[str, int]] = {}
    by_phase: dict[str, dict[str, int]] = {}
    for measurand, value, unit, power, phase, location, context in rows:
        units = _UNITS.get(measurand, _UNUSED)
        own = 0 if units is _UNUSED else units.get(unit)
        if own is None:
            raise ValueError(f"{measurand} has no such unit")
        shift = power + own
        if not -36 <= shift <= 12:
            raise ValueError("multiplier is out of range")
        number = scaled(value, shift) if isinstance(value, str) else scaled_number(value, shift)
        if units is _UNUSED or not (location == "Outlet" or measurand == "SoC" or any_place):
            continue
        if not -REGISTER_MAX < number < REGISTER_MAX:
            raise ValueError(f"{measurand} is out of range")
        gathered = by_context.get(context)
        if gathered is None:
            gathered = by_context[context] = {}
        if phase is None:
            gathered[measurand] = number
            continue
        # Phases are kept apart, so that a total is never mixed with them.
        lines = by_phase.get(context)
        if lines is None:
            lines = by_phase[context] = {}
        before = lines.get(measurand)
        if before is None:
            lines[measurand] = number
        elif measurand in _HIGHEST:
            if number > before:
                lines[measurand] = number
        else:
            lines[measurand] = number + before
    for context, lines in by_phase.items():
        by_context[context] = lines | by_context[context]
    if signed:
        for context in signed:
            by_context.setdefault(context, {})
        return [_sample(at, context, found.get, held, signed.get(context)) for context, found in by_context.items()]
    return [_sample(at, context, found.get, held, None) for context, found in by_context.items()]


def _sample(at: int, context: str, found: Callable[[str], Any], held: str | None, signed: Signed | None) -> Sample:
    power, exported, state_of_charge = found("Power.Active.Import"), found("Power.Active.Export"), found("SoC")
    if exported and not power:
        power = -exported
    if state_of_charge is not None and not 0 <= state_of_charge <= 1000:
        state_of_charge = None
    data, encoding, key = signed or _UNSIGNED
    # In the order of its fields: this runs for every meter value.
    return Sample(
        at,
        found(REGISTER),
        power,
        found("Current.Import"),
        found("Voltage"),
        state_of_charge,
        context,
        data,
        held,
        encoding,
        key,
    )
