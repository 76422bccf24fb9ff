"""Block F, remote control: starts, unlocking, and triggered messages."""

from typing import Any

from conformance.ocpp2.states import (
    Visit,
    authorize,
    charging,
    connector,
    event_row,
    evse_now,
    id_token,
    meter_value,
    moment,
    new_token,
    notify_event,
    operate,
    shows,
)
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

BOTH = ("2.0.1", "2.1")
ACCEPTED: Payload = {"status": "Accepted"}


# -- remote start -------------------------------------------------------------------------------------------------


async def remote_start(scene: Scene, visit: Visit, transaction: str | None = None) -> int:
    """Have the operator start a charge for the visit's token; the number the server gave it."""
    answer = ACCEPTED | ({"transactionId": transaction} if transaction else {})
    token = {"id": visit.token, "kind": "ISO14443"}
    sent, seen = await operate(scene, "remote-start", "RequestStartTransaction", answer, token=token, evse=visit.evse)
    assert sent == {
        "idToken": id_token(visit.token), "evseId": visit.evse, "remoteStartId": sent["remoteStartId"]
    }, sent  # fmt: skip
    assert sent["remoteStartId"] > 0, sent
    assert (seen["state"], seen["status"]) == ("done", "Accepted"), seen
    return int(sent["remoteStartId"])


async def tell_remote_start(visit: Visit, number: int) -> None:
    """Tell that the remote start has begun the transaction, or goes on with it."""
    answer = await visit.event("RemoteStart", token=visit.token, info={"remoteStartId": number})
    assert answer["idTokenInfo"]["status"] == "Accepted", answer
    visit.accepted = True


@case("TC_F_01_CSMS", *BOTH, basis="part 6")
async def cable_first(scene: Scene) -> None:
    await scene.booted()
    visit = Visit(scene, await new_token(scene))
    await visit.plug_in()
    number = await remote_start(scene, visit, visit.transaction)
    await tell_remote_start(visit, number)
    await visit.charge()
    await visit.is_active(authorised="Accepted", id_token=visit.token, evse=1, remote_start=number)


async def remote_first(scene: Scene, asks: bool) -> Visit:
    """A remote start of which nothing is plugged in yet; `asks`: AuthorizeRemoteStart is true."""
    await scene.booted()
    visit = Visit(scene, await new_token(scene))
    number = await remote_start(scene, visit)
    if asks:
        await authorize(scene, visit.token)
    await tell_remote_start(visit, number)
    await visit.is_active(authorised="Accepted", id_token=visit.token, remote_start=number)
    return visit


@case("TC_F_02_CSMS", *BOTH, basis="part 6")
async def remote_first_that_asks(scene: Scene) -> None:
    visit = await remote_first(scene, asks=True)
    await visit.charge()
    await visit.unplug()
    await visit.is_over("EVDisconnected")


@case("TC_F_03_CSMS", *BOTH, basis="part 6")
async def remote_first_that_does_not_ask(scene: Scene) -> None:
    visit = await remote_first(scene, asks=False)
    await visit.charge()
    await visit.unplug()
    await visit.is_over("EVDisconnected")


@case("TC_F_04_CSMS", *BOTH, basis="part 6")
async def nobody_plugs_in(scene: Scene) -> None:
    visit = await remote_first(scene, asks=False)
    await visit.event("EVConnectTimeout")
    await visit.is_active(wh=0, owed=0)


@case("TC_F_06_CSMS", *BOTH, basis="part 6")
async def unlock(scene: Scene) -> None:
    await scene.booted()
    sent, seen = await operate(scene, "unlock-connector", "UnlockConnector", {"status": "Unlocked"}, evse=1)
    assert sent == {"evseId": 1, "connectorId": 1}, sent
    assert (seen["state"], seen["status"]) == ("done", "Unlocked"), seen


# -- triggers -----------------------------------------------------------------------------------------------------


async def trigger(scene: Scene, message: str, status: str = "Accepted", **arguments: Any) -> Payload:
    """Have the operator ask for a message; what the server sent."""
    arguments |= {"message": message}
    sent, seen = await operate(scene, "trigger-message", "TriggerMessage", {"status": status}, **arguments)
    assert sent["requestedMessage"] == message, sent
    good = status == "Accepted"
    assert (seen["state"], seen["status"]) == ("done" if good else "rejected", status), seen
    return sent


async def meter(scene: Scene, evse: int, wh: int) -> None:
    """Send a MeterValues that was asked for, and check that the operator sees the register."""
    values = [meter_value(wh, "Trigger", moment())]
    assert await scene.station.call("MeterValues", {"evseId": evse, "meterValue": values}) == {}
    assert (await evse_now(scene, evse))["register_wh"] == wh


@case("TC_F_11_CSMS", *BOTH, basis="part 6")
async def meter_values_of_an_evse(scene: Scene) -> None:
    await scene.booted()
    assert (await trigger(scene, "MeterValues", evse=1))["evse"] == {"id": 1}
    await meter(scene, 1, 12_345)


@case("TC_F_12_CSMS", *BOTH, basis="part 6")
async def meter_values_of_all(scene: Scene) -> None:
    await scene.booted()
    assert "evse" not in await trigger(scene, "MeterValues")
    await meter(scene, 1, 12_345)
    await meter(scene, 2, 54_321)


async def triggered_event(visit: Visit) -> None:
    """Send a TransactionEvent that was asked for, and check that the operator sees its energy."""
    await visit.event("Trigger", "Charging", context="Trigger")
    await visit.is_active(wh=visit.wh - visit.begin_wh, evse=visit.evse)


@case("TC_F_13_CSMS", *BOTH, basis="part 6")
async def transaction_of_an_evse(scene: Scene) -> None:
    visit = await charging(scene)
    assert (await trigger(scene, "TransactionEvent", evse=1))["evse"] == {"id": 1}
    await triggered_event(visit)


@case("TC_F_14_CSMS", *BOTH, basis="part 6")
async def transactions_of_all(scene: Scene) -> None:
    visits = [await charging(scene), Visit(scene, await new_token(scene), evse=2)]
    await visits[1].charge()
    assert "evse" not in await trigger(scene, "TransactionEvent")
    for visit in visits:
        visit.plugged = False  # its events name no EVSE now
        await triggered_event(visit)
        assert "evse" not in visit.told[-1]


@case("TC_F_15_CSMS", *BOTH, basis="part 6")
async def log_status(scene: Scene) -> None:
    await scene.booted()
    assert await trigger(scene, "LogStatusNotification") == {"requestedMessage": "LogStatusNotification"}
    assert await scene.station.call("LogStatusNotification", {"status": "Idle"}) == {}


@case("TC_F_18_CSMS", *BOTH, basis="part 6")
async def firmware_status(scene: Scene) -> None:
    await scene.booted()
    assert await trigger(scene, "FirmwareStatusNotification") == {"requestedMessage": "FirmwareStatusNotification"}
    assert await scene.station.call("FirmwareStatusNotification", {"status": "Idle"}) == {}


@case("TC_F_20_CSMS", *BOTH, basis="part 6")
async def heartbeat(scene: Scene) -> None:
    await scene.booted()
    assert await trigger(scene, "Heartbeat") == {"requestedMessage": "Heartbeat"}
    answer = await scene.station.call("Heartbeat", {})
    assert answer["currentTime"][:16] == moment()[:16], answer


async def triggered_status(scene: Scene, status: str) -> None:
    """Ask for a connector's status, which is sent as StatusNotification and as an event; either is understood."""
    assert (await trigger(scene, "StatusNotification", evse=1))["evse"] == {"id": 1, "connectorId": 1}
    await scene.status(1, status)
    await notify_event(scene, event_row("Connector", "AvailabilityState", status, 1))
    await shows(scene, 1, status)


@case("TC_F_23_CSMS", *BOTH, basis="part 6")
async def status_available(scene: Scene) -> None:
    await scene.booted()
    await triggered_status(scene, "Available")


@case("TC_F_24_CSMS", *BOTH, basis="part 6")
async def status_occupied(scene: Scene) -> None:
    await scene.booted()
    await connector(scene, 1, "Occupied")
    await triggered_status(scene, "Occupied")


@case("TC_F_27_CSMS", *BOTH, basis="part 6")
async def not_implemented(scene: Scene) -> None:
    await scene.booted()
    await trigger(scene, "PublishFirmwareStatusNotification", "NotImplemented")


@case("TC_F_100_CSMS", "2.1", basis="F06 custom trigger; schema of TriggerMessageRequest (customTrigger)")
async def custom_trigger(scene: Scene) -> None:
    await scene.booted()
    sent = await trigger(scene, "CustomTrigger", custom="org.example.temperature")
    assert sent == {"requestedMessage": "CustomTrigger", "customTrigger": "org.example.temperature"}, sent
    await trigger(scene, "CustomTrigger", "NotImplemented", custom="org.example.weather")
