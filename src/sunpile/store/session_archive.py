"""Sessions as staff sees them, by tenant: implements `sessions.archive.SessionArchive`."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, delete, insert, or_, select, tuple_, update

from sunpile.basics.errors import NotFound
from sunpile.basics.ids import EvseId, SessionId, StationId
from sunpile.basics.scope import Scope
from sunpile.sessions.archive import Evidence, HeldWork, KeptMessage, MeterKey, SessionQuery
from sunpile.sessions.cdr import Cdr
from sunpile.sessions.model import Session
from sunpile.sessions.ports import Ruled
from sunpile.sessions.register import RegisterSample
from sunpile.sessions.signed import SignedValue
from sunpile.store.database import Database
from sunpile.store.registers import load_samples
from sunpile.store.scoped import own_station
from sunpile.store.session_desk import PILES, SIGNED_OF, read_pile, read_records, read_session
from sunpile.store.session_tables import meter_keys, session_decisions
from sunpile.store.tables import cdrs, connectors, registers, session_messages, sessions, stations

SAMPLES_MAX = 5000
"""Most registers shown of one session."""
EARLIER_S = 86_400
"""How far around a session its neighbours' registers are looked for [s]."""
_SESSIONS = select(*(sessions.c[name] for name in Session._fields))
_MESSAGES = select(*(session_messages.c[field.name] for field in fields(KeptMessage)))
_RULED = select(*(session_decisions.c[field.name] for field in fields(Ruled)))
_KEYS = select(*(meter_keys.c[field.name] for field in fields(MeterKey)))


def _of(scope: Scope, station: Any) -> Any:
    """True for stations of the scope's tenant."""
    return station.in_(select(stations.c.station).where(stations.c.tenant == scope.tenant))


class SessionArchiveStore:
    """`sessions.archive.SessionArchive` on the store's door."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, scope: Scope, query: SessionQuery) -> Sequence[Session]:
        """See `SessionArchive.list`."""
        return await self._database.read(lambda c: [read_session(row) for row in c.execute(_listed(c, scope, query))])

    async def evidence(self, scope: Scope, session: SessionId) -> Evidence:
        """See `SessionArchive.evidence`."""
        return await self._database.read(lambda connection: _evidence(connection, scope, session))

    async def held(self, scope: Scope, limit: int) -> HeldWork:
        """See `SessionArchive.held`."""
        waiting = _SESSIONS.where(sessions.c.state == "held", _of(scope, sessions.c.station))
        unseen = _MESSAGES.where(
            session_messages.c.held.is_not(None),
            session_messages.c.dismissed_at.is_(None),
            _of(scope, session_messages.c.station),
        )

        def work(connection: Connection) -> HeldWork:
            some = connection.execute(waiting.order_by(sessions.c.started_at, sessions.c.session).limit(limit))
            others = connection.execute(unseen.order_by(session_messages.c.received_at).limit(limit))
            return HeldWork(tuple(read_session(row) for row in some), tuple(KeptMessage(*row) for row in others))

        return await self._database.read(work)

    async def dismiss(self, scope: Scope, station: StationId, key: str, at: int) -> KeptMessage:
        """See `SessionArchive.dismiss`."""
        which = and_(
            session_messages.c.station == station,
            session_messages.c.key == key,
            session_messages.c.held.is_not(None),
            _of(scope, session_messages.c.station),
        )

        def work(connection: Connection) -> KeptMessage:
            if connection.execute(_MESSAGES.where(which)).first() is None:
                raise NotFound("there is no such held message")
            unseen = session_messages.c.dismissed_at.is_(None)
            connection.execute(update(session_messages).where(which, unseen).values(dismissed_at=at))
            return KeptMessage(*connection.execute(_MESSAGES.where(which)).one())

        return await self._database.write(work)

    async def records(self, scope: Scope, since: int, until: int, after: str, limit: int) -> Sequence[Cdr]:
        """See `SessionArchive.records`."""
        query = (
            select(cdrs.c.body)
            .join(sessions, sessions.c.session == cdrs.c.session)
            .where(cdrs.c.created_at >= since, cdrs.c.created_at < until, cdrs.c.cdr > after)
            .where(_of(scope, sessions.c.station))
            .order_by(cdrs.c.cdr)
            .limit(limit)
        )
        return await self._database.read(lambda c: [Cdr.from_json(body) for body in c.scalars(query)])

    async def meter_keys(self, scope: Scope, station: StationId) -> Sequence[MeterKey]:
        """See `SessionArchive.meter_keys`."""

        def work(connection: Connection) -> list[MeterKey]:
            own_station(connection, scope, station)
            query = _KEYS.where(meter_keys.c.station == station).order_by(meter_keys.c.evse, meter_keys.c.since)
            return [MeterKey(*row) for row in connection.execute(query)]

        return await self._database.read(work)

    async def save_meter_key(self, scope: Scope, key: MeterKey) -> None:
        """See `SessionArchive.save_meter_key`."""

        def work(connection: Connection) -> None:
            own_station(connection, scope, key.station)
            same = (meter_keys.c.station == key.station, meter_keys.c.evse == key.evse, meter_keys.c.since == key.since)
            connection.execute(delete(meter_keys).where(*same))
            connection.execute(insert(meter_keys).values(asdict(key)))

        await self._database.write(work)


def _listed(connection: Connection, scope: Scope, query: SessionQuery) -> Select[Any]:
    table = sessions.c
    found = _SESSIONS.where(_of(scope, table.station))
    equal = {"station": query.station, "evse": query.evse, "state": query.state, "driver": query.driver}
    for name, value in equal.items():
        if value is not None:
            found = found.where(table[name] == value)
    if query.id_token is not None:
        found = found.where(or_(table.id_token == query.id_token, table.id_token == query.id_token.upper()))
    if query.doubt is not None:
        found = found.where(table.doubts.contains(query.doubt, autoescape=True))
    if query.since is not None:
        found = found.where(table.started_at >= query.since)
    if query.until is not None:
        found = found.where(table.started_at < query.until)
    if query.after is not None:
        place = connection.execute(select(table.started_at).where(table.session == query.after)).first()
        if place is not None:
            found = found.where(tuple_(table.started_at, table.session) < (place[0], query.after))
    return found.order_by(table.started_at.desc(), table.session.desc()).limit(query.limit)


def _evidence(connection: Connection, scope: Scope, name: SessionId) -> Evidence:
    row = connection.execute(_SESSIONS.where(sessions.c.session == name, _of(scope, sessions.c.station))).first()
    if row is None:
        raise NotFound("there is no such session")
    session = read_session(row)
    place = (session.station, session.evse)
    here = (connectors.c.station == session.station, connectors.c.evse == session.evse)
    pile = connection.execute(PILES.where(*here)).first()
    until = session.ended_at if session.ended_at is not None else session.last_at
    samples = sorted(load_samples(connection, *place, session.started_at, until), key=lambda s: (s.taken_at, s.wh))
    signed = connection.execute(SIGNED_OF, {"session": name})
    ruled = _RULED.where(session_decisions.c.session == name).order_by(session_decisions.c.id)
    return Evidence(
        session=session,
        pile=read_pile(pile) if pile else None,
        messages=_messages(connection, session),
        samples=tuple(samples[:SAMPLES_MAX]),
        earlier=_neighbour(connection, place, session.started_at - EARLIER_S, session.started_at - 1, None),
        later=_neighbour(connection, place, until + 1, until + 30 * EARLIER_S, "begin"),
        signed=tuple(SignedValue(*one) for one in signed),
        rulings=tuple(Ruled(*one) for one in connection.execute(ruled)),
        records=tuple(read_records(connection, name)),
    )


def _messages(connection: Connection, session: Session) -> tuple[KeptMessage, ...]:
    """The messages of a session's transaction: by number in 2.x, by start and stop in 1.6."""
    key, name = session_messages.c.key, session.ocpp_transaction
    starts = f"start/{session.evse}/{session.id_token or ''}"
    # Ranges instead of LIKE: they go by the primary key. "0" follows "/", "$" follows "#".
    ours = or_(
        and_(key >= f"{name}/", key < f"{name}0"),
        key == f"stop/{name}",
        and_(key >= f"stop/{name}#", key < f"stop/{name}$"),
        and_(key >= f"{starts}/", key < f"{starts}0"),
    )
    query = _MESSAGES.where(session_messages.c.station == session.station, ours).order_by(
        session_messages.c.received_at, key
    )
    found = (KeptMessage(*row) for row in connection.execute(query))
    return tuple(one for one in found if not one.key.startswith("start/") or _answered(one, name))


def _answered(message: KeptMessage, transaction: str) -> bool:
    """True for the 1.6 start that was answered with this number."""
    return message.answer.startswith(f'["{transaction}"')


def _neighbour(
    connection: Connection, place: tuple[StationId, EvseId], since: int, until: int, kind: str | None
) -> RegisterSample | None:
    """The register next to a session: the last one of the span, or with `kind` the first of that kind."""
    names = [field.name for field in fields(RegisterSample)]
    query = select(*(registers.c[name] for name in names)).where(
        registers.c.station == place[0],
        registers.c.evse == place[1],
        registers.c.taken_at.between(since, until),
        registers.c.held.is_(None),
    )
    if kind is None:
        query = query.order_by(registers.c.taken_at.desc(), registers.c.wh.desc())
    else:
        query = query.where(registers.c.kind == kind).order_by(registers.c.taken_at)
    row: Row[Any] | None = connection.execute(query.limit(1)).first()
    return RegisterSample(*row) if row else None
