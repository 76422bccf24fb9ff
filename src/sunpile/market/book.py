"""The book of one zone and interval: metered energy, each row with the limit its standing order gives it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sunpile.basics.errors import InputInvalid
from sunpile.basics.ids import PointId
from sunpile.basics.tariff import Tariff
from sunpile.basics.units import Wh
from sunpile.market.order import NOT_LIVE_BUYER, NOT_LIVE_SELLER, StandingOrder

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Buyers or sellers: three columns of equal length, any order of rows."""

    points: "Integers"
    """Metering point of each row, each at most once."""
    limits: "Integers"
    """Effective per mille of each row: -1 (buyers) or 1001 (sellers) = does not trade."""
    wh: "Integers"
    """Metered energy of each row [Wh], > 0."""

    def __len__(self) -> int:
        return len(self.wh)

    def rows(self) -> list[tuple[int, int, int]]:
        """(point, per mille, Wh) of each row, as Python integers."""
        return list(zip(self.points.tolist(), self.limits.tolist(), self.wh.tolist(), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """All that a clearing depends on."""

    tariff: Tariff
    """The grid's tariff of the interval, micro-currency per kWh."""
    buyers: Side
    """Points that imported."""
    sellers: Side
    """Points that exported."""

    @classmethod
    def from_arrays(
        cls,
        tariff: Tariff,
        buy_limits: "ArrayLike",
        buy_wh: "ArrayLike",
        sell_limits: "ArrayLike",
        sell_wh: "ArrayLike",
        buy_points: "ArrayLike | None" = None,
        sell_points: "ArrayLike | None" = None,
    ) -> "Book":
        """A book from columns: limits in per mille of the band (0 to 1000) and energies [Wh, > 0].

        Points break ties; they default to the rows' own numbers, sellers counting on from the buyers.

        Raises
        ------
        InputInvalid
            if columns differ in length, an energy is not positive or a limit is out of range.
        """
        buyers = _side("buy", buy_points, 0, (buy_limits, NOT_LIVE_BUYER, 1000), buy_wh)
        sellers = _side("sell", sell_points, len(buyers), (sell_limits, 0, NOT_LIVE_SELLER), sell_wh)
        return cls(tariff, buyers, sellers)

    @classmethod
    def from_orders(
        cls, tariff: Tariff, interval: int, netted: Mapping[PointId, Wh], orders: Mapping[PointId, StandingOrder]
    ) -> "Book":
        """The book of `interval` in contract order: netted Wh (import positive) under the orders in force.

        Where the tariff leaves no band no row trades. A point without an order does not trade.
        """
        buyers: list[tuple[int, int, int]] = []
        sellers: list[tuple[int, int, int]] = []
        for point, wh in netted.items():
            order = orders.get(point) if tariff.has_band else None
            if wh > 0:
                limit = order.buyer_per_mille(wh, interval) if order else NOT_LIVE_BUYER
                buyers.append((-limit, point, wh))
            elif wh < 0:
                limit = order.seller_per_mille(-wh, interval) if order else NOT_LIVE_SELLER
                sellers.append((limit, point, -wh))
        buyers.sort()
        sellers.sort()
        return cls(tariff, _columns(buyers, -1), _columns(sellers, 1))

    def in_contract_order(self) -> "Book":
        """The same rows as the contract wants them: best limit first, then point rising."""
        return Book(self.tariff, _sorted(self.buyers, -self.buyers.limits), _sorted(self.sellers, self.sellers.limits))


def _columns(rows: list[tuple[int, int, int]], sign: int) -> Side:
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Side(table[:, 1].copy(), table[:, 0] * sign, table[:, 2].copy())


def _sorted(side: Side, best_first: "Integers") -> Side:
    order = np.lexsort((side.points, best_first))
    return Side(side.points[order], side.limits[order], side.wh[order])


def _side(
    name: str, points: "ArrayLike | None", first: int, limits: "tuple[ArrayLike, int, int]", wh: "ArrayLike"
) -> Side:
    column, lowest, highest = limits
    limit_column = _whole(f"{name} limits", column)
    wh_column = _whole(f"{name} energies", wh)
    point_column = np.arange(first, first + len(wh_column)) if points is None else _whole(f"{name} points", points)
    if not len(point_column) == len(limit_column) == len(wh_column):
        raise InputInvalid(f"{name} columns differ in length")
    if len(wh_column):
        if wh_column.min() <= 0:
            raise InputInvalid(f"{name} energies must be above 0 Wh")
        if limit_column.min() < lowest or limit_column.max() > highest:
            raise InputInvalid(f"{name} limits must be {lowest} to {highest} per mille")
    return Side(point_column, limit_column, wh_column)


def _whole(name: str, values: "ArrayLike") -> "Integers":
    column = np.asarray(values)
    if column.size and column.dtype.kind not in "iu":
        raise InputInvalid(f"{name} must be whole numbers, not {column.dtype}")
    return column.astype(np.int64, copy=False)
