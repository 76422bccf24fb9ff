"""Proof that a clearing is right, in one pass and without clearing again: what the contract checks on chain."""

from itertools import pairwise

from sunpile.basics.errors import BatchInvalid
from sunpile.market.book import Book
from sunpile.market.clearing import Clearing
from sunpile.market.netting import cumulative_shares
from sunpile.market.order import NOT_LIVE_BUYER, NOT_LIVE_SELLER

Rows = list[tuple[int, int, int]]
"""(point, effective per mille, Wh)."""


def verify(book: Book, clearing: Clearing) -> None:
    """Check `clearing` against `book` (in contract order) as `EnergyMarket.settle` does.

    Raises
    ------
    BatchInvalid
        naming the first fault.
    """
    buyers, sellers = book.buyers.rows(), book.sellers.rows()
    _check_order([(-limit, point) for point, limit, _ in buyers], "buyers")
    _check_order([(limit, point) for point, limit, _ in sellers], "sellers")
    if {point for point, _, _ in buyers} & {point for point, _, _ in sellers}:
        raise BatchInvalid("rows: a point buys and sells")
    tariff = book.tariff
    if not tariff.has_band:
        if clearing.price or clearing.volume or clearing.buyer_fills.any() or clearing.seller_fills.any():
            raise BatchInvalid("price: the tariff leaves no band, nothing may be matched")
        return
    bids = [(tariff.limit_price(limit), wh) for _, limit, wh in buyers if limit != NOT_LIVE_BUYER]
    offers = [(tariff.limit_price(limit), wh) for _, limit, wh in sellers if limit != NOT_LIVE_SELLER]
    price = clearing.price
    if not tariff.low <= price <= tariff.high:
        raise BatchInvalid(f"price: {price} is outside the band {tariff.low} to {tariff.high}")
    groups = (
        sum(wh for limit, wh in bids if limit > price),
        sum(wh for limit, wh in bids if limit == price),
        sum(wh for limit, wh in offers if limit < price),
        sum(wh for limit, wh in offers if limit == price),
    )
    if groups != (clearing.buy_above, clearing.buy_at, clearing.sell_below, clearing.sell_at):
        raise BatchInvalid("totals: the groups above, at and below the price do not add up")
    volume = min(groups[0] + groups[1], groups[2] + groups[3])
    if clearing.volume != volume or groups[0] > volume or groups[2] > volume:
        raise BatchInvalid("price: not an equilibrium, somebody strictly better is left out")
    if price != middle_price(price, groups, [limit for limit, _ in bids + offers], (tariff.low, tariff.high)):
        raise BatchInvalid(f"price: {price} is not the middle of the equilibrium interval")
    bought = [(tariff.limit_price(limit) - price if limit != NOT_LIVE_BUYER else -1, wh) for _, limit, wh in buyers]
    sold = [(price - tariff.limit_price(limit) if limit != NOT_LIVE_SELLER else -1, wh) for _, limit, wh in sellers]
    if clearing.buyer_fills.tolist() != _fills(bought, volume - groups[0]):
        raise BatchInvalid("fills: a buyer's share is wrong")
    if clearing.seller_fills.tolist() != _fills(sold, volume - groups[2]):
        raise BatchInvalid("fills: a seller's share is wrong")


def middle_price(price: int, groups: tuple[int, int, int, int], limits: list[int], edges: tuple[int, int]) -> int:
    """Floor of the middle of the equilibrium interval that holds the equilibrium `price`.

    It goes on below `price` only if demand from `price` up equals supply below it, and then down to the next live
    limit; above likewise. No live limit lies strictly inside the interval.
    """
    above, bids_at, below, offers_at = groups
    low, high = edges
    lowest = highest = price
    if above + bids_at == below:
        lowest = max((limit for limit in limits if limit < price), default=low)
    if below + offers_at == above:
        highest = min((limit for limit in limits if limit > price), default=high)
    return (lowest + highest) // 2


def _check_order(keys: list[tuple[int, int]], side: str) -> None:
    if any(first >= second for first, second in pairwise(keys)):
        raise BatchInvalid(f"rows: {side} are not in order")
    if len({point for _, point in keys}) != len(keys):
        raise BatchInvalid(f"rows: a point stands twice among the {side}")


def _fills(rows: list[tuple[int, int]], left: int) -> list[int]:
    """Fills of rows given as (how much better than the price, Wh), in contract order."""
    marginal = [wh for better, wh in rows if better == 0]
    shares = iter(cumulative_shares(left, marginal) if marginal else [])
    return [wh if better > 0 else next(shares) if better == 0 else 0 for better, wh in rows]
