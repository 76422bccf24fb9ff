"""What stations said of a person, by tenant: implements `fleet.customers.CustomerBook`."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select, update

from sunpile.basics.errors import NotFound
from sunpile.basics.scope import Scope
from sunpile.fleet.customers import CustomerPart
from sunpile.store.database import Database
from sunpile.store.scoped import own_station, scoped
from sunpile.store.tables import stations
from sunpile.store.upkeep_tables import customer_requests

_PART = CustomerPart.__slots__


class CustomerStore:
    """`CustomerBook` on the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def stations(self, scope: Scope, names: Sequence[str]) -> Sequence[str]:
        """See `CustomerBook.stations`."""

        mine = scoped(stations, scope, stations.c.station).order_by(stations.c.station)

        def work(connection: Connection) -> Sequence[str]:
            for name in names:
                own_station(connection, scope, name)
            return list(dict.fromkeys(names)) or connection.scalars(mine).all()

        return await self._database.read(work)

    async def save(self, tenant: str, part: CustomerPart) -> None:
        """See `CustomerBook.save`."""
        table = customer_requests
        which = (table.c.request == part.request) & (table.c.station == part.station)

        def work(connection: Connection) -> None:
            if connection.execute(update(table).where(which).values(asdict(part))).rowcount == 0:
                connection.execute(insert(table).values(asdict(part) | {"tenant": tenant}))

        await self._database.write(work)

    async def find(self, station: str, request: int) -> tuple[str, CustomerPart] | None:
        """See `CustomerBook.find`."""
        table = customer_requests
        query = select(table).where(table.c.request == request, table.c.station == station)
        row = await self._database.read(lambda connection: connection.execute(query).mappings().first())
        return None if row is None else (row["tenant"], CustomerPart(*(row[name] for name in _PART)))

    async def parts(self, scope: Scope, request: int) -> Sequence[CustomerPart]:
        """See `CustomerBook.parts`."""
        table = customer_requests
        query = scoped(table, scope, *(table.c[name] for name in _PART)).where(table.c.request == request)
        rows = await self._database.read(lambda connection: connection.execute(query.order_by(table.c.station)).all())
        if not rows:
            raise NotFound(f"there is no wish {request}")
        return [CustomerPart(*row) for row in rows]

    async def forget(self, before: int) -> int:
        """Forget what was gathered before `before` [Unix s]."""
        old = delete(customer_requests).where(customer_requests.c.asked_at < before)
        return await self._database.write(lambda connection: connection.execute(old).rowcount)
