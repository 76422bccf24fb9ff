"""The fast clearing is the reference, number for number, and both are what the design says a price is."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from tests.market.books import books, random_book

from sunpile.basics.errors import BatchInvalid, InputInvalid
from sunpile.market import Book, Clearing, ClearingRule, Tariff, clear, clear_by_definition, clear_fast, verify
from sunpile.market.fast import _exact_shares
from sunpile.market.netting import cumulative_shares
from sunpile.market.payment import buyer_due, grid_due, seller_due

COUNT = 20_000 if os.environ.get("SUNPILE_SOAK") else 400
RULES: tuple[ClearingRule, ...] = (clear, clear_fast)
TARIFF = Tariff(300_000, 80_000, 5_000, 5_000)


@given(books())
@settings(max_examples=COUNT, deadline=None)
def test_fast_equals_reference_and_passes_the_certificate(book: Book) -> None:
    slow = clear_by_definition(book)
    assert all(rule(book).same_as(slow) for rule in RULES)
    ordered = book.in_contract_order()
    verify(ordered, clear_by_definition(ordered))
    assert clear_by_definition(ordered).totals() == slow.totals()


@given(books())
@settings(max_examples=COUNT, deadline=None)
def test_energy_is_conserved_and_nobody_is_worse_off_than_with_the_grid(book: Book) -> None:
    result = clear_by_definition(book)
    assert result.buyer_fills.sum() == result.seller_fills.sum() == result.volume
    for (_, limit, wh), fill in zip(book.buyers.rows(), result.buyer_fills.tolist(), strict=True):
        assert 0 <= fill <= wh
        assert not fill or (limit >= 0 and result.price <= book.tariff.limit_price(limit))
        assert buyer_due(book.tariff, result.price, wh, fill) >= grid_due(book.tariff, wh)
    for (_, limit, wh), fill in zip(book.sellers.rows(), result.seller_fills.tolist(), strict=True):
        assert 0 <= fill <= wh
        assert not fill or (limit <= 1000 and result.price >= book.tariff.limit_price(limit))
        assert seller_due(book.tariff, result.price, wh, fill) >= grid_due(book.tariff, -wh)


@pytest.mark.parametrize("seed", range(40 if os.environ.get("SUNPILE_SOAK") else 6))
@pytest.mark.parametrize("steps", [1, 3, 1001])
def test_fast_equals_reference_on_larger_books(seed: int, steps: int) -> None:
    book = random_book(seed, 600, steps)
    assert clear(book).same_as(clear_by_definition(book))


def test_untouched_market_trades_at_the_middle_of_the_band() -> None:
    result = clear(Book.from_arrays(TARIFF, [500], [1000], [500], [400]))
    assert (result.price, result.volume) == (190_000, 400)


def test_the_marginal_group_shares_by_cumulative_floors_in_row_order() -> None:
    book = Book.from_arrays(TARIFF, [500, 500, 500], [1, 1, 1], [0], [2], buy_points=[3, 1, 2])
    result = clear(book)
    assert result.buyer_fills.tolist() == [1, 0, 1]
    assert result.price == 190_000


def test_price_rests_in_the_middle_of_the_equilibrium_interval_without_trade() -> None:
    assert clear(Book.from_arrays(TARIFF, [], [], [], [])).price == (85_000 + 295_000) // 2
    assert clear(Book.from_arrays(TARIFF, [400], [10], [], [])).price == (TARIFF.limit_price(400) + 295_000) // 2
    assert clear(Book.from_arrays(TARIFF, [], [], [300], [10])).price == (85_000 + TARIFF.limit_price(300)) // 2


def test_no_band_means_no_trade_and_price_zero() -> None:
    result = clear(Book.from_arrays(Tariff(10, 9, 1, 1), [1000], [5], [0], [5]))
    assert (result.price, result.volume, result.buyer_fills.tolist()) == (0, 0, [0])


def test_in_a_band_of_width_zero_every_limit_is_the_low_edge() -> None:
    result = clear(Book.from_arrays(Tariff(20, 10, 5, 5), [0, 1000], [6, 6], [1000], [6]))
    assert (result.price, result.volume, result.buyer_fills.tolist()) == (15, 6, [3, 3])


@given(books())
@settings(max_examples=100, deadline=None)
def test_row_order_does_not_matter(book: Book) -> None:
    flipped = Book(book.tariff, _flip(book.buyers), _flip(book.sellers))
    assert clear(flipped).buyer_fills[::-1].tolist() == clear(book).buyer_fills.tolist()
    assert clear(flipped).seller_fills[::-1].tolist() == clear(book).seller_fills.tolist()


def _flip(side):
    return type(side)(side.points[::-1], side.limits[::-1], side.wh[::-1])


@pytest.mark.parametrize("bits", [20, 32, 40, 48])
def test_shares_are_exact_where_products_exceed_64_bits(bits: int) -> None:
    rng = np.random.default_rng(bits)
    for _ in range(50):
        wh = rng.integers(1, 2 ** max(bits - 3, 4), 7)
        left = int(rng.integers(0, int(wh.sum()) + 1))
        assert _exact_shares(left, wh).tolist() == cumulative_shares(left, wh.tolist())


def _bend(clearing: Clearing, **changes: object) -> Clearing:
    values = {name: getattr(clearing, name) for name in Clearing.__dataclass_fields__}
    return Clearing(**{**values, **changes})


def test_the_certificate_names_each_fault() -> None:
    book = Book.from_arrays(TARIFF, [900, 500, 500], [5, 4, 4], [100, 500], [6, 3])
    good = clear(book)
    verify(book, good)
    bent = [
        (_bend(good, price=good.price + 1), "totals"),
        (_bend(good, price=1), "band"),
        (_bend(good, volume=good.volume - 1), "equilibrium"),
        (_bend(good, buyer_fills=good.buyer_fills[::-1]), "buyer"),
        (_bend(good, seller_fills=good.seller_fills[::-1]), "seller"),
    ]
    for clearing, word in bent:
        with pytest.raises(BatchInvalid, match=word):
            verify(book, clearing)
    with pytest.raises(BatchInvalid, match="order"):
        verify(Book(TARIFF, _flip(book.buyers), book.sellers), good)


def test_a_book_that_is_no_book_is_refused() -> None:
    with pytest.raises(InputInvalid, match="above 0"):
        Book.from_arrays(TARIFF, [500], [0], [], [])
    with pytest.raises(InputInvalid, match="per mille"):
        Book.from_arrays(TARIFF, [1001], [1], [], [])
    with pytest.raises(InputInvalid, match="whole numbers"):
        Book.from_arrays(TARIFF, [500], [1.5], [], [])
    with pytest.raises(InputInvalid, match="length"):
        Book.from_arrays(TARIFF, [500, 1], [1], [], [])
