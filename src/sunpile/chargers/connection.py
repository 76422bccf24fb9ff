"""One authenticated socket: calls in both directions, one outstanding each way.

The reader only sorts frames: answers go to whoever waits, calls go to a worker that takes them in order. So a handler
may itself call the pile and wait for the answer.
"""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sunpile.basics.errors import FrameInvalid, PileUnreachable, SunpileError, TooMany
from sunpile.basics.ports import Clock
from sunpile.chargers.access import Limits
from sunpile.chargers.codec import Call, CallFault, Codec, Result, ResultFault, Send, Stray
from sunpile.chargers.replay import AnswerMemory, mark
from sunpile.chargers.validation import Fault

log = logging.getLogger(__name__)
IDS_REMEMBERED = 128
"""Message ids of a connection that are checked for repetition, newest first."""


class Socket(Protocol):
    """What a connection needs of a WebSocket."""

    async def receive(self) -> str | bytes | None:
        """The next text (str) or binary (bytes) message; None once closed."""
        ...

    async def send(self, text: str) -> None:
        """Send a text message; a closed socket is no error."""
        ...


@dataclass(slots=True)
class Counters:
    """What went in and out, and what went wrong, since the start; benches and tests read it."""

    calls_in: int = 0
    calls_out: int = 0
    bad_frames: int = 0
    duplicate_ids: int = 0
    unsolicited_results: int = 0
    stale_frames: int = 0
    takeovers: int = 0
    refused: int = 0
    limited: int = 0
    failures: int = 0
    call_timeouts: int = 0
    replayed: int = 0
    """Calls sent again under their id and answered from memory."""
    sends_in: int = 0
    result_faults: int = 0
    """Answers of ours that a pile could not use (CALLRESULTERROR)."""
    quarantined: int = 0
    mended: int = 0
    """Requests that only a station's leniency let pass."""
    before_acceptance: int = 0
    """Requests refused because the station's registration is not accepted."""


class CallRefused(SunpileError):
    """The pile answered a call of ours with a CALLERROR, or with a payload that breaks its schema."""

    status = 502
    code = "call-refused"

    def __init__(self, ocpp_code: str, detail: str) -> None:
        super().__init__(detail, ocpp_code=ocpp_code)
        self.ocpp_code = ocpp_code


class Connection:
    """A pile's socket, from the 101 to its close."""

    def __init__(
        self,
        socket: Socket,
        codec: Codec,
        handle: Callable[[Call], Awaitable[dict[str, Any]]],
        clock: Clock,
        limits: Limits,
        counters: Counters,
        *,
        record: Callable[[bool, str], None],
        answered: Callable[[Call], None],
        remark: Callable[[str], None] = lambda _: None,
        answers: AnswerMemory | None = None,
        reused: Callable[[], bool] | None = None,
    ) -> None:
        self._socket = socket
        self._codec = codec
        self._handle = handle
        self._clock = clock
        self._limits = limits
        self._counters = counters
        self._record = record
        self._answered = answered
        self._remark = remark
        self._answers = answers
        self._reused = reused
        self._calls: deque[Call | Send] = deque()
        self._idle: asyncio.Future[None] | None = None
        self._seen: dict[int, None] = {}
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._awaited: tuple[str, asyncio.Future[Result | CallFault]] | None = None
        self._closed = False
        self._worked = False
        self.bad_frames = 0
        """Frames of this connection that had to be refused."""
        self.fenced = False
        """True once a newer connection of the station has taken over: nothing of this one counts any more."""

    async def run(self) -> None:
        """Serve until the socket closes."""
        worker = asyncio.create_task(self._work())
        try:
            while (text := await self._socket.receive()) is not None:
                if self.fenced:
                    self._counters.stale_frames += 1
                    continue
                await self._sort(text)
        finally:
            self._closed = True
            self._give_up("the pile hung up")
            # What was received whole is still acted on; only its answer finds nobody.
            self._wake()
            await worker

    def fence(self) -> None:
        """Cut this connection off from the station; its socket is closed by the caller."""
        self.fenced = True
        self._give_up("a newer connection took over")

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Call the pile and return the payload of its answer.

        Raises
        ------
        PileUnreachable
            if it hangs up or does not answer in time.
        CallRefused
            if it answers with an error, or with something its schema does not know.
        TooMany
            if too many calls wait already.
        """
        if self._waiting >= self._limits.calls_waiting:
            raise TooMany("too many calls wait for this pile")
        with self._clock.work():
            self._waiting += 1
            try:
                async with self._turn:
                    answer = await self._exchange(action, payload)
            finally:
                self._waiting -= 1
        if isinstance(answer, CallFault):
            raise CallRefused(answer.code, answer.description or answer.code)
        try:
            return self._codec.check_result(answer.id, action, answer.payload)
        except FrameInvalid as broken:
            self._bad_frame()
            if (told := self._codec.result_error(broken)) is not None:
                await self._send(told)
            detail = f"the pile's answer to {action} is invalid: {broken.detail}"
            raise CallRefused("FormatViolation", detail) from broken

    @property
    def calls_pending(self) -> int:
        """Our calls that wait for their turn or for an answer."""
        return self._waiting

    async def _exchange(self, action: str, payload: dict[str, Any]) -> Result | CallFault:
        if self.fenced or self._closed:
            raise PileUnreachable("the pile hung up")
        message_id = secrets.token_hex(8)
        answer: asyncio.Future[Result | CallFault] = asyncio.get_running_loop().create_future()
        self._awaited = (message_id, answer)
        self._counters.calls_out += 1
        try:
            await self._send(self._codec.call(message_id, action, payload))
            return await asyncio.wait_for(answer, self._limits.call_timeout_s)
        except TimeoutError:
            self._counters.call_timeouts += 1
            self._remark("silent-in-command")
            raise PileUnreachable(f"the pile did not answer {action} in time") from None
        finally:
            self._awaited = None

    async def _sort(self, text: str | bytes) -> None:
        """Give one frame to whom it belongs."""
        if isinstance(text, bytes):
            self._bad_frame()
            await self._send(self._codec.error(self._codec.fault(Fault.RPC, "OCPP frames are text")))
            return
        self._record(True, text)
        try:
            frame = self._codec.decode(text)
            if isinstance(frame, Call):
                self._queue(frame)
                return
        except FrameInvalid as fault:
            self._bad_frame()
            await self._send(self._codec.error(fault))
            return
        match frame:
            case Result() | CallFault():
                awaited = self._awaited
                if awaited is None or awaited[0] != frame.id or awaited[1].done():
                    self._unsolicited()
                else:
                    awaited[1].set_result(frame)
            case Send():
                self._queue_send(frame)
            case ResultFault():
                self._counters.result_faults += 1
                self._remark("answer-not-understood")
                log.warning("a pile could not use our answer %r: %.60r %.200r", frame.id, frame.code, frame.description)
            case Stray():
                self._unsolicited()

    def _bad_frame(self) -> None:
        self._counters.bad_frames += 1
        self.bad_frames += 1
        self._remark("bad-frame")

    def _unsolicited(self) -> None:
        self._counters.unsolicited_results += 1
        self._remark("unsolicited-answer")

    def _queue(self, call: Call) -> None:
        if self._answers is not None:
            known = self._answers.known(call)
            if known is not None and known.mark != mark(call):
                self._duplicate(call)
        else:
            seen = hash(call.id)
            if seen in self._seen:
                self._duplicate(call)
            self._seen[seen] = None
            if len(self._seen) > IDS_REMEMBERED:
                del self._seen[next(iter(self._seen))]
        if len(self._calls) >= self._limits.calls_queued:
            self._remark("flood")
            raise self._codec.fault(Fault.BUSY, "", call.id)
        self._calls.append(call)
        self._wake()

    def _duplicate(self, call: Call) -> None:
        self._counters.duplicate_ids += 1
        if self._reused is not None and self._reused():
            return
        self._remark("message-id-reused")
        raise self._codec.fault(Fault.DUPLICATE, "", call.id)

    def _queue_send(self, send: Send) -> None:
        self._counters.sends_in += 1
        if len(self._calls) >= self._limits.calls_queued:
            self._remark("flood")
            return
        self._calls.append(send)
        self._wake()

    def _wake(self) -> None:
        if self._idle is not None:
            if not self._idle.done():
                self._idle.set_result(None)
            self._idle = None

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while self._calls:
                call = self._calls.popleft()
                if self.fenced:
                    self._counters.stale_frames += 1
                    continue
                with self._clock.work():
                    await self._answer(call)
            if self._closed:
                return
            self._idle = loop.create_future()
            await self._idle

    async def _answer(self, frame: Call | Send) -> None:
        if isinstance(frame, Send):
            await self._take(frame)
            return
        known = self._answers.known(frame) if self._answers is not None else None
        text = await known.wait() if known is not None and known.mark == mark(frame) else None
        if text is not None:
            self._counters.replayed += 1
            await self._send(text)
            return
        await self._send(await (self._carry_out(frame) if self._answers is None else self._remembered(frame)))
        if self._worked:
            self._answered(frame)

    async def _remembered(self, call: Call) -> str:
        """Carry `call` out and keep the answer for its retry, whatever ends this."""
        assert self._answers is not None
        self._answers.begin(call)
        text: str | None = None
        try:
            answer = await self._carry_out(call)
            text = answer if self._worked else None
            return answer
        finally:
            self._answers.settle(call, text)

    async def _carry_out(self, call: Call) -> str:
        """The text that answers `call`; `_worked` says whether it is a CALLRESULT."""
        self._counters.calls_in += 1
        self._worked = False
        try:
            answer = self._codec.result(call.id, await self._handle(call))
        except FrameInvalid as fault:
            if fault.ocpp_code == "SecurityError":
                self._counters.before_acceptance += 1
            else:
                self._bad_frame()
            return self._codec.error(FrameInvalid(fault.ocpp_code, fault.detail, call.id))
        except Exception:
            # The last resort: one pile's message must never end anything but itself.
            self._counters.failures += 1
            log.exception("%s could not be handled", call.action)
            return self._codec.error(self._codec.fault(Fault.INTERNAL, "", call.id))
        self._worked = True
        return answer

    async def _take(self, send: Send) -> None:
        """A message without answer is handled like a call; whatever comes of it, nothing is sent."""
        try:
            await self._handle(Call(send.id, send.action, send.payload))
        except FrameInvalid:
            self._bad_frame()
        except Exception:
            self._counters.failures += 1
            log.exception("%s could not be handled", send.action)

    async def _send(self, text: str) -> None:
        if self.fenced or self._closed:
            return
        self._record(False, text)
        await self._socket.send(text)

    def _give_up(self, reason: str) -> None:
        if self._awaited is not None and not self._awaited[1].done():
            self._awaited[1].set_exception(PileUnreachable(reason))
