"""Energy in both directions, grid controls, battery swaps (blocks Q, R, S of 2.1)."""

from typing import Any

from conformance.ocpp2.k_cars import SCHEDULED, Car, ac, just, v2x
from conformance.ocpp2.k_limits import events
from conformance.ocpp2.k_profiles import not_sent, profile, set_profile
from conformance.ocpp2.l_firmware import alerts, seconds
from conformance.ocpp2.states import Visit, authorize, charging, id_token, moment, new_token, operate, unix
from conformance.ocpp16.acts import done, rejected
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

V2X = "Q01; schemas of Authorize, NotifyEVChargingNeeds and NotifyAllowedEnergyTransfer"


async def v2x_car(scene: Scene, *modes: str) -> tuple[Car, Visit]:
    """A car whose driver may use these energy transfer modes, at a site under control."""
    car = await Car.arrives(scene)
    await car.visit.unplug()
    token = await new_token(scene, limits={"energy": list(modes)})
    visit = Visit(scene, token)
    answer = await scene.station.call("Authorize", {"idToken": id_token(token)})
    assert answer["idTokenInfo"]["status"] == "Accepted"
    assert answer["allowedEnergyTransfer"] == sorted(modes)
    await visit.charge()
    return Car(scene, visit), visit


@case("TC_Q_102_CSMS", "2.1", basis=V2X)
async def allowed_energy(scene: Scene) -> None:
    car, visit = await v2x_car(scene, "AC_three_phase", "AC_BPT")
    await car.needs(just(16), **SCHEDULED, **v2x(16))
    await car.needs(just(10), **SCHEDULED, **ac(10))
    await visit.unplug()
    # Whom nobody limits is told of no modes.
    answer = await authorize(scene, await new_token(scene))
    assert "allowedEnergyTransfer" not in answer


@case("TC_Q_103_CSMS", "2.1", basis=V2X)
async def needs_rejected(scene: Scene) -> None:
    car, visit = await v2x_car(scene, "AC_three_phase")
    answer = await car.tells(**SCHEDULED, **v2x(16))
    assert answer["status"] == "Rejected"
    # The visit goes on with what is allowed.
    await car.needs(just(16), **SCHEDULED, **ac(16))
    await visit.is_active()


@case("TC_Q_107_CSMS", "2.1", basis="Q02; schemas of SetChargingProfile and NotifyAllowedEnergyTransfer")
async def charging_only_at_first(scene: Scene) -> None:
    car, visit = await v2x_car(scene, "AC_three_phase")
    await mode(scene, visit, "ChargingOnly", limit=7_000)
    assert (await car.tells(**SCHEDULED, **v2x(16)))["status"] == "Rejected"
    modes = ["AC_three_phase", "AC_BPT"]
    answer = {"status": "Accepted"}
    wish = {"transaction": visit.transaction, "modes": modes}
    sent, told = await operate(scene, "allow-energy-transfer", "NotifyAllowedEnergyTransfer", answer, **wish)
    assert sent == {"transactionId": visit.transaction, "allowedEnergyTransfer": modes}
    done(told)
    # From now on the car may do both.
    await car.needs(just(16), **SCHEDULED, **v2x(16))
    _, told = await operate(
        scene, "allow-energy-transfer", "NotifyAllowedEnergyTransfer", {"status": "Rejected"}, **wish
    )
    rejected(told)


async def mode(scene: Scene, visit: Visit, name: str, *more_periods: dict[str, Any], **period: Any) -> None:
    """The operator has a transaction follow an operation mode; the station tells that it does."""
    periods = [{"start_s": 0, "operation_mode": name} | period]
    periods += [{"start_s": 900 * place, "operation_mode": name} | more for place, more in enumerate(more_periods, 1)]
    wish = profile(40, purpose="TxProfile", transaction=visit.transaction, stack_level=2)
    sent = await set_profile(scene, 1, wish | {"schedules": [{"periods": periods, "unit": "W"}]})
    assert all(row["operationMode"] == name for row in sent["chargingSchedule"][0]["chargingSchedulePeriod"])
    assert await visit.event("OperationModeChanged", info={"operationMode": name}) == {}
    await visit.is_active()


@case("TC_Q_108_CSMS", "2.1", basis="Q03; schema of SetChargingProfile")
async def central_schedule(scene: Scene) -> None:
    visit = await charging(scene)
    await mode(
        scene, visit, "CentralSetpoint", {"setpoint": 4_000}, setpoint=-3_000, discharge_limit=-5_000, limit=11_000
    )
    # What flows back has a limit of its own, which is not positive.
    period = {"start_s": 0, "operation_mode": "CentralSetpoint", "limit": -1}
    await not_sent(scene, "set-charging-profile", evse=1, profile=profile(40, schedules=[{"periods": [period]}]))


async def dynamic(scene: Scene, visit: Visit, name: str, **more: Any) -> None:
    """The operator gives a transaction a dynamic profile in that mode."""
    period = {"start_s": 0, "operation_mode": name, "setpoint": 2_000}
    wish = profile(41, purpose="TxProfile", transaction=visit.transaction, kind="Dynamic")
    await set_profile(scene, 1, wish | {"schedules": [{"periods": [period], "unit": "W"}]} | more)


async def pushed(scene: Scene, status: str, update: Payload) -> None:
    """The operator pushes a new set point; the server must send exactly that."""
    answer = {"status": status}
    wish = {"profile": 41, "update": update}
    sent, told = await operate(scene, "update-dynamic-schedule", "UpdateDynamicSchedule", answer, **wish)
    assert sent == {"chargingProfileId": 41, "scheduleUpdate": update}
    if status == "Accepted":
        done(told)
    else:
        rejected(told, status)


DYNAMIC_SET = "schemas of SetChargingProfile, UpdateDynamicSchedule and PullDynamicScheduleUpdate"


@case("TC_Q_109_CSMS", "2.1", basis="Q04; " + DYNAMIC_SET)
async def set_point_pushed(scene: Scene) -> None:
    visit = await charging(scene)
    await dynamic(scene, visit, "CentralSetpoint")
    for update in ({"setpoint": -2_500}, {"setpoint": 1_000, "limit": 8_000}, {"setpoint": 500, "setpoint_L2": 400}):
        await pushed(scene, "Accepted", update)
        assert await visit.event("ChargingRateChanged") == {}
    await pushed(scene, "Rejected", {"setpoint": 9_000})
    # What it took, and nothing it refused, is what it finds when it asks.
    answer = await scene.station.call("PullDynamicScheduleUpdate", {"chargingProfileId": 41})
    assert answer["scheduleUpdate"] == {"setpoint": 500, "limit": 8_000, "setpoint_L2": 400}


@case("TC_Q_110_CSMS", "2.1", basis="Q04; " + DYNAMIC_SET)
async def set_point_pulled(scene: Scene) -> None:
    visit = await charging(scene)
    await dynamic(scene, visit, "CentralSetpoint", more={"dynUpdateInterval": 60})
    path = f"/api/stations/{scene.station.identity}/dynamic-profiles/41"
    for setpoint in (-3_000, 4_000):
        await scene.operator.put(path, {"setpoint": setpoint})
        answer = await scene.station.call("PullDynamicScheduleUpdate", {"chargingProfileId": 41})
        assert answer == {"status": "Accepted", "scheduleUpdate": {"setpoint": setpoint}}
        assert await visit.event("ChargingRateChanged") == {}
    await visit.is_active()


async def from_outside(scene: Scene, period: Payload) -> None:
    """An energy manager takes over; the operator sees its limit, and that it has gone."""
    one = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0} | period]}
    payload = {"chargingLimit": {"chargingLimitSource": "EMS"}, "evseId": 1, "chargingSchedule": [one]}
    assert await scene.station.call("NotifyChargingLimit", payload) == {}
    row = (await events(scene, "limit"))[0]
    assert (row["name"], row["detail"]["schedules"], row["cleared"]) == ("EMS", [one], False)
    assert await scene.station.call("ClearedChargingLimit", {"chargingLimitSource": "EMS", "evseId": 1}) == {}
    assert (await events(scene, "limit"))[0]["cleared"]


@case("TC_Q_111_CSMS", "2.1", basis="Q05, Q06; schemas of SetChargingProfile and NotifyChargingLimit")
async def external_set_point(scene: Scene) -> None:
    visit = await charging(scene)
    await mode(scene, visit, "ExternalSetpoint", limit=11_000, discharge_limit=-11_000)
    await from_outside(scene, {"setpoint": -2_000, "operationMode": "ExternalSetpoint"})
    assert await visit.event("ChargingRateChanged") == {}
    await visit.is_active()


@case("TC_Q_112_CSMS", "2.1", basis="Q05, Q06; schemas of SetChargingProfile and NotifyChargingLimit")
async def external_limits(scene: Scene) -> None:
    visit = await charging(scene)
    await mode(scene, visit, "ExternalLimits", limit=11_000, discharge_limit=-11_000)
    await from_outside(scene, {"limit": 5_000, "dischargeLimit": -4_000, "operationMode": "ExternalLimits"})
    assert await visit.event("ChargingRateChanged") == {}
    await visit.is_active()


@case("TC_Q_117_CSMS", "2.1", basis="Q07; " + DYNAMIC_SET)
async def central_frequency(scene: Scene) -> None:
    visit = await charging(scene)
    await dynamic(scene, visit, "CentralFrequency")
    assert await visit.event("OperationModeChanged", info={"operationMode": "CentralFrequency"}) == {}
    for setpoint in (3_000, -3_000, 0):
        await pushed(scene, "Accepted", {"setpoint": setpoint})
        assert await visit.event("ChargingRateChanged") == {}
    await visit.is_active()


@case("TC_Q_120_CSMS", "2.1", basis="Q08; schemas of SetChargingProfile (v2xSignalWattCurve) and AFRRSignal")
async def local_frequency_by_signal(scene: Scene) -> None:
    visit = await charging(scene)
    curve = [{"signal": signal, "power": signal * 1_000} for signal in (-5, 0, 5)]
    more = {"v2xBaseline": 2_000, "v2xSignalWattCurve": curve}
    await mode(scene, visit, "LocalFrequency", limit=11_000, discharge_limit=-11_000, more=more)
    at = unix()
    for signal in (3, -3, 0):
        sent, told = await operate(
            scene, "send-afrr-signal", "AFRRSignal", {"status": "Accepted"}, at=at, signal=signal
        )
        assert seconds(sent.pop("timestamp")) == at
        assert sent == {"signal": signal}
        done(told)
    _, told = await operate(scene, "send-afrr-signal", "AFRRSignal", {"status": "Rejected"}, at=at, signal=9)
    rejected(told)


@case("TC_Q_121_CSMS", "2.1", basis="Q08; schema of SetChargingProfile (v2xFreqWattCurve)")
async def local_frequency(scene: Scene) -> None:
    visit = await charging(scene)
    curve = [{"frequency": 49.8, "power": -8_000}, {"frequency": 50, "power": 0}, {"frequency": 50.2, "power": 8_000}]
    more = {"v2xBaseline": 0, "v2xFreqWattCurve": curve}
    await mode(scene, visit, "LocalFrequency", limit=11_000, discharge_limit=-11_000, more=more)
    assert await visit.event("ChargingRateChanged") == {}


@case("TC_Q_124_CSMS", "2.1", basis="Q09; schema of SetChargingProfile (LocalLoadBalancing)")
async def local_load_balancing(scene: Scene) -> None:
    visit = await charging(scene)
    await mode(scene, visit, "LocalLoadBalancing", limit=11_000, discharge_limit=-11_000)
    assert await visit.event("ChargingRateChanged") == {}


# -- grid controls ----------------------------------------------------------------------------------------------------

CURVE = {
    "priority": 1,
    "yUnit": "PctMaxVar",
    "curveData": [{"x": 92, "y": 44}, {"x": 98, "y": 0}, {"x": 102, "y": 0}, {"x": 108, "y": -44}],
}
CONTROLS: tuple[Payload, ...] = (
    {"isDefault": True, "controlId": "curve", "controlType": "VoltVar", "curve": CURVE},
    {
        "isDefault": False,
        "controlId": "cap",
        "controlType": "LimitMaxDischarge",
        "limitMaxDischarge": {"priority": 0, "pctMaxDischargePower": 50, "startTime": moment(), "duration": 600},
    },
    {
        "isDefault": True,
        "controlId": "slow",
        "controlType": "Gradients",
        "gradient": {"priority": 2, "gradient": 100, "softGradient": 20},
    },
)


@case("TC_R_107_CSMS", "2.1", basis="R04; schemas of SetDERControl, GetDERControl, ReportDERControl, ClearDERControl")
async def grid_controls(scene: Scene) -> None:
    await scene.booted()
    for control in CONTROLS:
        sent, told = await operate(scene, "set-der-control", "SetDERControl", {"status": "Accepted"}, control=control)
        assert sent == control
        done(told)
    answer = {"status": "Accepted", "supersededIds": ["curve"]}
    _, told = await operate(scene, "set-der-control", "SetDERControl", answer, control=CONTROLS[0])
    assert told["data"] == {"supersededIds": ["curve"]}
    _, told = await operate(scene, "set-der-control", "SetDERControl", {"status": "NotSupported"}, control=CONTROLS[0])
    rejected(told, "NotSupported")
    await not_sent(scene, "set-der-control", control={"controlId": "half"})
    await grid_controls_read(scene)
    wish = {"default": True, "kind": "VoltVar"}
    sent, told = await operate(scene, "clear-der-control", "ClearDERControl", {"status": "Accepted"}, **wish)
    assert sent == {"isDefault": True, "controlType": "VoltVar"}
    done(told)
    wish = {"default": False, "control": "none"}
    sent, told = await operate(scene, "clear-der-control", "ClearDERControl", {"status": "NotFound"}, **wish)
    assert sent == {"isDefault": False, "controlId": "none"}
    rejected(told, "NotFound")


async def grid_controls_read(scene: Scene) -> None:
    """The operator asks which controls there are; he sees both parts of the report."""
    told = scene.ask("get-der-control", default=True, kind="VoltVar")
    request = await scene.station.expect("GetDERControl")
    number = request.payload["requestId"]
    assert request.payload == {"requestId": number, "isDefault": True, "controlType": "VoltVar"}
    await request.answer({"status": "Accepted"})
    found = {"id": "curve", "curveType": "VoltVar", "isDefault": True, "isSuperseded": False, "curve": CURVE}
    for last in (False, True):
        payload = {"requestId": number, "curve": [found], "tbc": not last}
        assert await scene.station.call("ReportDERControl", payload) == {}
    seen = await told
    done(seen)
    assert seen["report"] == [{"control": "curve"} | found] * 2


@case("TC_R_108_CSMS", "2.1", basis="R04, R05; schemas of NotifyDERAlarm and NotifyDERStartStop")
async def grid_events(scene: Scene) -> None:
    await scene.booted()
    payload = {"controlId": "cap", "started": True, "timestamp": moment(), "supersededIds": ["old"]}
    assert await scene.station.call("NotifyDERStartStop", payload) == {}
    row = (await events(scene, "grid"))[0]
    assert (row["name"], row["value"], row["detail"]["supersededIds"]) == ("cap", "started", ["old"])
    alarm = {"controlType": "HVMustTrip", "gridEventFault": "OverVoltage", "timestamp": moment()}
    assert await scene.station.call("NotifyDERAlarm", alarm) == {}
    row = (await events(scene, "grid"))[0]
    assert (row["name"], row["value"], row["cleared"]) == ("HVMustTrip", "OverVoltage", False)
    assert await alerts(scene, "monitor") == ["grid.HVMustTrip OverVoltage"]
    assert await scene.station.call("NotifyDERAlarm", alarm | {"alarmEnded": True}) == {}
    assert (await events(scene, "grid"))[0]["cleared"]
    assert await alerts(scene, "monitor") == []
    payload = {"controlId": "cap", "started": False, "timestamp": moment()}
    assert await scene.station.call("NotifyDERStartStop", payload) == {}
    assert (await events(scene, "grid"))[0]["value"] == "stopped"


# -- battery swaps ----------------------------------------------------------------------------------------------------

SWAP = "S02, S03; schemas of RequestBatterySwap and BatterySwap"


async def swap(scene: Scene, answer: Payload, **more: Any) -> tuple[Payload, dict[str, Any]]:
    """The operator asks for a battery for a driver; the server must send exactly that."""
    token = await new_token(scene)
    wish = {"token": {"id": token, "kind": "ISO14443"}} | more
    sent, told = await operate(scene, "request-battery-swap", "RequestBatterySwap", answer, **wish)
    assert sent == {"requestId": sent["requestId"], "idToken": id_token(token)}
    return sent, told


async def swaps(scene: Scene) -> list[dict[str, Any]]:
    """What the operator sees of swaps, newest first."""
    return await scene.operator.get(f"/api/stations/{scene.station.identity}/battery-swaps")


@case("TC_S_102_CSMS", "2.1", basis=SWAP)
async def not_enough_batteries(scene: Scene) -> None:
    await scene.booted()
    answer = {"status": "Rejected", "statusInfo": {"reasonCode": "NoBatteryAvailable"}}
    _, told = await swap(scene, answer)
    rejected(told)
    assert told["reason"] == "NoBatteryAvailable"
    assert await swaps(scene) == []


@case("TC_S_103_CSMS", "2.1", basis=SWAP)
async def enough_batteries(scene: Scene) -> None:
    await scene.booted()
    sent, told = await swap(scene, {"status": "Accepted"})
    done(told)
    empty = {"evseId": 1, "serialNumber": "B-1", "soC": 12.5, "soH": 97}
    full = {"evseId": 2, "serialNumber": "B-2", "soC": 100, "soH": 99}
    for event, battery in (("BatteryIn", empty), ("BatteryOut", full)):
        payload = {"eventType": event, "requestId": sent["requestId"], "idToken": sent["idToken"]}
        assert await scene.station.call("BatterySwap", payload | {"batteryData": [battery]}) == {}
    seen = [(row["event"], row["request"], row["token"], row["batteries"]) for row in await swaps(scene)]
    token = sent["idToken"]["idToken"]
    assert seen == [
        ("BatteryOut", sent["requestId"], token, [full]),
        ("BatteryIn", sent["requestId"], token, [empty]),
    ]
