"""Webhooks at work: subscriptions of a tenant, the outbox, and the loop that empties it."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sunpile.basics.audit import Audit
from sunpile.basics.errors import Conflict, StoreUnreachable
from sunpile.basics.jobs import goes_on
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.fleet.webhooks import (
    HOOKS_MAX,
    ID_HEADER,
    LEASE_S,
    SIGNATURE_HEADER,
    Delivery,
    Hook,
    Outcome,
    body_of,
    check_url,
    rotated,
    signature,
    tried,
)

log = logging.getLogger(__name__)
AT_ONCE = 16
"""Deliveries under way at once; of one hook one at a time."""
POLL_S = 1.0
"""How often the outbox is looked at [s, real time]; a new delivery wakes it at once."""
KNOWN_S = 10
"""How long it may take until other processes know of a change [s]."""


class WebhookStore(Protocol):
    """Where hooks and the outbox are kept; what takes a scope sees its tenant only."""

    async def add(self, hook: Hook) -> None: ...
    async def hooks(self, scope: Scope) -> Sequence[Hook]: ...
    async def hook(self, scope: Scope, hook: str) -> Hook:
        """Raises `NotFound`."""
        ...

    async def save(self, scope: Scope, hook: Hook) -> None: ...
    async def remove(self, scope: Scope, hook: str) -> None:
        """Forget it and its deliveries."""
        ...

    async def of_tenant(self, tenant: str) -> Sequence[Hook]: ...
    async def tenant_of(self, station: str) -> str | None: ...
    async def some(self) -> bool:
        """True if there is any hook of any tenant."""
        ...

    async def put(self, deliveries: Sequence[Delivery]) -> None:
        """Durable when it returns."""
        ...

    async def take(self, now: int, until: int, limit: int, without: Collection[str]) -> Sequence[tuple[Delivery, Hook]]:
        """Due deliveries, at most one of each hook, none `without`, oldest first; no one else's before `until`."""
        ...

    async def saved(self, delivery: Delivery) -> None: ...
    async def deliveries(self, scope: Scope, hook: str, limit: int) -> Sequence[Delivery]:
        """Newest first. Raises `NotFound`."""
        ...

    async def again(self, scope: Scope, hook: str, delivery: str, now: int) -> None:
        """Make it due anew. Raises `NotFound`."""
        ...


class Sender(Protocol):
    """The way out."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Send; a fault is an outcome too, never an exception."""
        ...


@dataclass(frozen=True, slots=True)
class HookMade:
    """A new hook, or a new secret."""

    hook: str
    """Its id."""
    secret: str
    """Checks signatures; shown only here."""


class Webhooks:
    """Webhooks of all tenants."""

    def __init__(
        self,
        store: WebhookStore,
        sender: Sender,
        audit: Audit,
        clock: Clock,
        plain_hosts: frozenset[str] = frozenset(),
    ) -> None:
        self._store, self._sender, self._audit, self._clock = store, sender, audit, clock
        self._plain = plain_hosts
        self._known: dict[str, tuple[int, Sequence[Hook]]] = {}
        self._tenants: dict[str, str] = {}
        self._wake = asyncio.Event()
        self._some: tuple[int, bool] = (0, False)

    # -- subscriptions ------------------------------------------------------------------------------------------------

    async def hooks(self, scope: Scope) -> Sequence[Hook]:
        """The tenant's hooks."""
        return await self._store.hooks(scope)

    async def hook(self, scope: Scope, hook: str) -> Hook:
        """One of them."""
        return await self._store.hook(scope, hook)

    async def add(self, scope: Scope, url: str, events: Sequence[str]) -> HookMade:
        """A new hook; its secret is shown only in this answer."""
        check_url(url, self._plain)
        if len(await self._store.hooks(scope)) >= HOOKS_MAX:
            raise Conflict(f"a tenant has at most {HOOKS_MAX} webhooks")
        secret, name = secrets.token_hex(32), secrets.token_hex(8)
        hook = Hook(name, scope.tenant, url, tuple(events), secret, "", 0, False, self._clock.now(), scope.actor)
        await self._store.add(hook)
        self._some = (0, False)
        self._known.pop(scope.tenant, None)
        await self._audit.record(scope, "webhook.add", f"webhook:{name}", None, facts(hook))
        return HookMade(name, secret)

    async def change(self, scope: Scope, hook: str, changes: Mapping[str, Any], reason: str = "") -> Hook:
        """Change URL, events, or whether it is paused."""
        before = await self._store.hook(scope, hook)
        after = replace(before, **changes)
        check_url(after.url, self._plain)
        await self._save(scope, after)
        await self._audit.record(scope, "webhook.change", f"webhook:{hook}", facts(before), facts(after), reason)
        return after

    async def rotate(self, scope: Scope, hook: str) -> HookMade:
        """A new secret; the old one signs beside it for a day."""
        after = rotated(await self._store.hook(scope, hook), secrets.token_hex(32), self._clock.now())
        await self._save(scope, after)
        await self._audit.record(scope, "webhook.rotate", f"webhook:{hook}", None, {"old_until": after.old_until})
        return HookMade(hook, after.secret)

    async def remove(self, scope: Scope, hook: str, reason: str = "") -> None:
        """Forget a hook, and what is on its way to it."""
        before = await self._store.hook(scope, hook)
        await self._store.remove(scope, hook)
        self._known.pop(scope.tenant, None)
        await self._audit.record(scope, "webhook.remove", f"webhook:{hook}", facts(before), None, reason)

    async def test(self, scope: Scope, hook: str) -> str:
        """Send a `webhook.test`, whatever the hook asked for; the delivery's id."""
        found = await self._store.hook(scope, hook)
        made = self._delivery(found, "webhook.test", {})
        await self._put([made])
        return made.delivery

    async def deliveries(self, scope: Scope, hook: str, limit: int) -> Sequence[Delivery]:
        """What was sent to a hook, newest first."""
        return await self._store.deliveries(scope, hook, limit)

    async def again(self, scope: Scope, hook: str, delivery: str) -> None:
        """Send one again."""
        await self._store.again(scope, hook, delivery, self._clock.now())
        self._wake.set()

    async def _save(self, scope: Scope, hook: Hook) -> None:
        await self._store.save(scope, hook)
        self._known.pop(scope.tenant, None)

    # -- the outbox ---------------------------------------------------------------------------------------------------

    async def listening(self) -> bool:
        """True if anybody has a hook: without one nobody need be asked whose station it is."""
        at, found = self._some
        now = self._clock.now()
        if not at or now > at + KNOWN_S:
            found = await self._store.some()
            self._some = (now, found)
        return found

    async def emit(self, tenant: str, kind: str, data: Mapping[str, Any]) -> int:
        """Tell every hook that wants to know; durable when it returns: how many will be told."""
        made = [self._delivery(hook, kind, data) for hook in await self._hooks(tenant) if hook.wants(kind)]
        if made:
            await self._put(made)
        return len(made)

    async def emit_of(self, station: str, kind: str, data: Mapping[str, Any]) -> int:
        """`emit` for the tenant whose station it is."""
        tenant = self._tenants.get(station)
        if tenant is None:
            tenant = await self._store.tenant_of(station)
            if tenant is None:
                return 0
            self._tenants[station] = tenant
        return await self.emit(tenant, kind, {"station": station, **data})

    def _delivery(self, hook: Hook, kind: str, data: Mapping[str, Any]) -> Delivery:
        name, now = secrets.token_hex(12), self._clock.now()
        body = body_of(name, kind, hook.tenant, now, data)
        return Delivery(name, hook.hook, hook.tenant, kind, body, now, due_at=now)

    async def _put(self, made: Sequence[Delivery]) -> None:
        await self._store.put(made)
        self._wake.set()

    async def _hooks(self, tenant: str) -> Sequence[Hook]:
        at, found = self._known.get(tenant, (0, ()))
        now = self._clock.now()
        if not at or now > at + KNOWN_S:
            found = await self._store.of_tenant(tenant)
            self._known[tenant] = (now, found)
        return found

    async def run(self) -> None:
        """Empty the outbox, for ever. A receiver that is slow holds up nobody else."""
        flying: dict[asyncio.Task[None], str] = {}

        def landed(task: asyncio.Task[None]) -> None:
            flying.pop(task, None)
            self._wake.set()

        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                for delivery, hook in await self._take(AT_ONCE - len(flying), frozenset(flying.values())):
                    task = group.create_task(self._try(delivery, hook))
                    flying[task] = hook.hook
                    task.add_done_callback(landed)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), POLL_S)

    async def round(self) -> int:
        """Try what is due, once; how many were tried."""
        taken = await self._take(AT_ONCE, frozenset())
        await asyncio.gather(*(self._try(delivery, hook) for delivery, hook in taken))
        return len(taken)

    async def _take(self, limit: int, without: frozenset[str]) -> Sequence[tuple[Delivery, Hook]]:
        now = self._clock.now()
        try:
            return await self._store.take(now, now + LEASE_S, limit, without) if limit else []
        except StoreUnreachable as fault:
            log.warning("webhooks wait: %s", fault.detail)
            return []

    async def _try(self, delivery: Delivery, hook: Hook) -> None:
        now = self._clock.now()
        headers = {
            "Content-Type": "application/json",
            ID_HEADER: delivery.delivery,
            SIGNATURE_HEADER: signature(hook, now, delivery.body),
        }
        with goes_on(f"delivery {delivery.delivery}"):
            outcome = await self._sender.post(hook.url, delivery.body.encode(), headers)
            await self._store.saved(tried(delivery, outcome, self._clock.now()))


def facts(hook: Hook) -> dict[str, Any]:
    """A hook without its secrets."""
    return {"hook": hook.hook, "url": hook.url, "events": list(hook.events), "paused": hook.paused}
