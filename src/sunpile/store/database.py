"""One database, one writer: units of work are committed in groups, so that durable answers stay fast.

`write` hands a function to the writer thread. It runs in a savepoint of its own; every function that waits at that
moment shares one commit (full sync), and each caller gets its result only after that commit. SQLite by default
(WAL, synchronous=FULL), PostgreSQL by URL.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from sunpile.basics.errors import StoreUnreachable

T = TypeVar("T")
Job = tuple[Callable[[Connection], Any], "Future[Any]"]
GROUP_MAX = 256


def open_engine(url: str) -> Engine:
    """A SQLAlchemy engine for `url`, with SQLite set to WAL and full sync.

    Raises
    ------
    StoreUnreachable
        if the database does not answer.
    """
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _durable_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    try:
        with engine.connect():
            pass
    except SQLAlchemyError as fault:
        reason = str(getattr(fault, "orig", fault)).strip().splitlines()[0]
        raise StoreUnreachable(f"the database {engine.url.render_as_string()} cannot be reached: {reason}") from fault
    return engine


def _durable_sqlite(connection: Any, _record: ConnectionPoolEntry) -> None:
    # The driver begins no transaction for a SAVEPOINT, whose release would then be a commit, and a sync, of its own.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


class Database:
    """The store's door: `await db.write(fn)`, `await db.read(fn)` with `fn(connection)`."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_loop, name="store-writer", daemon=True)
        self._writer.start()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in the writer and return its result once it is durable; its exception undoes only itself."""
        done: Future[T] = Future()
        self._jobs.put((work, done))
        return await asyncio.wrap_future(done)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a connection of its own that sees what is committed."""
        return await asyncio.to_thread(self.read_now, work)

    def read_now(self, work: Callable[[Connection], T]) -> T:
        """`read` for code without an event loop (command line, tests)."""
        with self.engine.connect() as connection:
            return work(connection)

    def close(self) -> None:
        """Finish what is queued and close."""
        self._jobs.put(None)
        self._writer.join()
        self.engine.dispose()

    def _write_loop(self) -> None:
        stopping = False
        while not stopping:
            group: list[Job] = []
            item = self._jobs.get()
            while True:
                if item is None:
                    stopping = True
                    break
                group.append(item)
                if len(group) == GROUP_MAX or self._jobs.empty():
                    break
                item = self._jobs.get()
            if group:
                self._commit(group)

    def _commit(self, group: list[Job]) -> None:
        # From here on a caller who gives up can no longer cancel: what is written stays written.
        group = [job for job in group if job[1].set_running_or_notify_cancel()]
        answers: list[tuple[Future[Any], Any]] = []
        try:
            with self.engine.begin() as connection:
                # Savepoints by the driver itself: SQLAlchemy compiles its own anew each time.
                driver: Any = connection.connection.driver_connection
                for work, done in group:
                    driver.execute("SAVEPOINT unit")
                    try:
                        answer = work(connection)
                    except Exception as fault:
                        driver.execute("ROLLBACK TO SAVEPOINT unit")
                        done.set_exception(fault)
                    else:
                        answers.append((done, answer))
                    driver.execute("RELEASE SAVEPOINT unit")
        except Exception as fault:
            for _, done in group:
                if not done.done():
                    done.set_exception(fault)
            return
        for done, answer in answers:
            done.set_result(answer)
