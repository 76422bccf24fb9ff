"""Sites are kept by tenant; an outlet belongs to one."""

import pytest

from sunpile.basics.errors import Conflict, NotFound
from sunpile.basics.ids import EvseId, StationId
from sunpile.basics.scope import NODE, Scope
from sunpile.control.ports import SiteRecord
from sunpile.control.site import Fuse, FuseId, Outlet, Site, Wiring
from sunpile.store.chargers import StationStore
from sunpile.store.database import Database
from sunpile.store.sites import SiteStore

STRANGER = Scope("other", "staff:x", NODE.permissions)


def record(name: str, tenant: str = NODE.tenant) -> SiteRecord:
    fuses = (Fuse(FuseId("grid"), (1, 2, 3)), Fuse(FuseId("row"), (1, 1, 1), FuseId("grid")))
    wirings = (Wiring(Outlet(StationId("P1"), EvseId(1)), FuseId("row"), (2, 0, 1), 16_000),)
    return SiteRecord(tenant, Site(name, fuses, wirings, "cheapest"), {FuseId("grid"): (5, 6, 7)}, 9_000)


async def test_a_site_comes_back_as_it_was_put(database: Database) -> None:
    await StationStore(database).add("P1", 11_000)
    store = SiteStore(database)
    await store.put(NODE, record("lot"))
    assert await store.one(NODE, "lot") == record("lot")
    assert await store.of(NODE) == await store.all() == [record("lot")]
    await store.put(NODE, record("lot"))
    await store.remove(NODE, "lot")
    with pytest.raises(NotFound):
        await store.one(NODE, "lot")


async def test_another_tenants_site_and_station_do_not_exist(database: Database) -> None:
    await StationStore(database).add("P1", 11_000)
    store = SiteStore(database)
    await store.put(NODE, record("lot"))
    assert await store.of(STRANGER) == []
    for refused in (store.one(STRANGER, "lot"), store.remove(STRANGER, "lot"), store.put(STRANGER, record("lot"))):
        with pytest.raises(NotFound):
            await refused
    assert await store.one(NODE, "lot") == record("lot")


async def test_an_outlet_belongs_to_one_site(database: Database) -> None:
    await StationStore(database).add("P1", 11_000)
    store = SiteStore(database)
    await store.put(NODE, record("lot"))
    with pytest.raises(Conflict):
        await store.put(NODE, record("yard"))
