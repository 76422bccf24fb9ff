"""The embedded engine: anvil on one machine, mined on demand, made durable by our journal.

Everything that changes the chain goes through one lock: journal first, chain second. If anvil dies at any moment it
is started again and the journal is done again; callers see a delay. It is a chain with one operator: consistent,
not independent.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import orjson

from sunpile.basics.errors import (
    ChainFault,
    ChainUnreachable,
    Conflict,
    Inconsistent,
    InputInvalid,
    PortBusy,
    SettingInvalid,
    SunpileError,
    TooMany,
)
from sunpile.basics.ports import Clock
from sunpile.chain.engine.journal import Journal, Mined, Past, Step
from sunpile.chain.engine.ports import Block, Health
from sunpile.chain.engine.program import find_anvil, free_port, options, start_anvil, stop_anvil
from sunpile.chain.engine.rpc import block_of, is_known
from sunpile.chain.engine.state import trimmed
from sunpile.chain.rpc import Rpc
from sunpile.chain.transaction import Fees, Transaction, read

ORDERED_BATCH = 25
"""Raw transactions in one request; measured: from some 60 on the node no longer keeps their order."""
WAITING_MAX = 10_000
START_TRIES = 4
BLOCK_GAS = 1_000_000_000
T = TypeVar("T")
Waiter = tuple[Transaction, "asyncio.Future[SunpileError | None]"]


class AnvilEngine:
    """anvil behind the `Engine` port.

    Parameters
    ----------
    folder
        where the journal lives; one process at a time.
    clock
        gives the block time.
    genesis_time
        Unix time of block 0 [s]; 0 = now, at the first start. Kept in the folder.
    port
        loopback port of anvil itself, 0 = any. Nobody but us should talk to it: its methods can mint.
    keep_blocks
        newest blocks whose receipts and logs stay readable; an indexer must not fall further behind.
    snapshot_lines
        journal lines after which a snapshot is taken.
    """

    name = "anvil"
    on_demand = True
    patience = 0

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        chain_id: int,
        *,
        genesis_time: int = 0,
        port: int = 0,
        keep_blocks: int = 1024,
        snapshot_lines: int = 2000,
        program: Path | None = None,
    ) -> None:
        self.chain_id = chain_id
        self.retention: int | None = keep_blocks
        self._keep_blocks = keep_blocks
        self.rpc = Rpc("", revive=self._revive_reader)
        self.restarts = 0
        self._folder, self._clock, self._genesis_time = folder, clock, genesis_time
        self._wanted_port, self._port = port, 0
        self._snapshot_lines, self._program = snapshot_lines, program
        self._journal = Journal(folder)
        self._inner = Rpc("")
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._owner: BinaryIO | None = None
        self._head = Block(0, b"", 0)
        self._waiting: dict[bytes, bytes] = {}
        """hash -> raw of what is in the pool."""
        self._included: set[bytes] = set()
        """Hashes in blocks since the last snapshot."""
        self._outbox: list[Waiter] = []
        self._running = False

    # -- life -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start anvil and bring it to where the journal ends.

        Raises
        ------
        ProgramMissing, PortBusy, ChainUnreachable, Conflict, Inconsistent
            each with one clear sentence.
        """
        async with self._lock:
            self._program = find_anvil() if self._program is None else self._program
            self._own_folder()
            self._settle_genesis()
            self._running = True
            try:
                await self._boot()
            except BaseException:
                await self._shut()
                raise

    async def stop(self) -> None:
        """Take a snapshot, so that the next start is quick, and end anvil."""
        async with self._lock:
            if self._running and self._process is not None and self._process.returncode is None:
                with contextlib.suppress(SunpileError):
                    await self._snapshot()
            await self._shut()

    async def health(self) -> Health:
        """State of the embedded chain."""
        alive = self._running and self._process is not None and self._process.returncode is None
        words = f"The chain {self.chain_id} is run by this node alone: it proves consistency, not honesty."
        return Health(alive, self._head.number, self._head.time, len(self._waiting), self.restarts, words)

    # -- the port -------------------------------------------------------------------------------------------

    async def send(self, raws: Sequence[bytes]) -> list[SunpileError | None]:
        """Journal `raws` durably, then give them to the chain. Callers that wait together share one disk sync."""
        results: list[SunpileError | None] = [None] * len(raws)
        waiters: list[tuple[int, Waiter]] = []
        for index, raw in enumerate(raws):
            try:
                item = (self._admit(raw), asyncio.get_running_loop().create_future())
                waiters.append((index, item))
            except SunpileError as fault:
                results[index] = fault
        self._outbox += [waiter for _, waiter in waiters]
        if waiters:
            await self._whole(self._flush_outbox())
        for index, (_, done) in waiters:
            results[index] = await done
        return results

    async def mine(self, now: int | None = None) -> Block:
        """Make one block, empty if nothing waits, at `now` or the clock's time; the time never falls."""
        return await self._whole(self._mine(self._clock.now() if now is None else now))

    async def advance(self) -> None:
        """Mine if anything waits. Many callers at once share one block."""
        if self._waiting:
            await self._whole(self._mine_waiting())

    async def final(self) -> int:
        """The newest block: nothing is ever undone here."""
        return self._head.number

    async def fees(self) -> Fees:
        """Gas has no price here."""
        return Fees(0, 0)

    async def revert_output(self, hash: bytes) -> bytes | None:
        """What a failed transaction gave back."""
        try:
            answer = await self.rpc.call("ots_getTransactionError", "0x" + hash.hex())
        except SunpileError:
            return None
        return bytes.fromhex(answer[2:]) if isinstance(answer, str) else None

    async def head(self) -> Block:
        """The newest block."""
        return self._head

    # -- under the lock ---------------------------------------------------------------------------------------

    def _admit(self, raw: bytes) -> Transaction:
        if not self._running:
            raise ChainUnreachable("the embedded chain is not started")
        transaction = read(raw)
        if transaction.chain_id != self.chain_id:
            raise InputInvalid(f"the transaction is for chain {transaction.chain_id}, this is {self.chain_id}")
        if transaction.gas_limit > BLOCK_GAS:
            raise InputInvalid(f"the gas limit is above {BLOCK_GAS}, which is a whole block")
        if len(self._waiting) + len(self._outbox) >= WAITING_MAX:
            raise TooMany(f"{WAITING_MAX} transactions wait already: try again later")
        return transaction

    async def _whole(self, work: Coroutine[Any, Any, T]) -> T:
        """Do `work` alone and to its end, even if the caller gives up: journal and chain must not part."""

        async def alone() -> T:
            async with self._lock:
                return await work

        return await asyncio.shield(asyncio.create_task(alone()))

    async def _mine_waiting(self) -> None:
        if self._waiting:
            await self._mine(self._clock.now())

    async def _flush_outbox(self) -> None:
        batch, self._outbox = self._outbox, []
        fresh = {item.hash: item.raw for item, _ in batch if not self._knows(item.hash)}
        answers: dict[bytes, SunpileError | None] = {}
        try:
            if fresh:
                await asyncio.to_thread(self._journal.transactions, list(fresh.items()))
                answers = await self._offer(fresh)
        except SunpileError as fault:
            answers = dict.fromkeys(fresh, fault)
        except BaseException as fault:
            answers = dict.fromkeys(fresh, ChainUnreachable(f"the chain was interrupted: {type(fault).__name__}"))
            raise
        finally:
            for item, done in batch:
                if not done.done():
                    done.set_result(answers.get(item.hash))

    async def _offer(self, fresh: dict[bytes, bytes]) -> dict[bytes, SunpileError | None]:
        try:
            answers = await self._hand_over(fresh)
        except ChainUnreachable:
            # The journal has them: starting again does what was left undone.
            await self._recover()
            missing = ChainFault(-32003, "the transaction was not taken")
            return {hash: None if self._knows(hash) else missing for hash in fresh}
        refused = [hash for hash, fault in answers.items() if fault is not None]
        if refused:
            self._journal.refused(refused)
        return answers

    async def _hand_over(self, raws: dict[bytes, bytes]) -> dict[bytes, SunpileError | None]:
        calls = [("eth_sendRawTransaction", ["0x" + raw.hex()]) for raw in raws.values()]
        results = await self._inner.batch(calls, size=ORDERED_BATCH)
        answers: dict[bytes, SunpileError | None] = {}
        for (hash, raw), result in zip(raws.items(), results, strict=True):
            taken = not isinstance(result, SunpileError) or is_known(result)
            answers[hash] = None if taken else result
            if taken:
                self._waiting[hash] = raw
        return answers

    async def _mine(self, now: int) -> Block:
        if not self._running:
            raise ChainUnreachable("the embedded chain is not started")
        number, time = self._head.number + 1, max(now, self._head.time)
        await asyncio.to_thread(self._journal.mark, number, time)
        try:
            block = await self._seal(time)
        except ChainUnreachable:
            await self._recover()
            block = self._head
        else:
            self._note(block)
        if block.number != number or block.time != time:
            raise Inconsistent(f"block {number} at {time} was asked for, {block.number} at {block.time} came out")
        if self._journal.lines >= self._snapshot_lines:
            with contextlib.suppress(ChainUnreachable):
                await self._snapshot()
        return block

    async def _seal(self, time: int) -> Block:
        # A block fuller than half would lift the base fee above the zero that our transactions offer.
        await self._inner.call("anvil_setNextBlockBaseFeePerGas", "0x0")
        await self._inner.call("evm_mine", {"timestamp": time})
        return block_of(await self._inner.call("eth_getBlockByNumber", "latest", False))

    def _note(self, block: Block) -> None:
        self._journal.mined(Mined(block.number, block.hash, block.transactions))
        self._settle(block)

    def _settle(self, block: Block) -> None:
        self._head = block
        self._included.update(block.transactions)
        for hash in block.transactions:
            self._waiting.pop(hash, None)

    def _knows(self, hash: bytes) -> bool:
        return hash in self._waiting or hash in self._included

    async def _snapshot(self) -> None:
        packed = await self._inner.call("anvil_dumpState")
        state = await asyncio.to_thread(trimmed, packed, self._head.number, self._keep_blocks)
        await asyncio.to_thread(self._journal.snapshot, self._head.number, state, list(self._waiting.items()))
        self._included.clear()

    # -- starting, and starting again -------------------------------------------------------------------------

    async def _boot(self) -> None:
        past = await asyncio.to_thread(self._journal.load)
        await self._launch(past)
        self._waiting, self._included = {}, set()
        self._head = block_of(await self._inner.call("eth_getBlockByNumber", "latest", False))
        if self._head.number != past.block:
            raise Inconsistent(f"the snapshot of block {past.block} came up as block {self._head.number}")
        for step in past.steps:
            await self._redo(step)
        await self._hand_over(past.waiting)
        self._watch = asyncio.create_task(self._watch_over(self._process))

    async def _launch(self, past: Past) -> None:
        assert self._program is not None
        loaded = self._folder / "loading.json"
        try:
            if past.state is not None:
                await asyncio.to_thread(loaded.write_bytes, past.state)
            for attempt in range(START_TRIES):
                self._port = self._wanted_port or self._port or free_port()
                state = loaded if past.state is not None else None
                arguments = options(self.chain_id, self._genesis_time, self._port, self._keep_blocks, state)
                try:
                    self._process = await start_anvil(self._program, arguments, self._port, self._folder / "anvil.log")
                    await self._connect()
                    return
                except (PortBusy, ChainUnreachable) as fault:
                    await self._kill()
                    self._port = 0
                    if attempt == START_TRIES - 1 or (self._wanted_port and isinstance(fault, PortBusy)):
                        raise
        except OSError as fault:
            raise ChainUnreachable(f"the chain's folder {self._folder} cannot be used: {fault.strerror}") from fault
        finally:
            loaded.unlink(missing_ok=True)

    async def _connect(self) -> None:
        url = f"http://127.0.0.1:{self._port}"
        await self._inner.close()
        self._inner = Rpc(url, timeout=120)
        answered = int(await self._inner.call("eth_chainId"), 16)
        if answered != self.chain_id or (self._process is not None and self._process.returncode is not None):
            raise PortBusy(f"port {self._port} on 127.0.0.1 is taken by another chain")
        self.rpc.url = url

    async def _redo(self, step: Step) -> None:
        """One block again: in the order in which it came out, if that is known."""
        raws = step.raws
        if step.mined is not None:
            first = {hash: raws[hash] for hash in step.mined.transactions if hash in raws}
            raws = first | raws
        await self._hand_over(raws)
        block = await self._seal(step.time)
        if block.number != step.number or (step.mined is not None and block.hash != step.mined.hash):
            raise Inconsistent(f"block {step.number} came out differently when the journal was done again")
        if step.mined is None:
            self._note(block)
        else:
            self._settle(block)

    async def _recover(self) -> None:
        """anvil is gone: start it again. Only under the lock."""
        await self._kill()
        if not self._running:
            raise ChainUnreachable("the embedded chain is stopped")
        self.restarts += 1
        await self._boot()

    async def _revive_reader(self) -> bool:
        """A reader got no answer: True if it should ask again."""
        process = self._process
        async with self._lock:
            if not self._running:
                return False
            if process is self._process and not await self._answers():
                await self._recover()
        return True

    async def _answers(self) -> bool:
        """Whether anvil lives and talks; one that hangs counts as dead."""
        if self._process is None or self._process.returncode is not None:
            return False
        try:
            async with asyncio.timeout(5):
                return bool(await self._inner.call("eth_chainId"))
        except (ChainUnreachable, TimeoutError):
            return False

    async def _watch_over(self, process: asyncio.subprocess.Process | None) -> None:
        assert process is not None
        await process.wait()
        async with self._lock:
            if self._running and process is self._process:
                with contextlib.suppress(ChainUnreachable, PortBusy):
                    await self._recover()

    # -- the folder -------------------------------------------------------------------------------------------

    def _own_folder(self) -> None:
        if self._owner is not None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._owner = (self._folder / "lock").open("wb")
            fcntl.flock(self._owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            if self._owner is not None:
                self._owner.close()
                self._owner = None
            if fault.errno in (errno.EAGAIN, errno.EACCES):
                raise Conflict(f"another process runs the chain in {self._folder}: stop it first") from fault
            raise ChainUnreachable(f"the chain's folder {self._folder} cannot be used: {fault.strerror}") from fault

    def _settle_genesis(self) -> None:
        """Block 0 must be the same at every start, or the hashes would differ."""
        path = self._folder / "genesis.json"
        if path.exists() and path.stat().st_size:
            known = orjson.loads(path.read_bytes())
            if known["chain_id"] != self.chain_id:
                raise SettingInvalid("chain_id", str(self.chain_id), f"{known['chain_id']}, as in {path}")
            self._genesis_time = known["time"]
            return
        self._genesis_time = self._genesis_time or self._clock.now()
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(orjson.dumps({"chain_id": self.chain_id, "time": self._genesis_time}))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)

    async def _kill(self) -> None:
        process, self._process = self._process, None
        watch, self._watch = self._watch, None
        if watch is not None and watch is not asyncio.current_task():
            watch.cancel()
        if process is not None:
            await stop_anvil(process)

    async def _shut(self) -> None:
        self._running = False
        await self._kill()
        await self._inner.close()
        await self.rpc.close()
        self._journal.close()
        if self._owner is not None:
            self._owner.close()
            self._owner = None
