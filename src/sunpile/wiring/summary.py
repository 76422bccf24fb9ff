"""The end of a day: its figures, and the open books as CSV."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sunpile.basics.ids import ZoneId
from sunpile.basics.units import money
from sunpile.market import StandingOrder
from sunpile.settlement.bill import Bill
from sunpile.settlement.dump import (
    OrderSpan,
    batch_row,
    bill_row,
    order_rows,
    reading_rows,
    tariff_row,
    to_csv,
)
from sunpile.settlement.facts import ZoneFacts
from sunpile.store.settlement import SettlementStore, StoredBatch
from sunpile.wiring.market_reader import MarketReader


@dataclass
class Day:
    """The settled batches of a run and its bills."""

    batches: Sequence[StoredBatch]
    bills: Sequence[Any]
    """Rows of the table `bills`."""

    @classmethod
    async def read(cls, store: SettlementStore, zone: ZoneId) -> "Day":
        """Everything the store has of the zone."""
        return cls(await store.settled(zone), await store.bills(zone=zone))

    def figures(self) -> dict[str, Any]:
        """Sums of the day."""
        headers = [batch.kept.proposal.batch for batch in self.batches]
        traded = [batch for batch in headers if batch.header.volume]
        volume = sum(batch.header.volume for batch in headers)
        paid = sum(money(batch.header.volume, batch.header.price) for batch in headers)
        retail = sum(money(batch.header.volume, batch.tariff.retail) for batch in headers)
        edge = [b for b in traded if b.header.price in (b.tariff.low, b.tariff.high)]
        rows = sum(len(batch.rows) for batch in headers)
        gas = sum(batch.gas or 0 for batch in self.batches)
        gains = self._gains()
        return {
            "intervals_settled": len(headers),
            "wh_matched": volume,
            "wh_grid": sum(bill.grid_wh for bill in self.bills if bill.grid_wh > 0),
            "wh_grid_export": -sum(bill.grid_wh for bill in self.bills if bill.grid_wh < 0),
            "price_mean": round(paid / volume) if volume else 0,
            "retail_mean": round(retail / volume) if volume else 0,
            "price_at_edge_share": round(len(edge) / len(traded), 4) if traded else 0.0,
            "rows": rows,
            "gas": gas,
            "gas_per_point_interval": round(gas / rows) if rows else 0,
            "buyers_gain": sum(gain for wh, gain in gains if wh > 0),
            "sellers_gain": sum(gain for wh, gain in gains if wh < 0),
            "worse_off": sum(gain < 0 for _, gain in gains),
        }

    def _gains(self) -> list[tuple[int, int]]:
        """(Wh, nano better than the grid alone) of every bill."""
        tariffs = {batch.interval: batch.kept.facts.tariff for batch in self.batches}
        found: list[tuple[int, int]] = []
        for bill in self.bills:
            tariff = tariffs.get(bill.interval)
            if tariff is not None and bill.kind == "batch":
                alone = -bill.wh * (tariff.retail if bill.wh > 0 else tariff.feed_in)
                found.append((bill.wh, bill.nano - alone))
        return found


async def dump(folder: Path, store: SettlementStore, reader: MarketReader, zone: ZoneId) -> None:
    """Write the books of a run as CSV files, for a stranger to recompute."""
    folder.mkdir(parents=True, exist_ok=True)
    day = await Day.read(store, zone)
    lates = [late for late in await store.lates(zone) if late.state == "settled"]
    late_batches = [late.proposal.batch for late in lates]
    batches = [stored.kept.proposal.batch for stored in day.batches]
    tariffs = {stored.interval: stored.kept.facts.tariff for stored in day.batches}
    tariffs |= {batch.interval: batch.tariff for batch in late_batches}
    points = [record.point for record in await store.points(zone)]
    balances = await reader.balances(points)
    files: dict[str, Iterable[tuple[int | str, ...]]] = {
        "readings": [row for batch in [*batches, *late_batches] for row in reading_rows(batch)],
        "tariffs": [tariff_row(zone, interval, tariff) for interval, tariff in sorted(tariffs.items())],
        "orders": order_rows(order_spans(stored.kept.facts for stored in day.batches)),
        "batches": [batch_row(stored.kept.proposal.batch, stored.gas or 0) for stored in day.batches],
        "bills": [bill_row(_bill(row)) for row in day.bills],
        "balances": sorted(balances.items()),
    }
    for name, rows in files.items():
        (folder / f"{name}.csv").write_text(to_csv(name, rows))


def order_spans(days: Iterable[ZoneFacts]) -> list[OrderSpan]:
    """Orders in force, neighbouring intervals with the same one joined. An interval without a span has no order."""
    open_spans: dict[int, OrderSpan] = {}
    done: list[OrderSpan] = []
    for facts in days:
        for point, order in facts.orders.items():
            span = open_spans.get(point)
            if span is not None and (not order.live(facts.interval) or not _goes_on(span, order, facts.interval)):
                done.append(open_spans.pop(point))
                span = None
            if order.live(facts.interval):
                first = span.first if span else facts.interval
                open_spans[point] = OrderSpan(point, first, facts.interval, order.buy, order.sell, order.max_wh)
    return [*done, *open_spans.values()]


def _goes_on(span: OrderSpan, order: StandingOrder, interval: int) -> bool:
    same = (span.buy, span.sell, span.max_wh) == (order.buy, order.sell, order.max_wh)
    return same and span.last == interval - 1


def _bill(row: Any) -> Bill:
    return Bill(
        row.zone, row.interval, row.point, row.wh, row.matched_wh, row.grid_wh, row.nano, row.nano, unpaid=row.unpaid
    )
