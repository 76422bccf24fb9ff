"""Between the piles' door and those who act on it: sessions, the store, the live page."""

from collections.abc import Mapping

from sunpile.basics.ids import EvseId, IdToken, PointId, StationId
from sunpile.basics.interval import Interval
from sunpile.basics.ports import Clock
from sunpile.basics.units import Wh
from sunpile.chargers import Csms
from sunpile.chargers.commands import RemoteStart, RemoteStop, Token
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
from sunpile.people.board import LivePoint, PowerBoard
from sunpile.sessions.service import Sessions
from sunpile.store.chargers import StationStore
from sunpile.store.sessions import SessionDatabase


class PileCommands:
    """`sessions.ports.StationCommands` over the server, which is made after the sessions it serves."""

    def __init__(self) -> None:
        self.csms: Csms | None = None

    async def remote_start(self, station: StationId, evse: EvseId, id_token: IdToken, remote_start_id: int) -> str:
        """See `StationCommands.remote_start`."""
        assert self.csms is not None
        result = await self.csms.command(station, RemoteStart(Token(id_token), remote_start_id, evse))
        return "Accepted" if result.accepted else "Rejected"

    async def remote_stop(self, station: StationId, ocpp_transaction: str) -> str:
        """See `StationCommands.remote_stop`."""
        assert self.csms is not None
        result = await self.csms.command(station, RemoteStop(ocpp_transaction))
        return "Accepted" if result.accepted else "Rejected"


class PileInbox:
    """`chargers.ports.StationInbox`: each event goes to the sessions, the store and the page's board."""

    def __init__(self, sessions: Sessions, stations: StationStore, board: PowerBoard, clock: Clock) -> None:
        self._sessions, self._stations, self._board, self._clock = sessions, stations, board, clock
        self._points: Mapping[tuple[StationId, EvseId], PointId] = {}

    async def authorise(self, asked: AuthorisationAsked) -> Authorisation:
        """See `StationInbox.authorise`."""
        return await self._sessions.authorise(asked.station, asked.id_token)

    async def told(self, notice: Notice) -> None:
        """See `StationInbox.told`."""

    async def asked(self, question: Question) -> Answer:
        """See `StationInbox.asked`."""
        return {}

    async def booted(self, event: Booted) -> None:
        """See `StationInbox.booted`."""
        await self._stations.booted(event, self._clock.now())
        await self._sessions.booted(event)

    async def status_changed(self, event: StatusChanged) -> None:
        """See `StationInbox.status_changed`."""
        await self._stations.status_changed(event)
        await self._sessions.status_changed(event)
        idle = 0 if event.status in ("Available", "Unavailable", "Faulted") else None
        await self._show(event.station, event.evse, LivePoint(w=idle, status=event.status))

    async def meter_read(self, event: MeterRead) -> None:
        """See `StationInbox.meter_read`."""
        await self._sessions.meter_read(event)
        await self._show_samples(event.station, event.evse, event.samples)

    async def started(self, event: TransactionStarted) -> TransactionAnswer:
        """See `StationInbox.started`."""
        answer = await self._sessions.started(event)
        await self._show(event.station, event.evse, LivePoint(status="Charging"))
        return answer

    async def updated(self, event: TransactionUpdated) -> TransactionAnswer:
        """See `StationInbox.updated`."""
        answer = await self._sessions.updated(event)
        await self._show_samples(event.station, event.evse, event.samples)
        return answer

    async def ended(self, event: TransactionEnded) -> TransactionAnswer:
        """See `StationInbox.ended`."""
        answer = await self._sessions.ended(event)
        if event.evse is not None:
            await self._show(event.station, event.evse, LivePoint(w=0))
        return answer

    async def _show_samples(self, station: StationId, evse: EvseId, samples: tuple[Sample, ...]) -> None:
        known = [sample for sample in samples if sample.power_w is not None or sample.soc_permille is not None]
        if known:
            await self._show(station, evse, LivePoint(w=known[-1].power_w, soc_permille=known[-1].soc_permille))

    async def _show(self, station: StationId, evse: EvseId, change: LivePoint) -> None:
        if (station, evse) not in self._points:
            self._points = await self._stations.points()
        point = self._points.get((station, evse))
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
