"""How long a node keeps things: a setting staff can change while it runs."""

from dataclasses import asdict
from typing import Protocol

from sunpile.basics.audit import Audit
from sunpile.basics.errors import Forbidden
from sunpile.basics.scope import DEFAULT_TENANT, Scope
from sunpile.fleet.upkeep import Retention


class RetentionBook(Protocol):
    """Where it is kept."""

    async def get(self) -> Retention: ...
    async def put(self, retention: Retention) -> None: ...


class RetentionDesk:
    """The service."""

    def __init__(self, book: RetentionBook, audit: Audit) -> None:
        self._book, self._audit = book, audit

    async def get(self) -> Retention:
        """What holds now."""
        return await self._book.get()

    async def put(self, scope: Scope, retention: Retention) -> Retention:
        """Change it, for all tenants.

        Raises
        ------
        Forbidden
            to staff of another tenant than the node's own.
        """
        scope.need("manage")
        if scope.tenant != DEFAULT_TENANT:
            raise Forbidden("what a node keeps is for whoever runs it to say")
        before = await self._book.get()
        await self._book.put(retention)
        await self._audit.record(scope, "retention.change", "node", asdict(before), asdict(retention))
        return retention
