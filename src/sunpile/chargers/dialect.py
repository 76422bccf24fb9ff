"""What a dialect is: one OCPP version's words for the same requests, answers and operations. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import orjson

from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import EvseId, StationId
from sunpile.chargers.commands import Command, CommandResult
from sunpile.chargers.events import Authorisation, StationEvent, TransactionAnswer
from sunpile.chargers.notices import Answer, AuthorisationAsked, Notice, Notices, Question
from sunpile.chargers.validation import Version
from sunpile.chargers.values import date_time, far_off

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """How every pile is set up after it boots. What a pile does not know or refuses is noted, not forced."""

    heartbeat_s: int = 300
    """Heartbeat interval [s]."""
    clock_aligned_s: int = 900
    """Interval of clock-aligned meter values [s]; the zone's interval length or a divisor of it."""
    sample_s: int = 60
    """Interval of sampled meter values in a transaction [s]."""
    aligned: tuple[str, ...] = ("Energy.Active.Import.Register",)
    """Measurands of clock-aligned values."""
    sampled: tuple[str, ...] = ("Energy.Active.Import.Register", "Power.Active.Import")
    """Measurands of sampled values."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting for a pile, with what to try if the pile refuses it."""

    name: str
    """Variable, or key of 1.6."""
    value: str
    """Value to set."""
    component: str = ""
    """Component of OCPP 2.0.1; empty in 1.6."""
    otherwise: str | None = None
    """A simpler value for a pile that refuses `value`."""


@dataclass(frozen=True, slots=True)
class TimeAsked:
    """Heartbeat."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What a station that booted is told."""

    status: Literal["Accepted", "Pending", "Rejected"] = "Accepted"
    """Accepted; Pending: set it up first; Rejected: try again later."""
    interval_s: int | None = None
    """Heartbeat interval, or if it is not accepted the time until its next try [s]; None: the plan's."""


Request = StationEvent | TimeAsked | AuthorisationAsked | Notice | Notices | Question
Outcome = Authorisation | TransactionAnswer | Registration | Answer | None
"""What became of a request: `Registration` or None (accepted) for `Booted`, `Answer` for `Question` ..."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a dialect must know beside the message."""

    station: StationId
    """Whose message it is."""
    now: int
    """Unix time [s]."""
    plan: Plan
    """How piles are set up."""
    evse_of: Mapping[str, EvseId]
    """EVSE of each running transaction: 2.0.1 names it only once."""

    def held(self, at: int) -> str | None:
        """Why something of `at` must not be billed, or None."""
        return "clock" if far_off(at, self.now) else None

    def near(self, at: int) -> int:
        """`at`, or now if a pile that says it cannot mean it."""
        return self.now if far_off(at, self.now) else at

    def registered(self, outcome: Outcome) -> Payload:
        """The answer to a boot, which is the same in every version."""
        told = outcome if isinstance(outcome, Registration) else Registration()
        interval = self.plan.heartbeat_s if told.interval_s is None else told.interval_s
        return {"status": told.status, "currentTime": date_time(self.now), "interval": interval}


class Dialect(Protocol):
    """One OCPP version."""

    version: Version

    def read(self, action: str, payload: Payload, context: Context) -> Request:
        """The request in a valid payload.

        Raises
        ------
        FrameInvalid
            if a value the schema lets pass is wrong, or the action is not handled.
        """
        ...

    def reply(self, request: Request, outcome: Outcome, context: Context) -> Payload:
        """The payload of the answer."""
        ...

    def settings(self, plan: Plan) -> list[Setting]:
        """What to set on a pile after it boots."""
        ...

    settings_per_call: int
    """How many settings every station takes in one command."""

    def calls(self, command: Command) -> Sequence[tuple[str, Payload]]:
        """The calls that carry `command` out, in order: mostly one.

        Raises
        ------
        NotInDialect
            if this version has no words for it.
        """
        ...

    def result(self, command: Command, answers: Sequence[Payload]) -> CommandResult:
        """What the answers to those calls mean."""
        ...


def body_hash(payload: Payload) -> bytes:
    """keccak256 of the payload, whatever the order of its fields."""
    return keccak256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS))


Reader = Callable[[Payload, Context], Request]
