"""Block E, use case E17 of OCPP 2.1: a transaction that goes on after its station was restarted."""

from conformance.ocpp2.states import Visit, charging, operate
from conformance.registry import case
from conformance.scene import Scene, boot_payload
from conformance.station import Payload

BASIS = "E17 resuming a transaction; schema of TransactionEvent (TxResumed)"


async def interrupted(scene: Scene, visit: Visit) -> None:
    """The station loses its power and its connection, boots, and takes the transaction up again."""
    await scene.station.drop()
    await scene.station.connect()
    answer = await scene.station.call("BootNotification", boot_payload(scene.version, "PowerUp"))
    assert answer["status"] == "Accepted", answer
    await visit.is_active()
    answer = await visit.event("TxResumed", "Charging", context="Other")
    assert "idTokenInfo" not in answer
    session = await visit.is_active(waits_since=None, wh=visit.wh - visit.begin_wh)
    assert "resumed" in session["doubts"], session


@case("TC_E_113_CSMS", "2.1", basis=BASIS)
async def resumed(scene: Scene) -> None:
    visit = await charging(scene)
    await visit.event("MeterValuePeriodic", context="Sample.Periodic")
    before = (await visit.session())["session"]
    await interrupted(scene, visit)
    await visit.unplug()
    session = await visit.is_over("EVDisconnected", doubts=["resumed", "station restarted"])
    assert session["session"] == before
    assert session["outcome"]["success"], session


def profile(visit: Visit, limit: int) -> Payload:
    """The operator's wish of a TxProfile."""
    schedule = {"periods": [{"start_s": 0, "limit": limit}], "unit": "W"}
    purpose = {"purpose": "TxProfile", "transaction": visit.transaction}
    return {"evse": 1, "profile": {"id": 7, "schedules": [schedule], "kind": "Relative"} | purpose}


async def set_profile(scene: Scene, visit: Visit, limit: int) -> None:
    """Have the operator limit the transaction."""
    accepted = {"status": "Accepted"}
    sent, seen = await operate(scene, "set-charging-profile", "SetChargingProfile", accepted, **profile(visit, limit))
    wanted = sent["chargingProfile"]
    assert (sent["evseId"], wanted["id"], wanted["transactionId"]) == (1, 7, visit.transaction), sent
    assert (wanted["chargingProfilePurpose"], wanted["chargingProfileKind"]) == ("TxProfile", "Relative"), sent
    (schedule,) = wanted["chargingSchedule"]
    assert schedule["chargingRateUnit"] == "W", sent
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": limit}], sent
    assert (seen["state"], seen["status"]) == ("done", "Accepted"), seen


@case("TC_E_117_CSMS", "2.1", basis=f"{BASIS}; K01 SetChargingProfile (TxProfile) before and after it")
async def resumed_with_a_profile(scene: Scene) -> None:
    visit = await charging(scene)
    await set_profile(scene, visit, 11_000)
    await interrupted(scene, visit)
    await set_profile(scene, visit, 7_400)
    await visit.event("ChargingRateChanged", "Charging")
    await visit.is_active(waits_since=None)
    await visit.unplug()
    await visit.is_over("EVDisconnected", doubts=["resumed", "station restarted"])
