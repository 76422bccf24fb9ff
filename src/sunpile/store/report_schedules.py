"""Reports that make themselves, by tenant: implements `fleet.reports.ScheduleBook`."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select, update

from sunpile.basics.errors import NotFound
from sunpile.basics.scope import Scope
from sunpile.fleet.reports import Schedule
from sunpile.store.database import Database
from sunpile.store.scoped import scoped
from sunpile.store.upkeep_tables import report_schedules


class ScheduleStore:
    """`ScheduleBook` on the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def schedules(self, scope: Scope | None) -> Sequence[Schedule]:
        """See `ScheduleBook.schedules`; without a scope those of all tenants, for the clock."""
        table = report_schedules
        query = select(table) if scope is None else scoped(table, scope)
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [Schedule(**json.loads(row["body"]) | {"last_at": row["last_at"]}) for row in rows]

    async def save(self, schedule: Schedule) -> None:
        """See `ScheduleBook.save`."""
        table = report_schedules
        row = {"tenant": schedule.tenant, "body": json.dumps(asdict(schedule)), "last_at": schedule.last_at}

        def work(connection: Connection) -> None:
            change = update(table).where(table.c.schedule == schedule.schedule).values(row)
            if connection.execute(change).rowcount == 0:
                connection.execute(insert(table).values(row | {"schedule": schedule.schedule}))

        await self._database.write(work)

    async def remove(self, scope: Scope, schedule: str) -> None:
        """See `ScheduleBook.remove`."""
        table = report_schedules
        old = delete(table).where(table.c.schedule == schedule, table.c.tenant == scope.tenant)
        if await self._database.write(lambda connection: connection.execute(old).rowcount) == 0:
            raise NotFound(f"there is no schedule {schedule}")
