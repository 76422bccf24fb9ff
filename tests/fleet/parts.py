"""Stations, a clock and a rig around the runner, for tests."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import create_engine, insert
from tests.fleet.upkeep_fakes import FakeAudit

from sunpile.basics.errors import NotInDialect, PileUnreachable
from sunpile.basics.ids import StationId
from sunpile.basics.scope import PERMISSIONS, Scope
from sunpile.chargers.commands import Command, CommandResult
from sunpile.fleet.run_model import Rules
from sunpile.fleet.runner import Runner
from sunpile.store.database import Database
from sunpile.store.every_table import metadata
from sunpile.store.runs import RunDatabase
from sunpile.store.tables import stations

ANNA = Scope("default", "staff:anna", frozenset(PERMISSIONS))
BERT = Scope("default", "staff:bert", frozenset(PERMISSIONS))
OTHER = Scope("other", "staff:olga", frozenset(PERMISSIONS))


class HandClock:
    """Time that passes when the test says so, or by itself a second at a time whenever somebody waits."""

    def __init__(self, now: int = 1_800_000_000) -> None:
        self.time = now
        self.runs = True

    def now(self) -> int:
        return self.time

    async def sleep_until(self, when: int) -> None:
        await asyncio.sleep(0.003)
        while self.time < when:
            if self.runs:
                self.time += 1
            else:
                await asyncio.sleep(0.005)

    @contextmanager
    def work(self) -> Iterator[None]:
        yield


class FakeStations:
    """The piles' door: who is away, what each answers, what was asked."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.asked: list[tuple[str, Command]] = []
        self.answers: dict[str, CommandResult | Exception] = {}
        self.usual = CommandResult("Accepted", accepted=True)
        self.silent: set[str] = set()
        self.most_at_once = 0
        self._at_once = 0

    def connected(self, station: StationId) -> bool:
        return station not in self.away

    async def command(self, station: StationId, command: Command) -> CommandResult:
        if station in self.away:
            raise PileUnreachable(f"pile {station} is not connected")
        self.asked.append((station, command))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await (asyncio.Event().wait() if station in self.silent else asyncio.sleep(0))
        finally:
            self._at_once -= 1
        answer = self.answers.get(station, self.usual)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def times(self, station: str) -> int:
        """How often a station was asked."""
        return sum(name == station for name, _ in self.asked)


NOT_IN_16 = NotInDialect("1.6", "GetReport")


@cache
def _store() -> bytes:
    with TemporaryDirectory() as folder:
        return _make(Path(folder) / "made.db", 6, "default").read_bytes()


def make_store(file: Path) -> Path:
    """A SQLite store with six stations of a tenant and one of another."""
    file.write_bytes(_store())
    return file


def _make(file: Path, count: int, tenant: str) -> Path:
    engine = create_engine(f"sqlite:///{file}")
    metadata.create_all(engine)
    base = {"password_salt": b"", "password_hash": b"", "max_w": 11_000}
    rows = [
        base | {"station": f"S{n}", "tenant": tenant, "vendor": "Even" if n % 2 == 0 else "Odd"} for n in range(count)
    ]
    with engine.begin() as connection:
        connection.execute(insert(stations), rows)
        connection.execute(insert(stations), base | {"station": "X0", "tenant": "other"})
    engine.dispose()
    return file


class Rig:
    """A runner over a store, which can be killed and opened again."""

    def __init__(self, file: Path, rules: Rules | None = None) -> None:
        self.file = file
        self.rules = rules
        self.clock = HandClock()
        self.stations = FakeStations()
        self.audit = FakeAudit()
        self.told: list[dict[str, Any]] = []
        self.open()

    def open(self) -> None:
        self.database = Database(f"sqlite:///{self.file}")
        self.store = RunDatabase(self.database)
        self.runner = Runner(
            self.stations,
            self.store,
            self.store,
            self.clock,
            self.audit,
            lambda _kind, data: self.told.append(data),
            self.rules,
        )
        self.loop: asyncio.Task[None] | None = None

    def go(self) -> None:
        self.loop = asyncio.get_running_loop().create_task(self.runner.run())

    async def kill(self) -> None:
        """As by kill -9: nothing of what is under way is told to the store."""
        if self.loop is not None:
            self.loop.cancel()
            await asyncio.gather(self.loop, return_exceptions=True)
        await self.runner.stop()
        self.database.close()

    async def ended(self, run: str, scope: Scope = ANNA) -> Any:
        """The run once it has ended."""
        for _ in range(2000):
            header = await self.runner.header(scope, run)
            if header.state in ("done", "stopped", "cancelled") and run not in self.runner._live:
                return header
            await asyncio.sleep(0.002)
        raise AssertionError(f"{header}")
