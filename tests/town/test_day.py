"""Part of a day with a node: real sockets, nothing invalid, the same Wh whatever is killed in between."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from sunpile.town.scenario import TownPlan
from sunpile.town.town import Progress, Town, TownReport
from town.conftest import SMALL
from town.fake_node import ADMIN, FakeNode


async def play(
    node: FakeNode, plan: TownPlan, on_progress: Callable[[Progress], None] = lambda _: None
) -> tuple[Town, TownReport]:
    """Play a plan with `node`."""
    town = Town(plan.scenario, plan)
    port = await town.open()
    await node.start(port)
    try:
        return town, await town.run(*node.urls, [], ADMIN, on_progress)
    finally:
        await town.close()


def told(node: FakeNode) -> dict[str, list[str]]:
    """What each station said, once each, without the chatter that depends on connections."""
    chatter = ("Heartbeat", "StatusNotification")
    return {
        station: sorted({line for line in lines if not line.startswith(chatter)})
        for station, lines in node.memory.talk.items()
    }


@pytest.fixture(scope="module")
def undisturbed(small_plan: TownPlan) -> tuple[FakeNode, TownReport]:
    """A day on which nothing goes wrong."""

    async def day() -> tuple[FakeNode, TownReport]:
        node = FakeNode()
        _, report = await play(node, small_plan)
        await node.kill()
        return node, report

    return asyncio.run(day())


async def test_every_message_is_valid_and_answered(undisturbed: tuple[FakeNode, TownReport]):
    node, report = undisturbed
    assert node.memory.invalid == []
    assert report.ocpp_failures == []
    assert report.refused == []
    assert report.reading_answers == {"accepted": 3 * 24}
    assert report.charges == len(node.memory.sessions) > 0


async def test_registers_at_interval_ends_are_what_the_meters_counted(
    small_plan: TownPlan, undisturbed: tuple[FakeNode, TownReport]
):
    node, report = undisturbed
    points = {(p["label"], 1): number for number, p in enumerate(node.memory.points, 1)}
    for (station, evse), registers in node.memory.registers.items():
        point = points.get((station, evse)) or points[f"{station} {evse}", 1]
        for interval in range(report.first_interval, report.last_interval + 1):
            begin, end = registers[interval * 900], registers[(interval + 1) * 900]
            assert end - begin == report.truth[point, interval]


async def test_a_house_meter_includes_the_pile_behind_it(undisturbed: tuple[FakeNode, TownReport]):
    node, _ = undisturbed
    parents = [point["parent"] for point in node.memory.points if point["kind"] == "pile"]
    assert sum(parent > 0 for parent in parents) == 3


async def test_drivers_pay_for_all_they_took(undisturbed: tuple[FakeNode, TownReport]):
    node, report = undisturbed
    owed = sum(session.owed for session in node.memory.sessions.values())
    assert owed > 0
    assert sum(node.memory.paid.values()) >= owed
    assert report.vouchers > 0


async def test_all_joined_with_valid_signatures_and_orders_differ(undisturbed: tuple[FakeNode, TownReport]):
    node, _ = undisturbed
    assert len({(order["buy"], order["sell"]) for order in node.memory.orders.values()}) > 3
    assert len(node.memory.tariffs) >= 6
    assert [p["kind"] for p in node.memory.points].count("home") == 6


async def test_the_same_seed_says_the_same_on_other_ports(
    small_plan: TownPlan, node: FakeNode, undisturbed: tuple[FakeNode, TownReport]
):
    _, report = await play(node, small_plan)
    assert report.truth == undisturbed[1].truth
    assert node.memory.talk == undisturbed[0].memory.talk
    assert node.memory.readings == undisturbed[0].memory.readings


async def test_a_node_killed_again_and_again_hears_the_same_day(
    small_plan: TownPlan, node: FakeNode, undisturbed: tuple[FakeNode, TownReport]
):
    town = Town(small_plan.scenario, small_plan)
    port = await town.open()
    await node.start(port)

    async def killer() -> None:
        for pause in (0.12, 0.05, 0.08, 0.03):
            await asyncio.sleep(pause)
            await node.kill()
            await asyncio.sleep(0.02)
            await node.start(port)

    begun = asyncio.Event()
    running = asyncio.create_task(town.run(*node.urls, [], ADMIN, lambda p: begun.set() if p.stage == "day" else None))
    await begun.wait()
    await killer()
    report = await running
    await town.close()
    assert report.reconnects > 0
    assert report.truth == undisturbed[1].truth
    assert told(node) == told(undisturbed[0])
    assert node.memory.readings == undisturbed[0].memory.readings
    assert node.memory.paid == undisturbed[0].memory.paid


async def test_time_that_does_not_wait_loses_nothing(small_plan: TownPlan, node: FakeNode):
    hasty = replace(small_plan, scenario=replace(SMALL, intervals=8, wait=False, speed=4000.0))
    town = Town(hasty.scenario, hasty)
    await town.open()
    await node.start(None)
    running = asyncio.create_task(town.run(*node.urls, [], ADMIN))
    report = await running
    await town.close()
    assert node.memory.invalid == []
    assert report.charges == len(node.memory.sessions)
    assert len(node.memory.readings) == 3 * 8


async def test_a_member_that_is_away_holds_nobody_up(small_plan: TownPlan, node: FakeNode):
    short = replace(small_plan, scenario=replace(SMALL, intervals=4))
    town = Town(short.scenario, short)
    port = await town.open()
    await node.start(port)
    report = await town.run(*node.urls, ["http://127.0.0.1:9"], ADMIN)
    await town.close()
    assert report.reading_answers == {"accepted": 3 * 4}
