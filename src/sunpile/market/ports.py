"""What the market asks of others: nothing. What others may put in its place: a rule that clears a book."""

from typing import Protocol

from sunpile.market.book import Book
from sunpile.market.clearing import Clearing


class ClearingRule(Protocol):
    """A book's one price and every row's fill: `clear`, the slow reference, or a researcher's rule beside them."""

    def __call__(self, book: Book, /) -> Clearing:
        """Clear `book`; the fills stand in its row order."""
        ...
