"""What the piles' chapter needs from others."""

from collections.abc import Mapping
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
    """Identity."""
    tenant: str
    """Whose."""
    password_salt: bytes
    """Random."""
    password_hash: bytes
    """sha256(salt + password)."""
    max_w: int
    """Most its connectors can give together [W]."""
    security_profile: int = 1
    """0 to 3 (A00): how it has to come in."""
    next_profile: int | None = None
    """A higher one it was told to use and has not used yet: accepted too."""
    secrets: tuple[tuple[bytes, bytes], ...] = ()
    """Salt and hash of passwords on their way to it: accepted too, until one of them is used."""
    registration: str = "Accepted"
    """Accepted, Pending or Rejected: the answer to its BootNotification."""
    serial: str = ""
    """Serial number; empty if unknown."""
    leniency: frozenset[str] = frozenset()
    """Deviations put up with, by name (`leniency.DEVIATIONS`)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A connection that was turned away."""

    station: str
    """Identity as it was asked for; may be anything."""
    reason: str
    """One of `refusals.CURES`."""
    at: int
    """Unix time [s]."""
    address: str = ""
    """Of the other side, without port."""
    offered: str = ""
    """WebSocket subprotocols it offered, comma separated."""
    tls: str = ""
    """TLS version and cipher; empty without TLS."""


class StationBook(Protocol):
    """Stations and what is kept of their talk. Each call returns when it is durable."""

    async def find(self, station: str) -> StationRecord | None: ...
    async def refused(self, refusal: Refusal) -> None: ...
    async def secret_used(self, station: StationId, salt: bytes) -> None:
        """It came in with the password of this salt: the only one from now on."""
        ...

    async def raised(self, station: StationId, profile: int) -> None:
        """It came in with a higher security profile: never a lower one again."""
        ...

    async def connected(self, station: StationId, version: str, at: int) -> None: ...
    async def disconnected(self, station: StationId, at: int) -> None: ...
    async def booted(self, event: Booted, at: int) -> None: ...
    async def status_changed(self, event: StatusChanged) -> None: ...
    async def leniency_used(self, station: StationId, uses: Mapping[str, int], at: int) -> None:
        """Count deviations that were put up with: name to how often since the last time."""
        ...

    def frame(self, station: StationId, at: int, incoming: bool, frame: str) -> None:
        """Queue one frame of the raw message log; not awaited."""
        ...


class ClientCertificates(Protocol):
    """Whether the certificate shown at the TLS door is the station's (A00.FR.403 to 405)."""

    async def check(self, der: bytes, station: StationRecord) -> str | None:
        """Why not, as one of `refusals.CURES`; None if it is."""
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
