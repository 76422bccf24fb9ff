"""Limits of others, and what only profiles of 2.1 say (block K: K01, K11 to K14, K22, K28)."""

from typing import Any

from conformance.ocpp2.k_profiles import SET, not_sent, ours, profile, schedule, set_profile
from conformance.ocpp2.states import charging, operate, refused, unix
from conformance.ocpp16.acts import done, rejected
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

LIMIT = "K11 to K14; schemas of NotifyChargingLimit and ClearedChargingLimit"


async def events(scene: Scene, kind: str) -> list[dict[str, Any]]:
    """What the station told of that kind, newest first, as the operator sees it."""
    return await scene.operator.get(f"/api/stations/{scene.station.identity}/events?kind={kind}")


def external(limit: float) -> Payload:
    """A schedule an energy manager sets."""
    periods = [{"startPeriod": 0, "limit": limit}]
    return {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": periods}


async def limited(scene: Scene, source: str, limit: float | None = None, evse: int | None = None) -> None:
    """The station tells of a limit of others; the operator sees it."""
    payload: Payload = {"chargingLimit": {"chargingLimitSource": source, "isGridCritical": True}}
    payload |= {"evseId": evse} if evse is not None else {}
    payload |= {"chargingSchedule": [external(limit)]} if limit is not None else {}
    assert await scene.station.call("NotifyChargingLimit", payload) == {}
    row = (await events(scene, "limit"))[0]
    assert (row["name"], row["cleared"], row["detail"]["grid_critical"]) == (source, False, True)
    assert row["detail"].get("evse") == evse
    assert row["detail"].get("schedules") == ([external(limit)] if limit is not None else None)


async def released(scene: Scene, source: str, evse: int | None = None) -> None:
    """The station tells that it is gone; the operator sees it."""
    payload: Payload = {"chargingLimitSource": source} | ({"evseId": evse} if evse is not None else {})
    assert await scene.station.call("ClearedChargingLimit", payload) == {}
    row = (await events(scene, "limit"))[0]
    assert (row["name"], row["cleared"], row["detail"].get("evse")) == (source, True, evse)


@case("TC_K_48_CSMS", "2.0.1", "2.1", basis=LIMIT)
async def external_limit(scene: Scene) -> None:
    await scene.booted()
    for source in ("EMS", "SO", "Other", "CSO"):
        await limited(scene, source)
    await limited(scene, "EMS", 4_000, 1)
    await limited(scene, "EMS", 3_000, 1)
    # 2.1 leaves the sources open; 2.0.1 lists them.
    if scene.version == "2.1":
        await limited(scene, "Roof")


@case("TC_K_50_CSMS", "2.0.1", "2.1", basis=LIMIT)
async def external_limit_released(scene: Scene) -> None:
    await scene.booted()
    await limited(scene, "EMS", 4_000)
    await released(scene, "EMS")


@case("TC_K_51_CSMS", "2.0.1", "2.1", basis=LIMIT + " and TransactionEvent (ChargingRateChanged)")
async def external_limit_released_in_a_transaction(scene: Scene) -> None:
    visit = await charging(scene)
    await limited(scene, "EMS", 4_000, 1)
    assert await visit.event("ChargingRateChanged") == {}
    await released(scene, "EMS", 1)
    assert await visit.event("ChargingRateChanged") == {}
    await visit.is_active()
    await visit.unplug()
    await visit.is_over("EVDisconnected")


@case("TC_K_52_CSMS", "2.0.1", "2.1", basis=LIMIT + "; K09; schema of ReportChargingProfiles")
async def external_limit_reported(scene: Scene) -> None:
    await scene.booted()
    await limited(scene, "EMS", 4_000)
    told = scene.ask("get-charging-profiles", purpose="ChargingStationExternalConstraints", sources=["EMS"])
    request = await scene.station.expect("GetChargingProfiles")
    criteria = {"chargingProfilePurpose": "ChargingStationExternalConstraints", "chargingLimitSource": ["EMS"]}
    number = request.payload["requestId"]
    assert request.payload == {"requestId": number, "chargingProfile": criteria}
    await request.answer({"status": "Accepted"})
    found = {"id": 1, "stackLevel": 0, "chargingProfilePurpose": "ChargingStationExternalConstraints"}
    found |= {"chargingProfileKind": "Absolute", "chargingSchedule": [external(4_000.0)]}
    place = {"evseId": 0, "chargingLimitSource": "EMS"}
    payload = {"requestId": number, "chargingProfile": [found]} | place
    assert await scene.station.call("ReportChargingProfiles", payload) == {}
    seen = await told
    done(seen)
    assert seen["report"] == [place | {"chargingProfile": found}]
    # Such limits are the station's own to set: the operator cannot send one.
    wish = profile(5, purpose="ChargingStationExternalConstraints", schedules=[schedule(4_000, start=unix())])
    assert "station's own" in await not_sent(scene, "set-charging-profile", evse=0, profile=wish)


# -- profiles of 2.1 --------------------------------------------------------------------------------------------------


@case("TC_K_70_CSMS", "2.1", basis="K01; " + SET)
async def several_profiles(scene: Scene) -> None:
    visit = await charging(scene)
    await set_profile(
        scene, 0, profile(20, purpose="ChargingStationMaxProfile", schedules=[schedule(20_000, start=unix())])
    )
    await set_profile(scene, 1, profile(21, 11_000))
    await set_profile(scene, 1, profile(22, 9_000, stack_level=2))
    own = profile(23, purpose="TxProfile", transaction=visit.transaction)
    own["schedules"] = [schedule(limit, id=place) for place, limit in ((1, 8_000), (2, 7_000), (3, 6_000))]
    await set_profile(scene, 1, own)
    await set_profile(scene, 2, profile(24, 5_000))
    assert await ours(scene, 2) == [5_000]
    # More than three schedules are not even sent.
    own["schedules"].append(schedule(5_000))
    assert (await refused(scene.ask("set-charging-profile", evse=1, profile=own))).status == 400


@case("TC_K_100_CSMS", "2.1", basis="K01 of 2.1; " + SET)
async def offline_duration(scene: Scene) -> None:
    await scene.booted()
    for invalid in (True, False):
        more = {"maxOfflineDuration": 600, "invalidAfterOfflineDuration": invalid}
        await set_profile(scene, 1, profile(25, more=more))


@case("TC_K_101_CSMS", "2.1", basis="K01, Q03 of 2.1; " + SET)
async def operation_modes(scene: Scene) -> None:
    visit = await charging(scene)
    for mode in ("ChargingOnly", "CentralSetpoint", "Idle"):
        period: dict[str, Any] = {"start_s": 0, "operation_mode": mode}
        if mode == "CentralSetpoint":
            period |= {"setpoint": -3_000}
        elif mode == "ChargingOnly":
            period |= {"limit": 7_000}
        wish = profile(26, purpose="TxProfile", transaction=visit.transaction)
        await set_profile(scene, 1, wish | {"schedules": [{"periods": [period], "unit": "W"}]})
        assert await visit.event("OperationModeChanged", info={"operationMode": mode}) == {}
    await visit.is_active()
    # A word that is no mode is not sent.
    period = {"start_s": 0, "limit": 7_000, "operation_mode": "Backwards"}
    wish = profile(26, schedules=[{"periods": [period], "unit": "W"}])
    await not_sent(scene, "set-charging-profile", evse=1, profile=wish)


@case("TC_K_102_CSMS", "2.1", basis="K01 of 2.1; " + SET)
async def limit_at_a_state_of_charge(scene: Scene) -> None:
    await scene.booted()
    one = schedule(11_000, more={"limitAtSoC": {"soc": 80, "limit": 3_000}})
    await set_profile(scene, 1, profile(27, schedules=[one]))


@case("TC_K_104_CSMS", "2.1", basis="K01, K21 of 2.1; " + SET)
async def priority_profile(scene: Scene) -> None:
    await scene.booted()
    await set_profile(scene, 1, profile(28, purpose="PriorityCharging"))
    await set_profile(scene, 0, profile(29, purpose="PriorityCharging"))


@case("TC_K_106_CSMS", "2.1", basis="K01 of 2.1; " + SET)
async def randomised_delay(scene: Scene) -> None:
    await scene.booted()
    one = schedule(11_000, 0, start=unix(), duration_s=7200, more={"randomizedDelay": 60})
    await set_profile(scene, 1, profile(30, schedules=[one]))


@case("TC_K_109_CSMS", "2.1", basis="K01 of 2.1; appendices (SmartChargingCtrlr.MaxExternalConstraintsId); " + SET)
async def identifiers_of_others(scene: Scene) -> None:
    await scene.booted()
    name = {"component": "SmartChargingCtrlr", "variable": "MaxExternalConstraintsId"}
    place = {"component": {"name": "SmartChargingCtrlr"}, "variable": {"name": "MaxExternalConstraintsId"}}
    row = place | {"attributeStatus": "Accepted", "attributeValue": "100"}
    sent, told = await operate(scene, "get-variables", "GetVariables", {"getVariableResult": [row]}, names=[name])
    assert sent["getVariableData"] == [place | {"attributeType": "Actual"}] or sent["getVariableData"] == [place]
    done(told)
    # Numbers up to that one are the energy manager's: the station refuses ours, and takes the next.
    answer = {"status": "Rejected", "statusInfo": {"reasonCode": "InvalidProfileId"}}
    _, seen = await operate(scene, "set-charging-profile", "SetChargingProfile", answer, evse=1, profile=profile(100))
    rejected(seen)
    assert seen["reason"] == "InvalidProfileId"
    await set_profile(scene, 1, profile(101))


@case("TC_K_118_CSMS", "2.1", basis="K21, K22; schemas of UsePriorityCharging and NotifyPriorityCharging")
async def priority_charging(scene: Scene) -> None:
    visit = await charging(scene)
    for activate in (True, False):
        wish = {"transaction": visit.transaction, "activate": activate}
        answer = {"status": "Accepted"}
        sent, told = await operate(scene, "use-priority-charging", "UsePriorityCharging", answer, **wish)
        assert sent == {"transactionId": visit.transaction, "activate": activate}
        done(told)
        payload = {"transactionId": visit.transaction, "activated": activate}
        assert await scene.station.call("NotifyPriorityCharging", payload) == {}
        row = (await events(scene, "priority"))[0]
        assert (row["name"], row["value"]) == (visit.transaction, "activated" if activate else "deactivated")
    answer = {"status": "NoProfile"}
    _, told = await operate(scene, "use-priority-charging", "UsePriorityCharging", answer, **wish)
    rejected(told, "NoProfile")


@case("TC_K_121_CSMS", "2.1", basis="K28; schemas of SetChargingProfile and PullDynamicScheduleUpdate")
async def pulled_schedule(scene: Scene) -> None:
    visit = await charging(scene)
    wish = profile(31, 8_000, purpose="TxProfile", transaction=visit.transaction, kind="Dynamic")
    wish |= {"schedules": [schedule(8_000)], "more": {"dynUpdateInterval": 30}}
    await set_profile(scene, 1, wish)
    pull = {"chargingProfileId": 31}
    answer = await scene.station.call("PullDynamicScheduleUpdate", pull)
    assert answer == {"status": "Accepted", "scheduleUpdate": {"limit": 8_000}}
    # What the operator decides in between is what the station finds next.
    path = f"/api/stations/{scene.station.identity}/dynamic-profiles"
    await scene.operator.put(f"{path}/31", {"limit": 5_000})
    answer = await scene.station.call("PullDynamicScheduleUpdate", pull)
    assert answer == {"status": "Accepted", "scheduleUpdate": {"limit": 5_000}}
    assert (await refused(scene.operator.put(f"{path}/99", {"limit": 5_000}))).status == 404
    answer = await scene.station.call("PullDynamicScheduleUpdate", {"chargingProfileId": 99})
    assert answer["status"] == "Rejected"
