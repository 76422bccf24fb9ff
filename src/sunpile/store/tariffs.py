"""Tariffs, where they hold, and what sessions cost by them: implements `fleet.costing.TariffBook`."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, and_, delete, insert, select, update

from sunpile.basics.errors import InputInvalid, NotFound
from sunpile.basics.ids import EvseId, StationId
from sunpile.basics.scope import Scope
from sunpile.basics.units import Nano
from sunpile.fleet.costing import Costed, TariffUse
from sunpile.fleet.costs import Slice, Usage, cost
from sunpile.fleet.tariffs import Tariff, plain_tariff
from sunpile.sessions.bill import window
from sunpile.sessions.model import Session
from sunpile.sessions.register import Register, energy_between, trust
from sunpile.sessions.tokens import plain
from sunpile.store.database import Database, insert_new
from sunpile.store.scoped import own_station, tenant_of
from sunpile.store.session_desk import Price, SqlDesk, read_session
from sunpile.store.tables import connectors, sessions, stations
from sunpile.store.token_tables import session_costs, tariff_uses, tariffs
from sunpile.store.tokens import policy_row, token_row

TARIFF = TypeAdapter(Tariff)
_SESSION = select(*(sessions.c[name] for name in Session._fields))


class TariffStore:
    """Tariffs of the tenants and costs of sessions."""

    def __init__(self, database: Database, currency: str = "EUR") -> None:
        """`currency` is that of the EVSEs' own prices."""
        self._database, self._currency = database, currency

    async def save(self, scope: Scope, tariff: Tariff, now: int) -> Tariff | None:
        """See `TariffBook.save`."""
        values = {"body": TARIFF.dump_json(tariff).decode(), "changed_at": now}

        def work(connection: Connection) -> Tariff | None:
            before = _find(connection, scope.tenant, tariff.id)
            if before is None:
                row = {"tenant": scope.tenant, "tariff": tariff.id} | values
                connection.execute(insert(tariffs).values(row))
            else:
                connection.execute(update(tariffs).where(_is(scope.tenant, tariff.id)).values(values))
            return before

        return await self._database.write(work)

    async def find(self, scope: Scope, tariff: str) -> Tariff:
        """See `TariffBook.find`."""
        found = await self._database.read(lambda c: _find(c, scope.tenant, tariff))
        if found is None:
            raise NotFound("there is no such tariff")
        return found

    async def all(self, scope: Scope) -> Sequence[Tariff]:
        """See `TariffBook.all`."""
        query = select(tariffs.c.body).where(tariffs.c.tenant == scope.tenant).order_by(tariffs.c.tariff)
        return await self._database.read(lambda c: [TARIFF.validate_json(row[0]) for row in c.execute(query)])

    async def remove(self, scope: Scope, tariff: str) -> Tariff:
        """See `TariffBook.remove`."""

        def work(connection: Connection) -> Tariff:
            found = _find(connection, scope.tenant, tariff)
            if found is None:
                raise NotFound("there is no such tariff")
            used = select(tariff_uses.c.scope).where(
                tariff_uses.c.tenant == scope.tenant, tariff_uses.c.tariff == tariff
            )
            if connection.execute(used.limit(1)).first():
                raise InputInvalid("the tariff still holds somewhere")
            connection.execute(delete(tariffs).where(_is(scope.tenant, tariff)))
            return found

        return await self._database.write(work)

    async def use(self, scope: Scope, use: TariffUse, now: int) -> None:
        """See `TariffBook.use`."""
        row = {"tenant": scope.tenant, "scope": use.scope, "object": _object(use), "tariff": use.tariff}

        def work(connection: Connection) -> None:
            connection.execute(delete(tariff_uses).where(_used(scope.tenant, use)))
            connection.execute(insert(tariff_uses).values(row | {"changed_at": now}))

        await self._database.write(work)

    async def unuse(self, scope: Scope, use: TariffUse) -> None:
        """See `TariffBook.unuse`."""
        gone = delete(tariff_uses).where(_used(scope.tenant, use), tariff_uses.c.tariff == use.tariff)
        if await self._database.write(lambda c: c.execute(gone).rowcount) == 0:
            raise NotFound("the tariff does not hold there")

    async def uses(self, scope: Scope) -> Sequence[TariffUse]:
        """See `TariffBook.uses`."""
        query = select(tariff_uses.c.scope, tariff_uses.c.object, tariff_uses.c.tariff).where(
            tariff_uses.c.tenant == scope.tenant
        )
        return await self._database.read(lambda c: [TariffUse(*row) for row in c.execute(query)])

    async def must_own(self, scope: Scope, station: str) -> None:
        """See `TariffBook.must_own`."""
        await self._database.read(lambda c: own_station(c, scope, station))

    async def in_force(self, station: str, evse: int | None, token: str | None) -> Tariff:
        """See `TariffBook.in_force`."""
        return await self._database.read(lambda c: in_force(c, station, evse, token, self._currency))

    async def costed(self, station: str, ocpp_transaction: str) -> Costed | None:
        """See `TariffBook.costed`."""
        query = _SESSION.where(sessions.c.station == station, sessions.c.ocpp_transaction == ocpp_transaction)

        def work(connection: Connection) -> Costed | None:
            row = connection.execute(query).first()
            return _costed(connection, read_session(row), self._currency) if row else None

        found = await self._database.read(work)
        if found is not None:
            await self._fix([found])
        return found

    async def running(self) -> Sequence[Costed]:
        """See `TariffBook.running`."""
        query = _SESSION.where(sessions.c.state == "active").order_by(sessions.c.started_at)

        def work(connection: Connection) -> list[Costed]:
            found = [read_session(row) for row in connection.execute(query).all()]
            return [_costed(connection, session, self._currency) for session in found]

        found = await self._database.read(work)
        await self._fix(found)
        return found

    async def _fix(self, found: Sequence[Costed]) -> None:
        """Keep the tariffs these sessions began with. Reckoning is done on a reader: the writer has answers to make."""
        rows = [
            {"session": one.session, "tariff": one.tariff.id, "body": TARIFF.dump_json(one.tariff).decode()}
            for one in found
            if not one.fixed
        ]
        if rows:
            await self._database.write(lambda c: c.execute(insert_new(c, session_costs), rows))

    async def keep(
        self, session: str, nano: int, final: bool, difference: str | None, sent: int | None, now: int
    ) -> None:
        """See `TariffBook.keep`."""
        values: dict[str, Any] = {"nano": nano, "final": final}
        if difference is not None:
            values["difference"] = difference[:2000]
        if sent is not None:
            values |= {"sent_nano": sent, "sent_at": now}
        change = update(session_costs).where(session_costs.c.session == session, session_costs.c.final.is_(False))
        await self._database.write(lambda c: c.execute(change.values(values)))

    async def cost(self, scope: Scope, session: str) -> dict[str, Any]:
        """What is kept of a session's cost, for staff."""
        query = (
            select(session_costs)
            .join(sessions, sessions.c.session == session_costs.c.session)
            .join(stations, stations.c.station == sessions.c.station)
            .where(session_costs.c.session == session, stations.c.tenant == scope.tenant)
        )
        row = await self._database.read(lambda c: c.execute(query).mappings().first())
        if row is None:
            raise NotFound("no cost is kept of that session")
        return dict(row)


def in_force(connection: Connection, station: str, evse: int | None, token: str | None, currency: str) -> Tariff:
    """The tariff for a start; see `TariffBook.in_force`."""
    tenant = tenant_of(connection, station)
    if tenant is None:
        raise NotFound(f"there is no station {station}")
    places: list[tuple[str, str]] = []
    if token is not None:
        places.append(("token", plain(token)))
        known = token_row(connection, tenant, token)
        if known is not None and known.group is not None:
            places.append(("group", known.group))
    if evse is not None:
        places.append(("evse", f"{station}/{evse}"))
    places += [("station", station), ("tenant", "")]
    query = select(tariff_uses.c.scope, tariff_uses.c.object, tariff_uses.c.tariff).where(
        tariff_uses.c.tenant == tenant, tariff_uses.c.object.in_([name for _, name in places])
    )
    uses = {(row[0], row[1]): row[2] for row in connection.execute(query)}
    for place in places:
        found = _find(connection, tenant, uses[place]) if place in uses else None
        if found is not None:
            return found
    prices = select(connectors.c.price).where(connectors.c.station == station, connectors.c.evse > 0)
    prices = prices.where(connectors.c.evse == evse) if evse is not None else prices.order_by(connectors.c.evse)
    price = connection.execute(prices.limit(1)).scalar() or 0
    return plain_tariff(price, currency, policy_row(connection, tenant).time_zone)


def price_with(currency: str) -> Price:
    """What closed sessions cost, in a deployment of `currency`."""

    def price(connection: Connection, session: Session, register: Register) -> Nano:
        tariff, _ = _tariff_of(connection, session, currency)
        return Nano(cost(tariff, _usage(session, register)).nano)

    return price


def _tariff_of(connection: Connection, session: Session, currency: str) -> tuple[Tariff, Any]:
    """The tariff a session began with, and what is kept of its cost."""
    kept = connection.execute(select(session_costs).where(session_costs.c.session == session.session)).first()
    if kept is None:
        tariff = in_force(connection, session.station, session.evse, session.id_token, currency)
        if tariff == plain_tariff(tariff.energy[0].price if tariff.energy else 0, currency, tariff.time_zone):
            # The price was shown before the start and stands in the session, whatever the EVSE costs by now.
            tariff = plain_tariff(session.price, currency, tariff.time_zone)
        return tariff, None
    return TARIFF.validate_json(kept.body), kept


def _costed(connection: Connection, session: Session, currency: str) -> Costed:
    tariff, kept = _tariff_of(connection, session, currency)
    return Costed(
        session.session,
        session.station,
        session.evse,
        session.ocpp_transaction,
        tariff,
        usage_of(connection, session),
        session.state == "ended",
        kept.sent_nano if kept is not None else None,
        kept is not None or not _settled(session),
    )


def _settled(session: Session) -> bool:
    """True once it is known where and for whom it charges: a plug may come before the driver, and the other way."""
    return session.state != "active" or (session.evse > 0 and session.id_token is not None)


def usage_of(connection: Connection, session: Session) -> Usage:
    """What a session has used, from its meter's trusted readings; it adds up to the session's energy when closed."""
    desk = SqlDesk(connection)
    pile = desk.pile(StationId(session.station), EvseId(session.evse))
    if pile is None:
        return Usage(())
    return _usage(session, trust(window(session, desk, ()), pile.max_w))


def _usage(session: Session, register: Register) -> Usage:
    end = session.ended_at if session.ended_at is not None else session.last_at
    if end < session.started_at:
        return Usage(())
    moments = sorted({session.started_at, end, *(at for at in register.times if session.started_at < at < end)})
    slices: list[Slice] = []
    before = 0
    for low, high in pairwise(moments):
        so_far = energy_between(register, session.started_at, high)
        if so_far is None:
            so_far = session.wh if high == end else before
        slices.append(Slice(low, high, max(0, so_far - before)))
        before = max(before, so_far)
    if session.state == "ended" and before != session.wh and slices:
        last = slices[-1]
        slices[-1] = Slice(last.start, last.end, max(0, last.wh + session.wh - before))
    return Usage(tuple(slices))


def _find(connection: Connection, tenant: str, tariff: str) -> Tariff | None:
    row = connection.execute(select(tariffs.c.body).where(_is(tenant, tariff))).first()
    return TARIFF.validate_json(row[0]) if row else None


def _is(tenant: str, tariff: str) -> Any:
    return and_(tariffs.c.tenant == tenant, tariffs.c.tariff == tariff)


def _object(use: TariffUse) -> str:
    return plain(use.object) if use.scope == "token" else use.object


def _used(tenant: str, use: TariffUse) -> Any:
    return and_(tariff_uses.c.tenant == tenant, tariff_uses.c.scope == use.scope, tariff_uses.c.object == _object(use))
