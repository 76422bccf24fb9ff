"""What the settlement's chapter needs from others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sunpile.basics.ids import Address, PointId, ZoneId
from sunpile.basics.reading import SignedReading
from sunpile.basics.units import Wh
from sunpile.settlement.bill import Bill
from sunpile.settlement.facts import ZoneFacts
from sunpile.settlement.intake import Answer
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

    async def seats(self, ended: int) -> Sequence[Address]:
        """Seats of the epoch in which an interval ended at `ended` [Unix s]."""
        ...


class ReadingShelf(Protocol):
    """Readings that were received. `add` returns when they are durable."""

    async def known(self, point: PointId, interval: int) -> tuple[SignedReading, ...]: ...
    async def add(self, signed: SignedReading, answer: Answer, at: int) -> None: ...
    async def held(self, interval: int) -> Held: ...


class BillShelf(Protocol):
    """Bills of settled batches. Adding one again changes nothing."""

    async def add_bills(self, bills: Sequence[Bill]) -> None: ...
