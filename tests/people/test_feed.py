"""The live feed: bounded, quick to drop, quick to end."""

import asyncio
import json
import socket
import threading
import urllib.request

import pytest
from tests.browser.serve import serve
from tests.people.house import House, stir

from sunpile.basics.errors import TooMany
from sunpile.people.api.live import as_text, for_strangers
from sunpile.people.board import LivePoint, PowerBoard
from sunpile.people.feed import EventHub
from sunpile.people.ports import LiveEvent


async def test_events_arrive_in_order() -> None:
    hub = EventHub()
    async with hub.subscribe() as events:
        hub.publish("batch", {"n": 1})
        hub.publish("batch", {"n": 2})
        assert [(await anext(events)).data["n"] for _ in range(2)] == [1, 2]  # type: ignore[union-attr]


async def test_slow_listener_is_told_that_it_lagged() -> None:
    hub = EventHub(queue_size=3)
    async with hub.subscribe() as events:
        for n in range(5):
            hub.publish("batch", {"n": n})
        seen = [await anext(events) for _ in range(4)]
    assert [event.kind for event in seen if event] == ["lagged", "batch", "batch", "batch"]
    assert [event.data["n"] for event in seen[1:] if event] == [2, 3, 4]


async def test_only_the_newest_power_waits() -> None:
    hub = EventHub(queue_size=3)
    async with hub.subscribe() as events:
        for n in range(9):
            hub.publish("power", {"n": n})
        assert (await anext(events)).data["n"] == 8  # type: ignore[union-attr]


async def test_listeners_are_limited_and_leave() -> None:
    hub = EventHub(listener_limit=1)
    async with hub.subscribe():
        with pytest.raises(TooMany):
            async with hub.subscribe():
                pass
    assert hub.listeners == 0


async def test_closing_ends_all_streams() -> None:
    hub = EventHub()
    async with hub.subscribe() as events:
        waiting = asyncio.ensure_future(anext(events, None))
        await asyncio.sleep(0)
        hub.close()
        assert await asyncio.wait_for(waiting, 1) is None


async def test_board_publishes_changes_only() -> None:
    hub = EventHub()
    board = PowerBoard(hub)
    async with hub.subscribe() as events:
        board.update({4: LivePoint(w=100)}, 7)
        board.update({4: LivePoint(w=100)}, 8)
        board.update({4: LivePoint(status="Charging")}, 9)
        event = await anext(events)
    assert event is not None
    assert event.data == {"now": 9, "points": {"4": {"w": 100, "status": "Charging"}}}


def test_homes_are_left_out_for_strangers() -> None:
    event = LiveEvent("power", {"now": 1, "points": {"1": {"w": 5}, "41": {"w": 7}}})
    assert for_strangers(event, frozenset({41})).data["points"] == {"41": {"w": 7}}
    assert as_text(None).startswith(":")
    assert as_text(event).splitlines()[0] == "event: power"


def test_stream_reaches_a_browser_and_frees_its_place(house: House) -> None:
    with serve(house) as url:
        with urllib.request.urlopen(f"{url}/api/stream", timeout=5) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.readline() == b"retry: 2000\n"
            threading.Timer(0.1, stir, (house, 42)).start()
            lines: list[bytes] = []
            while not lines or lines[-1] != b"event: power\n":
                lines.append(answer.readline())
            body = json.loads(answer.readline().removeprefix(b"data: "))
        assert set(body["points"]) == {"60"}
        with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1]))):
            pass
