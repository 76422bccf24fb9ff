"""SunSpec register maps as devices show them, written from the SunSpec model tables (1, 103, 203, 802)."""

from collections.abc import Iterable
from dataclasses import dataclass

BASE = 40_000
"""Address of the marker `SunS`."""
NOT_INT16 = 0x8000
NOT_UINT16 = 0xFFFF
WRAP = 1 << 32
"""An acc32 register begins again here."""

_COMMON_LENGTH, _INVERTER_LENGTH, _METER_LENGTH, _BATTERY_LENGTH = 66, 50, 105, 62
_INVERTER_STATUS_MPPT = 4
_BATTERY_LITHIUM = 4


@dataclass(frozen=True, slots=True)
class Shape:
    """Which models a device has, and with which scale factors."""

    manufacturer: str
    model: str
    serial: str
    inverter: bool
    battery: bool
    battery_wh: int = 0
    """Rated energy of the battery [Wh]."""
    battery_w: int = 0
    """Rated power of the battery [W]."""
    power_sf: int = 0
    """Powers are shown in units of 10^sf W."""
    energy_sf: int = 0
    """Energies are shown in units of 10^sf Wh."""


@dataclass(frozen=True, slots=True)
class Values:
    """What a device measures now."""

    import_ws: int
    """Import register of the meter [Ws]."""
    export_ws: int
    """Export register of the meter [Ws]."""
    meter_w: int
    """Net power at the meter, import positive [W]."""
    inverter_w: int = 0
    """AC power of the inverter [W]."""
    inverter_ws: int = 0
    """Lifetime AC energy of the inverter [Ws]."""
    soc_permille: int = 0
    """State of charge [1/1000]."""


def _text(text: str, registers: int) -> list[int]:
    raw = text.encode().ljust(registers * 2, b"\0")
    return [int.from_bytes(raw[i : i + 2], "big") for i in range(0, registers * 2, 2)]


def _int16(value: int) -> int:
    return value & 0xFFFF


def _scaled(value: int, sf: int) -> int:
    return _int16(value // 10**sf if sf >= 0 else value * 10**-sf)


def _acc32(watt_seconds: int, sf: int) -> tuple[int, int]:
    units = watt_seconds // (3600 * 10**sf) if sf >= 0 else watt_seconds * 10**-sf // 3600
    return divmod(units % WRAP, 1 << 16)


def _model(number: int, length: int, fill: int, values: Iterable[tuple[int, int]]) -> list[int]:
    """A model's registers; offsets count from its id, as in the model tables."""
    registers = [number, length, *([fill] * length)]
    for offset, value in values:
        registers[offset] = value
    return registers


def _common(shape: Shape) -> list[int]:
    texts = (
        _text(shape.manufacturer, 16)
        + _text(shape.model, 16)
        + _text("", 8)
        + _text("1.0", 8)
        + _text(shape.serial, 16)
    )
    return [1, _COMMON_LENGTH, *texts, 1, NOT_INT16]


def _inverter(shape: Shape, now: Values) -> list[int]:
    high, low = _acc32(now.inverter_ws, shape.energy_sf)
    watts, sf, energy_sf = _scaled(now.inverter_w, shape.power_sf), _int16(shape.power_sf), _int16(shape.energy_sf)
    values = [(14, watts), (15, sf), (16, 5000), (17, _int16(-2)), (24, high), (25, low), (26, energy_sf)]
    return _model(103, _INVERTER_LENGTH, NOT_UINT16, [*values, (38, _INVERTER_STATUS_MPPT)])


def _battery(shape: Shape, now: Values) -> list[int]:
    values = [
        (3, shape.battery_wh // 10),
        (4, shape.battery_w // 10),
        (5, shape.battery_w // 10),
        (11, now.soc_permille),
        (21, _BATTERY_LITHIUM),
        (47, _int16(-now.meter_w // 10)),
        (53, 1),
        (54, 1),
        (56, _int16(-1)),
        (63, 1),
    ]
    return _model(802, _BATTERY_LENGTH, NOT_UINT16, values)


def _meter(shape: Shape, now: Values) -> list[int]:
    imported, exported = _acc32(now.import_ws, shape.energy_sf), _acc32(now.export_ws, shape.energy_sf)
    values = [
        (18, _scaled(now.meter_w, shape.power_sf)),
        (22, _int16(shape.power_sf)),
        (38, exported[0]),
        (39, exported[1]),
        (46, imported[0]),
        (47, imported[1]),
        (54, _int16(shape.energy_sf)),
    ]
    registers = _model(203, _METER_LENGTH, NOT_INT16, values)
    # Accumulators a device does not have are zero, not 0x8000.
    for offset in (*range(40, 46), *range(48, 54), *range(55, 71), *range(72, 104), 105, 106):
        registers[offset] = 0
    return registers


def image(shape: Shape, now: Values) -> list[int]:
    """All registers of a device from `BASE` on."""
    registers = [0x5375, 0x6E53, *_common(shape)]
    if shape.inverter:
        registers += _inverter(shape, now)
    if shape.battery:
        registers += _battery(shape, now)
    return [*registers, *_meter(shape, now), 0xFFFF, 0]
