"""Samples of every EVSE: written a moment later in groups, read as a curve, forgotten by the day.

A crash may lose the last second: what is billed stands in the registers, not here.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, select, text

from sunpile.basics.scope import Scope
from sunpile.fleet.curves import Curve, CurvePoint, SampleRow, width
from sunpile.store.database import Database, execute_many, insert_new
from sunpile.store.later import Later
from sunpile.store.scoped import own_station
from sunpile.store.upkeep_tables import samples

DAY_S = 86_400
FLUSH_ROWS = 2000
WAITING_MAX = 100_000
"""Rows that may wait while the store is slow; beyond it the oldest are dropped."""
_PARTITION = re.compile(r"samples_(\d+)")


class SampleLog:
    """Takes samples off the piles' path, gives curves."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._days: set[int] = set()
        self._rows: Later[SampleRow] = Later(database, self._write, "samples", FLUSH_ROWS, FLUSH_ROWS, WAITING_MAX)

    # -- writing --------------------------------------------------------------------------------------------------

    def keep(self, rows: Iterable[SampleRow]) -> None:
        """Queue rows; never waits."""
        self._rows.put(rows)

    async def flush(self) -> None:
        """Return once every row so far is durable."""
        await self._rows.flush()

    def _write(self, connection: Connection, rows: Sequence[SampleRow]) -> None:
        fresh = {row.at // DAY_S for row in rows} - self._days
        make_days(connection, fresh)
        execute_many(connection, insert_new(connection, samples), [row._asdict() for row in rows])
        if len(self._days) > 1000:
            self._days.clear()
        self._days |= fresh

    # -- reading --------------------------------------------------------------------------------------------------

    async def curve(self, scope: Scope, station: str, evse: int, since: int, until: int) -> Curve:
        """At most 500 points between two moments [Unix s].

        Raises
        ------
        NotFound
            if the tenant has no such station.
        """

        def work(connection: Connection) -> Curve:
            own_station(connection, scope, station)
            return read_curve(connection, station, evse, since, until)

        return await self._database.read(work)

    # -- forgetting -----------------------------------------------------------------------------------------------

    async def forget(self, before: int) -> int:
        """Delete samples older than `before` [Unix s]; return how many rows, or on PostgreSQL days, went."""
        if self._database.engine.dialect.name == "postgresql":
            return await self._database.write(lambda connection: self._forget_days(connection, before))
        places = await self._database.read(_places)
        gone = 0
        for station, evse in places:
            # One EVSE at a time: nothing else waits for long.
            old = delete(samples).where(samples.c.station == station, samples.c.evse == evse, samples.c.at < before)
            gone += await self._database.write(lambda connection, old=old: connection.execute(old).rowcount)
        return gone

    def _forget_days(self, connection: Connection, before: int) -> int:
        query = text(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'samples'::regclass"
        )
        gone = 0
        for name in connection.scalars(query):
            found = _PARTITION.fullmatch(name)
            if found and (int(found.group(1)) + 1) * DAY_S <= before:
                connection.execute(text(f"DROP TABLE {found.group(0)}"))
                self._days.discard(int(found.group(1)))
                gone += 1
        return gone


def make_days(connection: Connection, days: Iterable[int]) -> None:
    """PostgreSQL: a partition for each of these days since 1970, where there is none."""
    if connection.dialect.name != "postgresql":
        return
    for day in sorted(days):
        connection.execute(
            text(
                f"CREATE TABLE IF NOT EXISTS samples_{day:d} PARTITION OF samples"
                f" FOR VALUES FROM ({day * DAY_S:d}) TO ({(day + 1) * DAY_S:d})"
            )
        )


def read_curve(connection: Connection, station: str, evse: int, since: int, until: int) -> Curve:
    """See `SampleLog.curve`."""
    step = width(since, until)
    column = samples.c
    query = (
        select(
            func.min(column.at),
            func.max(column.register_wh),
            func.sum(column.power_w),
            func.count(column.power_w),
            func.max(column.power_w),
            func.max(column.current_ma),
            func.sum(column.voltage_mv),
            func.count(column.voltage_mv),
            func.max(column.soc_permille),
        )
        .where(column.station == station, column.evse == evse, column.at >= since, column.at < until)
        .group_by((column.at - since) // step)
        .order_by(func.min(column.at))
    )
    return Curve(station, evse, step, tuple(_point(row) for row in connection.execute(query)))


def _point(row: Any) -> CurvePoint:
    at, register, power, powers, highest, current, voltage, voltages, charge = row
    return CurvePoint(
        at,
        register,
        int(power) // powers if powers else None,
        highest,
        current,
        int(voltage) // voltages if voltages else None,
        charge,
    )


def _places(connection: Connection) -> list[tuple[str, int]]:
    """Every EVSE that has samples: from one to the next by the key, without reading what lies between."""
    found: list[tuple[str, int]] = []
    column = samples.c
    at = connection.execute(select(column.station, column.evse).order_by(column.station, column.evse).limit(1)).first()
    while at is not None:
        found.append((at[0], at[1]))
        next_evse = select(column.station, column.evse).where(column.station == at[0], column.evse > at[1])
        next_station = select(column.station, column.evse).where(column.station > at[0])
        at = (
            connection.execute(next_evse.order_by(column.evse).limit(1)).first()
            or connection.execute(next_station.order_by(column.station, column.evse).limit(1)).first()
        )
    return found
