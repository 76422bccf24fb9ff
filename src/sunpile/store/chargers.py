"""Stations, connectors and the talk with them: implements `StationBook`.

The raw frame log is written in groups a moment later and is the one thing here that a crash may shorten; everything
awaited is durable when it returns.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Update, bindparam, delete, insert, select, update

from sunpile.basics.errors import Conflict, InputInvalid, NotFound
from sunpile.basics.ids import EvseId, PointId, StationId
from sunpile.chargers.access import new_password
from sunpile.chargers.certificates.redaction import redacted
from sunpile.chargers.events import Booted, StatusChanged
from sunpile.chargers.ports import Refusal, StationRecord
from sunpile.store.certificate_tables import profile_upgrades, station_secrets
from sunpile.store.database import Database, Together, execute_many, without_nul
from sunpile.store.later import Later
from sunpile.store.tables import connectors, frames, refused_attempts, stations
from sunpile.store.upkeep_tables import station_deviations

IDENTITY = re.compile(r"[A-Za-z0-9*\-_=+|@.]{1,48}", re.ASCII)
"""identifierString of OCPP 2.0.1 without the colon, which ends the user name in Basic authentication."""
FLUSH_ROWS = 1000
"""More at once writes each page of the log and its index less often, but holds up the answers meanwhile."""
_KEEP = insert(frames)
_RECORD = (
    select(
        stations.c.station,
        stations.c.tenant,
        stations.c.password_salt,
        stations.c.password_hash,
        stations.c.max_w,
        stations.c.security_profile,
        stations.c.registration,
        stations.c.serial,
        stations.c.leniency,
        profile_upgrades.c.profile.label("next_profile"),
        station_secrets.c.salt,
        station_secrets.c.hash,
    )
    .outerjoin(profile_upgrades, profile_upgrades.c.station == stations.c.station)
    .outerjoin(station_secrets, station_secrets.c.station == stations.c.station)
    .where(stations.c.station.in_(bindparam("names", expanding=True)))
    .order_by(station_secrets.c.id)
)
SOUGHT_MAX = 500
"""Stations looked up by one query: those who come in together share a look."""


def _change(**values: str) -> Together[dict[str, Any], None]:
    """Set columns of many stations, each row with its own values by these names, and `which` it is."""
    named: dict[str, Any] = {column: bindparam(name) for column, name in values.items()}
    change: Update = update(stations).where(stations.c.station == bindparam("which")).values(named)

    def work(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[None]:
        connection.execute(change, list(rows))
        return [None] * len(rows)

    return work


_CONNECTED = _change(ocpp_version="version", last_seen="now")
_DISCONNECTED = _change(last_seen="now")
_BOOTED = _change(
    vendor="by", model="its_model", serial="its_serial", firmware="its_firmware", boot_at="now", last_seen="now"
)
FRAMES_MAX = 50_000
"""Frames that may wait while the store is slow; beyond it the oldest are dropped."""


def _keep_frames(connection: Connection, rows: list[dict[str, Any]]) -> None:
    execute_many(connection, _KEEP, rows)


class StationStore:
    """`StationBook` on the store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._frames: Later[dict[str, Any]] = Later(
            database, _keep_frames, "frames", FLUSH_ROWS, FRAMES_MAX, FRAMES_MAX
        )
        self.seen: Callable[[StationId, bool, int], None] = lambda _station, _there, _at: None
        """Called when a station came (True) or went, and when [Unix s]; durable by then."""
        self._points: Mapping[tuple[StationId, EvseId], PointId] | None = None
        self._added = 0
        self._sought: list[tuple[str, asyncio.Future[StationRecord | None]]] = []
        self._seeking: asyncio.Task[None] | None = None

    # -- stations -------------------------------------------------------------------------------------------------

    async def add(
        self,
        station: str,
        max_w: int,
        evses: Sequence[tuple[int, int | None]] = (),
        tenant: str = "default",
        profile: int = 1,
    ) -> str:
        """Add a station with its (EVSE, metering point) pairs; return its password, 40 hex digits, shown only here.

        Raises
        ------
        InputInvalid
            if no pile could be given that identity.
        Conflict
            if the identity is taken.
        """
        password, salt, hashed = new_password()
        row = {"station": station, "tenant": tenant, "max_w": max_w, "security_profile": profile}
        row |= {"password_salt": salt, "password_hash": hashed}
        await self._database.write(lambda connection: register(connection, row, evses))
        self._points, self._added = None, self._added + 1
        return password

    async def renew_password(self, station: str) -> str:
        """Give a station a new password and return it; the old one stops working at once.

        Raises
        ------
        NotFound
            if there is no such station.
        """
        password, salt, hashed = new_password()
        change = update(stations).where(stations.c.station == station).values(password_salt=salt, password_hash=hashed)
        if await self._database.write(lambda connection: connection.execute(change).rowcount) != 1:
            raise NotFound(f"there is no station {station}")
        return password

    async def points(self) -> Mapping[tuple[StationId, EvseId], PointId]:
        """The metering point of every EVSE that has one. Only `add` gives points, so they are read once for each."""
        if self._points is None:
            query = select(connectors.c.station, connectors.c.evse, connectors.c.point).where(
                connectors.c.point.is_not(None)
            )
            added = self._added
            rows = await self._database.read(lambda connection: connection.execute(query).all())
            found = {(StationId(row.station), EvseId(row.evse)): PointId(row.point) for row in rows}
            if added != self._added:
                return found
            self._points = found
        return self._points

    # -- StationBook ----------------------------------------------------------------------------------------------

    async def find(self, station: str) -> StationRecord | None:
        """See `StationBook.find`."""
        found: asyncio.Future[StationRecord | None] = asyncio.get_running_loop().create_future()
        self._sought.append((station, found))
        if self._seeking is None:
            self._seeking = asyncio.get_running_loop().create_task(self._seek())
        return await found

    async def _seek(self) -> None:
        """Look up all who are sought, and those who have come to be meanwhile."""
        try:
            while self._sought:
                sought, self._sought = self._sought[:SOUGHT_MAX], self._sought[SOUGHT_MAX:]
                await self._find_all(sought)
        finally:
            self._seeking = None

    async def _find_all(self, sought: Sequence[tuple[str, "asyncio.Future[StationRecord | None]"]]) -> None:
        names = list({name for name, _ in sought})
        try:
            rows = await self._database.read(lambda connection: connection.execute(_RECORD, {"names": names}).all())
        except Exception as fault:
            for _, found in sought:
                if not found.done():
                    found.set_exception(fault)
            return
        of: dict[str, list[Any]] = {}
        for row in rows:
            of.setdefault(row.station, []).append(row)
        for name, found in sought:
            if not found.done():
                found.set_result(_record(of[name]) if name in of else None)

    async def refused(self, refusal: Refusal) -> None:
        """See `StationBook.refused`."""
        row = insert(refused_attempts).values(
            station=refusal.station[:255],
            at=refusal.at,
            reason=refusal.reason[:32],
            address=refusal.address[:64],
            offered=refusal.offered[:128],
            tls=refusal.tls[:64],
        )
        await self._database.write(lambda connection: connection.execute(row))

    async def secret_used(self, station: StationId, salt: bytes) -> None:
        """See `StationBook.secret_used`."""

        def work(connection: Connection) -> None:
            which = station_secrets.c.station == station
            hashed = connection.execute(
                select(station_secrets.c.hash).where(which, station_secrets.c.salt == salt)
            ).scalar()
            if hashed is not None:
                adopt(connection, station, salt, hashed)

        await self._database.write(work)

    async def raised(self, station: StationId, profile: int) -> None:
        """See `StationBook.raised`."""

        def work(connection: Connection) -> None:
            lower = (stations.c.station == station) & (stations.c.security_profile < profile)
            connection.execute(update(stations).where(lower).values(security_profile=profile))
            connection.execute(delete(profile_upgrades).where(profile_upgrades.c.station == station))

        await self._database.write(work)

    async def connected(self, station: StationId, version: str, at: int) -> None:
        """See `StationBook.connected`."""
        await self._database.write_together(_CONNECTED, {"which": station, "version": version, "now": at})
        self.seen(station, True, at)

    async def disconnected(self, station: StationId, at: int) -> None:
        """See `StationBook.disconnected`."""
        await self._database.write_together(_DISCONNECTED, {"which": station, "now": at})
        self.seen(station, False, at)

    async def leniency_used(self, station: StationId, uses: Mapping[str, int], at: int) -> None:
        """See `StationBook.leniency_used`."""

        def work(connection: Connection) -> None:
            for name, times in uses.items():
                counted = station_deviations.c
                which = (counted.station == station) & (counted.deviation == name)
                change = update(station_deviations).where(which).values(count=counted.count + times, last_at=at)
                if connection.execute(change).rowcount == 0:
                    connection.execute(
                        insert(station_deviations).values(station=station, deviation=name, count=times, last_at=at)
                    )

        await self._database.write(work)

    async def booted(self, event: Booted, at: int) -> None:
        """See `StationBook.booted`."""
        row = {"which": event.station, "now": at, "by": event.vendor, "its_model": event.model}
        row |= {"its_serial": event.serial, "its_firmware": event.firmware}
        await self._database.write_together(_BOOTED, row)

    async def status_changed(self, event: StatusChanged) -> None:
        """See `StationBook.status_changed`. An EVSE nobody registered is kept too, without a metering point."""

        def work(connection: Connection) -> None:
            values = {"status": event.status, "error_code": event.error_code, "status_at": event.at}
            which = (connectors.c.station == event.station) & (connectors.c.evse == event.evse)
            if connection.execute(update(connectors).where(which).values(values)).rowcount == 0:
                connection.execute(
                    insert(connectors).values(station=event.station, evse=event.evse, point=None, **values)
                )

        await self._database.write(work)

    def frame(self, station: StationId, at: int, incoming: bool, frame: str) -> None:
        """See `StationBook.frame`."""
        # A raw NUL is no valid JSON, so nothing but an attack is altered.
        kept = without_nul(redacted(frame))
        self._frames.put(({"station": station, "at": at, "incoming": incoming, "frame": kept},))

    async def flush(self) -> None:
        """Return once every frame so far is durable."""
        await self._frames.flush()

    async def forget(self, before: int) -> int:
        """Delete frames and refused attempts older than `before` [Unix s]; return how many."""

        def work(connection: Connection) -> int:
            old = (
                delete(frames).where(frames.c.at < before),
                delete(refused_attempts).where(refused_attempts.c.at < before),
            )
            return sum(connection.execute(statement).rowcount for statement in old)

        return await self._database.write(work)


def register(connection: Connection, row: Mapping[str, Any], evses: Sequence[tuple[int, int | None]]) -> None:
    """Add a station by its row, with (EVSE, metering point) pairs. Raises `InputInvalid`, `Conflict`."""
    station: str = row["station"]
    if not IDENTITY.fullmatch(station):
        raise InputInvalid("a pile's identity is 1 to 48 letters, digits or * - _ = + | @ .")
    if connection.execute(select(stations.c.station).where(stations.c.station == station)).first():
        raise Conflict(f"station {station} exists already")
    connection.execute(insert(stations).values(row))
    for evse, point in evses:
        connection.execute(insert(connectors).values(station=station, evse=evse, point=point))


def adopt(connection: Connection, station: str, salt: bytes, hashed: bytes) -> None:
    """Let a station in with this password only; others on their way to it are of no use any more."""
    change = update(stations).where(stations.c.station == station)
    connection.execute(change.values(password_salt=salt, password_hash=hashed))
    connection.execute(delete(station_secrets).where(station_secrets.c.station == station))


def _record(rows: Sequence[Any]) -> StationRecord:
    """A station from its rows: one for each of its passwords on their way, or one."""
    row = rows[0]
    return StationRecord(
        StationId(row.station),
        row.tenant,
        bytes(row.password_salt),
        bytes(row.password_hash),
        row.max_w,
        row.security_profile,
        row.next_profile,
        tuple((bytes(one.salt), bytes(one.hash)) for one in rows if one.salt is not None),
        row.registration,
        row.serial or "",
        frozenset(json.loads(row.leniency)),
    )
