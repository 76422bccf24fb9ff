"""What people see of a node: its store, and the chain where the store may be behind it."""

from collections.abc import Callable

from sunpile.basics.ids import PointId
from sunpile.basics.interval import Interval
from sunpile.people.board import PowerBoard
from sunpile.people.reads import NodeInfo, PointKeys
from sunpile.store.database import Database
from sunpile.store.people import StoreView
from sunpile.wiring.chain_side import ChainSide


class NodeView(StoreView):
    """`people.ports.TownView` of a running node."""

    def __init__(
        self, database: Database, board: PowerBoard, info: Callable[[], NodeInfo], chain: ChainSide, length: int
    ) -> None:
        super().__init__(database, board, info)
        self._chain, self._length = chain, length

    async def point_keys(self, point: PointId) -> PointKeys | None:
        """Keys of the interval under way, by the chain: an owner sets another one there without telling the node."""
        if await super().point_keys(point) is None:
            return None
        now = Interval.at(self._chain.clock.now(), self._length).index
        owner, key = await self._chain.contracts.call_many(
            self._chain.engine.rpc, [("Registry", "ownerOf", (point,)), ("Registry", "meterKeyAt", (point, now))]
        )
        return PointKeys(owner, key)
