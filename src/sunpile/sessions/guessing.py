"""Against guessing of tokens: card numbers are short and readable, so who tries many of them is slowed down.

Only refused attempts count, by station and by token. A station that has used up its attempts still serves the tokens it
has served before; a token that is tried everywhere is refused everywhere. Time comes in with each call.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from sunpile.basics.hashing import keccak256
from sunpile.chargers.access import Buckets
from sunpile.sessions.tokens import plain


@dataclass(frozen=True, slots=True)
class GuessLimits:
    """How many refused tokens are too many."""

    per_station: int = 20
    """Refused tokens a station may show at once."""
    station_per_minute: int = 2
    """... and again per minute."""
    per_token: int = 10
    """Times one refused token may be shown at once, at all stations together."""
    token_per_minute: int = 1
    """... and again per minute."""
    remembered: int = 50_000
    """(station, token) pairs that were accepted and are remembered."""


class Guessing:
    """Counts refused tokens. Holds no token in clear, and gives none out."""

    def __init__(
        self, limits: GuessLimits | None = None, alert: Callable[[str, str], None] = lambda _station, _why: None
    ) -> None:
        """`alert(station, why)` is called once when a station, or a token there, becomes limited."""
        self.limits = limits or GuessLimits()
        self._alert = alert
        self._stations = Buckets(self.limits.per_station, self.limits.station_per_minute / 60)
        self._tokens = Buckets(self.limits.per_token, self.limits.token_per_minute / 60)
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._alerted: OrderedDict[str, None] = OrderedDict()
        self.limited = 0
        """Attempts refused without looking."""

    def allows(self, station: str, token: str, now: int) -> bool:
        """False: refuse without looking the token up."""
        pair = _pair(station, token)
        if not self._tokens.allows(pair[1], now):
            self._tell(f"token at {station}", station, "one token is tried again and again")
        elif not self._stations.allows(station, now) and pair[0] not in self._known:
            self._tell(station, station, "many unknown tokens are tried")
        else:
            return True
        self.limited += 1
        return False

    def refused(self, station: str, token: str, now: int) -> None:
        """A token was looked up and is not known, or blocked."""
        self._stations.spend(station, now)
        self._tokens.spend(_pair(station, token)[1], now)
        if self._stations.allows(station, now):
            self._alerted.pop(station, None)

    def accepted(self, station: str, token: str) -> None:
        """A token was accepted: the station will go on serving it."""
        pair = _pair(station, token)[0]
        self._known[pair] = None
        self._known.move_to_end(pair)
        while len(self._known) > self.limits.remembered:
            self._known.popitem(last=False)

    def _tell(self, key: str, station: str, why: str) -> None:
        if key not in self._alerted:
            self._alerted[key] = None
            while len(self._alerted) > 10_000:
                self._alerted.popitem(last=False)
            self._alert(station, why)


def _pair(station: str, token: str) -> tuple[bytes, bytes]:
    name = plain(token).encode("utf-8", "surrogatepass")
    return keccak256(station.encode("utf-8", "surrogatepass") + b"\x00" + name), keccak256(name)
