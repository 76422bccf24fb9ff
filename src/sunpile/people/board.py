"""What every point does right now, in memory: whoever hears a value writes it here, pages get the change at once."""

from collections.abc import Mapping
from dataclasses import dataclass

from sunpile.people.feed import EventHub


@dataclass(frozen=True, slots=True)
class LivePoint:
    """The newest values of one point; None where none is known."""

    w: int | None = None
    """Net power, import positive [W]."""
    pv_w: int | None = None
    """Production of its roof [W]."""
    soc_permille: int | None = None
    """State of charge [1/1000]."""
    status: str | None = None
    """Status as the device says it."""

    def members(self) -> dict[str, int | str]:
        """What is known, for JSON."""
        values = {"w": self.w, "pv_w": self.pv_w, "soc_permille": self.soc_permille, "status": self.status}
        return {key: value for key, value in values.items() if value is not None}


class PowerBoard:
    """Newest values by point. `update` publishes one `power` event for all points it is given."""

    def __init__(self, hub: EventHub) -> None:
        self._hub = hub
        self._points: dict[int, LivePoint] = {}

    def update(self, changes: Mapping[int, LivePoint], now: int) -> None:
        """Take newer values; a None keeps what was known."""
        news: dict[str, dict[str, int | str]] = {}
        for point, change in changes.items():
            old = self._points.get(point, LivePoint())
            new = LivePoint(
                old.w if change.w is None else change.w,
                old.pv_w if change.pv_w is None else change.pv_w,
                old.soc_permille if change.soc_permille is None else change.soc_permille,
                change.status or old.status,
            )
            if new != old:
                self._points[point] = new
                news[str(point)] = new.members()
        if news:
            self._hub.publish("power", {"now": now, "points": news})

    def of(self, point: int) -> LivePoint:
        """The newest values of a point."""
        return self._points.get(point, LivePoint())

    def exported_w(self) -> int | None:
        """What all points together give to the grid now [W]; None while nothing is known."""
        known = [point.w for point in self._points.values() if point.w is not None]
        return max(0, -sum(known)) if known else None
