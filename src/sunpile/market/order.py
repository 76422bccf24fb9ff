"""A standing order: what a metering point is willing to pay and take, in per mille of each interval's band."""

from dataclasses import dataclass

from sunpile.basics.units import SIDE_OFF, PerMille, Wh

NOT_LIVE_BUYER = -1
"""Effective per mille of a buyer's row that does not trade: after every live row."""
NOT_LIVE_SELLER = 1001
"""Effective per mille of a seller's row that does not trade: after every live row."""
FOR_EVER = 2**32 - 1
"""`until` of an order without an end."""
WH_LIMIT = 2**24
"""Caps and largest Wh have 24 bits on chain."""


@dataclass(frozen=True, slots=True)
class StandingOrder:
    """The order of one point that is in force in one interval."""

    buy: PerMille
    """Highest price for a kWh, 0 (low edge of the band) to 1000 (high edge), or `SIDE_OFF`."""
    sell: PerMille
    """Lowest price for a kWh, same scale."""
    max_wh: Wh
    """Largest energy of one interval that it covers [Wh]; a larger row is a grid leg whole."""
    until: int
    """Last interval index in which it is live."""

    def live(self, interval: int) -> bool:
        """An order is live up to `until`; that is stored, never computed from a balance."""
        return interval <= self.until

    def buyer_per_mille(self, wh: int, interval: int) -> int:
        """Effective per mille of a row that imported `wh` [Wh] in `interval`; `NOT_LIVE_BUYER` = all grid."""
        trades = self.live(interval) and self.buy != SIDE_OFF and wh <= self.max_wh
        return self.buy if trades else NOT_LIVE_BUYER

    def seller_per_mille(self, wh: int, interval: int) -> int:
        """Effective per mille of a row that exported `wh` [Wh] in `interval`; `NOT_LIVE_SELLER` = all grid."""
        trades = self.live(interval) and self.sell != SIDE_OFF and wh <= self.max_wh
        return self.sell if trades else NOT_LIVE_SELLER


def default_order(cap: Wh) -> StandingOrder:
    """The order of a point that never placed one: sells at the middle, buys nothing before it has money."""
    return StandingOrder(SIDE_OFF, PerMille(500), cap, FOR_EVER)


def order_of_word(word: int, interval: int) -> tuple[StandingOrder, Wh]:
    """The order in force in `interval` and the certified cap, from a word of `EnergyMarket.ordersAt`.

    The word says only whether the order is in force, so its end stands for that one interval.
    """
    in_force = word >> 68 & 1 == 1
    buy, sell = PerMille(word >> 58 & 1023), PerMille(word >> 48 & 1023)
    order = StandingOrder(buy, sell, Wh(word >> 24 & WH_LIMIT - 1), interval if in_force else interval - 1)
    return order, Wh(word & WH_LIMIT - 1)
