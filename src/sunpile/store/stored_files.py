"""What is known of files, and which one-time addresses were used: implements `fleet.files.FileBook`."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, exists, insert, select, update

from sunpile.basics.errors import NotFound
from sunpile.basics.scope import Scope
from sunpile.fleet.files import StoredFile
from sunpile.fleet.uploads import Ticket
from sunpile.store.database import Database
from sunpile.store.scoped import scoped, tenant_of
from sunpile.store.upkeep_tables import file_tickets, stored_files

_FILE = ("file", "kind", "station", "name", "size", "sha256", "at")


class FileStore:
    """`FileBook` on the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, tenant: str, file: StoredFile) -> None:
        """See `FileBook.add`."""
        row = {name: getattr(file, name) for name in _FILE} | {"tenant": tenant, "detail": json.dumps(file.detail)}
        await self._database.write(lambda connection: connection.execute(insert(stored_files).values(row)))

    async def listing(self, scope: Scope, kind: str, station: str, limit: int) -> Sequence[StoredFile]:
        """See `FileBook.listing`."""
        query = scoped(stored_files, scope)
        for column, value in ((stored_files.c.kind, kind), (stored_files.c.station, station)):
            if value:
                query = query.where(column == value)
        query = query.order_by(stored_files.c.at.desc(), stored_files.c.file).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [_file(row) for row in rows]

    async def get(self, scope: Scope, file: str) -> StoredFile:
        """See `FileBook.get`. Raises `NotFound`."""
        query = scoped(stored_files, scope).where(stored_files.c.file == file)
        row = await self._database.read(lambda connection: connection.execute(query).mappings().first())
        if row is None:
            raise NotFound(f"there is no file {file}")
        return _file(row)

    async def find(self, file: str) -> StoredFile | None:
        """See `FileBook.find`."""
        query = select(stored_files).where(stored_files.c.file == file)
        row = await self._database.read(lambda connection: connection.execute(query).mappings().first())
        return None if row is None else _file(row)

    async def detail(self, scope: Scope, file: str, detail: dict[str, Any]) -> None:
        """See `FileBook.detail`."""
        which = (stored_files.c.file == file) & (stored_files.c.tenant == scope.tenant)
        change = update(stored_files).where(which).values(detail=json.dumps(detail))
        await self._database.write(lambda connection: connection.execute(change))

    async def remove(self, scope: Scope, file: str) -> bool:
        """See `FileBook.remove`."""

        def work(connection: Connection) -> bool:
            which = (stored_files.c.file == file) & (stored_files.c.tenant == scope.tenant)
            content = connection.scalar(select(stored_files.c.sha256).where(which))
            connection.execute(delete(stored_files).where(which))
            return content is not None and _is_free(connection, content)

        return await self._database.write(work)

    async def forget(self, kinds: Sequence[str], before: int) -> Sequence[str]:
        """See `FileBook.forget`; old tickets go too."""

        def work(connection: Connection) -> list[str]:
            old = stored_files.c.kind.in_(kinds) & (stored_files.c.at < before)
            contents = list(connection.scalars(select(stored_files.c.sha256).where(old).distinct()))
            connection.execute(delete(stored_files).where(old))
            connection.execute(delete(file_tickets).where(file_tickets.c.expires_at < before))
            return [content for content in contents if _is_free(connection, content)]

        return await self._database.write(work)

    async def tenant_of(self, station: str) -> str | None:
        """See `FileBook.tenant_of`."""
        return await self._database.read(lambda connection: tenant_of(connection, station))

    # -- tickets --------------------------------------------------------------------------------------------------

    async def issue(self, ticket: Ticket, at: int) -> None:
        """See `FileBook.issue`."""
        row = {name: getattr(ticket, name) for name in ("nonce", "station", "purpose", "subject", "expires_at")}
        await self._database.write(
            lambda connection: connection.execute(insert(file_tickets).values(row | {"issued_at": at}))
        )

    async def use(self, ticket: Ticket, at: int) -> bool:
        """See `FileBook.use`."""
        change = update(file_tickets).where(_just(ticket), file_tickets.c.used_at.is_(None)).values(used_at=at)
        return await self._database.write(lambda connection: connection.execute(change).rowcount) == 1

    async def used(self, ticket: Ticket) -> bool:
        """See `FileBook.used`."""
        query = select(file_tickets.c.nonce).where(_just(ticket), file_tickets.c.used_at.is_(None))
        return await self._database.read(lambda connection: connection.scalar(query)) is None

    async def unuse(self, ticket: Ticket) -> None:
        """See `FileBook.unuse`."""
        change = update(file_tickets).where(_just(ticket)).values(used_at=None)
        await self._database.write(lambda connection: connection.execute(change))


def _just(ticket: Ticket) -> Any:
    return (
        (file_tickets.c.nonce == ticket.nonce)
        & (file_tickets.c.station == ticket.station)
        & (file_tickets.c.purpose == ticket.purpose)
        & (file_tickets.c.subject == ticket.subject)
    )


def _is_free(connection: Connection, content: str) -> bool:
    return not connection.scalar(select(exists().where(stored_files.c.sha256 == content)))


def _file(row: Any) -> StoredFile:
    return StoredFile(*(row[name] for name in _FILE), detail=json.loads(row["detail"]))
