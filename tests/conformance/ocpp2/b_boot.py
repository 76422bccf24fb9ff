"""Block B, boots: who is let in, who has to wait, and which OCPP version is spoken."""

from datetime import datetime
from typing import Any

import pytest

from conformance.ocpp2.states import connector, event_row, operate, shows
from conformance.ocpp16.acts import done, page
from conformance.registry import case
from conformance.scene import Scene, boot_payload, now
from conformance.station import SUBPROTOCOLS, CallError, Payload

BOTH = ("2.0.1", "2.1")


async def registered(scene: Scene, status: str) -> None:
    """The operator says how the station's boots are to be answered."""
    path = f"/api/stations/{scene.station.identity}"
    card = await scene.operator.request("PATCH", path, {"registration": status})
    assert card["registration"] == status, card


async def boot(scene: Scene, status: str, reason: str = "PowerUp") -> Payload:
    """Boot, and be answered `status`, with a time and an interval to wait or to beat."""
    answer = await scene.station.call("BootNotification", boot_payload(scene.version, reason))
    assert answer["status"] == status, answer
    assert answer["interval"] > 0, answer
    assert abs(seconds(answer["currentTime"]) - seconds(now())) <= 2, answer
    return answer


def seconds(text: str) -> int:
    """A time of a message in Unix seconds."""
    return int(datetime.fromisoformat(text).timestamp())


async def connectors(scene: Scene, other: str = "Available") -> None:
    """Tell both connectors' states; the operator sees them."""
    await connector(scene, 1, other)
    await connector(scene, 2, "Available")
    await shows(scene, 1, other)
    await shows(scene, 2, "Available")


async def security_error(scene: Scene, action: str, payload: Payload) -> None:
    """Fail unless the server refuses the request with a SecurityError."""
    with pytest.raises(CallError) as refusal:
        await scene.station.call(action, payload)
    assert refusal.value.code == "SecurityError", refusal.value


@case("TC_B_01_CSMS", *BOTH, basis="part 6")
async def accepted(scene: Scene) -> None:
    await scene.station.connect()
    await boot(scene, "Accepted")
    await connectors(scene)
    card = (await page(scene))["card"]
    seen = {name: card[name] for name in ("vendor", "model", "serial", "firmware", "version", "connected")}
    assert seen == {
        "vendor": "Virtual",
        "model": "Station",
        "serial": "V-1",
        "firmware": "1.0",
        "version": scene.version,
        "connected": True,
    }


@case("TC_B_02_CSMS", *BOTH, basis="part 6")
async def pending(scene: Scene) -> None:
    await registered(scene, "Pending")
    await scene.station.connect()
    await boot(scene, "Pending")
    sent, told = await read_while_pending(scene)
    assert sent["getVariableData"][0]["variable"] == {"name": "OfflineThreshold"}
    done(told)
    await registered(scene, "Accepted")
    await boot(scene, "Accepted")
    await connectors(scene)


async def read_while_pending(scene: Scene) -> tuple[Payload, dict[str, Any]]:
    """B02.FR.01: while it waits, the operator reads a setting."""
    place = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "OfflineThreshold"}}
    answer = {"getVariableResult": [{"attributeStatus": "Accepted", "attributeValue": "60"} | place]}
    names = [{"component": "OCPPCommCtrlr", "variable": "OfflineThreshold"}]
    return await operate(scene, "get-variables", "GetVariables", answer, names=names)


@case("TC_B_30_CSMS", *BOTH, basis="part 6")
async def unasked_while_waiting(scene: Scene) -> None:
    status = {"timestamp": now(), "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
    row = event_row("Connector", "AvailabilityState", "Available", 1)
    event = {"generatedAt": now(), "seqNo": 0, "eventData": [row]}
    for registration in ("Pending", "Rejected"):
        await registered(scene, registration)
        await scene.station.connect()
        await boot(scene, registration)
        await security_error(scene, "StatusNotification", status)
        await security_error(scene, "NotifyEvent", event)
        await scene.station.close()
    view = await page(scene)
    assert view["card"]["evses"][0]["status"] != "Available", view["card"]
    assert "before-acceptance" in [remark["code"] for remark in view["live"]["remarks"]], view["live"]


@case("TC_B_31_CSMS", *BOTH, basis="part 6")
async def boot_triggered(scene: Scene) -> None:
    await registered(scene, "Pending")
    await scene.station.connect()
    await boot(scene, "Pending")
    asked = scene.ask("trigger-message", message="BootNotification")
    request = await scene.station.expect("TriggerMessage")
    assert request.payload == {"requestedMessage": "BootNotification"}, request.payload
    await registered(scene, "Accepted")
    await request.answer({"status": "Accepted"})
    await boot(scene, "Accepted", "Triggered")
    done(await asked)
    await connectors(scene)


@case("TC_B_58_CSMS", *BOTH, basis="part 4, 3.1.2; names of the subprotocols")
async def subprotocol(scene: Scene) -> None:
    station, own = scene.station, SUBPROTOCOLS[scene.version]
    # Nothing we speak: no subprotocol is chosen, and no OCPP is spoken.
    assert await station.connect(["ocpp0.1"]) is None
    assert await station.closed() == 1002
    await station.close()
    # The first of those the station prefers that we speak.
    assert await station.connect(["ocpp0.1", own]) == own
    await boot(scene, "Accepted")
    assert (await page(scene))["live"]["version"] == scene.version
