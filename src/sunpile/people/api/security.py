"""Security events of stations, for staff."""

from collections.abc import Sequence
from typing import Annotated, Protocol

from fastapi import APIRouter, Query

from sunpile.basics.scope import Scope
from sunpile.chargers.certificates.ports import SecurityRecord
from sunpile.people.api.staff import Reader

Moment = Annotated[int, Query(ge=0, lt=1 << 40)]


class SecurityList(Protocol):
    """Where security events are listed."""

    async def listed(
        self,
        scope: Scope,
        station: str | None = None,
        kind: str | None = None,
        critical: bool | None = None,
        since: int | None = None,
        until: int | None = None,
        before_id: int | None = None,
        limit: int = 100,
    ) -> Sequence[SecurityRecord]: ...


def router(events: SecurityList) -> APIRouter:
    """Routes over security events."""
    routes = APIRouter(prefix="/api", tags=["certificates"])

    @routes.get("/security-events")
    async def listed(
        scope: Reader,
        station: Annotated[str | None, Query(max_length=48)] = None,
        kind: Annotated[str | None, Query(max_length=50)] = None,
        critical: bool | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        before_id: Annotated[int | None, Query(ge=1)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[SecurityRecord]:
        """Security events, newest first; the next page with `before_id`, the last one's `id`."""
        found = await events.listed(scope, station, kind, critical, since, until, before_id, limit)
        return list(found)

    return routes
