"""What a run is: an operation over stations, with progress and a result for each."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, MaxLen

from sunpile.chargers.commands.command import record

RunState = Literal["draft", "waiting for approval", "running", "done", "stopped", "cancelled"]
ItemState = Literal[
    "queued", "waiting", "sent", "accepted", "in progress",
    "done", "rejected", "failed", "unreachable", "not in dialect", "timed out", "cancelled",
]  # fmt: skip
FLYING: frozenset[ItemState] = frozenset[ItemState](("sent", "accepted", "in progress"))
"""The station is at it."""
OPEN: frozenset[ItemState] = FLYING | frozenset[ItemState](("queued", "waiting"))
"""Something is still to come."""
FAILED: frozenset[ItemState] = frozenset[ItemState](("rejected", "failed", "timed out"))
"""What counts towards stopping a run."""
AGAIN: frozenset[ItemState] = FAILED | frozenset[ItemState](("unreachable", "cancelled"))
"""What a retry asks again."""


@record
class Options:
    """How a run goes about it."""

    per_second: Annotated[int, Ge(1), Le(1000)] = 10
    """Stations asked in a second, at most."""
    in_flight: Annotated[int, Ge(1), Le(10_000)] = 50
    """Stations that are at it at once, at most."""
    spread_s: Annotated[int, Ge(0), Le(86_400)] = 0
    """Each station is asked at a random moment of this long a time [s]."""
    offline: Literal["skip", "wait"] = "skip"
    """A station that is not connected is left out, or asked when it next connects."""
    deadline_s: Annotated[int, Ge(1), Le(90 * 86_400)] = 86_400
    """How long to wait for those that are not connected [s]."""
    stop_failed: Annotated[int, Ge(1)] | None = None
    """Stop when so many stations failed; none: never."""
    stop_permille: Annotated[int, Ge(1), Le(1000)] | None = None
    """Stop when so many of a thousand that ended failed, once ten have ended; none: never."""
    finish_s: Annotated[int, Ge(1), Le(90 * 86_400)] | None = None
    """How long a long command may take after its answer [s]; none: by its kind."""
    approval_s: Annotated[int, Ge(60), Le(30 * 86_400)] = 86_400
    """How long to wait for a second person's approval [s]."""
    draft: bool = False
    """Only show whom it would ask; `begin` starts it."""
    note: Annotated[str, MaxLen(500)] = ""
    """Why, for the audit log."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator decides for all runs of a node."""

    approve_above: int | None = 100
    """A run over more stations wants a second person; None: never."""
    approve_dangerous_above: int | None = 1
    """The same for what is dangerous."""
    budget_per_hour: int = 20_000
    """Commands to a tenant's stations in an hour; 0: any number."""
    ramp_w_per_s: int = 1_000_000
    """Power that starts, stops and limits of a tenant may move in a second [W/s]; 0: any."""
    stations_max: int = 50_000
    """Stations of one run."""


@dataclass(frozen=True, slots=True)
class Target:
    """A station a run is about."""

    station: str
    """Identity."""
    max_w: int
    """Largest power [W]: what it weighs on the ramp."""


@dataclass(frozen=True, slots=True)
class Item:
    """One station of a run."""

    station: str
    """Identity."""
    max_w: int = 0
    """What it weighs on the ramp [W]; 0 where power does not change."""
    offset_s: int = 0
    """Not before so long after the run began [s]."""
    state: ItemState = "queued"
    """How far it is."""
    attempt: int = 0
    """How often it was asked."""
    sent_at: int | None = None
    """When it was last asked [Unix s]."""
    answered_at: int | None = None
    """When it answered [Unix s]."""
    changed_at: int = 0
    """When the state changed [Unix s]."""
    status: str = ""
    """The station's word: Accepted, Rejected, Downloading ..."""
    reason: str = ""
    """What it added, or why there is no answer."""
    data: dict[str, Any] | None = None
    """What it answered beyond a status."""
    rows: int = 0
    """Rows of its report so far."""
    parts: int = 0
    """Parts of its report so far."""


@dataclass(frozen=True, slots=True)
class Header:
    """A run without its items."""

    run: str
    """Its id."""
    tenant: str
    """Whose."""
    operation: str
    """What is asked."""
    arguments: dict[str, Any]
    """With what."""
    options: Options
    """How."""
    number: int
    """Number of the first attempt's request; each further attempt adds one."""
    actor: str
    """Who started it."""
    created_at: int
    """When [Unix s]."""
    total: int
    """Stations."""
    works_from: int = 0
    """What is asked begins then, whenever it is asked [Unix s]."""
    state: RunState = "running"
    """How far it is."""
    reason: str = ""
    """Why it stopped or waits, in words."""
    wants_approval: bool = False
    """A second person must say yes."""
    approver: str = ""
    """Who said yes."""
    begun_at: int | None = None
    """When the first station could be asked [Unix s]."""
    ended_at: int | None = None
    """When it ended [Unix s]."""
    counts: dict[str, int] = field(default_factory=dict[str, int])
    """Stations by state."""
