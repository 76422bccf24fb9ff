"""Where a pile's request meets those who act on it: read, hand over, wait until it is durable, reply."""

from sunpile.basics.ids import StationId
from sunpile.basics.ports import Clock
from sunpile.chargers.codec import Call
from sunpile.chargers.dialect import (
    Context,
    Dialect,
    Outcome,
    Payload,
    Plan,
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
from sunpile.chargers.station import StationState, observe


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
    ) -> None:
        self._station = station
        self._dialect = dialect
        self._book = book
        self._inbox = inbox
        self._clock = clock
        self._plan = plan
        self._states = states

    async def answer(self, call: Call) -> Payload:
        """The payload that answers `call`.

        Raises
        ------
        FrameInvalid
            if the call is wrong in a way its schema does not know.
        """
        context = Context(self._station, self._clock.now(), self._plan, self._states[self._station].transactions)
        request = self._dialect.read(call.action, call.payload, context)
        outcome = await self._hand_over(request, context.now)
        if isinstance(request, STATION_EVENTS):
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
            case AuthorisationAsked():
                return await self._inbox.authorise(request)
            case Question():
                return await self._inbox.asked(request)
            case Notices(notices):
                for notice in notices:
                    await self._inbox.told(notice)
            case TimeAsked():
                pass
            case _:
                await self._inbox.told(request)
        return None
