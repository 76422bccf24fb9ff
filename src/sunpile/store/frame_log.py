"""Reading the raw message log, by tenant."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, select

from sunpile.basics.scope import Scope
from sunpile.fleet.frames import FramePage, FrameQuery, FrameView, RawFrame, fits, paired, read_frame
from sunpile.store.database import Database
from sunpile.store.scoped import own_station
from sunpile.store.tables import frames

CHUNK = 1000
SCANNED_MAX = 20_000
"""A page looks at no more frames than this; what is rarer is found on the next ones."""
MARGIN = 64
"""Older frames that are looked at too, so that an answer at the end of a page finds its call."""


class FrameLog:
    """Queries over `ocpp_frames`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, scope: Scope, query: FrameQuery) -> FramePage:
        """Frames that fit, newest first.

        Raises
        ------
        NotFound
            if the tenant has no such station.
        """
        return await self._database.read(lambda connection: _page(connection, scope, query))

    async def all(self, scope: Scope, query: FrameQuery) -> AsyncGenerator[list[FrameView]]:
        """All frames that fit, newest first, in pieces; the store is not held meanwhile.

        Raises
        ------
        NotFound
            if the tenant has no such station.
        """
        at = query
        while True:
            page = await self.page(scope, at)
            yield list(page.frames)
            if page.next is None:
                return
            at = replace(query, before=page.next)


def _page(connection: Connection, scope: Scope, query: FrameQuery) -> FramePage:
    own_station(connection, scope, query.station)
    found: list[FrameView] = []
    before, scanned = query.before, 0
    while True:
        rows = [RawFrame(*row) for row in connection.execute(_statement(query, before).limit(CHUNK + MARGIN))]
        views = paired([read_frame(row) for row in reversed(rows)])
        chunk = list(reversed(views))[:CHUNK]
        for view in chunk:
            scanned += 1
            if fits(view, query):
                found.append(view)
            if len(found) == query.limit or scanned == SCANNED_MAX:
                return FramePage(tuple(found), view.id)
        if len(rows) < CHUNK + MARGIN:
            return FramePage(tuple(found), None)
        before = chunk[-1].id


def _statement(query: FrameQuery, before: int | None) -> Select[*tuple[Any, ...]]:
    table = frames
    statement = select(table.c.id, table.c.station, table.c.at, table.c.incoming, table.c.frame)
    statement = statement.where(table.c.station == query.station)
    if query.since is not None:
        statement = statement.where(table.c.at >= query.since)
    if query.until is not None:
        statement = statement.where(table.c.at < query.until)
    if before is not None:
        # By time first, as the index is; the time of a frame is that of its receipt.
        at = select(table.c.at).where(table.c.id == before).scalar_subquery()
        statement = statement.where(table.c.at <= at, (table.c.at < at) | (table.c.id < before))
    if query.message_id:
        # Narrow here, decide in `fits`: a frame may hold the id with other blanks around it.
        statement = statement.where(table.c.frame.contains(query.message_id, autoescape=True))
    elif query.text and not query.action:
        statement = statement.where(table.c.frame.icontains(query.text, autoescape=True))
    return statement.order_by(table.c.at.desc(), table.c.id.desc())
