"""A virtual charging station: a bare WebSocket, the OCA's own schemas, and a script. It shares no code with the server.

`call` sends a request and returns the answer; `expect` waits for a request of the server, which `answer` answers.
Requests nobody expects are answered by `habits`, by action: a payload or a function of the request.
"""

import asyncio
import base64
import contextlib
import itertools
import ssl
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

Payload = dict[str, Any]
Habit = Payload | Callable[[Payload], Payload]
WAIT_S = 10.0
FOLDERS = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
SUBPROTOCOLS = {"1.6": "ocpp1.6", "2.0.1": "ocpp2.0.1", "2.1": "ocpp2.1"}


@cache
def _schema(version: str, message: str) -> jsonschema_rs.Draft4Validator:
    text = files("ocpp").joinpath(FOLDERS[version], "schemas", f"{message}.json").read_bytes()
    return jsonschema_rs.Draft4Validator(orjson.loads(text.lstrip(b"\xef\xbb\xbf")), validate_formats=True)


def check_request(version: str, action: str, payload: Payload) -> None:
    """Fail unless `payload` is a valid request by the OCA's schema."""
    _schema(version, action if version == "1.6" else f"{action}Request").validate(payload)


def check_answer(version: str, action: str, payload: Payload) -> None:
    """Fail unless `payload` is a valid answer by the OCA's schema."""
    _schema(version, f"{action}Response").validate(payload)


class Refused(Exception):
    """The server did not let the station in; `status` is its HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class CallError(Exception):
    """The server answered with a CALLERROR."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code


class Request:
    """A request of the server that waits for its answer."""

    def __init__(self, station: "VirtualStation", message_id: str, action: str, payload: Payload) -> None:
        self._station, self._id = station, message_id
        self.action, self.payload = action, payload

    async def answer(self, payload: Payload | None = None) -> None:
        """Answer with a payload, valid by the schema."""
        payload = payload or {}
        check_answer(self._station.version, self.action, payload)
        await self._station.send([3, self._id, payload])

    async def refuse(self, code: str, description: str = "") -> None:
        """Answer with a CALLERROR."""
        await self._station.send([4, self._id, code, description, {}])


class VirtualStation:
    """One station. `async with` it, or `connect` and `close`."""

    def __init__(
        self, url: str, identity: str, password: str | None, version: str, tls: ssl.SSLContext | None = None
    ) -> None:
        self.url, self.identity, self.password, self.version, self.tls = url, identity, password, version, tls
        self.habits: dict[str, Habit] = {}
        self.heard: list[tuple[str, Payload]] = []
        """Every request of the server, in order."""
        self.unexpected: list[str] = []
        """Actions of the requests that nobody expected and no habit answers."""
        self._ids = itertools.count(1)
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._answers: dict[str, asyncio.Future[Any]] = {}
        self._requests: asyncio.Queue[Request] = asyncio.Queue()
        self._expected: list[tuple[str, Callable[[Payload], bool], asyncio.Future[Request]]] = []

    # -- connection -----------------------------------------------------------------------------------------------

    async def connect(self, subprotocols: list[str] | None = None, user: str | None = None) -> str | None:
        """Open the socket; returns the subprotocol the server chose. Raises `Refused`."""
        headers = {}
        if self.password is not None:
            credentials = f"{user or self.identity}:{self.password}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(credentials).decode()
        try:
            self._socket = await connect(
                f"{self.url}/{self.identity}",
                subprotocols=subprotocols or [SUBPROTOCOLS[self.version]],  # type: ignore[arg-type]
                additional_headers=headers,
                ssl=self.tls,
                compression=None,
                ping_interval=None,
                proxy=None,
            )
        except InvalidStatus as refusal:
            raise Refused(refusal.response.status_code) from None
        self._reader = asyncio.create_task(self._read(self._socket))
        return self._socket.subprotocol

    async def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            await self._reader
        self._socket = self._reader = None

    async def drop(self) -> None:
        """Lose the connection without a goodbye."""
        if self._socket is not None:
            self._socket.transport.abort()
        if self._reader is not None:
            await self._reader
        self._socket = self._reader = None

    async def closed(self) -> int | None:
        """Wait until the server hangs up; its close code."""
        assert self._socket is not None
        await asyncio.wait_for(self._socket.wait_closed(), WAIT_S)
        return self._socket.close_code

    async def __aenter__(self) -> "VirtualStation":
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # -- talk -----------------------------------------------------------------------------------------------------

    async def send(self, frame: list[Any]) -> None:
        """Send a frame as it is."""
        assert self._socket is not None
        await self._socket.send(orjson.dumps(frame).decode())

    async def send_text(self, text: str) -> None:
        """Send any text."""
        assert self._socket is not None
        await self._socket.send(text)

    async def call(self, action: str, payload: Payload, checked: bool = True, message_id: str | None = None) -> Payload:
        """Send a request, and return the server's answer, which must be valid by the schema. Raises `CallError`."""
        if checked:
            check_request(self.version, action, payload)
        message_id = message_id or f"{self.identity}-{next(self._ids)}"[-36:]
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[message_id] = waiting
        await self.send([2, message_id, action, payload])
        frame = await asyncio.wait_for(waiting, WAIT_S)
        if frame[0] == 4:
            raise CallError(frame[2], frame[3])
        check_answer(self.version, action, frame[2])
        return frame[2]

    async def tell(self, action: str, payload: Payload) -> None:
        """Send an unconfirmed message (SEND of OCPP 2.1)."""
        await self.send([6, f"{self.identity}-{next(self._ids)}"[-36:], action, payload])

    async def expect(self, action: str, where: Callable[[Payload], bool] = lambda _payload: True) -> Request:
        """The server's next request `action` that fulfils `where`; others are answered by habit."""
        waiting: asyncio.Future[Request] = asyncio.get_running_loop().create_future()
        self._expected.append((action, where, waiting))
        try:
            return await asyncio.wait_for(waiting, WAIT_S)
        except TimeoutError:
            heard = [name for name, _ in self.heard]
            raise AssertionError(f"the server did not send {action}; it sent {heard}") from None

    async def _read(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                await self._sort(orjson.loads(text))
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the server hung up"))

    async def _sort(self, frame: list[Any]) -> None:
        if frame[0] != 2:
            waiting = self._answers.pop(frame[1], None)
            if waiting is not None and not waiting.done():
                waiting.set_result(frame)
            return
        _, message_id, action, payload = frame
        check_request(self.version, action, payload)
        self.heard.append((action, payload))
        request = Request(self, message_id, action, payload)
        for expected in self._expected:
            if expected[0] == action and not expected[2].done() and expected[1](payload):
                self._expected.remove(expected)
                expected[2].set_result(request)
                return
        habit = self.habits.get(action)
        if habit is None:
            self.unexpected.append(action)
            await request.refuse("NotSupported", f"{action} was not expected")
            return
        await request.answer(habit(payload) if callable(habit) else habit)
