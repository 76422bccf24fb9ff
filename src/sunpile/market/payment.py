"""What a row pays or receives: matched Wh at the price, the rest at the grid's tariff. Exact, no rounding."""

from sunpile.basics.tariff import Tariff
from sunpile.basics.units import Nano


def buyer_due(tariff: Tariff, price: int, wh: int, matched: int, grid_bills: bool = False) -> Nano:
    """Money of a row that imported `wh` [Wh], `matched` of it at `price` [micro/kWh]: negative, it pays.

    With `grid_bills` (the retailer bills the zone itself) the grid's part moves no money here.
    """
    grid = 0 if grid_bills else (wh - matched) * tariff.retail
    return Nano(-(matched * (price + tariff.buy_fee) + grid))


def seller_due(tariff: Tariff, price: int, wh: int, matched: int, grid_bills: bool = False) -> Nano:
    """Money of a row that exported `wh` [Wh], `matched` of it at `price`: it receives."""
    grid = 0 if grid_bills else (wh - matched) * tariff.feed_in
    return Nano(matched * (price - tariff.sell_fee) + grid)


def grid_due(tariff: Tariff, wh: int, grid_bills: bool = False) -> Nano:
    """Money for `wh` [Wh, import positive] with the grid alone: what nobody may fall below."""
    if grid_bills:
        return Nano(0)
    return Nano(-wh * tariff.retail if wh > 0 else -wh * tariff.feed_in)
