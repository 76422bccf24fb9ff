"""How much a tenant may ask of its stations: so many commands an hour, and so much power a second. Pure.

Power that many stations start or stop at once is a danger to the grid. The ramp lets through, in any `k` seconds, at
most `k` times the ramp and one second's worth more; a station larger than the ramp goes alone, and the others wait
until the ramp has caught up with it.
"""

from collections import deque

HOUR_S = 3600


class Budget:
    """Of one tenant."""

    def __init__(self, per_hour: int = 0, ramp_w_per_s: int = 0) -> None:
        self._per_hour = per_hour
        self._ramp = ramp_w_per_s
        self._asked: deque[tuple[int, int]] = deque()
        self._in_hour = 0
        self._level_w = 0
        self._level_at = 0

    def room(self, at: int, watts: int) -> bool:
        """True if a command that changes `watts` [W] may leave at `at` [Unix s]."""
        self._drain(at)
        if self._per_hour and self._in_hour >= self._per_hour:
            return False
        if not self._ramp or not watts:
            return True
        return self._level_w == 0 or self._level_w + watts <= self._ramp

    def take(self, at: int, watts: int) -> None:
        """A command leaves."""
        self._drain(at)
        if self._asked and self._asked[-1][0] == at:
            self._asked[-1] = (at, self._asked[-1][1] + 1)
        else:
            self._asked.append((at, 1))
        self._in_hour += 1
        self._level_w += watts if self._ramp else 0

    def _drain(self, at: int) -> None:
        while self._asked and self._asked[0][0] <= at - HOUR_S:
            self._in_hour -= self._asked.popleft()[1]
        if at > self._level_at:
            self._level_w = max(0, self._level_w - self._ramp * (at - self._level_at))
            self._level_at = at
