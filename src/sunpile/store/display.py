"""Display messages in SQL: implements `fleet.display.DisplayStore`."""

from collections.abc import Sequence

from pydantic import TypeAdapter
from sqlalchemy import Connection, delete, insert, or_, select, update

from sunpile.basics.errors import NotFound
from sunpile.basics.scope import Scope
from sunpile.fleet.display import Shown, WantedMessage
from sunpile.store.database import Database
from sunpile.store.scoped import own_station
from sunpile.store.token_tables import display_messages, station_messages

MESSAGE = TypeAdapter(WantedMessage)


class DisplayDatabase:
    """`DisplayStore` on the store's door."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, scope: Scope, message: WantedMessage, now: int) -> WantedMessage | None:
        """See `DisplayStore.save`."""
        body = {"body": MESSAGE.dump_json(message).decode(), "station": message.station, "changed_at": now}

        def work(connection: Connection) -> WantedMessage | None:
            if message.station is not None:
                own_station(connection, scope, message.station)
            before = _find(connection, scope, message.id)
            which = (display_messages.c.tenant == scope.tenant) & (display_messages.c.message == message.id)
            if before is None:
                row = {"tenant": scope.tenant, "message": message.id} | body
                connection.execute(insert(display_messages).values(row))
            else:
                connection.execute(update(display_messages).where(which).values(body))
            return before

        return await self._database.write(work)

    async def remove(self, scope: Scope, message: int) -> WantedMessage:
        """See `DisplayStore.remove`."""

        def work(connection: Connection) -> WantedMessage:
            found = _find(connection, scope, message)
            if found is None:
                raise NotFound("there is no such message")
            which = (display_messages.c.tenant == scope.tenant) & (display_messages.c.message == message)
            connection.execute(delete(display_messages).where(which))
            return found

        return await self._database.write(work)

    async def wanted(self, scope: Scope, station: str | None = None) -> Sequence[WantedMessage]:
        """See `DisplayStore.wanted`."""
        query = select(display_messages.c.body).where(display_messages.c.tenant == scope.tenant)
        if station is not None:
            query = query.where(or_(display_messages.c.station.is_(None), display_messages.c.station == station))
        query = query.order_by(display_messages.c.message)

        def work(connection: Connection) -> list[WantedMessage]:
            if station is not None:
                own_station(connection, scope, station)
            return [MESSAGE.validate_json(row[0]) for row in connection.execute(query)]

        return await self._database.read(work)

    async def known(self, station: str) -> Sequence[Shown]:
        """See `DisplayStore.known`."""
        query = select(station_messages).where(station_messages.c.station == station)
        rows = await self._database.read(lambda c: c.execute(query).all())
        return [Shown(row.message, bytes(row.body_hash), row.status) for row in rows]

    async def keep(self, station: str, shown: Sequence[Shown], gone: Sequence[int], now: int) -> None:
        """See `DisplayStore.keep`."""
        old = [*gone, *(one.id for one in shown)]
        rows = [
            {"station": station, "message": one.id, "body_hash": one.digest, "status": one.status, "changed_at": now}
            for one in shown
        ]

        def work(connection: Connection) -> None:
            which = (station_messages.c.station == station) & station_messages.c.message.in_(old)
            connection.execute(delete(station_messages).where(which))
            if rows:
                connection.execute(insert(station_messages), rows)

        await self._database.write(work)


def _find(connection: Connection, scope: Scope, message: int) -> WantedMessage | None:
    query = select(display_messages.c.body).where(
        display_messages.c.tenant == scope.tenant, display_messages.c.message == message
    )
    row = connection.execute(query).first()
    return MESSAGE.validate_json(row[0]) if row else None
