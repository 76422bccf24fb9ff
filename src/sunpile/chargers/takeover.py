"""When do takeovers of one station become a quarrel? Pure.

The newest authenticated connection wins, for a station behind a lost link has to get back in at once. Two devices with
one identity would take over from each other for ever: then the later one is kept out for a while.
"""

from typing import NamedTuple

from sunpile.basics.ids import StationId

WINDOW_S = 60
TAKEOVERS_MAX = 3
"""Takeovers in a window that a bad link may need."""
RETURNS_MAX = 2
"""Times in a window that an address may come back after another one took over: A, B, A, B is two devices."""
QUARANTINE_S = 300
STATIONS_MAX = 20_000
"""Stations whose takeovers are remembered."""


class Takeovers(NamedTuple):
    """The last takeovers of one station."""

    recent: tuple[tuple[int, str, str], ...] = ()
    """(Unix time [s], address of the older, address of the newer)."""
    until: int = 0
    """The later one is kept out until then [Unix s]."""


class Ruling(NamedTuple):
    """What to do with a connection that wants to take over."""

    takeovers: Takeovers
    """The history from now on."""
    refused: bool
    """Keep it out; the older one stays."""
    began: bool
    """The quarantine began with it: tell the operator."""


def rule(takeovers: Takeovers, now: int, older: str, newer: str) -> Ruling:
    """A connection from `newer` wants to take over from one at `older`."""
    if now < takeovers.until:
        return Ruling(takeovers, refused=True, began=False)
    recent = (*(one for one in takeovers.recent if one[0] > now - WINDOW_S), (now, older, newer))
    returns = sum(
        1 for number, one in enumerate(recent) if one[1] != one[2] and any(e[1] == one[2] for e in recent[:number])
    )
    if len(recent) > TAKEOVERS_MAX or returns >= RETURNS_MAX:
        return Ruling(Takeovers((), now + QUARANTINE_S), refused=True, began=True)
    return Ruling(Takeovers(recent), refused=False, began=False)


class Quarrels:
    """The histories of all stations, the longest untouched forgotten."""

    def __init__(self) -> None:
        self._of: dict[StationId, Takeovers] = {}

    def rule(self, station: StationId, now: int, older: str, newer: str) -> Ruling:
        """`rule` for `station`, remembered."""
        ruling = rule(self._of.pop(station, Takeovers()), now, older, newer)
        self._of[station] = ruling.takeovers
        while len(self._of) > STATIONS_MAX:
            del self._of[next(iter(self._of))]
        return ruling

    def until(self, station: StationId) -> int:
        """Until when the later connection of `station` is kept out [Unix s]; 0: it is not."""
        return self._of.get(station, Takeovers()).until
