"""Token buckets: how often somebody may try. Checked before anything is hashed or read."""

from collections import OrderedDict

KEPT = 10_000
"""Buckets kept; the one used longest ago goes first."""


class Buckets:
    """A bucket for each name: full it holds `per_minute` tokens, and as many flow in each minute."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._levels: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def take(self, name: str, per_minute: int, now: int, cost: int = 1) -> int:
        """Take `cost` tokens at `now` [Unix s]; 0 if they were there, else the seconds to wait.

        A cost of 0 asks whether there is one, and takes none.
        """
        level, at = self._levels.pop(name, (per_minute * 60, now))
        # In sixtieths of a token: what flows in each second is then a whole number.
        level = min(per_minute * 60, level + max(0, now - at) * per_minute)
        wanted = max(cost, 1) * 60
        enough = level >= wanted
        self._levels[name] = (level - cost * 60 if enough else level, now)
        while len(self._levels) > self._kept:
            self._levels.popitem(last=False)
        return 0 if enough else -(-(wanted - level) // max(per_minute, 1))
