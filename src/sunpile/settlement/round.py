"""One zone's interval loop: what the node should do next, decided from what it knows and nothing else.

An interval is proposed when its grace is over, proposed again with what refusing members handed over, sent when a
quorum signed, and voided when its deadline passed. Intervals go one after another; late energy follows on its own.
"""

from dataclasses import dataclass, replace

from sunpile.basics.interval import Interval, settlement_deadline

DEFAULT_GRACE = 60
"""Seconds after the end of an interval in which readings still come in."""
RETRY = 5
"""Seconds before an interval is proposed again."""


@dataclass(frozen=True, slots=True)
class RoundState:
    """What the node knows of the zone's next interval."""

    next_interval: int
    """The interval the zone settles next, by the chain."""
    length: int
    """Interval length [s]."""
    grace: int = DEFAULT_GRACE
    """Seconds after the end."""
    proposed: int = 0
    """Rounds proposed for this interval so far."""
    proposed_at: int = 0
    """When the last one was [Unix s]."""
    signatures: int = 0
    """Valid signatures for the last one."""
    needed: int = 1
    """Quorum."""
    sent: bool = False
    """Its `settle` (or `void`) is with the chain."""
    retry: int = RETRY
    """Seconds between two rounds."""
    again: bool = False
    """The last proposal is asked for once more: who did not sign it was not there."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until` [Unix s]."""

    until: int


@dataclass(frozen=True, slots=True)
class Propose:
    """Build the batch of `interval` and ask every member to sign it."""

    interval: int
    round: int


@dataclass(frozen=True, slots=True)
class Submit:
    """Send the signed batch of `interval` to the chain."""

    interval: int
    round: int


@dataclass(frozen=True, slots=True)
class Void:
    """The deadline passed: void `interval`; its energy follows the late rule."""

    interval: int


Step = Wait | Propose | Submit | Void


def decide(state: RoundState, now: int) -> Step:
    """The next step at `now` [Unix s]."""
    interval = Interval(state.next_interval, state.length)
    ready = interval.end + state.grace
    if now < ready:
        return Wait(ready)
    if state.sent:
        return Wait(now + state.retry)
    if past_deadline(state.next_interval, now, state.length):
        return Void(state.next_interval)
    if state.proposed and state.signatures >= state.needed:
        return Submit(state.next_interval, state.proposed - 1)
    if state.proposed and now < state.proposed_at + state.retry:
        return Wait(state.proposed_at + state.retry)
    return Propose(state.next_interval, state.proposed - 1 if state.proposed and state.again else state.proposed)


def past_deadline(interval: int, now: int, length: int) -> bool:
    """True once `settle` refuses `interval`: the current index is more than D beyond it."""
    return now // length > interval + settlement_deadline(length)


def after_proposal(state: RoundState, round: int, now: int, signatures: int) -> RoundState:
    """The state after the answers to `round` came in at `now`."""
    return replace(state, proposed=round + 1, proposed_at=now, signatures=signatures, sent=False, again=False)
