"""What this chapter needs from others: someone to look (`TownView`), someone to act (`Operations`), a door to the chain
(`Rpc`), a source of events (`Events`), and for the command line the `Commands`."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from sunpile.basics.ids import DriverId, PointId, ZoneId
from sunpile.basics.reading import SignedReading
from sunpile.people.reads import (
    BatchView,
    IntervalDetail,
    IntervalSummary,
    NodeInfo,
    PointBill,
    PointKeys,
    SessionView,
    Totals,
    Town,
)
from sunpile.people.wishes import (
    ActiveSession,
    ChannelWish,
    DepositWish,
    DriverCard,
    OrderWish,
    PileCard,
    PileWish,
    PointWish,
    Quote,
    ReadingResult,
    StartResult,
    TariffWish,
    TopUpResult,
    TopUpWish,
)

Json = Mapping[str, Any]


class TownView(Protocol):
    """The read side. Nothing here changes anything."""

    async def info(self) -> NodeInfo: ...
    async def town(self) -> Town: ...
    async def totals(self) -> Totals: ...
    async def intervals(self, limit: int, before: int | None) -> list[IntervalSummary]:
        """The newest `limit` intervals, oldest first; with `before`, only those with a smaller index."""
        ...

    async def interval(self, zone: ZoneId, index: int) -> IntervalDetail | None: ...
    async def batches(self, limit: int) -> list[BatchView]:
        """Newest first."""
        ...

    async def sessions(self, limit: int) -> list[SessionView]:
        """Active ones first, then newest first."""
        ...

    async def session(self, session: str) -> SessionView | None: ...
    async def session_driver(self, session: str) -> DriverId | None: ...
    async def bill(self, zone: ZoneId, interval: int, point: PointId) -> PointBill | None: ...
    async def point_keys(self, point: PointId) -> PointKeys | None: ...
    async def driver_of_key(self, api_key_hash: bytes) -> tuple[DriverId, bytes] | None:
        """The driver whose stored `sha256(api key)` is this, and that stored hash."""
        ...


class Operations(Protocol):
    """The write side. Each call returns when what it did is durable, and raises a `SunpileError` if it was refused."""

    async def add_readings(self, readings: Sequence[SignedReading]) -> list[ReadingResult]: ...
    async def place_order(self, order: OrderWish) -> None: ...
    async def deposit(self, deposit: DepositWish) -> None: ...
    async def register_point(self, point: PointWish) -> PointId: ...
    async def register_pile(self, pile: PileWish) -> PileCard: ...
    async def publish_tariff(self, tariff: TariffWish) -> None: ...
    async def create_driver(self, id_token: str | None) -> DriverCard: ...
    async def top_up(self, top_up: TopUpWish) -> TopUpResult: ...
    async def quote(self, station: str, evse: int) -> Quote: ...
    async def open_channel(self, driver: DriverId, channel: ChannelWish) -> str:
        """The channel's id as 0x text."""
        ...

    async def remote_start(self, driver: DriverId, station: str, evse: int) -> StartResult: ...
    async def remote_stop(self, driver: DriverId, session: str) -> None: ...
    async def active_session(self, driver: DriverId) -> ActiveSession | None: ...
    async def accept_voucher(
        self, driver: DriverId, session: str, cumulative: int, signature: bytes
    ) -> ActiveSession: ...
    async def session_receipt(self, session: str) -> Json | None: ...
    async def receipt(self, zone: ZoneId, interval: int, point: PointId, full: bool) -> Json | None:
        """The file `sunpile verify` reads; without `full`, the shared one: no rows, it does not prove itself."""
        ...


class Rpc(Protocol):
    """The chain's JSON-RPC behind the allow-list of methods."""

    async def handle(self, body: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """Something a page wants to know at once."""

    kind: str
    """interval, batch, power, session, clock or lagged."""
    data: Json
    """Its content, ready for JSON."""


class Events(Protocol):
    """The live feed. A slow listener loses the oldest events and is told by one `lagged`."""

    def subscribe(self) -> AbstractAsyncContextManager[AsyncGenerator[LiveEvent | None]]:
        """Events from now on; None now and then keeps the line alive. Ends when the node stops."""
        ...


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """How the HTTP side of a node behaves."""

    admin_token: str
    """Bearer token of whoever runs the node; at least 16 characters."""
    open_town: bool = False
    """True only where nobody is real (a simulated town): homes and full receipts are shown to everyone."""
    rpc_open: bool = True
    """False: `/rpc` wants the admin token, for zones with homes on a shared network."""
    market: bool = True
    """False: stations only; the routes of market and chain are not there."""
    time_zone: str = "UTC"
    """IANA name of the town's time zone, for times on the page."""
    body_limit: int = 1 << 20
    """Largest request body [bytes]."""
