"""Payments without an account in SQL: implements `fleet.walk_up.HoldStore`."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, insert, select, update

from sunpile.basics.errors import Conflict, NotFound
from sunpile.basics.scope import Scope
from sunpile.fleet.walk_up import Place
from sunpile.fleet.web_passwords import WebSecret
from sunpile.sessions.prepayment import OPEN, START_S, Hold
from sunpile.sessions.tokens import Token, TokenLimits, plain
from sunpile.store.database import Database
from sunpile.store.scoped import own_station
from sunpile.store.tables import connectors, stations
from sunpile.store.token_tables import holds, used_passwords, web_payment_secrets
from sunpile.store.tokens import put_token
from sunpile.store.upkeep_tables import station_cards

HOLD = TypeAdapter(Hold)
KEPT_S = 86_400
"""How long the step of a used password is remembered [s]."""


class HoldDatabase:
    """`HoldStore` on the store's door."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def place(self, station: str, evse: int) -> Place:
        """See `HoldStore.place`."""
        query = (
            select(stations.c.tenant, station_cards.c.public_name, connectors.c.status)
            .select_from(connectors)
            .join(stations, stations.c.station == connectors.c.station)
            .outerjoin(station_cards, station_cards.c.station == connectors.c.station)
            .where(connectors.c.station == station, connectors.c.evse == evse)
        )
        row = await self._database.read(lambda c: c.execute(query).first()) if 0 < evse < 1 << 31 else None
        if row is None:
            raise NotFound("there is no such pile here")
        return Place(row[0], station, evse, row[1] or station, row[2])

    async def make(self, hold: Hold, step: int | None, now: int) -> Hold:
        """See `HoldStore.make`."""

        def work(connection: Connection) -> Hold:
            known = _find(connection, hold.hold)
            if known is not None:
                return known
            busy = select(holds.c.hold).where(
                holds.c.station == hold.station, holds.c.evse == hold.evse, holds.c.state.in_(OPEN)
            )
            if connection.execute(busy.limit(1)).first():
                raise Conflict("somebody is paying for this pile already")
            if step is not None:
                _use(connection, hold, step, now)
            row = {"hold": hold.hold, "tenant": hold.tenant, "station": hold.station, "evse": hold.evse}
            connection.execute(insert(holds).values(row | {"token": hold.token, "made_at": hold.made_at} | _row(hold)))
            return hold

        return await self._database.write(work)

    async def find(self, hold: str) -> Hold:
        """See `HoldStore.find`."""
        found = await self._database.read(lambda c: _find(c, hold))
        if found is None:
            raise NotFound("there is no such payment")
        return found

    async def change(self, hold: str, decide: Callable[[Hold], Hold], now: int) -> tuple[Hold, Hold]:
        """See `HoldStore.change`."""

        def work(connection: Connection) -> tuple[Hold, Hold]:
            before = _find(connection, hold)
            if before is None:
                raise NotFound("there is no such payment")
            after = decide(before)
            if after != before:
                connection.execute(update(holds).where(holds.c.hold == hold).values(_row(after)))
            if after.state != before.state:
                _token(connection, after, now)
            return before, after

        return await self._database.write(work)

    async def open(self) -> Sequence[Hold]:
        """See `HoldStore.open`."""
        query = select(holds.c.body).where(holds.c.state.in_(OPEN)).order_by(holds.c.made_at)
        return await self._database.read(lambda c: [HOLD.validate_json(row[0]) for row in c.execute(query)])

    async def by_token(self, station: str, token: str) -> Hold | None:
        """See `HoldStore.by_token`."""
        query = select(holds.c.body).where(holds.c.station == station, holds.c.token == plain(token))
        row = await self._database.read(lambda c: c.execute(query).first())
        return HOLD.validate_json(row[0]) if row else None

    async def by_transaction(self, station: str, ocpp_transaction: str) -> Hold | None:
        """See `HoldStore.by_transaction`."""
        query = select(holds.c.body).where(holds.c.station == station, holds.c.state.in_(OPEN))
        mine = await self._database.read(lambda c: [HOLD.validate_json(body) for body in c.scalars(query)])
        return next((hold for hold in mine if hold.ocpp_transaction == ocpp_transaction), None)

    async def page(self, scope: Scope, limit: int) -> Sequence[Hold]:
        """See `HoldStore.page`."""
        query = select(holds.c.body).where(holds.c.tenant == scope.tenant).order_by(holds.c.made_at.desc()).limit(limit)
        return await self._database.read(lambda c: [HOLD.validate_json(row[0]) for row in c.execute(query)])

    async def secret(self, station: str, evse: int) -> WebSecret | None:
        """See `HoldStore.secret`."""
        query = (
            select(web_payment_secrets.c.secret, web_payment_secrets.c.validity_s, web_payment_secrets.c.length)
            .where(web_payment_secrets.c.station == station, web_payment_secrets.c.evse.in_((0, evse)))
            .order_by(web_payment_secrets.c.evse.desc())
        )
        row = await self._database.read(lambda c: c.execute(query).first())
        return WebSecret(*row) if row else None

    async def save_secret(self, scope: Scope, station: str, evse: int, secret: WebSecret, now: int) -> None:
        """See `HoldStore.save_secret`."""
        values = asdict(secret) | {"changed_at": now}
        which = (web_payment_secrets.c.station == station) & (web_payment_secrets.c.evse == evse)

        def work(connection: Connection) -> None:
            own_station(connection, scope, station)
            if connection.execute(update(web_payment_secrets).where(which).values(values)).rowcount == 0:
                connection.execute(insert(web_payment_secrets).values({"station": station, "evse": evse} | values))

        await self._database.write(work)


def _use(connection: Connection, hold: Hold, step: int, now: int) -> None:
    connection.execute(used_passwords.delete().where(used_passwords.c.used_at < now - KEPT_S))
    place = {"station": hold.station, "evse": hold.evse, "step": step}
    which = (
        (used_passwords.c.station == hold.station)
        & (used_passwords.c.evse == hold.evse)
        & (used_passwords.c.step == step)
    )
    if connection.execute(select(used_passwords.c.step).where(which)).first():
        raise Conflict("this code has paid already: scan the code on the pile again")
    connection.execute(insert(used_passwords).values(place | {"used_at": now}))


def _token(connection: Connection, hold: Hold, now: int) -> None:
    """The one-time token is good from authorised to the session's end, at this EVSE, once."""
    if hold.state == "asked":
        return
    usable = hold.state in ("authorised", "starting", "charging", "stopping")
    limits = TokenLimits(concurrent=1, stations=frozenset({hold.station}), evses=frozenset({(hold.station, hold.evse)}))
    until = now + START_S + 60 if hold.state in ("authorised", "starting") else None
    token = Token(
        hold.token,
        "DirectPayment",
        status="accepted" if usable else "expired",
        valid_until=until,
        limits=limits,
        language="zh-Hans" if hold.language.startswith("zh") else "en",
        rail="prepaid",
        notes=f"payment {hold.hold}",
    )
    put_token(connection, hold.tenant, token, now)


def _find(connection: Connection, hold: str) -> Hold | None:
    row = connection.execute(select(holds.c.body).where(holds.c.hold == hold)).first()
    return HOLD.validate_json(row[0]) if row else None


def _row(hold: Hold) -> dict[str, Any]:
    return {"state": hold.state, "body": HOLD.dump_json(hold).decode(), "due_at": hold.due_at}
