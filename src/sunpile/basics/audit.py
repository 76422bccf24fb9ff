"""Whoever changes something on behalf of staff records it: who, what, before and after, and why."""

from collections.abc import Mapping
from typing import Any, Protocol

from sunpile.basics.scope import Scope


class Audit(Protocol):
    """The audit log. Returns when the record is durable; it can never be changed afterwards."""

    async def record(
        self,
        scope: Scope,
        action: str,
        object: str,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> None:
        """Record `action` (as `station.change`) on `object` (as `station:SP-1`).

        `before` and `after` are ready for JSON and hold no secret; None where there was, or is, nothing.
        """
        ...


class NoAudit:
    """Forgets everything: for tests, and for parts that run without a store."""

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
