"""Stand-ins for who acts: they remember what they were asked and answer plainly."""

from collections.abc import Sequence
from typing import Any

from sunpile.basics.ids import DriverId, PointId, ZoneId
from sunpile.basics.reading import SignedReading
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


class FakeOperations:
    """Implements `Operations`; `asked` holds (name, what) pairs."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []

    def _note(self, name: str, *what: Any) -> None:
        self.asked.append((name, what[0] if len(what) == 1 else what))

    async def add_readings(self, readings: Sequence[SignedReading]) -> list[ReadingResult]:
        self._note("add_readings", list(readings))
        return [ReadingResult(r.reading.point, r.reading.interval, "accepted") for r in readings]

    async def place_order(self, order: OrderWish) -> None:
        self._note("place_order", order)

    async def deposit(self, deposit: DepositWish) -> None:
        self._note("deposit", deposit)

    async def register_point(self, point: PointWish) -> PointId:
        self._note("register_point", point)
        return PointId(85)

    async def register_pile(self, pile: PileWish) -> PileCard:
        self._note("register_pile", pile)
        return PileCard("ws://127.0.0.1:8480/ocpp", pile.station, "correct horse battery")

    async def publish_tariff(self, tariff: TariffWish) -> None:
        self._note("publish_tariff", tariff)

    async def create_driver(self, id_token: str | None) -> DriverCard:
        self._note("create_driver", id_token)
        return DriverCard("driver-1", "key-of-driver-1")

    async def top_up(self, top_up: TopUpWish) -> TopUpResult:
        self._note("top_up", top_up)
        return TopUpResult("ref-1", top_up.minor * 10_000_000, "minted")

    async def quote(self, station: str, evse: int) -> Quote:
        return Quote(station, evse, "Available", 240_000, 300_000, 100, 24_000_000)

    async def open_channel(self, driver: DriverId, channel: ChannelWish) -> str:
        self._note("open_channel", driver, channel)
        return "0x" + channel.nonce.hex()

    async def remote_start(self, driver: DriverId, station: str, evse: int) -> StartResult:
        self._note("remote_start", driver, station, evse)
        return StartResult("Accepted", station, evse)

    async def remote_stop(self, driver: DriverId, session: str) -> None:
        self._note("remote_stop", driver, session)

    async def active_session(self, driver: DriverId) -> ActiveSession | None:
        return ActiveSession("S0000", "active", 1000, 240_000_000, 240_000_000, 264_000_000, None, 240_000)

    async def accept_voucher(self, driver: DriverId, session: str, cumulative: int, signature: bytes) -> ActiveSession:
        self._note("accept_voucher", driver, session, cumulative)
        return ActiveSession(session, "active", 1000, 240_000_000, cumulative, cumulative + 24_000_000, None, 240_000)

    async def session_receipt(self, session: str) -> dict[str, Any] | None:
        return {"session": session} if session == "S0004" else None

    async def receipt(self, zone: ZoneId, interval: int, point: PointId, full: bool) -> dict[str, Any] | None:
        if point > 84:
            return None
        return {"zone": zone, "interval": interval, "point": point, "rows": ["0x00"] if full else None, "full": full}


class FakeRpc:
    """Implements `Rpc`."""

    async def handle(self, body: bytes) -> bytes:
        return b'{"jsonrpc":"2.0","id":1,"result":"0x1092"}'
