"""Sampled values of either version, gathered into one `Sample` per time and context.

A total (no phase) wins over per-phase values, which are added up for energy and power; of currents and voltages the
highest counts. Only the outlet's values are the EVSE's own; a state of charge may come from the car.
"""

from collections.abc import Callable, Iterable

from sunpile.basics.units import Watt, Wh
from sunpile.chargers.events import Sample
from sunpile.chargers.values import scaled, scaled_number

Row = tuple[str, str | float, str | None, int, str | None, str, str]
"""measurand, value, unit (None = the measurand's own), power of ten of the value, phase, location, context."""

REGISTER = "Energy.Active.Import.Register"
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
_PHASES = {measurand: f"phases of {measurand}" for measurand in _UNITS}
_HIGHEST = ("Current.Import", "Voltage")


def gather(at: int, rows: Iterable[Row], signed: str | None, held: str | None, any_place: bool = False) -> list[Sample]:
    """The samples in `rows`, all taken `at` [Unix s]; `any_place` for the station's own meter (EVSE 0).

    Raises
    ------
    ValueError
        if a value is no plain decimal, out of range, or in a unit its measurand does not have.
    """
    by_context: dict[str, dict[str, int]] = {}
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
        # Phases are kept under a name of their own, so that a total is never mixed with them.
        name = _PHASES[measurand]
        before = gathered.get(name)
        if before is None:
            gathered[name] = number
        else:
            gathered[name] = max(number, before) if measurand in _HIGHEST else number + before
    if signed is not None and not by_context:
        by_context[DEFAULT_CONTEXT] = {}
    return [_sample(at, context, gathered.get, signed, held) for context, gathered in by_context.items()]


def _sample(at: int, context: str, found: Callable[..., int | None], signed: str | None, held: str | None) -> Sample:
    register = found(REGISTER, found("phases of Energy.Active.Import.Register"))
    power = found("Power.Active.Import", found("phases of Power.Active.Import"))
    exported = found("Power.Active.Export", found("phases of Power.Active.Export"))
    state_of_charge = found("SoC", found("phases of SoC"))
    if exported and not power:
        power = -exported
    return Sample(
        at=at,
        register_wh=None if register is None else Wh(register),
        power_w=None if power is None else Watt(power),
        current_ma=found("Current.Import", found("phases of Current.Import")),
        voltage_mv=found("Voltage", found("phases of Voltage")),
        soc_permille=state_of_charge if state_of_charge is not None and 0 <= state_of_charge <= 1000 else None,
        context=context,
        signed=signed,
        held=held,
    )
