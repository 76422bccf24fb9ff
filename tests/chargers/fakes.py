"""Stand-ins for the ports of the piles' chapter, and a scripted pile on a real socket."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection

from sunpile.basics.ids import StationId
from sunpile.chargers.access import password_hash
from sunpile.chargers.events import (
    Authorisation,
    Booted,
    MeterRead,
    StatusChanged,
    TransactionAnswer,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.chargers.notices import Answer, AuthorisationAsked, Notice, Question
from sunpile.chargers.ports import Refusal, StationRecord

NOW = 1_700_000_000
PASSWORD = "0123456789ABCDEF0123456789ABCDEF01234567"


class StillClock:
    """Time stands still; counts who works."""

    def __init__(self) -> None:
        self.time = NOW
        self.working = 0

    def now(self) -> int:
        return self.time

    async def sleep_until(self, when: int) -> None:
        self.time = max(self.time, when)

    @contextlib.contextmanager
    def work(self) -> Iterator[None]:
        self.working += 1
        try:
            yield
        finally:
            self.working -= 1


class Book:
    """Stations in memory."""

    def __init__(self, *stations: str) -> None:
        salt = b"salt"
        hashed = password_hash(salt, bytes.fromhex(PASSWORD))
        self.records = {s: StationRecord(StationId(s), "default", salt, hashed, 11_000) for s in stations}
        self.refusals: list[tuple[str, str]] = []
        self.refused_facts: list[Refusal] = []
        self.leniencies: dict[str, dict[str, int]] = {}
        self.frames: list[tuple[str, bool, str]] = []
        self.events: list[object] = []
        self.looked_up = 0

    async def find(self, station: str) -> StationRecord | None:
        self.looked_up += 1
        return self.records.get(station)

    async def refused(self, refusal: Refusal) -> None:
        self.refusals.append((refusal.station, refusal.reason))
        self.refused_facts.append(refusal)

    async def secret_used(self, station: StationId, salt: bytes) -> None:
        record = self.records[station]
        hashed = dict(record.secrets)[salt]
        self.records[station] = replace(record, password_salt=salt, password_hash=hashed, secrets=())

    async def raised(self, station: StationId, profile: int) -> None:
        self.records[station] = replace(self.records[station], security_profile=profile, next_profile=None)

    async def disconnected(self, station: StationId, at: int) -> None:
        self.events.append(("disconnected", station))

    async def leniency_used(self, station: StationId, uses: Mapping[str, int], at: int) -> None:
        counted = self.leniencies.setdefault(station, {})
        for name, times in uses.items():
            counted[name] = counted.get(name, 0) + times

    def change(self, station: str, **changes: Any) -> None:
        """Staff change a record."""
        self.records[station] = replace(self.records[station], **changes)

    async def connected(self, station: StationId, version: str, at: int) -> None:
        self.events.append(("connected", station, version))

    async def booted(self, event: Booted, at: int) -> None:
        self.events.append(event)

    async def status_changed(self, event: StatusChanged) -> None:
        self.events.append(event)

    def frame(self, station: StationId, at: int, incoming: bool, frame: str) -> None:
        self.frames.append((station, incoming, frame))


class Inbox:
    """Keeps every event; `before` runs first and may wait, fail or call the pile."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.before: Callable[[Any], Any] | None = None
        self.authorisation = Authorisation("Accepted")
        self.numbers = 100
        self.answers: dict[str, Answer] = {}

    async def _take(self, event: Any) -> None:
        if self.before is not None:
            waited = self.before(event)
            if asyncio.iscoroutine(waited):
                await waited
        self.events.append(event)

    async def authorise(self, asked: AuthorisationAsked) -> Authorisation:
        await self._take(("authorise", asked.station, asked.id_token))
        return self.authorisation

    async def told(self, notice: Notice) -> None:
        await self._take(notice)

    async def asked(self, question: Question) -> Answer:
        await self._take(question)
        return self.answers.get(question.action, {})

    async def booted(self, event: Booted) -> None:
        await self._take(event)

    async def status_changed(self, event: StatusChanged) -> None:
        await self._take(event)

    async def meter_read(self, event: MeterRead) -> None:
        await self._take(event)

    async def started(self, event: TransactionStarted) -> TransactionAnswer:
        await self._take(event)
        self.numbers += 1
        return TransactionAnswer(self.authorisation, event.ocpp_transaction or str(self.numbers))

    async def updated(self, event: TransactionUpdated) -> TransactionAnswer:
        await self._take(event)
        return TransactionAnswer(None, event.ocpp_transaction)

    async def ended(self, event: TransactionEnded) -> TransactionAnswer:
        await self._take(event)
        return TransactionAnswer(self.authorisation if event.id_token else None, event.ocpp_transaction)


def basic(user: str, password: str | bytes = PASSWORD) -> dict[str, str]:
    """The Authorization header of a pile."""
    raw = password.encode() if isinstance(password, str) else password
    return {"Authorization": "Basic " + base64.b64encode(user.encode() + b":" + raw).decode()}


class Pile:
    """A scripted pile: answers our calls from `answers`, sends its own with `call`."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.answers: dict[str, dict[str, Any] | Callable[[dict[str, Any]], Any] | None] = {}
        self.received: list[tuple[str, dict[str, Any]]] = []
        self.errors: list[list[Any]] = []
        self._waiting: dict[str, asyncio.Future[list[Any]]] = {}
        self._number = 0
        self._reader = asyncio.create_task(self._read())

    async def call(self, action: str, payload: Any, message_id: str | None = None) -> list[Any]:
        """Send a call and return the whole answer frame."""
        self._number += 1
        message_id = message_id or f"m{self._number}"
        return await self.raw(json.dumps([2, message_id, action, payload]), message_id)

    async def raw(self, text: str | bytes, message_id: str = "-1") -> list[Any]:
        """Send a frame as it is and return the frame that answers `message_id`."""
        waiting = self._waiting[message_id] = asyncio.get_running_loop().create_future()
        await self.socket.send(text)
        return await asyncio.wait_for(waiting, 5)

    async def _read(self) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for text in self.socket:
                frame = json.loads(text)
                if frame[0] == 2:
                    self.received.append((frame[2], frame[3]))
                    answer = self.answers.get(frame[2])
                    if callable(answer):
                        answer = answer(frame[3])
                    if isinstance(answer, list):
                        await self.socket.send(json.dumps([4, frame[1], *answer]))
                    elif answer is not None:
                        await self.socket.send(json.dumps([3, frame[1], answer]))
                elif frame[1] in self._waiting:
                    waiting = self._waiting.pop(frame[1])
                    if not waiting.done():
                        waiting.set_result(frame)

    async def until_received(self, count: int) -> None:
        """Wait until `count` calls of ours have come."""
        async with asyncio.timeout(5):
            while len(self.received) < count:
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def pile(
    port: int, station: str, version: str = "ocpp1.6", password: str | bytes = PASSWORD, user: str | None = None
) -> AsyncIterator[Pile]:
    """A connected pile."""
    async with websockets.connect(
        f"ws://127.0.0.1:{port}/ocpp/{station}",
        subprotocols=[websockets.Subprotocol(name) for name in version.split(",")],
        additional_headers=basic(user or station, password),
        compression=None,
    ) as socket:
        yield Pile(socket)
