"""A desk on the store: what a decision looks at, and how it is kept. See `sessions.ports.Desk`.

One desk serves one unit of work: several events, one after the other. Sessions, piles and channels it knows stay
with it, what decisions change waits until somebody must read it or the unit ends, and is then written table by table.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, fields
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, bindparam, insert, or_, select, update

from sunpile.basics.ids import DriverId, EvseId, IdToken, SessionId, StationId
from sunpile.basics.units import Nano
from sunpile.chargers.events import TransactionAnswer
from sunpile.sessions.cdr import Cdr
from sunpile.sessions.model import Channel, Driver, Pile, Session
from sunpile.sessions.ports import Decision, Message, Seen
from sunpile.sessions.register import Register, RegisterSample
from sunpile.sessions.signed import SignedValue
from sunpile.sessions.tokens import Shown
from sunpile.sessions.voucher import Voucher
from sunpile.store.database import execute_many, insert_new
from sunpile.store.registers import load_samples, sample_row
from sunpile.store.session_answers import read_answer, write_answer
from sunpile.store.session_tables import meter_keys, session_decisions, signed_values
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
from sunpile.store.tokens import shown

_SEQS, _DOUBTS, _CHANNEL_ID = (Session._fields.index(name) for name in ("seqs", "doubts", "channel"))
_SESSIONS = select(*(sessions.c[name] for name in Session._fields))
_CHANNEL_BYTES = [Channel._fields.index(name) for name in ("channel", "salt")]
_CHANNELS = select(*(channels.c[name] for name in Channel._fields))
PILES = (
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
_PILE = PILES.where(connectors.c.station == bindparam("station"), connectors.c.evse == bindparam("evse"))
_PILES_OF = PILES.where(connectors.c.station.in_(bindparam("stations", expanding=True)))
_OPEN_OF = _SESSIONS.where(sessions.c.station.in_(bindparam("stations", expanding=True)), _OPEN)
ALL_OPEN = _SESSIONS.where(_OPEN).order_by(sessions.c.started_at)
_BY_TRANSACTION = _SESSIONS.where(
    sessions.c.station == bindparam("station"), sessions.c.ocpp_transaction == bindparam("transaction")
)
_BY_ID = _SESSIONS.where(sessions.c.session == bindparam("session"))
_ACTIVE_OF = _SESSIONS.where(sessions.c.driver == bindparam("driver"), sessions.c.state == "active").order_by(
    sessions.c.started_at.desc()
)
_DRIVER_OF = _DRIVERS.where(drivers.c.id_token == bindparam("id_token"))
_CHANNEL = _CHANNELS.where(channels.c.channel == bindparam("channel"))
_CHANNELS_OF = _CHANNELS.where(channels.c.channel.in_(bindparam("channels", expanding=True)))
_CHANNEL_OF = _CHANNELS.where(channels.c.driver == bindparam("driver"), channels.c.state == "open").order_by(
    channels.c.opened_at.desc(), channels.c.channel
)
_METER_KEY = (
    select(meter_keys.c.key)
    .where(
        meter_keys.c.station == bindparam("station"),
        meter_keys.c.evse == bindparam("evse"),
        meter_keys.c.since <= bindparam("at"),
    )
    .order_by(meter_keys.c.since.desc())
    .limit(1)
)
SIGNED_OF = (
    select(*(signed_values.c[field.name] for field in fields(SignedValue)))
    .where(signed_values.c.session == bindparam("session"))
    .order_by(signed_values.c.received_at, signed_values.c.digest)
)
_SIGNED_BY = select(signed_values.c.session).where(signed_values.c.digest == bindparam("digest"))
_RECORDS_OF = select(cdrs.c.body).where(cdrs.c.session == bindparam("session")).order_by(cdrs.c.created_at, cdrs.c.cdr)
_INSERT = {table: insert(table) for table in (sessions, session_messages, vouchers, session_decisions)}
_RAISE_BEST = (
    update(channels)
    .where(
        channels.c.channel == bindparam("which"), channels.c.best < bindparam("cumulative", type_=channels.c.best.type)
    )
    .values(best=bindparam("cumulative", type_=channels.c.best.type))
)
_ADD_OWED = (
    update(channels)
    .where(channels.c.channel == bindparam("which"))
    .values(owed=channels.c.owed + bindparam("more", type_=channels.c.owed.type))
)


@cache
def _save_session(names: tuple[str, ...]) -> Any:
    """An UPDATE of these columns of a session."""
    values = {name: bindparam(name, type_=sessions.c[name].type) for name in names}
    return update(sessions).where(sessions.c.session == bindparam("which")).values(values)


Price = Callable[[Connection, Session, Register], Nano]
"""What a closed session costs by its tariff, by a meter's trusted readings."""


class SqlDesk:
    """`sessions.ports.Desk` on a connection, and `keep` for what is decided at it."""

    def __init__(self, connection: Connection, price: Price | None = None) -> None:
        self._connection, self._price = connection, price
        self._sessions: dict[SessionId, Session] = {}
        """Every session seen, as it is by now."""
        self._stored: dict[SessionId, Session | None] = {}
        """Those that changed, as they are in the table."""
        self._open: dict[StationId, list[SessionId]] = {}
        """Open sessions of the stations for which all are known."""
        self._piles: dict[tuple[StationId, EvseId], Pile] = {}
        self._channels: dict[bytes, Channel] = {}
        self._owed: dict[bytes, int] = defaultdict(int)
        self._new: dict[Table, list[dict[str, Any]]] = defaultdict(list)

    def fetch(self, named: Collection[StationId]) -> None:
        """Read at once what events of these stations usually look at."""
        values = {"stations": list(named)}
        for row in self._connection.execute(_PILES_OF, values).all():
            pile = read_pile(row)
            self._piles[pile.station, pile.evse] = pile
        self._open |= {station: [] for station in named}
        for row in self._connection.execute(_OPEN_OF, values).all():
            session = self._hand_out(row)
            self._open[session.station].append(session.session)
        paying = {session.channel for session in self._sessions.values() if session.channel is not None}
        if paying:
            for row in self._connection.execute(_CHANNELS_OF, {"channels": list(paying)}).all():
                channel = read_channel(row)
                self._channels[channel.channel] = channel

    # -- Desk ---------------------------------------------------------------------------------------------------------

    def seen(self, station: StationId, key: str) -> Seen | None:
        """See `Desk.seen`."""
        row = self._first(_SEEN, station=station, key=key)
        return Seen(bytes(row[0]), read_answer(row[1])) if row else None

    def pile(self, station: StationId, evse: EvseId) -> Pile | None:
        """See `Desk.pile`."""
        known = self._piles.get((station, evse))
        if known is not None:
            return known
        row = self._first(_PILE, station=station, evse=evse)
        return read_pile(row) if row else None

    def open_sessions(self, station: StationId) -> Sequence[Session]:
        """See `Desk.open_sessions`."""
        known = self._open.get(station)
        if known is None:
            self.write()
            rows = self._connection.execute(_OPEN_OF, {"stations": [station]})
            known = self._open[station] = [self._hand_out(row).session for row in rows]
        return [self._sessions[name] for name in known]

    def by_transaction(self, station: StationId, ocpp_transaction: str) -> Session | None:
        """See `Desk.by_transaction`."""
        for name in self._open.get(station, ()):
            if self._sessions[name].ocpp_transaction == ocpp_transaction:
                return self._sessions[name]
        return self._one(_BY_TRANSACTION, station=station, transaction=ocpp_transaction)

    def by_id(self, session: SessionId) -> Session | None:
        """See `Desk.by_id`."""
        return self._sessions.get(session) or self._one(_BY_ID, session=session)

    def active_of(self, driver: DriverId) -> Session | None:
        """See `Desk.active_of`."""
        return self._one(_ACTIVE_OF, driver=driver)

    def driver_of(self, id_token: IdToken) -> Driver | None:
        """See `Desk.driver_of`. Tokens are kept in upper case: OCPP 1.6 compares them without regard to case."""
        row = self._first(_DRIVER_OF, id_token=id_token.upper())
        return Driver(DriverId(row[0]), IdToken(row[1]) if row[1] else None, row[2]) if row else None

    def shown(
        self, id_token: IdToken, station: StationId, evse: EvseId | None, at: int, this: SessionId | None
    ) -> Shown | None:
        """See `Desk.shown`."""
        self.write()
        return shown(self._connection, id_token, station, evse, at, this)

    def channel_of(self, driver: DriverId) -> Channel | None:
        """See `Desk.channel_of`."""
        row = self._first(_CHANNEL_OF, driver=driver)
        return read_channel(row) if row else None

    def channel(self, channel: bytes) -> Channel | None:
        """See `Desk.channel`."""
        known = self._channels.get(channel)
        if known is not None:
            return known
        row = self._first(_CHANNEL, channel=channel)
        return read_channel(row) if row else None

    def samples(self, station: StationId, evse: EvseId, since: int, until: int) -> Sequence[RegisterSample]:
        """See `Desk.samples`."""
        self.write()
        return load_samples(self._connection, station, evse, since, until)

    def meter_key(self, station: StationId, evse: EvseId, at: int) -> str | None:
        """See `Desk.meter_key`."""
        row = self._first(_METER_KEY, station=station, evse=evse, at=at)
        return row[0] if row else None

    def signed_values(self, session: SessionId) -> Sequence[SignedValue]:
        """See `Desk.signed_values`."""
        self.write()
        return [SignedValue(*row) for row in self._connection.execute(SIGNED_OF, {"session": session})]

    def signed_by(self, digest: str) -> SessionId | None:
        """See `Desk.signed_by`."""
        row = self._first(_SIGNED_BY, digest=digest)
        return row[0] if row else None

    def records_of(self, session: SessionId) -> Sequence[Cdr]:
        """See `Desk.records_of`."""
        self.write()
        return read_records(self._connection, session)

    def cost(self, session: Session, register: Register) -> Nano | None:
        """See `Desk.cost`."""
        self.write()
        return self._price(self._connection, session, register) if self._price is not None else None

    def _first(self, query: Any, **values: object) -> Any:
        self.write()
        return self._connection.execute(query, values).first()

    def _one(self, query: Select[Any], **values: object) -> Session | None:
        row = self._first(query, **values)
        return self._hand_out(row) if row else None

    def _hand_out(self, row: Row[Any]) -> Session:
        session = read_session(row)
        return self._sessions.setdefault(session.session, session)

    # -- keeping ------------------------------------------------------------------------------------------------------

    def keep(self, decision: Decision, now: int) -> None:
        """Take a decision into the unit of work; it is in the tables after `write`."""
        if decision.message is not None:
            self._new[session_messages].append(_message_row(decision.message, decision.answer, now))
        if decision.samples:
            self._new[registers] += [sample_row(station, evse, sample) for station, evse, sample in decision.samples]
        for session in decision.sessions:
            self._keep_session(session)
        for cdr in decision.cdrs:
            row = {"cdr": cdr.id, "session": cdr.session_id, "body": cdr.to_json(), "created_at": now}
            self._new[cdrs].append(row)
        if decision.signed:
            self._new[signed_values] += [asdict(value) for value in decision.signed]
        if decision.rulings:
            self._new[session_decisions] += [asdict(ruled) for ruled in decision.rulings]
        if decision.voucher is not None:
            self._keep_voucher(decision, decision.voucher, now)

    def _keep_session(self, session: Session) -> None:
        before = self._sessions.get(session.session)
        if before == session:
            return
        self._sessions[session.session] = session
        self._stored.setdefault(session.session, before)
        if before is None or before.state != session.state:
            self._open.pop(session.station, None)
        known = before.owed if before is not None and before.channel == session.channel else 0
        if session.channel is not None and session.owed != known:
            self._add_owed(session.channel, session.owed - known)

    def _add_owed(self, name: bytes, more: int) -> None:
        # Who asks for the channel again in this unit of work reads it anew: rare, and cheaper than a copy for each.
        self._channels.pop(name, None)
        self._owed[name] += more

    def _keep_voucher(self, decision: Decision, voucher: Voucher, now: int) -> None:
        session = decision.sessions[0].session if decision.sessions else None
        row = {"channel": voucher.channel, "cumulative": voucher.cumulative, "signature": voucher.signature}
        self._new[vouchers].append(row | {"session": session, "received_at": now})
        self._channels.pop(voucher.channel, None)
        self._connection.execute(_RAISE_BEST, {"which": voucher.channel, "cumulative": voucher.cumulative})

    def write(self) -> None:
        """Bring everything kept so far into the tables."""
        if self._new:
            new, self._new = self._new, defaultdict(list)
            for table, rows in new.items():
                known_may_stay = table in (registers, cdrs, signed_values)
                statement = insert_new(self._connection, table) if known_may_stay else _INSERT[table]
                execute_many(self._connection, statement, rows)
        if self._stored:
            self._write_sessions()
        if self._owed:
            owed, self._owed = self._owed, defaultdict(int)
            rows = [{"which": name, "more": more} for name, more in owed.items()]
            execute_many(self._connection, _ADD_OWED, rows)

    def _write_sessions(self) -> None:
        stored, self._stored = self._stored, {}
        fresh: list[dict[str, Any]] = []
        changes: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for name, before in stored.items():
            session = self._sessions[name]
            if before is None:
                fresh.append(write_session(session))
            else:
                row = _changed(before, session)
                changes[tuple(row)].append(row | {"which": name})
        if fresh:
            execute_many(self._connection, _INSERT[sessions], fresh)
        for names, rows in changes.items():
            if names:
                execute_many(self._connection, _save_session(names), rows)


def read_records(connection: Connection, session: SessionId) -> Sequence[Cdr]:
    """All records of a session, oldest first."""
    rows = connection.execute(_RECORDS_OF, {"session": session})
    return [Cdr.from_json(row[0]) for row in rows]


# -- rows -------------------------------------------------------------------------------------------------------------


def write_session(session: Session) -> dict[str, Any]:
    """A session as a row."""
    return {name: _cell(name, value) for name, value in zip(Session._fields, session, strict=True)}


def _changed(before: Session, after: Session) -> dict[str, Any]:
    """The columns in which a session differs from what it was."""
    values = zip(Session._fields, before, after, strict=True)
    return {name: _cell(name, new) for name, old, new in values if old is not new and old != new}


def _cell(name: str, value: Any) -> Any:
    if name == "seqs":
        return ",".join(f"{low}-{high}" for low, high in value)
    return ",".join(sorted(value)) if name == "doubts" else value


def read_session(row: Row[Any]) -> Session:
    """A row of the columns that a session has, in its order, as a session."""
    values = list(row)
    ranges = [part.split("-") for part in values[_SEQS].split(",") if part]
    values[_SEQS] = tuple((int(low), int(high)) for low, high in ranges)
    values[_DOUBTS] = frozenset(part for part in values[_DOUBTS].split(",") if part)
    if values[_CHANNEL_ID] is not None:
        values[_CHANNEL_ID] = bytes(values[_CHANNEL_ID])
    return Session(*values)


def read_channel(row: Row[Any]) -> Channel:
    """A row that begins with the columns of a channel, in its order, as a channel."""
    values = list(row[: len(Channel._fields)])
    for place in _CHANNEL_BYTES:
        values[place] = bytes(values[place])
    return Channel(*values)


def read_pile(row: Any) -> Pile:
    """A row of `PILES` as a pile."""
    return Pile(*row)


def _message_row(message: Message, answer: TransactionAnswer | None, now: int) -> dict[str, Any]:
    return {
        "station": message.station,
        "key": message.key,
        "body_hash": message.body_hash,
        "answer": write_answer(answer),
        "received_at": now,
        "held": message.held,
        "detail": message.detail,
    }
