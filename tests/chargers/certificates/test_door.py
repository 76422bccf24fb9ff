"""The whole of security profile 3 over a real socket: ask, be signed, come in by certificate, be thrown out."""

import asyncio
import json
import ssl
import time
from dataclasses import replace
from pathlib import Path

import pytest
import websockets
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chargers.certificates.fakes import House
from chargers.certificates.people import csr, new_key
from chargers.fakes import PASSWORD, Book, Inbox, basic
from sunpile.basics.ids import StationId
from sunpile.basics.scope import NODE
from sunpile.chargers import Csms, tls
from sunpile.chargers.certificates import hierarchy
from sunpile.chargers.certificates.clients import ClientCertificates
from sunpile.chargers.certificates.servers import ServerCertificates
from sunpile.chargers.notices import Answer, Question

BOOT = [2, "b", "BootNotification", {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}]


class Asking(Inbox):
    def __init__(self, house: House) -> None:
        super().__init__()
        self.house = house

    async def asked(self, question: Question) -> Answer:
        answer = await self.house.desk.asked(question)
        assert answer is not None
        return answer


async def connect(port: int, root: str, station: str, files: tuple[Path, Path] | None, **more):
    client = ssl.create_default_context(cadata=root)
    if files:
        client.load_cert_chain(*files)
    return await websockets.connect(
        f"wss://localhost:{port}/ocpp/{station}", ssl=client, subprotocols=["ocpp2.0.1"], compression=None, **more
    )


@pytest.fixture
async def door(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hierarchy, "RSA_BITS", 2048)
    house.clock.at = int(time.time())
    servers = ServerCertificates(house.authority, tmp_path / "door", ["localhost"], house.clock, house.store.tenants)
    book = Book("CS-1", "CS-2")
    for station, profile in (("CS-1", 2), ("CS-2", 3)):
        book.records[station] = replace(book.records[station], security_profile=profile)
    checker = ClientCertificates(house.authority, house.store, lambda tenant: "Sun Grid", house.clock)
    csms = Csms(book, Asking(house), house.clock, certificates=checker)
    house.stations.command = csms.command  # type: ignore[method-assign]
    await csms.start("127.0.0.1", 0, tls.context(await servers.plan()))
    yield house, csms, book
    await csms.stop()


async def talk(socket, until: str, *frames) -> list:
    """Send; refuse what is asked but take a certificate; until an answer of this id, or a call of this action, came."""
    for frame in frames:
        await socket.send(json.dumps(frame))
    seen = []
    while not seen or until not in seen[-1][1:3]:
        frame = json.loads(await asyncio.wait_for(socket.recv(), 5))
        seen.append(frame)
        if frame[0] == 2 and frame[2] == "CertificateSigned":
            await socket.send(json.dumps([3, frame[1], {"status": "Accepted"}]))
        elif frame[0] == 2:
            await socket.send(json.dumps([4, frame[1], "NotSupported", "", {}]))
    return seen


async def test_from_the_first_request_to_the_door_of_profile_3(door, tmp_path: Path) -> None:
    house, csms, book = door
    root = (await house.authority.anchors("default", "csms", house.clock.at))[0]
    key = new_key()
    async with await connect(csms.port, root, "CS-1", None, additional_headers=basic("CS-1", PASSWORD)) as socket:
        await talk(socket, "b", BOOT)
        payload = {"csr": csr(key=key), "certificateType": "ChargingStationCertificate"}
        seen = await talk(socket, "CertificateSigned", [2, "s", "SignCertificate", payload])
        assert [3, "s", {"status": "Accepted"}] in seen[:-1], "the answer goes first"
        chain = seen[-1][3]["certificateChain"]
        await house.signing.settled()
    [record] = house.store.records.values()
    assert record.state == "accepted"

    files = tmp_path / "station.pem", tmp_path / "station.key"
    files[0].write_text(chain)
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    book.records["CS-1"] = replace(book.records["CS-1"], security_profile=3)
    async with await connect(csms.port, root, "CS-1", files) as socket:
        assert await talk(socket, "b", BOOT)
    for station, with_files in (("CS-2", files), ("CS-1", None)):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await connect(csms.port, root, station, with_files)
        assert refused.value.response.status_code == 401
    await house.upkeep.revoke(NODE, record.fingerprint, "key_compromise")
    with pytest.raises(websockets.InvalidStatus):
        await connect(csms.port, root, "CS-1", files)
    reasons = [reason for _, reason in book.refusals]
    assert reasons == ["certificate with wrong CN", "no client certificate", "certificate revoked"]
    assert house.dropped == [StationId("CS-1")]


async def test_the_door_has_a_certificate_of_each_kind_and_takes_new_ones_while_it_runs(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hierarchy, "RSA_BITS", 2048)
    servers = ServerCertificates(house.authority, tmp_path / "door", ["localhost"], house.clock, house.store.tenants)
    first = await servers.plan()
    files = [key.certificate.read_text() for key in first.keys]
    assert len(set(files)) == 2
    assert all(key.key.stat().st_mode & 0o777 == 0o600 for key in first.keys)
    await servers.plan()
    assert [key.certificate.read_text() for key in first.keys] == files
    house.clock.at += 12 * 3600
    await servers.plan()
    assert not {key.certificate.read_text() for key in first.keys} & set(files)


async def test_the_door_lets_certificates_of_every_tenant_through_to_their_check(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hierarchy, "RSA_BITS", 2048)
    servers = ServerCertificates(house.authority, tmp_path / "door", ["localhost"], house.clock, house.store.tenants)
    other = (await house.authority.anchors("other", "csms", house.clock.now()))[0]
    assert other not in (await servers.plan()).client_roots
    house.store.others = ["other"]
    assert other in (await servers.plan()).client_roots
