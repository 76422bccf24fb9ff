"""Our clearing is that of the contract tests' own model, which was written from the definitions apart from it."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from tests.market.books import books

from sunpile.market import Book, Side, clear

MODEL = Path(__file__).resolve().parents[2] / "contracts" / "tests" / "model" / "clearing.py"


@pytest.fixture(scope="module")
def model() -> ModuleType:
    """The contract tests' model of a clearing."""
    spec = importlib.util.spec_from_file_location("contract_model_clearing", MODEL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@given(book=books())
@settings(max_examples=150, deadline=None)
def test_both_clear_every_book_alike(model: ModuleType, book: Book) -> None:
    tariff = model.Tariff(book.tariff.retail, book.tariff.feed_in, book.tariff.buy_fee, book.tariff.sell_fee)

    def rows(side: Side, off: int) -> list:
        return [model.Row(point, wh, None if limit == off else limit) for point, limit, wh in side.rows()]

    theirs = model.clear(rows(book.buyers, -1), rows(book.sellers, 1001), tariff)
    ours = clear(book)
    groups = (theirs.buy_above, theirs.buy_at, theirs.sell_below, theirs.sell_at)
    assert (ours.price, ours.volume) == (theirs.price, theirs.volume)
    assert (ours.buy_above, ours.buy_at, ours.sell_below, ours.sell_at) == groups
    sides = ((book.buyers, ours.buyer_fills), (book.sellers, ours.seller_fills))
    fills = {p: fill for side, column in sides for p, fill in zip(side.points.tolist(), column.tolist(), strict=True)}
    assert fills == theirs.fills
