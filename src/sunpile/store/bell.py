"""A connection of its own to PostgreSQL that is woken when there is mail, and holds the lock of the one node.

It runs in a thread. The lock lasts as long as the connection: who is killed gives it back at once.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Collection
from typing import Any

from sqlalchemy import Engine

from sunpile.basics.errors import SettingInvalid, StoreUnreachable
from sunpile.store.doors import CHANNEL

log = logging.getLogger(__name__)
NODE_LOCK = 0x73756E70696C65
"""Held by the one process that has the jobs."""
LOOK_S = 1.0
"""A bell that is not heard, for its connection is being made anew, costs no more than this [s, real time]."""


class Bell:
    """`rung` is set whenever there may be mail."""

    def __init__(self, engine: Engine, names: Collection[str], wants_lock: bool) -> None:
        if engine.dialect.name != "postgresql":
            raise SettingInvalid("shared", "true", "false, or a PostgreSQL `database`: SQLite serves one process")
        self._engine, self._names, self._wants_lock = engine, frozenset(names), wants_lock
        self.rung = asyncio.Event()
        self.locked = asyncio.Event()
        """Set once this is the one node."""
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Fails if the lock is lost: another process may be the node by now."""
        self._loop = asyncio.get_running_loop()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="doors-bell", daemon=True)

    def start(self) -> None:
        """Listen."""
        self._thread.start()

    async def stop(self) -> None:
        """End it; the lock is free after that."""
        self._stopping = True
        await asyncio.to_thread(self._thread.join)

    def _tell(self, what: asyncio.Event) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what.set)

    def _run(self) -> None:
        import psycopg

        held = False
        while not self._stopping:
            try:
                arguments, options = self._engine.dialect.create_connect_args(self._engine.url)
                with psycopg.connect(*arguments, autocommit=True, keepalives_idle=5, **options) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    while not self._stopping:
                        if self._wants_lock and not held:
                            held = self._lock(connection)
                        self._hear(connection)
            except psycopg.Error as fault:
                if held:
                    self._loop.call_soon_threadsafe(self._fail, str(fault))
                    return
                log.warning("the bell is silent, it is tried again: %s", fault)
                time.sleep(LOOK_S)

    def _lock(self, connection: Any) -> bool:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (NODE_LOCK,)).fetchone()
        if row[0]:
            self._tell(self.locked)
        return bool(row[0])

    def _hear(self, connection: Any) -> None:
        for note in connection.notifies(timeout=LOOK_S):
            if note.payload in self._names:
                self._tell(self.rung)
        self._tell(self.rung)

    def _fail(self, why: str) -> None:
        if not self.lost.done():
            self.lost.set_exception(StoreUnreachable(f"this node's lock on the database is gone: {why}"))
