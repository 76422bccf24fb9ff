"""What stations tell and ask beside sessions in OCPP 2.x."""

from typing import cast

from sunpile.basics.ids import EvseId
from sunpile.chargers.dialect import Context, Payload, Reader, Request
from sunpile.chargers.events import StatusChanged
from sunpile.chargers.notices import (
    CarSchedule,
    LimitNotified,
    MonitorEvent,
    Notices,
    Progress,
    Question,
    ReservationEnded,
    SecurityEvent,
    Told,
)
from sunpile.chargers.ocpp2.read_reports import READERS as REPORTS
from sunpile.chargers.ocpp2.reading import evse_id, time_of, wrong
from sunpile.chargers.values import scaled_number
from sunpile.chargers.writing import reason_of

STATES = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")
"""Of a connector."""
TOLD = ("ClosePeriodicEventStream", "NotifyDERAlarm", "NotifyDERStartStop", "NotifyPriorityCharging")
QUESTIONS = (
    "BatterySwap",
    "DataTransfer",
    "Get15118EVCertificate",
    "GetCertificateChainStatus",
    "GetCertificateStatus",
    "NotifyEVChargingNeeds",
    "NotifySettlement",
    "OpenPeriodicEventStream",
    "PullDynamicScheduleUpdate",
    "SignCertificate",
    "VatNumberValidation",
)


def _progress(work: str) -> Reader:
    def read(payload: Payload, context: Context) -> Request:
        told = (*payload.get("location", ()), reason_of(payload.get("statusInfo")))
        return Progress(
            station=context.station,
            work=work,
            request=payload.get("requestId"),
            status=payload["status"],
            info=" ".join(text for text in told if text),
        )

    return read


def _security(payload: Payload, context: Context) -> Request:
    return SecurityEvent(context.station, payload["type"], time_of(payload["timestamp"]), payload.get("techInfo", ""))


def _reservation(payload: Payload, context: Context) -> Request:
    return ReservationEnded(context.station, payload["reservationId"], payload["reservationUpdateStatus"])


def _evse(payload: Payload) -> EvseId | None:
    return EvseId(payload["evseId"]) if "evseId" in payload else None


def _limit(payload: Payload, context: Context) -> Request:
    limit = payload["chargingLimit"]
    return LimitNotified(
        station=context.station,
        evse=_evse(payload),
        source=limit["chargingLimitSource"],
        cleared=False,
        grid_critical=limit.get("isGridCritical", False),
        schedules=tuple(payload.get("chargingSchedule", ())),
        local_generation=limit.get("isLocalGeneration", False),
    )


def _limit_cleared(payload: Payload, context: Context) -> Request:
    return LimitNotified(context.station, _evse(payload), payload["chargingLimitSource"], cleared=True)


def _car_schedule(payload: Payload, context: Context) -> Request:
    return CarSchedule(
        station=context.station,
        evse=EvseId(payload["evseId"]),
        at=time_of(payload["timeBase"], "timeBase"),
        schedule=payload["chargingSchedule"],
        selected=payload.get("selectedChargingScheduleId"),
        tolerance_accepted=payload.get("powerToleranceAcceptance"),
    )


def named(thing: Payload) -> str:
    """A component or variable in one word: `Connector[main]@1.2`."""
    text = str(thing["name"])
    if "instance" in thing:
        text += f"[{thing['instance']}]"
    if "evse" in thing:
        evse = thing["evse"]
        text += f"@{evse['id']}" + (f".{evse['connectorId']}" if "connectorId" in evse else "")
    return text


def _event(row: Payload, context: Context) -> MonitorEvent:
    return MonitorEvent(
        station=context.station,
        event=row["eventId"],
        at=time_of(row["timestamp"]),
        trigger=row["trigger"],
        value=row["actualValue"],
        component=named(row["component"]),
        variable=named(row["variable"]),
        severity=row.get("severity"),
        monitor=row.get("variableMonitoringId"),
        cleared=row.get("cleared", False),
        tech_code=row.get("techCode", ""),
        tech_info=row.get("techInfo", ""),
        transaction=row.get("transactionId"),
        cause=row.get("cause"),
        kind=row["eventNotificationType"],
    )


def _events(payload: Payload, context: Context) -> Request:
    rows = cast(list[Payload], payload["eventData"])
    notices = tuple(_event(row, context) for row in rows)
    return Notices(notices, tuple(status for row in rows if (status := _status(row, context)) is not None))


def _status(row: Payload, context: Context) -> StatusChanged | None:
    """The connector's state that an event tells, or None."""
    evse = row["component"].get("evse", {})
    told = (row["component"]["name"], row["variable"]["name"])
    if told != ("Connector", "AvailabilityState") or "connectorId" not in evse or row["actualValue"] not in STATES:
        return None
    at = time_of(row["timestamp"])
    return StatusChanged(
        station=context.station,
        evse=evse_id(evse["id"]),
        status=row["actualValue"],
        error_code=None,
        at=context.near(at),
        connector=evse["connectorId"],
    )


def _stream(payload: Payload, context: Context) -> Request:
    base, stream = time_of(payload["basetime"], "basetime"), payload["id"]
    events: list[MonitorEvent] = []
    for number, row in enumerate(cast(list[Payload], payload["data"])):
        try:
            at = base + scaled_number(row["t"], 0)
        except ValueError as fault:
            raise wrong(f"t: {fault}") from None
        events.append(MonitorEvent(context.station, number, at, "Stream", row["v"], "", "", monitor=stream))
    return Notices(tuple(events))


def _told(action: str) -> Reader:
    return lambda payload, context: Told(context.station, action, payload)


def _question(action: str) -> Reader:
    return lambda payload, context: Question(context.station, action, payload)


READERS: dict[str, Reader] = {
    "ClearedChargingLimit": _limit_cleared,
    "FirmwareStatusNotification": _progress("firmware"),
    "LogStatusNotification": _progress("log"),
    "NotifyChargingLimit": _limit,
    "NotifyEVChargingSchedule": _car_schedule,
    "NotifyEvent": _events,
    "NotifyPeriodicEventStream": _stream,
    "PublishFirmwareStatusNotification": _progress("publish"),
    "ReservationStatusUpdate": _reservation,
    "SecurityEventNotification": _security,
    **{action: _told(action) for action in TOLD},
    **{action: _question(action) for action in QUESTIONS},
    **REPORTS,
}
