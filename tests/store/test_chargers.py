"""Stations on the store, on SQLite and on PostgreSQL."""

import hashlib

import pytest
from sqlalchemy import insert, select, update

from sunpile.basics.errors import Conflict, InputInvalid, NotFound
from sunpile.basics.ids import EvseId, StationId
from sunpile.chargers.events import Booted, StatusChanged
from sunpile.chargers.ports import Refusal
from sunpile.store.certificate_tables import profile_upgrades, station_secrets
from sunpile.store.chargers import StationStore
from sunpile.store.database import Database
from sunpile.store.tables import connectors, frames, refused_attempts, stations
from sunpile.store.upkeep_tables import station_deviations

NOW = 1_700_000_000
P1 = StationId("P1")


@pytest.fixture
def store(database: Database) -> StationStore:
    return StationStore(database)


async def test_a_new_station_gets_a_random_password_of_which_only_a_salted_hash_is_kept(store: StationStore) -> None:
    first, second = await store.add("P1", 22_000), await store.add("P2", 11_000)
    assert len(first) == 40
    assert first != second
    record = await store.find("P1")
    assert record is not None
    assert record.max_w == 22_000
    assert record.password_hash == hashlib.sha256(record.password_salt + bytes.fromhex(first)).digest()
    assert await store.find("P3") is None


async def test_an_identity_is_taken_once_and_must_fit_a_url_and_a_header(store: StationStore) -> None:
    await store.add("P1", 1)
    with pytest.raises(Conflict):
        await store.add("P1", 1)
    for wrong in ("", "a:b", "a/b", "a b", "ä", "x" * 49, "a\n"):
        with pytest.raises(InputInvalid):
            await store.add(wrong, 1)


async def test_a_renewed_password_replaces_the_old_one(store: StationStore) -> None:
    old = await store.add("P1", 1)
    new = await store.renew_password("P1")
    record = await store.find("P1")
    assert record is not None
    assert record.password_hash == hashlib.sha256(record.password_salt + bytes.fromhex(new)).digest()
    assert new != old
    with pytest.raises(NotFound):
        await store.renew_password("P2")


async def test_evses_have_points(store: StationStore) -> None:
    await store.add("P1", 1, [(1, 17), (2, 18), (3, None)])
    assert await store.points() == {(P1, EvseId(1)): 17, (P1, EvseId(2)): 18}


async def test_what_a_station_says_of_itself_is_kept(store: StationStore, database: Database) -> None:
    await store.add("P1", 1, [(1, 17)])
    await store.connected(P1, "2.0.1", NOW)
    await store.booted(Booted(P1, "V", "M", "S", "1.0", None), NOW + 1)
    row = database.read_now(lambda c: c.execute(select(stations)).one())
    assert (row.ocpp_version, row.vendor, row.model, row.serial, row.firmware) == ("2.0.1", "V", "M", "S", "1.0")
    assert (row.boot_at, row.last_seen) == (NOW + 1, NOW + 1)


async def test_a_status_is_kept_with_its_point_and_an_unknown_evse_without(
    store: StationStore, database: Database
) -> None:
    await store.add("P1", 1, [(1, 17)])
    await store.status_changed(StatusChanged(P1, EvseId(1), "Charging", None, NOW))
    await store.status_changed(StatusChanged(P1, EvseId(2), "Faulted", "GroundFailure", NOW))
    await store.status_changed(StatusChanged(P1, EvseId(2), "Available", None, NOW + 1))
    rows = database.read_now(lambda c: c.execute(select(connectors).order_by(connectors.c.evse)).all())
    assert [(r.evse, r.point, r.status, r.error_code) for r in rows] == [
        (1, 17, "Charging", None),
        (2, None, "Available", None),
    ]


async def test_refused_attempts_are_durable_whatever_was_asked(store: StationStore, database: Database) -> None:
    await store.refused(Refusal("' OR 1=1--", "unknown station", NOW))
    await store.refused(Refusal("x" * 1000, "wrong password", NOW))
    rows = database.read_now(lambda c: c.execute(select(refused_attempts)).all())
    assert [(len(r.station), r.reason) for r in rows] == [(10, "unknown station"), (255, "wrong password")]


async def test_frames_are_written_in_order_in_groups(store: StationStore, database: Database) -> None:
    for number in range(1_200):
        store.frame(P1, NOW, number % 2 == 0, f'[2,"{number}","Heartbeat",{{}}]')
    await store.flush()
    rows = database.read_now(lambda c: c.execute(select(frames).order_by(frames.c.id)).all())
    assert [r.frame for r in rows] == [f'[2,"{number}","Heartbeat",{{}}]' for number in range(1_200)]
    assert (rows[0].incoming, rows[1].incoming) == (True, False)
    await store.flush()


async def test_a_frame_that_no_text_column_takes_is_kept_all_the_same(store: StationStore, database: Database) -> None:
    store.frame(P1, NOW, True, "a\x00b☃")
    await store.flush()
    assert database.read_now(lambda c: c.execute(select(frames.c.frame)).scalar_one()) == "a\ufffdb☃"


async def test_old_frames_can_be_pruned(store: StationStore, database: Database) -> None:
    store.frame(P1, NOW - 10, True, "old")
    store.frame(P1, NOW, True, "new")
    await store.flush()
    await store.refused(Refusal("nobody", "unknown station", NOW - 10))
    assert await store.forget(NOW) == 2
    assert database.read_now(lambda c: c.execute(select(frames.c.frame)).scalars().all()) == ["new"]
    assert database.read_now(lambda c: c.execute(select(refused_attempts.c.id)).all()) == []


async def test_a_refusal_is_kept_with_all_that_helps_to_find_its_cause(store: StationStore, database: Database) -> None:
    await store.refused(Refusal("P1", "TLS version", NOW, "10.0.0.9", "ocpp1.6, ocpp2.0.1", "TLSv1.2 X"))
    row = database.read_now(lambda c: c.execute(select(refused_attempts)).one())
    assert (row.reason, row.address, row.offered, row.tls) == (
        "TLS version",
        "10.0.0.9",
        "ocpp1.6, ocpp2.0.1",
        "TLSv1.2 X",
    )
    await store.refused(Refusal("P1", "r" * 99, NOW, "a" * 99, "o" * 999, "t" * 99))


async def test_a_record_has_its_profile_its_registration_and_its_leniency(
    store: StationStore, database: Database
) -> None:
    await store.add("P1", 11_000)
    record = await store.find("P1")
    assert record is not None
    assert (record.security_profile, record.next_profile, record.registration, record.serial, record.leniency) == (
        1,
        None,
        "Accepted",
        "",
        frozenset(),
    )
    values = {"security_profile": 2, "registration": "Pending", "serial": "SN", "leniency": '["null-fields"]'}
    await database.write(lambda c: c.execute(update(stations).values(**values)))
    await database.write(lambda c: c.execute(insert(profile_upgrades).values(station="P1", profile=3, at=NOW)))
    record = await store.find("P1")
    assert record is not None
    assert (record.security_profile, record.next_profile, record.registration, record.serial, record.leniency) == (
        2,
        3,
        "Pending",
        "SN",
        frozenset({"null-fields"}),
    )
    await store.raised(P1, 3)
    await store.raised(P1, 1)
    record = await store.find("P1")
    assert record is not None
    assert (record.security_profile, record.next_profile) == (3, None)


async def test_of_several_passwords_the_one_that_is_used_stays(store: StationStore, database: Database) -> None:
    await store.add("P1", 11_000)
    await store.add("P2", 11_000)
    for station, salt in (("P1", b"a"), ("P1", b"b"), ("P2", b"c")):
        row = insert(station_secrets).values(station=station, salt=salt, hash=b"hash of " + salt, at=NOW)
        await database.write(lambda c, row=row: c.execute(row))
    record = await store.find("P1")
    assert record is not None
    assert record.secrets == ((b"a", b"hash of a"), (b"b", b"hash of b"))
    await store.secret_used(P1, b"b")
    await store.secret_used(P1, b"a")
    record, other = await store.find("P1"), await store.find("P2")
    assert record is not None
    assert other is not None
    assert (record.password_salt, record.password_hash, record.secrets) == (b"b", b"hash of b", ())
    assert len(other.secrets) == 1


async def test_deviations_are_counted(store: StationStore, database: Database) -> None:
    await store.leniency_used(P1, {"null-fields": 2}, NOW)
    await store.leniency_used(P1, {"null-fields": 3, "long-texts": 1}, NOW + 5)
    rows = database.read_now(lambda c: c.execute(select(station_deviations)).all())
    assert sorted((r.station, r.deviation, r[2], r.last_at) for r in rows) == [
        ("P1", "long-texts", 1, NOW + 5),
        ("P1", "null-fields", 5, NOW + 5),
    ]
