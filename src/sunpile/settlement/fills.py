"""How much of each row found a neighbour, from rows and totals alone.

The rows of a side stand best limit first and the contract has checked the totals, so no limit is needed: the first
rows, up to the strictly better total, are matched whole; the next, up to the marginal total, share what is left pro
rata by cumulative floors; the rest is the grid's.
"""

from collections.abc import Sequence
from itertools import accumulate

from sunpile.basics.errors import BatchInvalid
from sunpile.market.netting import cumulative_shares
from sunpile.settlement.batch import Header, Row, Rows


def fills(header: Header, rows: Rows) -> tuple[list[int], list[int]]:
    """Matched energy of each buyer's and each seller's row [Wh], in row order.

    Raises
    ------
    BatchInvalid
        if the totals are not those of whole rows, or more is strictly better than is matched.
    """
    bought = _side(rows.buyers, header.buy_above, header.buy_at, header.volume)
    return bought, _side(rows.sellers, header.sell_below, header.sell_at, header.volume)


def _side(rows: Sequence[Row], better: int, marginal: int, volume: int) -> list[int]:
    energies = [wh for _, wh in rows]
    reached = list(accumulate(energies, initial=0))
    if better not in reached or better + marginal not in reached or better > volume:
        raise BatchInvalid(f"totals: {better} and {marginal} Wh at {volume} Wh matched are not those of these rows")
    first, last = reached.index(better), reached.index(better + marginal)
    shares = cumulative_shares(volume - better, energies[first:last]) if marginal else []
    return [*energies[:first], *shares, *[0] * (len(rows) - last)]
