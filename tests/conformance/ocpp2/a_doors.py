"""Block A, the doors: passwords, TLS, certificates of the server and of stations."""

import asyncio
import ssl
import tempfile
import warnings
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID
from websockets.exceptions import InvalidMessage

from conformance import papers
from conformance.ocpp2.b_boot import connectors
from conformance.ocpp2.states import until
from conformance.ocpp16.acts import page
from conformance.registry import case
from conformance.scene import Scene, boot_payload, settled
from conformance.station import Refused, VirtualStation

BOTH = ("2.0.1", "2.1")
HOST = "127.0.0.1"
SUITES = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": ec.EllipticCurvePublicKey,
    "ECDHE-ECDSA-AES256-GCM-SHA384": ec.EllipticCurvePublicKey,
    "AES128-GCM-SHA256": rsa.RSAPublicKey,
    "AES256-GCM-SHA384": rsa.RSAPublicKey,
}
"""What has to be supported at least (A00.FR.318), in OpenSSL's names, with the kind of key each needs."""


# -- what a station has -----------------------------------------------------------------------------------------------


async def trusting(scene: Scene, chain: str = "", key: papers.Key | None = None) -> ssl.SSLContext:
    """TLS of a station that trusts the server's roots; with its own certificate if it has one."""
    roots = [await scene.operator.text(f"/api/authority/root.pem?hierarchy={one}") for one in ("csms", "csms-rsa")]
    context = ssl.create_default_context(cadata="".join(roots))
    if key is not None:
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(papers.key_pem(key) + chain)
            file.flush()
            context.load_cert_chain(file.name)
    return context


def serial_of(identity: str) -> str:
    """A serial number that no other station has."""
    return f"SN{identity}"


async def newcomer(scene: Scene, profile: int, letter: str = "S") -> None:
    """Play on with a new station that the operator registered for a security profile."""
    identity = f"{scene.station.identity}{letter}"
    wish = {"station": identity, "max_w": 22_000, "evses": [1, 2], "security_profile": profile}
    card = await scene.operator.post("/api/stations", wish)
    assert card["security_profile"] == profile
    await scene.station.close()
    url = scene.node.tls_url if profile > 1 else scene.node.url
    scene.station = VirtualStation(url, identity, card["password"], scene.version)
    scene.station.habits |= settled(scene.version)
    if profile > 1:
        scene.station.tls = await trusting(scene)


async def enters(scene: Scene, reason: str = "PowerUp") -> None:
    """Connect, boot, and tell the connectors' states."""
    await scene.station.connect()
    payload = boot_payload(scene.version, reason)
    payload["chargingStation"]["serialNumber"] = serial_of(scene.station.identity)
    answer = await scene.station.call("BootNotification", payload)
    assert answer["status"] == "Accepted", answer
    await connectors(scene)
    assert (await page(scene))["card"]["connected"]


async def stays_out(scene: Scene, *reasons: str) -> None:
    """Fail unless the station is refused, and the operator is told why."""
    with pytest.raises(Refused) as refusal:
        await scene.station.connect()
    assert refusal.value.status == 401
    assert (await refusals(scene))[0] in reasons, await refusals(scene)


async def refusals(scene: Scene) -> list[str]:
    """Why the station was turned away, newest first, as the operator sees it."""
    return [row["reason"] for row in await scene.operator.get(f"/api/refusals?station={scene.station.identity}")]


async def seen_line(scene: Scene, profile: int) -> str:
    """TLS version and cipher, as the operator sees them of a connection with this profile."""
    live = (await page(scene))["live"]
    assert live["profile"] == profile, live
    return live["tls"]


# -- passwords --------------------------------------------------------------------------------------------------------


@case("TC_A_01_CSMS", *BOTH, basis="part 6")
async def right_password(scene: Scene) -> None:
    await enters(scene)
    assert await seen_line(scene, 1) == ""


@case("TC_A_02_CSMS", *BOTH, basis="part 6")
async def other_user(scene: Scene) -> None:
    with pytest.raises(Refused) as refusal:
        await scene.station.connect(user=f"{scene.station.identity}Invalid")
    assert refusal.value.status == 401
    assert await refusals(scene) == ["other identity"]
    await enters(scene)


@case("TC_A_03_CSMS", *BOTH, basis="part 6")
async def wrong_password(scene: Scene) -> None:
    right, scene.station.password = scene.station.password, "h7*kPq_2=mVz:8Xw|Lr@5Nt.J3"
    await stays_out(scene, "wrong password")
    scene.station.password = None
    await stays_out(scene, "no credentials")
    scene.station.password = right
    await enters(scene)


# -- the server's certificate -----------------------------------------------------------------------------------------


async def greeted(scene: Scene, suite: str) -> tuple[str, x509.Certificate]:
    """Shake hands with one suite of TLS 1.2 only: the version spoken, and the server's certificate."""
    context = await trusting(scene)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{suite}:@SECLEVEL=1")
    _, writer = await asyncio.open_connection(HOST, scene.node.tls_port, ssl=context)
    line: ssl.SSLObject = writer.get_extra_info("ssl_object")
    found, version, certificate = line.cipher(), line.version(), line.getpeercert(binary_form=True)
    writer.transport.abort()
    assert found is not None
    assert found[0] == suite, found
    assert version is not None
    assert certificate is not None
    return version, x509.load_der_x509_certificate(certificate)


@case("TC_A_04_CSMS", *BOTH, basis="part 6")
async def server_certificate(scene: Scene) -> None:
    for suite, kind in SUITES.items():
        version, certificate = await greeted(scene, suite)
        assert version == "TLSv1.2"
        key = certificate.public_key()
        assert isinstance(key, kind)
        assert key.key_size >= (2048 if isinstance(key, rsa.RSAPublicKey) else 224)
        assert certificate.serial_number > 0
        (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        assert name.value == HOST
    await newcomer(scene, 2)
    await enters(scene)
    assert (await seen_line(scene, 2)).startswith("TLSv1.")


async def reasons_of_late(scene: Scene) -> list[str]:
    """Why anybody was turned away of late: before a handshake is done nobody knows which station it is."""
    return [row["reason"] for row in await scene.operator.get("/api/refusals?limit=500")]


@case("TC_A_06_CSMS", *BOTH, basis="part 6")
async def old_tls(scene: Scene) -> None:
    await newcomer(scene, 2)
    old = await trusting(scene)
    with warnings.catch_warnings(action="ignore"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    modern, scene.station.tls = scene.station.tls, old
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await scene.station.connect()
    await until(lambda: reasons_of_late(scene), lambda found: "TLS version" in found)
    scene.station.tls = modern
    await enters(scene)


# -- stations' certificates -------------------------------------------------------------------------------------------


async def given_certificate(scene: Scene) -> tuple[str, papers.Key]:
    """What the operator's authority makes for the station, which has told its serial number: chain and key."""
    key = papers.new_key()
    body = {"csr": papers.request(key, serial_of(scene.station.identity))}
    made = await scene.operator.post(f"/api/stations/{scene.station.identity}/certificates/sign", body)
    return made["chain"], key


async def certified(scene: Scene, letter: str = "S") -> tuple[str, papers.Key]:
    """A station of profile 2 that has told its serial number, is given a certificate, and has to use it now."""
    await newcomer(scene, 2, letter)
    await enters(scene)
    chain, key = await given_certificate(scene)
    await scene.station.close()
    path = f"/api/stations/{scene.station.identity}"
    card = await scene.operator.request("PATCH", path, {"security_profile": 3})
    assert card["security_profile"] == 3
    return chain, key


async def shows(scene: Scene, chain: str, key: papers.Key) -> None:
    """From now on the station shows this certificate, and no password."""
    scene.station.tls, scene.station.password = await trusting(scene, chain, key), None


@case("TC_A_07_CSMS", *BOTH, basis="part 6")
async def client_certificate(scene: Scene) -> None:
    await shows(scene, *await certified(scene))
    await enters(scene)
    assert (await seen_line(scene, 3)).startswith("TLSv1.")


def signed(key: papers.Key, subject: x509.Name, issuer: x509.Name, by: Any, ends: datetime) -> str:
    """A certificate of a station, PEM."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - timedelta(days=30))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    return papers.pem(builder.sign(by, hashes.SHA256()))


async def unknown_one(scene: Scene) -> tuple[str, papers.Key]:
    """A certificate of the right name by an authority nobody knows."""
    key, other = papers.new_key(), papers.new_key()
    root = papers.certificate(other, "Somebody else")
    name = papers.subject(serial_of(scene.station.identity))
    made = signed(key, name, root.subject, other, datetime.now(UTC) + timedelta(days=3))
    return made + papers.pem(root), key


async def expired_one(scene: Scene) -> tuple[str, papers.Key]:
    """A certificate of the right name by the operator's own authority that ended yesterday."""
    folder = scene.node.folder / "pki" / "default" / "csms"
    issuer = x509.load_pem_x509_certificate((folder / "issuer-1.pem").read_bytes())
    by = load_pem_private_key((folder / "issuer-1.key").read_bytes(), None)
    key, name = papers.new_key(), papers.subject(serial_of(scene.station.identity))
    made = signed(key, name, issuer.subject, by, datetime.now(UTC) - timedelta(days=1))
    return made + papers.pem(issuer), key


async def kept_out(scene: Scene, reason: str, chain: str, key: papers.Key) -> None:
    """Fail unless the server ends a connection with this certificate, in or right after the handshake."""
    await shows(scene, chain, key)
    with pytest.raises((Refused, ssl.SSLError, ConnectionError, InvalidMessage)):
        await scene.station.connect()
    await until(lambda: reasons_of_late(scene), lambda found: reason in found)


BAD: dict[str, Callable[[Scene], Awaitable[tuple[str, papers.Key]]]] = {
    "TLS client certificate": unknown_one,
    "certificate expired": expired_one,
}


@case("TC_A_08_CSMS", *BOTH, basis="part 6")
async def bad_client_certificate(scene: Scene) -> None:
    own = await certified(scene, "T")
    other, theirs = scene.station, own
    own = await certified(scene, "U")
    for reason, make in BAD.items():
        await kept_out(scene, reason, *await make(scene))
    # A good one, of another station: its name does not hold this one's serial number.
    assert other.identity != scene.station.identity
    await shows(scene, *theirs)
    await stays_out(scene, "certificate with wrong CN")
    await shows(scene, *own)
    await enters(scene)
