"""Firmware: secure updates, and local controllers that publish it (block L)."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from conformance.ocpp2.states import charging, connector, operate, shows, unix
from conformance.ocpp16.acts import done, page, rejected
from conformance.registry import case
from conformance.scene import Scene, boot_payload
from conformance.station import Payload, Request

URL = "https://firmware.example/station-2.0.bin"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ29uZm9ybWFuY2U=\n-----END CERTIFICATE-----\n"
SIGNATURE = "MEUCIQDx0mT9Yb7n3yTqfT1h5u8l0c2mQyUeQv1bq8S0l0w4YwIgQ29uZm9ybWFuY2U="
INSTALLED = ("Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting")
MD5 = "d41d8cd98f00b204e9800998ecf8427e"


class Update:
    """An update that the operator asks for and the station carries out."""

    def __init__(self, scene: Scene, request: Request, told: "asyncio.Task[Any]") -> None:
        self.scene, self.request, self.told = scene, request, told
        self.said: list[str] = []

    @classmethod
    async def asked(cls, scene: Scene, status: str = "Accepted", **arguments: Any) -> "Update":
        """The operator asks; the server must send exactly that, signed; the station answers `status`."""
        wish: dict[str, Any] = {"url": URL, "retrieve_at": unix(), "certificate": CERTIFICATE, "signature": SIGNATURE}
        wish |= arguments
        told = scene.ask("update-firmware", **wish)
        request = await scene.station.expect("UpdateFirmware")
        firmware = request.payload["firmware"]
        assert firmware["location"] == URL
        assert firmware["signingCertificate"] == CERTIFICATE
        assert firmware["signature"] == SIGNATURE
        assert request.payload["requestId"] >= 0
        assert set(request.payload) == {"requestId", "firmware"}, request.payload
        await request.answer({"status": status})
        return cls(scene, request, told)

    async def tells(self, *statuses: str) -> None:
        """The station says how far it is."""
        for status in statuses:
            payload = {"status": status, "requestId": self.request.payload["requestId"]}
            assert await self.scene.station.call("FirmwareStatusNotification", payload) == {}
            self.said.append(status)

    async def reboots(self) -> None:
        """The station restarts with its new firmware."""
        await reboot(self.scene)

    async def ends(self) -> dict[str, Any]:
        """What the operator sees in the end; every status stands in the station's history."""
        told = await self.told
        assert await history(self.scene, "firmware") == self.said
        return told


async def reboot(scene: Scene) -> None:
    """Boot after an update, and tell every connector's state."""
    await scene.station.close()
    await scene.station.connect()
    boot = boot_payload(scene.version, "FirmwareUpdate")
    boot["chargingStation"]["firmwareVersion"] = "2.0"
    assert (await scene.station.call("BootNotification", boot))["status"] == "Accepted"
    for evse in (1, 2):
        await connector(scene, evse, "Available")
    assert (await page(scene))["card"]["firmware"] == "2.0"


async def history(scene: Scene, kind: str) -> list[str]:
    """What the station told of its work, oldest first, as the operator sees it."""
    rows = await scene.operator.get(f"/api/stations/{scene.station.identity}/events?kind={kind}")
    return [row["name"] for row in reversed(rows)]


async def alerts(scene: Scene, kind: str) -> list[str]:
    """What is alarming at the station, as the operator sees it."""
    view = await page(scene)
    return [alert["detail"] for alert in view["alerts"] if alert["kind"] == kind]


def failed(told: dict[str, Any], status: str) -> None:
    """Fail unless the operator was told that the work came to nothing."""
    assert (told["state"], told["status"], told["run_state"]) == ("failed", status, "done"), told


@case("TC_L_01_CSMS", "2.0.1", "2.1", basis="part 6")
async def installation_successful(scene: Scene) -> None:
    await scene.booted()
    update = await Update.asked(scene)
    await update.tells(*INSTALLED)
    await update.reboots()
    await update.tells("Installed")
    done(await update.ends(), "Installed")
    assert await alerts(scene, "firmware") == []


@case("TC_L_02_CSMS", "2.0.1", "2.1", basis="part 6")
async def install_scheduled(scene: Scene) -> None:
    await scene.booted()
    at = unix(300)
    update = await Update.asked(scene, install_at=at)
    assert seconds(update.request.payload["firmware"]["installDateTime"]) == at
    await update.tells("Downloading", "Downloaded", "SignatureVerified", "InstallScheduled")
    await update.tells("Installing", "InstallRebooting")
    await update.reboots()
    await update.tells("Installed")
    done(await update.ends(), "Installed")


@case("TC_L_03_CSMS", "2.0.1", "2.1", basis="part 6")
async def download_scheduled(scene: Scene) -> None:
    await scene.booted()
    at = unix(300)
    update = await Update.asked(scene, retrieve_at=at)
    assert seconds(update.request.payload["firmware"]["retrieveDateTime"]) == at
    await update.tells("DownloadScheduled", *INSTALLED)
    await update.reboots()
    await update.tells("Installed")
    done(await update.ends(), "Installed")


def seconds(text: str) -> int:
    """A time as the server writes it, in Unix seconds."""
    return int(datetime.fromisoformat(text).timestamp())


@case("TC_L_04_CSMS", "2.0.1", "2.1", basis="part 6")
async def revoked_certificate(scene: Scene) -> None:
    await scene.booted()
    update = await Update.asked(scene, "RevokedCertificate")
    rejected(await update.ends(), "RevokedCertificate")


@case("TC_L_05_CSMS", "2.0.1", "2.1", basis="part 6")
async def invalid_certificate(scene: Scene) -> None:
    await scene.booted()
    update = await Update.asked(scene, "InvalidCertificate")
    rejected(await update.ends(), "InvalidCertificate")
    # A signature without its certificate is no signed firmware: the server does not even ask.
    told = await scene.ask("update-firmware", url=URL, retrieve_at=unix(), signature=SIGNATURE)
    assert told["state"] == "failed", told
    assert [name for name, _ in scene.station.heard].count("UpdateFirmware") == 1


@case("TC_L_06_CSMS", "2.0.1", "2.1", basis="part 6")
async def invalid_signature(scene: Scene) -> None:
    await fails(scene, "Downloading", "Downloaded", "InvalidSignature")


@case("TC_L_07_CSMS", "2.0.1", "2.1", basis="part 6")
async def download_failed(scene: Scene) -> None:
    await fails(scene, "Downloading", "DownloadFailed")


@case("TC_L_08_CSMS", "2.0.1", "2.1", basis="part 6")
async def install_verification_failed(scene: Scene) -> None:
    await fails(scene, *INSTALLED[:4], "InstallVerificationFailed")


async def fails(scene: Scene, *statuses: str) -> None:
    """An update that comes to nothing: the operator is told, and alerted."""
    await scene.booted()
    update = await Update.asked(scene)
    await update.tells(*statuses)
    failed(await update.ends(), statuses[-1])
    assert await alerts(scene, "firmware") == [statuses[-1]]


@case("TC_L_09_CSMS", "2.0.1", "2.1", basis="part 6")
async def installation_failed(scene: Scene) -> None:
    await scene.booted()
    update = await Update.asked(scene)
    await update.tells(*INSTALLED)
    await update.reboots()
    await update.tells("InstallationFailed")
    failed(await update.ends(), "InstallationFailed")
    assert await alerts(scene, "firmware") == ["InstallationFailed"]


@case("TC_L_10_CSMS", "2.0.1", "2.1", basis="part 6")
async def accepted_canceled(scene: Scene) -> None:
    await scene.booted()
    first = await Update.asked(scene)
    await first.tells("Downloading")
    second = await Update.asked(scene, "AcceptedCanceled")
    assert second.request.payload["requestId"] != first.request.payload["requestId"]
    await second.tells(*INSTALLED)
    await second.reboots()
    await second.tells("Installed")
    second.said = first.said + second.said
    done(await second.ends(), "Installed")
    # The one that gave way has failed, and nobody waits for it any more.
    told = await asyncio.wait_for(first.told, 5)
    failed(told, "AcceptedCanceled")


@case("TC_L_11_CSMS", "2.0.1", "2.1", basis="part 6")
async def unable_to_cancel(scene: Scene) -> None:
    await scene.booted()
    first = await Update.asked(scene)
    await first.tells("Downloading")
    second = await Update.asked(scene, "Rejected")
    rejected(await second.told)
    await first.tells(*INSTALLED[1:])
    await first.reboots()
    await first.tells("Installed")
    done(await first.ends(), "Installed")


@case("TC_L_13_CSMS", "2.0.1", "2.1", basis="part 6")
async def waits_for_a_transaction(scene: Scene) -> None:
    visit = await charging(scene)
    update = await Update.asked(scene)
    await update.tells("DownloadScheduled")
    await connector(scene, 2, "Unavailable")
    await shows(scene, 2, "Unavailable")
    await visit.authorise_stop()
    await visit.stop_charging()
    await visit.unplug()
    await visit.is_over("EVDisconnected")
    await update.tells(*INSTALLED)
    await update.reboots()
    await update.tells("Installed")
    done(await update.ends(), "Installed")
    await shows(scene, 2, "Available")


# -- publishing -------------------------------------------------------------------------------------------------------

PUBLISH = "L03; schemas of PublishFirmware and PublishFirmwareStatusNotification"
PLACES = ["http://10.0.0.1/station.bin", "ftp://10.0.0.1/station.bin"]


async def published(scene: Scene, statuses: Sequence[str], **last: Any) -> dict[str, Any]:
    """The operator has a controller publish; it says how far it is. What he sees in the end."""
    await scene.booted()
    told = scene.ask("publish-firmware", url=URL, checksum=MD5, retries=2, retry_interval_s=30)
    request = await scene.station.expect("PublishFirmware")
    number = request.payload["requestId"]
    wanted = {"location": URL, "checksum": MD5, "requestId": number, "retries": 2, "retryInterval": 30}
    assert request.payload == wanted
    await request.answer({"status": "Accepted"})
    for status in statuses:
        more = last if status == statuses[-1] else {}
        payload: Payload = {"status": status, "requestId": number} | more
        assert await scene.station.call("PublishFirmwareStatusNotification", payload) == {}
    seen = await told
    assert await history(scene, "publish") == list(statuses)
    return seen


@case("TC_L_17_CSMS", "2.0.1", "2.1", basis=PUBLISH)
async def publish(scene: Scene) -> None:
    told = await published(scene, ("Downloading", "Downloaded", "ChecksumVerified", "Published"), location=PLACES)
    done(told, "Published")
    # Where the stations behind it find it.
    assert all(place in told["reason"] for place in PLACES), told


@case("TC_L_19_CSMS", "2.0.1", "2.1", basis=PUBLISH)
async def invalid_checksum(scene: Scene) -> None:
    failed(await published(scene, ("Downloading", "Downloaded", "InvalidChecksum")), "InvalidChecksum")


@case("TC_L_20_CSMS", "2.0.1", "2.1", basis=PUBLISH)
async def publish_failed(scene: Scene) -> None:
    told = await published(scene, ("Downloading", "Downloaded", "ChecksumVerified", "PublishFailed"))
    failed(told, "PublishFailed")
    assert await alerts(scene, "firmware") == ["PublishFailed"]


@case("TC_L_24_CSMS", "2.0.1", "2.1", basis=PUBLISH)
async def publish_download_failed(scene: Scene) -> None:
    failed(await published(scene, ("Downloading", "DownloadFailed")), "DownloadFailed")


async def unpublished(scene: Scene, status: str) -> dict[str, Any]:
    """The operator has a controller offer a file no more; what he sees."""
    await scene.booted()
    sent, told = await operate(scene, "unpublish-firmware", "UnpublishFirmware", {"status": status}, checksum=MD5)
    assert sent == {"checksum": MD5}
    return told


UNPUBLISH = "L04; schema of UnpublishFirmware"


@case("TC_L_21_CSMS", "2.0.1", "2.1", basis=UNPUBLISH)
async def unpublish(scene: Scene) -> None:
    done(await unpublished(scene, "Unpublished"), "Unpublished")


@case("TC_L_22_CSMS", "2.0.1", "2.1", basis=UNPUBLISH)
async def unpublish_no_firmware(scene: Scene) -> None:
    rejected(await unpublished(scene, "NoFirmware"), "NoFirmware")


@case("TC_L_23_CSMS", "2.0.1", "2.1", basis=UNPUBLISH)
async def unpublish_while_downloading(scene: Scene) -> None:
    rejected(await unpublished(scene, "DownloadOngoing"), "DownloadOngoing")
