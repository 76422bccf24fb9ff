"""Block E, stops: a transaction ends at whichever point the station was set to, and for whichever reason."""

from conformance.ocpp2.states import Visit, charging, connector, new_visit, operate
from conformance.registry import case
from conformance.scene import Scene

BOTH = ("2.0.1", "2.1")


async def suspended(scene: Scene) -> Visit:
    """A station whose car has had enough."""
    visit = await charging(scene)
    await visit.suspend()
    return visit


@case("TC_E_07_CSMS", *BOTH, basis="part 6")
async def power_path_opened(scene: Scene) -> None:
    visit = await charging(scene)
    await visit.event("StopAuthorized", reason="Local", ends=True)
    await visit.is_over("Local")


@case("TC_E_08_CSMS", *BOTH, basis="part 6")
async def energy_stopped_by_driver(scene: Scene) -> None:
    visit = await charging(scene)
    await visit.authorise_stop()
    await visit.is_active()
    await visit.event("ChargingStateChanged", "EVConnected", "Local", ends=True)
    await visit.is_over("Local")


@case("TC_E_14_CSMS", *BOTH, basis="part 6")
async def unplugged_at_the_station(scene: Scene) -> None:
    visit = await charging(scene)
    await visit.stop_charging()
    await visit.is_active()
    await visit.unplug()
    await visit.is_over("EVDisconnected")


@case("TC_E_15_CSMS", *BOTH, basis="part 6")
async def stopped_locally(scene: Scene) -> None:
    visit = await charging(scene)
    answer = await visit.event("StopAuthorized", reason="Local", ends=True, token=visit.token)
    assert answer["idTokenInfo"]["status"] == "Accepted", answer
    await visit.is_over("Local", authorised="Accepted")


@case("TC_E_16_CSMS", *BOTH, basis="part 6")
async def deauthorised(scene: Scene) -> None:
    await scene.booted()
    visit = Visit(scene, "NOBODY-HAS-THIS")
    answer = await visit.event("Authorized", token=visit.token)
    assert answer["idTokenInfo"]["status"] in ("Invalid", "Unknown"), answer
    await visit.event("Deauthorized", reason="DeAuthorized", ends=True, context="Transaction.End")
    session = await visit.session()
    assert (session["stop_reason"], session["wh"]) == ("DeAuthorized", 0), session
    assert session["outcome"]["failed_at"] == "authorised", session


@case("TC_E_17_CSMS", *BOTH, basis="part 6")
async def unplugged_at_the_car_ends(scene: Scene) -> None:
    visit = await suspended(scene)
    await visit.event("EVCommunicationLost", "Idle", "EVDisconnected", ends=True)
    await visit.is_over("EVDisconnected")


@case("TC_E_19_CSMS", *BOTH, basis="part 6")
async def bay_left(scene: Scene) -> None:
    visit = await charging(scene)
    await visit.stop_charging()
    await connector(scene, 1, "Available")
    await visit.event("EVCommunicationLost", "Idle")
    await visit.is_active()
    await visit.event("EVDeparted", reason="Local", ends=True)
    await visit.is_over("Local")
    other = await new_visit(scene, evse=2)
    await other.unplug()  # ends it; that the car leaves then ends nothing more
    await other.event("EVDeparted", reason="Local", ends=True, values=[])
    await other.is_over("EVDisconnected")


@case("TC_E_20_CSMS", *BOTH, basis="part 6")
async def unplugged_at_the_car(scene: Scene) -> None:
    visit = await suspended(scene)
    await visit.unplug()
    await visit.is_over("EVDisconnected")


@case("TC_E_21_CSMS", *BOTH, basis="part 6")
async def stopped_remotely(scene: Scene) -> None:
    visit = await charging(scene)
    accepted = {"status": "Accepted"}
    sent, seen = await operate(scene, "remote-stop", "RequestStopTransaction", accepted, transaction=visit.transaction)
    assert sent == {"transactionId": visit.transaction}, sent
    assert seen["state"] == "done", seen
    await visit.event("RemoteStop", reason="Remote", ends=True)
    await visit.is_over("Remote")


@case("TC_E_22_CSMS", *BOTH, basis="part 6")
async def energy_stopped_by_car(scene: Scene) -> None:
    visit = await charging(scene)
    await visit.event("ChargingStateChanged", "SuspendedEV", "StoppedByEV", ends=True)
    await visit.is_over("StoppedByEV")


@case("TC_E_26_CSMS", *BOTH, basis="part 6")
async def unplugged_at_the_car_and_back(scene: Scene) -> None:
    visit = await suspended(scene)
    await visit.event("EVCommunicationLost", "Idle")
    await connector(scene, 1, "Available")
    await visit.is_active()
    await visit.event("CablePluggedIn", "EVConnected")
    await visit.event("ChargingStateChanged", "Charging")
    await visit.is_active(waits_since=None)
    await visit.unplug()
    await visit.is_over("EVDisconnected")


@case("TC_E_39_CSMS", *BOTH, basis="part 6")
async def nobody_plugged_in(scene: Scene) -> None:
    await scene.booted()
    visit = await new_visit(scene)
    await visit.authorise()
    await visit.event("EVConnectTimeout", reason="Timeout", ends=True, values=[])
    session = await visit.session()
    assert (session["stop_reason"], session["wh"], session["owed"]) == ("Timeout", 0, 0), session
