"""Reservations in SQL: implements `fleet.reservations.ReservationStore`."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from sunpile.basics.errors import NotFound
from sunpile.basics.scope import Scope
from sunpile.fleet.reservations import NUMBERS, Reservation
from sunpile.store.database import Database
from sunpile.store.scoped import own_station, tenant_of
from sunpile.store.token_tables import reservations
from sunpile.store.tokens import token_row

_COLUMNS = (
    *("reservation", "station", "token", "token_kind", "expires_at", "made_at", "evse", "connector_type"),
    *("token_group", "state", "reason", "ocpp_transaction", "ended_at"),
)
_ALL = select(*(reservations.c[name] for name in _COLUMNS))
_OPEN = reservations.c.state.in_(("asked", "made"))


class ReservationDatabase:
    """`ReservationStore` on the store's door."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, scope: Scope, make: Callable[[int], Reservation]) -> Reservation:
        """See `ReservationStore.add`."""

        def work(connection: Connection) -> Reservation:
            last = connection.execute(select(func.max(reservations.c.reservation))).scalar() or 0
            made = make(last + 1)
            own_station(connection, scope, made.station)
            connection.execute(insert(reservations).values({"tenant": scope.tenant} | _row(made)))
            return made

        return await self._database.write(work)

    async def find(self, scope: Scope, number: int) -> Reservation:
        """See `ReservationStore.find`."""
        query = _ALL.where(reservations.c.reservation == number, reservations.c.tenant == scope.tenant)
        row = await self._database.read(lambda c: c.execute(query).first())
        if row is None:
            raise NotFound("there is no such reservation")
        return _read(row)

    async def change(
        self, station: str, number: int, decide: Callable[[Reservation], Reservation]
    ) -> Reservation | None:
        """See `ReservationStore.change`."""
        if not 0 <= number < NUMBERS:
            return None
        which = (reservations.c.reservation == number) & (reservations.c.station == station)

        def work(connection: Connection) -> Reservation | None:
            row = connection.execute(_ALL.where(which)).first()
            if row is None:
                return None
            before = _read(row)
            after = decide(before)
            if after != before:
                connection.execute(update(reservations).where(which).values(_row(after)))
            return after

        return await self._database.write(work)

    async def open(self, station: str | None = None) -> Sequence[Reservation]:
        """See `ReservationStore.open`."""
        query = _ALL.where(_OPEN).order_by(reservations.c.reservation)
        if station is not None:
            query = query.where(reservations.c.station == station)
        return await self._database.read(lambda c: [_read(row) for row in c.execute(query)])

    async def page(self, scope: Scope, before: int, limit: int, station: str | None) -> Sequence[Reservation]:
        """See `ReservationStore.page`."""
        query = _ALL.where(reservations.c.tenant == scope.tenant, reservations.c.reservation < before)
        if station is not None:
            query = query.where(reservations.c.station == station)
        query = query.order_by(reservations.c.reservation.desc()).limit(limit)
        return await self._database.read(lambda c: [_read(row) for row in c.execute(query)])

    async def group_of(self, station: str, token: str) -> str | None:
        """See `ReservationStore.group_of`."""

        def work(connection: Connection) -> str | None:
            tenant = tenant_of(connection, station)
            found = token_row(connection, tenant, token) if tenant is not None else None
            return found.group if found is not None else None

        return await self._database.read(work)


def _row(one: Reservation) -> dict[str, Any]:
    names = ("station", "token", "token_kind", "expires_at", "made_at", "evse", "connector_type", "state", "reason")
    row = {name: getattr(one, name) for name in (*names, "ocpp_transaction", "ended_at")}
    return row | {"reservation": one.number, "token_group": one.group}


def _read(row: Row[Any]) -> Reservation:
    return Reservation(*row)
