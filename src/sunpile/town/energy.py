"""Meters as physics: whole watts, held over whole seconds, add up to watt-seconds without any rounding."""

from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Steps:
    """A power that is constant between steps."""

    times: tuple[int, ...]
    """Begin of each step, rising [Unix s]."""
    watts: tuple[int, ...]
    """Power from that time on [W]; 0 before the first."""

    def at(self, when: int) -> int:
        """Power at `when` [W]."""
        index = bisect_right(self.times, when)
        return self.watts[index - 1] if index else 0

    def next_change(self, when: int) -> int | None:
        """Begin of the first step after `when` [Unix s]."""
        index = bisect_right(self.times, when)
        return self.times[index] if index < len(self.times) else None


@dataclass(slots=True)
class Meter:
    """Two registers over the sum of several powers; import is positive."""

    since: int
    """When it was read last [Unix s]."""
    profiles: tuple[Steps, ...] = ()
    """Powers known beforehand: load positive, sun negative."""
    import_ws: int = 0
    """Energy imported so far [Ws]."""
    export_ws: int = 0
    """Energy exported so far [Ws]."""
    switched: dict[str, int] = field(default_factory=dict[str, int])
    """Powers that change when something happens, by who draws them [W]."""

    def advance(self, when: int) -> None:
        """Count up to `when`; a time before the last one counts nothing."""
        while self.since < when:
            changes = [c for p in self.profiles if (c := p.next_change(self.since)) is not None]
            until = min([when, *changes])
            energy = self.power(self.since) * (until - self.since)
            if energy > 0:
                self.import_ws += energy
            else:
                self.export_ws -= energy
            self.since = until

    def power(self, when: int) -> int:
        """Net power at `when` [W]."""
        return sum(p.at(when) for p in self.profiles) + sum(self.switched.values())

    def switch(self, when: int, who: str, watts: int) -> None:
        """From `when` on `who` draws `watts`."""
        self.advance(when)
        self.switched[who] = watts

    def read(self, when: int) -> tuple[int, int]:
        """Registers at `when`: whole Wh imported and exported."""
        self.advance(when)
        return self.import_ws // 3600, self.export_ws // 3600
