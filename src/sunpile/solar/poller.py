"""Entry of the chapter: ask every device at the very end of each interval, and now and then in between."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from sunpile.basics.errors import InverterUnreachable
from sunpile.basics.ids import PointId
from sunpile.basics.interval import DEFAULT_LENGTH, Interval
from sunpile.basics.ports import Clock
from sunpile.basics.units import Wh
from sunpile.solar.modbus import ModbusReader
from sunpile.solar.plant import Device, RegisterRecord, follow, interval_energy
from sunpile.solar.ports import DeviceReader, RegisterBook

OnPower = Callable[[Sequence[RegisterRecord]], Awaitable[None]]
"""Told what a poll brought, for the page."""


async def _ignore(records: Sequence[RegisterRecord]) -> None:
    pass


class Poller:
    """Polls the devices in the book; new ones are polled from the next time on."""

    def __init__(
        self,
        book: RegisterBook,
        clock: Clock,
        length: int = DEFAULT_LENGTH,
        live_s: int = 300,
        reader: DeviceReader | None = None,
        on_power: OnPower = _ignore,
    ) -> None:
        self._book, self._clock, self._length, self._live_s = book, clock, length, live_s
        self._reader = reader or ModbusReader()
        self._on_power = on_power
        self._newest: dict[str, tuple[RegisterRecord | None, RegisterRecord | None]] | None = None

    async def run(self) -> None:
        """Poll for ever."""
        due = self.next_due(self._clock.now())
        while True:
            await self._clock.sleep_until(due)
            with self._clock.work():
                await self.poll(due)
            due = self.next_due(max(due + 1, self._clock.now()))

    def next_due(self, now: int) -> int:
        """The first time from `now` on at which devices are asked [Unix s]."""
        step = min(self._live_s, self._length)
        edge = -(-now // self._length) * self._length
        begin = edge - self._length
        live = begin + -(-(now - begin) // step) * step
        return min(edge, live)

    async def poll(self, due: int) -> list[RegisterRecord]:
        """Ask every device for its registers as of `due` and keep what is new."""
        devices = await self._book.devices()
        if self._newest is None:
            self._newest = await self._book.newest()
        answers = await asyncio.gather(*(self._ask(device, due) for device in devices))
        records = [answer for answer in answers if isinstance(answer, RegisterRecord)]
        missed = [answer for answer in answers if isinstance(answer, tuple)]
        await self._book.keep(records, missed)
        for record in records:
            trusted, doubted = self._newest.get(record.device, (None, None))
            self._newest[record.device] = (trusted, record) if record.held else (record, doubted)
        await self._on_power(records)
        return records

    async def _ask(self, device: Device, due: int) -> RegisterRecord | tuple[str, int, str] | None:
        assert self._newest is not None
        trusted, doubted = self._newest.get(device.device, (None, None))
        if max((record.at for record in (trusted, doubted) if record), default=-1) >= due:
            return None
        try:
            sample = await self._reader.read(device, self._stamp(due))
        except InverterUnreachable as fault:
            return device.device, due, fault.detail
        return follow(device, trusted, doubted, sample)

    def _stamp(self, due: int) -> int:
        """`due` itself if it is just now: the second between is counted in the next interval. Else the real time."""
        now = self._clock.now()
        return due if now - due <= max(1, min(15, self._length // 60)) else now

    async def measured(self, interval: Interval) -> Mapping[PointId, Wh | None]:
        """Net energy of every point with a meter or battery device in `interval`, import positive, exact only."""
        return await self._nets(interval, exact=True)

    async def estimated(self, interval: Interval) -> Mapping[PointId, Wh | None]:
        """The same with interpolated edges where need be: for the late rule."""
        return await self._nets(interval, exact=False)

    async def _nets(self, interval: Interval, exact: bool) -> dict[PointId, Wh | None]:
        around = await self._book.around(None, interval.start, interval.end)
        metered = {device.point for device in around if device.kind == "meter"}
        nets: dict[PointId, Wh | None] = {}
        for device, records in around.items():
            # What stands behind a meter is in its registers already: the battery of a metered house is not added.
            if device.kind == "meter" or (device.kind == "battery" and device.point not in metered):
                energy = interval_energy(records, interval)
                wh = energy.net_wh if energy and (energy.exact or not exact) else None
                nets[device.point] = _sum(nets.get(device.point, Wh(0)), wh)
        return nets

    async def close(self) -> None:
        """Hang up."""
        await self._reader.close()


def _sum(known: Wh | None, more: Wh | None) -> Wh | None:
    """Energy of a point's devices together; not known while one is missing."""
    return None if known is None or more is None else Wh(known + more)
