"""Security events, and passwords on their way to stations, in SQL: implements `SecurityStore` and `SecretStore`."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select

from sunpile.basics.ids import StationId
from sunpile.basics.scope import Scope
from sunpile.chargers.certificates.ports import SecurityRecord
from sunpile.store.certificate_tables import (
    installed_certificates,
    profile_upgrades,
    security_events,
    station_certificates,
    station_secrets,
)
from sunpile.store.chargers import adopt
from sunpile.store.database import Database, without_nul
from sunpile.store.scoped import tenant_of
from sunpile.store.tables import stations

_E = security_events.c
_S = station_secrets.c
FORGOTTEN_S = 30 * 86_400
"""A password not used for so long never arrived."""


class SecurityDatabase:
    """Events and secrets on the store's door."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- SecurityStore ----------------------------------------------------------------------------------------------

    async def keep(self, record: SecurityRecord) -> int:
        """See `SecurityStore.keep`. The tenant is that of the station."""

        def work(connection: Connection) -> int:
            row = insert(security_events).values(
                tenant=tenant_of(connection, record.station) or "default",
                station=record.station,
                at=record.at,
                received_at=record.received_at,
                kind=without_nul(record.kind)[:50],
                info=without_nul(record.info)[:255],
                critical=record.critical,
            )
            made = connection.execute(row).inserted_primary_key
            assert made is not None
            return int(made[0])

        return await self._database.write(work)

    async def listed(
        self,
        scope: Scope,
        station: str | None = None,
        kind: str | None = None,
        critical: bool | None = None,
        since: int | None = None,
        until: int | None = None,
        before_id: int | None = None,
        limit: int = 100,
    ) -> Sequence[SecurityRecord]:
        """Events of the scope's tenant, newest first; the next page by `before_id`, the last one's number."""
        query = select(_E.id, _E.station, _E.at, _E.received_at, _E.kind, _E.info, _E.critical)
        query = query.where(_E.tenant == scope.tenant)
        conditions = (
            (station, _E.station == station),
            (kind, _E.kind == kind),
            (critical, _E.critical == bool(critical)),
            (since, _E.received_at >= (since or 0)),
            (until, _E.received_at < (until or 0)),
            (before_id, _E.id < (before_id or 0)),
        )
        for value, condition in conditions:
            query = query.where(condition) if value is not None else query
        query = query.order_by(_E.id.desc()).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [SecurityRecord(*row) for row in rows]

    async def forget(self, before: int) -> int:
        """Delete events received before `before` [Unix s]; return how many."""
        old = delete(security_events).where(_E.received_at < before)
        return await self._database.write(lambda connection: connection.execute(old).rowcount)

    # -- SecretStore ------------------------------------------------------------------------------------------------

    async def offer(self, station: StationId, salt: bytes, hashed: bytes, at: int) -> int:
        """See `SecretStore.offer`."""

        def work(connection: Connection) -> int:
            connection.execute(delete(station_secrets).where(_S.station == station, _S.at < at - FORGOTTEN_S))
            row = insert(station_secrets).values(station=station, salt=salt, hash=hashed, at=at)
            made = connection.execute(row).inserted_primary_key
            assert made is not None
            return int(made[0])

        return await self._database.write(work)

    async def withdraw(self, station: StationId, number: int) -> None:
        """See `SecretStore.withdraw`."""
        gone = delete(station_secrets).where(_S.station == station, _S.id == number)
        await self._database.write(lambda connection: connection.execute(gone))

    async def adopt(self, station: StationId, number: int) -> None:
        """See `SecretStore.adopt`."""

        def work(connection: Connection) -> None:
            query = select(_S.salt, _S.hash).where(_S.station == station, _S.id == number)
            row = connection.execute(query).first()
            if row is not None:
                adopt(connection, station, bytes(row.salt), bytes(row.hash))

        await self._database.write(work)

    async def outstanding(self, station: StationId) -> int:
        """How many passwords of a station are on their way."""
        query = select(func.count()).where(_S.station == station)
        return int(await self._database.read(lambda connection: connection.scalar(query)) or 0)

    # -- ProfileStore -----------------------------------------------------------------------------------------------

    async def profile(self, station: StationId) -> int:
        """See `ProfileStore.profile`."""
        query = select(stations.c.security_profile).where(stations.c.station == station)
        return int(await self._database.read(lambda connection: connection.scalar(query)) or 0)

    async def prepared(self, station: StationId, now: int) -> tuple[bool, bool]:
        """See `ProfileStore.prepared`."""
        i, c = installed_certificates.c, station_certificates.c
        root = select(i.serial).where(i.station == station, i.kind == "CSMSRootCertificate").limit(1)
        good = select(c.fingerprint).where(
            c.station == station,
            c.state == "accepted",
            c.not_after > now,
            c.use.in_(("ChargingStationCertificate", "Combined")),
        )

        def work(connection: Connection) -> tuple[bool, bool]:
            return connection.scalar(root) is not None, connection.scalar(good.limit(1)) is not None

        return await self._database.read(work)

    async def expect(self, station: StationId, profile: int | None, now: int) -> None:
        """See `ProfileStore.expect`."""
        u = profile_upgrades

        def work(connection: Connection) -> None:
            connection.execute(delete(u).where(u.c.station == station))
            if profile is not None:
                connection.execute(insert(u).values(station=station, profile=profile, at=now))

        await self._database.write(work)
