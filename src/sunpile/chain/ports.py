"""What the chain's chapter needs kept: submissions, and events with a cursor. Each call returns when it is durable."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sunpile.chain.nonces import Submission


class SubmissionBook(Protocol):
    """Where a submitter keeps what it is about to send."""

    async def unfinished(self, sender: str) -> list[Submission]:
        """Those of `sender` that are neither mined nor failed, by nonce."""
        ...

    async def top_nonce(self, sender: str) -> int:
        """Highest nonce `sender` ever used, -1 for none."""
        ...

    async def find(self, content_ids: Sequence[str]) -> list[Submission]:
        """Those that exist."""
        ...

    async def at(self, sender: str, nonce: int) -> Submission | None:
        """The one with this nonce."""
        ...

    async def add(self, submissions: Sequence[Submission]) -> None:
        """Save new ones, all or none. Conflict if a content id or nonce is taken."""
        ...

    async def update(self, submissions: Sequence[Submission]) -> None:
        """Save new states, found by content id (the nonce may change), all or none."""
        ...


@dataclass(frozen=True, slots=True)
class ChainEvent:
    """One event of our contracts in a final block."""

    block: int
    log_index: int
    block_hash: bytes
    block_time: int
    """Unix time [s]."""
    transaction: bytes
    """Hash."""
    contract: str
    event: str
    args: dict[str, Any]
    """By name; bytes are 0x hex, so that it is JSON."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the chain was read."""

    block: int
    hash: bytes


class EventBook(Protocol):
    """Where the indexer keeps what it read."""

    async def cursor(self, name: str) -> Cursor | None: ...

    async def advance(self, name: str, cursor: Cursor, events: Sequence[ChainEvent]) -> None:
        """Save events and cursor together; events that are there already are left as they are."""
        ...

    async def marks(self, below: int, limit: int) -> list[Cursor]:
        """Blocks with events below block `below`, newest first: places to go back to."""
        ...

    async def rewind(self, name: str, cursor: Cursor | None) -> None:
        """Forget everything after `cursor`, or everything."""
        ...

    async def events(self, event: str | None, after: int, limit: int) -> list[ChainEvent]:
        """Events after block `after`, in order; of one name, or all."""
        ...
