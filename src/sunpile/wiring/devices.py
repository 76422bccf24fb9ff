"""Meters, inverters and batteries that the node polls: registers for readings, live power for the page."""

from collections.abc import Mapping, Sequence

from sunpile.basics.ids import PointId
from sunpile.basics.interval import Interval
from sunpile.basics.ports import Clock
from sunpile.basics.units import Wh
from sunpile.people.board import LivePoint, PowerBoard
from sunpile.solar import Poller, RegisterRecord
from sunpile.store.database import Database
from sunpile.store.solar import DeviceStore


class Devices:
    """The poller with its store and its place on the page."""

    def __init__(self, database: Database, board: PowerBoard, clock: Clock, length: int, live_s: int) -> None:
        self.store = DeviceStore(database)
        self._board, self._clock = board, clock
        self._poller = Poller(self.store, clock, length, live_s, on_power=self._show)

    async def run(self) -> None:
        """Poll until cancelled."""
        try:
            await self._poller.run()
        finally:
            await self._poller.close()

    async def energy(self, interval: Interval) -> Mapping[PointId, Wh | None]:
        """Net energy of polled points: a source of readings."""
        return await self._poller.measured(interval)

    async def estimate(self, interval: Interval) -> Mapping[PointId, Wh | None]:
        """The same, between registers where none was read at an edge: for the late rule."""
        return await self._poller.estimated(interval)

    async def _show(self, records: Sequence[RegisterRecord]) -> None:
        devices = {device.device: device for device in await self.store.devices()}
        changes: dict[int, LivePoint] = {}
        for record in records:
            device = devices.get(record.device)
            if device is None:
                continue
            old = changes.get(device.point, LivePoint())
            if device.kind == "inverter":
                changes[device.point] = LivePoint(old.w, abs(record.w), old.soc_permille, old.status)
            else:
                changes[device.point] = LivePoint(record.w, old.pv_w, record.soc_permille, old.status)
        self._board.update(changes, self._clock.now())
