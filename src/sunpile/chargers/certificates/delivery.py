"""What to do with a signed certificate after each try to hand it to its station. Pure."""

from dataclasses import dataclass

from sunpile.chargers.commands import CommandResult

TRIES = 4
AGAIN_S = 60
AGAIN_MAX_S = 3600


@dataclass(frozen=True, slots=True)
class Waiting:
    """A certificate that was signed and not yet answered."""

    tries: int
    """How often it was sent."""
    changed_at: int
    """Last try, or when it was signed [Unix s]."""
    not_after: int
    """Ends then [Unix s]."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """The station was not reached."""

    why: str
    """A sentence."""
    lasting: bool
    """Trying again cannot help: its OCPP version has no words for it."""


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of it."""

    state: str
    """issued (try again), accepted or rejected."""
    outcome: str
    """In words."""
    tried: bool
    """The station was asked."""


def due(waiting: Waiting, now: int) -> bool:
    """True if it is time to try again: the pauses double."""
    pause = min(AGAIN_MAX_S, AGAIN_S << min(waiting.tries, 10)) if waiting.tries else 0
    return now >= waiting.changed_at + pause


def decide(waiting: Waiting, event: CommandResult | Unsent, now: int) -> Step:
    """The step after `event`. A station out of reach keeps its certificate waiting until it ends."""
    if now >= waiting.not_after:
        return Step("rejected", "it ended before the station took it", tried=False)
    if isinstance(event, Unsent):
        return Step("rejected" if event.lasting else "issued", event.why, tried=False)
    words = " ".join(part for part in (event.status, event.reason) if part)
    if event.accepted:
        return Step("accepted", words, tried=True)
    # Rejected is the station's judgement on the certificate; anything else may be a passing fault.
    if event.status == "Rejected" or waiting.tries + 1 >= TRIES:
        return Step("rejected", words, tried=True)
    return Step("issued", words, tried=True)
