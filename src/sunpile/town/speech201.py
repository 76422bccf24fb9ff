"""OCPP 2.0.1 as a station speaks it."""

from sunpile.town.speech import Charge, Measure, Message, Nameplate, Payload, sampled, stamp

TRIGGERS = {
    "Sample.Periodic": "MeterValuePeriodic",
    "Sample.Clock": "MeterValueClock",
    "Trigger": "Trigger",
    "Other": "ChargingStateChanged",
}
STOPS = {
    "Remote": ("Remote", "RemoteStop"),
    "DeAuthorized": ("DeAuthorized", "Deauthorized"),
    "EVDisconnected": ("EVDisconnected", "EVCommunicationLost"),
    "SoftReset": ("ImmediateReset", "ResetCommand"),
    "HardReset": ("ImmediateReset", "ResetCommand"),
}


class Ocpp201:
    """Messages of a 2.0.1 station. It remembers states, because 2.0.1 has fewer words for them."""

    subprotocol = "ocpp2.0.1"

    def __init__(self) -> None:
        self._states: dict[int, str] = {}

    def forget(self) -> None:
        """The next state is told even if it is the same."""
        self._states.clear()

    def boot(self, plate: Nameplate, reset: bool) -> Message:
        """BootNotification."""
        self.forget()
        payload = {
            "reason": "RemoteReset" if reset else "PowerUp",
            "chargingStation": {
                "vendorName": plate.vendor,
                "model": plate.model,
                "serialNumber": plate.serial,
                "firmwareVersion": plate.firmware,
            },
        }
        return "BootNotification", lambda: payload

    def heartbeat(self) -> Message:
        """Heartbeat."""
        return "Heartbeat", dict

    def status(self, evse: int, state: str, at: int) -> Message | None:
        """StatusNotification, when the connector is taken or free again."""
        word = state if state in ("Available", "Unavailable", "Faulted") else "Occupied"
        if self._states.get(evse) == word:
            return None
        self._states[evse] = word
        payload = {"timestamp": stamp(at), "connectorStatus": word, "evseId": evse, "connectorId": 1}
        return "StatusNotification", lambda: payload

    def authorise(self, id_token: str) -> Message:
        """Authorize."""
        return "Authorize", lambda: {"idToken": _token(id_token)}

    def accepted(self, answer: Payload) -> bool:
        """Whether `idTokenInfo` accepts."""
        return answer.get("idTokenInfo", {"status": "Accepted"})["status"] == "Accepted"

    def begin(self, charge: Charge, plate: Nameplate) -> Message:
        """TransactionEvent Started."""
        trigger = "Authorized" if charge.remote_start_id is None else "RemoteStart"
        payload = _event("Started", charge, charge.begun, trigger, plate)
        payload["transactionInfo"]["chargingState"] = "Charging"
        payload["idToken"] = _token(charge.id_token)
        if charge.remote_start_id is not None:
            payload["transactionInfo"]["remoteStartId"] = charge.remote_start_id
        return "TransactionEvent", lambda: payload

    def begun(self, charge: Charge, answer: Payload) -> None:
        """Nothing: the station's own id is used."""

    def during(self, charge: Charge, measure: Measure, plate: Nameplate) -> Message:
        """TransactionEvent Updated."""
        payload = _event("Updated", charge, measure, TRIGGERS[measure.context], plate)
        payload["transactionInfo"]["chargingState"] = "Charging" if measure.power_w else "SuspendedEV"
        return "TransactionEvent", lambda: payload

    def end(self, charge: Charge, measure: Measure, reason: str, plate: Nameplate) -> Message:
        """TransactionEvent Ended."""
        stopped, trigger = STOPS.get(reason, ("Local", "StopAuthorized"))
        payload = _event("Ended", charge, measure, trigger, plate)
        payload["transactionInfo"] |= {"chargingState": "EVConnected", "stoppedReason": stopped}
        payload["idToken"] = _token(charge.id_token)
        return "TransactionEvent", lambda: payload

    def idle(self, evse: int, measure: Measure, plate: Nameplate) -> Message:
        """MeterValues outside a transaction."""
        payload = {"evseId": evse, "meterValue": _values(measure, plate)}
        return "MeterValues", lambda: payload


def _token(id_token: str) -> Payload:
    return {"idToken": id_token, "type": "ISO14443"}


def _event(kind: str, charge: Charge, measure: Measure, trigger: str, plate: Nameplate) -> Payload:
    number, charge.seq_no = charge.seq_no, charge.seq_no + 1
    return {
        "eventType": kind,
        "timestamp": stamp(measure.at),
        "triggerReason": trigger,
        "seqNo": number,
        "transactionInfo": {"transactionId": charge.local_id},
        "evse": {"id": charge.evse, "connectorId": 1},
        "meterValue": _values(measure, plate),
    }


def _values(measure: Measure, plate: Nameplate) -> list[Payload]:
    values = sampled(measure, plate, lambda unit: {"unitOfMeasure": {"unit": unit}})
    numbers = [{**value, "value": float(value["value"])} for value in values]
    return [{"timestamp": stamp(measure.at), "sampledValue": numbers}]
