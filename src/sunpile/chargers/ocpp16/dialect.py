"""OCPP 1.6J in the words of `events`."""

from collections.abc import Sequence
from typing import cast

import orjson

from sunpile.basics.errors import FrameInvalid
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import EvseId, IdToken
from sunpile.basics.units import Wh
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
from sunpile.chargers.ocpp16.write import WRITERS, result
from sunpile.chargers.validation import CODES, Fault, Version
from sunpile.chargers.values import date_time, far_off, is_visible, unix_time
from sunpile.chargers.writing import Said, said

VERSION: Version = "1.6"


def _wrong(detail: str, fault: Fault = Fault.PROPERTY) -> FrameInvalid:
    return FrameInvalid(CODES[VERSION][fault], detail)


def _time(text: str, field: str) -> int:
    try:
        return unix_time(text)
    except ValueError:
        raise _wrong(f"{field}: no such time") from None


def _held(at: int, context: Context) -> str | None:
    return "clock" if far_off(at, context.now) else None


def _id_tag(payload: Payload) -> IdToken:
    tag = str(payload["idTag"])
    if not is_visible(tag):
        raise _wrong("idTag: only printable ASCII is allowed")
    return IdToken(tag)


def _body_hash(payload: Payload) -> bytes:
    return keccak256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS))


def _samples(values: list[Payload], context: Context, any_place: bool = False) -> tuple[Sample, ...]:
    samples: list[Sample] = []
    for value in values:
        at = _time(value["timestamp"], "timestamp")
        rows: list[tuple[str, str | float, str | None, int, str | None, str, str]] = []
        signed: str | None = None
        for entry in cast(list[dict[str, str]], value["sampledValue"]):
            get = entry.get
            if get("format") == "SignedData":
                signed = entry["value"]
                continue
            rows.append(
                (
                    get("measurand", REGISTER),
                    entry["value"],
                    get("unit"),
                    0,
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
    return Booted(
        station=context.station,
        vendor=payload["chargePointVendor"],
        model=payload["chargePointModel"],
        serial=payload.get("chargePointSerialNumber") or payload.get("chargeBoxSerialNumber"),
        firmware=payload.get("firmwareVersion"),
        reason=None,
    )


def _status(payload: Payload, context: Context) -> Request:
    at = _time(payload["timestamp"], "timestamp") if "timestamp" in payload else context.now
    return StatusChanged(
        station=context.station,
        evse=EvseId(payload["connectorId"]),
        status=payload["status"],
        error_code=None if payload["errorCode"] == "NoError" else payload["errorCode"],
        at=context.now if far_off(at, context.now) else at,
    )


def _meter(payload: Payload, context: Context) -> Request:
    transaction = payload.get("transactionId")
    evse = EvseId(payload["connectorId"])
    return MeterRead(
        station=context.station,
        evse=evse,
        ocpp_transaction=None if transaction is None else str(transaction),
        samples=_samples(payload["meterValue"], context, any_place=evse == 0),
    )


def _start(payload: Payload, context: Context) -> Request:
    at = _time(payload["timestamp"], "timestamp")
    tag, connector, meter = _id_tag(payload), payload["connectorId"], payload["meterStart"]
    if connector == 0:
        raise _wrong("connectorId: a transaction is on a connector from 1 up")
    held = _held(at, context)
    return TransactionStarted(
        station=context.station,
        evse=EvseId(connector),
        key=f"start/{connector}/{tag}/{payload['timestamp']}/{meter}",
        body_hash=_body_hash(payload),
        ocpp_transaction=None,
        id_token=tag,
        remote_start_id=None,
        at=at,
        sample=Sample(at, Wh(meter), context="Transaction.Begin", held=held),
        offline=False,
        seq_no=0,
        held=held,
    )


def _stop(payload: Payload, context: Context) -> Request:
    at = _time(payload["timestamp"], "timestamp")
    held = _held(at, context)
    end = Sample(at, Wh(payload["meterStop"]), context="Transaction.End", held=held)
    return TransactionEnded(
        station=context.station,
        evse=None,
        key=f"stop/{payload['transactionId']}",
        body_hash=_body_hash(payload),
        ocpp_transaction=str(payload["transactionId"]),
        id_token=_id_tag(payload) if "idTag" in payload else None,
        at=at,
        samples=(*_samples(payload.get("transactionData", []), context), end),
        reason=payload.get("reason", "Local"),
        offline=False,
        seq_no=0,
        held=held,
    )


_READERS: dict[str, Reader] = {
    "BootNotification": _boot,
    "Heartbeat": lambda payload, context: TimeAsked(),
    "StatusNotification": _status,
    "Authorize": lambda payload, context: AuthorisationAsked(context.station, _id_tag(payload), ""),
    "StartTransaction": _start,
    "StopTransaction": _stop,
    "MeterValues": _meter,
    # No vendor's messages are known yet; each would be a reader of its own.
    "DataTransfer": lambda payload, context: Noted({"status": "UnknownVendorId"}),
    "FirmwareStatusNotification": lambda payload, context: Noted({}),
    "SignedFirmwareStatusNotification": lambda payload, context: Noted({}),
    "DiagnosticsStatusNotification": lambda payload, context: Noted({}),
    "LogStatusNotification": lambda payload, context: Noted({}),
    "SecurityEventNotification": lambda payload, context: Noted({}),
}


def _id_tag_info(authorisation: Authorisation) -> Payload:
    info: Payload = {"status": authorisation.status}
    if authorisation.parent is not None:
        info["parentIdTag"] = authorisation.parent[:20]
    if authorisation.expires_at is not None:
        info["expiryDate"] = date_time(authorisation.expires_at)
    return info


class Ocpp16:
    """`Dialect` of OCPP 1.6J."""

    version: Version = VERSION
    settings_per_call = 1

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
                return {"idTagInfo": _id_tag_info(outcome)}
            case TransactionStarted():
                assert isinstance(outcome, TransactionAnswer)
                granted = outcome.authorisation or Authorisation("Accepted")
                return {"idTagInfo": _id_tag_info(granted), "transactionId": int(outcome.ocpp_transaction)}
            case TransactionUpdated() | TransactionEnded():
                assert isinstance(outcome, TransactionAnswer)
                if request.id_token is None or outcome.authorisation is None:
                    return {}
                return {"idTagInfo": _id_tag_info(outcome.authorisation)}
            case _:
                return {}

    def settings(self, plan: Plan) -> list[Setting]:
        """See `Dialect.settings`."""
        return [
            Setting("HeartbeatInterval", str(plan.heartbeat_s)),
            Setting("MeterValuesAlignedData", ",".join(plan.aligned), otherwise=REGISTER),
            Setting("ClockAlignedDataInterval", str(plan.clock_aligned_s)),
            Setting("MeterValuesSampledData", ",".join(plan.sampled), otherwise=REGISTER),
            Setting("MeterValueSampleInterval", str(plan.sample_s)),
            Setting("StopTxnSampledData", ""),
            Setting("StopTxnAlignedData", ""),
            *(Setting(key, value) for key, value in plan.extra_16),
        ]

    def calls(self, command: Command) -> Sequence[Said]:
        """See `Dialect.calls`."""
        return said(self.version, WRITERS, command)

    def result(self, command: Command, answers: Sequence[Payload]) -> CommandResult:
        """See `Dialect.result`."""
        return result(command, answers)
