"""Who comes in: Basic authentication, TLS with certificates of both sides, security profiles, subprotocols."""

import asyncio
import ssl
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidMessage

from conformance import papers
from conformance.node import ServerRefused
from conformance.ocpp16.acts import done, page, until
from conformance.ocpp16.secure import certificate_is, raw, renewed, serial_told, signed, staff
from conformance.registry import case
from conformance.scene import Scene, boot_payload
from conformance.station import SUBPROTOCOLS, Refused, VirtualStation

NO_HANDSHAKE = (ssl.SSLError, OSError, InvalidMessage)
"""What a client meets whose TLS is not accepted: with TLS 1.3 it learns of it only when it reads."""
SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
)


async def trust(scene: Scene, hierarchy: str = "csms") -> ssl.SSLContext:
    """A station's TLS, which trusts the operator's root alone."""
    root = (await raw(scene, f"/api/authority/root.pem?hierarchy={hierarchy}")).decode()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=root)
    return context


async def attempt(
    scene: Scene, tls: ssl.SSLContext | None, password: str | None, user: str | None = None
) -> int | None:
    """Try to come in as the station; None if it is let in (and hangs up), else the HTTP status."""
    url = scene.node.url if tls is None else scene.node.tls_url
    visitor = VirtualStation(url, scene.station.identity, password, "1.6", tls)
    try:
        await visitor.connect(user=user)
    except Refused as refusal:
        return refusal.status
    await visitor.close()
    return None


async def refused(scene: Scene, reason: str) -> bool:
    """True if the operator reads that the station was refused for `reason`, and what to do about it."""
    rows = (await page(scene))["refusals"]
    return any(row["reason"] == reason and row["cure"] and row["cure_zh"] for row in rows)


async def works(scene: Scene, serial: str = "V-1") -> None:
    """The station that came in can boot and is asked."""
    boot = boot_payload("1.6") | {"chargePointSerialNumber": serial}
    assert (await scene.station.call("BootNotification", boot))["status"] == "Accepted"
    asking = scene.ask("trigger-message", message="Heartbeat")
    request = await scene.station.expect("TriggerMessage")
    await request.answer({"status": "Accepted"})
    done(await asking)
    await scene.station.call("Heartbeat", {})


@case("TC_085_CSMS", "1.6", basis="whitepaper A00.FR.202 to .206, .302 to .304; OCPP-J 1.6 section 6.2.2, errata 3.10")
async def basic_authentication(scene: Scene) -> None:
    station = scene.station
    password = station.password
    assert password is not None
    assert len(password) == 40
    assert await station.connect() == "ocpp1.6"
    await works(scene)
    live = (await page(scene))["live"]
    assert (live["connected"], live["profile"], live["tls"]) == (True, 1, "")
    await station.close()
    wrong = password[:-1] + ("0" if password[-1] != "0" else "1")
    assert await attempt(scene, None, wrong) == 401
    assert await attempt(scene, None, None) == 401
    assert await attempt(scene, None, password, user="CASE-0") == 401
    for reason in ("wrong password", "no credentials", "other identity"):
        assert await refused(scene, reason)
    # Another station's password is no better, and the station itself is not locked out by all this.
    other = await scene.operator.post("/api/stations", {"station": f"{station.identity}-B"})
    assert await attempt(scene, None, other["password"]) == 401
    assert await attempt(scene, None, password) is None
    unknown = VirtualStation(scene.node.url, f"{station.identity}-NOBODY", password, "1.6")
    with pytest.raises(Refused) as refusal:
        await unknown.connect()
    assert refusal.value.status == 401


async def told_of_tls(scene: Scene) -> dict[str, Any]:
    """The connection as the operator sees it."""
    live = (await page(scene))["live"]
    return {name: live[name] for name in ("connected", "profile", "tls")}


async def raise_profile(scene: Scene, profile: int, status: str = "Accepted", sure: bool = True) -> dict[str, Any]:
    """Have the operator raise the security profile; what he sees."""
    path = f"/api/stations/{scene.station.identity}/profile"
    asking = asyncio.create_task(scene.operator.post(path, {"profile": profile, "sure": sure}))
    request = await scene.station.expect("ChangeConfiguration", lambda payload: payload["key"] == "SecurityProfile")
    assert request.payload["value"] == str(profile)
    await request.answer({"status": status})
    return await asking


def outdated() -> ssl.SSLContext:
    """A station's TLS that knows 1.0 and 1.1 only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


@case("TC_086_CSMS", "1.6", basis="whitepaper A00.FR.305 to .324, .501 to .510; section 2.4")
async def tls_server(scene: Scene) -> None:
    station = scene.station
    await scene.booted()
    assert (await raise_profile(scene, 2))["state"] == "expected"
    await station.close()
    station.url, station.tls = scene.node.tls_url, await trust(scene)
    assert await station.connect() == "ocpp1.6"
    await works(scene)
    found = await told_of_tls(scene)
    assert (found["connected"], found["profile"]) == (True, 2)
    assert found["tls"].startswith("TLSv1.3")
    await station.close()
    # The four suites of A00.FR.317, each with the root of its kind of key; TLS 1.2 and not less (A00.FR.312, .314).
    for suite in SUITES:
        context = await trust(scene, "csms" if "ECDSA" in suite else "csms-rsa")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(suite)
        assert await attempt(scene, context, station.password) is None
        assert (await told_of_tls(scene))["tls"] == f"TLSv1.2 {suite}"
    weak = await trust(scene)
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA")
    for context in (weak, outdated()):
        with pytest.raises(NO_HANDSHAKE):
            await attempt(scene, context, station.password)
    # TLS alone lets nobody in (A00.FR.301).
    assert await attempt(scene, await trust(scene), "0" * 40) == 401


async def certified(scene: Scene) -> tuple[papers.Key, str, str]:
    """Have a certificate made for the station; its key, its chain, and the serial number in it."""
    serial = await serial_told(scene)
    key = papers.new_key()
    await renewed(scene)
    request = await signed(scene, key, serial)
    await request.answer({"status": "Accepted"})
    await until(lambda: certificate_is(scene, "accepted"), "an accepted certificate")
    return key, request.payload["certificateChain"], serial


def shows(context: ssl.SSLContext, key: papers.Key, chain: str, folder: Path) -> ssl.SSLContext:
    """A station's TLS that shows a certificate of its own."""
    file = folder / f"{time.monotonic_ns()}.pem"
    file.write_text(papers.key_pem(key) + chain)
    context.load_cert_chain(file)
    return context


@case("TC_087_CSMS", "1.6", basis="whitepaper A00.FR.401 to .408, .415 to .428, .501 to .511; section 2.5")
async def tls_client(scene: Scene) -> None:
    station, folder = scene.station, scene.node.folder
    key, chain, serial = await certified(scene)
    assert (await raise_profile(scene, 3))["state"] == "expected"
    await station.close()
    password, station.password = station.password, None
    station.url, station.tls = scene.node.tls_url, shows(await trust(scene), key, chain, folder)
    assert await station.connect() == "ocpp1.6"
    await works(scene, serial)
    found = await told_of_tls(scene)
    assert (found["connected"], found["profile"]) == (True, 3)
    await station.close()
    # A password is no certificate (A00.FR.407).
    assert await attempt(scene, await trust(scene), password) == 401
    assert await refused(scene, "no client certificate")
    # A certificate of the same name by somebody else.
    stranger = papers.new_key()
    forged = papers.pem(papers.certificate(stranger, "stranger"))
    with pytest.raises(NO_HANDSHAKE):
        await attempt(scene, shows(await trust(scene), stranger, forged, folder), None)
    # A good one, of another station (A00.FR.405).
    other = await scene.operator.post("/api/stations", {"station": f"{station.identity}-B", "security_profile": 3})
    visitor = VirtualStation(scene.node.tls_url, other["station"], None, "1.6", station.tls)
    with pytest.raises(Refused) as refusal:
        await visitor.connect()
    assert refusal.value.status == 401
    events = await scene.operator.get(f"/api/security-events?station={other['station']}")
    assert [row["kind"] for row in events] == ["InvalidChargingStationCertificate"]
    # A revoked one is good no more (A00.FR.704).
    (issued,) = await scene.operator.get(f"/api/certificates?station={station.identity}")
    await scene.operator.post(f"/api/certificates/{issued['fingerprint']}/revoke", {"reason": "key_compromise"})
    assert await attempt(scene, station.tls, None) == 401
    assert await refused(scene, "certificate revoked")


@case("TC_083_CSMS", "1.6", basis="whitepaper A05 (A05.FR.01 to .09), A00.FR.001 to .005; sections 2.2, 2.4")
async def profile_raised(scene: Scene) -> None:
    station = scene.station
    await scene.booted()
    # Without our root the station could not come back: it is not even told (A05.FR.03).
    path = f"/api/stations/{station.identity}/profile"
    with pytest.raises(ServerRefused) as refusal:
        await scene.operator.post(path, {"profile": 2})
    assert refusal.value.status == 409
    root = (await raw(scene, "/api/authority/root.pem")).decode()
    body = {"kind": "CSMSRootCertificate", "pem": root}
    request, _ = await staff(scene, "InstallCertificate", "certificates/install", body, {"status": "Accepted"})
    assert request.payload == {"certificateType": "CentralSystemRootCertificate", "certificate": root}
    # The station refuses: everything stays as it was.
    assert (await raise_profile(scene, 2, "Rejected", sure=False))["state"] == "refused"
    tls = await trust(scene)
    assert await attempt(scene, tls, station.password) == 401
    assert (await raise_profile(scene, 2, sure=False))["state"] == "expected"
    await station.close()
    # Until it has come with the new one, it may fall back (A05.FR.08).
    assert await attempt(scene, None, station.password) is None
    station.url, station.tls = scene.node.tls_url, tls
    await station.connect()
    await works(scene)
    assert (await page(scene))["card"]["security_profile"] == 2
    # From then on a lower one is refused (A05.FR.09), and nobody can lower it by hand (A00.FR.005).
    assert await attempt(scene, None, station.password) == 401
    assert await refused(scene, "plain instead of TLS")
    for profile in (1, 2):
        with pytest.raises(ServerRefused) as refusal:
            await scene.operator.post(path, {"profile": profile, "sure": True})
        assert refusal.value.status == 409


@case("TC_088_CSMS", "1.6", basis="OCPP-J 1.6 sections 3.1.2, 3.2; RFC 6455 sections 1.9, 4.2.2")
async def subprotocol(scene: Scene) -> None:
    station = scene.station
    # The first of those the station offers that the server speaks, in the station's order.
    for offered, chosen in (
        (["ocpp1.6"], "ocpp1.6"),
        (["ocpp1.6", "ocpp1.5"], "ocpp1.6"),
        (["ocpp9.9", "ocpp1.6"], "ocpp1.6"),
        (["ocpp1.6", "ocpp2.0.1"], "ocpp1.6"),
        (["ocpp2.0.1", "ocpp1.6"], SUBPROTOCOLS["2.0.1"]),
    ):
        assert await station.connect(offered) == chosen
        assert (await page(scene))["live"]["version"] == chosen.removeprefix("ocpp")
        await station.close()
    # None in common: the handshake is completed without one, and the connection is closed at once (3.2).
    assert await station.connect(["ocpp1.5", "ocpp9.9"]) is None
    assert await station.closed() == 1002
    assert await refused(scene, "unknown version")
    await station.close()
    await scene.booted()
