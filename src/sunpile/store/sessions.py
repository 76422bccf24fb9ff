"""Sessions, registers, channels and vouchers in SQL: implements `sessions.ports.SessionStore`.

One event is one unit of work: what the decision looked at and all it changed stand in one transaction, so an answer
that left the node is never half true.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, Table, and_, bindparam, exists, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sunpile.basics.ids import Address, DriverId, EvseId, IdToken, PointId, SessionId, StationId
from sunpile.basics.interval import Interval
from sunpile.basics.units import MicroPerKwh, Nano, Wh
from sunpile.chargers.events import Authorisation, TransactionAnswer
from sunpile.sessions.cdr import Cdr
from sunpile.sessions.model import Channel, Driver, Pile, Session
from sunpile.sessions.ports import Core, Decision, Message, Seen
from sunpile.sessions.register import RegisterSample
from sunpile.sessions.voucher import Voucher
from sunpile.store.database import Database
from sunpile.store.registers import load_samples, report_interval, sample_row
from sunpile.store.tables import (
    cdrs,
    channels,
    connectors,
    drivers,
    registers,
    session_messages,
    sessions,
    stations,
    vouchers,
)

T = TypeVar("T")
_SESSION_FIELDS = [field.name for field in fields(Session)]
_CHANNEL_FIELDS = [field.name for field in fields(Channel)]
_SESSIONS = select(*(sessions.c[name] for name in _SESSION_FIELDS))
_CHANNELS = select(*(channels.c[name] for name in _CHANNEL_FIELDS))
_PILES = (
    select(
        connectors.c.station,
        connectors.c.evse,
        stations.c.max_w,
        connectors.c.price,
        connectors.c.point,
        connectors.c.status,
    )
    .select_from(connectors)
    .join(stations, stations.c.station == connectors.c.station)
)
_DRIVERS = select(drivers.c.driver, drivers.c.id_token, drivers.c.pays)
_OPEN = or_(sessions.c.state == "active", sessions.c.state == "waiting")
# Built once: building a statement anew for each message costs more than running it.
_SEEN = select(session_messages.c.body_hash, session_messages.c.answer).where(
    session_messages.c.station == bindparam("station"), session_messages.c.key == bindparam("key")
)
_PILE = _PILES.where(connectors.c.station == bindparam("station"), connectors.c.evse == bindparam("evse"))
_OPEN_AT = _SESSIONS.where(sessions.c.station == bindparam("station"), _OPEN)
_ALL_OPEN = _SESSIONS.where(_OPEN).order_by(sessions.c.started_at)
_BY_TRANSACTION = _SESSIONS.where(
    sessions.c.station == bindparam("station"), sessions.c.ocpp_transaction == bindparam("transaction")
)
_BY_ID = _SESSIONS.where(sessions.c.session == bindparam("session"))
_ACTIVE_OF = _SESSIONS.where(sessions.c.driver == bindparam("driver"), sessions.c.state == "active").order_by(
    sessions.c.started_at.desc()
)
_DRIVER_OF = _DRIVERS.where(drivers.c.id_token == bindparam("id_token"))
_CHANNEL = _CHANNELS.where(channels.c.channel == bindparam("channel"))
_CHANNEL_OF = _CHANNELS.where(channels.c.driver == bindparam("driver"), channels.c.state == "open").order_by(
    channels.c.opened_at.desc(), channels.c.channel
)
_SAVE_SESSION = update(sessions).where(sessions.c.session == bindparam("which"))
_NEW_SESSION, _NEW_MESSAGE = insert(sessions), insert(session_messages)
_ADD_OWED = (
    update(channels)
    .where(channels.c.channel == bindparam("which"))
    .values(owed=channels.c.owed + bindparam("more", type_=channels.c.owed.type))
)


@cache
def _insert_new(table: Table, dialect: str) -> Any:
    module = postgresql if dialect == "postgresql" else sqlite
    return module.insert(table).on_conflict_do_nothing()


def insert_new(connection: Connection, table: Table) -> Any:
    """An INSERT that leaves known rows as they are."""
    return _insert_new(table, connection.dialect.name)


class SqlDesk:
    """`sessions.ports.Desk` on a connection. Remembers which sessions it handed out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.handed_out: dict[SessionId, Session] = {}

    def seen(self, station: StationId, key: str) -> Seen | None:
        """See `Desk.seen`."""
        row = self._first(_SEEN, station=station, key=key)
        return Seen(bytes(row[0]), _read_answer(row[1])) if row else None

    def pile(self, station: StationId, evse: EvseId) -> Pile | None:
        """See `Desk.pile`."""
        row = self._first(_PILE, station=station, evse=evse)
        return _pile(row) if row else None

    def open_sessions(self, station: StationId) -> Sequence[Session]:
        """See `Desk.open_sessions`."""
        rows = self._connection.execute(_OPEN_AT, {"station": station})
        return [self._hand_out(row) for row in rows]

    def by_transaction(self, station: StationId, ocpp_transaction: str) -> Session | None:
        """See `Desk.by_transaction`."""
        return self._one(_BY_TRANSACTION, station=station, transaction=ocpp_transaction)

    def by_id(self, session: SessionId) -> Session | None:
        """See `Desk.by_id`."""
        return self.handed_out.get(session) or self._one(_BY_ID, session=session)

    def active_of(self, driver: DriverId) -> Session | None:
        """See `Desk.active_of`."""
        return self._one(_ACTIVE_OF, driver=driver)

    def driver_of(self, id_token: IdToken) -> Driver | None:
        """See `Desk.driver_of`. Tokens are kept in upper case: OCPP 1.6 compares them without regard to case."""
        row = self._first(_DRIVER_OF, id_token=id_token.upper())
        return Driver(DriverId(row[0]), IdToken(row[1]) if row[1] else None, row[2]) if row else None

    def channel_of(self, driver: DriverId) -> Channel | None:
        """See `Desk.channel_of`."""
        row = self._first(_CHANNEL_OF, driver=driver)
        return read_channel(row) if row else None

    def channel(self, channel: bytes) -> Channel | None:
        """See `Desk.channel`."""
        row = self._first(_CHANNEL, channel=channel)
        return read_channel(row) if row else None

    def samples(self, station: StationId, evse: EvseId, since: int, until: int) -> Sequence[RegisterSample]:
        """See `Desk.samples`."""
        return load_samples(self._connection, station, evse, since, until)

    def _first(self, query: Any, **values: object) -> Any:
        return self._connection.execute(query, values).first()

    def _one(self, query: Select[Any], **values: object) -> Session | None:
        row = self._first(query, **values)
        return self._hand_out(row) if row else None

    def _hand_out(self, row: Row[Any]) -> Session:
        session = read_session(row)
        return self.handed_out.setdefault(session.session, session)


class SessionDatabase:
    """`sessions.ports.SessionStore` on the store's door."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def transact(self, core: Core, now: int) -> Decision:
        """See `SessionStore.transact`."""

        def work(connection: Connection) -> Decision:
            desk = SqlDesk(connection)
            decision = core(desk)
            _keep(connection, desk, decision, now)
            return decision

        return await self._database.write(work)

    async def look(self, reader: Callable[[SqlDesk], T]) -> T:
        """See `SessionStore.look`."""
        return await self._database.read(lambda connection: reader(SqlDesk(connection)))

    async def unsettled(self) -> Sequence[Session]:
        """See `SessionStore.unsettled`."""
        return await self._database.read(lambda c: [read_session(row) for row in c.execute(_ALL_OPEN)])

    async def cdr(self, cdr: str) -> Cdr | None:
        """See `SessionStore.cdr`."""
        query = select(cdrs.c.body).where(cdrs.c.cdr == cdr)
        text = await self._database.read(lambda c: c.scalar(query))
        return Cdr.from_json(text) if text else None

    async def save_channel(self, channel: Channel, now: int) -> None:
        """See `SessionStore.save_channel`."""
        row = {name: getattr(channel, name) for name in _CHANNEL_FIELDS} | {"opened_at": now}
        await self._database.write(lambda c: c.execute(insert_new(c, channels).values(row)))

    async def channel_closing(self, channel: bytes, state: str) -> None:
        """See `SessionStore.channel_closing`."""
        change = update(channels).where(channels.c.channel == channel).values(state=state)
        await self._database.write(lambda c: c.execute(change))

    async def payable(self) -> Sequence[tuple[Channel, Voucher]]:
        """See `SessionStore.payable`."""
        busy = exists().where(sessions.c.channel == channels.c.channel, sessions.c.state == "active")
        query = (
            select(*(channels.c[name] for name in _CHANNEL_FIELDS), vouchers.c.signature)
            .join(vouchers, and_(vouchers.c.channel == channels.c.channel, vouchers.c.cumulative == channels.c.best))
            .where(channels.c.best > channels.c.settled, channels.c.state != "closed")
            .where((channels.c.state == "closing") | ~busy)
            .order_by(channels.c.channel)
        )

        def work(connection: Connection) -> list[tuple[Channel, Voucher]]:
            found = [(read_channel(row), bytes(row.signature)) for row in connection.execute(query)]
            return [(channel, Voucher(channel.channel, channel.best, signature)) for channel, signature in found]

        return await self._database.read(work)

    async def settled(self, channel: bytes, cumulative: Nano) -> None:
        """See `SessionStore.settled`."""
        change = update(channels).where(channels.c.channel == channel, channels.c.settled < cumulative)
        await self._database.write(lambda c: c.execute(change.values(settled=cumulative)))

    async def pile_energy(self, interval: Interval) -> Mapping[tuple[StationId, EvseId], Wh | None]:
        """See `SessionStore.pile_energy`."""

        def work(connection: Connection) -> dict[tuple[StationId, EvseId], Wh | None]:
            piles = [_pile(row) for row in connection.execute(_PILES.where(connectors.c.point.is_not(None)))]
            return report_interval(connection, piles, interval)

        return await self._database.write(work)

    async def set_price(self, station: StationId, evse: EvseId, price: int) -> None:
        """What drivers pay at an EVSE from the next session on [micro/kWh]."""
        change = update(connectors).where(connectors.c.station == station, connectors.c.evse == evse)
        await self._database.write(lambda c: c.execute(change.values(price=price)))


# -- keeping ----------------------------------------------------------------------------------------------------------


def _keep(connection: Connection, desk: SqlDesk, decision: Decision, now: int) -> None:
    if decision.message is not None:
        _keep_message(connection, decision.message, decision.answer, now)
    if decision.samples:
        rows = [sample_row(station, evse, sample) for station, evse, sample in decision.samples]
        connection.execute(insert_new(connection, registers), rows)
    for session in decision.sessions:
        _keep_session(connection, desk.handed_out.get(session.session), session)
    for cdr in decision.cdrs:
        row = {"cdr": cdr.id, "session": cdr.session_id, "body": cdr.to_json(), "created_at": now}
        connection.execute(insert_new(connection, cdrs).values(row))
    if decision.voucher is not None:
        _keep_voucher(connection, decision, decision.voucher, now)


def _keep_message(connection: Connection, message: Message, answer: TransactionAnswer | None, now: int) -> None:
    row = {
        "station": message.station,
        "key": message.key,
        "body_hash": message.body_hash,
        "answer": _write_answer(answer),
        "received_at": now,
        "held": message.held,
    }
    connection.execute(_NEW_MESSAGE, row)


def _keep_session(connection: Connection, before: Session | None, session: Session) -> None:
    row = write_session(session)
    if before is None:
        connection.execute(_NEW_SESSION, row)
    elif before != session:
        connection.execute(_SAVE_SESSION, row | {"which": row.pop("session")})
    known = before.owed if before is not None and before.channel == session.channel else 0
    if session.channel is not None and session.owed != known:
        connection.execute(_ADD_OWED, {"which": session.channel, "more": session.owed - known})


def _keep_voucher(connection: Connection, decision: Decision, voucher: Voucher, now: int) -> None:
    session = decision.sessions[0].session if decision.sessions else None
    connection.execute(
        insert(vouchers).values(
            channel=voucher.channel,
            cumulative=voucher.cumulative,
            signature=voucher.signature,
            session=session,
            received_at=now,
        )
    )
    change = update(channels).where(channels.c.channel == voucher.channel, channels.c.best < voucher.cumulative)
    connection.execute(change.values(best=voucher.cumulative))


# -- rows -------------------------------------------------------------------------------------------------------------


def write_session(session: Session) -> dict[str, Any]:
    """A session as a row."""
    row = {name: getattr(session, name) for name in _SESSION_FIELDS}
    row["seqs"] = ",".join(f"{low}-{high}" for low, high in session.seqs)
    row["doubts"] = ",".join(sorted(session.doubts))
    return row


def read_session(row: Row[Any]) -> Session:
    """A row as a session."""
    values = {name: getattr(row, name) for name in _SESSION_FIELDS}
    ranges = [part.split("-") for part in values["seqs"].split(",") if part]
    values["seqs"] = tuple((int(low), int(high)) for low, high in ranges)
    values["doubts"] = frozenset(part for part in values["doubts"].split(",") if part)
    values["channel"] = bytes(values["channel"]) if values["channel"] is not None else None
    return Session(**values)


def read_channel(row: Row[Any]) -> Channel:
    """A row as a channel."""
    values = {name: getattr(row, name) for name in _CHANNEL_FIELDS}
    values |= {"channel": bytes(row.channel), "salt": bytes(row.salt)}
    values |= {name: Address(values[name]) for name in ("payer", "payee", "signer")}
    return Channel(**values)


def _pile(row: Any) -> Pile:
    point = PointId(row.point) if row.point is not None else None
    return Pile(StationId(row.station), EvseId(row.evse), row.max_w, MicroPerKwh(row.price), point, row.status)


def _write_answer(answer: TransactionAnswer | None) -> str:
    assert answer is not None
    authorisation = answer.authorisation
    body = None
    if authorisation is not None:
        body = [authorisation.status, authorisation.parent, authorisation.expires_at]
    return json.dumps([answer.ocpp_transaction, body])


def _read_answer(text: str) -> TransactionAnswer:
    transaction, body = json.loads(text)
    return TransactionAnswer(Authorisation(*body) if body else None, transaction)
