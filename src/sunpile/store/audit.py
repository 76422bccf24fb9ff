"""The audit log in SQL: implements `basics.audit.Audit`. Nothing here changes or deletes a record."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.identity.ports import AuditSearch
from sunpile.identity.trail import GENESIS, Entry, Verdict, canonical, check, entry_hash
from sunpile.store.database import Database, without_nul
from sunpile.store.identity_tables import audit_heads, audit_log

_L = audit_log.c
_NAMES = tuple(column.name for column in audit_log.columns)
PAGE = 1_000


class AuditDatabase:
    """The log on the store's door. The writer is one thread, so records of a tenant come one after the other."""

    def __init__(self, database: Database, clock: Clock, changed: Callable[[str, dict[str, Any]], None] | None = None):
        self._database, self._clock, self._changed = database, clock, changed

    async def record(
        self,
        scope: Scope,
        action: str,
        object: str,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> None:
        """See `Audit.record`."""
        texts = canonical(before), canonical(after)
        now = self._clock.now()
        object, reason = without_nul(object)[:255], without_nul(reason)
        draft = Entry(scope.tenant, 0, now, scope.actor, action[:64], object, *texts, reason, b"", b"")
        await self._database.write(lambda connection: append(connection, draft))
        if self._changed is not None:
            self._changed("audit", {"action": draft.action, "object": draft.object, "tenant": scope.tenant})

    async def search(self, scope: Scope, wanted: AuditSearch) -> Sequence[Entry]:
        """Records of the scope's tenant that fit, newest first."""
        query = _entries(scope.tenant).order_by(_L.number.desc()).limit(wanted.limit)
        conditions = (
            (wanted.actor, _L.actor == wanted.actor),
            (wanted.action, _L.action.startswith(wanted.action or "", autoescape=True)),
            (wanted.object, _L.object == wanted.object),
            (wanted.since, _L.at >= (wanted.since or 0)),
            (wanted.until, _L.at < (wanted.until or 0)),
            (wanted.before, _L.number < (wanted.before or 0)),
        )
        for value, condition in conditions:
            query = query.where(condition) if value is not None else query
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_entry(row) for row in rows]

    async def verify(self, scope: Scope) -> Verdict:
        """Follow the whole chain of the scope's tenant."""

        def work(connection: Connection) -> Verdict:
            head = connection.execute(select(audit_heads).where(audit_heads.c.tenant == scope.tenant)).first()
            last = (int(head.number), bytes(head.hash)) if head is not None else (0, GENESIS)
            return check(_all(connection, scope.tenant, last[0]), last)

        return await self._database.read(work)


def append(connection: Connection, draft: Entry) -> None:
    """Write a record behind the last one of its tenant."""
    # Several processes may share the database: the head's row is locked, and a first record is raced for by its key.
    query = select(audit_heads).where(audit_heads.c.tenant == draft.tenant).with_for_update()
    head = connection.execute(query).first()
    number, previous = (int(head.number) + 1, bytes(head.hash)) if head is not None else (1, GENESIS)
    entry = replace(draft, number=number, previous=previous)
    entry = replace(entry, hash=entry_hash(entry))
    connection.execute(insert(audit_log).values({name: getattr(entry, name) for name in _NAMES}))
    if head is None:
        connection.execute(insert(audit_heads).values(tenant=entry.tenant, number=number, hash=entry.hash))
    else:
        moved = update(audit_heads).where(audit_heads.c.tenant == entry.tenant)
        connection.execute(moved.values(number=number, hash=entry.hash))


def _all(connection: Connection, tenant: str, last: int) -> Iterator[Entry]:
    # Page by page; not beyond the head that was read first, as records go on being written.
    done = 0
    while True:
        query = _entries(tenant).where(_L.number > done, _L.number <= last).order_by(_L.number).limit(PAGE)
        rows = connection.execute(query).all()
        for row in rows:
            yield _entry(row)
            done = int(row.number)
        if len(rows) < PAGE:
            return


def _entries(tenant: str) -> Select[Any]:
    return select(audit_log).where(_L.tenant == tenant)


def _entry(row: Any) -> Entry:
    values: dict[str, Any] = {name: getattr(row, name) for name in _NAMES}
    values |= {"previous": bytes(row.previous), "hash": bytes(row.hash)}
    return Entry(**values)
