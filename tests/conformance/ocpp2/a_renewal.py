"""Block A, renewal: new passwords, new certificates, higher security profiles."""

import asyncio
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from conformance import papers
from conformance.node import ServerRefused
from conformance.ocpp2.a_doors import certified, enters, newcomer, seen_line, serial_of, shows, stays_out, trusting
from conformance.ocpp2.states import until
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload, Refused, Request

BOTH = ("2.0.1", "2.1")
VERSION = {"2.0.1": "OCPP20", "2.1": "OCPP21"}


async def staff(scene: Scene, action: str, path: str, body: Any, answer: Payload) -> tuple[Request, Any]:
    """Have the operator use a route of the station; (what the server sent and was answered, what the operator sees)."""
    asking = asyncio.create_task(scene.operator.post(f"/api/stations/{scene.station.identity}/{path}", body))
    request = await scene.station.expect(action)
    await request.answer(answer)
    return request, await asking


# -- passwords --------------------------------------------------------------------------------------------------------


async def new_password(scene: Scene, status: str, state: str) -> str:
    """Have the operator give a new password; nobody but the station sees it."""
    place = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    answer = {"setVariableResult": [{"attributeStatus": status} | place]}
    asking = asyncio.create_task(scene.operator.post(f"/api/stations/{scene.station.identity}/password"))
    request = await scene.station.expect(
        "SetVariables", lambda payload: "BasicAuthPassword" in str(payload["setVariableData"])
    )
    (row,) = request.payload["setVariableData"]
    password = row.pop("attributeValue")
    assert row == place, row
    assert 16 <= len(password) <= 40
    await request.answer(answer)
    seen = await asking
    assert seen["state"] == state, seen
    assert password not in str(seen)
    path = f"/api/stations/{scene.station.identity}/frames?text=BasicAuthPassword"
    frames = await until(lambda: scene.operator.get(path), lambda found: found["frames"])
    assert password not in str(frames)
    return password


async def only(scene: Scene, good: str | None, bad: str | None) -> None:
    """Fail unless the first password is good, and the other is not."""
    await scene.station.close()
    scene.station.password = bad
    await stays_out(scene, "wrong password")
    scene.station.password = good
    await enters(scene)


@case("TC_A_09_CSMS", *BOTH, basis="part 6")
async def password_taken(scene: Scene) -> None:
    await enters(scene)
    old = scene.station.password
    new = await new_password(scene, "Accepted", "taken")
    assert new != old
    await only(scene, new, old)


@case("TC_A_10_CSMS", *BOTH, basis="part 6")
async def password_refused(scene: Scene) -> None:
    await enters(scene)
    old = scene.station.password
    new = await new_password(scene, "Rejected", "kept")
    await only(scene, old, new)


# -- certificates -----------------------------------------------------------------------------------------------------


async def renewal(scene: Scene, use: str, trigger: str, status: str) -> tuple[str, papers.Key]:
    """The memory state RenewChargingStationCertificate, for any use; the chain that was sent, and its key."""
    body = {"use": use}
    request, seen = await staff(scene, "TriggerMessage", "certificates/renew", body, {"status": "Accepted"})
    assert request.payload == {"requestedMessage": trigger}, request.payload
    assert seen["accepted"], seen
    key = papers.new_key()
    ask: Payload = {"csr": papers.request(key, serial_of(scene.station.identity)), "certificateType": use}
    answer = await scene.station.call("SignCertificate", ask | ({"requestId": 77} if scene.version == "2.1" else {}))
    assert answer == {"status": "Accepted"}, answer
    sent = await scene.station.expect("CertificateSigned")
    assert sent.payload["certificateType"] == use
    assert sent.payload.get("requestId") == (77 if scene.version == "2.1" else None)
    chain = sent.payload["certificateChain"]
    await leads_to(scene, chain, key, "v2g" if use.startswith("V2G") else "csms")
    await sent.answer({"status": status})
    await certificate_is(scene, chain, status.lower())
    return chain, key


async def leads_to(scene: Scene, chain: str, key: papers.Key, hierarchy: str) -> None:
    """Fail unless the chain is for the key and the station, and leads to the operator's root."""
    root = x509.load_pem_x509_certificate(
        (await scene.operator.text(f"/api/authority/root.pem?hierarchy={hierarchy}")).encode()
    )
    certificates = papers.loaded(chain)
    leaf = certificates[0]
    kind = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    assert leaf.public_key().public_bytes(*kind) == key.public_key().public_bytes(*kind)
    assert serial_of(scene.station.identity) in leaf.subject.rfc4514_string()
    above = [*certificates[1:], root] if certificates[-1] != root else certificates[1:]
    for lower, upper in zip(certificates, above, strict=False):
        lower.verify_directly_issued_by(upper)


async def certificate_is(scene: Scene, chain: str, state: str) -> None:
    """Fail unless the operator comes to see the certificate in this state."""
    serial = format(papers.loaded(chain)[0].serial_number, "x")

    async def look() -> list[str]:
        rows = await scene.operator.get(f"/api/certificates?station={scene.station.identity}")
        return [row["state"] for row in rows if row["serial"].lower().lstrip("0") == serial]

    await until(look, lambda found: found == [state])


@case("TC_A_11_CSMS", *BOTH, basis="part 6")
async def station_certificate(scene: Scene) -> None:
    await shows(scene, *await certified(scene))
    await enters(scene)
    new = await renewal(scene, "ChargingStationCertificate", "SignChargingStationCertificate", "Accepted")
    await scene.station.close()
    await shows(scene, *new)
    await enters(scene)
    assert (await seen_line(scene, 3)).startswith("TLSv1.")


@case("TC_A_12_CSMS", *BOTH, basis="as TC_A_11 of part 6, with SignV2GCertificate and V2GCertificate; A02")
async def v2g_certificate(scene: Scene) -> None:
    await newcomer(scene, 2)
    await enters(scene)
    await renewal(scene, "V2GCertificate", "SignV2GCertificate", "Accepted")


@case("TC_A_14_CSMS", *BOTH, basis="part 6")
async def certificate_rejected(scene: Scene) -> None:
    own = await certified(scene)
    await shows(scene, *own)
    await enters(scene)
    await renewal(scene, "ChargingStationCertificate", "SignChargingStationCertificate", "Rejected")
    # The old one is good as before.
    await scene.station.close()
    await enters(scene)


# -- profiles ---------------------------------------------------------------------------------------------------------


async def raised(scene: Scene, profile: int) -> None:
    """Have the operator raise the security profile: a network profile, its slot first, a reset."""
    body = {"profile": profile, "url": scene.node.tls_url, "slot": 2, "priority": [1], "timeout_s": 45}
    body |= {"ocpp": VERSION[scene.version], "interface": "Wired0"}
    asking = asyncio.create_task(scene.operator.post(f"/api/stations/{scene.station.identity}/profile", body))
    request = await scene.station.expect("SetNetworkProfile")
    connection = {
        "messageTimeout": 45,
        "ocppCsmsUrl": scene.node.tls_url,
        "ocppInterface": "Wired0",
        "ocppTransport": "JSON",
        "ocppVersion": VERSION[scene.version],
        "securityProfile": profile,
    }
    assert request.payload == {"configurationSlot": 2, "connectionData": connection}, request.payload
    await request.answer({"status": "Accepted"})
    request = await scene.station.expect("SetVariables")
    place = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "NetworkConfigurationPriority"}}
    assert request.payload["setVariableData"] == [{"attributeValue": "2,1"} | place], request.payload
    await request.answer({"setVariableResult": [{"attributeStatus": "Accepted"} | place]})
    request = await scene.station.expect("Reset")
    assert request.payload == {"type": "OnIdle"}, request.payload
    await request.answer({"status": "Accepted"})
    seen = await asking
    assert seen["state"] == "expected", seen
    await scene.station.close()


async def root_installed(scene: Scene) -> None:
    """The operator installs the root on the station, without which no higher profile is offered."""
    body = {"profile": 2, "url": scene.node.tls_url}
    with pytest.raises(ServerRefused) as refusal:
        await scene.operator.post(f"/api/stations/{scene.station.identity}/profile", body)
    assert refusal.value.status == 409
    root = await scene.operator.text("/api/authority/root.pem")
    body = {"kind": "CSMSRootCertificate", "pem": root}
    request, seen = await staff(scene, "InstallCertificate", "certificates/install", body, {"status": "Accepted"})
    assert request.payload == {"certificateType": "CSMSRootCertificate", "certificate": root}, request.payload
    assert seen["accepted"], seen


@case("TC_A_19_CSMS", *BOTH, basis="part 6")
async def higher_profile(scene: Scene) -> None:
    await enters(scene)
    await root_installed(scene)
    await raised(scene, 2)
    # With the new profile it comes in, with the old one no more.
    plain = scene.station.url
    scene.station.url, scene.station.tls = scene.node.tls_url, await trusting(scene)
    await enters(scene, "RemoteReset")
    assert (await seen_line(scene, 2)).startswith("TLSv1.")
    await scene.station.close()
    scene.station.url, scene.station.tls = plain, None
    await stays_out(scene, "plain instead of TLS")
    # And from 2 to 3.
    scene.station.url, scene.station.tls = scene.node.tls_url, await trusting(scene)
    await enters(scene)
    new = await renewal(scene, "ChargingStationCertificate", "SignChargingStationCertificate", "Accepted")
    await raised(scene, 3)
    password, context = scene.station.password, scene.station.tls
    await shows(scene, *new)
    await enters(scene, "RemoteReset")
    await scene.station.close()
    scene.station.password, scene.station.tls = password, context
    with pytest.raises(Refused) as refusal:
        await scene.station.connect()
    assert refusal.value.status == 401
