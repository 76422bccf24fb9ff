"""The market as it stands on chain: node and members read it each for themselves."""

import asyncio
from collections.abc import Sequence
from typing import Any

from sunpile.basics.ids import Address, PointId, ZoneId
from sunpile.basics.interval import Interval
from sunpile.basics.reading import SignedReading
from sunpile.basics.typed_data import Domain
from sunpile.basics.units import Wh
from sunpile.chain.contracts import Contracts, Read
from sunpile.chain.rpc import Rpc
from sunpile.market.order import order_of_word
from sunpile.settlement.batch import market_domain, tariff_of
from sunpile.settlement.facts import MeteringPoint, ZoneFacts
from sunpile.settlement.intake import Answer
from sunpile.settlement.ports import ReadingShelf
from sunpile.settlement.reception import Reception

NOBODY = Address("0x" + "0" * 40)
VIEW_MAX = 512
"""Points that one call of `ordersAt` takes."""


class MarketReader:
    """Implements `settlement.ports.MarketChain` by `eth_call` alone."""

    def __init__(self, rpc: Rpc, contracts: Contracts, chain_id: int) -> None:
        self._rpc = rpc
        self._contracts = contracts
        self.domain: Domain = market_domain(chain_id, contracts.address("EnergyMarket"))
        self._places: dict[int, tuple[int, int]] = {}
        """Point -> (zone, parent): neither ever changes."""
        self._zones: dict[int, dict[str, Any]] = {}
        """Zone -> its description, which never changes either."""

    async def next_interval(self, zone: int) -> int:
        """The interval the zone settles next."""
        return await self._contracts.call(self._rpc, "EnergyMarket", "nextInterval", zone)

    async def head_time(self) -> int:
        """Time of the newest block [Unix s]."""
        block = await self._rpc.call("eth_getBlockByNumber", "latest", False)
        return int(block["timestamp"], 16)

    async def length_of(self, zone: int) -> int:
        """Interval length of a zone [s]."""
        tree = (await self._zone(zone))["tree"]
        return (await self._contracts.call(self._rpc, "Registry", "treeOf", tree))["length"]

    async def keys_of(self, wanted: Sequence[tuple[int, int]]) -> list[Address | None]:
        """Meter keys of (point, interval) pairs, as the chain has them now."""
        keys = await self._contracts.call_many(self._rpc, _key_reads(wanted))
        return [_key(key) for key in keys]

    async def facts(self, zone: ZoneId, interval: int) -> ZoneFacts:
        """See `MarketChain.facts`."""
        key_of = await self._keys_in(zone, interval)
        present = list(key_of)
        info = await self._zone(zone)
        reads: list[Read] = [
            ("EnergyMarket", "nextInterval", (zone,)),
            ("EnergyMarket", "lastDigest", (zone,)),
            ("Registry", "tariffAt", (info["tree"], interval)),
        ]
        groups = [present[at : at + VIEW_MAX] for at in range(0, len(present), VIEW_MAX)]
        reads += [("EnergyMarket", "ordersAt", (group, interval)) for group in groups]
        upcoming, previous, (index, word), *orders = await self._contracts.call_many(self._rpc, reads)
        words = dict(zip(present, (order for group in orders for order in group), strict=True))
        return ZoneFacts(
            zone=zone,
            interval=interval,
            next_interval=upcoming,
            previous=previous,
            tariff_index=index,
            tariff=tariff_of(word),
            points={PointId(point): self._metering(point, key_of[point], word) for point, word in words.items()},
            orders={PointId(point): order_of_word(word, interval)[0] for point, word in words.items()},
            retailer_bills=info["billed_by_retailer"],
        )

    async def digest(self, zone: ZoneId, interval: int) -> bytes:
        """See `MarketChain.digest`."""
        return await self._contracts.call(self._rpc, "EnergyMarket", "digestAt", zone, interval)

    async def seats(self, ended: int) -> Sequence[Address]:
        """See `MarketChain.seats`."""
        epoch = await self._contracts.call(self._rpc, "Council", "epochOf", ended)
        seats = await self._contracts.call(self._rpc, "Council", "seatsAt", epoch)
        return [Address(seat.lower()) for seat in seats]

    async def seats_of(self, interval: int, length: int) -> Sequence[Address]:
        """Seats that authenticate an interval."""
        return await self.seats(Interval(interval, length).end)

    async def balances(self, points: Sequence[int]) -> dict[int, int]:
        """Nano on each point's account."""
        reads: list[Read] = [("EnergyMarket", "balanceOf", (point,)) for point in points]
        return dict(zip(points, await self._contracts.call_many(self._rpc, reads), strict=True))

    async def _zone(self, zone: int) -> dict[str, Any]:
        known = self._zones.get(zone)
        if known is None:
            known = await self._contracts.call(self._rpc, "Registry", "zoneInfo", zone)
            if known["tree"]:
                self._zones[zone] = known
        return known

    async def _keys_in(self, zone: int, interval: int) -> dict[int, Address]:
        """Meter keys of the zone's points that are live in `interval`, by point: one request while no point is new."""
        known = self._points_of(zone)
        counting: list[Read] = [("Registry", "pointCount", ())]
        pairs = [(point, interval) for point in known]
        count, *keys = await self._contracts.call_many(self._rpc, counting + _key_reads(pairs))
        found = dict(zip(known, map(_key, keys), strict=True))
        if count > len(self._places):
            await self._learn_points(count)
            fresh = [point for point in self._points_of(zone) if point not in found]
            found |= zip(fresh, await self.keys_of([(point, interval) for point in fresh]), strict=True)
        return {point: key for point, key in sorted(found.items()) if key is not None}

    async def _learn_points(self, count: int) -> None:
        unknown = [point for point in range(1, count + 1) if point not in self._places]
        reads: list[Read] = [("Registry", "pointInfo", (point,)) for point in unknown]
        for point, info in zip(unknown, await self._contracts.call_many(self._rpc, reads), strict=True):
            self._places[point] = (info["zone"], info["parent"])

    def _points_of(self, zone: int) -> list[int]:
        return [point for point, (its_zone, _) in sorted(self._places.items()) if its_zone == zone]

    def _metering(self, point: int, key: Address, word: int) -> MeteringPoint:
        parent = self._places[point][1]
        return MeteringPoint(PointId(point), key, Wh(word & 2**24 - 1), PointId(parent) if parent else None)


class PointsOnChain:
    """`settlement.ports.PointBook`: what intake asks about points, read in one go for a batch of readings."""

    def __init__(self, market: MarketReader, zone: ZoneId) -> None:
        self._market, self._zone = market, zone
        self._keys: dict[tuple[int, int], Address | None] = {}
        self._upcoming = 0

    async def prepare(self, readings: Sequence[SignedReading]) -> None:
        """Read what is needed to judge `readings`."""
        wanted = list(dict.fromkeys((item.reading.point, item.reading.interval) for item in readings))
        self._keys = dict(zip(wanted, await self._market.keys_of(wanted), strict=True))
        self._upcoming = await self._market.next_interval(self._zone)

    async def key(self, point: PointId, interval: int) -> Address | None:
        """See `PointBook.key`."""
        return self._keys.get((point, interval))

    async def settled(self, point: PointId, interval: int) -> bool:
        """See `PointBook.settled`."""
        return interval < self._upcoming


class Door:
    """Where readings come in: prepared in one go, judged one batch after another."""

    def __init__(self, shelf: ReadingShelf, market: MarketReader, zone: ZoneId, length: int) -> None:
        self._points = PointsOnChain(market, zone)
        self._reception = Reception(shelf, self._points, market.domain, length)
        self._one_by_one = asyncio.Lock()

    async def receive(self, readings: Sequence[SignedReading], now: int | None, at: int) -> list[Answer]:
        """See `Reception.receive`."""
        if not readings:
            return []
        async with self._one_by_one:
            await self._points.prepare(readings)
            return await self._reception.receive(readings, now, at)


def _key_reads(wanted: Sequence[tuple[int, int]]) -> list[Read]:
    return [("Registry", "meterKeyAt", pair) for pair in wanted]


def _key(key: str) -> Address | None:
    return None if key == NOBODY else Address(key.lower())
