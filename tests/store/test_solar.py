"""Devices and registers in SQL, on SQLite and on PostgreSQL."""

from sunpile.basics.ids import PointId
from sunpile.basics.units import Watt, Wh
from sunpile.solar import RegisterRecord
from sunpile.store.database import Database
from sunpile.store.solar import DeviceStore


def record(at: int, wh: int, held: str | None = None) -> RegisterRecord:
    return RegisterRecord("5-0", at, Wh(wh), Wh(0), Watt(7), 500, 0, held)


async def test_registers_come_back_with_their_trusted_neighbours(database: Database):
    store = DeviceStore(database)
    await store.put("5-0", PointId(5), "battery", "127.0.0.1", 502, 3, 5000)
    rows = [record(300, 1), record(900, 2), record(1200, 9, "the register fell"), record(2000, 4)]
    await store.keep(rows, [])
    await store.keep(rows[1:2], [("5-0", 2100, "nothing answers")])
    [device] = await store.devices()
    assert (device.point, device.kind, device.unit) == (5, "battery", 3)
    assert (await store.around(PointId(5), 900, 1800))[device] == rows[1:]
    assert (await store.around(None, 400, 800))[device] == rows[:2]
    assert await store.around(PointId(6), 0, 900) == {}
    assert await store.newest() == {"5-0": (rows[3], rows[2])}


async def test_a_device_that_moved_is_one_device(database: Database):
    store = DeviceStore(database)
    await store.put("5-0", PointId(5), "meter", "old", 502, 1, 5000)
    await store.put("5-0", PointId(5), "meter", "new", 1502, 2, 5000)
    assert [(d.host, d.port, d.unit) for d in await store.devices()] == [("new", 1502, 2)]
