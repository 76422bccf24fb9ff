"""Devices that are polled and their registers in SQL: implements `RegisterBook`."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Connection, Row, and_, func, insert, select, update

from sunpile.basics.ids import PointId
from sunpile.basics.units import Watt, Wh
from sunpile.solar.plant import Device, Kind, RegisterRecord
from sunpile.store.database import Database
from sunpile.store.tables import device_registers, devices


class DeviceStore:
    """`RegisterBook` on the store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._devices: list[Device] | None = None

    async def put(self, device: str, point: PointId, kind: str, host: str, port: int, unit: int, max_w: int) -> None:
        """Add a device, or say where it is now."""
        values = {"point": point, "kind": kind, "host": host, "port": port, "unit": unit, "max_w": max_w}

        def work(connection: Connection) -> None:
            changed = connection.execute(update(devices).where(devices.c.device == device).values(values))
            if changed.rowcount == 0:
                connection.execute(insert(devices).values(device=device, **values))

        await self._database.write(work)
        self._devices = None

    async def devices(self) -> list[Device]:
        """All devices, by id."""
        if self._devices is None:
            query = select(devices).order_by(devices.c.device)
            rows = await self._database.read(lambda connection: connection.execute(query).all())
            self._devices = [_device(row) for row in rows]
        return self._devices

    async def keep(self, records: Sequence[RegisterRecord], missed: Sequence[tuple[str, int, str]]) -> None:
        """See `RegisterBook.keep`."""

        def work(connection: Connection) -> None:
            for at in {record.at for record in records}:
                batch = [record for record in records if record.at == at]
                known = set(
                    connection.scalars(select(device_registers.c.device).where(device_registers.c.at == at)).all()
                )
                if fresh := [_values(record) for record in batch if record.device not in known]:
                    connection.execute(insert(device_registers), fresh)
                names = [record.device for record in batch]
                seen = update(devices).where(devices.c.device.in_(names)).values(last_seen=at, last_error=None)
                connection.execute(seen)
            for device, _, reason in missed:
                connection.execute(update(devices).where(devices.c.device == device).values(last_error=reason[:200]))

        await self._database.write(work)

    async def newest(self) -> dict[str, tuple[RegisterRecord | None, RegisterRecord | None]]:
        """See `RegisterBook.newest`."""

        def work(connection: Connection) -> dict[str, tuple[RegisterRecord | None, RegisterRecord | None]]:
            trusted, doubted = _newest(connection, True), _newest(connection, False)
            return {name: (trusted.get(name), doubted.get(name)) for name in trusted | doubted}

        return await self._database.read(work)

    async def around(self, point: PointId | None, begin: int, end: int) -> dict[Device, list[RegisterRecord]]:
        """See `RegisterBook.around`."""
        wanted = [device for device in await self.devices() if point is None or device.point == point]

        def work(connection: Connection) -> dict[Device, list[RegisterRecord]]:
            names = [device.device for device in wanted]
            found = _between(connection, names, begin, end)
            return {
                device: _with_neighbours(connection, found.get(device.device, []), device, begin, end)
                for device in wanted
            }

        return await self._database.read(work)


def _device(row: Row[Any]) -> Device:
    kind = cast(Kind, row.kind)
    return Device(row.device, PointId(row.point), kind, row.host, row.port, row.unit, Watt(row.max_w))


def _record(row: Row[Any]) -> RegisterRecord:
    return RegisterRecord(
        row.device,
        row.at,
        Wh(row.import_wh),
        Wh(row.export_wh),
        Watt(row.w),
        row.soc_permille,
        row.epoch,
        row.held,
    )


def _values(record: RegisterRecord) -> dict[str, Any]:
    return {
        "device": record.device,
        "at": record.at,
        "import_wh": record.import_wh,
        "export_wh": record.export_wh,
        "w": record.w,
        "soc_permille": record.soc_permille,
        "epoch": record.epoch,
        "held": record.held,
    }


def _newest(connection: Connection, trusted: bool) -> dict[str, RegisterRecord]:
    held = device_registers.c.held
    which = held.is_(None) if trusted else held.is_not(None)
    last = (
        select(device_registers.c.device, func.max(device_registers.c.at).label("at"))
        .where(which)
        .group_by(device_registers.c.device)
        .subquery()
    )
    same = and_(device_registers.c.device == last.c.device, device_registers.c.at == last.c.at)
    rows = connection.execute(select(device_registers).join(last, same))
    return {row.device: _record(row) for row in rows}


def _between(connection: Connection, names: Sequence[str], begin: int, end: int) -> dict[str, list[RegisterRecord]]:
    query = (
        select(device_registers)
        .where(device_registers.c.device.in_(names), device_registers.c.at >= begin, device_registers.c.at <= end)
        .order_by(device_registers.c.at)
    )
    found: dict[str, list[RegisterRecord]] = {}
    for row in connection.execute(query):
        found.setdefault(row.device, []).append(_record(row))
    return found


def _with_neighbours(
    connection: Connection, records: list[RegisterRecord], device: Device, begin: int, end: int
) -> list[RegisterRecord]:
    """The trusted record before and the one after, where the edges themselves were not read."""
    good = [record.at for record in records if record.held is None]
    query = select(device_registers).where(
        device_registers.c.device == device.device, device_registers.c.held.is_(None)
    )
    if begin not in good:
        earlier = query.where(device_registers.c.at < begin).order_by(device_registers.c.at.desc()).limit(1)
        records = [*map(_record, connection.execute(earlier)), *records]
    if end not in good:
        later = query.where(device_registers.c.at > end).order_by(device_registers.c.at).limit(1)
        records = [*records, *map(_record, connection.execute(later))]
    return records
