"""Counts for the first look, by tenant: implements `fleet.overview.OverviewSource`."""

from typing import Any

from sqlalchemy import Connection, func

from sunpile.basics.scope import Scope
from sunpile.fleet.overview import Kept
from sunpile.store.database import Database
from sunpile.store.scoped import scoped
from sunpile.store.tables import sessions, stations
from sunpile.store.upkeep_tables import alerts


class OverviewStore:
    """Reads only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def kept(self, scope: Scope, since: int) -> Kept:
        """See `OverviewSource.kept`."""

        def work(connection: Connection) -> Kept:
            ids = frozenset(connection.scalars(scoped(stations, scope, stations.c.station)))
            columns = (func.count(), func.coalesce(func.sum(sessions.c.wh), 0))
            today = scoped(sessions, scope, *columns).where(sessions.c.started_at >= since)
            counts: Any = connection.execute(today).one()
            held = connection.scalar(scoped(sessions, scope, func.count()).where(sessions.c.state == "held")) or 0
            counted = scoped(alerts, scope, alerts.c.state, func.count()).group_by(alerts.c.state)
            rows: Any = connection.execute(counted.where(alerts.c.state != "closed")).all()
            by_state = {str(row[0]): int(row[1]) for row in rows}
            return Kept(ids, int(counts[0]), int(counts[1]), int(held), by_state)

        return await self._database.read(work)
