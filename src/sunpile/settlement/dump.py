"""The open books of a run as CSV, complete enough for a stranger's script to recompute every price, fill and bill."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sunpile.basics.ids import PointId
from sunpile.basics.tariff import Tariff
from sunpile.basics.units import SIDE_OFF
from sunpile.settlement.batch import Batch, LateBatch, Rows
from sunpile.settlement.bill import Bill

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "readings": ("zone", "interval", "point", "wh", "late"),
    "tariffs": ("zone", "interval", "retail", "feed_in", "buy_fee", "sell_fee"),
    "orders": ("point", "from_interval", "until_interval", "buy_permille", "sell_permille", "max_wh"),
    "batches": ("zone", "interval", "price", "volume_wh", "digest", "gas"),
    "bills": ("zone", "interval", "point", "matched_wh", "grid_wh", "nano", "unpaid"),
    "balances": ("point", "nano"),
}
"""Columns of each file. Wh: import positive; nano of a bill: due, positive is received."""

Cells = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class OrderSpan:
    """An order and the intervals in which it was in force."""

    point: PointId
    first: int
    """First interval index."""
    last: int
    """Last interval index, inclusive."""
    buy: int
    """Per mille, or `SIDE_OFF`."""
    sell: int
    max_wh: int


def to_csv(name: str, rows: Iterable[Cells]) -> str:
    """The text of file `name`.csv."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS[name])
    writer.writerows(rows)
    return text.getvalue()


def reading_rows(batch: Batch | LateBatch) -> list[Cells]:
    """`readings`: the rows of a batch, or of a late one."""
    late = isinstance(batch, LateBatch)
    head = (batch.zone, batch.interval) if late else (batch.header.zone, batch.header.interval)
    return [(*head, point, wh, int(late)) for point, wh in signed_rows(batch.rows)]


def signed_rows(rows: Rows) -> list[tuple[int, int]]:
    """(point, Wh) of all rows, import positive."""
    return [*((point, int(wh)) for point, wh in rows.buyers), *((point, -wh) for point, wh in rows.sellers)]


def tariff_row(zone: int, interval: int, tariff: Tariff) -> Cells:
    """`tariffs`, micro per kWh."""
    return (zone, interval, tariff.retail, tariff.feed_in, tariff.buy_fee, tariff.sell_fee)


def batch_row(batch: Batch, gas: int) -> Cells:
    """`batches`, one per settled interval."""
    header = batch.header
    return (header.zone, header.interval, header.price, header.volume, "0x" + batch.struct_hash().hex(), gas)


def order_rows(spans: Sequence[OrderSpan]) -> list[Cells]:
    """`orders`: a side that is off shows -1."""
    ordered = sorted(spans, key=lambda span: (span.point, span.first))
    return [(o.point, o.first, o.last, _side(o.buy), _side(o.sell), o.max_wh) for o in ordered]


def bill_row(bill: Bill) -> Cells:
    """`bills`."""
    return (bill.zone, bill.interval, bill.point, bill.matched_wh, bill.grid_wh, bill.nano, bill.unpaid)


def _side(per_mille: int) -> int:
    return -1 if per_mille == SIDE_OFF else per_mille
