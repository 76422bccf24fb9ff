"""Chapter 3: standing orders and metered Wh become one price.

Every metering point has a standing order: what it is willing to pay and to take, in per mille of the band between
the grid's feed-in and retail prices (fees included). After each interval the meters say what was used and given;
`netting` leaves only what crosses a house's meter; the `Book` puts each row under its limit; `clear` finds the one
price at which nobody who would gladly trade at it is left out, the middle one where several would do, and shares the
marginal group pro rata. The grid stands at both edges of the band, so nobody is ever worse off than with it alone.

For a researcher, three lines (limits in per mille, energies in Wh)::

    from sunpile.market import Book, Tariff, clear
    book = Book.from_arrays(Tariff(300_000, 80_000, 5_000, 5_000), [500, 900], [1200, 300], [500, 100], [400, 700])
    print(clear(book).price, clear(book).buyer_fills, clear(book).seller_fills)

Entry: `clear`. It counts instead of sorting and is exact; `clear_by_definition` is the slow reference it is tested
against, and `verify` is the certificate the contract checks on chain. Integers only; nothing here knows sockets, SQL
or time.
"""

from sunpile.basics.tariff import Tariff
from sunpile.market.book import Book, Side
from sunpile.market.certificate import verify
from sunpile.market.clearing import Clearing, clear_by_definition
from sunpile.market.fast import clear_fast
from sunpile.market.netting import behind_meter, cumulative_shares, net_zone
from sunpile.market.order import StandingOrder, default_order
from sunpile.market.ports import ClearingRule

__all__ = [
    "Book",
    "Clearing",
    "ClearingRule",
    "Side",
    "StandingOrder",
    "Tariff",
    "behind_meter",
    "clear",
    "clear_by_definition",
    "clear_fast",
    "cumulative_shares",
    "default_order",
    "net_zone",
    "verify",
]


def clear(book: Book) -> Clearing:
    """The chapter's entry: one uniform price, the volume and every row's fill, in the book's row order."""
    return clear_fast(book)
