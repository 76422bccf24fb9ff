"""Profiles are kept as stations keep them."""

from sunpile.basics.ids import StationId
from sunpile.basics.scope import NODE, Scope
from sunpile.chargers.commands import Period, Profile, Schedule
from sunpile.control.composite import Installed
from sunpile.store.chargers import StationStore
from sunpile.store.database import Database
from sunpile.store.installed_profiles import InstalledProfileStore

P1 = StationId("P1")


def installed(number: int, level: int, evse: int = 1) -> Installed:
    schedule = Schedule([Period(0, 7_000, phases=3)], "W", start=5, duration_s=60)
    return Installed(evse, Profile(number, [schedule], stack_level=level, kind="Absolute"))


async def test_the_same_number_or_place_is_replaced(database: Database) -> None:
    store = InstalledProfileStore(database)
    await store.put(P1, installed(1, 0))
    await store.put(P1, installed(2, 1))
    assert list(await store.of(P1)) == [installed(1, 0), installed(2, 1)]
    await store.put(P1, installed(3, 1))
    assert list(await store.of(P1)) == [installed(1, 0), installed(3, 1)]
    await store.put(P1, installed(1, 5, evse=2))
    assert list(await store.of(P1)) == [installed(3, 1), installed(1, 5, evse=2)]
    await store.clear(P1, [installed(3, 1)])
    assert list(await store.of(P1)) == [installed(3, 1)]
    assert await store.of(StationId("P2")) == []


async def test_a_station_is_its_tenants(database: Database) -> None:
    await StationStore(database).add("P1", 11_000)
    store = InstalledProfileStore(database)
    assert await store.owned(NODE, "P1")
    assert not await store.owned(Scope("other", "x", NODE.permissions), "P1")
