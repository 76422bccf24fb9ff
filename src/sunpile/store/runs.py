"""Runs in SQL: implements `fleet.run_ports.RunStore` and `Fleet`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson
from sqlalchemy import Connection, Row, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from sunpile.basics.errors import Conflict, NotFound
from sunpile.basics.scope import Scope
from sunpile.fleet.run_model import FLYING, Header, Item, Options, Target
from sunpile.fleet.run_ports import Filter, Selection
from sunpile.store.database import Database, insert_new, without_nul
from sunpile.store.run_tables import run_asks, run_items, run_parts, runs
from sunpile.store.station_cards import has_tag
from sunpile.store.tables import stations
from sunpile.store.upkeep_tables import station_cards

NAMES_AT_ONCE = 500
"""Stations named in one query: a statement takes only so many parameters."""


def _text(value: Any) -> str:
    # A text column of PostgreSQL takes no NUL, which a station may well send as \u0000 in an answer.
    return orjson.dumps(value).decode().replace("\\u0000", "\\ufffd")


def _header_row(header: Header) -> dict[str, Any]:
    row = {name: getattr(header, name) for name in Header.__slots__}
    return row | {
        "arguments": _text(header.arguments),
        "options": _text(asdict(header.options)),
        "counts": _text(header.counts),
    }


def _header(row: Row[Any]) -> Header:
    values = {name: getattr(row, name) for name in Header.__slots__}
    values["arguments"] = json.loads(row.arguments)
    values["options"] = Options(**json.loads(row.options))
    values["counts"] = json.loads(row.counts)
    return Header(**values)


def _item_row(run: str, item: Item) -> dict[str, Any]:
    row = {name: getattr(item, name) for name in Item.__slots__}
    row |= {name: without_nul(row[name]) for name in ("status", "reason")}
    return row | {"run": run, "data": None if item.data is None else _text(item.data)}


def _item(row: Row[Any]) -> Item:
    values = {name: row._mapping[name] for name in Item.__slots__}  # pyright: ignore[reportPrivateUsage]
    values["data"] = None if row.data is None else json.loads(row.data)
    return Item(**values)


class RunDatabase:
    """`RunStore` and `Fleet` on the store's door."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- RunStore -------------------------------------------------------------------------------------------------

    async def create(self, header: Header, items: Sequence[Item], key: str | None, body_hash: str) -> str:
        """See `RunStore.create`."""
        same = select(runs.c.run, runs.c.wish_hash).where(runs.c.tenant == header.tenant, runs.c.wish_key == key)

        def work(connection: Connection) -> str:
            known = connection.execute(same).first() if key is not None else None
            if known is not None:
                if known.wish_hash != body_hash:
                    raise Conflict("this Idempotency-Key came with another wish before")
                return known.run
            connection.execute(insert(runs).values(_header_row(header) | {"wish_key": key, "wish_hash": body_hash}))
            connection.execute(insert(run_items), [_item_row(header.run, item) for item in items])
            return header.run

        try:
            return await self._database.write(work)
        except IntegrityError:
            # Another process was faster with the same key.
            return await self._database.write(work)

    async def save(self, header: Header, items: Sequence[Item]) -> None:
        """See `RunStore.save`."""
        row = _header_row(header)
        rows = [_item_row(header.run, item) for item in items]
        asks = [
            {"run": header.run, "station": item.station, "attempt": item.attempt, "tenant": header.tenant}
            | {"at": item.sent_at, "max_w": item.max_w}
            for item in items
            if item.state == "sent"
        ]

        def work(connection: Connection) -> None:
            connection.execute(update(runs).where(runs.c.run == header.run).values(row))
            for one in rows:
                which = (run_items.c.run == header.run) & (run_items.c.station == one["station"])
                connection.execute(update(run_items).where(which).values(one))
            if asks:
                connection.execute(insert_new(connection, run_asks), asks)

        await self._database.write(work)

    async def alive(self) -> Sequence[tuple[Header, Sequence[Item]]]:
        """See `RunStore.alive`."""
        flying = select(run_items.c.run).where(run_items.c.state.in_(sorted(FLYING)), run_items.c.run == runs.c.run)
        states = ("waiting for approval", "running")
        query = select(runs).where(or_(runs.c.state.in_(states), flying.exists())).order_by(runs.c.created_at)

        def work(connection: Connection) -> list[tuple[Header, Sequence[Item]]]:
            return [(_header(row), _items(connection, row.run)) for row in connection.execute(query).all()]

        return await self._database.read(work)

    async def spent(self, since: int) -> Sequence[tuple[str, int, int]]:
        """See `RunStore.spent`."""
        query = (
            select(run_asks.c.tenant, run_asks.c.at, run_asks.c.max_w)
            .where(run_asks.c.at > since)
            .order_by(run_asks.c.at)
        )
        return await self._database.read(lambda connection: [(r[0], r[1], r[2]) for r in connection.execute(query)])

    async def keep_part(self, run: str, station: str, attempt: int, part: int, rows: Sequence[dict[str, Any]]) -> None:
        """See `RunStore.keep_part`."""
        row = {"run": run, "station": station, "attempt": attempt, "part": part, "rows": _text(list(rows))}
        await self._database.write(lambda connection: connection.execute(insert_new(connection, run_parts), row))

    async def load(self, scope: Scope, run: str) -> tuple[Header, Sequence[Item]]:
        """See `RunStore.load`."""

        def work(connection: Connection) -> tuple[Header, Sequence[Item]]:
            return _owned(connection, scope, run), _items(connection, run)

        return await self._database.read(work)

    async def headers(self, scope: Scope, limit: int, before: int | None, fleet: bool) -> Sequence[Header]:
        """See `RunStore.headers`."""
        query = select(runs).where(runs.c.tenant == scope.tenant).order_by(runs.c.created_at.desc(), runs.c.run)
        if before is not None:
            query = query.where(runs.c.created_at < before)
        if fleet:
            query = query.where(runs.c.total > 1)
        return await self._database.read(lambda c: [_header(row) for row in c.execute(query.limit(limit))])

    async def items(self, scope: Scope, run: str, state: str | None, after: str, limit: int) -> Sequence[Item]:
        """See `RunStore.items`."""
        query = select(run_items).where(run_items.c.run == run, run_items.c.station > after)
        if state is not None:
            query = query.where(run_items.c.state == state)

        def work(connection: Connection) -> list[Item]:
            _owned(connection, scope, run)
            return [_item(row) for row in connection.execute(query.order_by(run_items.c.station).limit(limit))]

        return await self._database.read(work)

    async def rows(self, scope: Scope, run: str, station: str, limit: int) -> Sequence[dict[str, Any]]:
        """See `RunStore.rows`."""
        which = (run_items.c.run == run) & (run_items.c.station == station)
        last = select(run_items.c.attempt).where(which).scalar_subquery()
        query = (
            select(run_parts.c.rows)
            .where(run_parts.c.run == run, run_parts.c.station == station, run_parts.c.attempt == last)
            .order_by(run_parts.c.part)
        )

        def work(connection: Connection) -> list[dict[str, Any]]:
            _owned(connection, scope, run)
            found = [row for part in connection.execute(query).scalars() for row in json.loads(part)]
            return found[:limit]

        return await self._database.read(work)

    # -- Fleet ----------------------------------------------------------------------------------------------------

    async def select(self, scope: Scope, selection: Selection) -> Sequence[Target]:
        """See `Fleet.select`."""
        if selection.filter is not None:
            wanted = selection.filter
            return await self._database.read(lambda connection: _filtered(connection, scope, wanted))
        names = sorted(set(selection.stations))
        return await self._database.read(lambda connection: _named(connection, scope, names))


def _owned(connection: Connection, scope: Scope, run: str) -> Header:
    row = connection.execute(select(runs).where(runs.c.run == run, runs.c.tenant == scope.tenant)).first()
    if row is None:
        raise NotFound(f"there is no run {run[:48]!r}")
    return _header(row)


def _items(connection: Connection, run: str) -> list[Item]:
    query = select(run_items).where(run_items.c.run == run).order_by(run_items.c.station)
    return [_item(row) for row in connection.execute(query)]


def _named(connection: Connection, scope: Scope, names: Sequence[str]) -> list[Target]:
    found: list[Target] = []
    for start in range(0, len(names), NAMES_AT_ONCE):
        some = names[start : start + NAMES_AT_ONCE]
        query = select(stations.c.station, stations.c.max_w).where(
            stations.c.tenant == scope.tenant, stations.c.station.in_(some)
        )
        found += [Target(row.station, row.max_w) for row in connection.execute(query)]
    missing = sorted(set(names) - {target.station for target in found})
    if missing:
        raise NotFound(f"there is no station {', '.join(name[:48] for name in missing[:10])}", missing=missing[:100])
    return sorted(found, key=lambda target: target.station)


def _filtered(connection: Connection, scope: Scope, wanted: Filter) -> list[Target]:
    query = (
        select(stations.c.station, stations.c.max_w)
        .outerjoin(station_cards, station_cards.c.station == stations.c.station)
        .where(stations.c.tenant == scope.tenant)
        .order_by(stations.c.station)
    )
    columns = {"vendor": stations.c.vendor, "model": stations.c.model, "firmware": stations.c.firmware}
    columns |= {"version": stations.c.ocpp_version, "site": station_cards.c.site}
    for name, column in columns.items():
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(column == value)
    if wanted.tag is not None:
        query = query.where(has_tag(wanted.tag))
    return [Target(row.station, row.max_w) for row in connection.execute(query)]
