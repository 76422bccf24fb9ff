"""Rows for people, written a moment later in groups: nobody waits for them, and a crash may lose the last second."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from sqlalchemy import Connection

from sunpile.store.database import Database

log = logging.getLogger(__name__)
Row = TypeVar("Row")
FLUSH_S = 1.0


class Later(Generic[Row]):
    """`put` never waits. Rows are written after `FLUSH_S`, or as soon as there are `soon` of them."""

    def __init__(
        self,
        database: Database,
        write: Callable[[Connection, list[Row]], object],
        what: str,
        soon: int,
        at_once: int,
        most: int,
    ) -> None:
        """`at_once`: written by one unit of work. `most`: may wait while the store is slow, then the oldest go."""
        self._database, self._write, self._what = database, write, what
        self._soon, self._at_once, self._most = soon, at_once, most
        self._rows: list[Row] = []
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Task[None] | None = None
        self.dropped = 0

    def put(self, rows: Iterable[Row]) -> None:
        """Queue rows."""
        self._rows.extend(rows)
        if len(self._rows) > self._most:
            self.dropped += self._soon
            del self._rows[: self._soon]
            log.error("%d %s are dropped: the store is slow", self._soon, self._what)
        if self._rows and self._flushing is None:
            if len(self._rows) >= self._soon:
                self._start()
            elif self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self._start)

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        rows, self._rows = self._rows[: self._at_once], self._rows[self._at_once :]
        try:
            if rows:
                await self._database.write(lambda connection: self._write(connection, rows))
        except Exception:
            # What is for people must not stop the piles when the store cannot take it.
            self.dropped += len(rows)
            log.exception("%d %s could not be kept", len(rows), self._what)
        finally:
            self._flushing = None
            self.put(())

    async def flush(self) -> None:
        """Return once every row so far is durable."""
        while self._rows or self._flushing is not None:
            self._start()
            if self._flushing is not None:
                await asyncio.shield(self._flushing)
