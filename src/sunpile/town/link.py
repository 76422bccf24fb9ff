"""A station's websocket: calls go out one at a time and in order, again and again until they are answered."""

import asyncio
import base64
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from sunpile.basics.errors import PileUnreachable, Unauthorised

Payload = dict[str, Any]
OnCall = Callable[[str, Payload], Awaitable[Payload]]
"""Answers a call of the management system, or raises `CallRefused`."""

ANSWER_S = 60.0
"""Real seconds a station waits for an answer before it hangs up and tries again."""
PATIENCE_S = 600.0
"""Real seconds a call waits for a connection before the station gives up."""
RETRY_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0)
"""Real seconds between attempts to connect; the last one repeats."""


class CallRefused(Exception):
    """A CALLERROR to be sent: code and description."""


class CallFailed(Exception):
    """A CALLERROR that came back: code and description."""


class _Lost(Exception):
    """The connection broke before the answer came."""


class Link:
    """The connection of one station, kept up in the background."""

    def __init__(self, url: str, subprotocol: str, identity: str, password: str, on_call: OnCall) -> None:
        self._url = url
        self._subprotocol = Subprotocol(subprotocol)
        secret = base64.b64encode(f"{identity}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {secret}"}
        self._on_call = on_call
        self._socket: ClientConnection | None = None
        self._up = asyncio.Event()
        self._turn = asyncio.Lock()
        self._waiting: tuple[str, asyncio.Future[Any]] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._count = 0
        self._answers: set[asyncio.Task[None]] = set()
        self.connections = 0
        """How often it connected."""
        self.sent = 0
        """Calls answered."""
        self.failures: list[str] = []
        """CALLERRORs received, as `action: code description`."""
        self.on_reconnect: Callable[[], list[tuple[str, Payload]]] = list
        """Calls to make first after a lost connection."""

    @property
    def up(self) -> bool:
        """Whether it is connected."""
        return self._up.is_set()

    def open(self) -> None:
        """Connect in the background, and again whenever the connection is lost."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Hang up for good."""
        if self._keeper:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None

    async def wait_up(self, patience: float) -> None:
        """Wait up to `patience` real seconds for the connection.

        Raises
        ------
        PileUnreachable
            if it does not come up.
        Unauthorised
            if the station is refused.
        """
        deadline = asyncio.get_running_loop().time() + patience
        while not self.up:
            if self._keeper and self._keeper.done():
                self._keeper.result()
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                raise PileUnreachable(f"{self._url} does not let the station in")
            up = asyncio.ensure_future(self._up.wait())
            keeper = [self._keeper] if self._keeper else []
            await asyncio.wait({up, *keeper}, timeout=left, return_when="FIRST_COMPLETED")
            up.cancel()

    async def call(self, action: str, build: Callable[[], Payload]) -> Payload:
        """Send `action` when it is this call's turn and return the answer, however many connections it takes.

        `build` makes the payload when it is sent: what was queued offline may need an earlier answer.

        Raises
        ------
        CallFailed
            if the answer is a CALLERROR.
        """
        async with self._turn:
            while True:
                if not self.up:
                    await self.wait_up(PATIENCE_S)
                try:
                    return await self._exchange(action, build())
                except _Lost:
                    continue

    async def _exchange(self, action: str, payload: Payload) -> Payload:
        socket = self._socket
        if socket is None:
            raise _Lost
        self._count += 1
        message_id = f"{self.connections}-{self._count}"
        answer: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        self._waiting = message_id, answer
        try:
            await socket.send(json.dumps([2, message_id, action, payload], separators=(",", ":")))
            result = await asyncio.wait_for(answer, ANSWER_S)
        except CallFailed as fault:
            self.failures.append(f"{action}: {fault}")
            self.sent += 1
            raise
        except TimeoutError as fault:
            await socket.close()
            raise _Lost from fault
        except (WebSocketException, OSError) as fault:
            raise _Lost from fault
        finally:
            self._waiting = None
        self.sent += 1
        return result

    async def _keep(self) -> None:
        attempt = 0
        while True:
            try:
                async with connect(
                    self._url,
                    subprotocols=[self._subprotocol],
                    additional_headers=self._headers,
                    compression=None,
                    ping_timeout=120,
                    close_timeout=1,
                    max_size=1 << 16,
                ) as socket:
                    attempt = 0
                    await self._hold(socket)
            except InvalidStatus as fault:
                if fault.response.status_code in (401, 403, 404):
                    raise Unauthorised(f"{self._url}: refused with {fault.response.status_code}") from fault
            except (WebSocketException, OSError, TimeoutError):
                pass
            await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1

    async def _hold(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.connections += 1
        reader = asyncio.create_task(self._read(socket))
        try:
            if self.connections > 1 and not self._turn.locked():
                # A call in the making keeps its turn: it is resent first, the state follows with the next change.
                async with self._turn:
                    for action, payload in self.on_reconnect():
                        with contextlib.suppress(CallFailed, _Lost):
                            await self._exchange(action, payload)
            self._up.set()
            await reader
        finally:
            self._up.clear()
            self._socket = None
            reader.cancel()

    async def _read(self, socket: ClientConnection) -> None:
        try:
            with contextlib.suppress(WebSocketException):
                async for frame in socket:
                    self._heard(socket, json.loads(frame))
        finally:
            if self._waiting and not self._waiting[1].done():
                self._waiting[1].set_exception(_Lost())

    def _heard(self, socket: ClientConnection, message: list[Any]) -> None:
        if message[0] == 2:
            task = asyncio.create_task(self._answer(socket, message[1], message[2], message[3]))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)
        elif self._waiting and self._waiting[0] == message[1] and not self._waiting[1].done():
            if message[0] == 3:
                self._waiting[1].set_result(message[2])
            else:
                self._waiting[1].set_exception(CallFailed(f"{message[2]} {message[3]}"))

    async def _answer(self, socket: ClientConnection, message_id: str, action: str, payload: Payload) -> None:
        try:
            frame: list[Any] = [3, message_id, await self._on_call(action, payload)]
        except CallRefused as fault:
            frame = [4, message_id, str(fault), "", {}]
        with contextlib.suppress(WebSocketException):
            await socket.send(json.dumps(frame, separators=(",", ":")))
