"""Block B, resets: of a station, of an EVSE, with and without a transaction, and with one that goes on."""

from typing import Any

from conformance.ocpp2.b_boot import boot, connectors
from conformance.ocpp2.states import Visit, charging, connector, operate
from conformance.ocpp16.acts import done
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

BOTH = ("2.0.1", "2.1")


async def reset(scene: Scene, kind: str, status: str = "Accepted", evse: int | None = None) -> None:
    """Have the operator reset; exactly that is sent, and the operator sees the answer."""
    arguments: dict[str, Any] = {"kind": kind} | ({"evse": evse} if evse else {})
    sent, told = await operate(scene, "reset", "Reset", {"status": status}, **arguments)
    assert sent == {"type": kind} | ({"evseId": evse} if evse else {}), sent
    done(told, status)


async def reboot(scene: Scene, reason: str, other: str = "Available") -> None:
    """Connect again, boot, and tell the connectors' states."""
    await scene.station.close()
    await scene.station.connect()
    await boot(scene, "Accepted", reason)
    await connectors(scene, other)


async def stopped_by_driver(visit: Visit) -> None:
    """The driver stops and unplugs."""
    answer = await visit.event("StopAuthorized", "EVConnected", token=visit.token)
    assert answer["idTokenInfo"]["status"] == "Accepted", answer
    await visit.event("EVCommunicationLost", "Idle", "EVDisconnected", ends=True)
    await visit.is_over("EVDisconnected")


async def stopped_by_reset(visit: Visit) -> None:
    """The station stops the transaction itself."""
    answer = await visit.event("ResetCommand", "EVConnected", "ImmediateReset", ends=True)
    assert "idTokenInfo" not in answer, answer
    await visit.is_over("ImmediateReset")


@case("TC_B_20_CSMS", *BOTH, basis="part 6")
async def station_idle(scene: Scene) -> None:
    await scene.booted()
    await reset(scene, "OnIdle")
    await reboot(scene, "RemoteReset")


@case("TC_B_21_CSMS", *BOTH, basis="part 6")
async def station_when_idle(scene: Scene) -> None:
    visit = await charging(scene)
    await reset(scene, "OnIdle", "Scheduled")
    await stopped_by_driver(visit)
    await reboot(scene, "ScheduledReset")


@case("TC_B_22_CSMS", *BOTH, basis="part 6")
async def station_at_once(scene: Scene) -> None:
    visit = await charging(scene)
    await reset(scene, "Immediate")
    await stopped_by_reset(visit)
    await reboot(scene, "RemoteReset", "Occupied")


@case("TC_B_25_CSMS", *BOTH, basis="part 6")
async def evse_idle(scene: Scene) -> None:
    await scene.booted()
    await reset(scene, "OnIdle", evse=1)


@case("TC_B_26_CSMS", *BOTH, basis="part 6")
async def evse_when_idle(scene: Scene) -> None:
    visit = await charging(scene)
    await reset(scene, "OnIdle", "Scheduled", evse=1)
    await stopped_by_driver(visit)


@case("TC_B_27_CSMS", *BOTH, basis="part 6")
async def evse_at_once(scene: Scene) -> None:
    visit = await charging(scene)
    await reset(scene, "Immediate", evse=1)
    await stopped_by_reset(visit)


# -- with resuming (2.1) ----------------------------------------------------------------------------------------------


async def resumed(scene: Scene, visit: Visit) -> None:
    """Restart in the middle of a transaction, which goes on with the same number."""
    await reset(scene, "ImmediateAndResume")
    await visit.event("ResetCommand", "SuspendedEVSE")
    await scene.station.close()
    await scene.station.connect()
    await boot(scene, "Accepted", "RemoteReset")
    await connector(scene, 1, "Occupied")
    await visit.is_active()
    await visit.event("TxResumed", "Charging", context="Sample.Periodic")
    await visit.event("MeterValuePeriodic", context="Sample.Periodic")
    await visit.is_active(evse=1, id_token=visit.token, wh=visit.wh - visit.begin_wh)


async def ends_as_one(visit: Visit) -> None:
    """One session with all of its energy, and a note of what happened."""
    before = visit.wh
    await visit.unplug()
    assert visit.wh >= before > visit.begin_wh
    await visit.is_over("EVDisconnected", doubts=["resumed", "station restarted"])


@case("TC_B_103_CSMS", "2.1", basis="E17 resuming a transaction after a reboot; schemas of Reset and TransactionEvent")
async def goes_on(scene: Scene) -> None:
    visit = await charging(scene)
    await resumed(scene, visit)
    await ends_as_one(visit)


@case("TC_B_104_CSMS", "2.1", basis="E17; schema of Reset")
async def nothing_to_resume(scene: Scene) -> None:
    await scene.booted()
    await reset(scene, "ImmediateAndResume")
    await reboot(scene, "RemoteReset")


@case("TC_B_116_CSMS", "2.1", basis="E17, K01, K09; schemas of SetChargingProfile and ReportChargingProfiles")
async def goes_on_with_its_limit(scene: Scene) -> None:
    visit = await charging(scene)
    wish: Payload = {"id": 7, "purpose": "TxProfile", "transaction": visit.transaction}
    wish |= {"schedules": [{"unit": "W", "periods": [{"start_s": 0, "limit": 6000}]}]}
    sent, told = await operate(
        scene, "set-charging-profile", "SetChargingProfile", {"status": "Accepted"}, evse=1, profile=wish
    )
    profile = sent["chargingProfile"]
    assert (profile["transactionId"], profile["chargingProfilePurpose"]) == (visit.transaction, "TxProfile"), sent
    done(told)
    await resumed(scene, visit)
    # The profile is still there, and the operator sees whose it is.
    asked = scene.ask("get-charging-profiles", evse=1)
    request = await scene.station.expect("GetChargingProfiles")
    await request.answer({"status": "Accepted"})
    number = request.payload["requestId"]
    part = {"requestId": number, "chargingLimitSource": "CSO", "evseId": 1, "chargingProfile": [profile]}
    assert await scene.station.call("ReportChargingProfiles", part) == {}
    told = await asked
    assert told["state"] == "done", told
    assert visit.transaction in str(told["report"]), told
    await ends_as_one(visit)
