"""Who else hears what stations say: lists to which each part of a node adds itself."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sunpile.basics.errors import SunpileError
from sunpile.chargers.events import (
    Authorisation,
    StationEvent,
    TransactionAnswer,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.chargers.notices import Answer, AuthorisationAsked, Notice, Question

Hears = Callable[[StationEvent], Awaitable[None] | None]
"""After the event is durable; what it does must not hold up the answer."""
IsTold = Callable[[Notice], Awaitable[None]]
"""Makes the notice durable, before it is acknowledged."""
Answers = Callable[[Question], Awaitable[Answer | None]]
"""None: not mine."""
OnAuthorise = Callable[[AuthorisationAsked, Authorisation], Awaitable[Authorisation]]
"""Adds to the answer to an Authorize: a price, a limit."""
Transactional = TransactionStarted | TransactionUpdated | TransactionEnded
OnTransaction = Callable[[Transactional, TransactionAnswer], Awaitable[TransactionAnswer]]
"""Adds to the answer to a transaction's event: a cost, a limit."""
log = logging.getLogger("sunpile.ears")


@dataclass
class Ears:
    """In the order they were added."""

    hear: list[Hears] = field(default_factory=list[Hears])
    told: list[IsTold] = field(default_factory=list[IsTold])
    answer: list[Answers] = field(default_factory=list[Answers])
    on_authorise: list[OnAuthorise] = field(default_factory=list[OnAuthorise])
    on_transaction: list[OnTransaction] = field(default_factory=list[OnTransaction])

    async def heard(self, event: StationEvent) -> None:
        """Pass an event on; one listener's fault is not another's."""
        for hears in self.hear:
            try:
                waits = hears(event)
                if waits is not None:
                    await waits
            except SunpileError as fault:
                log.warning("%s of %s: %s", type(event).__name__, event.station, fault.detail)
            except Exception:
                # The event is durable: a CALLERROR would have the station send it again and again, to the same end.
                log.exception("%s of %s: a listener failed", type(event).__name__, event.station)

    async def notice(self, notice: Notice) -> None:
        """Pass a notice on: it is acknowledged only when all have it."""
        for told in self.told:
            await told(notice)

    async def authorised(self, asked: AuthorisationAsked, answer: Authorisation) -> Authorisation:
        """The answer with what all add to it."""
        for adds in self.on_authorise:
            answer = await adds(asked, answer)
        return answer

    async def transaction(self, event: Transactional, answer: TransactionAnswer) -> TransactionAnswer:
        """The answer with what all add to it; what fails adds nothing, for the event is durable already."""
        for adds in self.on_transaction:
            try:
                answer = await adds(event, answer)
            except Exception:
                log.exception("%s of %s is answered without an addition", type(event).__name__, event.station)
        return answer

    async def question(self, question: Question) -> Answer:
        """The first answer; an empty one if nobody has any, which the dialect turns into its version's refusal."""
        for answers in self.answer:
            found = await answers(question)
            if found is not None:
                return found
        return {}
