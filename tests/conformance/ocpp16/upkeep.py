"""Firmware updates and diagnostics, without the security whitepaper."""

import asyncio
import time
from typing import Any

import httpx2

from conformance.ocpp16.acts import done, failed, moment, page, rejected
from conformance.registry import case
from conformance.scene import Scene, boot_payload


def address(scene: Scene) -> str:
    """Where the firmware lies; no other case's."""
    return f"https://files.example/{scene.station.identity}/2.0.bin"


async def firmware(scene: Scene, *statuses: str) -> None:
    """Tell how far a firmware update is."""
    for status in statuses:
        assert await scene.station.call("FirmwareStatusNotification", {"status": status}) == {}


async def progress(scene: Scene, url: str) -> tuple[str, str, str]:
    """How far the run over `url` is at the station, its last word, and the state of the run."""
    (run,) = [run for run in await scene.operator.get("/api/runs?limit=50") if run["arguments"].get("url") == url]
    item = await scene.operator.get(f"/api/runs/{run['run']}/stations/{scene.station.identity}")
    return item["state"], item["status"], run["state"]


async def update(scene: Scene) -> Any:
    """Have the operator update the firmware; the task of what he sees in the end."""
    at, url = int(time.time()), address(scene)
    told = scene.ask("update-firmware", url=url, retrieve_at=at, retries=3, retry_interval_s=20)
    request = await scene.station.expect("UpdateFirmware")
    assert request.payload == {"location": url, "retrieveDate": moment(at), "retries": 3, "retryInterval": 20}
    await request.answer({})
    await firmware(scene, "Downloading")
    assert await progress(scene, address(scene)) == ("in progress", "Downloading", "running")
    return told


@case("TC_044_1_CSMS", "1.6", basis="1.6 ed. 2 sections 4.5, 5.19, 6.55, 7.25; errata 3.12, 3.47, 3.63; schema")
async def firmware_installed(scene: Scene) -> None:
    await scene.booted()
    told = await update(scene)
    await firmware(scene, "Downloaded", "Installing")
    assert await progress(scene, address(scene)) == ("in progress", "Installing", "running")
    assert not told.done()
    await scene.station.close()
    await scene.station.connect()
    boot = boot_payload("1.6") | {"firmwareVersion": "2.0"}
    assert (await scene.station.call("BootNotification", boot))["status"] == "Accepted"
    await firmware(scene, "Installed")
    done(await told, "Installed")
    assert (await page(scene))["card"]["firmware"] == "2.0"


@case("TC_044_2_CSMS", "1.6", basis="1.6 ed. 2 sections 4.5, 5.19, 7.25; errata 3.47; schema")
async def firmware_not_downloaded(scene: Scene) -> None:
    await scene.booted()
    told = await update(scene)
    await firmware(scene, "DownloadFailed")
    failed(await told, "DownloadFailed")


@case("TC_044_3_CSMS", "1.6", basis="1.6 ed. 2 sections 4.5, 5.19, 7.25; errata 3.47; schema")
async def firmware_not_installed(scene: Scene) -> None:
    await scene.booted()
    told = await update(scene)
    await firmware(scene, "Downloaded", "Installing", "InstallationFailed")
    failed(await told, "InstallationFailed")


async def diagnostics(scene: Scene, *statuses: str) -> None:
    """Tell how far an upload is."""
    for status in statuses:
        assert await scene.station.call("DiagnosticsStatusNotification", {"status": status}) == {}


@case("TC_045_1_CSMS", "1.6", basis="1.6 ed. 2 sections 4.4, 5.9, 6.25, 6.26, 7.24, 8.2; errata 3.31, 3.50; schema")
async def diagnostics_uploaded(scene: Scene) -> None:
    await scene.booted()
    url, oldest = f"ftp://files.example/{scene.station.identity}", int(time.time()) - 3600
    told = scene.ask("get-log", kind="DiagnosticsLog", by="GetDiagnostics", url=url, oldest=oldest, retries=2)
    request = await scene.station.expect("GetDiagnostics")
    assert request.payload == {"location": url, "startTime": moment(oldest), "retries": 2}
    await request.answer({"fileName": "diagnostics.zip"})
    await diagnostics(scene, "Uploading")
    assert await progress(scene, url) == ("in progress", "Uploading", "running")
    await diagnostics(scene, "Uploaded")
    seen = await told
    done(seen, "Uploaded")
    assert seen["data"] == {"filename": "diagnostics.zip"}
    # Into the node's own store, by a one-time address.
    asking = asyncio.create_task(
        scene.operator.post(f"/api/stations/{scene.station.identity}/logs", {"by": "GetDiagnostics"})
    )
    request = await scene.station.expect("GetDiagnostics")
    await request.answer({"fileName": "own.zip"})
    await asking
    await diagnostics(scene, "Uploading")
    async with httpx2.AsyncClient(trust_env=False) as client:
        address = request.payload["location"]
        assert (await client.put(f"{address}/own.zip", content=b"what happened")).status_code == 201
        assert (await client.put(f"{address}/own.zip", content=b"again")).status_code == 403
    await diagnostics(scene, "Uploaded")
    (file,) = await scene.operator.get(f"/api/files?station={scene.station.identity}")
    assert (file["name"], file["size"], file["kind"]) == ("own.zip", 13, "log")


@case("TC_045_2_CSMS", "1.6", basis="1.6 ed. 2 sections 4.4, 5.9, 7.24; errata 3.31, 3.50; schema")
async def diagnostics_not_uploaded(scene: Scene) -> None:
    await scene.booted()
    url = f"ftp://files.example/{scene.station.identity}"
    told = scene.ask("get-log", kind="DiagnosticsLog", by="GetDiagnostics", url=url)
    request = await scene.station.expect("GetDiagnostics")
    assert request.payload == {"location": url}
    await request.answer({"fileName": "diagnostics.zip"})
    await diagnostics(scene, "Uploading", "UploadFailed")
    failed(await told, "UploadFailure")
    # A station that has nothing to bring names no file, and that is all there is (6.26).
    told = scene.ask("get-log", kind="DiagnosticsLog", by="GetDiagnostics", url=url)
    request = await scene.station.expect("GetDiagnostics")
    await request.answer({})
    rejected(await told)
