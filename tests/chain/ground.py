"""A small contract, a still clock, and engines that are fast enough for tests."""

import contextlib
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

from sunpile.basics.ids import Address
from sunpile.basics.keys import Key
from sunpile.chain.contracts import Contracts, read_abi
from sunpile.chain.engine.anvil import AnvilEngine
from sunpile.chain.nonces import Submission
from sunpile.chain.submitter import Submitter
from sunpile.chain.transaction import Fees, sign

CHAIN_ID = 4242
GENESIS = 1_700_000_000
COUNTER = read_abi((Path(__file__).parent / "Counter.json").read_bytes())
"""Compiled from Counter.vy: vyper -f abi,bytecode, evm prague."""


class StillClock:
    """Time that moves only when told."""

    def __init__(self, now: int = GENESIS) -> None:
        self.time = now

    def now(self) -> int:
        return self.time

    async def sleep_until(self, when: int) -> None:
        self.time = max(self.time, when)

    @contextlib.contextmanager
    def work(self) -> Generator[None, None, None]:
        yield


class MemoryBook:
    """A `SubmissionBook` in a dict."""

    def __init__(self) -> None:
        self.rows: dict[str, Submission] = {}

    async def unfinished(self, sender: str) -> list[Submission]:
        rows = [row for row in self.rows.values() if row.sender == sender and row.state in ("unstarted", "sent")]
        return sorted(rows, key=lambda row: row.nonce)

    async def top_nonce(self, sender: str) -> int:
        return max((row.nonce for row in self.rows.values() if row.sender == sender), default=-1)

    async def find(self, content_ids: list[str]) -> list[Submission]:
        return [self.rows[name] for name in content_ids if name in self.rows]

    async def at(self, sender: str, nonce: int) -> Submission | None:
        return next((row for row in self.rows.values() if (row.sender, row.nonce) == (sender, nonce)), None)

    async def add(self, submissions: list[Submission]) -> None:
        taken = {(row.sender, row.nonce) for row in self.rows.values()}
        assert not any(row.content_id in self.rows or (row.sender, row.nonce) in taken for row in submissions)
        self.rows |= {row.content_id: row for row in submissions}

    async def update(self, submissions: list[Submission]) -> None:
        self.rows |= {row.content_id: replace(row) for row in submissions}


@dataclass
class Chain:
    """An embedded chain with the counter on it."""

    engine: AnvilEngine
    clock: StillClock
    key: Key
    counter: Contracts

    def bump(self, nonce: int, by: int = 1, key: Key | None = None) -> bytes:
        """A raw transaction that counts."""
        data = self.counter.encode("Counter", "bump", by)
        return sign(key or self.key, CHAIN_ID, nonce, self.counter.address("Counter"), data, 200_000, Fees(0, 0))

    async def total(self) -> int:
        return await self.counter.call(self.engine.rpc, "Counter", "total")


def engine_in(folder: Path, clock: StillClock, **options: object) -> AnvilEngine:
    """An embedded engine on `folder`, not started."""
    return AnvilEngine(folder, clock, CHAIN_ID, genesis_time=GENESIS, **options)  # type: ignore[arg-type]


async def deploy_counter(engine: AnvilEngine, key: Key) -> Contracts:
    raw = sign(key, CHAIN_ID, 0, None, COUNTER.creation(0), 2_000_000, Fees(0, 0))
    assert await engine.send([raw]) == [None]
    block = await engine.mine()
    receipt = await engine.rpc.call("eth_getTransactionReceipt", "0x" + block.transactions[0].hex())
    return Contracts({"Counter": receipt["contractAddress"]}, {"Counter": COUNTER})


def counter_at(address: Address) -> Contracts:
    return Contracts({"Counter": address}, {"Counter": COUNTER})


async def deployed_by(submitter: Submitter) -> Contracts:
    """The counter, deployed by `submitter`."""
    receipt = await submitter.submit("deploy", None, COUNTER.creation(0), 2_000_000)
    assert receipt.created is not None
    return counter_at(receipt.created)
