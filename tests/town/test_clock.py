"""Time moves when everybody is done, not before; who was killed is awaited."""

import asyncio
import json
from typing import Any

import pytest

from sunpile.basics.errors import Unreachable
from sunpile.town.clock import ClockServer
from sunpile.town.scheduler import Phase, Scheduler
from sunpile.wiring.clock import TownClock


class Participant:
    """Answers by hand."""

    async def join(self, port: int, name: str = "node") -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        self.writer.write(json.dumps({"join": name}).encode() + b"\n")

    async def hear(self) -> int:
        return json.loads(await asyncio.wait_for(self.reader.readline(), 2))["t"]

    def done(self, t: int, upcoming: int | None = None) -> None:
        self.writer.write(json.dumps({"done": t, "next": upcoming}).encode() + b"\n")


async def started(begin: int = 1000, **options: Any) -> tuple[ClockServer, int]:
    clock = ClockServer(Scheduler(begin, True), **options)
    return clock, await clock.start()


async def test_time_waits_for_a_participant_that_has_not_joined():
    clock, port = await started()
    running = asyncio.create_task(clock.run_until(1010))
    await asyncio.sleep(0.05)
    assert clock.scheduler.now == 1000
    node = Participant()
    await node.join(port)
    assert await node.hear() == 1000
    node.done(1000)
    assert await node.hear() == 1010
    node.done(1010)
    await running
    await clock.stop()


async def test_time_stops_where_a_participant_wants_to_act():
    clock, port = await started()
    node = Participant()
    await node.join(port)
    running = asyncio.create_task(clock.run_until(1100))
    heard: list[int] = []
    while not running.done():
        try:
            heard.append(await node.hear())
        except TimeoutError:
            break
        node.done(heard[-1], 1040 if heard[-1] < 1040 else None)
        if heard[-1] == 1100:
            break
    await running
    assert sorted(set(heard)) == [1000, 1040, 1100]
    await clock.stop()


async def test_what_the_town_does_gives_the_node_another_turn():
    clock, port = await started()
    log: list[str] = []

    async def act(t: int) -> None:
        log.append(f"town {t}")

    clock.scheduler.at(1005, Phase.PILE, "x", act)
    node = TownClock("127.0.0.1", port, "node")
    await node.join()
    node.ready()
    await clock.run_until(1010)
    assert log == ["town 1005"]
    assert node.now() == 1010
    await clock.stop()


async def test_a_killed_participant_is_awaited_until_it_is_back():
    clock, port = await started()
    node = Participant()
    await node.join(port)
    assert await node.hear() == 1000
    running = asyncio.create_task(clock.run_until(1010))
    node.done(1000)
    assert await node.hear() in (1000, 1010)
    node.writer.transport.abort()
    await asyncio.sleep(0.05)
    assert not running.done()
    again = TownClock("127.0.0.1", port, "node")
    await again.join()
    again.ready()
    await asyncio.wait_for(running, 2)
    assert again.now() == 1010
    await clock.stop()


async def test_a_participant_that_never_answers_is_named():
    clock, port = await started(patience=0.05)
    node = Participant()
    await node.join(port)
    with pytest.raises(Unreachable, match="the clock waits for node"):
        await clock.run_until(1010)
    await clock.stop()


async def test_the_nodes_own_jobs_run_at_their_times():
    clock, port = await started()
    node = TownClock("127.0.0.1", port, "node")
    await node.join()
    ran: list[int] = []

    async def job() -> None:
        for when in (1003, 1007):
            await node.sleep_until(when)
            with node.work():
                await asyncio.sleep(0.01)
                ran.append(node.now())

    task = asyncio.create_task(job())
    await asyncio.sleep(0)
    node.ready()
    await clock.run_until(1010)
    await task
    assert ran == [1003, 1007]
    await clock.stop()


async def test_actions_of_one_second_go_piles_meters_people():
    scheduler, log = Scheduler(0, True), []

    def note(word: str) -> Any:
        async def act(t: int) -> None:
            log.append(word)

        return act

    scheduler.at(5, Phase.PERSON, "a", note("person"))
    scheduler.at(5, Phase.METER, "a", note("meter"))
    scheduler.at(5, Phase.PILE, "a", note("pile"))
    scheduler.now = 5
    await scheduler.run_due()
    assert log == ["pile", "meter", "person"]


async def test_a_failed_action_ends_the_day_of_a_clock_that_runs_on():
    scheduler = Scheduler(0, False)

    async def fail(t: int) -> None:
        raise ValueError("broken")

    scheduler.at(0, Phase.PILE, "a", fail)
    await scheduler.run_due()
    await asyncio.sleep(0.01)
    with pytest.raises(ValueError, match="broken"):
        await scheduler.run_due()
