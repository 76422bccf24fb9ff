"""The charging station management system's door: every pile on one port, whatever OCPP version it speaks.

Credentials are checked before the 101. The newest authenticated connection of a station wins: the older one is fenced
first and closed after, so neither its late frames nor its late close can touch the newer one.
"""

import asyncio
import errno
import logging
import ssl
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response
from websockets.typing import Subprotocol

from sunpile.basics.errors import Conflict, PileUnreachable, PortBusy, SunpileError
from sunpile.basics.ids import StationId
from sunpile.basics.ports import Clock
from sunpile.chargers import tls
from sunpile.chargers.access import Limits
from sunpile.chargers.admission import PATH, Admission, Caller
from sunpile.chargers.codec import MAX_BYTES, Call, Codec
from sunpile.chargers.commands import Command, CommandResult, RemoteStart, SetVariables, VariableName, VariableValue
from sunpile.chargers.connection import CallRefused, Connection, Counters
from sunpile.chargers.desk import Desk
from sunpile.chargers.dialect import Dialect, Plan, Setting
from sunpile.chargers.leniency import looks_always, mend
from sunpile.chargers.ocpp2 import Ocpp21, Ocpp201
from sunpile.chargers.ocpp16 import Ocpp16
from sunpile.chargers.ports import ClientCertificates, Refusal, StationBook, StationInbox
from sunpile.chargers.registration import asks_for, boots_again, may_be_told
from sunpile.chargers.replay import AnswerMemory
from sunpile.chargers.sockets import PileSocket, SocketLine
from sunpile.chargers.station import Line, StationState, configured, connected, disconnected, lenient, remarked

__all__ = ["DIALECTS", "PATH", "Csms"]
log = logging.getLogger(__name__)
SET_UP_PER_S = 100
"""Piles whose settings are begun to be made in a second; more wait for their turn."""
DIALECTS: dict[str, Dialect] = {"ocpp2.1": Ocpp21(), "ocpp2.0.1": Ocpp201(), "ocpp1.6": Ocpp16()}
"""WebSocket subprotocol to dialect. A new version is one more line."""
ASSUMED = "ocpp1.6"
"""Version of a station that names none and may do so."""
SUPERSEDED, PROTOCOL_ERROR, GONE = 4001, 1002, 4003
COMPRESSION = ServerPerMessageDeflateFactory(
    server_max_window_bits=11, client_max_window_bits=11, compress_settings={"memLevel": 3}
)
"""For stations that offer it, as 2.x asks of us (part 4, 3.4). Small windows: OCPP's messages are small, and the usual
ones would cost more memory than all the rest of a connection. What is unpacked is held to `MAX_BYTES` too."""
BACKLOG = 4096
"""Connections the kernel holds until they are taken: after a restart all stations come at once."""
USES_KEPT_S = 2.0
"""Deviations put up with are counted in memory for so long [s, real time], then in the store."""


class Door(NamedTuple):
    """Where stations knock."""

    host: str
    """Address to listen on."""
    port: int
    """TCP port; 0: any."""
    tls: ssl.SSLContext | None = None
    """For security profiles 2 and 3 (`tls.context`); None: profiles 0 and 1."""


class LiveFacts(NamedTuple):
    """A connection, as it is this moment."""

    calls_pending: int
    """Our calls that wait for their turn or an answer."""
    bad_frames: int
    """Its frames that were refused."""


class _Live:
    """A station's present connection."""

    __slots__ = ("connection", "desk", "dialect", "generation", "leniency", "socket")

    def __init__(self, socket: PileSocket, dialect: Dialect, generation: int) -> None:
        self.socket = socket
        self.dialect = dialect
        self.generation = generation
        self.leniency = socket.caller.record.leniency
        self.connection: Connection
        self.desk: Desk


class Csms:
    """The server. `await start(host, port)`, then piles connect to ws://host:port/ocpp/{station}."""

    def __init__(
        self,
        book: StationBook,
        inbox: StationInbox,
        clock: Clock,
        plan: Plan | None = None,
        limits: Limits | None = None,
        *,
        insecure: Collection[int] = (),
        certificates: ClientCertificates | None = None,
    ) -> None:
        """`insecure`: which of the security profiles 0 and 1 may be used at all. `certificates` judges profile 3."""
        self._book = book
        self._inbox = inbox
        self._clock = clock
        self._plan = plan or Plan()
        self._limits = limits or Limits()
        self._generations = 0
        self._remote_starts = 0
        self._live: dict[StationId, _Live] = {}
        self._states: dict[StationId, StationState] = {}
        self._memories: dict[StationId, AnswerMemory] = {}
        self._uses: dict[StationId, dict[str, int]] = {}
        self._keeping: asyncio.TimerHandle | None = None
        self._servers: list[Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._next_set_up = 0.0
        self.counters = Counters()
        self._admission = Admission(
            book,
            inbox,
            clock,
            self._limits,
            self.counters,
            insecure=insecure,
            certificates=certificates,
            live_address=self._live_address,
            remark=self._remark,
            lenient=lambda station, deviation: self._lenient(station, {deviation: 1}),
        )

    # -- life ---------------------------------------------------------------------------------------------------

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Listen at one door.

        Raises
        ------
        PortBusy
            if another program has the port.
        """
        await self.open(Door(host, port, tls))

    async def open(self, *doors: Door) -> None:
        """Listen at several: one without TLS for security profiles 0 and 1, one with TLS for 2 and 3.

        Raises
        ------
        PortBusy
            if another program has a port.
        """
        for door in doors:
            try:
                self._servers.append(await self._listen(door))
            except OSError as fault:
                if fault.errno == errno.EADDRINUSE:
                    raise PortBusy(f"port {door.port} for piles is taken by another program") from fault
                raise PortBusy(f"cannot listen for piles on {door.host}:{door.port}: {fault.strerror}") from fault

    async def _listen(self, door: Door) -> Server:
        class Socket(PileSocket):
            odd = staticmethod(self.handshake_failed)

        options: dict[str, Any] = {"backlog": BACKLOG}
        if door.tls is not None:
            tls.small_buffers()
            options["ssl_handshake_timeout"] = self._limits.open_s
        return await serve(
            self._serve,
            door.host,
            door.port,
            ssl=door.tls,
            process_request=self._admit,
            select_subprotocol=_choose,
            create_connection=Socket,
            compression=None,
            extensions=[COMPRESSION],
            server_header=None,
            max_size=MAX_BYTES,
            open_timeout=self._limits.open_s,
            ping_interval=self._limits.ping_s,
            ping_timeout=self._limits.ping_s,
            close_timeout=self._limits.close_s,
            logger=logging.getLogger("sunpile.chargers.websockets"),
            **options,
        )

    def handshake_failed(self, reason: str, address: str) -> None:
        """Nobody could be asked who he is: TLS failed (see `tls.context`), or what came was no WebSocket."""
        self.counters.refused += 1
        self._spawn(self._admission.note(Refusal("", reason, self._clock.now(), address)))

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        for server in self._servers:
            server.close(code=1001)
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._keeping is not None:
            self._keeping.cancel()
        await self._keep_uses()

    @property
    def port(self) -> int:
        """The port of its first door, for `start(host, 0)`."""
        return self.ports[0]

    @property
    def ports(self) -> list[int]:
        """The port of each door."""
        return [int(server.sockets[0].getsockname()[1]) for server in self._servers]

    @property
    def stations(self) -> Mapping[StationId, StationState]:
        """Every station seen since the start, as it is now. A snapshot: it does not change under the reader."""
        return dict(self._states)

    def live(self, station: StationId) -> LiveFacts | None:
        """The station's connection as it is this moment; None if it has none."""
        live = self._live.get(station)
        return LiveFacts(live.connection.calls_pending, live.connection.bad_frames) if live is not None else None

    async def changed(self, station: StationId) -> None:
        """Staff changed the station's record: take its leniencies; hang up if it may not be here any more as it is."""
        live = self._live.get(station)
        if live is None:
            return
        record = await self._book.find(station)
        if record is None:
            live.connection.fence()
            self._spawn(_close(live.socket, GONE, "the station is no longer registered"))
        elif live.socket.caller.profile not in (record.security_profile, record.next_profile):
            self._spawn(_close(live.socket, why="another security profile is wanted now"))
        else:
            live.leniency = record.leniency

    def state_of(self, station: StationId) -> StationState | None:
        """A station as it is now; None if it has not been seen since the start."""
        return self._states.get(station)

    async def refresh(self, station: StationId) -> None:
        """What a station came in with is good no more: its connection is closed, and it has to come anew."""
        live = self._live.get(station)
        if live is not None:
            await _close(live.socket, why="connect again")

    async def supersede(self, station: StationId) -> None:
        """A newer connection of the station stands in another process: nothing of this one counts any more."""
        live = self._live.get(station)
        if live is not None and not live.connection.fenced:
            self.counters.takeovers += 1
            live.connection.fence()
            self._remark(station, "taken-over")
            self._spawn(_close(live.socket))

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
        state = self._state(live.socket.caller.record.station)
        registration = state.registration
        answers: list[dict[str, Any]] = []
        for action, payload in calls:
            if not may_be_told(registration, action):
                raise Conflict(f"the station's registration is {registration}: it may not be told to {action}")
            if state.accepted and boots_again(action, payload):
                raise Conflict(
                    "the station's last boot was accepted: OCPP forbids to ask for another; restart it instead"
                )
            if registration != "Accepted" and (asked := asks_for(action, payload)) is not None:
                live.desk.asked_for.add(asked)
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
        assert isinstance(socket, PileSocket)
        found = await self._admission.admit(socket, request)
        if not isinstance(found, Caller):
            return found
        socket.caller = found
        return None

    def _live_address(self, station: StationId) -> str | None:
        live = self._live.get(station)
        return live.socket.caller.address if live is not None else None

    # -- connections --------------------------------------------------------------------------------------------

    async def _serve(self, socket: ServerConnection) -> None:
        assert isinstance(socket, PileSocket)
        caller = socket.caller
        station = caller.record.station
        dialect = self._dialect(socket)
        if dialect is None:
            reason = "unknown version" if caller.offered else "no subprotocol"
            self.counters.refused += 1
            await self._book.refused(
                Refusal(station, reason, self._clock.now(), caller.address, caller.offered, caller.tls)
            )
            await socket.close(PROTOCOL_ERROR, "offer ocpp2.1, ocpp2.0.1 or ocpp1.6 as WebSocket subprotocol")
            return
        self._generations += 1
        live = _Live(socket, dialect, self._generations)
        live.connection = self._connection(station, live)
        self._take_over(station, live)
        try:
            with self._clock.work():
                now = self._clock.now()
                line = Line(caller.address, caller.profile, caller.tls, caller.offered, live.generation)
                state = self._state(station)._replace(registration=caller.record.registration)
                self._states[station] = connected(state, dialect.version, now, line)
                await self._book.connected(station, dialect.version, now)
            await live.connection.run()
        finally:
            if self._live.get(station) is live:
                del self._live[station]
                self._states[station] = disconnected(self._state(station))
                await self._book.disconnected(station, self._clock.now())

    def _dialect(self, socket: PileSocket) -> Dialect | None:
        """The version agreed on, or what a lenient reading of the offer says."""
        if socket.subprotocol is not None:
            return DIALECTS.get(socket.subprotocol)
        record, offered = socket.caller.record, socket.caller.offered
        if not offered and "no-subprotocol" in record.leniency:
            self._lenient(record.station, {"no-subprotocol": 1})
            return DIALECTS[ASSUMED]
        if offered and "subprotocol-spelling" in record.leniency:
            for name in DIALECTS:
                if any(_plain(word).startswith(_plain(name)) for word in offered.split(",")):
                    self._lenient(record.station, {"subprotocol-spelling": 1})
                    return DIALECTS[name]
        return None

    def _connection(self, station: StationId, live: _Live) -> Connection:
        def remark(code: str) -> None:
            self._remark(station, code)

        live.desk = desk = Desk(
            station,
            live.dialect,
            self._book,
            self._inbox,
            self._clock,
            self._plan,
            self._states,
            remark=remark,
            retry_s=self._limits.retry_s,
        )

        def record(incoming: bool, text: str) -> None:
            self._book.frame(station, self._clock.now(), incoming, text)

        def answered(call: Call) -> None:
            if call.action == "BootNotification" and self._state(station).registration != "Rejected":
                self._spawn(self._configure(station, live))

        def reused() -> bool:
            if "message-ids-reused" not in live.leniency:
                return False
            self._lenient(station, {"message-ids-reused": 1})
            return True

        codec = Codec(live.dialect.version, self._mender(station, live))
        return Connection(
            SocketLine(live.socket),
            codec,
            desk.answer,
            self._clock,
            self._limits,
            self.counters,
            record=record,
            answered=answered,
            remark=remark,
            answers=self._memories.setdefault(station, AnswerMemory()) if codec.ids_outlive_sockets else None,
            reused=reused,
        )

    # -- leniency and remarks -----------------------------------------------------------------------------------

    def _mender(self, station: StationId, live: _Live) -> Callable[[str, dict[str, Any], bool], dict[str, Any] | None]:
        def lenient_reading(message: str, payload: dict[str, Any], valid: bool) -> dict[str, Any] | None:
            profile = live.leniency
            if not profile or (valid and not looks_always(profile)):
                return None
            mended = mend(live.dialect.version, message, payload, profile)
            if mended is None:
                return None
            if mended.used:
                self._lenient(station, mended.used)
            return mended.payload

        return lenient_reading

    def _lenient(self, station: StationId, used: Mapping[str, int]) -> None:
        self.counters.mended += 1
        self._states[station] = lenient(self._state(station), used, self._clock.now())
        counted = self._uses.setdefault(station, {})
        for name, times in used.items():
            counted[name] = counted.get(name, 0) + times
        if self._keeping is None:
            loop = asyncio.get_running_loop()
            self._keeping = loop.call_later(USES_KEPT_S, lambda: self._spawn(self._keep_uses()))

    async def _keep_uses(self) -> None:
        self._keeping = None
        uses, self._uses = self._uses, {}
        for station, used in uses.items():
            await self._book.leniency_used(station, used, self._clock.now())

    def _remark(self, station: StationId, code: str) -> None:
        self._states[station] = remarked(self._state(station), code, self._clock.now())

    def _take_over(self, station: StationId, live: _Live) -> None:
        older = self._live.get(station)
        self._live[station] = live
        if older is not None:
            self.counters.takeovers += 1
            older.connection.fence()
            self._remark(station, "taken-over")
            log.warning("station %s: connection %d takes over from %d", station, live.generation, older.generation)
            self._spawn(_close(older.socket))

    def _state(self, station: StationId) -> StationState:
        return self._states.get(station) or StationState(station)

    # -- configuration ------------------------------------------------------------------------------------------

    async def _configure(self, station: StationId, live: _Live) -> None:
        """Set the pile up by the plan; what it refuses is noted in its state."""
        # So many a second: when thousands come back at once, letting the next one in goes before.
        now = time.monotonic()
        turn = self._next_set_up = max(now, self._next_set_up + 1 / SET_UP_PER_S)
        if turn > now:
            await asyncio.sleep(turn - now)
        if self._live.get(station) is not live:
            return  # it left meanwhile, and is set up when it is back
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


async def _close(socket: ServerConnection, code: int = SUPERSEDED, why: str = "a newer connection took over") -> None:
    await socket.close(code, why)


def _plain(word: str) -> str:
    return "".join(sign for sign in word.casefold() if sign.isalnum())


def _choose(_socket: ServerConnection, offered: Any) -> Subprotocol | None:
    """The first version the pile offers that is spoken here: it lists them by preference (part 4, 3.1)."""
    return next((name for name in offered if name in DIALECTS), None)
