"""Welfare equals the optimum of a linear program, with the grid as two standing orders at the edges of the band."""

import os

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from tests.market.books import books, random_book

from sunpile.market import Book, Tariff, clear

COUNT = 2_000 if os.environ.get("SUNPILE_SOAK") else 60


def lp_welfare(book: Book) -> float:
    """Highest sum of (limit x Wh) of all that is served, by HiGHS: live rows, and the grid without an end."""
    tariff = book.tariff
    bids = [(tariff.limit_price(limit), wh) for _, limit, wh in book.buyers.rows() if limit >= 0]
    offers = [(tariff.limit_price(limit), wh) for _, limit, wh in book.sellers.rows() if limit <= 1000]
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    values = [*(p for p, _ in bids), tariff.low, *(-p for p, _ in offers), -tariff.high]
    bounds = [*(wh for _, wh in bids), highspy.kHighsInf, *(wh for _, wh in offers), highspy.kHighsInf]
    signs = [1.0] * (len(bids) + 1) + [-1.0] * (len(offers) + 1)
    for value, bound in zip(values, bounds, strict=True):
        highs.addVar(0.0, bound)
        highs.changeColCost(highs.getNumCol() - 1, float(value))
    highs.changeObjectiveSense(highspy.ObjSense.kMaximize)
    highs.addRow(0.0, 0.0, len(signs), np.arange(len(signs), dtype=np.int32), np.array(signs))
    highs.run()
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return highs.getInfo().objective_function_value


def own_welfare(book: Book) -> int:
    """The same sum for our clearing: fills at their limits; what the grid takes or gives moves none of it.

    A live bid at price p that the market leaves to the grid is worth p less the high edge (<= 0) to the program, so
    it leaves it out too.
    """
    tariff, result = book.tariff, clear(book)
    bought = zip(book.buyers.rows(), result.buyer_fills.tolist(), strict=True)
    sold = zip(book.sellers.rows(), result.seller_fills.tolist(), strict=True)
    return sum(tariff.limit_price(limit) * fill for (_, limit, _), fill in bought if fill) - sum(
        tariff.limit_price(limit) * fill for (_, limit, _), fill in sold if fill
    )


@given(books().filter(lambda book: book.tariff.has_band and book.tariff.retail < 2**40))
@settings(max_examples=COUNT, deadline=None)
def test_welfare_is_the_optimum_of_the_linear_program(book: Book) -> None:
    best = lp_welfare(book)
    assert own_welfare(book) == pytest.approx(best, rel=1e-9, abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_welfare_is_the_optimum_on_larger_books(seed: int) -> None:
    book = random_book(seed, 400)
    assert own_welfare(book) == pytest.approx(lp_welfare(book), rel=1e-12)


def test_the_grid_never_crosses_itself() -> None:
    assert lp_welfare(Book.from_arrays(Tariff(300_000, 80_000, 5_000, 5_000), [], [], [], [])) == 0
