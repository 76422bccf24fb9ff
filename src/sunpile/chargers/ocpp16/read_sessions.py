"""Boots, statuses, tokens, meters, transactions of OCPP 1.6."""

from typing import cast

from sunpile.basics.ids import EvseId, IdToken
from sunpile.basics.units import Wh
from sunpile.chargers.dialect import Context, Payload, Reader, Request, TimeAsked, body_hash
from sunpile.chargers.events import (
    Booted,
    MeterRead,
    Sample,
    StatusChanged,
    TransactionDetails,
    TransactionEnded,
    TransactionStarted,
)
from sunpile.chargers.metering import DEFAULT_CONTEXT, REGISTER, Row, Signed, gather
from sunpile.chargers.notices import AuthorisationAsked
from sunpile.chargers.ocpp16.words import time_of, wrong
from sunpile.chargers.values import is_visible


def _id_tag(payload: Payload) -> IdToken:
    tag = str(payload["idTag"])
    if not is_visible(tag):
        raise wrong("idTag: only printable ASCII is allowed")
    return IdToken(tag)


def _samples(values: list[Payload], context: Context, any_place: bool = False) -> tuple[Sample, ...]:
    samples: list[Sample] = []
    for value in values:
        at = time_of(value["timestamp"])
        rows: list[Row] = []
        signed: dict[str, Signed] | None = None
        for entry in cast(list[dict[str, str]], value["sampledValue"]):
            get = entry.get
            if get("format") == "SignedData":
                signed = signed or {}
                signed[get("context", DEFAULT_CONTEXT)] = (entry["value"], None, None)
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
            samples += gather(at, rows, signed, context.held(at), any_place)
        except ValueError as fault:
            raise wrong(f"sampledValue: {fault}") from None
    return tuple(samples)


def _boot(payload: Payload, context: Context) -> Request:
    return Booted(
        station=context.station,
        vendor=payload["chargePointVendor"],
        model=payload["chargePointModel"],
        serial=payload.get("chargePointSerialNumber") or payload.get("chargeBoxSerialNumber"),
        firmware=payload.get("firmwareVersion"),
        reason=None,
        iccid=payload.get("iccid"),
        imsi=payload.get("imsi"),
        meter_type=payload.get("meterType"),
        meter_serial=payload.get("meterSerialNumber"),
    )


def _status(payload: Payload, context: Context) -> Request:
    at = time_of(payload["timestamp"]) if "timestamp" in payload else context.now
    told = (payload.get("info"), payload.get("vendorErrorCode"), payload.get("vendorId"))
    return StatusChanged(
        station=context.station,
        evse=EvseId(payload["connectorId"]),
        status=payload["status"],
        error_code=None if payload["errorCode"] == "NoError" else payload["errorCode"],
        at=context.near(at),
        info=" ".join(text for text in told if text),
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
    at = time_of(payload["timestamp"])
    tag, connector, meter = _id_tag(payload), payload["connectorId"], payload["meterStart"]
    if connector == 0:
        raise wrong("connectorId: a transaction is on a connector from 1 up")
    held = context.held(at)
    sample = Sample(at, Wh(meter), context="Transaction.Begin", held=held)
    return TransactionStarted(
        station=context.station,
        evse=EvseId(connector),
        key=f"start/{connector}/{tag}/{payload['timestamp']}/{meter}",
        body_hash=body_hash(payload),
        ocpp_transaction=None,
        id_token=tag,
        remote_start_id=None,
        at=at,
        sample=sample,
        offline=False,
        seq_no=0,
        held=held,
        samples=(sample,),
        details=TransactionDetails(reservation=payload.get("reservationId")),
    )


def _stop(payload: Payload, context: Context) -> Request:
    at = time_of(payload["timestamp"])
    held = context.held(at)
    end = Sample(at, Wh(payload["meterStop"]), context="Transaction.End", held=held)
    return TransactionEnded(
        station=context.station,
        evse=None,
        key=f"stop/{payload['transactionId']}",
        body_hash=body_hash(payload),
        ocpp_transaction=str(payload["transactionId"]),
        id_token=_id_tag(payload) if "idTag" in payload else None,
        at=at,
        samples=(*_samples(payload.get("transactionData", []), context), end),
        reason=payload.get("reason", "Local"),
        offline=False,
        seq_no=0,
        held=held,
    )


READERS: dict[str, Reader] = {
    "Authorize": lambda payload, context: AuthorisationAsked(context.station, _id_tag(payload), ""),
    "BootNotification": _boot,
    "Heartbeat": lambda payload, context: TimeAsked(),
    "MeterValues": _meter,
    "StartTransaction": _start,
    "StatusNotification": _status,
    "StopTransaction": _stop,
}
