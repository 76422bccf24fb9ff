"""Monitors, their reports and events (block N: N02 to N08)."""

from typing import Any

from conformance.ocpp2.l_firmware import alerts
from conformance.ocpp2.states import event_row, moment, notify_event, operate, refused, unix
from conformance.ocpp16.acts import done, rejected
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

TEMPERATURE = {"component": {"name": "ChargingStation"}, "variable": {"name": "Temperature"}}
NAME = {"component": "ChargingStation", "variable": "Temperature"}
POWER = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}
POWER_NAME = {"component": "EVSE", "variable": "Power", "evse": 1}


# -- reports ----------------------------------------------------------------------------------------------------------


def monitor_row(scene: Scene, number: int, kind: str, value: float, place: Payload = TEMPERATURE) -> Payload:
    """One monitor of a report."""
    monitor: Payload = {"id": number, "transaction": False, "value": value, "type": kind, "severity": 4}
    if scene.version == "2.1":
        monitor["eventNotificationType"] = "CustomMonitor"
    return place | {"variableMonitoring": [monitor]}


async def monitoring_report(scene: Scene, sent: Payload, *parts: list[Payload], **arguments: Any) -> dict[str, Any]:
    """The operator asks which monitors there are; the server must send exactly `sent`; what he sees of the parts."""
    told = scene.ask("get-monitors", **arguments)
    request = await scene.station.expect("GetMonitoringReport")
    number = request.payload["requestId"]
    assert request.payload == {"requestId": number} | sent, request.payload
    await request.answer({"status": "Accepted"})
    for place, rows in enumerate(parts):
        payload = {"requestId": number, "seqNo": place, "generatedAt": moment(), "tbc": place < len(parts) - 1}
        assert await scene.station.call("NotifyMonitoringReport", payload | {"monitor": rows}) == {}
    seen = await told
    done(seen)
    assert seen["report"] == [row for rows in parts for row in rows], seen
    return seen


REPORT = "N02; schemas of GetMonitoringReport and NotifyMonitoringReport"


@case("TC_N_01_CSMS", "2.0.1", "2.1", basis=REPORT)
async def report_by_criteria(scene: Scene) -> None:
    await scene.booted()
    criteria = ["ThresholdMonitoring", "DeltaMonitoring", "PeriodicMonitoring"]
    for chosen in (*([one] for one in criteria), criteria):
        row = monitor_row(scene, 1, "UpperThreshold", 60)
        await monitoring_report(scene, {"monitoringCriteria": chosen}, [row], criteria=chosen)
    # None fits: the station says so, and the operator sees it.
    answer = {"status": "EmptyResultSet"}
    sent, told = await operate(scene, "get-monitors", "GetMonitoringReport", answer, criteria=criteria[:1])
    assert sent["monitoringCriteria"] == criteria[:1]
    rejected(told, "EmptyResultSet")
    # A word that is no criterion is not even sent.
    assert (await refused(scene.ask("get-monitors", criteria=["Everything"]))).status == 400


@case("TC_N_02_CSMS", "2.0.1", "2.1", basis=REPORT)
async def report_by_variable(scene: Scene) -> None:
    await scene.booted()
    parts = [[monitor_row(scene, 1, "UpperThreshold", 60)], [monitor_row(scene, 2, "Delta", 2.5)]]
    await monitoring_report(scene, {"componentVariable": [TEMPERATURE]}, *parts, names=[NAME])


@case("TC_N_03_CSMS", "2.0.1", "2.1", basis=REPORT)
async def report_by_criteria_and_variable(scene: Scene) -> None:
    await scene.booted()
    sent = {"monitoringCriteria": ["DeltaMonitoring"], "componentVariable": [POWER]}
    row = monitor_row(scene, 3, "Delta", 100, POWER)
    await monitoring_report(scene, sent, [row], criteria=["DeltaMonitoring"], names=[POWER_NAME])


@case("TC_N_60_CSMS", "2.0.1", "2.1", basis=REPORT)
async def report_by_criteria_and_variables(scene: Scene) -> None:
    await scene.booted()
    criteria = ["ThresholdMonitoring", "DeltaMonitoring"]
    sent = {"monitoringCriteria": criteria, "componentVariable": [TEMPERATURE, POWER]}
    rows = [monitor_row(scene, 1, "UpperThreshold", 60), monitor_row(scene, 3, "Delta", 100, POWER)]
    await monitoring_report(scene, sent, rows, criteria=criteria, names=[NAME, POWER_NAME])


@case("TC_N_47_CSMS", "2.0.1", "2.1", basis=REPORT)
async def report_of_all(scene: Scene) -> None:
    await scene.booted()
    parts = [[monitor_row(scene, number, "LowerThreshold", -5)] for number in (1, 2, 3)]
    await monitoring_report(scene, {}, *parts)


@case("TC_N_104_CSMS", "2.1", basis=REPORT + "; schema of SetVariableMonitoring (TargetDelta)")
async def report_of_target_delta(scene: Scene) -> None:
    await scene.booted()
    for kind, milli, value in (("TargetDelta", 2_500, 2.5), ("TargetDeltaRelative", 50, 0.05)):
        await set_monitors(scene, {"name": NAME, "kind": kind, "value_milli": milli, "severity": 4})
        row = monitor_row(scene, 7, kind, value)
        sent = {"monitoringCriteria": ["DeltaMonitoring"]}
        await monitoring_report(scene, sent, [row], criteria=["DeltaMonitoring"])


# -- setting and clearing ---------------------------------------------------------------------------------------------


async def set_monitors(scene: Scene, *monitors: dict[str, Any], status: str = "Accepted") -> dict[str, Any]:
    """The operator sets monitors; the server must send exactly these; what he sees."""
    told = scene.ask("set-monitors", monitors=list(monitors))
    request = await scene.station.expect("SetVariableMonitoring")
    rows = request.payload["setMonitoringData"]
    assert len(rows) == len(monitors)
    results: list[Payload] = []
    for number, (row, wish) in enumerate(zip(rows, monitors, strict=True), 11):
        place = POWER if wish["name"] is POWER_NAME else TEMPERATURE
        wanted = place | {"type": wish["kind"], "severity": wish["severity"], "value": wish["value_milli"] / 1000}
        wanted |= {"id": wish["id"]} if "id" in wish else {}
        wanted |= {"transaction": True} if wish.get("transaction") else {}
        wanted |= {"periodicEventStream": wish["stream"]} if "stream" in wish else {}
        assert row == wanted, row
        result = place | {"status": status, "type": wish["kind"], "severity": wish["severity"]}
        results.append(result | ({"id": wish.get("id", number)} if status == "Accepted" else {}))
    await request.answer({"setMonitoringResult": results})
    seen = await told
    assert seen["data"]["setMonitoringResult"] == results
    (done if status == "Accepted" else rejected)(seen, status)
    return seen


SET = "N04; schema of SetVariableMonitoring"


@case("TC_N_08_CSMS", "2.0.1", "2.1", basis=SET)
async def set_one_monitor(scene: Scene) -> None:
    await scene.booted()
    monitor = {"name": NAME, "kind": "UpperThreshold", "value_milli": 60_500, "severity": 3}
    await set_monitors(scene, monitor)
    await set_monitors(scene, monitor | {"id": 11, "transaction": True})
    for status in ("UnknownComponent", "UnknownVariable", "UnsupportedMonitorType", "Rejected", "Duplicate"):
        await set_monitors(scene, monitor, status=status)
    # There is no severity 10.
    assert (await refused(scene.ask("set-monitors", monitors=[monitor | {"severity": 10}]))).status == 400


@case("TC_N_09_CSMS", "2.0.1", "2.1", basis=SET)
async def set_several_monitors(scene: Scene) -> None:
    await scene.booted()
    await set_monitors(
        scene,
        {"name": NAME, "kind": "UpperThreshold", "value_milli": 60_000, "severity": 2},
        {"name": NAME, "kind": "LowerThreshold", "value_milli": -20_000, "severity": 5},
        {"name": POWER_NAME, "kind": "Delta", "value_milli": 1_000_000, "severity": 8},
    )


@case("TC_N_24_CSMS", "2.0.1", "2.1", basis=SET + " and NotifyEvent")
async def set_periodic_monitors(scene: Scene) -> None:
    await scene.booted()
    for kind in ("Periodic", "PeriodicClockAligned"):
        await set_monitors(scene, {"name": NAME, "kind": kind, "value_milli": 60_000, "severity": 8})
    row = event_row("ChargingStation", "Temperature", "31.5", trigger="Periodic", variableMonitoringId=11)
    await notify_event(scene, row | {"eventNotificationType": "CustomMonitor"})
    assert await last_event(scene) == ("ChargingStation.Temperature", "31.5", False)
    # What comes by the clock alarms nobody.
    assert await alerts(scene, "monitor") == []


@case("TC_N_05_CSMS", "2.0.1", "2.1", basis="N03; schema of SetMonitoringBase")
async def set_monitoring_base(scene: Scene) -> None:
    await scene.booted()
    for base in ("All", "FactoryDefault", "HardWiredOnly"):
        answer = {"status": "Accepted"}
        sent, told = await operate(scene, "set-monitoring-base", "SetMonitoringBase", answer, base=base)
        assert sent == {"monitoringBase": base}
        done(told)
    for status in ("Rejected", "NotSupported", "EmptyResultSet"):
        answer = {"status": status}
        _, told = await operate(scene, "set-monitoring-base", "SetMonitoringBase", answer, base="All")
        rejected(told, status)


async def monitoring_level(scene: Scene, severity: int, status: str) -> None:
    """The operator chooses how severe an event must be; the station answers `status`."""
    answer = {"status": status}
    sent, told = await operate(scene, "set-monitoring-level", "SetMonitoringLevel", answer, severity=severity)
    assert sent == {"severity": severity}
    (done if status == "Accepted" else rejected)(told, status)


@case("TC_N_16_CSMS", "2.0.1", "2.1", basis="N05; schema of SetMonitoringLevel")
async def set_monitoring_level(scene: Scene) -> None:
    await scene.booted()
    for severity in (0, 4, 9):
        await monitoring_level(scene, severity, "Accepted")


@case("TC_N_17_CSMS", "2.0.1", "2.1", basis="N05; schema of SetMonitoringLevel")
async def monitoring_level_out_of_range(scene: Scene) -> None:
    await scene.booted()
    # The operator cannot send one that does not exist; where the station itself refuses one, he sees it.
    for severity in (-1, 10):
        assert (await refused(scene.ask("set-monitoring-level", severity=severity))).status == 400
    assert "SetMonitoringLevel" not in [name for name, _ in scene.station.heard]
    await monitoring_level(scene, 9, "Rejected")


async def clear_monitors(scene: Scene, ids: list[int], *statuses: str) -> dict[str, Any]:
    """The operator removes monitors; the server must send exactly these; what he sees."""
    results = [{"id": number, "status": status} for number, status in zip(ids, statuses, strict=True)]
    answer = {"clearMonitoringResult": results}
    sent, told = await operate(scene, "clear-monitors", "ClearVariableMonitoring", answer, ids=ids)
    assert sent == {"id": ids}
    assert told["data"] == answer
    return told


@case("TC_N_18_CSMS", "2.0.1", "2.1", basis="N06; schema of ClearVariableMonitoring; part 4 4.3 (CALLERROR)")
async def clear_too_many(scene: Scene) -> None:
    await scene.booted()
    ids = list(range(1, 201))
    told = scene.ask("clear-monitors", ids=ids)
    request = await scene.station.expect("ClearVariableMonitoring")
    assert request.payload == {"id": ids}
    await request.refuse("OccurrenceConstraintViolation", "ItemsPerMessageClearVariableMonitoring is 10")
    seen = await told
    assert (seen["state"], seen["status"]) == ("rejected", "OccurrenceConstraintViolation"), seen
    assert "ItemsPerMessageClearVariableMonitoring is 10" in seen["reason"]
    # The connection and the next request are none the worse for it.
    done(await clear_monitors(scene, ids[:10], *["Accepted"] * 10))
    assert (await refused(scene.ask("clear-monitors", ids=[]))).status == 400


@case("TC_N_44_CSMS", "2.0.1", "2.1", basis="N06; schema of ClearVariableMonitoring")
async def clear_rejected(scene: Scene) -> None:
    await scene.booted()
    rejected(await clear_monitors(scene, [5], "Rejected"))
    rejected(await clear_monitors(scene, [5], "NotFound"), "NotFound")
    rejected(await clear_monitors(scene, [1, 5], "Accepted", "Rejected"))


# -- events -----------------------------------------------------------------------------------------------------------

EVENT = "N07; schema of NotifyEvent"


async def last_event(scene: Scene) -> tuple[str, str, bool]:
    """Name, value and end of the newest event of a monitor, as the operator sees it."""
    row = (await scene.operator.get(f"/api/stations/{scene.station.identity}/events?kind=monitor"))[0]
    return row["name"], row["value"], row["cleared"]


@case("TC_N_21_CSMS", "2.0.1", "2.1", basis=EVENT)
async def hard_wired_monitor(scene: Scene) -> None:
    await scene.booted()
    row = event_row("PowerContactor", "Problem", "true", trigger="Alerting", variableMonitoringId=3)
    row |= {"eventNotificationType": "HardWiredMonitor", "techCode": "E17", "techInfo": "welded"}
    await notify_event(scene, row | ({"severity": 2} if scene.version == "2.1" else {}))
    assert await last_event(scene) == ("PowerContactor.Problem", "true", False)
    (kept,) = await scene.operator.get(f"/api/stations/{scene.station.identity}/events?kind=monitor")
    assert (kept["detail"]["tech_code"], kept["detail"]["tech_info"], kept["detail"]["monitor"]) == ("E17", "welded", 3)
    assert kept["severity"] == (2 if scene.version == "2.1" else None)
    assert await alerts(scene, "monitor") == ["PowerContactor.Problem = true"]


@case("TC_N_48_CSMS", "2.0.1", "2.1", basis=EVENT + "; N07 for write-only variables: the value is empty")
async def write_only_variable(scene: Scene) -> None:
    await scene.booted()
    row = event_row("SecurityCtrlr", "BasicAuthPassword", "", trigger="Delta", variableMonitoringId=4)
    await notify_event(scene, row | {"eventNotificationType": "CustomMonitor"})
    assert await last_event(scene) == ("SecurityCtrlr.BasicAuthPassword", "", False)
    # Nor does a value come to light where a station tells one all the same.
    row = event_row("SecurityCtrlr", "BasicAuthPassword", "s3cret-s3cret-s3cret", trigger="Delta")
    await notify_event(scene, row)
    rows = await scene.operator.get(f"/api/stations/{scene.station.identity}/events?kind=monitor")
    assert "s3cret" not in str(rows) + str(await alerts(scene, "monitor"))


@case("TC_N_49_CSMS", "2.0.1", "2.1", basis=EVENT)
async def threshold_cleared_after_reboot(scene: Scene) -> None:
    await scene.booted()
    for kind, value, normal in (("UpperThreshold", "71", "40"), ("LowerThreshold", "-31", "10")):
        await set_monitors(scene, {"name": NAME, "kind": kind, "value_milli": 60_000, "severity": 3})
        alarm = {"trigger": "Alerting", "eventNotificationType": "CustomMonitor", "variableMonitoringId": 11}
        await notify_event(scene, event_row("ChargingStation", "Temperature", value, **alarm))
        assert await alerts(scene, "monitor") == [f"ChargingStation.Temperature = {value}"]
        await scene.station.close()
        await scene.booted()
        await notify_event(scene, event_row("ChargingStation", "Temperature", normal, cleared=True, **alarm))
        assert await last_event(scene) == ("ChargingStation.Temperature", normal, True)
        # The cause is gone, and so is the alert.
        assert await alerts(scene, "monitor") == []


@case("TC_N_50_CSMS", "2.0.1", "2.1", basis=EVENT + "; N08")
async def periodic_event(scene: Scene) -> None:
    await scene.booted()
    first = event_row("ChargingStation", "Temperature", "30", trigger="Periodic", variableMonitoringId=11)
    second = event_row("EVSE", "Power", "7000", 1, trigger="Periodic", variableMonitoringId=12)
    known = {"eventNotificationType": "CustomMonitor"}
    await notify_event(scene, first | known, second | known)
    rows = await scene.operator.get(f"/api/stations/{scene.station.identity}/events?kind=monitor")
    assert {(row["name"], row["value"]) for row in rows} == {
        ("ChargingStation.Temperature", "30"),
        ("EVSE@1.1.Power", "7000"),
    }
    assert all(row["at"] >= unix(-60) for row in rows)
    assert await alerts(scene, "monitor") == []
