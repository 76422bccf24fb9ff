"""Several processes with stations' sockets, one store: commands find the door, stations a new one when theirs dies.

One process is the node: page, API and every job. Others are doors: sockets and sessions, nothing else; what stations
tell them beyond sessions they pass on to the node. Each process has a name of its own, a lease it renews, and mail.
"""

import asyncio
import logging
import secrets
from collections.abc import Coroutine
from typing import Any, Literal

from sunpile.basics.errors import PileUnreachable, StoreUnreachable, SunpileError
from sunpile.basics.ids import StationId
from sunpile.basics.ports import Clock
from sunpile.chargers import Csms
from sunpile.chargers.commands import Command, CommandResult
from sunpile.chargers.events import StationEvent
from sunpile.chargers.notices import Notice
from sunpile.chargers.ownership import BEAT_S, Owner, alive, route, superseded
from sunpile.chargers.station import StationState
from sunpile.store.bell import Bell
from sunpile.store.chargers import StationStore
from sunpile.store.database import Database
from sunpile.store.doors import DoorStore, Elsewhere, Letter
from sunpile.wiring import letters
from sunpile.wiring.ears import Ears

log = logging.getLogger("sunpile.doors")
NODE = "node"
"""Whom mail is for that only the process with the jobs can act on."""
ANSWER_S = 60.0
"""How long a command to another process may take [s, real time]; the door itself gives up earlier."""
BURY_S = 60


class Doors:
    """This process among the others."""

    def __init__(self, database: Database, clock: Clock, role: Literal["node", "door"]) -> None:
        self.me = secrets.token_hex(8)
        self.role = role
        self._store, self._clock = DoorStore(database), clock
        self.bell = Bell(database.engine, {self.me, NODE} if role == NODE else {self.me}, wants_lock=role == NODE)
        self._mine: dict[StationId, int] = {}
        self._elsewhere: dict[StationId, Elsewhere] = {}
        self._waiting: dict[str, asyncio.Future[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.csms: Csms
        self.ears: Ears

    def join(self, csms: Csms, ears: Ears) -> None:
        """Serve this process's sockets to the others; a door passes on what it hears."""
        self.csms, self.ears = csms, ears
        if self.role != NODE:
            ears.hear[:] = [self._pass_event]
            ears.told[:] = [self._pass_notice]

    async def begin(self) -> None:
        """Be known to the others; a node returns when it is the only one."""
        await self._store.beat(self.me, self._clock.now())
        self.bell.start()
        if self.role == NODE:
            await self.bell.locked.wait()

    # -- this process's stations --------------------------------------------------------------------------------------

    async def claimed(self, station: StationId, version: str, now: int) -> None:
        """A station has come in here."""
        self._mine[station] = await self._store.claim(station, self.me, version, now)

    async def released(self, station: StationId) -> bool:
        """Its connection here has ended; False if it stands elsewhere by now."""
        generation = self._mine.pop(station, 0)
        owner = await self._store.owner(station)
        if owner is not None and superseded(generation, owner.generation):
            return False
        await self._store.release(station, self.me, generation)
        return True

    async def _pass_event(self, event: StationEvent) -> None:
        await self._pass("event", event.station, event)

    async def _pass_notice(self, notice: Notice) -> None:
        await self._pass("notice", str(getattr(notice, "station", "")), notice)

    async def _pass(self, kind: str, station: str, thing: object) -> None:
        letter = Letter(NODE, kind, station, 0, letters.written(thing), self.me)
        await self._store.post(letter, self._clock.now())

    # -- stations of others -------------------------------------------------------------------------------------------

    def states(self) -> dict[StationId, StationState]:
        """Stations that other doors have: connected, since when and by which version; no more is known here."""
        now = self._clock.now()
        return {
            station: StationState(station, True, where.version, connected_at=where.since, last_seen=now)
            for station, where in self._elsewhere.items()
            if where.owner.door != self.me and alive(where.owner, now)
        }

    def has(self, station: StationId) -> bool:
        """True if its newest connection known here is this process's."""
        return station in self._mine

    async def command(self, station: StationId, command: Command) -> CommandResult:
        """Ask a station through the door that has it; at most once.

        Raises
        ------
        PileUnreachable
            if no door has it, or its door ends before it answers: what was asked may have been done.
        """
        owner = await self._store.owner(station)
        if owner is None or route(owner, self.me, self._mine.get(station), self._clock.now()) != "there":
            raise PileUnreachable(f"pile {station} is not connected")
        about = secrets.token_hex(8)
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[about] = answer
        body = letters.written(command)
        try:
            letter = Letter(owner.door, "command", station, owner.generation, body, self.me, about)
            await self._store.post(letter, self._clock.now())
            return letters.result_read(await self._answer(station, answer))
        finally:
            del self._waiting[about]

    async def _answer(self, station: StationId, answer: "asyncio.Future[str]") -> str:
        for _ in range(int(ANSWER_S / BEAT_S)):
            await asyncio.wait({answer}, timeout=BEAT_S)
            if answer.done():
                return answer.result()
            if not alive(await self._store.owner(station), self._clock.now()):
                raise PileUnreachable(f"the process that held pile {station} has ended")
        raise PileUnreachable("the process that holds the pile did not answer in time")

    # -- mail ---------------------------------------------------------------------------------------------------------

    def jobs(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What runs until the process stops."""
        return {"lease": self._beat(), "mail": self._read_mail(), "lock": self._keep_lock()}

    async def stop(self) -> None:
        """End; the others may go on at once."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.bell.stop()

    async def _keep_lock(self) -> None:
        await self.bell.lost

    async def _beat(self) -> None:
        buried = 0
        while True:
            now = self._clock.now()
            try:
                await self._store.beat(self.me, now)
                self._elsewhere = await self._store.owners()
                for station, where in self._elsewhere.items():
                    # Should a fence be lost: the owners are the truth.
                    await self._fenced(station, where.owner.generation)
                if self.role == NODE and now >= buried + BURY_S:
                    buried = now
                    await self._store.bury(now, {self.me, NODE})
            except SunpileError as fault:
                log.warning("the lease could not be renewed: %s", fault.detail)
            except Exception:
                log.exception("the lease could not be renewed")
            await asyncio.sleep(BEAT_S)

    async def _read_mail(self) -> None:
        while True:
            await self.bell.rung.wait()
            self.bell.rung.clear()
            try:
                while taken := await self._store.take(self.me):
                    for letter in taken:
                        await self._act(letter)
                while self.role == NODE and (heard := await self._store.look(NODE)):
                    for letter in heard:
                        await self._hear(letter)
                    await self._store.done(heard)
            except Exception:
                log.exception("mail could not be read; it is tried again")
                await asyncio.sleep(BEAT_S)
                self.bell.rung.set()

    async def _act(self, letter: Letter) -> None:
        station = StationId(letter.station)
        if letter.kind == "answer" and (answer := self._waiting.get(letter.about)) is not None and not answer.done():
            answer.set_result(letter.body)
        elif letter.kind == "fence":
            state, now = self.csms.state_of(station), self._clock.now()
            version = (state.version if state is not None else None) or ""
            self._elsewhere[station] = Elsewhere(Owner(letter.sender, letter.generation, now), version, now)
            await self._fenced(station, letter.generation)
        elif letter.kind == "command":
            task = asyncio.get_running_loop().create_task(self._carry_out(station, letter))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _fenced(self, station: StationId, newest: int) -> None:
        """A connection of that generation stands somewhere: one of ours that is older is nobody's any more."""
        if superseded(self._mine.get(station), newest):
            del self._mine[station]
            await self.csms.supersede(station)

    async def _carry_out(self, station: StationId, letter: Letter) -> None:
        try:
            if self._mine.get(station) != letter.generation:
                raise PileUnreachable("the pile's connection changed meanwhile")
            body = letters.result_written(await self.csms.command(station, letters.read(letter.body)))
        except SunpileError as fault:
            body = letters.fault_written(fault)
        except Exception:
            log.exception("station %s could not be asked", station)
            body = letters.fault_written(PileUnreachable("the process that holds the pile failed; its log says why"))
        answer = Letter(letter.sender, "answer", station, letter.generation, body, self.me, letter.about)
        await self._store.post(answer, self._clock.now())

    async def _hear(self, letter: Letter) -> None:
        """What a station told another door; a crash may bring it twice, as a station may."""
        try:
            thing = letters.read(letter.body)
            await (self.ears.heard(thing) if letter.kind == "event" else self.ears.notice(thing))
        except StoreUnreachable:
            # The station has its acknowledgement: the letter stays until somebody could keep what it says.
            raise
        except Exception:
            log.exception("what station %s told another process could not be heard", letter.station)


class SharedStations(StationStore):
    """`StationStore` of one process among several."""

    def __init__(self, database: Database, doors: Doors) -> None:
        super().__init__(database)
        self._doors = doors

    async def connected(self, station: StationId, version: str, at: int) -> None:
        """See `StationBook.connected`: from here on this door has it."""
        await self._doors.claimed(station, version, at)
        await super().connected(station, version, at)

    async def disconnected(self, station: StationId, at: int) -> None:
        """See `StationBook.disconnected`: it is gone, unless it stands elsewhere."""
        if await self._doors.released(station):
            await super().disconnected(station, at)
