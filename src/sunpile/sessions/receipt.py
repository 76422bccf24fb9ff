"""What a driver sees after a session: every kWh with its source, its price, and what the grid would have taken.

The pile bought its energy in the market; a session gets its part of the pile's fill of each interval pro rata, by
cumulative floors, so that roof + battery + grid is the session's Wh exactly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sunpile.basics.units import MicroPerKwh, Nano, Wh, money
from sunpile.sessions.cdr import Cdr


@dataclass(frozen=True, slots=True)
class SourceMix:
    """The fill of a pile's metering point in one interval."""

    roof: Wh
    """From roofs [Wh]."""
    battery: Wh
    """From batteries [Wh]."""
    grid: Wh
    """From the grid [Wh]."""
    retail: MicroPerKwh
    """What the grid took for a kWh in that interval [micro/kWh]."""


@dataclass(frozen=True, slots=True)
class Co2Factors:
    """Grams of CO2 in a kWh (milligrams in a Wh) by source."""

    roof: int = 41
    """Rooftop solar over its life [g/kWh]: IPCC AR5 WG3 annex III, median."""
    battery: int = 41
    """A battery charged by roofs [g/kWh]; its losses stand with its owner."""
    grid: int = 328
    """The grid's mean [g/kWh]; set it to that of the country."""


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """A session's energy in one interval."""

    interval: int
    """Interval index."""
    wh: Wh
    """Energy [Wh]."""
    roof: Wh
    """Of it from roofs [Wh]."""
    battery: Wh
    """Of it from batteries [Wh]."""
    grid: Wh
    """Of it from the grid [Wh]."""
    retail: MicroPerKwh
    """What the grid took [micro/kWh]."""
    settled: bool
    """False while the interval is not settled: no source is known yet, and no grid price."""


@dataclass(frozen=True, slots=True)
class SessionReceipt:
    """One receipt per session."""

    session: str
    """The session."""
    station: str
    """Charging station."""
    evse: int
    """EVSE number."""
    started_at: int
    """Start [Unix s]."""
    ended_at: int
    """End [Unix s]."""
    currency: str
    """ISO 4217."""
    lines: tuple[ReceiptLine, ...]
    """By interval."""
    wh: Wh
    """Energy [Wh]."""
    price: MicroPerKwh
    """Price [micro/kWh]."""
    nano: Nano
    """Cost [nano]."""
    saving: Nano
    """What the settled part would have cost at the grid's retail, less what it cost [nano]; may be negative."""
    co2_mg: int
    """CO2 of the settled part [mg]."""
    co2_grid_mg: int
    """CO2 of the same energy, had it come from the grid [mg]."""
    complete: bool
    """All its intervals are settled."""


def split(wh: int, mix: SourceMix) -> tuple[Wh, Wh, Wh]:
    """`wh` as (roof, battery, grid) in the proportion of `mix`, by cumulative floors: the sum is `wh`.

    >>> split(10, SourceMix(Wh(1), Wh(1), Wh(1), MicroPerKwh(0)))
    (3, 3, 4)
    """
    total = mix.roof + mix.battery + mix.grid
    if total == 0:
        return Wh(0), Wh(0), Wh(wh)
    roof = wh * mix.roof // total
    both = wh * (mix.roof + mix.battery) // total
    return Wh(roof), Wh(both - roof), Wh(wh - both)


def make_receipt(cdr: Cdr, mixes: Mapping[int, SourceMix | None], factors: Co2Factors) -> SessionReceipt:
    """The receipt of a closed record; `mixes` by interval index, None or absent while not settled."""
    lines = tuple(_line(period.interval, period.energy, mixes.get(period.interval)) for period in cdr.charging_periods)
    settled = [line for line in lines if line.settled]
    paid = cdr.total_cost if len(settled) == len(lines) else _cost(cdr, settled)
    return SessionReceipt(
        session=cdr.session_id,
        station=cdr.location_id,
        evse=cdr.evse_uid,
        started_at=cdr.start_date_time,
        ended_at=cdr.end_date_time,
        currency=cdr.currency,
        lines=lines,
        wh=cdr.total_energy,
        price=cdr.price,
        nano=cdr.total_cost,
        saving=Nano(sum(money(line.wh, line.retail) for line in settled) - paid),
        co2_mg=sum(_co2(line, factors) for line in settled),
        co2_grid_mg=sum(line.wh * factors.grid for line in settled),
        complete=len(settled) == len(lines),
    )


def _line(interval: int, wh: Wh, mix: SourceMix | None) -> ReceiptLine:
    if mix is None:
        return ReceiptLine(interval, wh, Wh(0), Wh(0), Wh(0), MicroPerKwh(0), settled=False)
    return ReceiptLine(interval, wh, *split(wh, mix), mix.retail, settled=True)


def _cost(cdr: Cdr, lines: Sequence[ReceiptLine]) -> int:
    return sum(money(line.wh, cdr.price) for line in lines) if cdr.total_cost else 0


def _co2(line: ReceiptLine, factors: Co2Factors) -> int:
    return line.roof * factors.roof + line.battery * factors.battery + line.grid * factors.grid
