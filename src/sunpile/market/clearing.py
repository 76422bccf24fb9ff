"""What a clearing is, by definition: slow, plain, the reference every other form is tested against."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sunpile.market.book import Book
from sunpile.market.netting import cumulative_shares
from sunpile.market.order import NOT_LIVE_BUYER, NOT_LIVE_SELLER

if TYPE_CHECKING:
    from sunpile.market.book import Integers


class Row(NamedTuple):
    """One row of the book, priced."""

    rank: int
    """Best first: falling per mille for buyers, rising for sellers."""
    point: int
    limit: int
    """Limit price [micro/kWh]."""
    wh: int
    """Metered energy [Wh]."""


@dataclass(frozen=True, slots=True, eq=False)
class Clearing:
    """One uniform price and who trades how much at it."""

    price: int
    """Price of every matched kWh [micro/kWh]; 0 where the tariff leaves no band."""
    volume: int
    """Matched energy [Wh]."""
    lowest: int
    """Lowest price at which this is a competitive equilibrium [micro/kWh]."""
    highest: int
    """Highest such price [micro/kWh]; `price` is the middle, rounded down."""
    buy_above: int
    """Energy of live buyers whose limit is above the price [Wh]: served whole."""
    buy_at: int
    """Energy of live buyers whose limit is the price [Wh]: the marginal group."""
    sell_below: int
    """Energy of live sellers whose limit is below the price [Wh]: sold whole."""
    sell_at: int
    """Energy of live sellers whose limit is the price [Wh]."""
    buyer_fills: "Integers"
    """Matched energy of each buyer's row [Wh], in the book's order; the rest comes from the grid."""
    seller_fills: "Integers"
    """Matched energy of each seller's row [Wh], in the book's order; the rest goes to the grid."""

    def same_as(self, other: "Clearing") -> bool:
        """True if every number is equal."""
        return (
            self.totals() == other.totals()
            and np.array_equal(self.buyer_fills, other.buyer_fills)
            and np.array_equal(self.seller_fills, other.seller_fills)
        )

    def totals(self) -> tuple[int, ...]:
        """Everything but the fills."""
        group = (self.buy_above, self.buy_at, self.sell_below, self.sell_at)
        return (self.price, self.volume, self.lowest, self.highest, *group)


def no_trade(book: Book) -> Clearing:
    """The clearing where retail less fee lies below feed-in plus fee: every row is a grid leg."""
    nothing = (np.zeros(len(side), dtype=np.int64) for side in (book.buyers, book.sellers))
    return Clearing(0, 0, 0, 0, 0, 0, 0, 0, *nothing)


def clear_by_definition(book: Book) -> Clearing:
    """Clear `book` by looking at every price that could matter.

    A price p of the band is an equilibrium if nobody strictly better is left out: demand above p <= supply up to p,
    and supply below p <= demand from p up. Those prices form one closed interval whose ends are limits of live rows
    or edges of the band; the price is its middle, rounded down.
    """
    tariff = book.tariff
    if not tariff.has_band:
        return no_trade(book)
    buyers = [Row(-limit, point, tariff.limit_price(limit), wh) for point, limit, wh in book.buyers.rows()]
    sellers = [Row(limit, point, tariff.limit_price(limit), wh) for point, limit, wh in book.sellers.rows()]
    demand = [row for row in buyers if row.rank != -NOT_LIVE_BUYER]
    supply = [row for row in sellers if row.rank != NOT_LIVE_SELLER]

    def groups(price: int) -> tuple[int, int, int, int]:
        return (
            sum(row.wh for row in demand if row.limit > price),
            sum(row.wh for row in demand if row.limit == price),
            sum(row.wh for row in supply if row.limit < price),
            sum(row.wh for row in supply if row.limit == price),
        )

    def equilibrium(price: int) -> bool:
        above, bids_at, below, offers_at = groups(price)
        return above <= below + offers_at and below <= above + bids_at

    candidates = {tariff.low, tariff.high, *(row.limit for row in demand), *(row.limit for row in supply)}
    prices = [price for price in candidates if equilibrium(price)]
    price = (min(prices) + max(prices)) // 2
    above, bids_at, below, offers_at = groups(price)
    volume = min(above + bids_at, below + offers_at)
    bought = _fills(
        buyers,
        whole={row.point for row in demand if row.limit > price},
        marginal=[row for row in demand if row.limit == price],
        left=volume - above,
    )
    sold = _fills(
        sellers,
        whole={row.point for row in supply if row.limit < price},
        marginal=[row for row in supply if row.limit == price],
        left=volume - below,
    )
    return Clearing(price, volume, min(prices), max(prices), above, bids_at, below, offers_at, bought, sold)


def _fills(rows: list[Row], whole: set[int], marginal: list[Row], left: int) -> "Integers":
    """Fills in the order of `rows`; the marginal group, best limit then lowest point first, shares what is `left`."""
    queue = sorted(marginal, key=lambda row: (row.rank, row.point))
    shares = cumulative_shares(left, [row.wh for row in queue]) if queue else []
    shared = {row.point: share for row, share in zip(queue, shares, strict=True)}
    fills = [row.wh if row.point in whole else shared.get(row.point, 0) for row in rows]
    return np.array(fills, dtype=np.int64)
