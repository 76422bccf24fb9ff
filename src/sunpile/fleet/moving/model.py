"""What comes over, in this house's words, whoever it came from; and what does not, with the reason."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sunpile.sessions.tokens import Group, Token

Kind = Literal["dump", "station", "connector", "tag", "group", "transaction", "reservation"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that did not come over, or not as it was."""

    kind: Kind
    """What it is about."""
    which: str
    """Its name in the old system."""
    why: str
    """What happened, in words, without its name: problems of one cause have one text."""
    lost: bool = False
    """True if the row has not come over at all."""


@dataclass(frozen=True, slots=True)
class MovedStation:
    """A charging station."""

    station: str
    """Identity, last part of its OCPP URL."""
    evses: tuple[int, ...]
    """EVSE numbers (connector numbers of OCPP 1.6)."""
    version: str | None = None
    """1.6, 2.0.1 or 2.1."""
    vendor: str = ""
    """As it said when it booted."""
    model: str = ""
    """As it said when it booted."""
    serial: str = ""
    """As it said when it booted."""
    firmware: str = ""
    """As it said when it booted."""
    last_seen: int | None = None
    """Its last message to the old system [Unix s]."""
    registration: str = "Accepted"
    """Accepted, Pending or Rejected."""
    profile: int = 1
    """Security profile; 0: it had no password."""
    max_w: int | None = None
    """Largest power [W], if the old system knew."""
    name: str = ""
    """As staff call it."""
    site: str = ""
    """Where it stands."""
    latitude: int | None = None
    """Millionths of a degree."""
    longitude: int | None = None
    """Millionths of a degree."""
    notes: str = ""
    """What staff wrote."""


@dataclass(frozen=True, slots=True)
class MovedSession:
    """A transaction."""

    station: str
    """Charging station."""
    evse: int
    """EVSE number."""
    transaction: str
    """The OCPP transaction's id, as the station knows it."""
    started_at: int
    """Begin [Unix s]."""
    token: str | None = None
    """What was shown."""
    token_kind: str = ""
    """Kind of the token (2.x)."""
    ended_at: int | None = None
    """End [Unix s]; None: it has none."""
    start_wh: int | None = None
    """Register at the begin [Wh]."""
    end_wh: int | None = None
    """Register at the end [Wh]."""
    stop_reason: str | None = None
    """Why it ended, in OCPP's word."""
    running: bool = False
    """It was under way when the data was taken."""
    doubts: frozenset[str] = frozenset()
    """What was odd about it in the old system."""


@dataclass(frozen=True, slots=True)
class MovedReservation:
    """A reservation."""

    number: int
    """Its number at the station."""
    station: str
    """Charging station."""
    token: str
    """Who may use it."""
    expires_at: int
    """Until when [Unix s]."""
    made_at: int
    """When it was made [Unix s]."""
    evse: int | None = None
    """Which EVSE; None: any."""


@dataclass(slots=True)
class Fleet:
    """All of an old system."""

    source: str
    """Its name."""
    stations: list[MovedStation] = field(default_factory=list[MovedStation])
    """Stations."""
    tokens: list[Token] = field(default_factory=list[Token])
    """Tokens."""
    groups: list[Group] = field(default_factory=list[Group])
    """Groups of tokens."""
    sessions: list[MovedSession] = field(default_factory=list[MovedSession])
    """Sessions, past and running."""
    reservations: list[MovedReservation] = field(default_factory=list[MovedReservation])
    """Reservations."""
    problems: list[Problem] = field(default_factory=list[Problem])
    """What did not come over, or not as it was."""
    read: dict[str, int] = field(default_factory=dict[str, int])
    """Rows read, by table."""
    left: dict[str, str] = field(default_factory=dict[str, str])
    """Tables that are not moved, and why."""

    def trouble(self, kind: Kind, which: object, why: str, lost: bool = False) -> None:
        """Note a problem."""
        self.problems.append(Problem(kind, str(which)[:255], why, lost))


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of one kind of thing."""

    found: int = 0
    """In the old system."""
    moved: int = 0
    """Written now."""
    known: int = 0
    """Already here, left as it was."""
    changed: int = 0
    """Already here, brought up to date: a running session that has ended since."""
    refused: int = 0
    """Not moved; a problem says why."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The report of a move."""

    source: str
    """The old system."""
    tenant: str
    """To whom it was moved."""
    dry_run: bool
    """Nothing was written."""
    tallies: Mapping[str, Tally]
    """By kind: stations, connectors, tokens, groups, sessions, records, reservations."""
    problems: tuple[Problem, ...]
    """What did not come over, or not as it was."""
    left: Mapping[str, str]
    """Tables that were not moved, and why."""
    passwords: Mapping[str, str] = field(default_factory=dict[str, str])
    """New passwords of new stations, 40 hex digits; shown this once. Empty in a dry run."""


def by_cause(problems: Iterable[Problem]) -> dict[tuple[str, str], list[str]]:
    """Names by (kind, cause), in order of appearance: a report says a cause once."""
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for problem in problems:
        found[problem.kind, problem.why].append(problem.which)
    return dict(found)
