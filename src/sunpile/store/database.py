"""One database, one writer: units of work are committed in groups, so that durable answers stay fast.

`write` hands a function to the writer thread. It runs in a savepoint of its own; every function that waits at that
moment shares one commit (full sync), and each caller gets its result only after that commit. Work of one kind that is
cheaper together than alone goes through `write_together`. SQLite by default (WAL, synchronous=FULL), PostgreSQL by
URL.
"""

import asyncio
import contextlib
import queue
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Dialect, Engine, Insert, Table, Update, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from sunpile.basics.errors import SettingInvalid, StoreUnreachable

T = TypeVar("T")
Item = TypeVar("Item")
Together = Callable[[Connection, Sequence[Item]], Sequence[T | Exception]]
"""Work on several items at once, in order; an outcome or fault for each. What it raises fails, and undoes, all."""
GROUP_MAX = 256
WRITER_LOCK = 0x73756E7772
"""PostgreSQL's advisory lock of whoever writes now, where several processes share a database."""
FULL_BYTES = 64 << 10
"""A disk with less room than this is full [bytes]."""


@dataclass(frozen=True, slots=True)
class _Job:
    work: Together[Any, Any]
    item: Any
    done: "asyncio.Future[Any]"


def open_engine(url: str) -> Engine:
    """A SQLAlchemy engine for `url`, with SQLite set to WAL and full sync.

    Raises
    ------
    StoreUnreachable
        if the database does not answer.
    """
    try:
        # Named parameters, so that either driver takes rows by name: see `execute_many`.
        options: dict[str, Any] = {"paramstyle": "named"} if url.startswith("sqlite") else {"pool_pre_ping": True}
        engine = create_engine(url, **options)
    except ArgumentError as fault:
        raise SettingInvalid("database", url, "a SQLAlchemy URL, as sqlite:///file or postgresql+psycopg://") from fault
    except ModuleNotFoundError as fault:
        raise StoreUnreachable(f"the database driver {fault.name} is missing; install sunpile[postgres]") from fault
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _durable_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    try:
        with engine.connect():
            pass
    except SQLAlchemyError as fault:
        reason = str(getattr(fault, "orig", fault)).strip().splitlines()[0]
        if _disk_full(engine):
            reason = f"no space left on its disk ({reason})"
        raise StoreUnreachable(f"the database {engine.url.render_as_string()} cannot be reached: {reason}") from fault
    return engine


def _disk_full(engine: Engine) -> bool:
    """SQLite itself only speaks of an I/O error when there is no room for its shared memory."""
    file = Path(engine.url.database or "") if engine.dialect.name == "sqlite" else None
    return file is not None and file.parent.is_dir() and shutil.disk_usage(file.parent).free < FULL_BYTES


def _durable_sqlite(connection: Any, _record: ConnectionPoolEntry) -> None:
    # The driver begins no transaction for a SAVEPOINT, whose release would then be a commit, and a sync, of its own.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def insert_new(connection: Connection, table: Table) -> Any:
    """An INSERT that leaves rows that are there already as they are."""
    return _insert_new(table, connection.dialect.name)


@cache
def _insert_new(table: Table, dialect: str) -> Any:
    module = postgresql if dialect == "postgresql" else sqlite
    return module.insert(table).on_conflict_do_nothing()


def execute_many(connection: Connection, statement: Insert | Update, rows: list[dict[str, Any]]) -> None:
    """Run a statement, one that is kept, for each of many rows, all with the same names.

    The driver gets the rows as they are: preparing each of them, as SQLAlchemy does, costs more than to write it.
    """
    connection.exec_driver_sql(_text(statement, connection.dialect, tuple(rows[0])), rows)


@lru_cache(1024)
def _text(statement: Insert | Update, dialect: Dialect, names: tuple[str, ...]) -> str:
    return str(statement.compile(dialect=dialect, column_keys=list(names), for_executemany=True))


def without_nul(text: str) -> str:
    """A text as a column takes it: PostgreSQL's hold no NUL."""
    return text.replace("\x00", "\ufffd")


class Database:
    """The store's door: `await db.write(fn)`, `await db.read(fn)` with `fn(connection)`."""

    def __init__(self, url: str, shared: bool = False) -> None:
        """`shared`: other processes write to it too, each group in its turn (PostgreSQL)."""
        self.engine = open_engine(url)
        self._shared = shared
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_loop, name="store-writer", daemon=True)
        self._writer.start()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in the writer and return its result once it is durable; its exception undoes only itself."""
        return await self.write_together(lambda connection, _items: [work(connection)], None)

    async def write_together(self, work: Together[Item, T], item: Item) -> T:
        """`write` for what is cheaper on many items: those that wait side by side for the same `work` share a call.

        Should that call raise, each item gets one of its own, so a fault still undoes only itself.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(work, item, done))
        return await done

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
            group: list[_Job] = []
            job = self._jobs.get()
            while True:
                if job is None:
                    stopping = True
                    break
                group.append(job)
                if len(group) == GROUP_MAX or self._jobs.empty():
                    break
                job = self._jobs.get()
            # From here on a caller who gives up can no longer cancel: what is written stays written.
            group = [job for job in group if not job.done.cancelled()]
            # All of them wait at once, so none follows from another: those of one kind go together.
            kinds: dict[Together[Any, Any], list[_Job]] = {}
            for job in group:
                kinds.setdefault(job.work, []).append(job)
            group = [job for jobs in kinds.values() for job in jobs]
            if group:
                _hand_back(group, self._commit(group))

    def _commit(self, group: list[_Job]) -> Sequence[Any]:
        outcomes: list[Any] = []
        try:
            with self.engine.begin() as connection:
                if self._shared:
                    # One writer among all processes: what a unit of work read is true until it is committed.
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
                for _, jobs in groupby(group, lambda job: job.work):
                    outcomes += _units(connection, list(jobs))
        except Exception as fault:
            return [known if isinstance(known, Exception) else fault for known, _ in zip_longest(outcomes, group)]
        return outcomes


def _units(connection: Connection, jobs: Sequence[_Job]) -> Sequence[Any]:
    """Outcomes of jobs of one kind, from one savepoint; should it fail, each from one of its own."""
    # Savepoints by the driver itself: SQLAlchemy compiles its own anew each time.
    driver: Any = connection.connection.driver_connection
    driver.execute("SAVEPOINT unit")
    try:
        outcomes = jobs[0].work(connection, [job.item for job in jobs])
    except Exception as fault:
        driver.execute("ROLLBACK TO SAVEPOINT unit")
        outcomes = [fault]
    driver.execute("RELEASE SAVEPOINT unit")
    if len(outcomes) < len(jobs):
        return [outcome for job in jobs for outcome in _units(connection, [job])]
    return outcomes


def _hand_back(group: Sequence[_Job], outcomes: Sequence[Any]) -> None:
    """Give each waiting caller its outcome, all of a loop in one go: waking a loop costs more than an answer."""
    waiting: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = defaultdict(list)
    for job, outcome in zip(group, outcomes, strict=True):
        waiting[job.done.get_loop()].append((job.done, outcome))
    for loop, answers in waiting.items():
        # A loop that has ended has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, answers)


def _settle(answers: Sequence[tuple["asyncio.Future[Any]", Any]]) -> None:
    for done, outcome in answers:
        if done.done():
            continue
        if isinstance(outcome, Exception):
            done.set_exception(outcome)
        else:
            done.set_result(outcome)
