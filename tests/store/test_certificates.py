"""Certificates, trust, secrets and security events are kept, per tenant, on either database."""

import asyncio

import pytest

from sunpile.basics.errors import Conflict, NotFound
from sunpile.basics.ids import StationId
from sunpile.basics.scope import PERMISSIONS, Scope
from sunpile.chargers.certificates.ports import CertificateRecord, Revoked, Root, SecurityRecord, StationFacts
from sunpile.chargers.certificates.requests import SigningRequest
from sunpile.store.certificates import CertificateDatabase
from sunpile.store.chargers import StationStore
from sunpile.store.database import Database
from sunpile.store.security import SecurityDatabase

ONE = StationId("CS-1")
MINE, OTHER = (Scope(tenant, "staff:1", frozenset(PERMISSIONS)) for tenant in ("default", "other"))


def record(fingerprint: str, station: str = "CS-1", tenant: str = "default", **more: object) -> CertificateRecord:
    values = {"use": "ChargingStationCertificate", "name": f"SN {station}", "serial": fingerprint, "key_hash": "k" * 64}
    values |= {"not_before": 0, "not_after": 1000, "chain": "pem", "state": "issued"}
    return CertificateRecord(**({"fingerprint": fingerprint, "tenant": tenant, "station": station} | values | more))  # type: ignore[arg-type]


@pytest.fixture
async def certificates(database: Database) -> CertificateDatabase:
    stations = StationStore(database)
    await stations.add("CS-1", 22000)
    await stations.add("CS-2", 22000)
    await stations.add("CS-3", 22000, tenant="other")
    return CertificateDatabase(database)


async def test_a_key_belongs_to_one_station_even_if_two_ask_side_by_side(certificates: CertificateDatabase) -> None:
    outcomes = await asyncio.gather(
        certificates.keep(record("a", "CS-1")), certificates.keep(record("b", "CS-2")), return_exceptions=True
    )
    assert [type(one) for one in outcomes if one is not None] == [Conflict]
    await certificates.keep(record("c", "CS-1"))
    facts = StationFacts(StationId("CS-2"), "default", "SN", "2.0.1")
    request = SigningRequest(None, "ChargingStationCertificate", "k" * 64, "SN CS-1")  # type: ignore[arg-type]
    known = await certificates.known(facts, "Sun Grid", request)
    assert (known.key_used, known.name_of) == (True, "CS-1")


async def test_a_revoked_key_is_never_certified_again(certificates: CertificateDatabase) -> None:
    await certificates.keep(record("a"))
    await certificates.revoke(MINE, "a", "key_compromise", 77)
    with pytest.raises(Conflict):
        await certificates.keep(record("b"))
    await certificates.moved("a", "accepted", "late answer", 99, tried=True)
    found = await certificates.find("a")
    assert found is not None
    assert found.state == "revoked"
    assert await certificates.revoked("default") == [Revoked("a", 77, "key_compromise")]
    assert await certificates.issued_status("default", "a") == Revoked("a", 77, "key_compromise")
    assert await certificates.issued_status("other", "a") is False


async def test_the_door_is_told_whose_stations_have_certificates(certificates: CertificateDatabase) -> None:
    assert await certificates.tenants() == []
    await certificates.keep(record("a"))
    await certificates.keep(record("b", "CS-3", "other", key_hash="o" * 64))
    await certificates.keep(record("c", "CS-3", "other", key_hash="o" * 64))
    assert await certificates.tenants() == ["default", "other"]


async def test_another_tenants_certificate_is_as_if_it_were_not(certificates: CertificateDatabase) -> None:
    await certificates.keep(record("a", "CS-3", "other"))
    assert await certificates.listed(MINE) == []
    assert len(await certificates.listed(OTHER)) == 1
    for step in (certificates.one(MINE, "a"), certificates.revoke(MINE, "a", "unspecified", 1)):
        with pytest.raises(NotFound):
            await step
    with pytest.raises(NotFound):
        await certificates.own_station(MINE, "CS-3")
    assert (await certificates.own_station(OTHER, "CS-3")).station == "CS-3"


async def test_only_a_stations_newest_certificate_counts_as_expiring(certificates: CertificateDatabase) -> None:
    await certificates.keep(record("old", state="accepted", not_after=100))
    await certificates.keep(record("new", state="accepted", not_after=200))
    assert [one.fingerprint for one in await certificates.newest("default", 150)] == []
    assert [one.fingerprint for one in await certificates.newest("default", 250)] == ["new"]
    assert await certificates.newest("other", 250) == []


async def test_what_was_sent_is_no_longer_waiting(certificates: CertificateDatabase) -> None:
    await certificates.keep(record("a"))
    assert [one.fingerprint for one in await certificates.waiting(ONE)] == ["a"]
    await certificates.moved("a", "issued", "not reached", 10, tried=True)
    assert [(one.tries, one.outcome) for one in await certificates.waiting()] == [(1, "not reached")]
    await certificates.moved("a", "accepted", "Accepted\x00", 20, tried=True)
    assert await certificates.waiting() == []


async def test_a_serial_number_two_stations_tell_is_seen(certificates: CertificateDatabase, database: Database) -> None:
    from sqlalchemy import update

    from sunpile.store.tables import stations

    await database.write(lambda c: c.execute(update(stations).values(serial=" SN-1 ")))
    await database.write(lambda c: c.execute(update(stations).values(serial="SN-1")))
    facts = await certificates.station("CS-1")
    assert facts is not None
    assert (facts.serial, facts.serial_shared) == ("SN-1", True)
    alone = await certificates.station("CS-3")
    assert alone is not None
    assert not alone.serial_shared, "another tenant's station is no concern"


async def test_refused_requests_are_kept_for_the_operator(certificates: CertificateDatabase) -> None:
    await certificates.refused(ONE, "default", 5, "WeakKey", "its RSA key has 1024 bits", "csr\x00")
    assert [(one["code"], one["at"]) for one in await certificates.refusals(MINE, "CS-1")] == [("WeakKey", 5)]
    assert await certificates.refusals(OTHER) == []


async def test_roots_are_trusted_by_tenant_and_kind(certificates: CertificateDatabase) -> None:
    root = Root("MORootCertificate", "f" * 64, "pem", True, 9)
    await certificates.trust("default", root, 1)
    await certificates.trust("default", Root("MORootCertificate", "f" * 64, "pem", False, 9), 2)
    assert [one.wanted for one in await certificates.roots("default", ["MORootCertificate"])] == [False]
    assert await certificates.roots("other") == []
    assert await certificates.distrust("default", "MORootCertificate", "f" * 64)
    assert not await certificates.distrust("default", "MORootCertificate", "f" * 64)


async def test_what_a_station_says_is_installed_replaces_what_it_said(certificates: CertificateDatabase) -> None:
    data = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "1"}
    await certificates.installed(ONE, [("CSMSRootCertificate", data), ("MORootCertificate", data)], 1)
    await certificates.installed(ONE, [("CSMSRootCertificate", data)], 2)
    assert await certificates.seen(ONE) == [("CSMSRootCertificate", data, 2)]
    other = data | {"serialNumber": "2"}
    for present in (True, True, False):
        await certificates.note(ONE, "MORootCertificate", other, present, 3)
        assert len(await certificates.seen(ONE)) == 1 + present
    await certificates.note(ONE, "", data, False, 3)
    assert await certificates.seen(ONE) == []


async def test_a_password_on_its_way_is_good_until_one_of_them_is_used(
    certificates: CertificateDatabase, database: Database
) -> None:
    secrets = SecurityDatabase(database)
    first = await secrets.offer(ONE, b"s1", b"h1", 1)
    await secrets.offer(ONE, b"s2", b"h2", 2)
    stations = StationStore(database)
    asked = await stations.find("CS-1")
    assert asked is not None
    assert set(asked.secrets) == {(b"s1", b"h1"), (b"s2", b"h2")}
    await secrets.withdraw(ONE, first)
    assert await secrets.outstanding(ONE) == 1
    await stations.secret_used(ONE, b"old")
    assert await secrets.outstanding(ONE) == 1
    await stations.secret_used(ONE, b"s2")
    assert await secrets.outstanding(ONE) == 0
    kept = await stations.find("CS-1")
    assert kept is not None
    assert (kept.password_salt, kept.password_hash) == (b"s2", b"h2")


async def test_security_events_are_listed_by_tenant_with_filters(
    certificates: CertificateDatabase, database: Database
) -> None:
    events = SecurityDatabase(database)
    for number, (station, kind) in enumerate([("CS-1", "ResetOrReboot"), ("CS-1", "X"), ("CS-3", "X")]):
        await events.keep(SecurityRecord(0, station, 1, 10 + number, kind, "i\x00" * 300, kind != "X"))
    mine = await events.listed(MINE)
    assert [one.kind for one in mine] == ["X", "ResetOrReboot"]
    assert [one.station for one in await events.listed(OTHER)] == ["CS-3"]
    assert [one.kind for one in await events.listed(MINE, critical=True)] == ["ResetOrReboot"]
    assert [one.kind for one in await events.listed(MINE, since=11, until=12)] == ["X"]
    assert [one.kind for one in await events.listed(MINE, before_id=mine[0].id)] == ["ResetOrReboot"]
    assert await events.forget(11) == 1


async def test_the_offer_of_a_password_withdraws_those_nobody_used_for_a_month(
    certificates: CertificateDatabase, database: Database
) -> None:
    secrets = SecurityDatabase(database)
    await secrets.offer(ONE, b"s1", b"h1", 1)
    await secrets.offer(ONE, b"s2", b"h2", 31 * 86_400)
    assert await secrets.outstanding(ONE) == 1


async def test_a_higher_profile_is_expected_then_kept_and_never_lowered(
    certificates: CertificateDatabase, database: Database
) -> None:
    store = SecurityDatabase(database)
    assert await store.profile(ONE) == 1
    await store.expect(ONE, 3, 1)
    await store.expect(ONE, 2, 1)
    stations = StationStore(database)
    told = await stations.find("CS-1")
    assert told is not None
    assert told.next_profile == 2
    await stations.raised(ONE, 2)
    await stations.raised(ONE, 1)
    after = await stations.find("CS-1")
    assert after is not None
    assert (after.next_profile, after.security_profile) == (None, 2)
    assert await store.profile(ONE) == 2


async def test_what_an_upgrade_needs_is_looked_up(certificates: CertificateDatabase, database: Database) -> None:
    store = SecurityDatabase(database)
    assert await store.prepared(ONE, 10) == (False, False)
    data = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "1"}
    await certificates.installed(ONE, [("CSMSRootCertificate", data)], 1)
    await certificates.keep(record("a", state="accepted", not_after=100))
    assert await store.prepared(ONE, 10) == (True, True)
    assert await store.prepared(ONE, 100) == (True, False)


async def test_a_password_is_not_kept_in_the_raw_message_log(
    certificates: CertificateDatabase, database: Database
) -> None:
    from sqlalchemy import select

    from sunpile.store.tables import frames

    log = StationStore(database)
    log.frame(ONE, 1, False, '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"0123456789ABCDEF"}]')
    await log.flush()
    kept = database.read_now(lambda c: c.scalars(select(frames.c.frame)).all())
    assert kept == ['[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"***"}]']
