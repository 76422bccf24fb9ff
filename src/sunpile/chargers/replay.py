"""What a station was answered, so that a call it sends again is answered alike and carried out once.

OCPP 2.1 (part 4, 4.1.4): ids are a station's own over all its sockets, and a retry may keep its id. One memory per
station; it outlives the sockets.
"""

import asyncio

import orjson

from sunpile.chargers.codec import Call

CALLS_REMEMBERED = 64
ANSWER_MAX = 8 * 1024
"""A longer answer [characters] is not kept: its retry is carried out again, and those who act know their own."""


def mark(call: Call) -> int:
    """Tells two calls apart that bear one id."""
    return hash(orjson.dumps([call.action, call.payload], option=orjson.OPT_SORT_KEYS))


class Answer:
    """One call's answer, or the wait for it."""

    __slots__ = ("_waiting", "done", "mark", "text")

    def __init__(self, call_mark: int) -> None:
        self.mark = call_mark
        self.text: str | None = None
        """The CALLRESULT on the wire; None while it is not known, or if it is not kept."""
        self.done = False
        self._waiting: asyncio.Event | None = None

    async def wait(self) -> str | None:
        """The answer, once there is one."""
        if not self.done:
            self._waiting = self._waiting or asyncio.Event()
            await self._waiting.wait()
        return self.text

    def settle(self, text: str | None) -> None:
        """The call is answered by `text`, or is not carried out (None)."""
        self.text, self.done = text, True
        if self._waiting is not None:
            self._waiting.set()


class AnswerMemory:
    """The last answers of one station, oldest forgotten first."""

    def __init__(self) -> None:
        self._answers: dict[str, Answer] = {}

    def known(self, call: Call) -> Answer | None:
        """The answer to an earlier call with this id. Its `mark` differs if that was another call."""
        return self._answers.get(call.id)

    def begin(self, call: Call) -> Answer:
        """Remember that `call` is being answered."""
        if (other := self._answers.pop(call.id, None)) is not None:
            other.settle(None)  # Another call, of a station that may use its ids again: nobody is to wait for it.
        answer = self._answers[call.id] = Answer(mark(call))
        while len(self._answers) > CALLS_REMEMBERED:
            del self._answers[next(iter(self._answers))]
        return answer

    def settle(self, call: Call, text: str | None) -> None:
        """`call` was answered by `text`; None: it failed or was dropped, so a retry is carried out."""
        answer = self._answers.get(call.id)
        if answer is None or answer.mark != mark(call):
            return
        kept = text if text is not None and len(text) <= ANSWER_MAX else None
        answer.settle(kept)
        if kept is None:
            del self._answers[call.id]
