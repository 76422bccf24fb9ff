"""The embedded engine: mining on demand, time, and what survives."""

import asyncio
import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest
from tests.chain.ground import CHAIN_ID, GENESIS, Chain, StillClock, deploy_counter, engine_in

from sunpile.basics.errors import (
    ChainUnreachable,
    Conflict,
    Inconsistent,
    InputInvalid,
    PortBusy,
    ProgramMissing,
    SettingInvalid,
)
from sunpile.basics.keys import Key
from sunpile.chain.engine.anvil import AnvilEngine
from sunpile.chain.engine.program import find_anvil, free_port
from sunpile.chain.engine.state import trimmed
from sunpile.chain.transaction import Fees, sign


def kill(engine: AnvilEngine) -> None:
    process = engine._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)


async def fingerprint(engine: AnvilEngine) -> tuple[int, str, str]:
    head = await engine.rpc.call("eth_getBlockByNumber", "latest", False)
    return int(head["number"], 16), head["hash"], head["stateRoot"]


async def work(chain: Chain, blocks: int, start: int = 1, each: int = 3) -> None:
    """Blocks with `each` transactions, the time moving by 7 s."""
    nonce = start
    for _ in range(blocks):
        chain.clock.time += 7
        assert await chain.engine.send([chain.bump(nonce + at) for at in range(each)]) == [None] * each
        nonce += each
        await chain.engine.mine()


async def test_block_time_is_the_clocks(chain: Chain) -> None:
    chain.clock.time = GENESIS + 1000
    block = await chain.engine.mine()
    assert block.time == GENESIS + 1000
    assert await chain.counter.call(chain.engine.rpc, "Counter", "clock") == (block.number, block.time)


async def test_two_blocks_fit_into_one_second_and_time_never_falls(chain: Chain) -> None:
    first = await chain.engine.mine(GENESIS + 50)
    second = await chain.engine.mine(GENESIS + 50)
    third = await chain.engine.mine(GENESIS + 20)
    assert (first.time, second.time, third.time) == (GENESIS + 50,) * 3
    assert third.number == first.number + 2


async def test_nothing_is_mined_while_nothing_waits(chain: Chain) -> None:
    before = (await chain.engine.head()).number
    await chain.engine.advance()
    assert (await chain.engine.head()).number == before
    await chain.engine.send([chain.bump(1)])
    await asyncio.gather(*(chain.engine.advance() for _ in range(10)))
    assert (await chain.engine.head()).number == before + 1
    assert await chain.total() == 1


async def test_a_full_block_does_not_make_gas_cost_anything(chain: Chain) -> None:
    data = chain.counter.encode("Counter", "walk", [(1, bytes(32))] * 10)
    target = chain.counter.address("Counter")
    raws = [sign(chain.key, CHAIN_ID, nonce, target, data, 200_000_000, Fees(0, 0)) for nonce in range(1, 9)]
    assert await chain.engine.send(raws) == [None] * 8
    while (await chain.engine.health()).waiting:
        await chain.engine.mine()
    head = await chain.engine.rpc.call("eth_getBlockByNumber", "latest", False)
    assert head["baseFeePerGas"] == "0x0"
    assert await chain.engine.rpc.call("eth_gasPrice") == "0x0"


async def test_there_are_no_known_accounts(chain: Chain) -> None:
    assert await chain.engine.rpc.call("eth_accounts") == []


async def test_a_clean_restart_has_the_same_blocks(chain: Chain, folder: Path) -> None:
    await work(chain, 3)
    before = await fingerprint(chain.engine)
    await chain.engine.stop()
    again = engine_in(folder, chain.clock)
    await again.start()
    assert await fingerprint(again) == before
    assert await again.send([chain.bump(10)]) == [None]
    assert (await again.mine()).number == before[0] + 1
    await again.stop()


async def test_replay_without_a_snapshot_gives_the_same_state(chain: Chain, folder: Path) -> None:
    await work(chain, 4)
    await chain.engine.send([chain.bump(13)])
    before = await fingerprint(chain.engine)
    await chain.engine._shut()  # as if killed: no snapshot
    assert not list(folder.glob("state-*"))
    again = engine_in(folder, chain.clock)
    await again.start()
    assert await fingerprint(again) == before
    assert (await again.health()).waiting == 1
    await again.mine()
    assert await chain.counter.call(again.rpc, "Counter", "total") == 13
    await again.stop()


async def test_snapshots_keep_three_generations_and_all_lead_to_the_same_state(clock: StillClock, folder: Path) -> None:
    engine = engine_in(folder, clock, snapshot_lines=12)
    await engine.start()
    key = Key.from_seed("generations")
    chain = Chain(engine, clock, key, await deploy_counter(engine, key))
    await work(chain, 14)
    before = await fingerprint(engine)
    await engine._shut()
    states = sorted(folder.glob("state-*"))
    assert len(states) == 3
    for broken, content in zip(reversed(states[1:]), (b"", states[1].read_bytes()[:-20]), strict=True):
        broken.write_bytes(content)
        again = engine_in(folder, clock)
        await again.start()
        assert await fingerprint(again) == before
        await again._shut()


async def test_no_readable_snapshot_and_no_first_journal_is_said_clearly(clock: StillClock, folder: Path) -> None:
    folder.mkdir()
    (folder / "state-0000000007.json.gz").write_bytes(b"")
    (folder / "journal-0000000007.log").write_bytes(b"")
    with pytest.raises(Inconsistent, match="restore a backup"):
        await engine_in(folder, clock).start()


async def test_a_torn_last_line_is_cut_off(chain: Chain, folder: Path) -> None:
    await work(chain, 2)
    before = await fingerprint(chain.engine)
    await chain.engine._shut()
    journal = folder / "journal-0000000000.log"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'0badc0de {"tx":"02')
    again = engine_in(folder, chain.clock)
    await again.start()
    assert await fingerprint(again) == before
    assert journal.read_bytes() == whole
    await again.stop()


async def test_a_damaged_line_in_the_middle_is_not_skipped(chain: Chain, folder: Path) -> None:
    await work(chain, 2)
    await chain.engine._shut()
    journal = folder / "journal-0000000000.log"
    lines = journal.read_bytes().split(b"\n")
    lines[3] = lines[3][:-5] + b"00000"
    journal.write_bytes(b"\n".join(lines))
    with pytest.raises(Inconsistent, match="line 4"):
        await engine_in(folder, chain.clock).start()


async def test_a_block_that_was_marked_and_not_mined_is_made_at_its_time(chain: Chain, folder: Path) -> None:
    await chain.engine.send([chain.bump(1)])
    chain.engine._journal.mark(2, GENESIS + 77)
    await chain.engine._shut()
    again = engine_in(folder, chain.clock)
    await again.start()
    head = await again.head()
    assert (head.number, head.time, len(head.transactions)) == (2, GENESIS + 77, 1)
    await again.stop()


async def test_killed_anvil_is_only_a_delay(chain: Chain) -> None:
    await work(chain, 2)
    before = await fingerprint(chain.engine)
    kill(chain.engine)
    assert await fingerprint(chain.engine) == before  # a reader
    kill(chain.engine)
    assert await chain.engine.send([chain.bump(7)]) == [None]
    kill(chain.engine)
    assert (await chain.engine.mine()).number == before[0] + 1
    assert await chain.total() == 7
    assert (await chain.engine.health()).restarts == 3


async def test_kills_at_any_moment_lose_and_double_nothing(chain: Chain) -> None:
    nonce, kills = 1, 60 if os.environ.get("SUNPILE_SOAK") else 6
    for round_ in range(kills):
        killer = asyncio.get_running_loop().call_later(0.004 * (round_ % 10), kill, chain.engine)
        for _ in range(3):
            assert await chain.engine.send([chain.bump(nonce), chain.bump(nonce + 1)]) == [None, None]
            nonce += 2
            await chain.engine.mine()
        killer.cancel()
    assert await chain.total() == nonce - 1


async def test_a_caller_that_gives_up_does_not_part_journal_and_chain(chain: Chain, folder: Path) -> None:
    await chain.engine.send([chain.bump(1)])
    for wait in (0.0, 0.001, 0.003):
        waiting = asyncio.create_task(chain.engine.mine())
        await asyncio.sleep(wait)
        waiting.cancel()
    await chain.engine.mine()
    before = await fingerprint(chain.engine)
    await chain.engine._shut()
    again = engine_in(folder, chain.clock)
    await again.start()
    assert await fingerprint(again) == before
    await again.stop()


async def test_many_senders_in_one_go_keep_their_order_on_replay(chain: Chain, folder: Path) -> None:
    keys = [Key.from_seed(f"sender {number}") for number in range(12)]
    raws = [chain.bump(nonce, by=at + 1, key=key) for nonce in range(10) for at, key in enumerate(keys)]
    answers = await asyncio.gather(*(chain.engine.send(raws[at : at + 7]) for at in range(0, len(raws), 7)))
    assert all(answer is None for part in answers for answer in part)
    await chain.engine.mine()
    before = await fingerprint(chain.engine)
    trail = await chain.counter.call(chain.engine.rpc, "Counter", "trail")
    await chain.engine._shut()
    again = engine_in(folder, chain.clock)
    await again.start()
    assert await fingerprint(again) == before
    assert await chain.counter.call(again.rpc, "Counter", "trail") == trail
    await again.stop()


async def test_what_the_chain_refuses_is_told_and_not_tried_again(chain: Chain, folder: Path) -> None:
    other = sign(chain.key, CHAIN_ID + 1, 1, None, b"", 21_000, Fees(0, 0))
    faults = await chain.engine.send([chain.bump(0), chain.bump(1), other, b"\x02nonsense", b""])
    assert faults[1] is None
    assert "nonce too low" in str(faults[0])
    assert all(isinstance(fault, InputInvalid) for fault in faults[2:])
    assert await chain.engine.send([chain.bump(1)]) == [None]  # known already
    assert '"no"' in (folder / "journal-0000000000.log").read_text()


async def test_a_full_disk_is_one_clear_error_and_nothing_half_done(
    chain: Chain, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await work(chain, 1)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("sunpile.chain.engine.journal.os.fsync", full)
        with pytest.raises(ChainUnreachable, match="the disk is full"):
            await chain.engine.mine()
        refused = (await chain.engine.send([chain.bump(4)]))[0]
        assert "the disk is full" in str(refused)
    await work(chain, 1, start=4)
    before = await fingerprint(chain.engine)
    await chain.engine._shut()
    again = engine_in(folder, chain.clock)
    await again.start()
    assert await fingerprint(again) == before
    await again.stop()


async def test_a_busy_port_is_one_clear_sentence(clock: StillClock, folder: Path) -> None:
    port = free_port()
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", port)
    with pytest.raises(PortBusy, match=f"port {port} on 127.0.0.1 is taken by another program"):
        await engine_in(folder, clock, port=port).start()
    server.close()


def test_a_missing_anvil_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(ProgramMissing, match="anvil is not installed"):
        find_anvil(tmp_path)


async def test_a_program_that_ends_at_once_is_named(clock: StillClock, folder: Path) -> None:
    with pytest.raises(ChainUnreachable, match="ended right after its start"):
        await engine_in(folder, clock, program=Path("/bin/false")).start()


async def test_one_folder_has_one_owner_and_one_chain_id(engine: AnvilEngine, folder: Path, clock: StillClock) -> None:
    with pytest.raises(Conflict, match="another process runs the chain"):
        await engine_in(folder, clock).start()
    await engine.stop()
    with pytest.raises(SettingInvalid, match="chain_id"):
        await AnvilEngine(folder, clock, CHAIN_ID + 1).start()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux only")
def test_anvil_dies_with_its_parent(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, signal, sys, pathlib\n"
        "from tests.chain.ground import StillClock, engine_in\n"
        "async def main():\n"
        f"    engine = engine_in(pathlib.Path({str(tmp_path / 'chain')!r}), StillClock())\n"
        "    await engine.start()\n"
        "    print(engine._process.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    root = Path(__file__).resolve().parents[2]
    places = os.environ | {"PYTHONPATH": f"{root / 'src'}:{root}"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=root, env=places, capture_output=True, text=True, timeout=30)
    assert done.returncode == -signal.SIGKILL, done.stderr
    pid = int(done.stdout)
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.02)
    raise AssertionError("anvil outlived its parent")


def test_snapshot_leaves_out_old_blocks() -> None:
    blocks = [{"header": {"number": hex(number)}} for number in range(1001)]
    packed = "0x" + gzip.compress(orjson.dumps({"best_block_number": 1000, "blocks": blocks})).hex()
    kept = [int(block["header"]["number"], 16) for block in orjson.loads(trimmed(packed, 1000, 64))["blocks"]]
    assert kept == [0, *range(745, 1001)]
    with pytest.raises(ChainUnreachable):
        trimmed(packed, 999, 64)
