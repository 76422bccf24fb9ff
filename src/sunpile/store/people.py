"""What the page and the API read: queries over the tables, turned into the records of `people.reads`.

A settled interval never changes, so its summary is computed once and kept.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, case, func, select

from sunpile.basics.ids import DriverId, PointId, ZoneId
from sunpile.basics.tariff import Tariff
from sunpile.basics.units import PerMille, Wh
from sunpile.market.order import NOT_LIVE_BUYER, NOT_LIVE_SELLER, StandingOrder
from sunpile.people.board import PowerBoard
from sunpile.people.reads import (
    BatchView,
    IntervalDetail,
    IntervalSummary,
    NodeInfo,
    PointBill,
    PointKeys,
    SessionView,
    Totals,
    Town,
    TownPoint,
)
from sunpile.people.why import Groups, PricedRow, explain, steps
from sunpile.settlement.batch import Batch
from sunpile.settlement.wire import batch_from_json
from sunpile.store.database import Database
from sunpile.store.tables import (
    batches,
    bills,
    connectors,
    device_registers,
    devices,
    drivers,
    points,
    readings,
    sessions,
    stations,
)

SETTLED = "settled"
RECENT_INTERVALS = 8
"""A point whose last reading is older has no known power."""


class StoreView:
    """Implements `people.ports.TownView` over the store."""

    def __init__(self, database: Database, board: PowerBoard, info: Callable[[], NodeInfo]) -> None:
        self._database = database
        self._board = board
        self._info = info
        self._kept: dict[tuple[int, int], IntervalSummary] = {}

    async def info(self) -> NodeInfo:
        """Deployment and time of the node."""
        return self._info()

    async def town(self) -> Town:
        """Points with live values: what the board heard, else the last poll, else the last reading."""
        info = self._info()
        found = await self._database.read(lambda c: _points(c, info.interval_length))
        return Town(info.now, info.zone, [self._alive(point) for point in found])

    async def totals(self) -> Totals:
        """Sums over all settled intervals, and counts of what there is."""
        summaries = [s for s in await self._summaries(_newest_rounds()) if s.state == SETTLED]
        zone = self._info().zone
        return await self._database.read(lambda c: _totals(c, zone, summaries))

    async def intervals(self, limit: int, before: int | None) -> list[IntervalSummary]:
        """The newest intervals, oldest first."""
        query = _newest_rounds().where(batches.c.zone == self._info().zone)
        if before is not None:
            query = query.where(batches.c.interval < before)
        found = await self._summaries(query.order_by(batches.c.interval.desc()).limit(limit))
        return sorted(found, key=lambda summary: summary.interval)

    async def interval(self, zone: ZoneId, index: int) -> IntervalDetail | None:
        """One interval with curves, batch and reason."""
        query = _newest_rounds().where(batches.c.zone == zone, batches.c.interval == index)
        info = self._info()

        def look(connection: Connection) -> IntervalDetail | None:
            row = connection.execute(query).mappings().first()
            if row is None:
                return None
            return _detail(row, _bills(connection, zone, [index]).get(index, []), info)

        return await self._database.read(look)

    async def batches(self, limit: int) -> list[BatchView]:
        """The newest batches, newest first."""
        query = _newest_rounds().order_by(batches.c.interval.desc()).limit(limit)
        info = self._info()
        return await self._database.read(lambda c: [_batch_view(row, _batch(row), info) for row in _rows(c, query)])

    async def sessions(self, limit: int) -> list[SessionView]:
        """Active sessions first, then the newest."""
        active_first = case((sessions.c.state == "active", 0), else_=1)
        query = _sessions().order_by(active_first, sessions.c.started_at.desc()).limit(limit)
        return await self._database.read(lambda c: [_session(row) for row in _rows(c, query)])

    async def session(self, session: str) -> SessionView | None:
        """One session."""
        query = _sessions().where(sessions.c.session == session)
        return await self._database.read(lambda c: next((_session(row) for row in _rows(c, query)), None))

    async def session_driver(self, session: str) -> DriverId | None:
        """Whose session it is."""
        query = select(sessions.c.driver).where(sessions.c.session == session)
        found = await self._database.read(lambda c: c.scalar(query))
        return DriverId(found) if found else None

    async def bill(self, zone: ZoneId, interval: int, point: PointId) -> PointBill | None:
        """What a point traded in an interval."""
        info = self._info()
        where = (bills.c.zone == zone, bills.c.interval == interval, bills.c.point == point)
        query = _newest_rounds().where(batches.c.zone == zone, batches.c.interval == interval)

        def look(connection: Connection) -> PointBill | None:
            bill = connection.execute(select(bills).where(*where)).mappings().first()
            batch = connection.execute(query).mappings().first()
            signs = connection.scalar(select(points.c.node_signs).where(points.c.point == point))
            return None if bill is None or batch is None else _point_bill(bill, batch, bool(signs), info)

        return await self._database.read(look)

    async def point_keys(self, point: PointId) -> PointKeys | None:
        """Owner and meter key of a point."""
        query = select(points.c.owner, points.c.meter_key).where(points.c.point == point)
        found = await self._database.read(lambda c: c.execute(query).first())
        return PointKeys(found[0], found[1]) if found else None

    async def driver_of_key(self, api_key_hash: bytes) -> tuple[DriverId, bytes] | None:
        """The driver whose key has this hash."""
        query = select(drivers.c.driver, drivers.c.api_key_hash).where(drivers.c.api_key_hash == api_key_hash)
        found = await self._database.read(lambda c: c.execute(query).first())
        return (DriverId(found[0]), found[1]) if found else None

    def _alive(self, point: TownPoint) -> TownPoint:
        live = self._board.of(point.point)
        return TownPoint(
            point.point,
            point.kind,
            point.label,
            point.x,
            point.y,
            point.parent,
            point.w if live.w is None else live.w,
            point.pv_w if live.pv_w is None else live.pv_w,
            point.soc_permille if live.soc_permille is None else live.soc_permille,
            live.status or point.status,
            point.station,
            point.evse,
        )

    async def _summaries(self, query: Select[Any]) -> list[IntervalSummary]:
        info = self._info()

        def look(connection: Connection) -> list[IntervalSummary]:
            rows = _rows(connection, query)
            unknown = [row for row in rows if (row["zone"], row["interval"]) not in self._kept]
            for zone, group in groupby(sorted(unknown, key=lambda row: row["zone"]), key=lambda row: row["zone"]):
                of_zone = list(group)
                due = _bills(connection, zone, [row["interval"] for row in of_zone])
                for row in of_zone:
                    batch = _batch(row)
                    summary = _summary(row, batch, due.get(row["interval"], []), info)
                    fresh[zone, row["interval"]] = summary
                    if summary.state == SETTLED and due.get(row["interval"]):
                        self._kept[zone, row["interval"]] = summary
            return [fresh.get(key) or self._kept[key] for key in ((row["zone"], row["interval"]) for row in rows)]

        fresh: dict[tuple[int, int], IntervalSummary] = {}
        return await self._database.read(look)


def _rows(connection: Connection, query: Select[*tuple[Any, ...]]) -> Sequence[RowMapping]:
    return connection.execute(query).mappings().all()


def _newest_rounds() -> Select[Any]:
    """Batches, of each interval only the newest round."""
    newest = (
        select(batches.c.zone, batches.c.interval, func.max(batches.c.round).label("round"))
        .group_by(batches.c.zone, batches.c.interval)
        .subquery()
    )
    same = (
        (batches.c.zone == newest.c.zone)
        & (batches.c.interval == newest.c.interval)
        & (batches.c.round == newest.c.round)
    )
    return select(batches).join(newest, same)


def _bills(connection: Connection, zone: int, intervals: Sequence[int]) -> dict[int, list[RowMapping]]:
    found: dict[int, list[RowMapping]] = {}
    query = select(bills).where(bills.c.zone == zone)
    if intervals:
        query = query.where(bills.c.interval.between(min(intervals), max(intervals)))
    for row in _rows(connection, query):
        found.setdefault(row["interval"], []).append(row)
    return found


def _summary(row: RowMapping, batch: Batch, due: Sequence[RowMapping], info: NodeInfo) -> IntervalSummary:
    tariff, price, length = batch.tariff, row["price"], info.interval_length
    bought = sum(bill["matched_wh"] for bill in due if bill["matched_wh"] > 0)
    sold = -sum(bill["matched_wh"] for bill in due if bill["matched_wh"] < 0)
    return IntervalSummary(
        zone=row["zone"],
        interval=row["interval"],
        start=row["interval"] * length,
        end=(row["interval"] + 1) * length,
        state=row["state"],
        price=price,
        low=tariff.low,
        high=tariff.high,
        retail=tariff.retail,
        feed_in=tariff.feed_in,
        volume_wh=row["volume_wh"],
        grid_import_wh=sum(bill["grid_wh"] for bill in due if bill["grid_wh"] > 0),
        grid_export_wh=-sum(bill["grid_wh"] for bill in due if bill["grid_wh"] < 0),
        rows=len(batch.rows),
        buyers_gain=bought * (tariff.high - price),
        sellers_gain=sold * (price - tariff.low),
        worse_off=sum(_worse_off(bill, tariff, info.billed_by_retailer) for bill in due),
    )


def _worse_off(bill: RowMapping, tariff: Tariff, retailer_bills: bool) -> bool:
    """True if a bill is below what the grid alone would have meant for the same energy; must never happen."""
    wh = bill["matched_wh"] if retailer_bills else bill["wh"]
    return bill["nano"] < -wh * (tariff.retail if wh > 0 else tariff.feed_in)


def _batch_view(row: RowMapping, batch: Batch, info: NodeInfo) -> BatchView:
    rows, gas = len(batch.rows), row["gas"]
    return BatchView(
        zone=row["zone"],
        interval=row["interval"],
        start=row["interval"] * info.interval_length,
        round=row["round"],
        state=row["state"],
        price=row["price"],
        volume_wh=row["volume_wh"],
        rows=rows,
        gas=gas,
        gas_per_row=gas // rows if gas is not None and rows else None,
        signers=sorted(seat for seat, _ in json.loads(row["signatures"])),
        refusals=[(seat, reason) for seat, reason in json.loads(row["refusals"])],
        seats=info.seats,
        digest="0x" + row["digest"].hex(),
        witness_root="0x" + row["witness_root"].hex(),
        chain_tx="0x" + row["chain_tx"].hex() if row["chain_tx"] else None,
    )


def _batch(row: RowMapping) -> Batch:
    return batch_from_json(json.loads(row["body"])["proposal"])


def _limits(batch: Batch, orders: Mapping[int, StandingOrder]) -> tuple[list[int | None], list[int | None]]:
    """Limit prices of buyers and sellers in row order; None for a row that does not trade."""
    tariff, interval = batch.tariff, batch.header.interval
    buy: list[int | None] = []
    sell: list[int | None] = []
    for point, wh in batch.rows.buyers:
        limit = orders[point].buyer_per_mille(wh, interval) if point in orders else NOT_LIVE_BUYER
        buy.append(tariff.limit_price(limit) if limit != NOT_LIVE_BUYER and tariff.has_band else None)
    for point, wh in batch.rows.sellers:
        limit = orders[point].seller_per_mille(wh, interval) if point in orders else NOT_LIVE_SELLER
        sell.append(tariff.limit_price(limit) if limit != NOT_LIVE_SELLER and tariff.has_band else None)
    return buy, sell


def _orders(row: RowMapping) -> dict[int, StandingOrder]:
    return {
        point: StandingOrder(PerMille(buy), PerMille(sell), Wh(max_wh), until)
        for point, buy, sell, max_wh, until in json.loads(row["body"])["facts"]["orders"]
    }


def _detail(row: RowMapping, due: Sequence[RowMapping], info: NodeInfo) -> IntervalDetail:
    batch = _batch(row)
    header, tariff = batch.header, batch.tariff
    filled = {bill["point"]: abs(bill["matched_wh"]) for bill in due if bill["kind"] == "batch"}
    buy, sell = _limits(batch, _orders(row))
    buyers, sellers = batch.rows.buyers, batch.rows.sellers
    demand = steps((PricedRow(p, wh, filled.get(i, 0)) for p, (i, wh) in zip(buy, buyers, strict=True)), True)
    supply = steps((PricedRow(p, wh, filled.get(i, 0)) for p, (i, wh) in zip(sell, sellers, strict=True)), False)
    groups = Groups(header.buy_above, header.buy_at, header.sell_below, header.sell_at)
    return IntervalDetail(
        summary=_summary(row, batch, due, info),
        buy_fee=tariff.buy_fee,
        sell_fee=tariff.sell_fee,
        demand=demand,
        supply=supply,
        why=explain(groups, demand, supply, header.price, tariff.has_band),
        batch=_batch_view(row, batch, info),
    )


def _point_bill(bill: RowMapping, row: RowMapping, node_signs: bool, info: NodeInfo) -> PointBill:
    batch = _batch(row)
    view, tariff, wh = _batch_view(row, batch, info), batch.tariff, bill["wh"]
    # Only what would be different with the grid alone counts; the rest is the same money either way.
    better = tariff.high - view.price if wh > 0 else view.price - tariff.low
    return PointBill(
        zone=bill["zone"],
        interval=bill["interval"],
        start=view.start,
        end=view.start + info.interval_length,
        point=bill["point"],
        kind=bill["kind"],
        wh=wh,
        matched_wh=bill["matched_wh"],
        grid_wh=bill["grid_wh"],
        nano=bill["nano"],
        grid_nano=bill["nano"] - abs(bill["matched_wh"]) * better,
        unpaid=bill["unpaid"],
        price=view.price,
        retail=tariff.retail,
        feed_in=tariff.feed_in,
        fee=tariff.buy_fee if wh > 0 else tariff.sell_fee,
        digest=view.digest,
        witness_root=view.witness_root,
        signers=view.signers,
        seats=view.seats,
        node_signs=node_signs,
    )


def _sessions() -> Select[Any]:
    joined = sessions.outerjoin(
        connectors, (connectors.c.station == sessions.c.station) & (connectors.c.evse == sessions.c.evse)
    ).outerjoin(points, points.c.point == connectors.c.point)
    return select(sessions, connectors.c.point, points.c.label).select_from(joined)


def _session(row: RowMapping) -> SessionView:
    return SessionView(
        session=row["session"],
        station=row["station"],
        evse=row["evse"],
        point=row["point"] or 0,
        label=row["label"] or "",
        state=row["state"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        wh=row["wh"],
        price=row["price"],
        owed=row["owed"],
        paid=row["paid"],
        stop_reason=row["stop_reason"],
    )


def _points(connection: Connection, length: int) -> list[TownPoint]:
    """All points with what the store last knew of them."""
    at_pile = {row["point"]: row for row in _rows(connection, select(connectors)) if row["point"] is not None}
    polled = _polled(connection)
    recent = (select(func.max(readings.c.interval)).scalar_subquery()) - RECENT_INTERVALS
    query = select(readings.c.point, readings.c.wh).where(readings.c.interval > recent).order_by(readings.c.interval)
    mean_w = {row["point"]: row["wh"] * 3600 // length for row in _rows(connection, query)}
    found: list[TownPoint] = []
    for row in _rows(connection, select(points).order_by(points.c.point)):
        index = row["point"]
        pile, seen = at_pile.get(index), polled.get(index, {})
        net = seen.get("meter") or seen.get("battery")
        roof = seen.get("inverter")
        silent = any(item["last_error"] for item in seen.values())
        status = pile["status"] if pile else "silent" if silent else "online" if seen else ""
        found.append(
            TownPoint(
                point=index,
                kind=row["kind"],
                label=row["label"],
                x=row["x"],
                y=row["y"],
                parent=row["parent"],
                w=net["w"] if net and net["w"] is not None else mean_w.get(index),
                pv_w=abs(roof["w"]) if roof and roof["w"] is not None else None,
                soc_permille=net["soc_permille"] if net else None,
                status=status,
                station=pile["station"] if pile else None,
                evse=pile["evse"] if pile else None,
            )
        )
    return found


def _polled(connection: Connection) -> dict[int, dict[str, RowMapping]]:
    """Devices by point and kind, each with its newest register."""
    newest = (
        select(func.max(device_registers.c.at))
        .where(device_registers.c.device == devices.c.device)
        .scalar_subquery()
        .correlate(devices)
    )
    same = (device_registers.c.device == devices.c.device) & (device_registers.c.at == newest)
    query = select(
        devices.c.point,
        devices.c.kind,
        devices.c.last_error,
        device_registers.c.w,
        device_registers.c.soc_permille,
    ).select_from(devices.outerjoin(device_registers, same))
    found: dict[int, dict[str, RowMapping]] = {}
    for row in _rows(connection, query):
        found.setdefault(row["point"], {})[row["kind"]] = row
    return found


def _totals(connection: Connection, zone: int, summaries: Sequence[IntervalSummary]) -> Totals:
    def count(table: Any, *where: Any) -> int:
        return connection.scalar(select(func.count()).select_from(table).where(*where)) or 0

    gas = connection.scalar(select(func.sum(batches.c.gas)).where(batches.c.state == SETTLED)) or 0
    return Totals(
        intervals_settled=len(summaries),
        matched_wh=sum(s.volume_wh for s in summaries),
        grid_import_wh=sum(s.grid_import_wh for s in summaries),
        grid_export_wh=sum(s.grid_export_wh for s in summaries),
        buyers_gain=sum(s.buyers_gain for s in summaries),
        sellers_gain=sum(s.sellers_gain for s in summaries),
        gas=int(gas),
        rows=sum(s.rows for s in summaries),
        points=count(points, points.c.zone == zone),
        stations=count(stations),
        sessions_active=count(sessions, sessions.c.state == "active"),
        worse_off=sum(s.worse_off for s in summaries),
        devices_silent=count(devices, devices.c.last_error.is_not(None)),
    )
