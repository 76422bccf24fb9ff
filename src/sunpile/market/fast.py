"""The same clearing by counting: energy per per-mille step instead of sorted rows, exact integers throughout.

A book has at most 1001 different limits, so one pass of counting replaces the sort; only the marginal group is
ordered. Sums are counted in float64, exact below 2^53 Wh; a book above that (no grid has one) goes to the reference.
"""

from typing import TYPE_CHECKING

import numpy as np

from sunpile.basics.tariff import Tariff
from sunpile.market.book import Book, Side
from sunpile.market.clearing import Clearing, clear_by_definition, no_trade
from sunpile.market.netting import cumulative_shares

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sunpile.market.book import Integers

STEPS = 1001
"""Limits 0 to 1000 per mille."""
EXACT = 2**53
"""float64 counts whole Wh exactly below this."""
ONE_OFF = 2**51
"""Below this a float64 quotient of two products misses the exact floor by one at most."""


def clear_fast(book: Book) -> Clearing:
    """Clear `book`; equal to `clear_by_definition(book)`, number for number."""
    if not book.tariff.has_band:
        return no_trade(book)
    if not (_countable(book.buyers) and _countable(book.sellers)):
        return clear_by_definition(book)
    prices = _step_prices(book.tariff)
    bids = _count(book.buyers)
    offers = _count(book.sellers)
    lowest, highest = _equilibrium(prices, bids, offers)
    price = (lowest + highest) // 2
    # Steps first..last-1 are the marginal group: several where the band is narrower than 1000 micro per kWh.
    first, last = int(np.searchsorted(prices, price, "left")), int(np.searchsorted(prices, price, "right"))
    above, bids_at = int(bids[last:].sum()), int(bids[first:last].sum())
    below, offers_at = int(offers[:first].sum()), int(offers[first:last].sum())
    volume = min(above + bids_at, below + offers_at)
    buyers, sellers = book.buyers, book.sellers
    bought = np.where(buyers.limits >= last, buyers.wh, 0)
    sold = np.where(sellers.limits < first, sellers.wh, 0)
    _share(bought, buyers, -buyers.limits, (buyers.limits >= first) & (buyers.limits < last), volume - above)
    _share(sold, sellers, sellers.limits, (sellers.limits >= first) & (sellers.limits < last), volume - below)
    return Clearing(price, volume, lowest, highest, above, bids_at, below, offers_at, bought, sold)


def _countable(side: Side) -> bool:
    return len(side) == 0 or int(side.wh.max()) * len(side) < EXACT


def _step_prices(tariff: Tariff) -> "Integers":
    """Limit price of every per mille; the band times 1000 fits 63 bits for every tariff of 48 bits."""
    return tariff.low + (tariff.high - tariff.low) * np.arange(STEPS, dtype=np.int64) // 1000


def _count(side: Side) -> "Integers":
    """Live energy at each per mille [Wh]. Rows that do not trade land in a step of their own, which is cut off."""
    counted = np.bincount(side.limits + 1, weights=side.wh, minlength=STEPS + 2)
    return counted[1 : STEPS + 1].astype(np.int64)


def _equilibrium(prices: "Integers", bids: "Integers", offers: "Integers") -> tuple[int, int]:
    """Lowest and highest equilibrium price: step prices, because the edges of the band are steps 0 and 1000."""
    left = np.searchsorted(prices, prices, "left")
    right = np.searchsorted(prices, prices, "right")
    bids_below = np.concatenate(([0], np.cumsum(bids)))
    offers_below = np.concatenate(([0], np.cumsum(offers)))
    above = bids_below[-1] - bids_below[right]
    demand = bids_below[-1] - bids_below[left]
    low_enough = np.flatnonzero(above <= offers_below[right])
    high_enough = np.flatnonzero(offers_below[left] <= demand)
    return int(prices[low_enough[0]]), int(prices[high_enough[-1]])


def _share(fills: "Integers", side: Side, rank: "Integers", marginal: "NDArray[np.bool_]", left: int) -> None:
    """Write into `fills` what the marginal group gets of `left` [Wh], by cumulative floors in row order."""
    rows = np.flatnonzero(marginal)
    if not len(rows):
        return
    wh = side.wh[rows]
    if int(wh.sum()) == left:
        fills[rows] = wh
        return
    if left == 0:
        return
    rows = _in_row_order(rows, rank[rows], side.points[rows])
    fills[rows] = _exact_shares(left, side.wh[rows])


def _in_row_order(rows: "Integers", rank: "Integers", points: "Integers") -> "Integers":
    """`rows` by rank, then point; free of charge when they stand so already, as a batch's rows do."""
    if points.min() < 0 or points.max() >= 2**32:
        return rows[np.lexsort((points, rank))]
    key = (rank << 32) + points
    if (key[1:] > key[:-1]).all():
        return rows
    return rows[np.argsort(key)]


def _exact_shares(left: int, wh: "Integers") -> "Integers":
    """`cumulative_shares(left, wh)` in arrays: a float64 estimate, made exact by its remainder modulo 2^64.

    The estimate is one off at most, so the true remainder lies in [-C, 2C), far inside 64 signed bits, and the
    wrapped products differ from it by a multiple of 2^64 only.
    """
    running = np.cumsum(wh)
    whole = int(running[-1])
    if whole >= ONE_OFF:
        return np.array(cumulative_shares(left, wh.tolist()), dtype=np.int64)
    if left * whole < 2**63:
        reached = left * running // whole
    else:
        reached = (running * float(left) / float(whole)).astype(np.int64)
        products = running.view(np.uint64) * np.uint64(left) - reached.view(np.uint64) * np.uint64(whole)
        remainder = products.view(np.int64)
        reached += (remainder >= whole).astype(np.int64) - (remainder < 0)
    return np.diff(reached, prepend=0)
