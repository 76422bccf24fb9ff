"""The security whitepaper: passwords, certificates, security events and logs, signed firmware."""

import asyncio
import time
from typing import Any

import pytest

from conformance import papers
from conformance.node import ServerRefused
from conformance.ocpp16.acts import done, failed, moment, page, rejected, until
from conformance.registry import case
from conformance.scene import Scene, boot_payload, now
from conformance.station import Payload, Refused, Request


async def staff(scene: Scene, action: str, path: str, body: Any, answer: Payload) -> tuple[Request, Any]:
    """Have the operator use a route of the station; what the server sent, answered by `answer`, and what he sees."""
    asking = asyncio.create_task(scene.operator.post(f"/api/stations/{scene.station.identity}/{path}", body))
    request = await scene.station.expect(action)
    await request.answer(answer)
    return request, await asking


async def events(scene: Scene, kind: str) -> list[dict[str, Any]]:
    """Security events of the station, as the operator sees them."""
    return await scene.operator.get(f"/api/security-events?station={scene.station.identity}&kind={kind}")


async def told(scene: Scene, kind: str, info: str = "") -> dict[str, Any]:
    """Send a security event; how the operator sees it."""
    payload = {"type": kind, "timestamp": now()} | ({"techInfo": info} if info else {})
    assert await scene.station.call("SecurityEventNotification", payload) == {}
    (seen,) = await events(scene, kind)
    assert (seen["station"], seen["info"]) == (scene.station.identity, info)
    assert abs(seen["at"] - time.time()) < 5
    return seen


# -- password ---------------------------------------------------------------------------------------------------------


async def password(scene: Scene, status: str) -> tuple[str, dict[str, str]]:
    """Have the operator give a new password; the one that was sent, and what he sees."""
    asking = asyncio.create_task(scene.operator.post(f"/api/stations/{scene.station.identity}/password"))
    request = await scene.station.expect("ChangeConfiguration", lambda payload: payload["key"] == "AuthorizationKey")
    value = request.payload["value"]
    assert len(value) == 40
    assert bytes.fromhex(value)
    await request.answer({"status": status})
    seen = await asking
    assert value.lower() not in str(seen).lower()
    return value, seen


async def enters(scene: Scene, secret: str | None) -> bool:
    """True if the station is let in with a password."""
    await scene.station.close()
    scene.station.password = secret
    try:
        await scene.station.connect()
    except Refused as refusal:
        return refusal.status != 401
    return True


@case(
    "TC_073_CSMS",
    "1.6",
    basis="whitepaper A01 (A01.FR.02 to .04, .07, .09), A00.FR.205, section 7.2; OCPP-J 1.6 errata 3.10",
)
async def new_password(scene: Scene) -> None:
    await scene.booted()
    first = scene.station.password
    # Refused: the old one stays, the new one was never good (A01.FR.04).
    for status in ("Rejected", "NotSupported"):
        refused, seen = await password(scene, status)
        assert seen["state"] == "kept"
        assert not await enters(scene, refused)
        assert await enters(scene, first)
    # Taken: only the new one is good (A01.FR.03).
    second, seen = await password(scene, "Accepted")
    assert seen["state"] == "taken"
    assert second != first
    assert not await enters(scene, first)
    assert await enters(scene, second)
    answer = await scene.station.call("BootNotification", boot_payload("1.6"))
    assert answer["status"] == "Accepted"
    # Nowhere in the log of messages (A01.FR.09).
    path = (
        f"/api/stations/{scene.station.identity}/frames?incoming=false&action=ChangeConfiguration&text=AuthorizationKey"
    )
    frames: list[str] = []

    async def logged() -> bool:
        frames[:] = [frame["frame"] for frame in (await scene.operator.get(path))["frames"]]
        return len(frames) == 3

    await until(logged, "the messages in the log")
    assert not any(second.lower() in frame.lower() for frame in frames)


# -- certificates -----------------------------------------------------------------------------------------------------


async def serial_told(scene: Scene) -> str:
    """Boot with a serial number of its own, which its certificate has to contain (A00.FR.405)."""
    await scene.booted()
    serial = f"SN{scene.station.identity}"
    boot = boot_payload("1.6") | {"chargePointSerialNumber": serial}
    assert (await scene.station.call("BootNotification", boot))["status"] == "Accepted"
    return serial


async def renewed(scene: Scene) -> None:
    """Have the operator ask for a new certificate of the station."""
    request, seen = await staff(scene, "ExtendedTriggerMessage", "certificates/renew", {}, {"status": "Accepted"})
    assert request.payload == {"requestedMessage": "SignChargePointCertificate"}
    assert (seen["status"], seen["accepted"]) == ("Accepted", True)


async def signed(scene: Scene, key: papers.Key, name: str) -> Request:
    """Send a request, and wait for the certificate; it waits for an answer."""
    answer = await scene.station.call("SignCertificate", {"csr": papers.request(key, name)})
    assert answer == {"status": "Accepted"}
    return await scene.station.expect("CertificateSigned")


async def certificate_is(scene: Scene, state: str) -> bool:
    """True if the operator sees the station's only certificate in a state."""
    listed = await scene.operator.get(f"/api/certificates?station={scene.station.identity}")
    return [one["state"] for one in listed] == [state]


@case(
    "TC_074_CSMS",
    "1.6",
    basis="whitepaper A02 (A02.FR.02 to .05, .11, .12), A00.FR.511; sections 5.1, 5.2, 5.5, 5.6, 5.17, 5.18",
)
async def new_certificate(scene: Scene) -> None:
    serial = await serial_told(scene)
    key = papers.new_key()
    await renewed(scene)
    request = await signed(scene, key, serial)
    chain = papers.loaded(request.payload["certificateChain"])
    leaf = chain[0]
    assert leaf.public_key() == key.public_key()
    assert leaf.subject == papers.subject(serial)
    (root,) = papers.loaded((await raw(scene, "/api/authority/root.pem")).decode())
    for lower, upper in zip(chain, [*chain[1:], root], strict=False):
        lower.verify_directly_issued_by(upper)
    await request.answer({"status": "Accepted"})
    await until(lambda: certificate_is(scene, "accepted"), "an accepted certificate")
    # What must not be signed is not, and the operator reads why (A02.FR.12 of the server's side: Rejected).
    for wrong in (papers.request(key, serial, "Somebody"), papers.request(key, "another"), "no request"):
        assert await scene.station.call("SignCertificate", {"csr": wrong}) == {"status": "Rejected"}
    refused = await scene.operator.get(f"/api/certificates/refused?station={scene.station.identity}")
    assert [row["code"] for row in refused] == ["NotARequest", "WrongCommonName", "WrongOrganisation"]
    # A station that will not is shown as such.
    _, seen = await staff(scene, "ExtendedTriggerMessage", "certificates/renew", {}, {"status": "NotImplemented"})
    assert (seen["status"], seen["accepted"]) == ("NotImplemented", False)


async def raw(scene: Scene, path: str) -> bytes:
    """The body of an operator's GET that is no JSON."""
    async with scene.node.client() as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    return answer.content


async def install(scene: Scene, kind: str, said: str) -> None:
    """Have the operator install a root: taken, refused, failed; and what he sees is there."""
    await scene.booted()
    root = papers.certificate(papers.new_key(), f"Root {scene.station.identity}")
    text = papers.pem(root)
    for status in ("Rejected", "Failed", "Accepted"):
        request, seen = await staff(
            scene, "InstallCertificate", "certificates/install", {"kind": kind, "pem": text}, {"status": status}
        )
        assert request.payload == {"certificateType": said, "certificate": text}
        assert (seen["status"], seen["accepted"]) == (status, status == "Accepted")
    # What can be no root is not even sent.
    leaf = papers.pem(papers.certificate(papers.new_key(), "leaf", root, papers.new_key()))
    path = f"/api/stations/{scene.station.identity}/certificates/install"
    for wrong in (leaf, "no certificate"):
        with pytest.raises(ServerRefused) as refused:
            await scene.operator.post(path, {"kind": kind, "pem": wrong})
        assert refused.value.status == 400
    answers = {said: {"status": "Accepted", "certificateHashData": [papers.hash_data(root)]}}
    scene.station.habits["GetInstalledCertificateIds"] = lambda payload: answers.get(
        payload["certificateType"], {"status": "NotFound"}
    )
    found = await scene.operator.post(f"/api/stations/{scene.station.identity}/certificates/list")
    (row,) = found["installed"]
    assert (row["kind"], row["data"]) == (kind, papers.hash_data(root))


@case(
    "TC_075_1_CSMS",
    "1.6",
    basis="whitepaper M05 (M05.FR.01 to .06), M03 (M03.FR.01 to .04); sections 5.7, 5.8, 5.11, 5.12",
)
async def install_manufacturer_root(scene: Scene) -> None:
    await install(scene, "ManufacturerRootCertificate", "ManufacturerRootCertificate")


@case(
    "TC_075_2_CSMS",
    "1.6",
    basis="whitepaper M05 (M05.FR.01 to .06), M03 (M03.FR.01 to .04); sections 5.7, 5.8, 5.11, 5.12",
)
async def install_central_system_root(scene: Scene) -> None:
    await install(scene, "CSMSRootCertificate", "CentralSystemRootCertificate")


@case(
    "TC_076_CSMS", "1.6", basis="whitepaper M03 (M03.FR.01 to .04), M04 (M04.FR.01 to .07); sections 5.3, 5.4, 5.7, 5.8"
)
async def delete_certificate(scene: Scene) -> None:
    await scene.booted()
    root = papers.certificate(papers.new_key(), f"Root {scene.station.identity}")
    # As stations write it: the server must send back what it was told (M04.FR.07).
    data = {name: value.upper() for name, value in papers.hash_data(root).items()}
    asking = asyncio.create_task(scene.operator.post(f"/api/stations/{scene.station.identity}/certificates/list"))
    for _ in range(2):
        request = await scene.station.expect("GetInstalledCertificateIds")
        mine = request.payload["certificateType"] == "CentralSystemRootCertificate"
        rows = {"status": "Accepted", "certificateHashData": [data]}
        await request.answer(rows if mine else {"status": "NotFound"})
    (row,) = (await asking)["installed"]
    assert row["kind"] == "CSMSRootCertificate"
    for status in ("Failed", "NotFound", "Accepted"):
        request, seen = await staff(scene, "DeleteCertificate", "certificates/delete", data, {"status": status})
        assert request.payload == {"certificateHashData": data}
        assert (seen["status"], seen["accepted"]) == (status, status == "Accepted")


@case(
    "TC_077_CSMS",
    "1.6",
    basis="whitepaper A02 (A02.FR.06, .07), A04 (A04.FR.01, .03); sections 5.1, 5.2, 5.15, 5.16, 8",
)
async def invalid_charge_point_certificate(scene: Scene) -> None:
    serial = await serial_told(scene)
    await renewed(scene)
    request = await signed(scene, papers.new_key(), serial)
    await request.answer({"status": "Rejected"})
    await until(lambda: certificate_is(scene, "rejected"), "a rejected certificate")
    seen = await told(scene, "InvalidChargePointCertificate", "not by a known authority")
    assert seen["critical"]


@case(
    "TC_078_CSMS",
    "1.6",
    basis="whitepaper M05 (M05.FR.04, .10), A04 (A04.FR.01, .03); sections 5.11, 5.12, 5.15, 5.16, 8",
)
async def invalid_central_system_certificate(scene: Scene) -> None:
    await scene.booted()
    root = papers.pem(papers.certificate(papers.new_key(), "Stranger"))
    body = {"kind": "CSMSRootCertificate", "pem": root}
    request, seen = await staff(scene, "InstallCertificate", "certificates/install", body, {"status": "Rejected"})
    assert request.payload["certificateType"] == "CentralSystemRootCertificate"
    assert (seen["status"], seen["accepted"]) == ("Rejected", False)
    assert (await told(scene, "InvalidCentralSystemCertificate"))["critical"]


# -- security log, signed firmware ------------------------------------------------------------------------------------


async def log(scene: Scene, number: int, *statuses: str) -> None:
    """Tell how far the upload of a log is."""
    for status in statuses:
        payload = {"status": status, "requestId": number}
        assert await scene.station.call("LogStatusNotification", payload) == {}


@case(
    "TC_079_CSMS", "1.6", basis="whitepaper N01 (N01.FR.01, .03, .07 to .10, .12); sections 5.9, 5.10, 5.13, 5.14, 6.17"
)
async def security_log(scene: Scene) -> None:
    await scene.booted()
    oldest, url = int(time.time()) - 86_400, f"sftp://files.example/{scene.station.identity}"
    asking = scene.ask("get-log", kind="SecurityLog", url=url, oldest=oldest, retries=2, retry_interval_s=30)
    request = await scene.station.expect("GetLog")
    number = request.payload["requestId"]
    where = {"remoteLocation": url, "oldestTimestamp": moment(oldest)}
    sent = {"logType": "SecurityLog", "log": where, "retries": 2, "retryInterval": 30}
    assert request.payload == sent | {"requestId": number}
    await request.answer({"status": "Accepted", "filename": "security.log"})
    await log(scene, number, "Uploading")
    await log(scene, number + 1, "Uploaded")  # Another request's: this one goes on (N01.FR.07).
    assert not asking.done()
    await log(scene, number, "Uploaded")
    seen = await asking
    done(seen, "Uploaded")
    assert seen["data"] == {"filename": "security.log"}
    for status in ("BadMessage", "PermissionDenied", "NotSupportedOperation", "UploadFailure"):
        asking = scene.ask("get-log", kind="SecurityLog", url=url)
        request = await scene.station.expect("GetLog")
        await request.answer({"status": "Accepted", "filename": "security.log"})
        await log(scene, request.payload["requestId"], "Uploading", status)
        failed(await asking, status)
    asking = scene.ask("get-log", kind="SecurityLog", url=url)
    await (await scene.station.expect("GetLog")).answer({"status": "Rejected"})
    rejected(await asking)


async def firmware(scene: Scene, number: int, *statuses: str) -> None:
    """Tell how far a signed update is."""
    for status in statuses:
        payload = {"status": status, "requestId": number}
        assert await scene.station.call("SignedFirmwareStatusNotification", payload) == {}


async def signed_update(scene: Scene, answer: str = "Accepted") -> tuple[Any, int]:
    """Have the operator update with signed firmware; the task of what he sees in the end, and its number."""
    key, at = papers.new_key(), int(time.time())
    certificate = papers.pem(papers.certificate(key, "Firmware", papers.certificate(key, "Maker"), key))
    url = f"https://files.example/{scene.station.identity}/2.0.bin"
    asking = scene.ask(
        "update-firmware",
        url=url,
        retrieve_at=at,
        install_at=at + 60,
        certificate=certificate,
        signature=papers.signature(key, b"firmware"),
        retries=1,
    )
    request = await scene.station.expect("SignedUpdateFirmware")
    number = request.payload["requestId"]
    sent = request.payload["firmware"]
    assert request.payload == {"requestId": number, "firmware": sent, "retries": 1}
    assert sent.pop("signature")
    wanted = {"location": url, "retrieveDateTime": moment(at), "installDateTime": moment(at + 60)}
    assert sent == wanted | {"signingCertificate": certificate}
    await request.answer({"status": answer})
    return asking, number


@case(
    "TC_080_CSMS",
    "1.6",
    basis="whitepaper L01 (L01.FR.01, .04, .05, .10, .11, .15, .16, .21), A00.FR.706; sections 5.19 to 5.22, 8",
)
async def signed_firmware(scene: Scene) -> None:
    await scene.booted()
    asking, number = await signed_update(scene)
    await firmware(scene, number, "DownloadScheduled", "Downloading", "Downloaded", "SignatureVerified")
    await firmware(scene, number, "InstallScheduled", "Installing", "InstallRebooting")
    assert not asking.done()
    await scene.station.close()
    await scene.station.connect()
    boot = boot_payload("1.6") | {"firmwareVersion": "2.0"}
    assert (await scene.station.call("BootNotification", boot))["status"] == "Accepted"
    await firmware(scene, number, "Installed")
    done(await asking, "Installed")
    assert (await told(scene, "FirmwareUpdated"))["critical"]
    assert (await page(scene))["card"]["firmware"] == "2.0"
    await the_makers_image(scene)


async def the_makers_image(scene: Scene) -> None:
    """An image in the node's own store: its signature is checked before any station hears of it (A00.FR.706)."""
    key, image = papers.new_key(), b"firmware of " + scene.station.identity.encode()
    certificate = papers.pem(papers.certificate(key, "Firmware", papers.certificate(key, "Maker"), key))
    async with scene.node.client() as client:
        kept = (await client.post("/api/firmware/images?name=fw.bin", content=image)).json()
    path = f"/api/firmware/images/{kept['file']}/signature"
    wrong = papers.signature(key, b"something else")
    with pytest.raises(ServerRefused) as refused:
        await scene.operator.put(path, {"signature": wrong, "certificate": certificate})
    assert refused.value.status == 400
    right = papers.signature(key, image)
    found = await scene.operator.put(path, {"signature": right, "certificate": certificate})
    assert (found["detail"]["signature"], found["detail"]["certificate"]) == (right, certificate)


@case(
    "TC_081_CSMS",
    "1.6",
    basis="whitepaper L01 (L01.FR.02, .03, .12, .23 to .25), A04; sections 5.15, 5.16, 5.19 to 5.22, 8",
)
async def firmware_with_a_bad_signature(scene: Scene) -> None:
    await scene.booted()
    asking, number = await signed_update(scene)
    await firmware(scene, number, "Downloading", "Downloaded", "InvalidSignature")
    failed(await asking, "InvalidSignature")
    assert (await told(scene, "InvalidFirmwareSignature"))["critical"]
    for status in ("InvalidCertificate", "RevokedCertificate"):
        asking, _ = await signed_update(scene, status)
        rejected(await asking, status)
    assert (await told(scene, "InvalidFirmwareSigningCertificate"))["critical"]
