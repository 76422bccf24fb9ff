"""What the node is, and what is not plain JSON: the live feed, figures for Prometheus, the chain's JSON-RPC."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from sunpile.people.api.access import Served, anyone, bearer, chain_reader, is_admin, reader
from sunpile.people.feed import EventHub
from sunpile.people.ports import LiveEvent
from sunpile.people.reads import NodeInfo

router = APIRouter(tags=["live"])
FIRST = "retry: 2000\n\n"
PUBLIC_KINDS = frozenset({"interval", "batch", "power", "session", "clock", "lagged"})
"""What everybody may hear of a town. All else is about stations and staff of one tenant: see `staff_live`."""


@router.get("/api/info", dependencies=[Depends(anyone)])
async def info(services: Served, request: Request) -> NodeInfo:
    """What a client needs before its first signature."""
    known = await services.view.info()
    base = str(request.base_url).rstrip("/")
    return replace(known, rpc=known.rpc or f"{base}/rpc") if known.contracts else known


def as_text(event: LiveEvent | None) -> str:
    """One server-sent event; a comment for a sign of life."""
    if event is None:
        return ": alive\n\n"
    return f"event: {event.kind}\ndata: {json.dumps(dict(event.data), separators=(',', ':'), default=str)}\n\n"


def for_strangers(event: LiveEvent, public_points: frozenset[int]) -> LiveEvent:
    """A power event without the homes."""
    if event.kind != "power":
        return event
    points = cast("Mapping[str, Any]", event.data.get("points", {}))
    kept = {point: value for point, value in points.items() if int(point) in public_points}
    return LiveEvent("power", {**event.data, "points": kept})


@router.get("/api/stream", response_class=StreamingResponse)
async def stream(services: Served, request: Request, sees_homes: Annotated[bool, Depends(reader)]) -> StreamingResponse:
    """Live events: interval, batch, power, session, clock; `lagged` means: read everything again."""
    # Open homes (`open_town`) are still no open books: runs, alerts, payments are the node's and its tenants'.
    owner = is_admin(bearer(request), services.settings)
    # Where nothing is traded there is no town: sessions are their operators' affair.
    kinds = PUBLIC_KINDS if services.settings.market else PUBLIC_KINDS - {"session"}
    public: frozenset[int] = frozenset()
    if not sees_homes:
        town = await services.view.town()
        public = frozenset(point.point for point in town.points if point.kind in ("pile", "battery"))
    stack = AsyncExitStack()
    events: AsyncGenerator[LiveEvent | None] = await stack.enter_async_context(services.events.subscribe())

    async def text() -> AsyncIterator[str]:
        async with stack:
            yield FIRST
            async for event in events:
                if event is None or owner:
                    yield as_text(event)
                elif event.kind in kinds:
                    yield as_text(event if sees_homes else for_strangers(event, public))

    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(text(), 200, headers, "text/event-stream", BackgroundTask(stack.aclose))


@router.get("/metrics", dependencies=[Depends(anyone)], response_class=Response)
async def metrics(services: Served) -> Response:
    """Figures for Prometheus."""
    live = services.events.listeners if isinstance(services.events, EventHub) else 0
    text = services.metrics.render(await services.view.totals(), live)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


@router.post("/rpc", dependencies=[Depends(chain_reader)], response_class=Response)
async def rpc(services: Served, request: Request) -> Response:
    """The chain's JSON-RPC, read methods and raw transactions only."""
    return Response(await services.rpc.handle(await request.body()), media_type="application/json")
