"""Settlements of terminals and battery swaps in SQL: implements `fleet.payment_questions.PaymentLedger`."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select

from sunpile.basics.scope import Scope
from sunpile.fleet.payment_questions import Settlement
from sunpile.store.database import Database
from sunpile.store.scoped import own_station
from sunpile.store.tables import stations
from sunpile.store.token_tables import battery_swaps, settlements


class PaymentDatabase:
    """`PaymentLedger` on the store's door."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def settled(self, settlement: Settlement, body: Mapping[str, Any], now: int) -> str:
        """See `PaymentLedger.settled`."""
        which = (
            (settlements.c.station == settlement.station)
            & (settlements.c.payment == settlement.payment)
            & (settlements.c.status == settlement.status)
        )
        row = {
            "station": settlement.station,
            "payment": settlement.payment,
            "status": settlement.status,
            "nano": settlement.nano,
            "settled_at": settlement.settled_at,
            "ocpp_transaction": settlement.ocpp_transaction,
            "receipt": settlement.receipt[:50],
            "body": json.dumps(body),
            "received_at": now,
        }

        def work(connection: Connection) -> str:
            known = connection.execute(select(settlements.c.receipt).where(which)).scalar()
            if known is None:
                connection.execute(insert(settlements).values(row))
            return known or settlement.receipt[:50]

        return await self._database.write(work)

    async def swapped(
        self, station: str, request: int, event: str, token: str, body: Mapping[str, Any], now: int
    ) -> None:
        """See `PaymentLedger.swapped`."""
        row = {"station": station, "request": request, "event": event, "token": token, "body": json.dumps(body)}
        await self._database.write(lambda c: c.execute(insert(battery_swaps).values(row | {"at": now})))

    async def by_receipt(self, receipt: str) -> Settlement | None:
        """The settlement with this receipt's number: ours cannot be guessed."""
        query = select(settlements).where(settlements.c.receipt == receipt, settlements.c.status == "Settled")
        rows = await self._database.read(lambda c: c.execute(query).mappings().all())
        names = ("station", "payment", "status", "nano", "settled_at", "ocpp_transaction", "receipt")
        # A number that a station gave (R1, R2 ...) can be guessed, or be another's: it opens nothing.
        ours = (row for row in rows if not json.loads(row["body"]).get("receiptId"))
        return next((Settlement(**{name: row[name] for name in names}) for row in ours), None)

    async def page(self, scope: Scope, limit: int = 100) -> list[dict[str, Any]]:
        """Settlements of the tenant, newest first."""
        query = (
            select(*(column for column in settlements.c if column.name != "body"))
            .join(stations, stations.c.station == settlements.c.station)
            .where(stations.c.tenant == scope.tenant)
            .order_by(settlements.c.received_at.desc())
            .limit(limit)
        )
        return await self._database.read(lambda c: [dict(row) for row in c.execute(query).mappings()])

    async def swaps(self, scope: Scope, station: str, limit: int = 100) -> list[dict[str, Any]]:
        """Battery swaps of a station, newest first. Raises `NotFound` unless it is the tenant's."""
        query = (
            select(battery_swaps)
            .where(battery_swaps.c.station == station)
            .order_by(battery_swaps.c.id.desc())
            .limit(limit)
        )

        def work(connection: Connection) -> list[dict[str, Any]]:
            own_station(connection, scope, station)
            return [
                {"request": row["request"], "event": row["event"], "token": row["token"], "at": row["at"]}
                | {"batteries": json.loads(row["body"])["batteryData"]}
                for row in connection.execute(query).mappings()
            ]

        return await self._database.read(work)
