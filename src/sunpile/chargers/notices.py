"""What stations tell beside status, meters and transactions, in the words of OCPP 2.1. Times are Unix seconds.

A `Notice` is answered with nothing in it; a `Question` wants an answer, which a dialect puts in its version's words.
"""

from dataclasses import dataclass
from typing import Any

from sunpile.basics.ids import EvseId, IdToken, StationId
from sunpile.chargers.events import StatusChanged


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long command has come: firmware, published firmware, log upload."""

    station: StationId
    """Who tells."""
    work: str
    """firmware, publish or log."""
    request: int | None
    """Number given with the command; None where 1.6 has none."""
    status: str
    """Status in the words of OCPP 2.x: Downloading, Installed, Uploaded, InvalidSignature ..."""
    info: str = ""
    """What it adds, such as where firmware is published."""


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """SecurityEventNotification."""

    station: StationId
    """Who tells."""
    kind: str
    """Its type, as in the list of OCPP."""
    at: int
    """The station's time."""
    info: str = ""
    """Technical details, at most 255 characters."""


@dataclass(frozen=True, slots=True)
class ReportPart:
    """A part of what was asked with a request number: device model, monitors, messages, profiles, customer, DER."""

    station: StationId
    """Who tells."""
    report: str
    """variables, monitors, messages, customer, profiles or der."""
    request: int
    """Number given with the command."""
    part: int | None
    """Sequence number, from 0; None for messages, profiles and DER, which OCPP does not number."""
    last: bool
    """No part follows."""
    rows: tuple[dict[str, Any], ...]
    """Its rows in the words of OCPP 2.1: reportData, monitor, messageInfo as they are; customer: {data}; profiles:
    {evseId, chargingLimitSource, chargingProfile}; der: {control: curve, enterService ...} with its fields."""


@dataclass(frozen=True, slots=True)
class MonitorEvent:
    """One event of NotifyEvent, or one value of a periodic event stream."""

    station: StationId
    """Who tells."""
    event: int
    """The station's number of it."""
    at: int
    """The station's time."""
    trigger: str
    """Alerting, Delta, Periodic, or Stream for a value of a periodic event stream."""
    value: str
    """Actual value."""
    component: str
    """Component, with its instance and EVSE: `Connector[main]@1.2`; empty for a stream."""
    variable: str
    """Variable, with its instance: `Problem[a]`; empty for a stream."""
    severity: int | None = None
    """0 danger ... 9 debug (2.1)."""
    monitor: int | None = None
    """Number of the monitor, or of the stream."""
    cleared: bool = False
    """The cause is gone."""
    tech_code: str = ""
    """Technical code."""
    tech_info: str = ""
    """Technical information."""
    transaction: str | None = None
    """While this transaction ran."""
    cause: int | None = None
    """Number of the event that caused it."""
    kind: str = ""
    """EventNotificationType: HardWiredNotification, CustomMonitor ...; empty for a stream."""


@dataclass(frozen=True, slots=True)
class ReservationEnded:
    """ReservationStatusUpdate."""

    station: StationId
    """Who tells."""
    reservation: int
    """Its number."""
    status: str
    """Expired, Removed or NoTransaction."""


@dataclass(frozen=True, slots=True)
class LimitNotified:
    """An external system limits charging, or no longer does (NotifyChargingLimit, ClearedChargingLimit)."""

    station: StationId
    """Who tells."""
    evse: EvseId | None
    """EVSE; None: the station."""
    source: str
    """EMS, Other, SO, CSO ..."""
    cleared: bool
    """The limit is gone."""
    grid_critical: bool = False
    """It is critical for the grid."""
    schedules: tuple[dict[str, Any], ...] = ()
    """Charging schedules in the words of OCPP 2.1."""
    local_generation: bool = False
    """It is no limit of the grid but power generated on the spot (2.1)."""


@dataclass(frozen=True, slots=True)
class CarSchedule:
    """The schedule a car means to follow (NotifyEVChargingSchedule)."""

    station: StationId
    """Who tells."""
    evse: EvseId
    """EVSE."""
    at: int
    """Its time base."""
    schedule: dict[str, Any]
    """ChargingSchedule in the words of OCPP 2.1."""
    selected: int | None = None
    """Number of the schedule it chose among those offered (2.1)."""
    tolerance_accepted: bool | None = None
    """The car keeps to the power tolerance (2.1)."""


@dataclass(frozen=True, slots=True)
class Told:
    """Anything else a station tells: NotifyDERAlarm, NotifyDERStartStop, NotifyPriorityCharging,
    ClosePeriodicEventStream."""

    station: StationId
    """Who tells."""
    action: str
    """OCPP 2.1 action."""
    payload: dict[str, Any]
    """Its payload, valid by the schema."""


@dataclass(frozen=True, slots=True)
class Notices:
    """Several notices of one message, told one after the other."""

    notices: tuple["Notice", ...]
    """In the message's order."""
    statuses: tuple[StatusChanged, ...] = ()
    """States of connectors among them: 2.x may tell them by NotifyEvent instead of StatusNotification (G01)."""


Notice = Progress | SecurityEvent | ReportPart | MonitorEvent | ReservationEnded | LimitNotified | CarSchedule | Told


@dataclass(frozen=True, slots=True)
class Question:
    """A station's question that is no session matter."""

    station: StationId
    """Who asks."""
    action: str
    """OCPP 2.1 action: BatterySwap, DataTransfer, Get15118EVCertificate, GetCertificateChainStatus,
    GetCertificateStatus, NotifyEVChargingNeeds, NotifySettlement, OpenPeriodicEventStream, PullDynamicScheduleUpdate,
    SignCertificate, VatNumberValidation. Also 1.6's and 2.0.1's, in 2.1's words."""
    payload: dict[str, Any]
    """Its payload, valid by the schema, in the words of OCPP 2.1."""


Answer = dict[str, Any]
"""Payload of the response in the words of OCPP 2.1; the dialect trims it to its version. Empty where nobody has an
answer: the dialect then says no."""


@dataclass(frozen=True, slots=True)
class AuthorisationAsked:
    """Authorize, with all that may come with it."""

    station: StationId
    """Who asks."""
    id_token: IdToken
    """The token."""
    kind: str = "Central"
    """Its kind; empty in OCPP 1.6."""
    certificate: str | None = None
    """Contract certificate chain, PEM (ISO 15118)."""
    certificate_hashes: tuple[dict[str, str], ...] = ()
    """OCSPRequestData of each certificate of the chain."""
    additional: tuple[tuple[str, str], ...] = ()
    """Additional information with the token: (type, value)."""
