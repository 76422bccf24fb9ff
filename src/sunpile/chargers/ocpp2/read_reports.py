"""What stations send in parts after they were asked, in OCPP 2.x."""

from collections.abc import Callable
from typing import cast

from sunpile.chargers.dialect import Context, Payload, Reader, Request
from sunpile.chargers.notices import ReportPart

Rows = Callable[[Payload], list[Payload]]


def _part(report: str, rows: Rows) -> Reader:
    def read(payload: Payload, context: Context) -> Request:
        return ReportPart(
            station=context.station,
            report=report,
            request=payload["requestId"],
            part=payload.get("seqNo"),
            last=not payload.get("tbc", False),
            rows=tuple(rows(payload)),
        )

    return read


def _field(name: str) -> Rows:
    return lambda payload: payload.get(name, [])


def _profiles(payload: Payload) -> list[Payload]:
    place = {key: payload[key] for key in ("evseId", "chargingLimitSource")}
    return [place | {"chargingProfile": profile} for profile in payload["chargingProfile"]]


def _der(payload: Payload) -> list[Payload]:
    rows: list[Payload] = []
    for control, found in payload.items():
        if isinstance(found, list):
            rows += [{"control": control} | row for row in cast(list[Payload], found)]
    return rows


READERS: dict[str, Reader] = {
    "NotifyCustomerInformation": _part("customer", lambda payload: [{"data": payload["data"]}]),
    "NotifyDisplayMessages": _part("messages", _field("messageInfo")),
    "NotifyMonitoringReport": _part("monitors", _field("monitor")),
    "NotifyReport": _part("variables", _field("reportData")),
    "ReportChargingProfiles": _part("profiles", _profiles),
    "ReportDERControl": _part("der", _der),
}
