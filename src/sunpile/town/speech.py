"""What a station can say and is told, whichever OCPP version it speaks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

Payload = dict[str, Any]
Message = tuple[str, Callable[[], Payload]]
"""Action, and what makes its payload when it is sent."""


def stamp(unix_time: int) -> str:
    """RFC 3339 time of OCPP.

    >>> stamp(1655244000)
    '2022-06-14T22:00:00Z'
    """
    return datetime.fromtimestamp(unix_time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Nameplate:
    """What stands on the station."""

    vendor: str
    model: str
    serial: str
    firmware: str
    in_kwh: bool
    """Whether it sends energy in kWh with three decimals; others send Wh."""


@dataclass(frozen=True, slots=True)
class Measure:
    """The meter at one moment."""

    at: int
    """Unix time [s]."""
    register_wh: int
    """Energy.Active.Import.Register [Wh]."""
    power_w: int
    """Power.Active.Import [W]."""
    context: str
    """ReadingContext: Sample.Periodic, Sample.Clock, Transaction.Begin, Transaction.End, Trigger."""


@dataclass(slots=True)
class Charge:
    """A transaction as its station sees it."""

    evse: int
    id_token: str
    local_id: str
    """The station's own id (2.0.1 uses it on the wire)."""
    begun: Measure
    remote_start_id: int | None = None
    number: int | None = None
    """1.6: the number the answer to StartTransaction brought."""
    seq_no: int = 0
    """2.0.1: of the next event."""


class Dialect(Protocol):
    """One OCPP version of a station."""

    subprotocol: str

    def forget(self) -> None:
        """Tell every state again, changed or not."""
        ...

    def boot(self, plate: Nameplate, reset: bool) -> Message: ...
    def heartbeat(self) -> Message: ...
    def status(self, evse: int, state: str, at: int) -> Message | None:
        """StatusNotification, or None where this version has no word for the change."""
        ...

    def authorise(self, id_token: str) -> Message: ...
    def accepted(self, answer: Payload) -> bool:
        """Whether an answer accepts the driver; True if it says nothing about it."""
        ...

    def begin(self, charge: Charge, plate: Nameplate) -> Message: ...
    def begun(self, charge: Charge, answer: Payload) -> None:
        """Keep what the answer to `begin` brings."""
        ...

    def during(self, charge: Charge, measure: Measure, plate: Nameplate) -> Message: ...
    def end(self, charge: Charge, measure: Measure, reason: str, plate: Nameplate) -> Message: ...
    def idle(self, evse: int, measure: Measure, plate: Nameplate) -> Message: ...


def sampled(measure: Measure, plate: Nameplate, unit: Callable[[str], Payload]) -> list[Payload]:
    """The two values of a sample, as text; `unit` says how this version writes units."""
    energy = f"{measure.register_wh / 1000:.3f}" if plate.in_kwh else str(measure.register_wh)
    return [
        {
            "value": energy,
            "context": measure.context,
            "measurand": "Energy.Active.Import.Register",
            **unit("kWh" if plate.in_kwh else "Wh"),
        },
        {
            "value": str(measure.power_w),
            "context": measure.context,
            "measurand": "Power.Active.Import",
            **unit("W"),
        },
    ]
