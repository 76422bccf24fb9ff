"""Did a session succeed, as its driver sees it? `outcome(session) -> Outcome`, pure; the one definition for reports.

A session succeeds when the car was plugged in, its driver was let in, charging started, energy came, and it ended as
somebody wanted it to. A station may be up all year and still fail its drivers: this stands beside uptime everywhere.
"""

from dataclasses import dataclass
from typing import Literal

from sunpile.sessions.model import Session

Step = Literal["plugged in", "authorised", "started", "energy", "ended normally"]
STEPS: tuple[Step, ...] = ("plugged in", "authorised", "started", "energy", "ended normally")
"""In the order in which a driver meets them."""
NORMAL_ENDS = frozenset(
    {
        *("Local", "Remote", "EVDisconnected", "StoppedByEV", "SOCLimitReached", "EnergyLimitReached"),
        *("TimeLimitReached", "MasterPass", "LocalOutOfCredit", "UnlockCommand", "CostLimitReached", "LimitSet"),
        *("ReqEnergyTransferRejected",),
    }
)
"""Stop reasons that a driver, the car or an agreed limit gave. `Other` says nothing, and counts as normal if energy
came."""
REFUSED_ENDS = frozenset({"DeAuthorized"})
"""The driver was not let in, or lost the right to charge."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a session."""

    success: bool | None
    """None while it goes on, or waits for messages."""
    failed_at: Step | None
    """The first step that did not happen; None for a success or a session under way."""
    reasons: tuple[str, ...]
    """Why, in words for reports; empty for a success without doubts."""


def outcome(session: Session) -> Outcome:
    """What became of `session`, by its facts alone."""
    over = session.ended_at is not None or session.state in ("ended", "held")
    if not session.begun and over:
        return _failed("plugged in", session, "its start was never seen")
    if session.stop_reason in REFUSED_ENDS or not _let_in(session):
        if over:
            return _failed("authorised", session, _why_not_let_in(session))
        return Outcome(None, None, ())
    if not over or session.state == "waiting":
        return Outcome(None, None, ())
    if session.state == "held" and session.ended_at is None:
        return _failed("ended normally", session, session.held_reason or "no end was seen")
    if session.wh <= 0:
        if session.held_reason:
            return _failed("energy", session, f"energy is not known: {session.held_reason}")
        step: Step = "started" if _never_flowed(session) else "energy"
        return _failed(step, session, f"no energy came ({session.stop_reason or 'no reason given'})")
    if session.stop_reason not in NORMAL_ENDS and session.stop_reason not in (None, "Other"):
        return _failed("ended normally", session, f"ended by {session.stop_reason}")
    return Outcome(True, None, tuple(sorted(session.doubts)))


def _let_in(session: Session) -> bool:
    if session.authorised is not None:
        return session.authorised == "Accepted"
    # Without an answer of ours (a free station, or a start in plug-and-charge mode) energy is the proof.
    return session.driver is not None or session.wh > 0 or session.id_token is None


def _why_not_let_in(session: Session) -> str:
    if session.authorised not in (None, "Accepted"):
        return f"the token was refused: {session.authorised}"
    return "the station ended it for want of authorisation" if session.stop_reason else "the token is not known"


def _never_flowed(session: Session) -> bool:
    return session.ended_at is not None and session.ended_at - session.started_at < 120


def _failed(step: Step, session: Session, why: str) -> Outcome:
    return Outcome(False, step, (why, *sorted(session.doubts)))
