"""A standing order counts up to its end, up to its largest energy, on the sides that are on."""

from sunpile.basics.ids import PointId
from sunpile.basics.units import SIDE_OFF, PerMille, Wh
from sunpile.market import Book, StandingOrder, Tariff, default_order
from sunpile.market.order import order_of_word

ORDER = StandingOrder(PerMille(700), PerMille(200), Wh(1000), until=10)


def test_an_order_is_live_through_its_last_interval() -> None:
    assert (ORDER.buyer_per_mille(1000, 10), ORDER.seller_per_mille(1000, 10)) == (700, 200)
    assert (ORDER.buyer_per_mille(1000, 11), ORDER.seller_per_mille(1000, 11)) == (-1, 1001)


def test_a_row_above_the_largest_energy_is_a_grid_leg_whole() -> None:
    assert ORDER.buyer_per_mille(1001, 1) == -1


def test_a_point_without_money_sells_and_does_not_buy() -> None:
    assert default_order(Wh(50)).buyer_per_mille(1, 1) == -1
    assert default_order(Wh(50)).seller_per_mille(1, 1) == 500


def test_a_book_stands_in_contract_order() -> None:
    orders = {PointId(p): StandingOrder(PerMille(b), PerMille(s), Wh(99), 9) for p, b, s in [(1, 5, 5), (2, 9, 1)]}
    orders[PointId(3)] = StandingOrder(SIDE_OFF, SIDE_OFF, Wh(99), 9)
    tariff = Tariff(100, 0, 0, 0)
    book = Book.from_orders(tariff, 1, {PointId(p): Wh(1) for p in (1, 2, 3, 4)}, orders)
    assert book.buyers.rows() == [(2, 9, 1), (1, 5, 1), (3, -1, 1), (4, -1, 1)]
    book = Book.from_orders(tariff, 1, {PointId(p): Wh(-1) for p in (1, 2, 3)}, orders)
    assert book.sellers.rows() == [(2, 1, 1), (1, 5, 1), (3, 1001, 1)]


def test_a_word_of_the_market_says_order_and_cap() -> None:
    word = 1 << 68 | 700 << 58 | 1023 << 48 | 5000 << 24 | 6000
    assert order_of_word(word, 77) == (StandingOrder(PerMille(700), SIDE_OFF, Wh(5000), 77), 6000)
    assert not order_of_word(word - (1 << 68), 77)[0].live(77)
