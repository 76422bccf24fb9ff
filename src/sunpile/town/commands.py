"""What a management system may tell a station, in both versions; the answer says what the station will do."""

from collections.abc import Callable
from typing import Any

from sunpile.town.evse import Evse
from sunpile.town.limits import read_profile
from sunpile.town.link import CallRefused
from sunpile.town.pile import Pile
from sunpile.town.scheduler import Phase
from sunpile.town.speech import Charge, Payload

NUMBERS = {
    "HeartbeatInterval": "heartbeat_s",
    "MeterValueSampleInterval": "sample_s",
    "ClockAlignedDataInterval": "aligned_s",
    "OCPPCommCtrlr/HeartbeatInterval": "heartbeat_s",
    "SampledDataCtrlr/TxUpdatedInterval": "sample_s",
    "AlignedDataCtrlr/Interval": "aligned_s",
}
"""Settings with an effect, by key (1.6) or component/variable (2.0.1)."""
TEXTS = {
    "MeterValuesSampledData",
    "MeterValuesAlignedData",
    "StopTxnSampledData",
    "StopTxnAlignedData",
    "WebSocketPingInterval",
    "LocalAuthorizeOffline",
    "AuthorizeRemoteTxRequests",
    "ConnectionTimeOut",
    "SampledDataCtrlr/TxUpdatedMeasurands",
    "SampledDataCtrlr/TxStartedMeasurands",
    "SampledDataCtrlr/TxEndedMeasurands",
    "SampledDataCtrlr/TxEndedInterval",
    "AlignedDataCtrlr/Measurands",
    "AlignedDataCtrlr/SendDuringIdle",
    "OCPPCommCtrlr/WebSocketPingInterval",
}
"""Settings that are kept and change nothing here."""


class Commands:
    """Answers calls for one station."""

    def __init__(self, pile: Pile) -> None:
        self._pile = pile
        self._kept: dict[str, str] = {}
        self._starting: dict[int, str] = {}
        shared: dict[str, Callable[[Payload], Payload]] = {
            "Reset": self._reset,
            "ChangeAvailability": self._availability,
            "SetChargingProfile": self._set_profile,
            "ClearChargingProfile": self._clear_profile,
            "TriggerMessage": self._trigger,
            "UnlockConnector": lambda _: {"status": "NotSupported" if self._is_16 else "UnknownConnector"},
            "ClearCache": lambda _: {"status": "Accepted"},
            "DataTransfer": lambda _: {"status": "UnknownVendorId"},
        }
        if self._is_16:
            self._handlers = shared | {
                "RemoteStartTransaction": self._remote_start,
                "RemoteStopTransaction": self._remote_stop,
                "ChangeConfiguration": self._change_configuration,
                "GetConfiguration": self._get_configuration,
            }
        else:
            self._handlers = shared | {
                "RequestStartTransaction": self._remote_start,
                "RequestStopTransaction": self._remote_stop,
                "SetVariables": self._set_variables,
                "GetVariables": self._get_variables,
            }

    async def __call__(self, action: str, payload: Payload) -> Payload:
        """Answer one call.

        Raises
        ------
        CallRefused
            NotImplemented, or FormationViolation / FormatViolation if a member is missing or wrong.
        """
        handler = self._handlers.get(action)
        if handler is None:
            raise CallRefused("NotImplemented")
        try:
            return handler(payload)
        except (KeyError, TypeError, ValueError, IndexError) as fault:
            raise CallRefused("FormationViolation" if self._is_16 else "FormatViolation") from fault

    @property
    def _is_16(self) -> bool:
        return self._pile.dialect.subprotocol == "ocpp1.6"

    def _soon(self, action: Callable[[int], Any]) -> None:
        self._pile.scheduler.soon(Phase.PILE, self._pile.station, action)

    def _chosen(self, number: int | None) -> list[Evse]:
        return self._pile.evses if not number else [self._pile.evses[number - 1]]

    # -- transactions -------------------------------------------------------------------------------------------------

    def _remote_start(self, payload: Payload) -> Payload:
        token = payload["idTag"] if self._is_16 else payload["idToken"]["idToken"]
        number = payload.get("connectorId" if self._is_16 else "evseId")
        waiting = [evse for evse in self._chosen(number) if evse.car and not evse.charge]
        if not waiting:
            return {"status": "Rejected"}
        evse, remote_id = waiting[0], payload.get("remoteStartId")
        if profile := payload.get("chargingProfile"):
            evse.limits.install(self._profile_id(profile), read_profile(profile, self._pile.scheduler.now))
        if self._starting.get(evse.number) != token:
            self._starting[evse.number] = token
            self._soon(lambda t: self._begin(evse, token, t, remote_id))
        return {"status": "Accepted"}

    async def _begin(self, evse: Evse, token: str, when: int, remote_id: int | None) -> None:
        self._starting.pop(evse.number, None)
        await self._pile.begin(evse, token, when, remote_id)

    def _remote_stop(self, payload: Payload) -> Payload:
        for evse in self._pile.evses:
            charge = evse.charge
            if charge and payload["transactionId"] == (charge.number if self._is_16 else charge.local_id):
                self._soon(lambda t, e=evse, c=charge: self._stop(e, c, t))
                return {"status": "Accepted"}
        return {"status": "Rejected"}

    async def _stop(self, evse: Evse, charge: Charge, when: int) -> None:
        await self._pile.stop(evse, charge, "Remote", when)

    # -- the station --------------------------------------------------------------------------------------------------

    def _reset(self, payload: Payload) -> Payload:
        reason = "HardReset" if payload["type"] == "Hard" else "SoftReset"
        self._soon(lambda t: self._pile.reboot(t, reason))
        return {"status": "Accepted"}

    def _availability(self, payload: Payload) -> Payload:
        number = payload["connectorId"] if self._is_16 else payload.get("evse", {}).get("id", 0)
        works = payload["type" if self._is_16 else "operationalStatus"] == "Operative"
        later = False
        for evse in self._chosen(number):
            evse.available = works
            later |= evse.charge is not None
            if evse.car is None:
                self._soon(lambda t, e=evse: self._tell_availability(e, t))
        return {"status": "Scheduled" if later else "Accepted"}

    async def _tell_availability(self, evse: Evse, when: int) -> None:
        evse.state = "Available" if evse.available else "Unavailable"
        await self._pile.say(self._pile.dialect.status(evse.number, evse.state, when))

    def _trigger(self, payload: Payload) -> Payload:
        number = payload.get("connectorId") if self._is_16 else payload.get("evse", {}).get("id")
        evses = self._chosen(number)
        match payload["requestedMessage"]:
            case "BootNotification":
                self._soon(lambda t: self._pile.boot(t))
            case "Heartbeat":
                self._soon(lambda t: self._pile.say(self._pile.dialect.heartbeat()))
            case "StatusNotification":
                self._soon(lambda t: self._tell_states(evses, t))
            case "MeterValues" | "TransactionEvent":
                self._soon(lambda t: self._tell_meters(evses, t))
            case _:
                return {"status": "NotImplemented"}
        return {"status": "Accepted"}

    async def _tell_states(self, evses: list[Evse], when: int) -> None:
        for evse in evses:
            await self._pile.say(self._pile.dialect.status(evse.number, evse.state, when))

    async def _tell_meters(self, evses: list[Evse], when: int) -> None:
        for evse in evses:
            await self._pile.meter(evse, when, "Trigger")

    # -- charging profiles --------------------------------------------------------------------------------------------

    def _profile_id(self, profile: Payload) -> int:
        return int(profile["chargingProfileId" if self._is_16 else "id"])

    def _set_profile(self, payload: Payload) -> Payload:
        profile = payload["csChargingProfiles" if self._is_16 else "chargingProfile"]
        number = payload["connectorId" if self._is_16 else "evseId"]
        read = read_profile(profile, self._pile.scheduler.now)
        if read.purpose == "TxProfile" and not any(evse.charge for evse in self._chosen(number)):
            return {"status": "Rejected"}
        for evse in self._chosen(number):
            evse.limits.install(self._profile_id(profile), read)
        self._soon(lambda t: self._pile.refresh(t))
        return {"status": "Accepted"}

    def _clear_profile(self, payload: Payload) -> Payload:
        criteria = payload if self._is_16 else payload.get("chargingProfileCriteria", {})
        number = criteria.get("connectorId" if self._is_16 else "evseId")
        wanted = payload.get("id" if self._is_16 else "chargingProfileId")
        purpose, level = criteria.get("chargingProfilePurpose"), criteria.get("stackLevel")
        cleared = [evse.limits.clear(wanted, purpose, level) for evse in self._chosen(number)]
        self._soon(lambda t: self._pile.refresh(t))
        return {"status": "Accepted" if any(cleared) else "Unknown"}

    # -- settings -----------------------------------------------------------------------------------------------------

    def _keep(self, key: str, value: str) -> bool:
        if key in NUMBERS:
            setattr(self._pile.settings, NUMBERS[key], int(value))
            self._pile.restart_timers()
        elif key not in TEXTS:
            return False
        self._kept[key] = value
        return True

    def _value(self, key: str) -> str | None:
        if key in NUMBERS:
            return str(getattr(self._pile.settings, NUMBERS[key]))
        return self._kept.get(key)

    def _change_configuration(self, payload: Payload) -> Payload:
        return {"status": "Accepted" if self._keep(payload["key"], payload["value"]) else "NotSupported"}

    def _get_configuration(self, payload: Payload) -> Payload:
        keys = payload.get("key") or [key for key in (*NUMBERS, *self._kept) if "/" not in key]
        known = [
            {"key": key, "readonly": False, "value": value} for key in keys if (value := self._value(key)) is not None
        ]
        return {"configurationKey": known, "unknownKey": [key for key in keys if self._value(key) is None]}

    def _set_variables(self, payload: Payload) -> Payload:
        results: list[Payload] = []
        for entry in payload["setVariableData"]:
            kept = self._keep(f"{entry['component']['name']}/{entry['variable']['name']}", entry["attributeValue"])
            named = {"component": entry["component"], "variable": entry["variable"]}
            results.append({"attributeStatus": "Accepted" if kept else "UnknownVariable", **named})
        return {"setVariableResult": results}

    def _get_variables(self, payload: Payload) -> Payload:
        results: list[Payload] = []
        for entry in payload["getVariableData"]:
            value = self._value(f"{entry['component']['name']}/{entry['variable']['name']}")
            result = {"component": entry["component"], "variable": entry["variable"]}
            if value is None:
                result["attributeStatus"] = "UnknownVariable"
            else:
                result |= {"attributeStatus": "Accepted", "attributeValue": value}
            results.append(result)
        return {"getVariableResult": results}
