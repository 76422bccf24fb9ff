"""Boots, statuses, tokens, meters of OCPP 2.x."""

from typing import cast

from sunpile.basics.ids import EvseId, IdToken
from sunpile.chargers.dialect import Context, Payload, Reader, Request, TimeAsked
from sunpile.chargers.events import Booted, MeterRead, Sample, StatusChanged
from sunpile.chargers.metering import DEFAULT_CONTEXT, REGISTER, Row, Signed, gather
from sunpile.chargers.notices import AuthorisationAsked
from sunpile.chargers.ocpp2.reading import additional, id_token, time_of, wrong


def samples_of(values: list[Payload], context: Context, any_place: bool = False) -> tuple[Sample, ...]:
    """The samples in `values`.

    Raises
    ------
    FrameInvalid
        if a value is one that no meter shows.
    """
    samples: list[Sample] = []
    for value in values:
        at = time_of(value["timestamp"])
        rows: list[Row] = []
        signed: dict[str, Signed] | None = None
        for entry in cast(list[Payload], value["sampledValue"]):
            get = entry.get
            measure = cast(Payload, get("unitOfMeasure", {}))
            reading_context = get("context", DEFAULT_CONTEXT)
            if "signedMeterValue" in entry:
                proof = entry["signedMeterValue"]
                signed = signed or {}
                signed[reading_context] = (
                    proof["signedMeterData"],
                    proof["encodingMethod"] or None,
                    proof.get("publicKey") or None,
                )
            rows.append(
                (
                    get("measurand", REGISTER),
                    entry["value"],
                    measure.get("unit"),
                    measure.get("multiplier", 0),
                    get("phase"),
                    get("location", "Outlet"),
                    reading_context,
                )
            )
        try:
            samples += gather(at, rows, signed, context.held(at), any_place)
        except ValueError as fault:
            raise wrong(f"sampledValue: {fault}") from None
    return tuple(samples)


def _boot(payload: Payload, context: Context) -> Request:
    station = payload["chargingStation"]
    modem = station.get("modem", {})
    return Booted(
        station=context.station,
        vendor=station["vendorName"],
        model=station["model"],
        serial=station.get("serialNumber"),
        firmware=station.get("firmwareVersion"),
        reason=payload["reason"],
        iccid=modem.get("iccid"),
        imsi=modem.get("imsi"),
    )


def _status(payload: Payload, context: Context) -> Request:
    at = time_of(payload["timestamp"])
    return StatusChanged(
        station=context.station,
        evse=EvseId(payload["evseId"]),
        status=payload["connectorStatus"],
        error_code=None,
        at=context.near(at),
        connector=payload["connectorId"],
    )


def _meter(payload: Payload, context: Context) -> Request:
    evse = EvseId(payload["evseId"])
    return MeterRead(context.station, evse, None, samples_of(payload["meterValue"], context, any_place=evse == 0))


def _authorise(payload: Payload, context: Context) -> Request:
    token = payload["idToken"]
    return AuthorisationAsked(
        station=context.station,
        id_token=id_token(token) or IdToken(""),
        kind=token["type"],
        certificate=payload.get("certificate"),
        certificate_hashes=tuple(payload.get("iso15118CertificateHashData", ())),
        additional=additional(token),
    )


READERS: dict[str, Reader] = {
    "Authorize": _authorise,
    "BootNotification": _boot,
    "Heartbeat": lambda payload, context: TimeAsked(),
    "MeterValues": _meter,
    "StatusNotification": _status,
}
