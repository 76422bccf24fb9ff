"""What this chapter needs from others: a store, the piles' ears, the chain's channels, the market's fills."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sunpile.basics.ids import DriverId, EvseId, IdToken, PointId, SessionId, StationId
from sunpile.basics.interval import Interval
from sunpile.basics.units import Nano, Wh
from sunpile.chargers.events import TransactionAnswer
from sunpile.sessions.cdr import Cdr
from sunpile.sessions.model import Channel, Driver, Pile, Session
from sunpile.sessions.receipt import SourceMix
from sunpile.sessions.register import Register, RegisterSample
from sunpile.sessions.signed import SignedValue
from sunpile.sessions.tokens import Shown
from sunpile.sessions.voucher import Voucher


@dataclass(frozen=True, slots=True)
class Seen:
    """A transaction message that has been answered."""

    body_hash: bytes
    """keccak256 of its payload."""
    answer: TransactionAnswer
    """What was answered, and will be again."""


class Desk(Protocol):
    """What a decision may look at: the store inside one unit of work. Pure reads, always the same within it."""

    def seen(self, station: StationId, key: str) -> Seen | None: ...
    def pile(self, station: StationId, evse: EvseId) -> Pile | None: ...
    def open_sessions(self, station: StationId) -> Sequence[Session]:
        """Those in state active or waiting."""
        ...

    def by_transaction(self, station: StationId, ocpp_transaction: str) -> Session | None: ...
    def by_id(self, session: SessionId) -> Session | None: ...
    def driver_of(self, id_token: IdToken) -> Driver | None: ...
    def shown(
        self, id_token: IdToken, station: StationId, evse: EvseId | None, at: int, this: SessionId | None
    ) -> Shown | None:
        """What the operator keeps of a token shown at a station; its use without session `this`.

        None where no operator keeps tokens.
        """
        ...

    def channel_of(self, driver: DriverId) -> Channel | None:
        """The newest open channel of a driver."""
        ...

    def channel(self, channel: bytes) -> Channel | None: ...
    def active_of(self, driver: DriverId) -> Session | None: ...
    def samples(self, station: StationId, evse: EvseId, since: int, until: int) -> Sequence[RegisterSample]:
        """Register samples with `since <= taken_at <= until` [Unix s], in any order."""
        ...

    def meter_key(self, station: StationId, evse: EvseId, at: int) -> str | None:
        """The public key of the EVSE's meter that counts at a time [Unix s]."""
        ...

    def signed_values(self, session: SessionId) -> Sequence[SignedValue]: ...
    def signed_by(self, digest: str) -> SessionId | None:
        """The session that a signed value first came with."""
        ...

    def records_of(self, session: SessionId) -> Sequence[Cdr]:
        """All records of a session, oldest first."""
        ...

    def cost(self, session: Session, register: Register) -> Nano | None:
        """What a closed session costs by the tariff it began with; None: its energy times its price."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """A transaction message to remember."""

    station: StationId
    """Who sent it."""
    key: str
    """Content id."""
    body_hash: bytes
    """keccak256 of its payload."""
    held: str | None = None
    """Why it moves no money."""
    detail: str | None = None
    """What it said, as JSON, where it is held: for whoever looks at it."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """A decision of staff on a session, as it is kept."""

    session: SessionId
    """The session."""
    kind: str
    """registers, zero, signed, hold, correct or credit."""
    start_wh: Wh | None
    """Register at the start that was given [Wh]."""
    end_wh: Wh | None
    """Register at the end that was given [Wh]."""
    wh: Wh | None
    """Energy it bills [Wh]; None: it bills nothing anew."""
    actor: str
    """Who decided."""
    reason: str
    """Why."""
    at: int
    """When [Unix s]."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one event changes. The store makes all of it durable in one transaction before the answer is sent."""

    answer: TransactionAnswer | None = None
    """Answer to a transaction message."""
    message: Message | None = None
    """Remembered, so that a repetition gets the same answer."""
    samples: tuple[tuple[StationId, EvseId, RegisterSample], ...] = ()
    """Register samples; known ones stay as they are."""
    sessions: tuple[Session, ...] = ()
    """New or changed sessions; their channels' `owed` follows."""
    cdrs: tuple[Cdr, ...] = ()
    """Closed records."""
    voucher: Voucher | None = None
    """Accepted voucher; its channel's `best` follows."""
    signed: tuple[SignedValue, ...] = ()
    """Signed meter values; a known one stays with the session it first came with."""
    rulings: tuple[Ruled, ...] = ()
    """What staff decided."""


T = TypeVar("T")
Core = Callable[[Desk], Decision]


class SessionStore(Protocol):
    """Keeps this chapter's state. Every call returns when it is durable."""

    async def transact(self, core: Core, now: int, station: StationId | None = None) -> Decision:
        """Run `core` on a desk and keep its decision, in one transaction.

        `station`: whose sessions and piles it will look at, so that they can be read together with others'.
        """
        ...

    async def look(self, reader: Callable[[Desk], T]) -> T:
        """Read without a change."""
        ...

    async def unsettled(self) -> Sequence[Session]:
        """Sessions in state active or waiting, of all stations."""
        ...

    async def cdr(self, cdr: str) -> Cdr | None: ...
    async def save_channel(self, channel: Channel, now: int) -> None:
        """Remember a channel that is open on chain; a known one stays as it is."""
        ...

    async def payable(self) -> Sequence[tuple[Channel, Voucher]]:
        """Channels whose newest voucher is not settled and that are closing or have no active session."""
        ...

    async def channel_closing(self, channel: bytes, state: str) -> None:
        """The chain says that a channel is `closing` or `closed`: it takes no voucher any more."""
        ...

    async def settled(self, channel: bytes, cumulative: Nano) -> None: ...
    async def pile_energy(self, interval: Interval) -> Mapping[tuple[StationId, EvseId], Wh | None]:
        """Energy of every EVSE that has a metering point; None while not known. Remembers what it reported."""
        ...


class StationCommands(Protocol):
    """What can be asked of a connected pile. Raises `PileUnreachable` if it is not connected."""

    async def remote_start(self, station: StationId, evse: EvseId, id_token: IdToken, remote_start_id: int) -> str:
        """Accepted or Rejected."""
        ...

    async def remote_stop(self, station: StationId, ocpp_transaction: str) -> str:
        """Accepted or Rejected."""
        ...


class StationQueues(Protocol):
    """What stations still have to send of a transaction."""

    async def messages_wait(self, station: StationId, ocpp_transaction: str) -> bool | None:
        """True if messages of it wait at the station (GetTransactionStatus of 2.x); None: it cannot be asked."""
        ...


@dataclass(frozen=True, slots=True)
class Authorisation3009:
    """The payer's EIP-3009 authorisation for a channel's deposit; its nonce is the channel id."""

    valid_after: int
    """Not before [Unix s]."""
    valid_before: int
    """Not after [Unix s]."""
    signature: bytes
    """65 bytes r || s || v by the payer."""


class ChannelChain(Protocol):
    """The `Channels` contract. Each call returns when it is final, and does nothing the second time."""

    async def open(self, channel: Channel, authorisation: Authorisation3009) -> None: ...
    async def settle(self, channel: Channel, voucher: Voucher) -> None: ...


class SourceMixes(Protocol):
    """Where a pile's energy of an interval came from."""

    async def mix(self, point: PointId, interval: Interval) -> SourceMix | None:
        """None while the interval is not settled."""
        ...
