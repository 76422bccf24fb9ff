"""Block E, use case E14: the status of a transaction, and what a station has still to send."""

from typing import Any

from conformance.ocpp2.states import Visit, charging, operate
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

BOTH = ("2.0.1", "2.1")


async def status(scene: Scene, answer: Payload, **arguments: Any) -> Payload:
    """Have the operator ask for a status; what the server sent."""
    sent, seen = await operate(scene, "get-transaction-status", "GetTransactionStatus", answer, **arguments)
    assert (seen["state"], seen["data"]) == ("done", answer), seen
    return sent


async def away(scene: Scene) -> Visit:
    """A station that lost its connection while it charged, and has it again."""
    visit = await charging(scene)
    await scene.station.drop()
    await scene.station.connect()
    return visit


async def bring(visit: Visit) -> None:
    """What was queued: a meter value of the time without connection."""
    await visit.event("MeterValuePeriodic", context="Sample.Periodic", offline=True)
    await visit.is_active(wh=visit.wh - visit.begin_wh, seqs=[[0, visit.seq]])


@case("TC_E_29_CSMS", *BOTH, basis="part 6")
async def runs_and_has_more(scene: Scene) -> None:
    visit = await away(scene)
    answer = {"ongoingIndicator": True, "messagesInQueue": True}
    assert await status(scene, answer, transaction=visit.transaction) == {"transactionId": visit.transaction}
    await bring(visit)


@case("TC_E_30_CSMS", *BOTH, basis="part 6")
async def runs_and_has_no_more(scene: Scene) -> None:
    visit = await charging(scene)
    answer = {"ongoingIndicator": True, "messagesInQueue": False}
    assert await status(scene, answer, transaction=visit.transaction) == {"transactionId": visit.transaction}


@case("TC_E_31_CSMS", *BOTH, basis="part 6")
async def is_over_and_has_more(scene: Scene) -> None:
    visit = await away(scene)
    seq = visit.seq
    at = visit.ago_s
    visit.ago_s -= 40
    await visit.event("EVCommunicationLost", "Idle", "EVDisconnected", ends=True, seq=seq + 3, offline=True)
    session = await visit.session()
    assert session["state"] == "waiting", session
    answer = {"ongoingIndicator": False, "messagesInQueue": True}
    assert await status(scene, answer, transaction=visit.transaction) == {"transactionId": visit.transaction}
    visit.ago_s = at - 10
    await visit.event("StopAuthorized", seq=seq + 1, offline=True)
    visit.state = "EVConnected"
    await visit.event("ChargingStateChanged", "EVConnected", seq=seq + 2, offline=True)
    await visit.is_over("EVDisconnected")


@case("TC_E_33_CSMS", *BOTH, basis="part 6")
async def has_more(scene: Scene) -> None:
    visit = await away(scene)
    assert await status(scene, {"messagesInQueue": True}) == {}
    await bring(visit)


@case("TC_E_34_CSMS", *BOTH, basis="part 6")
async def has_no_more(scene: Scene) -> None:
    await scene.booted()
    assert await status(scene, {"messagesInQueue": False}) == {}
