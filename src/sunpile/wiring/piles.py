"""Between the piles' door and those who act on it: sessions, the store, the live page."""

from collections.abc import Awaitable, Callable, Mapping

from sunpile.basics.errors import NotInDialect, Unreachable
from sunpile.basics.ids import EvseId, IdToken, PointId, StationId
from sunpile.basics.interval import Interval
from sunpile.basics.jobs import goes_on
from sunpile.basics.ports import Clock
from sunpile.basics.units import Wh
from sunpile.chargers import Csms, parts
from sunpile.chargers.certificates.desk import CertificateDesk
from sunpile.chargers.commands import Command, CommandResult, GetTransactionStatus, RemoteStart, RemoteStop, Token
from sunpile.chargers.events import (
    Authorisation,
    Booted,
    MeterRead,
    Sample,
    StatusChanged,
    TransactionAnswer,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.chargers.notices import Answer, AuthorisationAsked, Notice, Question
from sunpile.chargers.station import StationState
from sunpile.people.board import LivePoint, PowerBoard
from sunpile.sessions.service import Sessions
from sunpile.store.chargers import StationStore
from sunpile.store.sessions import SessionDatabase
from sunpile.wiring.doors import Doors
from sunpile.wiring.ears import Ears

Commanded = Callable[[StationId, Command, CommandResult], Awaitable[None]]
"""Hears of a command that a station has answered."""
Most = Callable[[StationId, str], Awaitable[int | None]]
"""How many things a message of a station may list; None: it said nothing of it."""


class PileCommands:
    """The server as others ask stations through it: it is made after the sessions it serves."""

    def __init__(self) -> None:
        self.csms: Csms | None = None
        self.commanded: list[Commanded] = []
        self.doors: Doors | None = None
        """Other processes with stations; None: there are none."""
        self.most: Most | None = None
        """How many things a station's message may list; None: nobody knows."""

    def connected(self, station: StationId) -> bool:
        """True if the station could be asked now."""
        state = self.state(station)
        return state is not None and state.connected

    def state(self, station: str) -> StationState | None:
        """See `LiveStations.state`."""
        assert self.csms is not None
        own = self.csms.state_of(StationId(station))
        if self.doors is None or (own is not None and own.connected):
            return own
        return self.doors.states().get(StationId(station), own)

    def states(self) -> Mapping[StationId, StationState]:
        """See `LiveStations.states`."""
        assert self.csms is not None
        if self.doors is None:
            return self.csms.stations
        own = self.csms.stations
        return {**own, **{name: state for name, state in self.doors.states().items() if not _connected(own.get(name))}}

    async def command(self, station: StationId, command: Command) -> CommandResult:
        """Ask a station, see `Csms.command`; who listens hears of the answer."""
        assert self.csms is not None
        message = parts.message_of(command)
        most = await self.most(station, message) if self.most is not None and message is not None else None
        elsewhere = self.doors is not None and not self.doors.has(station)
        ask = self.doors.command if self.doors is not None and elsewhere else self.csms.command
        result = parts.joined([await ask(station, part) for part in parts.split(command, most)])
        for hears in self.commanded:
            # The station has done it, whatever becomes of those who listen.
            with goes_on(f"what follows from a command to {station}"):
                await hears(station, command, result)
        return result

    async def messages_wait(self, station: StationId, ocpp_transaction: str) -> bool | None:
        """See `sessions.ports.StationQueues`."""
        try:
            result = await self.command(station, GetTransactionStatus(ocpp_transaction))
        except (NotInDialect, Unreachable):
            return None
        return bool((result.data or {}).get("messagesInQueue")) if result.accepted else None

    async def changed(self, station: StationId) -> None:
        """See `LiveStations.changed`; the connection stays, so that a station that waits may be let in."""
        assert self.csms is not None
        await self.csms.changed(station)

    async def dropped(self, station: StationId) -> None:
        """What the station came in with is revoked: see `Csms.refresh`."""
        assert self.csms is not None
        await self.csms.refresh(station)

    async def remote_start(self, station: StationId, evse: EvseId, id_token: IdToken, remote_start_id: int) -> str:
        """See `StationCommands.remote_start`."""
        result = await self.command(station, RemoteStart(Token(id_token), remote_start_id, evse))
        return "Accepted" if result.accepted else "Rejected"

    async def remote_stop(self, station: StationId, ocpp_transaction: str) -> str:
        """See `StationCommands.remote_stop`."""
        result = await self.command(station, RemoteStop(ocpp_transaction))
        return "Accepted" if result.accepted else "Rejected"


def _connected(state: StationState | None) -> bool:
    return state is not None and state.connected


class PileInbox:
    """`chargers.ports.StationInbox`: each event goes to the sessions, the store, the page's board, and who listens."""

    def __init__(
        self,
        sessions: Sessions,
        stations: StationStore,
        board: PowerBoard,
        clock: Clock,
        ears: Ears,
        certificates: CertificateDesk,
    ) -> None:
        self._sessions, self._stations, self._board, self._clock = sessions, stations, board, clock
        self._ears, self._certificates = ears, certificates

    async def authorise(self, asked: AuthorisationAsked) -> Authorisation:
        """See `StationInbox.authorise`."""
        # A station of 1.6, which names no kind, begins at once; one of 2.x knows a master pass by its group (C16).
        answer = await self._sessions.authorise(asked.station, asked.id_token, starts=not asked.kind, kind=asked.kind)
        answer = await self._certificates.authorise_contract(asked, answer)
        return await self._ears.authorised(asked, answer)

    async def told(self, notice: Notice) -> None:
        """See `StationInbox.told`."""
        await self._ears.notice(notice)

    async def asked(self, question: Question) -> Answer:
        """See `StationInbox.asked`."""
        return await self._ears.question(question)

    async def booted(self, event: Booted) -> None:
        """See `StationInbox.booted`."""
        await self._sessions.booted(event)
        await self._ears.heard(event)

    async def status_changed(self, event: StatusChanged) -> None:
        """See `StationInbox.status_changed`."""
        await self._sessions.status_changed(event)
        idle = 0 if event.status in ("Available", "Unavailable", "Faulted") else None
        await self._show(event.station, event.evse, LivePoint(w=idle, status=event.status))
        await self._ears.heard(event)

    async def meter_read(self, event: MeterRead) -> None:
        """See `StationInbox.meter_read`."""
        await self._sessions.meter_read(event)
        await self._show_samples(event.station, event.evse, event.samples)
        await self._ears.heard(event)

    async def started(self, event: TransactionStarted) -> TransactionAnswer:
        """See `StationInbox.started`."""
        answer = await self._ears.transaction(event, await self._sessions.started(event))
        await self._show(event.station, event.evse, LivePoint(status="Charging"))
        await self._ears.heard(event)
        return answer

    async def updated(self, event: TransactionUpdated) -> TransactionAnswer:
        """See `StationInbox.updated`."""
        answer = await self._ears.transaction(event, await self._sessions.updated(event))
        await self._show_samples(event.station, event.evse, event.samples)
        await self._ears.heard(event)
        return answer

    async def ended(self, event: TransactionEnded) -> TransactionAnswer:
        """See `StationInbox.ended`."""
        answer = await self._ears.transaction(event, await self._sessions.ended(event))
        if event.evse is not None:
            await self._show(event.station, event.evse, LivePoint(w=0))
        await self._ears.heard(event)
        return answer

    async def _show_samples(self, station: StationId, evse: EvseId, samples: tuple[Sample, ...]) -> None:
        known = [sample for sample in samples if sample.power_w is not None or sample.soc_permille is not None]
        if known:
            await self._show(station, evse, LivePoint(w=known[-1].power_w, soc_permille=known[-1].soc_permille))

    async def _show(self, station: StationId, evse: EvseId, change: LivePoint) -> None:
        # What it came from is durable: a page that cannot be brought up to date keeps no station waiting.
        with goes_on(f"the live view of {station}"):
            await self._bring_up(station, evse, change)

    async def _bring_up(self, station: StationId, evse: EvseId, change: LivePoint) -> None:
        point = (await self._stations.points()).get((station, evse))
        if point is not None:
            self._board.update({point: change}, self._clock.now())


class PileEnergy:
    """What piles metered: a source of readings."""

    def __init__(self, store: SessionDatabase, stations: StationStore) -> None:
        self._store, self._stations = store, stations

    async def energy(self, interval: Interval) -> Mapping[PointId, Wh | None]:
        """Energy of every pile's metering point in `interval`."""
        points = await self._stations.points()
        energy = await self._store.pile_energy(interval)
        return {points[place]: wh for place, wh in energy.items() if place in points}
