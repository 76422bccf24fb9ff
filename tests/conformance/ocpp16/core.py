"""Boot, resets, unlocking, configuration keys, cache, vendor messages, triggers."""

import json
from datetime import datetime
from time import time

import pytest

from conformance.node import ServerRefused
from conformance.ocpp16.acts import (
    asked,
    away,
    billed,
    card,
    charging,
    done,
    page,
    rejected,
    seen,
    session,
    stop,
    until,
)
from conformance.registry import case
from conformance.scene import Scene, boot_payload, now


@case("TC_001_CSMS", "1.6", basis="1.6 ed. 2 sections 4.2, 4.6, 4.9, 6.4, 7.38; schema")
async def cold_boot(scene: Scene) -> None:
    station = scene.station
    assert await station.connect() == "ocpp1.6"
    boot = boot_payload("1.6") | {"firmwareVersion": "1.2.3", "iccid": "8931", "meterType": "M", "imsi": "204"}
    answer = await station.call("BootNotification", boot)
    assert answer["status"] == "Accepted"
    assert answer["interval"] > 0
    told = datetime.fromisoformat(answer["currentTime"])
    assert told.utcoffset() is not None
    assert abs(told.timestamp() - time()) < 5
    for connector in (0, 1, 2):
        await scene.status(connector, "Available")
    beat = await station.call("Heartbeat", {})
    assert abs(datetime.fromisoformat(beat["currentTime"]).timestamp() - time()) < 5
    view = await page(scene)
    card = view["card"]
    assert view["live"]["connected"]
    assert view["live"]["version"] == card["version"] == "1.6"
    assert (card["vendor"], card["model"], card["serial"]) == ("Virtual", "Station", "V-1")
    assert card["firmware"] == "1.2.3"
    assert abs(card["boot_at"] - time()) < 5
    for connector in (1, 2):
        assert await seen(scene, connector) == ("Available", None)
    # The heartbeat interval is also a configuration key, and both say the same (4.2, 9.1.10).
    key = {"key": "HeartbeatInterval", "value": str(answer["interval"])}
    await until(lambda: ("ChangeConfiguration", key) in station.heard, "HeartbeatInterval")


@case("TC_013_CSMS", "1.6", basis="1.6 ed. 2 sections 4.10, 5.14, 6.39, 7.36, 7.42; errata 3.36, 3.81; schema")
async def hard_reset(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    transaction = await charging(scene, tag)
    told = await asked(scene, "reset", "Reset", {"type": "Hard"}, {"status": "Accepted"}, kind="Immediate")
    done(told)
    # It restarts at once; what ran is ended afterwards, with the reason (errata 3.36).
    await comes_back(scene)
    assert (await session(scene, transaction))["state"] == "active"
    assert await stop(scene, transaction, reason="HardReset") == {}
    await billed(scene, transaction, "HardReset", tag, "station restarted")


@case("TC_014_CSMS", "1.6", basis="1.6 ed. 2 sections 4.10, 5.14, 6.39, 7.36, 7.42; errata 3.36, 3.81; schema")
async def soft_reset(scene: Scene) -> None:
    await scene.booted()
    told = await asked(scene, "reset", "Reset", {"type": "Soft"}, {"status": "Rejected"}, kind="OnIdle")
    rejected(told)
    tag = await card(scene)
    transaction = await charging(scene, tag)
    told = await asked(scene, "reset", "Reset", {"type": "Soft"}, {"status": "Accepted"}, kind="OnIdle")
    done(told)
    # It ends what runs before it restarts (7.42).
    assert await stop(scene, transaction, reason="SoftReset") == {}
    await comes_back(scene)
    await billed(scene, transaction, "SoftReset", tag)


async def comes_back(scene: Scene) -> None:
    """The station restarts, boots and reports its connectors."""
    await scene.station.close()
    await until(lambda: away(scene), "a lost connection")
    await scene.booted()
    assert (await page(scene))["live"]["connected"]


@case("TC_017_1_CSMS", "1.6", basis="1.6 ed. 2 sections 5.18, 6.53, 7.46; schema")
async def unlock_without_session(scene: Scene) -> None:
    await scene.booted()
    sent = {"connectorId": 1}
    done(await asked(scene, "unlock-connector", "UnlockConnector", sent, {"status": "Unlocked"}, evse=1), "Unlocked")


@case("TC_017_2_CSMS", "1.6", basis="1.6 ed. 2 sections 5.18, 6.53, 7.46; schema")
async def unlock_of_a_fixed_cable(scene: Scene) -> None:
    await scene.booted()
    told = await asked(
        scene, "unlock-connector", "UnlockConnector", {"connectorId": 1}, {"status": "NotSupported"}, evse=1
    )
    rejected(told, "NotSupported")


@case("TC_030_CSMS", "1.6", basis="1.6 ed. 2 sections 5.18, 7.46; schema")
async def unlock_fails(scene: Scene) -> None:
    await scene.booted()
    told = await asked(
        scene, "unlock-connector", "UnlockConnector", {"connectorId": 1}, {"status": "UnlockFailed"}, evse=1
    )
    rejected(told, "UnlockFailed")


@case("TC_031_CSMS", "1.6", basis="1.6 ed. 2 sections 5.18, 7.46; errata 3.85; schema")
async def unlock_of_an_unknown_connector(scene: Scene) -> None:
    await scene.booted()
    told = await asked(
        scene, "unlock-connector", "UnlockConnector", {"connectorId": 9}, {"status": "NotSupported"}, evse=9
    )
    rejected(told, "NotSupported")
    # Connector 0 is the station itself: the server does not even ask (6.53 wants a connector above 0).
    with pytest.raises(ServerRefused) as refused:
        await scene.ask("unlock-connector", evse=0)
    assert refused.value.status == 400


@case("TC_019_1_CSMS", "1.6", basis="1.6 ed. 2 sections 5.8, 6.23, 6.24; errata 4.16; schema")
async def all_configuration_keys(scene: Scene) -> None:
    await scene.booted()
    keys = [
        {"key": "HeartbeatInterval", "readonly": False, "value": "900"},
        {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
        {"key": "VendorNote", "readonly": False},
    ]
    told = await asked(scene, "get-variables", "GetConfiguration", {}, {"configurationKey": keys}, names=[])
    done(told)
    rows = told["data"]["getVariableResult"]
    assert [(row["variable"]["name"], row["attributeValue"], row["mutability"]) for row in rows] == [
        ("HeartbeatInterval", "900", "ReadWrite"),
        ("NumberOfConnectors", "2", "ReadOnly"),
        ("VendorNote", "", "ReadWrite"),
    ]
    assert all(row["attributeStatus"] == "Accepted" for row in rows)


@case("TC_019_2_CSMS", "1.6", basis="1.6 ed. 2 sections 5.8, 6.23, 9.1.29; schema")
async def a_specific_configuration_key(scene: Scene) -> None:
    await scene.booted()
    found = {"key": "SupportedFeatureProfiles", "readonly": True, "value": "Core,FirmwareManagement"}
    told = await asked(
        scene,
        "get-variables",
        "GetConfiguration",
        {"key": ["SupportedFeatureProfiles"]},
        {"configurationKey": [found]},
        names=[{"variable": "SupportedFeatureProfiles"}],
    )
    done(told)
    (row,) = told["data"]["getVariableResult"]
    assert (row["attributeStatus"], row["attributeValue"]) == ("Accepted", "Core,FirmwareManagement")
    # One key of two is unknown: the known one is shown all the same.
    told = await asked(
        scene,
        "get-variables",
        "GetConfiguration",
        {"key": ["SupportedFeatureProfiles", "NoSuchKey"]},
        {"configurationKey": [found], "unknownKey": ["NoSuchKey"]},
        names=[{"variable": "SupportedFeatureProfiles"}, {"variable": "NoSuchKey"}],
    )
    rejected(told, "UnknownVariable")
    statuses = {row["variable"]["name"]: row["attributeStatus"] for row in told["data"]["getVariableResult"]}
    assert statuses == {"SupportedFeatureProfiles": "Accepted", "NoSuchKey": "UnknownVariable"}


async def change(scene: Scene, key: str, value: str, status: str) -> dict[str, object]:
    """Have the operator set a key; what he sees. (The settings the server makes by itself go on beside it.)"""
    told = scene.ask("set-variables", values=[{"name": {"variable": key}, "value": value}])
    request = await scene.station.expect("ChangeConfiguration", lambda payload: payload["value"] == value)
    assert request.payload == {"key": key, "value": value}
    await request.answer({"status": status})
    return await told


@case("TC_021_CSMS", "1.6", basis="1.6 ed. 2 sections 5.3, 6.9, 7.22, 9.1.19; schema")
async def change_configuration(scene: Scene) -> None:
    await scene.booted()
    done(await change(scene, "MeterValueSampleInterval", "77", "Accepted"))
    done(await change(scene, "WebSocketPingInterval", "78", "RebootRequired"), "RebootRequired")
    # A key by its name in OCPP 2.x goes out by its name in 1.6.
    name = {"component": "SampledDataCtrlr", "variable": "TxUpdatedInterval"}
    told = scene.ask("set-variables", values=[{"name": name, "value": "79"}])
    request = await scene.station.expect("ChangeConfiguration", lambda payload: payload["value"] == "79")
    assert request.payload["key"] == "MeterValueSampleInterval"
    await request.answer({"status": "Accepted"})
    done(await told)


@case("TC_040_1_CSMS", "1.6", basis="1.6 ed. 2 sections 5.3, 7.22; schema")
async def unknown_configuration_key(scene: Scene) -> None:
    await scene.booted()
    told = await change(scene, "NoSuchKey", "81", "NotSupported")
    rejected(told, "NotSupported")
    assert [row["attributeStatus"] for row in told["data"]["setVariableResult"]] == ["UnknownVariable"]


@case("TC_040_2_CSMS", "1.6", basis="1.6 ed. 2 sections 5.3, 7.22, 9.1.19; schema")
async def invalid_configuration_value(scene: Scene) -> None:
    await scene.booted()
    told = await change(scene, "MeterValueSampleInterval", "-1", "Rejected")
    rejected(told)
    assert [row["attributeStatus"] for row in told["data"]["setVariableResult"]] == ["Rejected"]


@case("TC_061_CSMS", "1.6", basis="1.6 ed. 2 sections 3.5.1, 5.4, 6.11, 7.20; errata 3.23; schema")
async def clear_cache(scene: Scene) -> None:
    await scene.booted()
    done(await asked(scene, "clear-cache", "ClearCache", {}, {"status": "Accepted"}))
    rejected(await asked(scene, "clear-cache", "ClearCache", {}, {"status": "Rejected"}))


@case("TC_064_CSMS", "1.6", basis="1.6 ed. 2 sections 3.12, 4.3, 6.15, 7.23; schema")
async def data_transfer(scene: Scene) -> None:
    await scene.booted()
    # The server has no implementation of this vendor, and must say so (4.3).
    message = {"vendorId": "org.example.nobody", "messageId": "hello", "data": '{"a": "ä<&>"}'}
    assert await scene.station.call("DataTransfer", message) == {"status": "UnknownVendorId"}
    assert await scene.station.call("DataTransfer", {"vendorId": "org.example.nobody"}) == {"status": "UnknownVendorId"}
    # The operator finds what was said, letter by letter.
    path = f"/api/stations/{scene.station.identity}/frames?incoming=true&action=DataTransfer"
    texts: list[str] = []

    async def logged() -> bool:
        texts[:] = [json.loads(frame["frame"])[3].get("data") for frame in (await scene.operator.get(path))["frames"]]
        return len(texts) == 2

    await until(logged, "the vendor's messages in the log")
    assert message["data"] in texts


PLAIN = (
    ("Heartbeat", "Heartbeat", {}),
    ("DiagnosticsStatusNotification", "DiagnosticsStatusNotification", {"status": "Idle"}),
    ("FirmwareStatusNotification", "FirmwareStatusNotification", {"status": "Idle"}),
)


@case("TC_054_CSMS", "1.6", basis="1.6 ed. 2 sections 5.17, 6.51, 7.32, 7.35; errata 3.40, 3.46; schema")
async def trigger_message(scene: Scene) -> None:
    await scene.booted()
    for message, action, payload in PLAIN:
        sent = {"requestedMessage": message}
        done(await asked(scene, "trigger-message", "TriggerMessage", sent, {"status": "Accepted"}, message=message))
        await scene.station.call(action, payload)
    sent = {"requestedMessage": "StatusNotification", "connectorId": 2}
    told = await asked(
        scene, "trigger-message", "TriggerMessage", sent, {"status": "Accepted"}, message="StatusNotification", evse=2
    )
    done(told)
    await scene.status(2, "Unavailable")
    assert await seen(scene, 2) == ("Unavailable", None)
    sent = {"requestedMessage": "MeterValues", "connectorId": 1}
    told = await asked(
        scene, "trigger-message", "TriggerMessage", sent, {"status": "Accepted"}, message="MeterValues", evse=1
    )
    done(told)
    value = {"value": "4321", "context": "Trigger", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
    meter = {"connectorId": 1, "meterValue": [{"timestamp": now(), "sampledValue": [value]}]}
    assert await scene.station.call("MeterValues", meter) == {}
    view = await page(scene)
    assert next(evse for evse in view["live"]["evses"] if evse["evse"] == 1)["register_wh"] == 4321
    # An accepted station must not be asked to boot again (errata 3.40); it is told so, and nothing is sent.
    told = await scene.ask("trigger-message", message="BootNotification")
    assert told["state"] == "failed"
    assert "last boot was accepted" in told["reason"]


@case("TC_055_CSMS", "1.6", basis="1.6 ed. 2 sections 5.17, 7.44; schema")
async def trigger_message_rejected(scene: Scene) -> None:
    await scene.booted()
    for status in ("Rejected", "NotImplemented"):
        told = await asked(
            scene,
            "trigger-message",
            "TriggerMessage",
            {"requestedMessage": "MeterValues"},
            {"status": status},
            message="MeterValues",
        )
        rejected(told, status)
    # A station that does not know the message at all answers with an error; the operator reads it.
    told = scene.ask("trigger-message", message="MeterValues")
    await (await scene.station.expect("TriggerMessage")).refuse("NotImplemented", "no such action here")
    seen_by_staff = await told
    rejected(seen_by_staff, "NotImplemented")
    assert seen_by_staff["reason"] == "no such action here"
