"""Energy and money are integers; each unit has a type of its own.

Wh x micro-currency/kWh is nano-currency exactly, so the market needs no rounding rule.
"""

from typing import NewType

Wh = NewType("Wh", int)
"""Energy in watt-hours. Import (consumption) is positive, export negative, unless a name says otherwise."""

Watt = NewType("Watt", int)
"""Active power in watts, same sign as `Wh`."""

MicroPerKwh = NewType("MicroPerKwh", int)
"""A price: millionths of the currency unit per kWh."""

Nano = NewType("Nano", int)
"""An amount on the ledger: billionths of the currency unit. Positive is received."""

PerMille = NewType("PerMille", int)
"""A limit inside the band of an interval, 0 (low edge) to 1000 (high edge); `SIDE_OFF` = this side does not trade."""

SIDE_OFF = PerMille(1023)
"""On chain, ten bits of ones: this side of a standing order is off. Tables for people show -1."""

NANO_PER_UNIT = 1_000_000_000


def money(energy: int, price: int) -> Nano:
    """Money for `energy` [Wh] at `price` [micro/kWh], in nano-currency, exact.

    >>> money(Wh(1500), MicroPerKwh(200_000))
    300000000
    """
    return Nano(energy * price)
