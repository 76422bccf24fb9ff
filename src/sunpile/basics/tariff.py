"""The grid's tariff of one interval, as published on chain before the interval."""

from dataclasses import dataclass

from sunpile.basics.units import MicroPerKwh


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices of one tree of zones in one interval, micro-currency per kWh."""

    retail: MicroPerKwh
    """What the grid takes for a kWh."""
    feed_in: MicroPerKwh
    """What the grid pays for a kWh; 0 <= feed_in <= retail."""
    buy_fee: MicroPerKwh
    """Paid by the buyer on each matched kWh."""
    sell_fee: MicroPerKwh
    """Paid by the seller on each matched kWh."""

    @property
    def low(self) -> int:
        """Low edge of the band: below it a seller is better off with the grid."""
        return self.feed_in + self.sell_fee

    @property
    def high(self) -> int:
        """High edge of the band: above it a buyer is better off with the grid."""
        return self.retail - self.buy_fee

    @property
    def has_band(self) -> bool:
        """False where low > high: nothing is matched."""
        return self.low <= self.high

    def limit_price(self, per_mille: int) -> int:
        """Price of a limit [micro/kWh], rounded down: low edge + band x per mille / 1000."""
        return self.low + (self.high - self.low) * per_mille // 1000
