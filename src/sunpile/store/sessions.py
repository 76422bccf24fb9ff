"""Sessions, registers, channels and vouchers in SQL: implements `sessions.ports.SessionStore`.

One event is one unit of work: what the decision looked at and all it changed stand in one transaction, so an answer
that left the node is never half true.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Table, and_, exists, insert, select, update
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


def insert_new(connection: Connection, table: Table) -> Any:
    """An INSERT that leaves known rows as they are."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table).on_conflict_do_nothing()


class SqlDesk:
    """`sessions.ports.Desk` on a connection. Remembers which sessions it handed out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.handed_out: dict[SessionId, Session] = {}

    def seen(self, station: StationId, key: str) -> Seen | None:
        """See `Desk.seen`."""
        query = select(session_messages.c.body_hash, session_messages.c.answer).where(
            session_messages.c.station == station, session_messages.c.key == key
        )
        row = self._connection.execute(query).first()
        return Seen(bytes(row[0]), _read_answer(row[1])) if row else None

    def pile(self, station: StationId, evse: EvseId) -> Pile | None:
        """See `Desk.pile`."""
        row = self._connection.execute(_PILES.where(connectors.c.station == station, connectors.c.evse == evse)).first()
        return _pile(row) if row else None

    def open_sessions(self, station: StationId) -> Sequence[Session]:
        """See `Desk.open_sessions`."""
        query = _SESSIONS.where(sessions.c.station == station, sessions.c.state.in_(("active", "waiting")))
        return [self._hand_out(row) for row in self._connection.execute(query)]

    def by_transaction(self, station: StationId, ocpp_transaction: str) -> Session | None:
        """See `Desk.by_transaction`."""
        return self._one(sessions.c.station == station, sessions.c.ocpp_transaction == ocpp_transaction)

    def by_id(self, session: SessionId) -> Session | None:
        """See `Desk.by_id`."""
        return self._one(sessions.c.session == session)

    def active_of(self, driver: DriverId) -> Session | None:
        """See `Desk.active_of`."""
        return self._one(sessions.c.driver == driver, sessions.c.state == "active")

    def driver_of(self, id_token: IdToken) -> Driver | None:
        """See `Desk.driver_of`. Tokens are kept in upper case: OCPP 1.6 compares them without regard to case."""
        row = self._connection.execute(_DRIVERS.where(drivers.c.id_token == id_token.upper())).first()
        return Driver(DriverId(row[0]), IdToken(row[1]) if row[1] else None, row[2]) if row else None

    def channel_of(self, driver: DriverId) -> Channel | None:
        """See `Desk.channel_of`."""
        query = _CHANNELS.where(channels.c.driver == driver, channels.c.state == "open")
        row = self._connection.execute(query.order_by(channels.c.opened_at.desc(), channels.c.channel)).first()
        return read_channel(row) if row else None

    def channel(self, channel: bytes) -> Channel | None:
        """See `Desk.channel`."""
        row = self._connection.execute(_CHANNELS.where(channels.c.channel == channel)).first()
        return read_channel(row) if row else None

    def samples(self, station: StationId, evse: EvseId, since: int, until: int) -> Sequence[RegisterSample]:
        """See `Desk.samples`."""
        return load_samples(self._connection, station, evse, since, until)

    def _one(self, *conditions: Any) -> Session | None:
        row = self._connection.execute(_SESSIONS.where(*conditions).order_by(sessions.c.started_at.desc())).first()
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
        query = _SESSIONS.where(sessions.c.state.in_(("active", "waiting"))).order_by(sessions.c.started_at)
        return await self._database.read(lambda c: [read_session(row) for row in c.execute(query)])

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
    connection.execute(
        insert(session_messages).values(
            station=message.station,
            key=message.key,
            body_hash=message.body_hash,
            answer=_write_answer(answer),
            received_at=now,
            held=message.held,
        )
    )


def _keep_session(connection: Connection, before: Session | None, session: Session) -> None:
    row = write_session(session)
    if before is None:
        connection.execute(insert(sessions).values(row))
    elif before != session:
        connection.execute(update(sessions).where(sessions.c.session == session.session).values(row))
    known = before.owed if before is not None and before.channel == session.channel else 0
    if session.channel is not None and session.owed != known:
        change = update(channels).where(channels.c.channel == session.channel)
        connection.execute(change.values(owed=channels.c.owed + (session.owed - known)))


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
