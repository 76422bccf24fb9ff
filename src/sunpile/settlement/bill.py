"""Bills: what each point pays or receives for one interval. Never worse than the grid's tariff alone."""

from dataclasses import dataclass

from sunpile.basics.ids import PointId, ZoneId
from sunpile.basics.units import Nano, Wh
from sunpile.market import Clearing
from sunpile.market.payment import buyer_due, grid_due, seller_due
from sunpile.settlement.batch import Batch, LateBatch

NOTHING = Nano(0)


@dataclass(frozen=True, slots=True)
class Bill:
    """One row of a batch in money. Energies have the reading's sign: import positive."""

    zone: ZoneId
    interval: int
    point: PointId
    wh: Wh
    """Energy after netting behind a meter [Wh]."""
    matched_wh: Wh
    """Part that found a neighbour [Wh]."""
    grid_wh: Wh
    """Part for the grid [Wh]."""
    nano: Nano
    """Due; positive is received."""
    grid_alone: Nano
    """What the same energy comes to with the grid alone."""
    late: bool = False
    """Settled by the late rule."""
    unpaid: Nano = NOTHING
    """Part that the point's balance did not cover: the utility's claim outside the chain."""

    @property
    def gain(self) -> Nano:
        """How much better than the grid alone, >= 0."""
        return Nano(self.nano - self.grid_alone)


def bills(batch: Batch, clearing: Clearing, retailer_bills: bool = False) -> list[Bill]:
    """One bill a row, in row order; `clearing` is that of the batch's rows."""
    header, tariff = batch.header, batch.tariff
    made: list[Bill] = []

    def add(point: PointId, sign: int, wh: int, matched: int, due: Nano) -> None:
        alone = grid_due(tariff, sign * wh, retailer_bills)
        energies = (Wh(sign * wh), Wh(sign * matched), Wh(sign * (wh - matched)))
        made.append(Bill(header.zone, header.interval, point, *energies, due, alone))

    for (point, wh), fill in zip(batch.rows.buyers, clearing.buyer_fills.tolist(), strict=True):
        add(point, 1, wh, fill, buyer_due(tariff, header.price, wh, fill, retailer_bills))
    for (point, wh), fill in zip(batch.rows.sellers, clearing.seller_fills.tolist(), strict=True):
        add(point, -1, wh, fill, seller_due(tariff, header.price, wh, fill, retailer_bills))
    return made


def late_bills(batch: LateBatch, retailer_bills: bool = False) -> list[Bill]:
    """One bill a row of a late batch: the grid's tariff of its own interval."""
    rows = [*batch.rows.buyers, *((point, Wh(-wh)) for point, wh in batch.rows.sellers)]
    made: list[Bill] = []
    for point, wh in rows:
        due = grid_due(batch.tariff, wh, retailer_bills)
        made.append(Bill(batch.zone, batch.interval, point, wh, Wh(0), wh, due, due, late=True))
    return made
