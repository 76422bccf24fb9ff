"""The same code on a chain that we did not start: plain anvil that makes a block a second and wants fees."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.chain.ground import MemoryBook, deployed_by

from sunpile.basics.errors import ChainRefused, ChainUnreachable, SettingInvalid
from sunpile.basics.keys import Key
from sunpile.chain.contracts import Contracts
from sunpile.chain.engine.program import find_anvil, free_port, port_taken
from sunpile.chain.engine.rpc import RpcEngine
from sunpile.chain.indexer import Indexer
from sunpile.chain.nonces import Rules, State
from sunpile.chain.receipts import Receipt
from sunpile.chain.submitter import Ask, Submitter
from sunpile.store.chain import Events, Submissions
from sunpile.store.database import Database

KEY = Key.from_seed("foreign")
FOREIGN_ID = 31337


def plain_anvil(*arguments: str) -> Iterator[str]:
    port = free_port()
    command = [str(find_anvil()), "--port", str(port), "--quiet", *arguments]
    process = subprocess.Popen(command)
    try:
        for _ in range(500):
            if port_taken(port):
                break
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def slow_url() -> Iterator[str]:
    yield from plain_anvil("--block-time", "1")


@pytest.fixture
def quick_url() -> Iterator[str]:
    yield from plain_anvil()


@pytest.fixture
def still_url() -> Iterator[str]:
    yield from plain_anvil("--no-mining")


async def opened(url: str, confirmations: int = 1) -> RpcEngine:
    engine = RpcEngine(url, FOREIGN_ID, confirmations=confirmations, poll=0.05)
    await engine.start()
    await engine.rpc.call("anvil_setBalance", KEY.address, hex(10**20))
    return engine


@pytest.fixture
async def slow(slow_url: str) -> AsyncIterator[RpcEngine]:
    engine = await opened(slow_url)
    yield engine
    await engine.stop()


async def total(engine: RpcEngine, counter: Contracts) -> int:
    return await counter.call(engine.rpc, "Counter", "total")


async def test_effects_and_events_on_a_chain_that_mines_by_itself(slow: RpcEngine, database: Database) -> None:
    submitter = Submitter(slow, KEY, Submissions(database))
    counter = await deployed_by(submitter)
    target = counter.address("Counter")
    asks = [Ask(f"count {by}", target, counter.encode("Counter", "bump", by)) for by in (1, 2, 3)]
    results = await submitter.submit_many(asks)
    assert all(isinstance(result, Receipt) for result in results)
    assert await total(slow, counter) == 6
    with pytest.raises(ChainRefused, match="bump: zero"):
        await submitter.submit("zero", target, counter.encode("Counter", "bump", 0), gas_limit=100_000)
    indexer = Indexer(slow, counter, Events(database))
    assert [event.args["total"] for event in await indexer.step()] == [1, 3, 6]
    assert await indexer.step() == []
    health = await slow.health()
    assert health.alive
    assert "run by others" in health.runs_by


async def test_waiting_for_a_block_is_not_making_one(slow: RpcEngine) -> None:
    before = (await slow.head()).number
    assert (await slow.mine()).number > before


async def test_the_wrong_chain_and_no_chain_are_said_clearly(slow_url: str) -> None:
    with pytest.raises(SettingInvalid, match="chain_id"):
        await RpcEngine(slow_url, 1).start()
    with pytest.raises(SettingInvalid, match="rpc_url"):
        await RpcEngine("", 1).start()
    with pytest.raises(ChainUnreachable, match="does not answer"):
        await RpcEngine(f"http://127.0.0.1:{free_port()}", 1).start()


async def test_confirmations_hold_an_effect_back(quick_url: str, book: MemoryBook) -> None:
    engine = await opened(quick_url, confirmations=3)
    waiting = asyncio.create_task(Submitter(engine, KEY, book).submit("nothing", KEY.address, b"", 21_000))
    await asyncio.sleep(0.4)
    assert not waiting.done()
    await engine.rpc.call("anvil_mine", "0x2")
    assert (await asyncio.wait_for(waiting, 5)).block == 1
    await engine.stop()


async def test_a_stuck_transaction_gets_a_higher_fee_and_any_attempt_may_win(still_url: str, book: MemoryBook) -> None:
    engine = await opened(still_url)
    submitter = Submitter(engine, KEY, book, Rules(None, 3, bump_after=1, resend_after=1))
    waiting = asyncio.create_task(submitter.submit("nothing", KEY.address, b"", 21_000))
    for _ in range(100):
        await asyncio.sleep(0.05)
        if "nothing" in book.rows and len(book.rows["nothing"].attempts) >= 2:
            break
    first, second = book.rows["nothing"].attempts[:2]
    assert second.max_fee * 100 >= first.max_fee * 110
    await engine.rpc.call("evm_mine")
    receipt = await asyncio.wait_for(waiting, 10)
    assert receipt.hash in [attempt.hash for attempt in book.rows["nothing"].attempts]
    assert [row.nonce for row in book.rows.values()] == [0]
    await engine.stop()


async def test_a_reorganisation_takes_events_back(quick_url: str, database: Database) -> None:
    engine = await opened(quick_url)
    submitter = Submitter(engine, KEY, MemoryBook())
    counter = await deployed_by(submitter)
    target, events = counter.address("Counter"), Events(database)
    indexer = Indexer(engine, counter, events)
    await submitter.submit("stays", target, counter.encode("Counter", "bump", 1))
    mark = await engine.rpc.call("evm_snapshot")
    await indexer.step()
    await submitter.submit("goes", target, counter.encode("Counter", "bump", 10))
    assert [event.args["total"] for event in await indexer.step()] == [11]
    await engine.rpc.call("evm_revert", mark)
    for by in (100, 1000):
        other = Submitter(engine, KEY, MemoryBook())
        await other.submit(f"instead {by}", target, counter.encode("Counter", "bump", by))
    assert [event.args["total"] for event in await indexer.step()] == [101, 1101]
    assert [event.args["total"] for event in await events.events()] == [1, 101, 1101]
    await engine.stop()


async def test_an_effect_undone_by_a_reorganisation_is_done_again(quick_url: str, book: MemoryBook) -> None:
    engine = await opened(quick_url)
    submitter = Submitter(engine, KEY, book)
    counter = await deployed_by(submitter)
    data = counter.encode("Counter", "bump", 1)
    mark = await engine.rpc.call("evm_snapshot")
    await submitter.submit("count", counter.address("Counter"), data)
    await engine.rpc.call("evm_revert", mark)
    assert await total(engine, counter) == 0
    await submitter.submit("next", counter.address("Counter"), data)
    await submitter.drain()
    for _ in range(40):
        if await total(engine, counter) == 2:
            break
        await asyncio.sleep(0.05)
    assert await total(engine, counter) == 2
    assert {row.state for row in book.rows.values()} == {State.MINED}
    await engine.stop()
