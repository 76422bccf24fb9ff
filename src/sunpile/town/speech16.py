"""OCPP 1.6J as a station speaks it."""

from sunpile.town.speech import Charge, Measure, Message, Nameplate, Payload, sampled, stamp


class Ocpp16:
    """Messages of a 1.6 station."""

    subprotocol = "ocpp1.6"

    def forget(self) -> None:
        """Nothing is remembered."""

    def boot(self, plate: Nameplate, reset: bool) -> Message:
        """BootNotification."""
        payload = {
            "chargePointVendor": plate.vendor,
            "chargePointModel": plate.model,
            "chargePointSerialNumber": plate.serial,
            "firmwareVersion": plate.firmware,
        }
        return "BootNotification", lambda: payload

    def heartbeat(self) -> Message:
        """Heartbeat."""
        return "Heartbeat", dict

    def status(self, evse: int, state: str, at: int) -> Message | None:
        """StatusNotification."""
        payload = {"connectorId": evse, "errorCode": "NoError", "status": state, "timestamp": stamp(at)}
        return "StatusNotification", lambda: payload

    def authorise(self, id_token: str) -> Message:
        """Authorize."""
        return "Authorize", lambda: {"idTag": id_token}

    def accepted(self, answer: Payload) -> bool:
        """Whether `idTagInfo` accepts."""
        return answer.get("idTagInfo", {"status": "Accepted"})["status"] == "Accepted"

    def begin(self, charge: Charge, plate: Nameplate) -> Message:
        """StartTransaction."""
        payload = {
            "connectorId": charge.evse,
            "idTag": charge.id_token,
            "meterStart": charge.begun.register_wh,
            "timestamp": stamp(charge.begun.at),
        }
        return "StartTransaction", lambda: payload

    def begun(self, charge: Charge, answer: Payload) -> None:
        """The number of the transaction."""
        charge.number = int(answer["transactionId"])

    def during(self, charge: Charge, measure: Measure, plate: Nameplate) -> Message:
        """MeterValues with the transaction's number."""
        return "MeterValues", lambda: {
            "connectorId": charge.evse,
            "transactionId": charge.number,
            "meterValue": _values(measure, plate),
        }

    def end(self, charge: Charge, measure: Measure, reason: str, plate: Nameplate) -> Message:
        """StopTransaction."""
        return "StopTransaction", lambda: {
            "transactionId": charge.number,
            "idTag": charge.id_token,
            "meterStop": measure.register_wh,
            "timestamp": stamp(measure.at),
            "reason": reason,
        }

    def idle(self, evse: int, measure: Measure, plate: Nameplate) -> Message:
        """MeterValues outside a transaction."""
        payload = {"connectorId": evse, "meterValue": _values(measure, plate)}
        return "MeterValues", lambda: payload


def _values(measure: Measure, plate: Nameplate) -> list[Payload]:
    return [{"timestamp": stamp(measure.at), "sampledValue": sampled(measure, plate, lambda unit: {"unit": unit})}]
