"""Doors in SQL: owners of stations' sockets, and the mail between processes. PostgreSQL tells whom mail waits for."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, select, text, update

from sunpile.basics.ids import StationId
from sunpile.chargers.ownership import LEASE_S, Owner, claim, releases
from sunpile.store.database import Database
from sunpile.store.door_tables import door_mail, doors, station_doors

CHANNEL = "sunpile_doors"
"""Name of the notifications; each carries whom mail is for."""
MAIL_MAX = 200
"""Letters taken at once."""
KEPT_S = 3600
"""Letters to a door that is dead are thrown away after so long [s]."""
_OWNER = (
    select(station_doors.c.door, station_doors.c.generation, doors.c.beat_at, station_doors.c.station)
    .add_columns(station_doors.c.version, station_doors.c.since)
    .outerjoin(doors, doors.c.door == station_doors.c.door)
)


class Letter(NamedTuple):
    """What one process tells another."""

    door: str
    """Whom it is for."""
    kind: str
    """command, answer, fence, event, notice."""
    station: str
    """Whom it is about."""
    generation: int
    """Of the station's connection it is meant for."""
    body: str
    """JSON."""
    sender: str = ""
    """Who sent it."""
    about: str = ""
    """Number of the command: it comes back with the answer."""
    number: int = 0
    """Its own number, rising."""


class Elsewhere(NamedTuple):
    """A station as the store knows it."""

    owner: Owner
    """Which door has it."""
    version: str
    """OCPP version."""
    since: int
    """When it came in [Unix s]."""


class DoorStore:
    """Owners and mail."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def beat(self, door: str, now: int) -> None:
        """This door lives."""

        def work(connection: Connection) -> None:
            change = update(doors).where(doors.c.door == door).values(beat_at=now)
            if connection.execute(change).rowcount == 0:
                connection.execute(insert(doors).values(door=door, beat_at=now))

        await self._database.write(work)

    async def owners(self) -> dict[StationId, Elsewhere]:
        """Every station that is connected anywhere, as far as the store knows."""
        query = _OWNER.where(station_doors.c.door != "")
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {StationId(row.station): Elsewhere(_owner(row), row.version, row.since) for row in rows}

    async def owner(self, station: StationId) -> Owner | None:
        """Which door has the station now."""
        return await self._database.read(lambda connection: _read(connection, station))

    async def claim(self, station: StationId, door: str, version: str, now: int) -> int:
        """The station came in at `door`: the generation of that connection. The door that had it is told."""

        def work(connection: Connection) -> int:
            known = _read(connection, station)
            generation, older = claim(known, door)
            row = {"door": door, "generation": generation, "version": version, "since": now}
            if known is None:
                connection.execute(insert(station_doors).values(station=station, **row))
            else:
                connection.execute(update(station_doors).where(station_doors.c.station == station).values(row))
            if older is not None:
                _post(connection, [Letter(older, "fence", station, generation, "{}", door)], now)
            return generation

        return await self._database.write(work)

    async def release(self, station: StationId, door: str, generation: int) -> None:
        """That connection has closed; if a newer one stands anywhere, this changes nothing."""

        def work(connection: Connection) -> None:
            if releases(_read(connection, station), door, generation):
                gone = update(station_doors).where(station_doors.c.station == station)
                connection.execute(gone.values(door=""))

        await self._database.write(work)

    async def post(self, letter: Letter, now: int) -> None:
        """Leave a letter and wake whom it is for."""
        await self._database.write_together(_post_all, (letter, now))

    async def take(self, door: str) -> Sequence[Letter]:
        """Letters for `door` that nobody will see again: each is acted on at most once."""

        def work(connection: Connection) -> list[Letter]:
            letters = _letters(connection, door)
            _forget(connection, letters)
            return letters

        return await self._database.write(work) if await self.waits(door) else ()

    async def waits(self, door: str) -> bool:
        """True if there is a letter for `door`."""
        query = select(door_mail.c.id).where(door_mail.c.door == door).limit(1)
        return await self._database.read(lambda connection: connection.execute(query).first() is not None)

    async def look(self, door: str) -> Sequence[Letter]:
        """Letters for `door`, which stay until they are `done`: each is acted on at least once."""
        return await self._database.read(lambda connection: _letters(connection, door))

    async def done(self, letters: Sequence[Letter]) -> None:
        """Throw letters away."""
        await self._database.write(lambda connection: _forget(connection, letters))

    async def bury(self, now: int, living: Collection[str]) -> None:
        """Forget dead doors and old letters to doors; stations of dead doors are gone until they come in elsewhere."""

        def work(connection: Connection) -> None:
            dead = doors.c.beat_at < now - LEASE_S
            gone = select(doors.c.door).where(dead, doors.c.door.not_in(living))
            connection.execute(update(station_doors).where(station_doors.c.door.in_(gone)).values(door=""))
            connection.execute(delete(doors).where(dead, doors.c.door.not_in(living)))
            connection.execute(delete(door_mail).where(door_mail.c.at < now - KEPT_S, door_mail.c.door.not_in(living)))

        await self._database.write(work)


def _owner(row: Any) -> Owner:
    return Owner(row.door, row.generation, row.beat_at or 0)


def _read(connection: Connection, station: StationId) -> Owner | None:
    row = connection.execute(_OWNER.where(station_doors.c.station == station)).first()
    return _owner(row) if row is not None else None


def _post(connection: Connection, letters: Sequence[Letter], now: int) -> None:
    rows = [{name: value for name, value in one._asdict().items() if name != "number"} | {"at": now} for one in letters]
    connection.execute(insert(door_mail), rows)
    if connection.dialect.name == "postgresql":
        for door in {letter.door for letter in letters}:
            connection.execute(text("SELECT pg_notify(:channel, :door)"), {"channel": CHANNEL, "door": door})


def _post_all(connection: Connection, posted: Sequence[tuple[Letter, int]]) -> list[None]:
    _post(connection, [letter for letter, _ in posted], posted[0][1])
    return [None] * len(posted)


def _letters(connection: Connection, door: str) -> list[Letter]:
    query = select(door_mail).where(door_mail.c.door == door).order_by(door_mail.c.id).limit(MAIL_MAX)
    return [
        Letter(row.door, row.kind, row.station, row.generation, row.body, row.sender, row.about, row.id)
        for row in connection.execute(query)
    ]


def _forget(connection: Connection, letters: Sequence[Letter]) -> None:
    if letters:
        connection.execute(delete(door_mail).where(door_mail.c.id.in_([letter.number for letter in letters])))
