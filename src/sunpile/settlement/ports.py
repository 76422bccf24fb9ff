"""What the settlement's chapter needs from others."""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Protocol

from sunpile.basics.ids import Address, PointId, ZoneId
from sunpile.basics.reading import SignedReading
from sunpile.basics.units import Wh
from sunpile.settlement.archive import Kept
from sunpile.settlement.bill import Bill
from sunpile.settlement.facts import ZoneFacts
from sunpile.settlement.intake import Answer
from sunpile.settlement.late import LateProposal
from sunpile.settlement.member import Refusal
from sunpile.settlement.proposal import Proposal
from sunpile.settlement.selection import Held


@dataclass(frozen=True, slots=True)
class PointRecord:
    """A metering point as the node knows it: what is on chain, and what only people need."""

    point: PointId
    zone: ZoneId
    kind: str
    """pile, home, battery, roof."""
    owner: Address
    meter_key: Address
    node_signs: bool
    """The node's key signs for it, it cannot itself."""
    parent: PointId | None
    """The meter it stands behind."""
    cap: Wh
    """Certified largest energy of an interval [Wh]."""
    label: str = ""
    """A name for people; never on chain."""
    x: int = 0
    """Place on the page's map, 0 to 1000."""
    y: int = 0


class ChainView(Protocol):
    """The two questions `verify` asks a chain. Both raise `ChainUnreachable` if it does not answer."""

    def call(self, to: Address, data: bytes) -> bytes:
        """`eth_call` at the newest block."""
        ...

    def code(self, address: Address) -> bytes:
        """`eth_getCode` at the newest block."""
        ...


class MarketChain(Protocol):
    """The market as node and members read it."""

    async def facts(self, zone: ZoneId, interval: int) -> ZoneFacts:
        """The zone and interval at the newest final block."""
        ...

    async def digest(self, zone: ZoneId, interval: int) -> bytes:
        """`digestAt`: struct hash of the settled batch; 32 zero bytes if there is none."""
        ...

    async def seats(self, ended: int) -> Sequence[Address]:
        """Seats of the epoch in which an interval ended at `ended` [Unix s]."""
        ...


class PointBook(Protocol):
    """What intake asks about a reading's point."""

    async def key(self, point: PointId, interval: int) -> Address | None:
        """The meter key valid in `interval`; None if there is no such point then."""
        ...

    async def settled(self, point: PointId, interval: int) -> bool:
        """The interval of the point's zone is settled or voided."""
        ...


Place = tuple[PointId, int]
"""A point and an interval's index."""


class ReadingShelf(Protocol):
    """Readings that were received. `add_all` returns when they are durable."""

    async def known(self, places: Collection[Place]) -> Mapping[Place, tuple[SignedReading, ...]]: ...
    async def add_all(self, answered: Sequence[tuple[SignedReading, Answer]], at: int) -> None: ...
    async def held(self, interval: int) -> Held: ...


class SeatShelf(ReadingShelf, Protocol):
    """What a member remembers: its readings, and what it signed. Each call returns when it is durable."""

    async def signed(self, zone: ZoneId, interval: int) -> Mapping[int, bytes]: ...
    async def put_batch(self, kept: Kept, at: int, state: str = "proposed") -> None: ...
    async def signed_late(self, zone: ZoneId, interval: int) -> Mapping[int, bytes]: ...
    async def put_late(self, proposal: LateProposal, at: int, state: str = "proposed") -> None: ...
    async def points_of(self, zone: ZoneId, interval: int, digest: bytes) -> Set[PointId] | None:
        """Points of the witness of the batch with this struct hash; None if it is not here."""
        ...


class MemberLine(Protocol):
    """A way to one member of the council. Raises `Unreachable` if it does not answer."""

    async def ask(self, proposal: Proposal | LateProposal) -> bytes | Refusal:
        """Its signature, 65 bytes, or why it does not sign."""
        ...


class BillShelf(Protocol):
    """Bills of settled batches. Adding one again changes nothing."""

    async def add_bills(self, bills: Sequence[Bill]) -> None: ...
