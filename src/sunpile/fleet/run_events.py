"""What can happen to a run."""

from dataclasses import dataclass
from typing import Any

from sunpile.fleet.budget import Budget
from sunpile.fleet.run_model import Item, ItemState


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passes; whoever is due may be asked."""

    at: int
    """Now [Unix s]."""
    budget: Budget
    """What the tenant has left; what is asked is taken from it."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A station was asked, or could not be."""

    at: int
    """Now [Unix s]."""
    station: str
    """Who."""
    attempt: int
    """Which time."""
    state: ItemState
    """accepted, rejected, failed, unreachable (it was not asked), not in dialect, timed out."""
    status: str = ""
    """Its word."""
    reason: str = ""
    """What it added."""
    data: dict[str, Any] | None = None
    """What it answered beyond a status."""


@dataclass(frozen=True, slots=True)
class Told:
    """A station told how far a long command is."""

    at: int
    """Now [Unix s]."""
    station: str
    """Who."""
    state: ItemState
    """in progress, done or failed."""
    status: str
    """Its word."""
    reason: str = ""
    """What it added."""


@dataclass(frozen=True, slots=True)
class Reported:
    """A station sent a part of its report."""

    at: int
    """Now [Unix s]."""
    station: str
    """Who."""
    part: int | None
    """Sequence number, from 0; None: they have none, each is the next."""
    last: bool
    """No part follows."""
    rows: int
    """Rows in it."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A station's connection stands again."""

    at: int
    """Now [Unix s]."""
    station: str
    """Who."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A draft is to be carried out."""

    at: int
    """Now [Unix s]."""
    actor: str
    """By whom."""


@dataclass(frozen=True, slots=True)
class Approved:
    """The second yes."""

    at: int
    """Now [Unix s]."""
    actor: str
    """By whom."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """No further station is asked."""

    at: int
    """Now [Unix s]."""
    actor: str
    """By whom."""


@dataclass(frozen=True, slots=True)
class Retried:
    """Those that failed are asked again."""

    at: int
    """Now [Unix s]."""
    actor: str
    """By whom."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The node starts again: answers that were under way are lost."""

    at: int
    """Now [Unix s]."""


Event = Tick | Answered | Told | Reported | Connected | Begun | Approved | Cancelled | Retried | Resumed


@dataclass(frozen=True, slots=True)
class Effects:
    """What follows from an event: first keep what changed, then ask."""

    keep: tuple[Item, ...] = ()
    """Items as they are now."""
    ask: tuple[Item, ...] = ()
    """Those to ask, each with its attempt; they are in `keep` too."""
