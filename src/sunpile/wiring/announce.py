"""What happens, told to webhooks: off the path on which stations are answered, in the order in which it happened.

What comes in is put in a line and made durable in the webhooks' outbox by a task of its own: a station never waits for
a webhook. What stands in the line when a process is killed is not told; records and sessions can be read again.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from sunpile.basics.errors import StoreUnreachable, SunpileError
from sunpile.basics.ids import StationId
from sunpile.chargers.events import StationEvent, StatusChanged
from sunpile.chargers.notices import Notice, SecurityEvent
from sunpile.fleet.alerts import ALARMING
from sunpile.sessions.model import Session
from sunpile.sessions.ports import SessionStore

log = logging.getLogger(__name__)
WAITING_MAX = 50_000
"""What may stand in the line; beyond it the oldest is lost, and that is logged."""
ENDED_MAX = 50_000
"""Ended sessions, and runs, that are remembered, so that each is told once."""
RETRY_S = 1.0
"""Until a store that could not be reached is tried again [s, real time]."""
RUN_ENDS = ("done", "stopped", "cancelled")
LIVE = ("active", "waiting")
OVER = ("ended", "held")
T = TypeVar("T")
Work = Callable[[], Awaitable[object]]


class Announcer:
    """Feeds `fleet.webhook_service.Webhooks` and whoever else must not hold up a station."""

    def __init__(
        self,
        emit: Callable[[str, str, Mapping[str, Any]], Awaitable[int]],
        emit_of: Callable[[str, str, Mapping[str, Any]], Awaitable[int]],
        listening: Callable[[], Awaitable[bool]],
    ) -> None:
        """`emit` takes a tenant, `emit_of` a station; `listening` says whether anybody has a webhook at all."""
        self._emit, self._emit_of, self._listening = emit, emit_of, listening
        self._line: deque[tuple[bool, Work]] = deque(maxlen=WAITING_MAX)
        self._wake = asyncio.Event()
        self._live: set[str] = set()
        self._over: OrderedDict[str, tuple[str, int]] = OrderedDict()
        self._runs: OrderedDict[str, str] = OrderedDict()
        self._statuses: dict[tuple[str, int, int | None], str] = {}
        self.lost = 0
        """What fell out of a full line."""

    # -- what happens --------------------------------------------------------------------------------------------------

    def connected(self, station: StationId, there: bool, at: int) -> None:
        """A station came or went."""
        self._of(station, "station.connected" if there else "station.disconnected", {"at": at})

    def session(self, session: Session) -> None:
        """A session has become durable anew; most of the time nothing is told.

        Its end is told once for each energy it ends with: a late message or a person's decision may change that.
        """
        name, end = session.session, (session.state, session.wh)
        if session.state in LIVE:
            if name not in self._live:
                self._live.add(name)
                self._of(session.station, "session.started", _facts(session))
        elif session.state in OVER and self._over.get(name) != end:
            self._live.discard(name)
            _remember(self._over, name, end)
            self._of(session.station, "session.ended", _facts(session))

    def heard(self, event: StationEvent) -> None:
        """`wiring.ears.Hears`: statuses that differ from the last one."""
        if not isinstance(event, StatusChanged):
            return
        place = (event.station, event.evse, event.connector)
        if self._statuses.get(place) == event.status:
            return
        self._statuses[place] = event.status
        data = {"evse": event.evse, "connector": event.connector, "status": event.status}
        self._of(event.station, "status.changed", data | {"error_code": event.error_code, "at": event.at})

    async def told(self, notice: Notice) -> None:
        """`wiring.ears.IsTold`: critical security events."""
        if isinstance(notice, SecurityEvent) and notice.kind in ALARMING:
            self._of(notice.station, "security.critical", {"kind": notice.kind, "at": notice.at, "info": notice.info})

    def changed(self, kind: str, data: Mapping[str, Any]) -> None:
        """What live pages are told: a run that has ended, once; one that is tried again may end again."""
        if kind != "run":
            return
        run: str = data["run"]
        if data["state"] not in RUN_ENDS:
            self._runs.pop(run, None)
        elif run not in self._runs:
            _remember(self._runs, run, data["state"])
            told = {name: data[name] for name in ("run", "operation", "state", "total", "counts", "reason")}
            self._put(True, lambda: self._emit(data["tenant"], "run.ended", told))

    def _of(self, station: str, kind: str, data: Mapping[str, Any]) -> None:
        self._put(True, lambda: self._emit_of(station, kind, data))

    # -- the line ------------------------------------------------------------------------------------------------------

    def later(self, work: Work) -> None:
        """Do this in its turn, whether anybody has a webhook or not."""
        self._put(False, work)

    def _put(self, to_hooks: bool, work: Work) -> None:
        if len(self._line) == WAITING_MAX:
            if not self.lost:
                log.error("what waits for webhooks is more than %s: the oldest is lost", WAITING_MAX)
            self.lost += 1
        self._line.append((to_hooks, work))
        self._wake.set()

    async def recover(self, store: SessionStore) -> None:
        """Sessions that were under way when the node stopped have been told of."""
        for session in await store.unsettled():
            if session.state in LIVE:
                self._live.add(session.session)
            else:
                self._over[session.session] = (session.state, session.wh)

    async def run(self) -> None:
        """Empty the line, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not await self.flush():
                await asyncio.sleep(RETRY_S)
                self._wake.set()

    async def flush(self) -> bool:
        """Empty the line as it is now; False: the store cannot be reached, and what waits is kept."""
        try:
            listening = bool(self._line) and await self._listening()
        except StoreUnreachable as fault:
            log.warning("webhooks wait: %s", fault.detail)
            return False
        while self._line:
            to_hooks, work = self._line.popleft()
            try:
                if listening or not to_hooks:
                    await self._done(work)
            except StoreUnreachable as fault:
                log.warning("webhooks wait: %s", fault.detail)
                self._line.appendleft((to_hooks, work))
                return False
        return True

    async def _done(self, work: Work) -> None:
        try:
            await work()
        except StoreUnreachable:
            raise
        except SunpileError as fault:
            log.warning("nobody is told: %s", fault.detail)
        except Exception:
            # What cannot be told must not keep all that comes after it.
            log.exception("nobody is told")


def _remember(book: OrderedDict[str, T], name: str, value: T) -> None:
    book[name] = value
    book.move_to_end(name)
    while len(book) > ENDED_MAX:
        book.popitem(last=False)


def _facts(session: Session) -> dict[str, Any]:
    return {
        "session": session.session,
        "evse": session.evse,
        "transaction": session.ocpp_transaction,
        "state": session.state,
        "started_at": session.started_at,
        "ended_at": session.ended_at,
        "wh": session.wh,
        "cost": session.owed,
        "paid": session.paid,
        "stop_reason": session.stop_reason,
        "held_reason": session.held_reason,
    }
