"""Why this price: the case and the marginal group, against plain sums."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sunpile.basics.tariff import Tariff
from sunpile.basics.units import MicroPerKwh
from sunpile.market import Book, clear
from sunpile.people.reads import Why
from sunpile.people.why import Groups, PricedRow, explain, steps

TARIFF = Tariff(MicroPerKwh(300_000), MicroPerKwh(80_000), MicroPerKwh(5_000), MicroPerKwh(5_000))
rows = st.lists(st.tuples(st.integers(0, 10).map(lambda n: n * 100), st.integers(1, 5_000)), max_size=12)


def why(buyers: list[tuple[int, int]], sellers: list[tuple[int, int]], tariff: Tariff = TARIFF) -> Why:
    """The explanation of a book of (per mille, Wh) rows."""
    book = Book.from_arrays(
        tariff, [b[0] for b in buyers], [b[1] for b in buyers], [s[0] for s in sellers], [s[1] for s in sellers]
    )
    done = clear(book)
    bought, sold = done.buyer_fills.tolist(), done.seller_fills.tolist()
    demand = steps((PricedRow(tariff.limit_price(p), wh, f) for (p, wh), f in zip(buyers, bought, strict=True)), True)
    supply = steps((PricedRow(tariff.limit_price(p), wh, f) for (p, wh), f in zip(sellers, sold, strict=True)), False)
    groups = Groups(done.buy_above, done.buy_at, done.sell_below, done.sell_at)
    return explain(groups, demand, supply, done.price, tariff.has_band)


def test_scarce_energy_is_shared_by_the_buyers_at_the_price() -> None:
    found = why([(900, 100), (500, 300)], [(500, 200)])
    assert (found.case, found.marginal_side, found.marginal_wh, found.marginal_filled_wh) == (
        "scarce",
        "buyers",
        300,
        100,
    )


def test_plentiful_energy_is_shared_by_the_sellers_at_the_price() -> None:
    found = why([(500, 200)], [(100, 100), (500, 400)])
    assert (found.case, found.marginal_side, found.marginal_wh, found.marginal_filled_wh) == (
        "ample",
        "sellers",
        400,
        100,
    )


def test_even_sides_are_balanced() -> None:
    assert why([(900, 200)], [(100, 200)]).case == "balanced"


def test_one_side_alone_has_no_marginal_group() -> None:
    assert why([(500, 200)], []) == Why("no-sellers", 200, 0, None, 0, 0, 0)
    assert why([], [(500, 200)]) == Why("no-buyers", 0, 200, None, 0, 0, 0)
    assert why([], []).case == "nobody"


def test_fees_wider_than_the_spread_leave_no_band() -> None:
    tariff = Tariff(MicroPerKwh(100), MicroPerKwh(90), MicroPerKwh(10), MicroPerKwh(10))
    groups = Groups(0, 0, 0, 0)
    assert explain(groups, [], [], 0, tariff.has_band).case == "no-band"


@settings(max_examples=150, deadline=None)
@given(rows, rows)
def test_marginal_group_is_filled_by_what_the_better_ones_leave(
    buyers: list[tuple[int, int]], sellers: list[tuple[int, int]]
) -> None:
    found = why(buyers, sellers)
    assert 0 <= found.marginal_filled_wh <= found.marginal_wh
    if found.case == "scarce":
        assert found.wanted_wh > found.offered_wh
    if found.case == "ample":
        assert found.offered_wh > found.wanted_wh
