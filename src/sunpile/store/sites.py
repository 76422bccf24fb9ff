"""Sites under load management: implements `control.ports.SiteBook`."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from sunpile.basics.errors import Conflict, NotFound
from sunpile.basics.ids import EvseId, StationId
from sunpile.basics.scope import Scope
from sunpile.control.ports import SiteRecord
from sunpile.control.site import Fuse, FuseId, Outlet, Site, Wiring
from sunpile.store.database import Database
from sunpile.store.scoped import own_station
from sunpile.store.site_tables import site_outlets, sites


class SiteStore:
    """`SiteBook` on the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> Sequence[SiteRecord]:
        """See `SiteBook.all`."""
        query = select(sites).order_by(sites.c.tenant, sites.c.site)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_record(row.tenant, row.body) for row in rows]

    async def of(self, scope: Scope) -> Sequence[SiteRecord]:
        """See `SiteBook.of`."""
        query = select(sites).where(sites.c.tenant == scope.tenant).order_by(sites.c.site)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_record(row.tenant, row.body) for row in rows]

    async def one(self, scope: Scope, site: str) -> SiteRecord:
        """See `SiteBook.one`."""
        query = select(sites).where(sites.c.tenant == scope.tenant, sites.c.site == site)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            raise NotFound(f"there is no site {site}")
        return _record(row.tenant, row.body)

    async def put(self, scope: Scope, record: SiteRecord) -> None:
        """See `SiteBook.put`."""
        name = record.site.site

        def work(connection: Connection) -> None:
            _forget(connection, scope, name)
            for outlet in record.site.by_outlet:
                _claim(connection, scope, name, outlet)
            connection.execute(insert(sites).values(tenant=scope.tenant, site=name, body=_body(record)))

        await self._database.write(work)

    async def remove(self, scope: Scope, site: str) -> None:
        """See `SiteBook.remove`."""

        def work(connection: Connection) -> None:
            if not _forget(connection, scope, site):
                raise NotFound(f"there is no site {site}")

        await self._database.write(work)


def _forget(connection: Connection, scope: Scope, site: str) -> bool:
    for table in (site_outlets, sites):
        found = connection.execute(delete(table).where(table.c.tenant == scope.tenant, table.c.site == site)).rowcount
    return found > 0


def _claim(connection: Connection, scope: Scope, site: str, outlet: Outlet) -> None:
    own_station(connection, scope, outlet.station)
    where = (site_outlets.c.station == outlet.station) & (site_outlets.c.evse == outlet.evse)
    taken = connection.execute(select(site_outlets.c.site).where(where)).scalar()
    if taken is not None:
        raise Conflict(f"EVSE {outlet.evse} of {outlet.station} belongs to site {taken} already")
    values = {"station": outlet.station, "evse": outlet.evse, "tenant": scope.tenant, "site": site}
    connection.execute(insert(site_outlets).values(values))


def _body(record: SiteRecord) -> str:
    site = record.site
    return json.dumps(
        {
            "site": site.site,
            "policy": site.policy,
            "ceiling_w": record.ceiling_w,
            "fuses": [[fuse.fuse, fuse.limit, fuse.parent] for fuse in site.fuses],
            "outlets": [
                [item.outlet.station, item.outlet.evse, item.fuse, item.phases, item.max_ma] for item in site.wirings
            ],
            "worst_base": dict(record.worst_base),
        }
    )


def _record(tenant: str, body: str) -> SiteRecord:
    data: dict[str, Any] = json.loads(body)
    fuses = tuple(Fuse(FuseId(name), tuple(limit), parent) for name, limit, parent in data["fuses"])
    wirings = tuple(
        Wiring(Outlet(StationId(station), EvseId(evse)), FuseId(fuse), tuple(phases), max_ma)
        for station, evse, fuse, phases, max_ma in data["outlets"]
    )
    worst = {FuseId(name): tuple(load) for name, load in data["worst_base"].items()}
    return SiteRecord(tenant, Site(data["site"], fuses, wirings, data["policy"]), worst, data["ceiling_w"])
