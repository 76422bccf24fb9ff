"""The live feed for staff: events of their own tenant, as they happen."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse

from sunpile.basics.scope import Scope
from sunpile.people.api.live import FIRST, PUBLIC_KINDS, as_text
from sunpile.people.api.staff import Reader
from sunpile.people.ports import Events, LiveEvent

TenantOf = Callable[[str], Awaitable[str | None]]
"""Whose a station is."""
KNOWN_MAX = 100_000


class Ours:
    """Which events are a tenant's. Deny by default: what names neither tenant nor station is nobody's."""

    def __init__(self, tenant_of: TenantOf) -> None:
        self._tenant_of = tenant_of
        self._known: dict[str, str] = {}

    async def __call__(self, scope: Scope, event: LiveEvent) -> bool:
        """True if `event` is for `scope`."""
        # Sessions are for everybody in a town, but not for an operator's competitor on the same node.
        if event.kind in PUBLIC_KINDS and event.kind != "session":
            return True
        tenant = event.data.get("tenant")
        if tenant is not None:
            return tenant == scope.tenant
        station = event.data.get("station")
        return isinstance(station, str) and await self._whose(station, event.kind) == scope.tenant

    async def _whose(self, station: str, kind: str) -> str | None:
        # A station that is registered anew may be another tenant's.
        if kind == "station":
            self._known.pop(station, None)
        if station not in self._known:
            found = await self._tenant_of(station)
            if found is None:
                return None
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            self._known[station] = found
        return self._known[station]


def router(events: Events, tenant_of: TenantOf) -> APIRouter:
    """The route over the node's feed."""
    routes = APIRouter(prefix="/api", tags=["live"])
    ours = Ours(tenant_of)

    @routes.get("/staff/stream", response_class=StreamingResponse)
    async def stream(scope: Reader) -> StreamingResponse:
        """Live events of the tenant's stations, runs, alerts; `lagged` means: read everything again."""
        stack = AsyncExitStack()
        heard: AsyncGenerator[LiveEvent | None] = await stack.enter_async_context(events.subscribe())

        async def text() -> AsyncIterator[str]:
            async with stack:
                yield FIRST
                async for event in heard:
                    if event is None or await ours(scope, event):
                        yield as_text(event)

        headers = {"X-Accel-Buffering": "no"}
        return StreamingResponse(text(), 200, headers, "text/event-stream", BackgroundTask(stack.aclose))

    return routes
