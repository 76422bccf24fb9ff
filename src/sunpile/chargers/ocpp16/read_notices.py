"""What stations tell and ask beside sessions in OCPP 1.6 and its security whitepaper."""

from sunpile.chargers.dialect import Context, Payload, Reader, Request
from sunpile.chargers.notices import Progress, Question, SecurityEvent
from sunpile.chargers.ocpp16.words import time_of

_DIAGNOSTICS = {"UploadFailed": "UploadFailure"}
"""Statuses of a diagnostics upload whose names in 2.1 differ."""


def _progress(work: str) -> Reader:
    def read(payload: Payload, context: Context) -> Request:
        return Progress(context.station, work, payload.get("requestId"), payload["status"])

    return read


def _diagnostics(payload: Payload, context: Context) -> Request:
    status = str(payload["status"])
    return Progress(context.station, "log", None, _DIAGNOSTICS.get(status, status))


def _security(payload: Payload, context: Context) -> Request:
    return SecurityEvent(context.station, payload["type"], time_of(payload["timestamp"]), payload.get("techInfo", ""))


def _question(action: str) -> Reader:
    return lambda payload, context: Question(context.station, action, payload)


READERS: dict[str, Reader] = {
    "DataTransfer": _question("DataTransfer"),
    "DiagnosticsStatusNotification": _diagnostics,
    "FirmwareStatusNotification": _progress("firmware"),
    "LogStatusNotification": _progress("log"),
    "SecurityEventNotification": _security,
    "SignCertificate": _question("SignCertificate"),
    "SignedFirmwareStatusNotification": _progress("firmware"),
}
