import asyncio
import json

import pytest

from sunpile.basics.errors import Unreachable
from sunpile.wiring.clock import ChoreClock, StillClock, TownClock


class Town:
    """A virtual clock's server side, driven by hand."""

    def __init__(self) -> None:
        self.joined = asyncio.Event()

    async def start(self) -> int:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.name = json.loads(await reader.readline())["join"]
        self.tick(1000)
        self.joined.set()

    def tick(self, time: int) -> None:
        self.writer.write(json.dumps({"t": time}).encode() + b"\n")

    async def done(self) -> dict[str, int | None]:
        return json.loads(await asyncio.wait_for(self.reader.readline(), 5))


async def test_time_moves_only_when_what_is_due_has_been_done() -> None:
    town, seen = Town(), []
    clock = TownClock("127.0.0.1", await town.start(), "node")
    await clock.join()
    assert (town.name, clock.now()) == ("node", 1000)

    async def job() -> None:
        for due in (1010, 1020):
            await clock.sleep_until(due)
            with clock.work():
                await asyncio.sleep(0.05)
                seen.append((due, clock.now()))

    task = asyncio.create_task(job())
    await asyncio.sleep(0)
    clock.ready()
    assert await town.done() == {"done": 1000, "next": 1010}
    town.tick(1010)
    assert await town.done() == {"done": 1010, "next": 1020}
    assert seen == [(1010, 1010)]
    town.tick(1025)
    assert await town.done() == {"done": 1025, "next": None}
    assert seen[-1] == (1020, 1025)
    await task
    town.writer.close()
    await asyncio.wait_for(clock.lost.wait(), 5)
    town.server.close()


async def test_a_town_that_is_not_there_is_one_clear_sentence() -> None:
    with pytest.raises(Unreachable, match="no clock at"):
        await TownClock("127.0.0.1", 1, "node").join()


async def test_housekeeping_in_a_simulated_day_waits_for_the_quarter_hour() -> None:
    waited: list[int] = []

    class Hand(StillClock):
        async def sleep_until(self, when: int) -> None:
            waited.append(when)

    chores = ChoreClock(Hand(1_000))
    await chores.sleep_until(1_015)
    await chores.sleep_until(1_800)
    assert (waited, chores.now()) == ([1_800, 1_800], 1_000)
