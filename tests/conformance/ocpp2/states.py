"""Ways into the states that cases of OCPP 2 start from, and the messages of a transaction.

A `Visit` is one driver at one EVSE. Its methods are the reusable states of the OCA's text; each sends what leads there
from where the visit is, and checks the answers. Its clock starts four minutes ago and moves on with each event, so that
the energy it tells is what a meter can have counted.
"""

import asyncio
import itertools
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from conformance.node import ServerRefused
from conformance.scene import Scene
from conformance.station import Payload

CONTEXTS = ("Transaction.Begin", "Sample.Periodic", "Transaction.End")
STEP_S, STEP_WH = 10, 50
_numbers = itertools.count(1)


def moment(ago_s: float = 0) -> str:
    """A time as stations write it, so many seconds ago."""
    return (datetime.now(UTC) - timedelta(seconds=ago_s)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def unix(ahead_s: int = 0) -> int:
    """A time in Unix seconds, so many seconds ahead."""
    return int(datetime.now(UTC).timestamp()) + ahead_s


async def until(look: Callable[[], Awaitable[Any]], holds: Callable[[Any], Any]) -> Any:
    """What `look` returns as soon as `holds` of it; fails after three seconds."""
    found: Any = None
    for _ in range(60):
        found = await look()
        if holds(found):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"it did not come to that: {found}")


# -- tokens -------------------------------------------------------------------------------------------------------


async def new_token(scene: Scene, name: str | None = None, **fields: Any) -> str:
    """A token registered by the operator (accepted, unless `status` says otherwise)."""
    token = name or f"TOKEN{next(_numbers):06d}"
    await scene.operator.put(f"/api/tokens/{token}", fields)
    return token


def id_token(token: str, kind: str = "ISO14443") -> Payload:
    """An idToken."""
    return {"idToken": token, "type": kind}


async def authorize(scene: Scene, token: str, status: str = "Accepted", kind: str = "ISO14443") -> Payload:
    """Send an AuthorizeRequest and check the status of its answer."""
    answer = await scene.station.call("Authorize", {"idToken": id_token(token, kind)})
    assert answer["idTokenInfo"]["status"] == status, answer
    return answer


# -- connectors ---------------------------------------------------------------------------------------------------


def event_row(component: str, variable: str, value: str, evse: int | None = None, **more: Any) -> Payload:
    """One eventData of a NotifyEvent."""
    place: Payload = {"name": component}
    if evse is not None:
        place["evse"] = {"id": evse, "connectorId": 1}
    row = {"eventId": next(_numbers), "timestamp": moment(), "trigger": "Delta", "actualValue": value}
    row |= {"eventNotificationType": "HardWiredNotification", "component": place, "variable": {"name": variable}}
    return row | more


async def notify_event(scene: Scene, *rows: Payload) -> None:
    """Send a NotifyEvent."""
    answer = await scene.station.call("NotifyEvent", {"generatedAt": moment(), "seqNo": 0, "eventData": list(rows)})
    assert answer == {}


async def connector(scene: Scene, evse: int, status: str) -> None:
    """Tell a connector's state: by StatusNotification in 2.0.1, by an event of its AvailabilityState in 2.1."""
    if scene.version == "2.0.1":
        await scene.status(evse, status)
    else:
        await notify_event(scene, event_row("Connector", "AvailabilityState", status, evse))


async def evse_now(scene: Scene, evse: int) -> Payload:
    """The EVSE as the operator sees it now."""
    view = await scene.operator.get(f"/api/stations/{scene.station.identity}")
    return next(row for row in view["live"]["evses"] if row["evse"] == evse)


async def shows(scene: Scene, evse: int, status: str) -> None:
    """Fail unless the operator sees the EVSE in that state, now and in the station's record."""

    async def look() -> tuple[str, str]:
        view = await scene.operator.get(f"/api/stations/{scene.station.identity}")
        live = next(row["status"] for row in view["live"]["evses"] if row["evse"] == evse)
        return live, next(row["status"] for row in view["card"]["evses"] if row["evse"] == evse)

    await until(look, lambda found: found == (status, status))


# -- operations ---------------------------------------------------------------------------------------------------


async def operate(
    scene: Scene, operation: str, action: str, answer: Payload | None, **arguments: Any
) -> tuple[Payload, dict[str, Any]]:
    """Have the operator ask the station, which answers; the server's request and what the operator sees."""
    asked = scene.ask(operation, **arguments)
    wanted = asyncio.create_task(scene.station.expect(action))
    await asyncio.wait({asked, wanted}, return_when=asyncio.FIRST_COMPLETED)
    if not wanted.done():
        wanted.cancel()
        raise AssertionError(f"the server asked nothing: {await asked}")
    request = await wanted
    await request.answer(answer)
    return request.payload, await asked


async def refused(work: Awaitable[Any]) -> ServerRefused:
    """The refusal the operator gets."""
    try:
        found = await work
    except ServerRefused as refusal:
        return refusal
    raise AssertionError(f"it was not refused: {found}")


# -- transactions -------------------------------------------------------------------------------------------------


def signed(wh: int) -> Payload:
    """A signed meter value nobody can check: the meter's key is not known."""
    return {
        "signedMeterData": f"T0NNRnx7{wh:08d}",
        "signingMethod": "ECDSA-secp256r1-SHA256",
        "encodingMethod": "OCMF",
        "publicKey": "",
    }


def meter_value(wh: float, context: str, at: str, proof: bool = False) -> Payload:
    """A meterValue with the energy register."""
    sample: Payload = {"value": wh, "context": context, "measurand": "Energy.Active.Import.Register"}
    sample["unitOfMeasure"] = {"unit": "Wh"}
    if proof:
        sample["signedMeterValue"] = signed(int(wh))
    return {"timestamp": at, "sampledValue": [sample]}


@dataclass
class Visit:
    """One driver at one EVSE, and the transaction the station tells of."""

    scene: Scene
    token: str
    evse: int = 1
    kind: str = "ISO14443"
    transaction: str = field(default_factory=lambda: str(uuid.uuid4()))
    wh: int = 10_000
    begin_wh: int = 10_000
    seq: int = -1
    ago_s: int = 240
    started: bool = False
    plugged: bool = False
    accepted: bool = False
    state: str = ""
    told: list[Payload] = field(default_factory=list[Payload])

    # -- messages -----------------------------------------------------------------------------------------------------

    async def event(
        self,
        trigger: str,
        state: str | None = None,
        reason: str | None = None,
        ends: bool = False,
        token: str | None = None,
        values: list[Payload] | None = None,
        context: str | None = None,
        proof: bool = False,
        info: Payload | None = None,
        seq: int | None = None,
        **more: Any,
    ) -> Payload:
        """Send the next TransactionEvent; the server's answer.

        `context` brings a meter value of that context, `proof` with its signature.
        """
        self.move_on()
        kind = "Ended" if ends else "Updated" if self.started else "Started"
        self.seq = self.seq + 1 if seq is None else seq
        known: Payload = {"transactionId": self.transaction} | (info or {})
        known |= {"chargingState": state} if state else {}
        known |= {"stoppedReason": reason} if reason else {}
        payload: Payload = {"eventType": kind, "timestamp": moment(self.ago_s), "triggerReason": trigger}
        payload |= {"seqNo": self.seq, "transactionInfo": known}
        if token is not None:
            payload["idToken"] = id_token(token, self.kind)
        if self.plugged:
            payload["evse"] = {"id": self.evse, "connectorId": 1}
        if context is not None:
            values = [*(values or ()), self.sample(context, proof)]
        elif values is None and (kind != "Updated" or trigger == "CablePluggedIn") and (self.plugged or ends):
            values = [self.sample("Transaction.End" if ends else "Transaction.Begin")]
        payload |= {"meterValue": values} if values else {}
        payload |= more
        self.started, self.state = True, state or self.state
        self.told.append(payload)
        return await self.scene.station.call("TransactionEvent", payload)

    def move_on(self) -> None:
        """Let time pass, and energy flow while it charges."""
        self.ago_s -= STEP_S
        if self.state == "Charging":
            self.wh += STEP_WH

    def sample(self, context: str, proof: bool = False) -> Payload:
        """A meterValue of now, as the visit's clock goes."""
        return meter_value(self.wh, context, moment(self.ago_s), proof)

    # -- reusable states ----------------------------------------------------------------------------------------------

    async def plug_in(self) -> Payload:
        """EVConnectedPreSession."""
        await connector(self.scene, self.evse, "Occupied")
        self.plugged = True
        return await self.event("CablePluggedIn", "EVConnected")

    async def authorise(self) -> Payload:
        """Authorized."""
        await authorize(self.scene, self.token, kind=self.kind)
        answer = await self.event("Authorized", token=self.token)
        assert answer["idTokenInfo"]["status"] == "Accepted", answer
        self.accepted = True
        return answer

    async def charge(self) -> Payload:
        """EnergyTransferStarted."""
        if not self.accepted:
            await self.authorise()
        if not self.plugged:
            await self.plug_in()
        return await self.event("ChargingStateChanged", "Charging")

    async def suspend(self) -> Payload:
        """EnergyTransferSuspended."""
        if self.state != "Charging":
            await self.charge()
        return await self.event("ChargingStateChanged", "SuspendedEV")

    async def authorise_stop(self) -> Payload:
        """StopAuthorized."""
        if self.state not in ("Charging", "SuspendedEV"):
            await self.charge()
        answer = await self.event("StopAuthorized", token=self.token)
        assert answer["idTokenInfo"]["status"] == "Accepted", answer
        return answer

    async def stop_charging(self) -> Payload:
        """EVConnectedPostSession."""
        if not self.told or self.told[-1]["triggerReason"] != "StopAuthorized":
            await self.authorise_stop()
        return await self.event("ChargingStateChanged", "EVConnected")

    async def unplug(self, **more: Any) -> Payload:
        """EVDisconnected; ends the transaction."""
        if self.state in ("", "Charging"):
            await self.stop_charging()
        await connector(self.scene, self.evse, "Available")
        return await self.event("EVCommunicationLost", "Idle", "EVDisconnected", ends=True, **more)

    # -- what the operator sees ---------------------------------------------------------------------------------------

    async def session(self) -> dict[str, Any]:
        """The session as the operator sees it."""
        path = f"/api/staff/sessions?station={self.scene.station.identity}"
        found = (await self.scene.operator.get(path))["sessions"]
        return next(one for one in found if one["ocpp_transaction"] == self.transaction)

    async def is_active(self, **values: Any) -> dict[str, Any]:
        """Fail unless the session runs, with these values."""
        session = await self.session()
        seen = {name: session[name] for name in ("state", "held_reason", *values)}
        assert seen == {"state": "active", "held_reason": None} | values, session
        return session

    async def is_over(self, reason: str, **values: Any) -> dict[str, Any]:
        """Fail unless the session is closed without a doubt, for `reason`, with the energy the meter counted."""
        session = await self.session()
        wanted = {"state": "ended", "stop_reason": reason, "wh": self.wh - self.begin_wh, "doubts": []}
        wanted |= values
        assert {name: session[name] for name in wanted} == wanted, session
        return session


async def new_visit(scene: Scene, evse: int = 1, **fields: Any) -> Visit:
    """A driver with a token of their own."""
    return Visit(scene, await new_token(scene), evse, **fields)


async def charging(scene: Scene, evse: int = 1) -> Visit:
    """A booted station that charges a car."""
    await scene.booted()
    visit = await new_visit(scene, evse)
    await visit.charge()
    return visit
