"""Logs that stations bring (block N: N01)."""

import asyncio
import base64
from typing import Any

import httpx2

from conformance.ocpp2.l_firmware import alerts, failed, history, seconds
from conformance.ocpp2.states import operate, unix, until
from conformance.ocpp16.acts import done, rejected
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Request

URL = "https://logs.example/up"


class Log:
    """A log the operator asks for."""

    def __init__(self, scene: Scene, request: Request, told: "asyncio.Task[Any]") -> None:
        self.scene, self.request, self.told = scene, request, told

    @classmethod
    async def asked(cls, scene: Scene, kind: str, status: str = "Accepted") -> "Log":
        """The operator asks; the server must send exactly that; the station answers `status`."""
        begin, end = unix(-3600), unix()
        told = scene.ask("get-log", kind=kind, url=URL, oldest=begin, latest=end, retries=1, retry_interval_s=5)
        request = await scene.station.expect("GetLog")
        sent = dict(request.payload)
        log = sent.pop("log")
        assert sent.pop("requestId") >= 0
        assert sent == {"logType": kind, "retries": 1, "retryInterval": 5}
        assert log["remoteLocation"] == URL
        assert (seconds(log["oldestTimestamp"]), seconds(log["latestTimestamp"])) == (begin, end)
        await request.answer({"status": status} | ({"filename": "station.log"} if status != "Rejected" else {}))
        return cls(scene, request, told)

    async def tells(self, *statuses: str) -> None:
        """The station says how far it is."""
        for status in statuses:
            payload = {"status": status, "requestId": self.request.payload["requestId"]}
            assert await self.scene.station.call("LogStatusNotification", payload) == {}


async def brought(scene: Scene, kind: str) -> None:
    """A log is brought: the operator sees the way and the end."""
    await scene.booted()
    log = await Log.asked(scene, kind)
    await log.tells("Uploading", "Uploaded")
    told = await log.told
    done(told, "Uploaded")
    assert told["data"] == {"filename": "station.log"}
    assert await history(scene, "log") == ["Uploading", "Uploaded"]


@case("TC_N_25_CSMS", "2.0.1", "2.1", basis="part 6")
async def diagnostics_log(scene: Scene) -> None:
    await brought(scene, "DiagnosticsLog")
    # One that does not get there is an alert.
    log = await Log.asked(scene, "DiagnosticsLog")
    await log.tells("Uploading", "UploadFailure")
    failed(await log.told, "UploadFailure")
    assert await alerts(scene, "log") == ["UploadFailure"]


@case("TC_N_34_CSMS", "2.0.1", "2.1", basis="part 6")
async def log_rejected(scene: Scene) -> None:
    await scene.booted()
    log = await Log.asked(scene, "DiagnosticsLog", "Rejected")
    rejected(await log.told)


@case("TC_N_35_CSMS", "2.0.1", "2.1", basis="part 6")
async def security_log(scene: Scene) -> None:
    await brought(scene, "SecurityLog")


@case("TC_N_36_CSMS", "2.0.1", "2.1", basis="part 6")
async def second_request(scene: Scene) -> None:
    await scene.booted()
    first = await Log.asked(scene, "DiagnosticsLog")
    await first.tells("Uploading")
    second = await Log.asked(scene, "SecurityLog", "AcceptedCanceled")
    assert second.request.payload["requestId"] != first.request.payload["requestId"]
    await first.tells("AcceptedCanceled")
    failed(await first.told, "AcceptedCanceled")
    await second.tells("Uploading", "Uploaded")
    done(await second.told, "Uploaded")
    assert await history(scene, "log") == ["Uploading", "AcceptedCanceled", "Uploading", "Uploaded"]


@case("TC_N_100_CSMS", "2.1", basis="N01; schema of GetLog (DataCollectorLog)")
async def data_collector_log(scene: Scene) -> None:
    await brought(scene, "DataCollectorLog")


@case("TC_N_102_CSMS", "2.1", basis="N01; schema of GetLog; HTTP basic authentication (RFC 7617)")
async def upload_with_http_credentials(scene: Scene) -> None:
    await scene.booted()
    path = f"/api/stations/{scene.station.identity}/logs"
    asked = asyncio.create_task(scene.operator.post(path, {"kind": "DiagnosticsLog"}))
    request = await scene.station.expect("GetLog")
    url = request.payload["log"]["remoteLocation"]
    assert url.startswith("http://")
    await request.answer({"status": "Accepted"})
    run = (await asked)["run"]
    async with httpx2.AsyncClient(trust_env=False) as client:

        async def put(user: str) -> int:
            credentials = base64.b64encode(f"{user}:{scene.station.password}".encode()).decode()
            headers = {"Authorization": f"Basic {credentials}"}
            return (await client.put(f"{url}/station.log", content=b"all is well", headers=headers)).status_code

        assert await put("SOMEBODY-ELSE") == 403
        assert await put(scene.station.identity) == 201
        # The address is used up.
        assert await put(scene.station.identity) == 403
    payload = {"status": "Uploaded", "requestId": request.payload["requestId"]}
    assert await scene.station.call("LogStatusNotification", payload) == {}
    found = await until(lambda: scene.operator.get(f"/api/runs/{run}"), lambda one: one["state"] == "done")
    assert found["items"][0]["status"] == "Uploaded"
    (file,) = await scene.operator.get(f"/api/files?kind=log&station={scene.station.identity}")
    assert (file["name"], file["size"]) == ("station.log", 11)


@case("TC_N_102_2_CSMS", "2.1", basis="N01; schema of GetLog; credentials in an HTTPS address (RFC 3986 3.2.1)")
async def upload_with_https_credentials(scene: Scene) -> None:
    await scene.booted()
    url = "https://station:pass%20word@logs.example:8443/up?day=1"
    told = scene.ask("get-log", kind="SecurityLog", url=url)
    request = await scene.station.expect("GetLog")
    # An address that brings its credentials reaches the station as it is.
    assert request.payload["log"] == {"remoteLocation": url}
    await request.answer({"status": "Accepted"})
    await Log(scene, request, told).tells("Uploading", "PermissionDenied")
    failed(await told, "PermissionDenied")
    sent, seen = await operate(scene, "get-log", "GetLog", {"status": "Rejected"}, kind="SecurityLog", url=url)
    assert sent["log"] == {"remoteLocation": url}
    rejected(seen)
