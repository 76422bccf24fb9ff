"""The clocks a node can run on: the machine's, one that a town moves, and one that stands still."""

import asyncio
import contextlib
import heapq
import json
import time
from collections.abc import Generator
from dataclasses import dataclass

from sunpile.basics.errors import Unreachable
from sunpile.basics.ports import Clock

_NOTHING = contextlib.nullcontext()
CHORE_S = 900
"""How often housekeeping looks in a simulated day [s]."""


class MachineClock:
    """Real time."""

    def now(self) -> int:
        """Unix time [s]."""
        return int(time.time())

    async def sleep_until(self, when: int) -> None:
        """Sleep until `when` [Unix s]."""
        await asyncio.sleep(max(0.0, when - time.time()))

    def work(self) -> contextlib.AbstractContextManager[None]:
        """Nothing to hold: real time does not wait."""
        return _NOTHING


class StillClock:
    """Time that stands still: for what is done at the genesis of a chain."""

    def __init__(self, time: int) -> None:
        self._time = time

    def now(self) -> int:
        """Always the same [Unix s]."""
        return self._time

    async def sleep_until(self, when: int) -> None:
        """Return at once: nothing here waits for a time that never comes."""
        await asyncio.sleep(0)

    @contextlib.contextmanager
    def work(self) -> Generator[None, None, None]:
        """Nothing to hold."""
        yield


@dataclass(frozen=True)
class ChoreClock:
    """A clock for housekeeping in a simulated day: who looks every few seconds waits for the next quarter hour.

    A day has 5,760 looks of 15 s, and a virtual clock stops for each.
    """

    clock: Clock

    def now(self) -> int:
        """See `Clock.now`."""
        return self.clock.now()

    async def sleep_until(self, when: int) -> None:
        """See `Clock.sleep_until`."""
        await self.clock.sleep_until(-(-when // CHORE_S) * CHORE_S)

    def work(self) -> contextlib.AbstractContextManager[None]:
        """See `Clock.work`."""
        return self.clock.work()


class TownClock:
    """A participant of a virtual clock: time moves when everybody is done.

    The server sends `{"t": T}`; this side wakes what is due and answers `{"done": T, "next": T2}` once no work is in
    progress and every sleeper waits for a later time.
    """

    def __init__(self, host: str, port: int, name: str) -> None:
        self._address = (host, port)
        self._name = name
        self._now = 0
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = 0
        self._working = 0
        self._settled = asyncio.Event()
        self._link: asyncio.Task[None] | None = None
        self.lost = asyncio.Event()
        """Set when the town is gone."""

    async def join(self) -> None:
        """Connect and learn the time.

        Raises
        ------
        Unreachable
            if no town listens there.
        """
        try:
            reader, writer = await asyncio.open_connection(*self._address)
        except OSError as fault:
            raise Unreachable(f"no clock at {self._address[0]}:{self._address[1]}: {fault.strerror}") from fault
        writer.write(json.dumps({"join": self._name}).encode() + b"\n")
        first = await reader.readline()
        if not first:
            raise Unreachable("the clock hung up")
        self._now = int(json.loads(first)["t"])
        self._working += 1
        self._link = asyncio.create_task(self._follow(reader, writer))

    def ready(self) -> None:
        """Everything is started: from now on quiescence counts."""
        self._leave()

    def now(self) -> int:
        """Virtual Unix time [s]."""
        return self._now

    async def sleep_until(self, when: int) -> None:
        """Wait until the town has moved to `when`."""
        if when <= self._now:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._sleepers, (when, self._order, woken))
        try:
            await woken
        finally:
            if not woken.done() or woken.cancelled():
                self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[2] is not woken]
                heapq.heapify(self._sleepers)

    @contextlib.contextmanager
    def work(self) -> Generator[None, None, None]:
        """Hold the time while work is in progress."""
        self._working += 1
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        self._working -= 1
        if not self._working:
            self._settled.set()

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self._wake()
                await self._quiescent()
                upcoming = self._sleepers[0][0] if self._sleepers else None
                writer.write(json.dumps({"done": self._now, "next": upcoming}).encode() + b"\n")
                line = await reader.readline()
                if not line:
                    break
                self._now = max(self._now, int(json.loads(line)["t"]))
        except (OSError, ValueError):
            pass
        finally:
            self.lost.set()
            writer.close()

    def _wake(self) -> None:
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)

    async def _quiescent(self) -> None:
        """Return when nothing runs: twice in a row, with turns of the loop between for what was just woken."""
        calm = 0
        while calm < 2:
            for _ in range(5):
                await asyncio.sleep(0)
            if self._working:
                self._settled.clear()
                await self._settled.wait()
                calm = 0
            elif self._sleepers and self._sleepers[0][0] <= self._now:
                self._wake()
                calm = 0
            else:
                calm += 1
