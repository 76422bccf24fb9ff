"""The virtual clock: it moves to the next moment only when everybody has done what was due.

Wire protocol, one JSON object a line over TCP on loopback. A participant says `{"join": "node"}` and gets
`{"t": 1655244000}`. To *each* `t` it answers, once nothing is in progress and everything that waits waits for later,
`{"done": t, "next": t2}`, or null if it waits for nothing. The same `t` may come again: what the town did in the
meantime may have given it work. A required participant that hangs up is awaited until it joins again and is done.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sunpile.basics.errors import PortBusy, Unreachable
from sunpile.town.scheduler import Scheduler

TICK_S = 0.1
"""Longest real sleep of a clock that waits for nobody [s]."""


@dataclass
class _Participant:
    name: str
    writer: asyncio.StreamWriter
    asked: int = 0
    """`t` lines sent."""
    answered: int = 0
    """`done` lines received."""
    upcoming: int | None = None
    """When it wants to act next [Unix s]."""
    present: bool = True


class ClockServer:
    """Keeps participants in step with a `Scheduler`."""

    def __init__(
        self,
        scheduler: Scheduler,
        required: tuple[str, ...] = ("node",),
        patience: float = 600.0,
        steady: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self.scheduler = scheduler
        self.required = required
        self._steady = steady
        self.patience = patience
        """Real seconds without any answer after which the day is given up."""
        self.moments = 0
        """How often time has moved."""
        self.port = 0
        self._participants: dict[str, _Participant] = {}
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; return the port.

        Raises
        ------
        PortBusy
            if another program listens there.
        """
        try:
            self._server = await asyncio.start_server(self._serve, host, port)
        except OSError as fault:
            raise PortBusy(f"the clock cannot listen on {host}:{port}: {fault.strerror}") from fault
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def stop(self) -> None:
        """Hang up."""
        if self._server:
            self._server.close()
        for participant in self._participants.values():
            participant.writer.close()

    async def settle(self) -> None:
        """Tell everybody the time and return when all of them, and every required one, are done with it.

        Raises
        ------
        Unreachable
            if nobody answers for `patience` real seconds.
        """
        for participant in self._participants.values():
            self._tell(participant)
        while waiting := self._waiting_for():
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), self.patience)
            except TimeoutError:
                raise Unreachable(f"the clock waits for {', '.join(waiting)}: no answer") from None

    async def run_until(self, end: int) -> None:
        """Let time pass until `end` [Unix s], waiting for everybody at each moment."""
        while True:
            await self.settle()
            while await self.scheduler.run_due() or (self._steady and await self._steady()):
                await self.settle()
            if self.scheduler.now >= end:
                return
            self._move(self._next_moment(end))

    async def run_freely(self, end: int, speed: float) -> None:
        """Let time pass until `end` [Unix s] at `speed` virtual seconds a real one, waiting for nobody."""
        begin_real, begin = time.monotonic(), self.scheduler.now
        while True:
            await self.scheduler.run_due()
            if self.scheduler.now >= end:
                return
            # Never asleep for long: what joins meanwhile schedules earlier moments, and devices are asked the time.
            moment = self._next_moment(end)
            await asyncio.sleep(min(TICK_S, begin_real + (moment - begin) / speed - time.monotonic()))
            reached = min(moment, begin + int((time.monotonic() - begin_real) * speed))
            if reached <= self.scheduler.now:
                continue
            self._move(reached)
            for participant in self._participants.values():
                self._tell(participant)

    def _next_moment(self, end: int) -> int:
        now = self.scheduler.now
        wishes = [self.scheduler.next(), *(p.upcoming for p in self._participants.values() if p.present)]
        return min([end, *(wish for wish in wishes if wish is not None and wish > now)])

    def _move(self, moment: int) -> None:
        self.scheduler.now = moment
        self.moments += 1

    def _waiting_for(self) -> list[str]:
        absent = [n for n in self.required if n not in self._participants or not self._participants[n].present]
        busy = [p.name for p in self._participants.values() if p.present and p.answered < p.asked]
        return absent + busy

    def _tell(self, participant: _Participant) -> None:
        if participant.present:
            participant.asked += 1
            participant.writer.write(json.dumps({"t": self.scheduler.now}).encode() + b"\n")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ValueError, KeyError, TypeError, OSError):
            name = str(json.loads(await reader.readline())["join"])
            participant = self._participants[name] = _Participant(name, writer)
            self._tell(participant)
            try:
                while line := await reader.readline():
                    self._heard(participant, json.loads(line))
            finally:
                participant.present = False
                self._changed.set()
        writer.close()

    def _heard(self, participant: _Participant, said: dict[str, int | None]) -> None:
        participant.upcoming = said["next"]
        participant.answered += 1
        self._changed.set()
