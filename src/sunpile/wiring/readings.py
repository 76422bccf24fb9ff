"""Readings of an interval at a node: those that come in, and those the node signs for meters that cannot."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import PointId, ZoneId
from sunpile.basics.interval import Interval
from sunpile.basics.keys import Key
from sunpile.basics.ports import Clock
from sunpile.basics.reading import Reading, SignedReading
from sunpile.basics.units import Wh
from sunpile.settlement.intake import Answer, Status
from sunpile.store.settlement import SettlementStore
from sunpile.wiring.market_reader import Door, MarketReader

Source = Callable[[Interval], Awaitable[Mapping[PointId, Wh | None]]]
"""Net energy of points in an interval, None while it is not known."""


class Readings:
    """The node's shelf of readings."""

    def __init__(
        self,
        zone: ZoneId,
        length: int,
        key: Key,
        clock: Clock,
        store: SettlementStore,
        market: MarketReader,
        sources: Sequence[Source],
        estimates: Sequence[Source] = (),
    ) -> None:
        self._zone, self._key, self._clock = zone, key, clock
        self._store, self._market, self._domain = store, market, market.domain
        self._sources, self._estimates = sources, estimates
        self._door = Door(store, market, zone, length)

    async def take(self, readings: Sequence[SignedReading]) -> list[Answer]:
        """Judge readings that came in, keep what is to be kept, and answer each."""
        now = self._clock.now()
        return await self._door.receive(readings, now, now)

    async def collect(self, interval: Interval, late: bool = False) -> None:
        """Sign what the node measured itself in `interval`, for points whose meter key is the node's.

        What comes too late for the interval's batch may be read between the registers before and after its edges: a
        node that was away at an edge has no other.
        """
        wanted = [record.point for record in await self._store.points(self._zone) if record.node_signs]
        have = await self._store.held(interval.index)
        lacking = [point for point in wanted if point not in have]
        # The chain says whose key it is: an owner may have set another one, and then no member takes the node's.
        keys = await self._market.keys_of([(point, interval.index) for point in lacking])
        missing = {point for point, key in zip(lacking, keys, strict=True) if key == self._key.address}
        if not missing:
            return
        measured: dict[PointId, Wh] = {}
        for source in (*self._sources, *(self._estimates if late else ())):
            for point, wh in (await source(interval)).items():
                if wh is not None and point in missing:
                    measured.setdefault(point, wh)
        signed = [(self._sign(point, interval, wh), Answer(Status.ACCEPTED, "")) for point, wh in measured.items()]
        await self._store.add_all(signed, self._clock.now())

    def _sign(self, point: PointId, interval: Interval, wh: Wh) -> SignedReading:
        # The salt follows from the key, so that a node that signs again after a crash signs the same reading.
        salt = keccak256(self._key.secret + point.to_bytes(4, "big") + interval.index.to_bytes(8, "big"))
        return Reading(point, interval.index, wh, salt).sign(self._domain, self._key)
