"""What stations last accepted as their local list: implements `fleet.local_lists.ListStore`."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from sunpile.basics.errors import NotFound
from sunpile.basics.scope import Scope
from sunpile.fleet.local_lists import Known, from_json, to_json
from sunpile.store.database import Database
from sunpile.store.tables import stations
from sunpile.store.token_tables import local_lists
from sunpile.store.upkeep_tables import station_cards


class ListDatabase:
    """`ListStore` on the store's door."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self, station: str) -> Known:
        """See `ListStore.known`."""
        query = select(local_lists).where(local_lists.c.station == station)
        row = await self._database.read(lambda c: c.execute(query).first())
        return Known(row.version, from_json(row.entries), row.state, row.reason) if row else Known()

    async def keep(self, station: str, known: Known, now: int) -> None:
        """See `ListStore.keep`."""
        values = {
            "version": known.version,
            "entries": to_json(known.lines),
            "state": known.state,
            "reason": known.reason,
            "changed_at": now,
        }

        def work(connection: Connection) -> None:
            change = update(local_lists).where(local_lists.c.station == station).values(values)
            if connection.execute(change).rowcount == 0:
                connection.execute(insert(local_lists).values({"station": station} | values))

        await self._database.write(work)

    async def place(self, scope: Scope, station: str) -> str:
        """See `ListStore.place`."""
        query = (
            select(station_cards.c.site)
            .select_from(stations.outerjoin(station_cards, station_cards.c.station == stations.c.station))
            .where(stations.c.station == station, stations.c.tenant == scope.tenant)
        )
        row = await self._database.read(lambda c: c.execute(query).first())
        if row is None:
            raise NotFound(f"there is no station {station}")
        return row[0] or ""

    async def states(self, scope: Scope) -> Sequence[tuple[str, Known]]:
        """See `ListStore.states`."""
        query = (
            select(local_lists)
            .join(stations, stations.c.station == local_lists.c.station)
            .where(stations.c.tenant == scope.tenant)
            .order_by(local_lists.c.station)
        )
        rows = await self._database.read(lambda c: c.execute(query).all())
        return [(row.station, Known(row.version, from_json(row.entries), row.state, row.reason)) for row in rows]
