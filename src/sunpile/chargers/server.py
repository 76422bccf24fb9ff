"""The charging station management system's door: every pile on one port, whatever OCPP version it speaks.

Credentials are checked before the 101. The newest authenticated connection of a station wins: the older one is fenced
first and closed after, so neither its late frames nor its late close can touch the newer one.
"""

import asyncio
import contextlib
import errno
import logging
import random
import ssl
import time
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol

from sunpile.basics.errors import PileUnreachable, PortBusy, SunpileError
from sunpile.basics.ids import StationId
from sunpile.basics.ports import Clock
from sunpile.chargers.access import Buckets, Limits, refusal
from sunpile.chargers.codec import MAX_BYTES, Call, Codec
from sunpile.chargers.commands import Command, CommandResult, RemoteStart, SetVariables, VariableName, VariableValue
from sunpile.chargers.connection import CallRefused, Connection, Counters
from sunpile.chargers.desk import Desk
from sunpile.chargers.dialect import Dialect, Plan, Setting
from sunpile.chargers.ocpp2 import Ocpp21, Ocpp201
from sunpile.chargers.ocpp16 import Ocpp16
from sunpile.chargers.ports import StationBook, StationInbox
from sunpile.chargers.station import StationState, configured, connected, disconnected

log = logging.getLogger(__name__)
PATH = "/ocpp/"
DIALECTS: dict[str, Dialect] = {"ocpp2.1": Ocpp21(), "ocpp2.0.1": Ocpp201(), "ocpp1.6": Ocpp16()}
"""WebSocket subprotocol to dialect. A new version is one more line."""
SUPERSEDED, PROTOCOL_ERROR = 4001, 1002


class _PileSocket(ServerConnection):
    """A WebSocket whose pings are spread, and that knows whose it is."""

    station: StationId

    def __init__(self, *args: Any, ping_interval: float | None = 20, **options: Any) -> None:
        spread = None if ping_interval is None else ping_interval * random.uniform(0.75, 1.25)
        super().__init__(*args, ping_interval=spread, **options)


class _Line:
    """`Socket` over websockets."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket

    async def receive(self) -> str | bytes | None:
        try:
            return await self._socket.recv()
        except ConnectionClosed:
            return None

    async def send(self, text: str) -> None:
        # `ServerConnection.send` without what only fragments and handshakes need: a third of its time.
        socket = self._socket
        if socket.state is State.OPEN:
            with contextlib.suppress(ConnectionClosed, OSError):
                socket.protocol.send_text(text.encode())
                socket.send_data()
                await socket.drain()


class _Live:
    """A station's present connection."""

    __slots__ = ("connection", "dialect", "generation", "socket")

    def __init__(self, socket: ServerConnection, dialect: Dialect, generation: int) -> None:
        self.socket = socket
        self.dialect = dialect
        self.generation = generation
        self.connection: Connection


class Csms:
    """The server. `await start(host, port)`, then piles connect to ws://host:port/ocpp/{station}."""

    def __init__(
        self,
        book: StationBook,
        inbox: StationInbox,
        clock: Clock,
        plan: Plan | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._book = book
        self._inbox = inbox
        self._clock = clock
        self._plan = plan or Plan()
        self._limits = limits or Limits()
        self._by_address = Buckets(self._limits.per_address, self._limits.per_address_refill)
        self._by_station = Buckets(self._limits.per_station, self._limits.per_station_refill)
        self._handshakes = 0
        self._generations = 0
        self._remote_starts = 0
        self._live: dict[StationId, _Live] = {}
        self._states: dict[StationId, StationState] = {}
        self._server: Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.counters = Counters()

    # -- life ---------------------------------------------------------------------------------------------------

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Listen.

        Raises
        ------
        PortBusy
            if another program has the port.
        """
        try:
            self._server = await serve(
                self._serve,
                host,
                port,
                ssl=tls,
                process_request=self._admit,
                select_subprotocol=_choose,
                create_connection=_PileSocket,
                compression=None,
                server_header=None,
                max_size=MAX_BYTES,
                open_timeout=10,
                ping_interval=self._limits.ping_s,
                ping_timeout=self._limits.ping_s,
                close_timeout=self._limits.close_s,
                logger=logging.getLogger("sunpile.chargers.websockets"),
            )
        except OSError as fault:
            if fault.errno == errno.EADDRINUSE:
                raise PortBusy(f"port {port} for piles is taken by another program") from fault
            raise PortBusy(f"cannot listen for piles on {host}:{port}: {fault.strerror}") from fault

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        if self._server is not None:
            self._server.close(code=1001)
            await self._server.wait_closed()
            self._server = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        """The port it listens on, for `start(host, 0)`."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def stations(self) -> Mapping[StationId, StationState]:
        """Every station seen since the start, as it is now. A snapshot: it does not change under the reader."""
        return dict(self._states)

    # -- commands -----------------------------------------------------------------------------------------------

    async def command(self, station: StationId, command: Command) -> CommandResult:
        """Ask a station to do something and wait for its answer.

        Raises
        ------
        PileUnreachable
            if it is not connected or does not answer in time.
        NotInDialect
            if its OCPP version has no words for the command.
        InputInvalid
            if the command cannot be said in its version's limits.
        """
        live = self._connected(station)
        if isinstance(command, RemoteStart) and command.remote_start == 0:
            command = replace(command, remote_start=self._remote_start_number())
        return await self._carry_out(live, command)

    def _remote_start_number(self) -> int:
        """Rising, also over restarts: the time, or the next free number after it."""
        self._remote_starts = max(self._remote_starts + 1, self._clock.now() % 2**31)
        return self._remote_starts

    async def _carry_out(self, live: _Live, command: Command) -> CommandResult:
        calls = live.dialect.calls(command)
        answers: list[dict[str, Any]] = []
        for action, payload in calls:
            try:
                answers.append(await live.connection.call(action, payload))
            except CallRefused as fault:
                if len(calls) == 1:
                    return CommandResult(fault.ocpp_code, accepted=False, reason=fault.detail)
                # One call of several (1.6: one per key) is refused: its status says so, the others stand.
                answers.append({"status": fault.ocpp_code, "statusInfo": {"additionalInfo": fault.detail}})
        return live.dialect.result(command, answers)

    def _connected(self, station: StationId) -> _Live:
        live = self._live.get(station)
        if live is None:
            raise PileUnreachable(f"pile {station} is not connected")
        return live

    # -- admission ----------------------------------------------------------------------------------------------

    async def _admit(self, socket: ServerConnection, request: HttpRequest) -> Response | None:
        """Answer who may not come in; None lets the handshake go on."""
        path = urlsplit(request.path).path
        if not path.startswith(PATH):
            return socket.respond(HTTPStatus.NOT_FOUND, f"piles connect to {PATH}<identity>\n")
        if self._handshakes >= self._limits.handshakes:
            self.counters.limited += 1
            return _later(socket, HTTPStatus.SERVICE_UNAVAILABLE)
        self._handshakes += 1
        try:
            return await self._check(socket, request, unquote(path[len(PATH) :]))
        finally:
            self._handshakes -= 1

    async def _check(self, socket: ServerConnection, request: HttpRequest, station: str) -> Response | None:
        began = time.monotonic()
        address = str((socket.remote_address or ("",))[0])
        headers = request.headers.get_all("Authorization")
        if not (self._by_address.allows(address, began) and self._by_station.allows((address, station), began)):
            self.counters.limited += 1
            return _later(socket, HTTPStatus.TOO_MANY_REQUESTS)
        # What no database can hold is looked up all the same, as something that does not exist.
        record = await self._book.find(station if station.isprintable() and len(station) <= 48 else "?")
        reason = refusal(station, record, headers[0] if len(headers) == 1 else None)
        if reason is None:
            assert isinstance(socket, _PileSocket)
            socket.station = StationId(station)
            return None
        self.counters.refused += 1
        self._by_address.spend(address, began)
        self._by_station.spend((address, station), began)
        shown = "".join(sign if sign.isprintable() else "?" for sign in station)[:255]
        await self._book.refused(shown, reason, self._clock.now())
        await asyncio.sleep(max(0.0, began + self._limits.refusal_s - time.monotonic()))
        response = socket.respond(HTTPStatus.UNAUTHORIZED, "not authorised\n")
        response.headers["WWW-Authenticate"] = 'Basic realm="sunpile", charset="UTF-8"'
        return response

    # -- connections --------------------------------------------------------------------------------------------

    async def _serve(self, socket: ServerConnection) -> None:
        assert isinstance(socket, _PileSocket)
        dialect = DIALECTS.get(socket.subprotocol or "")
        if dialect is None:
            await socket.close(PROTOCOL_ERROR, "offer ocpp2.1, ocpp2.0.1 or ocpp1.6 as WebSocket subprotocol")
            return
        station = socket.station
        self._generations += 1
        live = _Live(socket, dialect, self._generations)
        live.connection = self._connection(station, live)
        self._take_over(station, live)
        try:
            with self._clock.work():
                now = self._clock.now()
                self._states[station] = connected(self._state(station), dialect.version, now)
                await self._book.connected(station, dialect.version, now)
            await live.connection.run()
        finally:
            if self._live.get(station) is live:
                del self._live[station]
                self._states[station] = disconnected(self._state(station))

    def _connection(self, station: StationId, live: _Live) -> Connection:
        desk = Desk(station, live.dialect, self._book, self._inbox, self._clock, self._plan, self._states)

        def record(incoming: bool, text: str) -> None:
            self._book.frame(station, self._clock.now(), incoming, text)

        def answered(call: Call) -> None:
            if call.action == "BootNotification":
                self._spawn(self._configure(station, live))

        return Connection(
            _Line(live.socket),
            Codec(live.dialect.version),
            desk.answer,
            self._clock,
            self._limits,
            self.counters,
            record=record,
            answered=answered,
        )

    def _take_over(self, station: StationId, live: _Live) -> None:
        older = self._live.get(station)
        self._live[station] = live
        if older is not None:
            self.counters.takeovers += 1
            older.connection.fence()
            log.warning("station %s: connection %d takes over from %d", station, live.generation, older.generation)
            self._spawn(_close(older.socket))

    def _state(self, station: StationId) -> StationState:
        return self._states.get(station) or StationState(station)

    # -- configuration ------------------------------------------------------------------------------------------

    async def _configure(self, station: StationId, live: _Live) -> None:
        """Set the pile up by the plan; what it refuses is noted in its state."""
        size = live.dialect.settings_per_call
        settings = live.dialect.settings(self._plan)
        results: dict[str, str] = {}
        for first in range(0, len(settings), size):
            group = settings[first : first + size]
            statuses = await self._set(live, group)
            for setting, status in zip(group, statuses, strict=False):
                if status == "Rejected" and setting.otherwise not in (None, setting.value):
                    simpler = Setting(setting.name, setting.otherwise or "", setting.component)
                    status = (await self._set(live, [simpler]))[0]
                results[f"{setting.component}.{setting.name}".lstrip(".")] = status
        if self._live.get(station) is live:
            self._states[station] = configured(self._state(station), results)

    async def _set(self, live: _Live, settings: list[Setting]) -> list[str]:
        values = [VariableValue(VariableName(setting.name, setting.component), setting.value) for setting in settings]
        result = await self._carry_out(live, SetVariables(values))
        rows: list[dict[str, Any]] = (result.data or {}).get("setVariableResult", [])
        statuses = [str(row["attributeStatus"]) for row in rows] or [result.status]
        return statuses + [statuses[-1]] * (len(settings) - len(statuses))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside the caller; the clock holds from now until it ends, without a gap."""
        scope = self._clock.work()
        scope.__enter__()
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)

        def ended(done: asyncio.Task[None]) -> None:
            self._tasks.discard(done)
            scope.__exit__(None, None, None)
            if not done.cancelled() and (fault := done.exception()) is not None:
                level = logging.INFO if isinstance(fault, SunpileError) else logging.ERROR
                log.log(level, "a pile's follow-up failed: %s", fault, exc_info=None if level == 20 else fault)

        task.add_done_callback(ended)


async def _close(socket: ServerConnection) -> None:
    await socket.close(SUPERSEDED, "a newer connection took over")


def _choose(_socket: ServerConnection, offered: Any) -> Subprotocol | None:
    """The first version the pile offers that is spoken here: it lists them by preference (part 4, 3.1)."""
    return next((name for name in offered if name in DIALECTS), None)


def _later(socket: ServerConnection, status: HTTPStatus) -> Response:
    response = socket.respond(status, "try again later\n")
    response.headers["Retry-After"] = "10"
    return response
