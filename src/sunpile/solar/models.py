"""SunSpec models: which registers mean what. Layouts are read from pysunspec2's model definitions."""

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from sunpile.basics.units import Watt
from sunpile.solar.plant import Counter, Kind, Sample

MARKER = (0x5375, 0x6E53)
"""`SunS`, the first two registers of a map."""
END = 0xFFFF
"""Model id that ends the map."""
INVERTERS = (101, 102, 103, 111, 112, 113)
METERS = (201, 202, 203, 204, 211, 212, 213, 214)
BATTERY = 802
MOST = 125
"""Registers one Modbus request may ask for."""

_WANTED: Mapping[int, tuple[str, ...]] = {
    **dict.fromkeys(INVERTERS, ("W", "WH")),
    **dict.fromkeys(METERS, ("W", "TotWhExp", "TotWhImp")),
    BATTERY: ("SoC",),
}
_MISSING: Mapping[str, int] = {"int16": 0x8000, "uint16": 0xFFFF, "sunssf": 0x8000, "enum16": 0xFFFF}


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a model."""

    offset: int
    """Registers from the model's id."""
    kind: str
    """SunSpec type."""
    size: int
    """Registers."""
    scale: str | int | None
    """Name of its scale factor, or a fixed one."""


@cache
def layout(model: int) -> Mapping[str, Point]:
    """Fixed points of a model by name."""
    text = (files("sunspec2") / "models" / "json" / f"model_{model}.json").read_text(encoding="utf-8")
    points: dict[str, Point] = {}
    offset = 0
    definition: dict[str, Any] = json.loads(text)
    for point in definition["group"]["points"]:
        points[point["name"]] = Point(offset, point["type"], int(point["size"]), point.get("sf"))
        offset += int(point["size"])
    return points


@dataclass(frozen=True, slots=True)
class Block:
    """A model in a device's map."""

    model: int
    address: int
    """Address of its id."""
    length: int
    """Registers after id and length."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask a device for."""

    blocks: tuple[Block, ...]
    """Models that hold what is wanted."""
    requests: tuple[tuple[int, int], ...]
    """(address, registers), as few as can be."""


def plan(kind: Kind, blocks: Sequence[Block]) -> Plan | None:
    """How to read a device of `kind` with the models it has; None if it lacks what is needed."""
    wanted: list[Block] = []
    inverter = next((block for block in blocks if block.model in INVERTERS), None)
    meter = next((block for block in blocks if block.model in METERS), None)
    main = inverter if kind == "inverter" else meter
    if main is None:
        return None
    wanted.append(main)
    if kind == "battery":
        wanted += [block for block in blocks if block.model == BATTERY][:1]
    return Plan(tuple(wanted), _requests(sorted(_spans(wanted))))


def _spans(blocks: Sequence[Block]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for block in blocks:
        points = layout(block.model)
        for name in _WANTED[block.model]:
            point = points[name]
            factor = [points[point.scale]] if isinstance(point.scale, str) else []
            spans += [(block.address + p.offset, block.address + p.offset + p.size) for p in (point, *factor)]
    return spans


def _requests(spans: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    requests: list[tuple[int, int]] = []
    for begin, end in spans:
        if requests and end - requests[-1][0] <= MOST:
            first, last = requests[-1]
            requests[-1] = first, max(last, end)
        else:
            requests.append((begin, end))
    return tuple((begin, end - begin) for begin, end in requests)


def decode(kind: Kind, plan: Plan, registers: Mapping[int, int], at: int) -> Sample | None:
    """The sample in `registers` (by address); None if the device does not give its energy."""
    main, nothing = plan.blocks[0], Counter(0, 0, 1 << 32)
    power = _number(main, "W", registers)
    soc = None
    for block in plan.blocks[1:]:
        share = _number(block, "SoC", registers)
        soc = None if share is None else round(share * 10)
    watts = Watt(0 if power is None else round(power))
    if kind == "inverter":
        made = _counter(main, "WH", registers)
        return Sample(at, nothing, made, watts) if made else None
    imported, exported = _counter(main, "TotWhImp", registers), _counter(main, "TotWhExp", registers)
    if imported is None or exported is None:
        return None
    return Sample(at, imported, exported, watts, soc)


def _raw(block: Block, point: Point, registers: Mapping[int, int]) -> int:
    words = [registers[block.address + point.offset + i] for i in range(point.size)]
    return int.from_bytes(b"".join(word.to_bytes(2, "big") for word in words), "big")


def _exponent(block: Block, point: Point, registers: Mapping[int, int]) -> int | None:
    if not isinstance(point.scale, str):
        return point.scale or 0
    raw = _raw(block, layout(block.model)[point.scale], registers)
    exponent = raw - 0x10000 if raw & 0x8000 else raw
    return exponent if -10 <= exponent <= 10 else None


def _number(block: Block, name: str, registers: Mapping[int, int]) -> float | None:
    """A scaled value; None where the device has none."""
    point = layout(block.model)[name]
    raw = _raw(block, point, registers)
    if point.kind == "float32":
        value: float = struct.unpack(">f", raw.to_bytes(4, "big"))[0]
        return value if math.isfinite(value) else None
    exponent = _exponent(block, point, registers)
    if raw == _MISSING.get(point.kind) or exponent is None:
        return None
    return (raw - 0x10000 if point.kind == "int16" and raw & 0x8000 else raw) * 10.0**exponent


def _counter(block: Block, name: str, registers: Mapping[int, int]) -> Counter | None:
    """An accumulated energy. SunSpec says zero for one that is not there; a new meter's zero reads the same."""
    point = layout(block.model)[name]
    raw = _raw(block, point, registers)
    if point.kind == "float32":
        value = _number(block, name, registers)
        return None if value is None or value < 0 else Counter(int(value), 0, 1 << 62)
    exponent = _exponent(block, point, registers)
    return None if exponent is None else Counter(raw, exponent, 1 << (16 * point.size))
