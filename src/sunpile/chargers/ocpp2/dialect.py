"""OCPP 2.0.1 in the words of `events`."""

from collections.abc import Sequence
from typing import Any, cast

import orjson

from sunpile.basics.errors import FrameInvalid
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import EvseId, IdToken
from sunpile.chargers.commands import Command, CommandResult
from sunpile.chargers.dialect import (
    Context,
    Noted,
    Outcome,
    Payload,
    Plan,
    Reader,
    Request,
    Setting,
    TimeAsked,
)
from sunpile.chargers.events import (
    Authorisation,
    Booted,
    MeterRead,
    Sample,
    StatusChanged,
    TransactionAnswer,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.chargers.metering import DEFAULT_CONTEXT, REGISTER, gather
from sunpile.chargers.notices import AuthorisationAsked, Question
from sunpile.chargers.ocpp2.write import WRITERS, result
from sunpile.chargers.validation import CODES, CONNECTOR_MAX, Fault, Version
from sunpile.chargers.values import date_time, far_off, is_visible, unix_time
from sunpile.chargers.writing import Said, said

VERSION: Version = "2.0.1"
NO_EVSE = EvseId(0)
"""A transaction event that names no EVSE, of a transaction whose start this process has not seen."""


def _wrong(detail: str, fault: Fault = Fault.PROPERTY) -> FrameInvalid:
    return FrameInvalid(CODES[VERSION][fault], detail)


def _time(text: str) -> int:
    try:
        return unix_time(text)
    except ValueError:
        raise _wrong("timestamp: no such time") from None


def _held(at: int, context: Context) -> str | None:
    return "clock" if far_off(at, context.now) else None


def _id_token(token: Payload | None) -> IdToken | None:
    """The token, or None for none and for `NoAuthorization`."""
    if token is None or token["type"] == "NoAuthorization":
        return None
    if not is_visible(token["idToken"]):
        raise _wrong("idToken: only printable ASCII is allowed")
    return IdToken(token["idToken"])


def _evse(number: int) -> EvseId:
    if not 0 <= number <= CONNECTOR_MAX:
        raise _wrong("evse/id: out of range")
    return EvseId(number)


def _samples(values: list[Payload], context: Context, any_place: bool = False) -> tuple[Sample, ...]:
    samples: list[Sample] = []
    for value in values:
        at = _time(value["timestamp"])
        rows: list[tuple[str, str | float, str | None, int, str | None, str, str]] = []
        signed: str | None = None
        for entry in cast(list[Payload], value["sampledValue"]):
            get = entry.get
            measure = cast(Payload, get("unitOfMeasure", {}))
            if "signedMeterValue" in entry:
                signed = entry["signedMeterValue"]["signedMeterData"]
            rows.append(
                (
                    get("measurand", REGISTER),
                    entry["value"],
                    measure.get("unit"),
                    measure.get("multiplier", 0),
                    get("phase"),
                    get("location", "Outlet"),
                    get("context", DEFAULT_CONTEXT),
                )
            )
        try:
            samples += gather(at, rows, signed, _held(at, context), any_place)
        except ValueError as fault:
            raise _wrong(f"sampledValue: {fault}") from None
    return tuple(samples)


def _boot(payload: Payload, context: Context) -> Request:
    station = payload["chargingStation"]
    return Booted(
        station=context.station,
        vendor=station["vendorName"],
        model=station["model"],
        serial=station.get("serialNumber"),
        firmware=station.get("firmwareVersion"),
        reason=payload["reason"],
    )


def _status(payload: Payload, context: Context) -> Request:
    at = _time(payload["timestamp"])
    return StatusChanged(
        station=context.station,
        evse=EvseId(payload["evseId"]),
        status=payload["connectorStatus"],
        error_code=None,
        at=context.now if far_off(at, context.now) else at,
    )


def _meter(payload: Payload, context: Context) -> Request:
    evse = EvseId(payload["evseId"])
    return MeterRead(context.station, evse, None, _samples(payload["meterValue"], context, any_place=evse == 0))


def _authorise(payload: Payload, context: Context) -> Request:
    return AuthorisationAsked(context.station, _id_token(payload["idToken"]) or IdToken(""), payload["idToken"]["type"])


def _begin_sample(samples: tuple[Sample, ...], at: int, held: str | None) -> Sample:
    """The sample of the start: the one that says so, else the first with a register, else none."""
    begin = [sample for sample in samples if sample.context == "Transaction.Begin"]
    registers = [sample for sample in begin or samples if sample.register_wh is not None]
    return next(iter(registers), Sample(at, None, context="Transaction.Begin", held=held))


def _transaction(payload: Payload, context: Context) -> Request:
    info, at = payload["transactionInfo"], _time(payload["timestamp"])
    transaction, seq_no = str(info["transactionId"]), int(payload["seqNo"])
    if not is_visible(transaction) or not transaction:
        raise _wrong("transactionId: only printable ASCII is allowed")
    if seq_no < 0:
        raise _wrong("seqNo: negative")
    evse = payload.get("evse")
    common: dict[str, Any] = {
        "station": context.station,
        "evse": _evse(evse["id"]) if evse else context.evse_of.get(transaction, NO_EVSE),
        "key": f"{transaction}/{seq_no}",
        "body_hash": keccak256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)),
        "ocpp_transaction": transaction,
        "id_token": _id_token(payload.get("idToken")),
        "at": at,
        "offline": payload.get("offline", False),
        "seq_no": seq_no,
        "held": _held(at, context),
    }
    samples = _samples(payload.get("meterValue", []), context)
    match payload["eventType"]:
        case "Started":
            return TransactionStarted(
                **common,
                remote_start_id=info.get("remoteStartId"),
                sample=_begin_sample(samples, at, common["held"]),
            )
        case "Updated":
            return TransactionUpdated(**common, samples=samples, charging_state=info.get("chargingState"))
        case _:
            return TransactionEnded(**common, samples=samples, reason=info.get("stoppedReason", "Local"))


_READERS: dict[str, Reader] = {
    "BootNotification": _boot,
    "Heartbeat": lambda payload, context: TimeAsked(),
    "StatusNotification": _status,
    "Authorize": _authorise,
    "TransactionEvent": _transaction,
    "MeterValues": _meter,
    # No vendor's messages are known yet; each would be a reader of its own.
    "DataTransfer": lambda payload, context: Noted({"status": "UnknownVendorId"}),
    "FirmwareStatusNotification": lambda payload, context: Noted({}),
    "LogStatusNotification": lambda payload, context: Noted({}),
    "SecurityEventNotification": lambda payload, context: Noted({}),
    "NotifyEvent": lambda payload, context: Noted({}),
    "NotifyReport": lambda payload, context: Noted({}),
}


def _id_token_info(authorisation: Authorisation) -> Payload:
    info: Payload = {"status": authorisation.status}
    if authorisation.parent is not None:
        info["groupIdToken"] = {"idToken": authorisation.parent, "type": "Central"}
    if authorisation.expires_at is not None:
        info["cacheExpiryDateTime"] = date_time(authorisation.expires_at)
    return info


class Ocpp201:
    """`Dialect` of OCPP 2.0.1."""

    version: Version = VERSION
    settings_per_call = 4

    def read(self, action: str, payload: Payload, context: Context) -> Request:
        """See `Dialect.read`."""
        reader = _READERS.get(action)
        if reader is None:
            raise _wrong("", Fault.UNSUPPORTED_ACTION)
        return reader(payload, context)

    def reply(self, request: Request, outcome: Outcome, context: Context) -> Payload:
        """See `Dialect.reply`."""
        match request:
            case MeterRead() | StatusChanged():
                return {}
            case TimeAsked():
                return {"currentTime": date_time(context.now)}
            case Noted(answer):
                return answer
            case Question():
                assert isinstance(outcome, dict)
                return outcome
            case Booted():
                return {
                    "status": "Accepted",
                    "currentTime": date_time(context.now),
                    "interval": context.plan.heartbeat_s,
                }
            case AuthorisationAsked():
                assert isinstance(outcome, Authorisation)
                return {"idTokenInfo": _id_token_info(outcome)}
            case TransactionStarted() | TransactionUpdated() | TransactionEnded():
                assert isinstance(outcome, TransactionAnswer)
                if request.id_token is None or outcome.authorisation is None:
                    return {}
                return {"idTokenInfo": _id_token_info(outcome.authorisation)}
            case _:
                return {}

    def settings(self, plan: Plan) -> list[Setting]:
        """See `Dialect.settings`."""
        aligned, sampled = ",".join(plan.aligned), ",".join(plan.sampled)
        return [
            Setting("HeartbeatInterval", str(plan.heartbeat_s), "OCPPCommCtrlr"),
            Setting("Measurands", aligned, "AlignedDataCtrlr", otherwise=REGISTER),
            Setting("Interval", str(plan.clock_aligned_s), "AlignedDataCtrlr"),
            Setting("TxStartedMeasurands", REGISTER, "SampledDataCtrlr"),
            Setting("TxUpdatedMeasurands", sampled, "SampledDataCtrlr", otherwise=REGISTER),
            Setting("TxUpdatedInterval", str(plan.sample_s), "SampledDataCtrlr"),
            Setting("TxEndedMeasurands", REGISTER, "SampledDataCtrlr"),
            *(Setting(name, value, component) for component, name, value in plan.extra_201),
        ]

    def calls(self, command: Command) -> Sequence[Said]:
        """See `Dialect.calls`."""
        return said(self.version, WRITERS, command)

    def result(self, command: Command, answers: Sequence[Payload]) -> CommandResult:
        """See `Dialect.result`."""
        return result(command, answers)
