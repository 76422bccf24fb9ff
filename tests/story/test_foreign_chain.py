"""The same node on a chain that others run: real time, a block a second, gas that costs."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator

import pytest

from story.kills import SOAK
from story.realtime import all_settled, begin_in, check_energy, quick_town
from sunpile.chain.engine.program import find_anvil, free_port, port_taken
from sunpile.chain.rpc import Rpc
from sunpile.wiring.demo import DemoPlan, staged
from sunpile.wiring.folder import ROLES, Folder

INTERVALS = 24 if SOAK else 6
CHAIN_ID = 31337
JOINING = 40
"""Seconds in which everybody has joined: some thirty transactions, a block a second."""


@pytest.fixture
async def foreign() -> AsyncIterator[str]:
    """A plain chain with its own ideas about fees and time."""
    port = free_port()
    command = [str(find_anvil()), "--port", str(port), "--block-time", "1", "--chain-id", str(CHAIN_ID), "--quiet"]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
    try:
        async with asyncio.timeout(30):
            while not port_taken(port):
                await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


async def test_a_foreign_chain_settles_every_interval_in_real_time(foreign: str) -> None:
    rpc = Rpc(foreign)

    async def coin(folder: Folder) -> None:
        for role in ROLES:
            await rpc.call("anvil_setBalance", folder.key(role).address, hex(10**21))

    scenario = quick_town(INTERVALS)
    settings = {"engine": "rpc", "rpc_url": foreign, "chain_id": CHAIN_ID}
    started = time.monotonic()
    async with staged(DemoPlan(scenario, settings=settings), prepared=coin) as stage:
        staged_s = time.monotonic() - started
        town = await begin_in(stage, JOINING)
        try:
            report = await stage.play(lambda _progress: None)
            assert await all_settled(stage, 60) == INTERVALS
        finally:
            await town.close()
        async with stage.opened() as (store, _reader, reconciler):
            first, last = town.scenario.first_interval, town.scenario.last_interval
            settled = await store.settled(reconciler.zone, first, last)
            assert [(d.what, d.store, d.chain) for d in await reconciler.differences()] == []
            await check_energy(stage)
            bills = await store.bills(first, last, zone=reconciler.zone)
        block = await rpc.call("eth_getBlockByNumber", "latest", False)
    assert any(bill.matched_wh for bill in bills)
    assert int(block["baseFeePerGas"], 16) > 0
    assert report.ocpp_failures == []
    batched = sum(len(batch.kept.proposal.witness.readings) for batch in settled)
    assert batched > INTERVALS * report.points // 2
    print(
        f"{INTERVALS} intervals of 5 s, {batched} of {len(report.truth)} readings in batches, "
        f"block {block['number']}, staged in {staged_s:.0f} s, {time.monotonic() - started:.0f} s in all"
    )
    await rpc.close()
