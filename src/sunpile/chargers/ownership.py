"""Which of several processes has a station's socket? Pure.

A process that holds stations' sockets is a door. Every connection that came in, at whatever door, has a generation:
each is greater than the station's ones before, so the newest authenticated connection wins wherever it came in, and
whatever an older one still says of itself counts no more.
"""

from typing import Literal, NamedTuple

LEASE_S = 8
"""A door that has not been heard of for so long is dead [s]."""
BEAT_S = 2
"""How often a door is heard of [s]."""


class Owner(NamedTuple):
    """Where a station is."""

    door: str
    """The door that has its newest connection; empty: it has hung up."""
    generation: int
    """Number of that connection."""
    beat_at: int
    """When that door was last heard of [Unix s]."""


def alive(owner: Owner | None, now: int) -> bool:
    """True if the station is connected, as far as anybody knows."""
    return owner is not None and bool(owner.door) and now - owner.beat_at <= LEASE_S


def route(owner: Owner | None, me: str, own: int | None, now: int) -> Literal["here", "there", "nowhere"]:
    """Where a command for the station goes; `own` is the generation of the connection it has at this door."""
    if owner is None or not owner.door:
        return "nowhere"
    if owner.door == me:
        return "here" if own == owner.generation else "nowhere"
    return "there" if alive(owner, now) else "nowhere"


def claim(owner: Owner | None, me: str) -> tuple[int, str | None]:
    """A connection came in at this door: its generation, and the other door that has to let its own go, if any."""
    if owner is None:
        return 1, None
    return owner.generation + 1, owner.door if owner.door not in ("", me) else None


def superseded(own: int | None, newest: int) -> bool:
    """True if this door's connection has to go, for a newer one stands elsewhere."""
    return own is not None and own < newest


def releases(owner: Owner | None, me: str, own: int) -> bool:
    """True if a close of this door's connection means that the station is gone: a late close means nothing."""
    return owner is not None and owner.door == me and owner.generation == own
