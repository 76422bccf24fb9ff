"""What staff sees of sessions: lists, one session with all its evidence, what is held. Always of one tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sunpile.basics.ids import EvseId, SessionId, StationId
from sunpile.basics.scope import Scope
from sunpile.sessions.cdr import Cdr
from sunpile.sessions.guess import Guess
from sunpile.sessions.model import Pile, Session
from sunpile.sessions.outcome import Outcome
from sunpile.sessions.ports import Ruled
from sunpile.sessions.register import RegisterSample
from sunpile.sessions.signed import SignedValue

PAGE_MAX = 500
"""Most rows of one page."""


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Which sessions; what is None does not matter."""

    station: str | None = None
    """Charging station."""
    evse: int | None = None
    """EVSE number."""
    state: str | None = None
    """active, waiting, ended or held."""
    driver: str | None = None
    """Account."""
    id_token: str | None = None
    """Token shown, without regard to case."""
    doubt: str | None = None
    """A doubt it has."""
    since: int | None = None
    """Started at or after [Unix s]."""
    until: int | None = None
    """Started before [Unix s]."""
    after: str | None = None
    """The last session of the page before: go on below it."""
    limit: int = 100
    """Rows, at most `PAGE_MAX`."""


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """A transaction message as it is kept."""

    station: StationId
    """Who sent it."""
    key: str
    """Its content id."""
    received_at: int
    """Our time [Unix s]."""
    answer: str
    """What was answered, JSON."""
    held: str | None
    """Why it moves no money."""
    detail: str | None
    """What it said, JSON, where it is held."""
    dismissed_at: int | None
    """When staff had looked at it [Unix s]."""


@dataclass(frozen=True, slots=True)
class JudgedSample:
    """A register of a session, and what is thought of it."""

    sample: RegisterSample
    """As it came."""
    held: str | None
    """Why it is not trusted; None: it is."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is kept of one session."""

    session: Session
    """The session."""
    pile: Pile | None
    """Its EVSE; None: not registered."""
    messages: tuple[KeptMessage, ...]
    """Its transaction messages, oldest first."""
    samples: tuple[RegisterSample, ...]
    """Registers of its EVSE while it ran, by time."""
    earlier: RegisterSample | None
    """The EVSE's register before it."""
    later: RegisterSample | None
    """The first register of a later session of the EVSE."""
    signed: tuple[SignedValue, ...]
    """Its signed meter values."""
    rulings: tuple[Ruled, ...]
    """What staff decided, oldest first."""
    records: tuple[Cdr, ...]
    """Charge detail records and credit records, oldest first."""


@dataclass(frozen=True, slots=True)
class SessionDetail:
    """A session's page."""

    evidence: Evidence
    """What is kept."""
    outcome: Outcome
    """What became of it."""
    samples: tuple[JudgedSample, ...]
    """Registers with what is thought of them."""
    guesses: tuple[Guess, ...]
    """What may have gone wrong; only for a held session."""


@dataclass(frozen=True, slots=True)
class HeldWork:
    """What waits for a person."""

    sessions: tuple[Session, ...]
    """Held sessions, oldest first."""
    messages: tuple[KeptMessage, ...]
    """Held messages nobody has looked at, oldest first."""


@dataclass(frozen=True, slots=True)
class MeterKey:
    """A public key of an EVSE's meter."""

    station: StationId
    """Charging station."""
    evse: EvseId
    """EVSE number."""
    since: int
    """From when it counts [Unix s]."""
    key: str
    """Hex of the SubjectPublicKeyInfo."""
    registered_by: str
    """Who registered it."""


class SessionArchive(Protocol):
    """The store as staff sees it. What is of another tenant is `NotFound`, as what does not exist."""

    async def list(self, scope: Scope, query: SessionQuery) -> Sequence[Session]:
        """Newest start first."""
        ...

    async def evidence(self, scope: Scope, session: SessionId) -> Evidence: ...
    async def held(self, scope: Scope, limit: int) -> HeldWork: ...
    async def dismiss(self, scope: Scope, station: StationId, key: str, at: int) -> KeptMessage:
        """Note that staff has looked at a held message; once."""
        ...

    async def records(self, scope: Scope, since: int, until: int, after: str, limit: int) -> Sequence[Cdr]:
        """Records closed in a span [Unix s], by id, those after `after`."""
        ...

    async def meter_keys(self, scope: Scope, station: StationId) -> Sequence[MeterKey]: ...
    async def save_meter_key(self, scope: Scope, key: MeterKey) -> None: ...
