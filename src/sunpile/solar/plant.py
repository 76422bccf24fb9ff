"""Registers of meters, inverters and batteries, and when to believe them. Pure: samples in, records out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sunpile.basics.ids import PointId
from sunpile.basics.interval import Interval
from sunpile.basics.units import Watt, Wh

Kind = Literal["inverter", "meter", "battery"]
SLACK_WH = 25
"""Energy a register may rise beyond the device's power, for late answers and coarse registers [Wh]."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device that is polled."""

    device: str
    """Id in the store."""
    point: PointId
    """Metering point it belongs to."""
    kind: Kind
    """What its registers mean: a meter's net at the grid, an inverter's own output, a battery's both ways."""
    host: str
    """Name or IP address."""
    port: int
    """TCP port."""
    unit: int
    """Modbus unit id."""
    max_w: Watt
    """Largest power it can have [W]; more is not believed."""


@dataclass(frozen=True, slots=True)
class Counter:
    """An energy register as the device shows it."""

    count: int
    """Its number."""
    exponent: int
    """One count is 10^exponent Wh."""
    modulus: int
    """It begins again from zero here."""

    def wh(self, turns: int = 0) -> int:
        """Energy after `turns` rollovers, whole Wh rounded down."""
        total = self.count + turns * self.modulus
        return total * 10**self.exponent if self.exponent >= 0 else total // 10**-self.exponent

    def since(self, earlier_wh: int) -> int:
        """Energy of the fewest rollovers that make it at least `earlier_wh` [Wh]."""
        if self.wh() >= earlier_wh:
            return self.wh()
        turn_wh = self.wh(1) - self.wh()
        turns = (earlier_wh - self.wh()) // turn_wh
        return self.wh(turns) if self.wh(turns) >= earlier_wh else self.wh(turns + 1)


@dataclass(frozen=True, slots=True)
class Sample:
    """What one poll brought."""

    at: int
    """Time it stands for [Unix s]."""
    imported: Counter
    """Energy in."""
    exported: Counter
    """Energy out."""
    w: Watt
    """Power now; import positive, for an inverter its output [W]."""
    soc_permille: int | None = None
    """State of charge of a battery [1/1000]."""


@dataclass(frozen=True, slots=True)
class RegisterRecord:
    """A sample as it is kept: registers without rollovers inside an epoch."""

    device: str
    at: int
    """Time it stands for [Unix s]."""
    import_wh: Wh
    """Energy in since the epoch's zero [Wh]."""
    export_wh: Wh
    """Energy out since the epoch's zero [Wh]."""
    w: Watt
    """Power [W]."""
    soc_permille: int | None = None
    """State of charge [1/1000]."""
    epoch: int = 0
    """Rises when the device's registers start anew."""
    held: str | None = None
    """Why it is not billed; None = trusted."""


def follow(
    device: Device, trusted: RegisterRecord | None, doubted: RegisterRecord | None, sample: Sample
) -> RegisterRecord:
    """The record of `sample`, after the last `trusted` one and a later `doubted` one, if there is any.

    A register that falls, or rises faster than the device's power allows, is held. If the next sample goes on from
    the held one, the device has started anew (reset, replaced): a new epoch, and the interval between stays open.
    """
    if trusted is None:
        return _record(device, sample, sample.imported.wh(), sample.exported.wh(), 0, None)
    registers = _plausible(device, trusted, sample)
    if registers is not None:
        return _record(device, sample, *registers, trusted.epoch, None)
    if doubted is not None and doubted.at > trusted.at:
        registers = _plausible(device, doubted, sample)
        if registers is not None:
            return _record(device, sample, *registers, trusted.epoch + 1, None)
    fell = sample.imported.wh() < trusted.import_wh or sample.exported.wh() < trusted.export_wh
    reason = "the register fell" if fell else "more energy than the device's power allows"
    return _record(device, sample, sample.imported.wh(), sample.exported.wh(), trusted.epoch, reason)


def _record(
    device: Device, sample: Sample, imported: int, exported: int, epoch: int, held: str | None
) -> RegisterRecord:
    return RegisterRecord(
        device.device, sample.at, Wh(imported), Wh(exported), sample.w, sample.soc_permille, epoch, held
    )


def _plausible(device: Device, before: RegisterRecord, sample: Sample) -> tuple[int, int] | None:
    imported, exported = sample.imported.since(before.import_wh), sample.exported.since(before.export_wh)
    coarse = max(10 ** max(0, counter.exponent) for counter in (sample.imported, sample.exported))
    most = device.max_w * 11 * max(0, sample.at - before.at) // 36_000 + SLACK_WH + coarse
    if imported - before.import_wh <= most and exported - before.export_wh <= most:
        return imported, exported
    return None


@dataclass(frozen=True, slots=True)
class IntervalEnergy:
    """What a device metered in one interval."""

    import_wh: Wh
    """Energy in [Wh]."""
    export_wh: Wh
    """Energy out [Wh]."""
    exact: bool
    """True: registers of the interval's very edges. False: interpolated, good for the late rule only."""

    @property
    def net_wh(self) -> Wh:
        """Import less export [Wh]."""
        return Wh(self.import_wh - self.export_wh)


def interval_energy(records: Sequence[RegisterRecord], interval: Interval) -> IntervalEnergy | None:
    """Energy of one device in `interval` from its records by time; None while it cannot be said.

    Interpolated edges are floors of the cumulative registers, so neighbouring intervals add up exactly.
    """
    good = [record for record in records if record.held is None]
    begin, end = _at_edge(good, interval.start), _at_edge(good, interval.end)
    if begin is None or end is None or begin[2] != end[2]:
        return None
    exact = begin[3] and end[3]
    return IntervalEnergy(Wh(end[0] - begin[0]), Wh(end[1] - begin[1]), exact)


Edge = tuple[int, int, int, bool]
"""Import and export register [Wh], epoch, and whether they were read at that very time."""


def _at_edge(records: Sequence[RegisterRecord], when: int) -> Edge | None:
    before = max((r for r in records if r.at <= when), key=lambda r: r.at, default=None)
    after = min((r for r in records if r.at >= when), key=lambda r: r.at, default=None)
    if before is None or after is None or before.epoch != after.epoch:
        return None
    if before.at == after.at:
        return before.import_wh, before.export_wh, before.epoch, True
    span, part = after.at - before.at, when - before.at
    imported = before.import_wh + (after.import_wh - before.import_wh) * part // span
    exported = before.export_wh + (after.export_wh - before.export_wh) * part // span
    return imported, exported, before.epoch, False
