"""The raw message log of a station: look, search, export."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from sunpile.fleet.frames import FramePage, FrameQuery
from sunpile.fleet.tabular import csv_text, json_lines
from sunpile.fleet.upkeep_ports import FrameSource
from sunpile.people.api.staff import Reader

When = Annotated[int | None, Query(ge=0, lt=1 << 62)]
COLUMNS = ("id", "at", "incoming", "kind", "message_id", "action", "answers", "frame")
EXPORT_PAGE = 1000
TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}


def router(log: FrameSource) -> APIRouter:
    """Routes over the frame log."""
    routes = APIRouter(prefix="/api/stations/{station}/frames", tags=["frames"])

    @routes.get("")
    async def page(
        scope: Reader,
        station: str,
        since: When = None,
        until: When = None,
        incoming: bool | None = None,
        action: Annotated[str, Query(max_length=64)] = "",
        text: Annotated[str, Query(max_length=128)] = "",
        message_id: Annotated[str, Query(max_length=64)] = "",
        before: When = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> FramePage:
        """Frames, newest first. `message_id` shows a call with its answer; `before` turns the page."""
        query = FrameQuery(station, since, until, incoming, action, text, message_id, before, limit)
        return await log.page(scope, query)

    @routes.get("/export", response_class=StreamingResponse)
    async def export(
        scope: Reader,
        station: str,
        form: Annotated[Literal["ndjson", "csv"], Query(alias="format")] = "ndjson",
        since: When = None,
        until: When = None,
        incoming: bool | None = None,
        action: Annotated[str, Query(max_length=64)] = "",
        text: Annotated[str, Query(max_length=128)] = "",
    ) -> StreamingResponse:
        """All frames that fit, newest first, as JSON lines or CSV."""
        query = FrameQuery(station, since, until, incoming, action, text, limit=EXPORT_PAGE)
        pieces = log.all(scope, query)
        # The first piece is read before the answer begins, so that an unknown station is a 404.
        first = await anext(pieces)

        async def body() -> AsyncIterator[str]:
            yield _text(form, [asdict(frame) for frame in first], head=True)
            async for piece in pieces:
                yield _text(form, [asdict(frame) for frame in piece], head=False)

        headers = {"Content-Disposition": f'attachment; filename="frames.{form}"'}
        return StreamingResponse(body(), 200, headers, TYPES[form])

    return routes


def _text(form: str, rows: list[dict[str, object]], head: bool) -> str:
    return csv_text(COLUMNS, rows, head) if form == "csv" else json_lines(rows)
