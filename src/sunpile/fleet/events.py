"""What stations told, as it is kept and shown."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Told:
    """Something a station told."""

    station: str
    """Who."""
    at: int
    """The station's time [Unix s]."""
    received_at: int
    """Ours [Unix s]."""
    kind: str
    """monitor, security, firmware, publish, log, limit, car, grid or priority."""
    name: str
    """component.variable, type of security event, status, source of a limit, grid control ..."""
    value: str = ""
    """Value or additional words."""
    severity: int | None = None
    """0 danger ... 9 debug."""
    cleared: bool = False
    """The cause is gone."""
    detail: dict[str, Any] = field(default_factory=dict[str, Any])
    """Request, monitor, transaction, technical code ..."""
