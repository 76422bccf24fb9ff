"""Who shows a certificate at the door is let in only with the station's own, for eight ways to be wrong and more."""

import asyncio
import ssl
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chargers.certificates.fakes import House
from chargers.certificates.people import NOW, certificate, csr, new_key
from sunpile.basics.ids import StationId
from sunpile.chargers.certificates.clients import ClientCertificates, client_trust
from sunpile.chargers.certificates.names import load_pem
from sunpile.chargers.certificates.requests import SigningRequest, read


@dataclass(frozen=True)
class Record:
    station: StationId
    tenant: str = "default"


ONE = Record(StationId("CS-1"))


def checker(house: House) -> ClientCertificates:
    return ClientCertificates(house.authority, house.store, lambda tenant: "Sun Grid", house.clock)


async def issued(
    house: House, station: str = "CS-1", tenant: str = "default", use="ChargingStationCertificate", **more
):
    request = read(csr(**more), use)
    assert isinstance(request, SigningRequest)
    facts = replace(house.store.stations[station], tenant=tenant)
    record = await house.signing.sign(facts, request)
    return record, load_pem(record.chain).public_bytes(Encoding.DER)


async def test_the_stations_own_certificate_opens_the_door(house: House) -> None:
    record, der = await issued(house)
    assert await checker(house).check(der, ONE) is None
    assert house.store.records[record.fingerprint].state == "accepted", "its answer was lost, but it uses it"


@pytest.mark.parametrize(
    ("more", "why"),
    [({"name": "SN-0002"}, "certificate with wrong CN"), ({"organisation": "Other"}, "certificate with wrong O")],
)
async def test_a_wrong_name_or_organisation_is_refused_although_the_chain_is_ours(
    house: House, more: dict, why: str
) -> None:
    _, der = await issued(house, **more)
    assert await checker(house).check(der, ONE) == why


async def test_time_is_looked_at_from_both_ends(house: House) -> None:
    _, der = await issued(house)
    house.clock.at = NOW - 3600
    assert await checker(house).check(der, ONE) == "certificate not yet valid"
    house.clock.at = NOW + 91 * 86_400
    assert await checker(house).check(der, ONE) == "certificate expired"


async def test_a_revoked_certificate_is_refused(house: House) -> None:
    record, der = await issued(house)
    await house.store.revoke(_scope(), record.fingerprint, "key_compromise", NOW)
    assert await checker(house).check(der, ONE) == "certificate revoked"


async def test_another_tenants_authority_is_another_authority(house: House) -> None:
    _, der = await issued(house, "CS-X", "other")
    assert await checker(house).check(der, ONE) == "certificate of another ca"
    assert await checker(house).check(der, Record(StationId("CS-X"), "other")) is None


async def test_a_self_signed_one_and_one_of_a_stranger_are_refused(house: House) -> None:
    own, _ = certificate("SN-0001")
    assert await checker(house).check(own.public_bytes(Encoding.DER), ONE) == "certificate self-signed"
    root, root_key = certificate("Root", ca=True)
    leaf, _ = certificate("SN-0001", issuer=root, issuer_key=root_key)
    assert await checker(house).check(leaf.public_bytes(Encoding.DER), ONE) == "certificate of another ca"


async def test_an_authority_with_our_authoritys_name_but_another_key_is_found_out(house: House) -> None:
    issuer = load_pem((await house.authority.anchors("default", "csms", NOW))[1])
    forged, _ = certificate("SN-0001", issuer=issuer, issuer_key=new_key())
    assert await checker(house).check(forged.public_bytes(Encoding.DER), ONE) == "certificate signature broken"


async def test_another_stations_certificate_is_refused_even_if_it_names_both_serials(house: House) -> None:
    _, der = await issued(house, "CS-2", name="SN-0002 SN-0001")
    assert await checker(house).check(der, ONE) == "certificate of other station"
    assert await checker(house).check(der, Record(StationId("CS-2"))) is None


async def test_a_station_that_lied_about_its_serial_number_gets_no_others_door_open(house: House) -> None:
    # CS-2 boots with the serial number of CS-1 and is given a certificate for it.
    house.store.stations["CS-2"] = replace(house.store.stations["CS-2"], serial="SN-0001")
    _, der = await issued(house, "CS-2", name="SN-0001")
    assert await checker(house).check(der, ONE) == "certificate of other station"


async def test_without_a_known_serial_number_nothing_fits(house: House) -> None:
    _, der = await issued(house)
    house.store.stations["CS-1"] = replace(house.store.stations["CS-1"], serial="")
    assert await checker(house).check(der, ONE) == "station without serial number"


async def test_a_certificate_of_our_server_or_towards_cars_is_for_other_use(house: House) -> None:
    identity = await house.authority.server("default", ["node.example"], "ecdsa", NOW)
    server = load_pem(identity.chain).public_bytes(Encoding.DER)
    assert await checker(house).check(server, ONE) == "certificate for other use"
    _, der = await issued(house, use="V2GCertificate")
    assert await checker(house).check(der, ONE) == "certificate of another ca"


async def test_junk_is_junk(house: House) -> None:
    assert await checker(house).check(b"\x30\x03junk", ONE) == "certificate unreadable"


async def test_over_real_tls_the_certificate_arrives_and_is_judged(house: House, tmp_path: Path) -> None:
    house.clock.at = int(time.time())
    now, key, other = house.clock.at, new_key(), new_key()
    one, _ = await issued(house, key=key)
    two, _ = await issued(house, "CS-2", name="SN-0002", key=other)
    identity = await house.authority.server("default", ["localhost"], "ecdsa", now)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(*_files(tmp_path, "server", identity.chain, identity.key))
    server_side.load_verify_locations(cadata=await client_trust(house.authority, ["default"], now))
    server_side.verify_mode = ssl.CERT_REQUIRED
    verdicts: list[str | None] = []

    async def door(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        verdicts.append(await checker(house).check(der, ONE))
        writer.write(b"done")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(door, "127.0.0.1", 0, ssl=server_side)
    port = server.sockets[0].getsockname()[1]
    root = (await house.authority.anchors("default", "csms", now))[0]
    for name, record, secret in (("one", one, key), ("two", two, other)):
        pem = secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        client_side = ssl.create_default_context(cadata=root)
        client_side.load_cert_chain(*_files(tmp_path, name, record.chain, pem))
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_side, server_hostname="localhost")
        assert await reader.read() == b"done"
        writer.close()
    server.close()
    assert verdicts == [None, "certificate with wrong CN"]


def test_every_reason_has_its_words() -> None:
    refusals = pytest.importorskip("sunpile.chargers.refusals")
    from sunpile.chargers.certificates.clients import REASONS

    assert set(refusals.CURES) >= REASONS


def _files(folder: Path, name: str, chain: str, key: str) -> tuple[Path, Path]:
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_text(chain)
    paths[1].write_text(key)
    return paths


def _scope():
    from sunpile.basics.scope import NODE

    return NODE
