"""What the piles' chapter needs from others."""

from dataclasses import dataclass
from typing import Protocol

from sunpile.basics.ids import StationId
from sunpile.chargers.events import (
    Authorisation,
    Booted,
    MeterRead,
    StatusChanged,
    TransactionAnswer,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.chargers.notices import Answer, AuthorisationAsked, Notice, Question


@dataclass(frozen=True, slots=True)
class StationRecord:
    """What must be known of a station before its socket is accepted."""

    station: StationId
    tenant: str
    password_salt: bytes
    password_hash: bytes
    """sha256(salt + password)."""
    max_w: int


class StationBook(Protocol):
    """Stations and what is kept of their talk. Each call returns when it is durable."""

    async def find(self, station: str) -> StationRecord | None: ...
    async def refused(self, station: str, reason: str, at: int) -> None: ...
    async def connected(self, station: StationId, version: str, at: int) -> None: ...
    async def booted(self, event: Booted, at: int) -> None: ...
    async def status_changed(self, event: StatusChanged) -> None: ...
    def frame(self, station: StationId, at: int, incoming: bool, frame: str) -> None:
        """Queue one frame of the raw message log; not awaited."""
        ...


class StationInbox(Protocol):
    """Who acts on what piles say. Answers come back only when the event is durable."""

    async def authorise(self, asked: AuthorisationAsked) -> Authorisation: ...
    async def told(self, notice: Notice) -> None: ...
    async def asked(self, question: Question) -> Answer: ...
    async def booted(self, event: Booted) -> None: ...
    async def status_changed(self, event: StatusChanged) -> None: ...
    async def meter_read(self, event: MeterRead) -> None: ...
    async def started(self, event: TransactionStarted) -> TransactionAnswer: ...
    async def updated(self, event: TransactionUpdated) -> TransactionAnswer: ...
    async def ended(self, event: TransactionEnded) -> TransactionAnswer: ...
