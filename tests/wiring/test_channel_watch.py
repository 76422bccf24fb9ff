"""A payer who asks for the way out is heard: while the node runs, and by the next life of one that was killed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import create_engine
from tests.chain.ground import StillClock

from sunpile.basics.errors import Conflict
from sunpile.chain.ports import ChainEvent, Cursor
from sunpile.store.chain import Events
from sunpile.store.database import Database
from sunpile.store.tables import metadata
from sunpile.wiring.chain_side import ChainSide
from sunpile.wiring.channel_chain import ChannelWatch

CHANNEL = bytes(31) + b"\7"


def event(name: str, block: int, channel: bytes = CHANNEL) -> ChainEvent:
    args = {"channel": "0x" + channel.hex()}
    return ChainEvent(block, 0, bytes(32), 1_700_000_000, bytes(32), "Channels", name, args)


class FakeSessions:
    """Remembers what it is told; `act` is done on each closing channel."""

    def __init__(self, states: dict[bytes, str]) -> None:
        self.states = states
        self.told: list[tuple[bytes, str]] = []
        self.act: Any = None
        self.store = self

    async def look(self, reader: Any) -> Any:
        def channel(name: bytes) -> Any:
            return SimpleNamespace(channel=name, state=self.states[name]) if name in self.states else None

        return reader(SimpleNamespace(channel=channel))

    async def channel_closing(self, channel: bytes, state: str = "closing") -> None:
        self.told.append((channel, state))
        if self.act is not None:
            await self.act()


class YieldingClock(StillClock):
    async def sleep_until(self, when: int) -> None:
        await super().sleep_until(when)
        await asyncio.sleep(0)


def chain_of(*steps: list[ChainEvent]) -> ChainSide:
    left = list(steps)

    async def step() -> list[ChainEvent]:
        return left.pop(0) if left else []

    async def submit(*_args: object) -> None:
        return None

    return ChainSide(
        engine=cast("Any", SimpleNamespace(on_demand=False)),
        clock=YieldingClock(),
        deployment=cast("Any", None),
        contracts=cast("Any", SimpleNamespace(encode=lambda *_: b"", address=lambda _: "0x")),
        submitters={"payee": cast("Any", SimpleNamespace(submit=submit))},
        indexer=cast("Any", SimpleNamespace(step=step)),
        reader=cast("Any", None),
    )


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Events]:
    url = f"sqlite:///{tmp_path / 'node.db'}"
    engine = create_engine(url)
    metadata.create_all(engine)
    engine.dispose()
    database = Database(url)
    yield Events(database)
    database.close()


async def test_who_hears_of_a_closing_channel_may_send_its_voucher_at_once() -> None:
    chain = chain_of([event("CloseRequested", 5)])
    sessions = FakeSessions({})
    sessions.act = lambda: chain.send("payee", "voucher:7", "Channels", "settle")
    chain.listeners.append(ChannelWatch(cast("Any", sessions)).hear)
    await asyncio.wait_for(chain.index(), 5)
    assert sessions.told == [(CHANNEL, "closing")]


async def test_a_listener_that_fails_stops_neither_the_others_nor_who_sends() -> None:
    chain = chain_of([event("CloseRequested", 5), event("Closed", 6)])
    sessions = FakeSessions({})

    async def refuse() -> None:
        raise Conflict("not now")

    sessions.act = refuse
    chain.listeners.append(ChannelWatch(cast("Any", sessions)).hear)
    await chain.send("payee", "x", "Channels", "settle")
    assert [state for _, state in sessions.told] == ["closing", "closed"]


async def test_a_chain_is_read_while_the_node_sends_nothing() -> None:
    chain = chain_of([], [event("CloseRequested", 5)])
    sessions = FakeSessions({})
    chain.listeners.append(ChannelWatch(cast("Any", sessions)).hear)
    looked = asyncio.Event()
    sessions.act = lambda: asyncio.sleep(0, looked.set())
    async with running(chain):
        await asyncio.wait_for(looked.wait(), 5)
    assert sessions.told == [(CHANNEL, "closing")]


@contextlib.asynccontextmanager
async def running(chain: ChainSide) -> AsyncIterator[None]:
    task = asyncio.create_task(chain.watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_was_indexed_by_a_node_that_was_killed_is_acted_on_by_the_next(book: Events) -> None:
    lost, done, gone, unknown = (bytes(31) + bytes([number]) for number in (1, 2, 3, 4))
    read = [event("CloseRequested", number, name) for number, name in enumerate((lost, done, gone, unknown), 1)]
    await book.advance("events", Cursor(9, bytes(32)), [*read, event("Closed", 8, gone)])
    sessions = FakeSessions({lost: "open", done: "closing", gone: "closing"})
    await ChannelWatch(cast("Any", sessions)).recall(book)
    assert sessions.told == [(lost, "closing"), (gone, "closed")]
