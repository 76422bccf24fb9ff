"""The first look: how many stations are there, what they do now, what waits for a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.fleet.upkeep_ports import LiveStations


class Kept(NamedTuple):
    """What the store says of a tenant."""

    stations: frozenset[str]
    """Identities of its stations."""
    begun: int
    """Sessions begun today."""
    wh: int
    """Energy they got so far [Wh]."""
    held: int
    """Sessions that wait for a decision."""
    alerts: Mapping[str, int]
    """Alerts by state: open, acknowledged."""


class OverviewSource(Protocol):
    """Where what is kept is read."""

    async def kept(self, scope: Scope, since: int) -> Kept:
        """Of the tenant's stations; sessions from `since` on [Unix s]."""
        ...


@dataclass(frozen=True, slots=True)
class Overview:
    """The first look, for one tenant."""

    now: int
    """Unix s."""
    since: int
    """Begin of today [Unix s]."""
    stations: int
    """Registered."""
    connected: int
    """Of these connected now."""
    evses: int
    """EVSEs heard of since the start of the node."""
    charging: int
    """Of these with a running transaction."""
    faulted: int
    """Of these faulted."""
    power_w: int
    """What they draw now, by their newest samples [W]."""
    sessions_today: int
    """Sessions begun today."""
    energy_today_wh: int
    """Energy they got so far [Wh]."""
    held: int
    """Sessions that wait for a decision."""
    alerts_open: int
    """Alerts nobody has looked at."""
    alerts_acknowledged: int
    """Alerts somebody looks after."""


class OverviewDesk:
    """The service."""

    def __init__(self, source: OverviewSource, live: LiveStations, clock: Clock, time_zone: str) -> None:
        self._source, self._live, self._clock, self._zone = source, live, clock, ZoneInfo(time_zone)

    async def overview(self, scope: Scope) -> Overview:
        """How things are."""
        scope.need("read")
        now = self._clock.now()
        since = int(datetime.fromtimestamp(now, self._zone).replace(hour=0, minute=0, second=0).timestamp())
        kept = await self._source.kept(scope, since)
        states = [state for station, state in self._live.states().items() if station in kept.stations]
        evses = [(state, evse) for state in states for evse in state.evses.values()]
        busy = [evse for state, evse in evses if state.connected and evse.ocpp_transaction is not None]
        return Overview(
            now,
            since,
            stations=len(kept.stations),
            connected=sum(state.connected for state in states),
            evses=len(evses),
            charging=len(busy),
            faulted=sum(evse.status == "Faulted" for _, evse in evses),
            power_w=sum(evse.power_w or 0 for evse in busy),
            sessions_today=kept.begun,
            energy_today_wh=kept.wh,
            held=kept.held,
            alerts_open=kept.alerts.get("open", 0),
            alerts_acknowledged=kept.alerts.get("acknowledged", 0),
        )
