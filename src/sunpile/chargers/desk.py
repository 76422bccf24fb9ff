"""Where a pile's request meets those who act on it: read, hand over, wait until it is durable, reply."""

from collections.abc import Callable
from typing import Literal, cast

from sunpile.basics.errors import FrameInvalid
from sunpile.basics.ids import StationId
from sunpile.basics.ports import Clock
from sunpile.chargers.codec import Call
from sunpile.chargers.dialect import (
    Context,
    Dialect,
    Outcome,
    Payload,
    Plan,
    Registration,
    Request,
    TimeAsked,
)
from sunpile.chargers.events import (
    STATION_EVENTS,
    Booted,
    MeterRead,
    StatusChanged,
    TransactionAnswer,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.chargers.notices import AuthorisationAsked, Notices, Question
from sunpile.chargers.ports import StationBook, StationInbox
from sunpile.chargers.registration import may_say
from sunpile.chargers.station import StationState, observe
from sunpile.chargers.validation import CODES, Fault

SEARCH_S = 10
"""Whose transaction an unknown one is is looked up at most once in this time [s]: it costs a walk over all stations."""


class Desk:
    """Handles the calls of one connection, in order. An answer means that the event is durable, not that it pays."""

    def __init__(
        self,
        station: StationId,
        dialect: Dialect,
        book: StationBook,
        inbox: StationInbox,
        clock: Clock,
        plan: Plan,
        states: dict[StationId, StationState],
        *,
        remark: Callable[[str], None] = lambda _: None,
        retry_s: int = 60,
    ) -> None:
        self._station = station
        self._dialect = dialect
        self._book = book
        self._inbox = inbox
        self._clock = clock
        self._plan = plan
        self._states = states
        self._remark = remark
        self._retry_s = retry_s
        self._searched = 0
        self.asked_for: set[str] = set()
        """Actions the station was asked to send before its registration is accepted."""

    async def answer(self, call: Call) -> Payload:
        """The payload that answers `call`.

        Raises
        ------
        FrameInvalid
            if the call is wrong in a way its schema does not know.
        """
        state = self._states[self._station]
        if state.registration != "Accepted" and not may_say(state.registration, call.action, self.asked_for):
            self._remark("before-acceptance")
            raise FrameInvalid(CODES[self._dialect.version][Fault.SECURITY], Fault.SECURITY.value, call.id)
        context = Context(self._station, self._clock.now(), self._plan, state.transactions)
        request = self._dialect.read(call.action, call.payload, context)
        outcome = await self._hand_over(request, context.now)
        if isinstance(request, STATION_EVENTS):
            if isinstance(request, TransactionUpdated | TransactionEnded):
                self._look_whose(request.ocpp_transaction, context.now)
            given = outcome.ocpp_transaction if isinstance(outcome, TransactionAnswer) else None
            self._states[self._station] = observe(self._states[self._station], request, context.now, given)
        return self._dialect.reply(request, outcome, context)

    async def _hand_over(self, request: Request, now: int) -> Outcome:
        match request:
            case MeterRead():
                await self._inbox.meter_read(request)
            case TransactionUpdated():
                return await self._inbox.updated(request)
            case TransactionStarted():
                return await self._inbox.started(request)
            case TransactionEnded():
                return await self._inbox.ended(request)
            case StatusChanged():
                await self._book.status_changed(request)
                await self._inbox.status_changed(request)
            case Booted():
                await self._book.booted(request, now)
                await self._inbox.booted(request)
                return await self._register()
            case AuthorisationAsked():
                return await self._inbox.authorise(request)
            case Question():
                return await self._inbox.asked(request)
            case Notices(notices, statuses):
                for notice in notices:
                    await self._inbox.told(notice)
                for status in statuses:
                    await self._hand_over(status, now)
                    self._states[self._station] = observe(self._states[self._station], status, now)
            case TimeAsked():
                pass
            case _:
                await self._inbox.told(request)
        return None

    async def _register(self) -> Registration:
        """The station's registration as staff have set it, and what it is told of it."""
        record = await self._book.find(self._station)
        status = record.registration if record is not None else "Rejected"
        state = self._states[self._station]
        accepted = status == "Accepted"
        if (state.registration, state.accepted) != (status, accepted):
            self._states[self._station] = state._replace(registration=status, accepted=accepted)
        if status == "Accepted":
            self.asked_for.clear()
            return Registration()
        return Registration(cast(Literal["Pending", "Rejected"], status), self._retry_s)

    def _look_whose(self, transaction: str | None, now: int) -> None:
        own = self._states[self._station].transactions
        if transaction is None or transaction in own or now < self._searched + SEARCH_S:
            return
        self._searched = now
        if any(transaction in state.transactions for state in self._states.values()):
            self._remark("other-stations-transaction")
