"""`market: off`: what a node answers where there is no market and no chain."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from sunpile.basics.errors import Conflict
from sunpile.basics.ids import PointId, ZoneId
from sunpile.basics.reading import SignedReading
from sunpile.people.reads import NodeInfo
from sunpile.people.wishes import (
    DepositWish,
    OrderWish,
    PileCard,
    PileWish,
    PointWish,
    ReadingResult,
    TariffWish,
    TopUpResult,
    TopUpWish,
)
from sunpile.wiring.driver_operations import DriverOperations
from sunpile.wiring.ground import Ground


def _refuse() -> NoReturn:
    raise Conflict("this node runs without a market: its settings say market = off")


class StationOperations(DriverOperations):
    """`Operations` of a node that only runs stations."""

    async def add_readings(self, readings: Sequence[SignedReading]) -> list[ReadingResult]:
        """Needs a market."""
        _refuse()

    async def place_order(self, order: OrderWish) -> None:
        """Needs a market."""
        _refuse()

    async def deposit(self, deposit: DepositWish) -> None:
        """Needs a market."""
        _refuse()

    async def register_point(self, point: PointWish) -> PointId:
        """Needs a market."""
        _refuse()

    async def register_pile(self, pile: PileWish) -> PileCard:
        """Needs a market; a station alone is added by POST /api/stations."""
        _refuse()

    async def publish_tariff(self, tariff: TariffWish) -> None:
        """Needs a market."""
        _refuse()

    async def top_up(self, top_up: TopUpWish) -> TopUpResult:
        """Needs a market: drivers prepay instead."""
        _refuse()

    async def receipt(self, zone: ZoneId, interval: int, point: PointId, full: bool) -> Mapping[str, Any] | None:
        """There are none."""
        return None


class NoRpc:
    """`Rpc` without a chain."""

    async def handle(self, body: bytes) -> bytes:
        """Needs a chain."""
        _refuse()


def info(ground: Ground) -> NodeInfo:
    """What such a node says of itself."""
    return NodeInfo(
        chain_id=0,
        contracts={},
        zone=0,
        tree=0,
        interval_length=ground.settings.interval_length,
        payee="",
        node_signer="",
        rpc="",
        members=[],
        currency=ground.settings.currency,
        seats=0,
        engine="none",
        operator="",
        now=ground.clock.now(),
    )
