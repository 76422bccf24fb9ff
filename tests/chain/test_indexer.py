"""Events of final blocks: once, in order, without a gap."""

from pathlib import Path

import pytest
from tests.chain.ground import GENESIS, Chain, StillClock, engine_in

from sunpile.basics.errors import Inconsistent
from sunpile.chain.indexer import Indexer, bloom_mask, jsonable
from sunpile.chain.ports import Cursor
from sunpile.store.chain import Events
from sunpile.store.database import Database


async def test_events_arrive_once_with_block_and_time(chain: Chain, database: Database) -> None:
    events = Events(database)
    indexer = Indexer(chain.engine, chain.counter, events)
    chain.clock.time += 30
    await chain.engine.send([chain.bump(1, by=2), chain.bump(2, by=3)])
    block = await chain.engine.mine()
    found = await indexer.step()
    assert [(event.args["total"], event.block, event.block_time) for event in found] == [
        (2, block.number, GENESIS + 30),
        (5, block.number, GENESIS + 30),
    ]
    assert found[0].contract == "Counter"
    assert found[0].args["who"] == chain.key.address
    assert found[0].args["note"] == "0x"
    assert await indexer.step() == []
    assert await indexer.cursor() == Cursor(block.number, block.hash)
    assert await events.events("Bumped") == found
    assert await events.events("Other") == []


async def test_it_goes_on_after_a_restart_of_both(chain: Chain, database: Database, folder: Path) -> None:
    await chain.engine.send([chain.bump(1)])
    await chain.engine.mine()
    assert len(await Indexer(chain.engine, chain.counter, Events(database)).step()) == 1
    await chain.engine.send([chain.bump(2)])
    await chain.engine.mine()
    await chain.engine._shut()
    again = engine_in(folder, chain.clock)
    await again.start()
    found = await Indexer(again, chain.counter, Events(database)).step()
    assert [event.args["total"] for event in found] == [2]
    await again.stop()


async def test_long_ranges_are_read_in_strides(chain: Chain, database: Database) -> None:
    for nonce in range(1, 12):
        await chain.engine.send([chain.bump(nonce)])
        await chain.engine.mine()
    found = await Indexer(chain.engine, chain.counter, Events(database), stride=3).step()
    assert [event.args["total"] for event in found] == list(range(1, 12))


async def test_events_the_chain_has_dropped_are_missed_loudly(
    clock: StillClock, folder: Path, database: Database, chain: Chain
) -> None:
    await chain.engine.stop()
    short = engine_in(folder, clock, keep_blocks=2)
    await short.start()
    for nonce in range(1, 7):
        await short.send([chain.bump(nonce)])
        await short.mine()
    with pytest.raises(Inconsistent, match="no longer keeps the events of block"):
        await Indexer(short, chain.counter, Events(database)).step()
    await short.stop()


async def test_a_store_ahead_of_the_chain_goes_back(chain: Chain, database: Database) -> None:
    events = Events(database)
    indexer = Indexer(chain.engine, chain.counter, events)
    await chain.engine.send([chain.bump(1)])
    await chain.engine.mine()
    await indexer.step()
    await events.advance("events", Cursor(99, b"\x01" * 32), [])
    assert await indexer.step() == []
    cursor = await indexer.cursor()
    assert cursor is not None
    assert cursor.block == 2


async def test_the_bloom_filter_of_a_block_names_its_contracts(chain: Chain) -> None:
    await chain.engine.send([chain.bump(1)])
    await chain.engine.mine()
    header = await chain.engine.rpc.call("eth_getBlockByNumber", "latest", False)
    mask = bloom_mask(chain.counter.address("Counter"))
    assert int(header["logsBloom"], 16) & mask == mask


def test_arguments_become_json() -> None:
    assert jsonable({"a": b"\x01", "b": [(b"", 2**200)]}) == {"a": "0x01", "b": [["0x", 2**200]]}
