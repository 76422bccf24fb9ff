"""What the chain is to the rest of the node: one port, several engines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sunpile.basics.errors import SunpileError
from sunpile.chain.rpc import Rpc
from sunpile.chain.transaction import Fees


@dataclass(frozen=True, slots=True)
class Block:
    """The head of a block."""

    number: int
    hash: bytes
    time: int
    """Unix time [s], never before its parent's."""
    transactions: tuple[bytes, ...] = ()
    """Hashes, in the order of the block."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a chain is."""

    alive: bool
    block: int
    """Number of the newest block."""
    time: int
    """Time of the newest block [Unix s]."""
    waiting: int
    """Transactions taken but in no block yet, as far as the engine knows."""
    restarts: int
    """How often the engine had to start its program again."""
    runs_by: str
    """One sentence: who runs this chain, and what follows."""


class Engine(Protocol):
    """A chain."""

    name: str
    chain_id: int
    rpc: Rpc
    """For reading. Writing goes through `send`."""
    on_demand: bool
    """True: blocks are made here, when something waits."""
    retention: int | None
    """Newest blocks whose receipts and logs the chain keeps; None = all."""
    patience: int
    """Blocks to wait before a receipt that is not there counts as missing."""

    async def start(self) -> None:
        """Be ready to answer; after it every transaction ever taken by `send` is in a block or waits for one."""
        ...

    async def stop(self) -> None:
        """End what was started."""
        ...

    async def send(self, raws: Sequence[bytes]) -> list[SunpileError | None]:
        """Hand raw transactions to the chain, in this order; an error stands where one was not taken.

        An embedded engine has them on the disk before this returns. A transaction that is known already is no error.
        """
        ...

    async def mine(self, now: int | None = None) -> Block:
        """Make a block at `now` [Unix s] of everything that waits (embedded), or wait for the next one (others)."""
        ...

    async def advance(self) -> None:
        """Let the chain go on because somebody waits: embedded, mine if anything waits; else wait a moment."""
        ...

    async def final(self) -> int:
        """Number of the newest block that will not be undone."""
        ...

    async def fees(self) -> Fees:
        """What a transaction should offer now."""
        ...

    async def revert_output(self, hash: bytes) -> bytes | None:
        """Output of a mined transaction that failed; None if the chain cannot tell."""
        ...

    async def health(self) -> Health:
        """How the chain is; never raises."""
        ...
