"""A payment without an account: money is held first, then the car charges, then what was used is taken.

::

    asked -> authorised -> starting -> charging -> (stopping) -> capturing -> settled
      |                       |                                     (nothing used)
      v                       v                                           v
    declined              releasing  ------------------------------->  released

`decide` is the core. What is to be done next follows from the state alone (`todo`), and everything done outside is
done under the hold's own id, so a process that is killed at any point goes on where it was and nothing is taken twice.
"""

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from sunpile.basics.errors import InputInvalid
from sunpile.basics.hashing import keccak256

State = Literal[
    "asked",
    "authorised",
    "starting",
    "charging",
    "stopping",
    "capturing",
    "settled",
    "releasing",
    "released",
    "declined",
]
Todo = Literal["authorise", "start", "stop", "capture", "release"]
OPEN: tuple[State, ...] = ("asked", "authorised", "starting", "charging", "stopping", "capturing", "releasing")
START_S = 300
"""How long a driver has to plug in before the money is released [s]."""
ASKED_S = 900
"""How long a payment may take to be authorised [s]."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Money held for one session."""

    hold: str
    """Its id, made of what was asked for."""
    tenant: str
    """Whose station."""
    station: str
    """Charging station."""
    evse: int
    """EVSE number."""
    token: str
    """One-time token of the start, 20 letters."""
    nano: int
    """Money held [nano]."""
    currency: str
    """ISO 4217."""
    made_at: int
    """When it was asked for [Unix s]."""
    due_at: int | None
    """When time next changes it [Unix s]."""
    state: State = "asked"
    """Where it stands."""
    wh_max: int | None = None
    """The driver wants no more than this [Wh]."""
    s_max: int | None = None
    """... or to charge no longer than this [s]."""
    payment: str = ""
    """The rail's reference."""
    ocpp_transaction: str | None = None
    """The transaction it pays for."""
    used_nano: int = 0
    """What was used so far, or in the end [nano]."""
    used_wh: int = 0
    """Energy used [Wh]."""
    taken_nano: int = 0
    """What was taken [nano]; never more than was held."""
    reason: str = ""
    """Why it ended as it did."""
    language: str = "en"
    """What the driver reads."""

    @property
    def open(self) -> bool:
        """Something is still to happen."""
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class Authorised:
    """The rail holds the money."""

    payment: str
    """Its reference."""


@dataclass(frozen=True, slots=True)
class Declined:
    """The rail does not."""

    reason: str
    """Why, for the driver."""


@dataclass(frozen=True, slots=True)
class StartAsked:
    """The start is about to be sent: kept before it is, so that it is never sent twice."""


@dataclass(frozen=True, slots=True)
class StartRefused:
    """The station does not start."""

    reason: str
    """Its word."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A transaction with the one-time token has begun."""

    ocpp_transaction: str
    """The transaction."""


@dataclass(frozen=True, slots=True)
class Used:
    """How far the session is."""

    nano: int
    """Cost so far [nano]."""
    wh: int
    """Energy so far [Wh]."""
    seconds: int
    """Duration so far [s]."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The session's record is closed."""

    nano: int
    """Its cost [nano]."""
    wh: int
    """Its energy [Wh]."""


@dataclass(frozen=True, slots=True)
class Captured:
    """The rail has taken the money."""


@dataclass(frozen=True, slots=True)
class Released:
    """The rail has given it free."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Time has gone on."""


Event = Authorised | Declined | StartAsked | StartRefused | Begun | Used | Closed | Captured | Released | Passed


def decide(hold: Hold, event: Event, now: int) -> Hold:
    """The hold after `event`; an event that does not fit changes nothing, the same one again neither."""
    match event, hold.state:
        case Authorised(payment), "asked":
            return replace(hold, state="authorised", payment=payment, due_at=now + START_S)
        case Declined(reason), "asked":
            return replace(hold, state="declined", reason=reason, due_at=None)
        case StartAsked(), "authorised":
            return replace(hold, state="starting", due_at=now + START_S)
        case StartRefused(reason), "starting":
            return replace(hold, state="releasing", reason=reason, due_at=None)
        case Begun(transaction), "authorised" | "starting":
            return replace(hold, state="charging", ocpp_transaction=transaction, due_at=None)
        case Begun(transaction), "releasing" | "released" if hold.ocpp_transaction is None:
            # A station that was away started after all: the money may be gone, staff see it.
            return replace(hold, ocpp_transaction=transaction, reason="it started after the money was released")
        case Used(nano, wh, seconds), "charging" | "stopping":
            used = replace(hold, used_nano=max(nano, hold.used_nano), used_wh=max(wh, hold.used_wh))
            return replace(used, state="stopping") if _reached(hold, nano, wh, seconds) else used
        case Closed(nano, wh), "charging" | "stopping":
            taken = min(nano, hold.nano)
            state: State = "capturing" if taken else "releasing"
            reason = "" if nano <= hold.nano else "the session cost more than was held"
            return replace(hold, state=state, used_nano=nano, used_wh=wh, taken_nano=taken, reason=reason)
        case Captured(), "capturing":
            return replace(hold, state="settled")
        case Released(), "releasing":
            return replace(hold, state="released", due_at=None)
        case Passed(), _ if hold.due_at is not None and now >= hold.due_at:
            return _late(hold)
        case _:
            return hold


def _reached(hold: Hold, nano: int, wh: int, seconds: int) -> bool:
    return (
        nano >= hold.nano
        or (hold.wh_max is not None and wh >= hold.wh_max)
        or (hold.s_max is not None and seconds >= hold.s_max)
    )


def _late(hold: Hold) -> Hold:
    if hold.state == "asked":
        # The rail may still hold the money although its answer was lost: it is released by the hold's id.
        return replace(hold, state="releasing", reason="the payment was not finished in time", due_at=None)
    if hold.state in ("authorised", "starting"):
        return replace(hold, state="releasing", reason="no car was plugged in", due_at=None)
    return hold


def todo(hold: Hold) -> Todo | None:
    """What is to be done outside now; doing it again does no harm."""
    known: dict[State, Todo] = {
        "asked": "authorise",
        "authorised": "start",
        "stopping": "stop",
        "capturing": "capture",
        "releasing": "release",
    }
    return known.get(hold.state)


def hold_id(station: str, evse: int, nano: int, key: str) -> str:
    """Id of a hold: the same wish with the same key is the same hold."""
    if not 8 <= len(key) <= 64:
        raise InputInvalid("the payment's key has 8 to 64 letters")
    return keccak256("\x00".join((station, str(evse), str(nano), key)).encode()).hex()[:32]


@dataclass(frozen=True, slots=True)
class RailAnswer:
    """What a rail says to the wish to hold money."""

    status: Literal["authorised", "declined", "pending"]
    """pending: the driver is not done yet."""
    payment: str = ""
    """Its reference."""
    reason: str = ""
    """Why it was declined, for the driver."""


class PrepaymentRail(Protocol):
    """Holds money, takes part of it, gives the rest free. Every call is repeatable: the hold's id is its key."""

    def authorise(self, hold: Hold) -> Awaitable[RailAnswer]: ...
    def capture(self, hold: Hold, nano: int) -> Awaitable[None]:
        """Take `nano` of what is held and give the rest free."""
        ...

    def cancel(self, hold: Hold) -> Awaitable[None]:
        """Give everything free; nothing to do if nothing is held."""
        ...
