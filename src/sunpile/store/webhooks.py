"""Webhooks and their outbox in SQL: implements `WebhookStore`."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from sunpile.basics.errors import NotFound
from sunpile.basics.scope import Scope
from sunpile.fleet.webhooks import Delivery, Hook
from sunpile.store.database import Database, without_nul
from sunpile.store.scoped import scoped, tenant_of
from sunpile.store.webhook_tables import webhook_deliveries, webhooks

_H, _D = webhooks.c, webhook_deliveries.c
_HOOK = tuple(column.name for column in webhooks.columns)
_DELIVERY = tuple(column.name for column in webhook_deliveries.columns)


class WebhookDatabase:
    """Hooks on the store's door."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, hook: Hook) -> None:
        """Keep a hook."""
        await self._database.write(lambda connection: connection.execute(insert(webhooks).values(_row(hook))))

    async def hooks(self, scope: Scope) -> Sequence[Hook]:
        """The tenant's hooks, oldest first."""
        query = scoped(webhooks, scope).order_by(_H.created_at, _H.hook)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_hook(row) for row in rows]

    async def hook(self, scope: Scope, hook: str) -> Hook:
        """See `WebhookStore.hook`."""
        return await self._database.read(lambda connection: _own(connection, scope, hook))

    async def save(self, scope: Scope, hook: Hook) -> None:
        """Keep a changed hook."""

        def work(connection: Connection) -> None:
            _own(connection, scope, hook.hook)
            connection.execute(update(webhooks).where(_H.hook == hook.hook).values(_row(hook)))

        await self._database.write(work)

    async def remove(self, scope: Scope, hook: str) -> None:
        """See `WebhookStore.remove`."""

        def work(connection: Connection) -> None:
            _own(connection, scope, hook)
            connection.execute(delete(webhook_deliveries).where(_D.hook == hook))
            connection.execute(delete(webhooks).where(_H.hook == hook))

        await self._database.write(work)

    async def of_tenant(self, tenant: str) -> Sequence[Hook]:
        """Hooks of a tenant, for its events."""
        query = select(webhooks).where(_H.tenant == tenant)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_hook(row) for row in rows]

    async def tenant_of(self, station: str) -> str | None:
        """Whose a station is."""
        return await self._database.read(lambda connection: tenant_of(connection, station))

    async def some(self) -> bool:
        """See `WebhookStore.some`."""
        query = select(_H.hook).limit(1)
        return await self._database.read(lambda connection: connection.scalar(query)) is not None

    # -- outbox -----------------------------------------------------------------------------------------------------

    async def put(self, deliveries: Sequence[Delivery]) -> None:
        """See `WebhookStore.put`. A hook that was taken away meanwhile gets none."""

        def work(connection: Connection) -> None:
            known = select(_H.hook).where(_H.hook.in_({made.hook for made in deliveries}))
            there = set(connection.scalars(known))
            rows = [asdict(made) for made in deliveries if made.hook in there]
            if rows:
                connection.execute(insert(webhook_deliveries), rows)

        await self._database.write(work)

    async def take(self, now: int, until: int, limit: int, without: Collection[str]) -> Sequence[tuple[Delivery, Hook]]:
        """See `WebhookStore.take`."""
        due = select(_D.delivery, func.row_number().over(partition_by=_D.hook, order_by=(_D.due_at, _D.made_at)))
        due = due.where(_D.state == "waiting", _D.due_at <= now, _D.hook.not_in(list(without)))
        if not await self._database.read(lambda connection: connection.execute(due.limit(1)).first()):
            return []
        ranked = due.add_columns(_D.due_at.label("due")).subquery()
        first = select(ranked.c.delivery).where(ranked.c[1] == 1).order_by(ranked.c.due).limit(limit)

        def work(connection: Connection) -> Sequence[tuple[Delivery, Hook]]:
            taken: list[tuple[Delivery, Hook]] = []
            for name in connection.scalars(first).all():
                # Another process may have been faster: who moves the time has it.
                mine = update(webhook_deliveries).where(_D.delivery == name, _D.state == "waiting", _D.due_at <= now)
                if connection.execute(mine.values(due_at=until)).rowcount:
                    row = connection.execute(select(webhook_deliveries).where(_D.delivery == name)).one()
                    hook = connection.execute(select(webhooks).where(_H.hook == row.hook)).one()
                    taken.append((_delivery(row), _hook(hook)))
            return taken

        return await self._database.write(work)

    async def saved(self, delivery: Delivery) -> None:
        """Keep what came of an attempt."""
        values = asdict(delivery)
        names = ("state", "attempts", "due_at", "last_status", "last_fault")
        values = {name: values[name] for name in names} | {"last_fault": without_nul(delivery.last_fault)}
        after = update(webhook_deliveries).where(_D.delivery == delivery.delivery).values(values)
        await self._database.write(lambda connection: connection.execute(after))

    async def deliveries(self, scope: Scope, hook: str, limit: int) -> Sequence[Delivery]:
        """See `WebhookStore.deliveries`."""

        def work(connection: Connection) -> Sequence[Delivery]:
            _own(connection, scope, hook)
            query = scoped(webhook_deliveries, scope).where(_D.hook == hook)
            query = query.order_by(_D.made_at.desc(), _D.delivery).limit(limit)
            return [_delivery(row) for row in connection.execute(query)]

        return await self._database.read(work)

    async def again(self, scope: Scope, hook: str, delivery: str, now: int) -> None:
        """See `WebhookStore.again`."""

        def work(connection: Connection) -> None:
            _own(connection, scope, hook)
            which = update(webhook_deliveries).where(_D.delivery == delivery, _D.hook == hook)
            if not connection.execute(which.values(state="waiting", attempts=0, due_at=now)).rowcount:
                raise NotFound(f"there is no delivery {delivery}")

        await self._database.write(work)

    async def forget(self, before: int) -> int:
        """Delete deliveries that are over and were made before `before` [Unix s]; return how many."""
        old = delete(webhook_deliveries).where(_D.state != "waiting", _D.made_at < before)
        return await self._database.write(lambda connection: connection.execute(old).rowcount)


def _own(connection: Connection, scope: Scope, hook: str) -> Hook:
    row = connection.execute(scoped(webhooks, scope).where(_H.hook == hook)).first()
    if row is None:
        raise NotFound(f"there is no webhook {hook}")
    return _hook(row)


def _row(hook: Hook) -> dict[str, Any]:
    return asdict(hook) | {"events": json.dumps(hook.events)}


def _hook(row: Any) -> Hook:
    values: dict[str, Any] = {name: getattr(row, name) for name in _HOOK}
    values |= {"events": tuple(json.loads(row.events)), "paused": bool(row.paused)}
    return Hook(**values)


def _delivery(row: Any) -> Delivery:
    values: dict[str, Any] = {name: getattr(row, name) for name in _DELIVERY}
    return Delivery(**values)
