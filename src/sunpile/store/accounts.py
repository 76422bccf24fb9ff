"""Drivers' accounts and top-ups in SQL: implements `money.ports.AccountStore` and `TopUpStore`."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from sunpile.basics.errors import Conflict
from sunpile.basics.ids import Address, DriverId, IdToken
from sunpile.basics.units import Nano
from sunpile.money.ports import AccountRecord, Balance, TopUp
from sunpile.store.database import Database, insert_new
from sunpile.store.tables import channels, drivers, top_ups

_ACCOUNTS = select(drivers.c.driver, drivers.c.id_token, drivers.c.api_key_hash, drivers.c.pays)
_TOP_UPS = select(
    top_ups.c.reference,
    top_ups.c.rail,
    top_ups.c.driver,
    top_ups.c.address,
    top_ups.c.minor,
    top_ups.c.nano,
    top_ups.c.state,
)


class AccountDatabase:
    """Accounts and top-ups on the store's door."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_account(self, account: AccountRecord, now: int) -> None:
        """See `AccountStore.add_account`."""
        row = insert(drivers).values(
            driver=account.driver,
            id_token=account.id_token,
            api_key_hash=account.api_key_hash,
            pays=account.pays,
            created_at=now,
        )
        try:
            await self._database.write(lambda c: c.execute(row))
        except IntegrityError as fault:
            raise Conflict("the id token belongs to another account") from fault

    async def renew_key(self, id_token: IdToken, api_key_hash: bytes) -> AccountRecord | None:
        """See `AccountStore.renew_key`."""
        used = [select(table.c.driver).where(table.c.driver == drivers.c.driver) for table in (top_ups, channels)]
        change = update(drivers).where(drivers.c.id_token == id_token, *(~query.exists() for query in used))

        def work(connection: Connection) -> AccountRecord | None:
            connection.execute(change.values(api_key_hash=api_key_hash))
            row = connection.execute(_ACCOUNTS.where(drivers.c.api_key_hash == api_key_hash)).first()
            return _record(row) if row else None

        return await self._database.write(work)

    async def by_key(self, api_key_hash: bytes) -> AccountRecord | None:
        """See `AccountStore.by_key`."""
        return await self._account(drivers.c.api_key_hash == api_key_hash)

    async def account(self, driver: DriverId) -> AccountRecord | None:
        """See `AccountStore.account`."""
        return await self._account(drivers.c.driver == driver)

    async def _account(self, condition: ColumnElement[bool]) -> AccountRecord | None:
        row = await self._database.read(lambda c: c.execute(_ACCOUNTS.where(condition)).first())
        return _record(row) if row else None

    async def balance(self, driver: DriverId) -> Balance:
        """See `AccountStore.balance`."""

        def work(connection: Connection) -> Balance:
            def total(table: Table, column: str, *states: str) -> Nano:
                query = select(func.coalesce(func.sum(table.c[column]), 0))
                query = query.where(table.c.driver == driver, table.c.state.in_(states))
                return Nano(int(connection.scalar(query) or 0))

            return Balance(
                topped_up=total(top_ups, "nano", "minted"),
                pending=total(top_ups, "nano", "pending", "confirmed"),
                deposits=total(channels, "deposit", "open", "closing"),
                promised=total(channels, "best", "open", "closing"),
                owed=total(channels, "owed", "open", "closing"),
            )

        return await self._database.read(work)

    async def add_top_up(self, top_up: TopUp, now: int) -> TopUp:
        """See `TopUpStore.add_top_up`."""
        row = {
            "reference": top_up.reference,
            "rail": top_up.rail,
            "driver": top_up.driver,
            "address": top_up.address,
            "minor": top_up.minor,
            "nano": top_up.nano,
            "state": top_up.state,
            "created_at": now,
        }

        def work(connection: Connection) -> TopUp:
            connection.execute(insert_new(connection, top_ups).values(row))
            return _top_up(connection.execute(_TOP_UPS.where(top_ups.c.reference == top_up.reference)).one())

        return await self._database.write(work)

    async def top_up(self, reference: str) -> TopUp | None:
        """See `TopUpStore.top_up`."""
        row = await self._database.read(lambda c: c.execute(_TOP_UPS.where(top_ups.c.reference == reference)).first())
        return _top_up(row) if row else None

    async def set_state(self, reference: str, state: str) -> None:
        """See `TopUpStore.set_state`. What is minted or failed stays so."""
        change = update(top_ups).where(top_ups.c.reference == reference, top_ups.c.state.not_in(("minted", "failed")))
        await self._database.write(lambda c: c.execute(change.values(state=state)))

    async def unfinished(self) -> Sequence[TopUp]:
        """See `TopUpStore.unfinished`."""
        query = _TOP_UPS.where(top_ups.c.state.in_(("pending", "confirmed"))).order_by(top_ups.c.created_at)
        return await self._database.read(lambda c: [_top_up(row) for row in c.execute(query)])


def _record(row: Any) -> AccountRecord:
    return AccountRecord(DriverId(row[0]), IdToken(row[1]), bytes(row[2]), row[3])


def _top_up(row: Any) -> TopUp:
    driver = DriverId(row.driver) if row.driver is not None else None
    return TopUp(row.reference, row.rail, driver, Address(row.address), row.minor, Nano(row.nano), row.state)
