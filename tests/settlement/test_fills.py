"""Fills follow from rows and totals alone; the limits are not needed."""

import pytest
from hypothesis import given, settings
from tests.market.books import books
from tests.settlement.village import facts, readings

from sunpile.basics.errors import BatchInvalid
from sunpile.basics.ids import ZoneId
from sunpile.market import Book, Clearing, clear
from sunpile.settlement import build
from sunpile.settlement.batch import Header
from sunpile.settlement.fills import fills
from sunpile.settlement.proposal import rows_of


def header_of(book: Book, cleared: Clearing) -> Header:
    counts = (len(book.buyers), len(book.sellers))
    totals = (cleared.buy_above, cleared.buy_at, cleared.sell_below, cleared.sell_at)
    return Header(ZoneId(1), 1, 0, cleared.price, *counts, *totals, 0, bytes(32))


@given(books())
@settings(max_examples=200, deadline=None)
def test_they_are_those_of_the_clearing(book: Book) -> None:
    book = book.in_contract_order()
    cleared = clear(book)
    bought, sold = fills(header_of(book, cleared), rows_of(book))
    assert bought == cleared.buyer_fills.tolist()
    assert sold == cleared.seller_fills.tolist()


@pytest.mark.parametrize("bend", [{"buy_above": 2_499}, {"buy_at": 2_501}, {"buy_above": 5_000, "buy_at": 0}])
def test_totals_that_no_whole_rows_come_to_are_refused(bend: dict[str, int]) -> None:
    batch = build(facts(), readings(), 0).batch
    values = {name: getattr(batch.header, name) for name in Header.__slots__}
    with pytest.raises(BatchInvalid, match="totals"):
        fills(Header(**{**values, **bend}), batch.rows)
