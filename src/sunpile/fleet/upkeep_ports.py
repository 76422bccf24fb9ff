"""What upkeep needs from others: the piles' door, the runs, and who writes down what staff change."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, Protocol

from sunpile.basics.ids import StationId
from sunpile.basics.scope import Scope
from sunpile.chargers.commands import Command, CommandResult
from sunpile.chargers.station import StationState
from sunpile.fleet.curves import Curve
from sunpile.fleet.events import Told
from sunpile.fleet.frames import FramePage, FrameQuery, FrameView

Changed = Callable[[str, Mapping[str, Any]], None]
"""Tell live pages: kind and data."""


class LiveStations(Protocol):
    """What the piles' door knows now."""

    def state(self, station: str) -> StationState | None:
        """The station as it is; None if it has not been seen since the start."""
        ...

    def states(self) -> Mapping[StationId, StationState]:
        """All of them."""
        ...

    async def command(self, station: StationId, command: Command) -> CommandResult:
        """Ask one station, see `Csms.command`."""
        ...

    async def changed(self, station: StationId) -> None:
        """The station's record has changed or is gone: what is kept of it elsewhere is to be read again."""
        ...


class Runs(Protocol):
    """Commands to many stations, paced and followed."""

    async def start(
        self,
        scope: Scope,
        operation: str,
        arguments: Mapping[str, Any],
        stations: Sequence[str],
        options: Mapping[str, Any] | None = None,
    ) -> str:
        """Begin; returns the run's id."""
        ...


class FrameSource(Protocol):
    """The raw message log, of the scope's tenant only."""

    async def page(self, scope: Scope, query: FrameQuery) -> FramePage: ...
    def all(self, scope: Scope, query: FrameQuery) -> AsyncGenerator[list[FrameView]]: ...


class CurveSource(Protocol):
    """Curves, of the scope's tenant only."""

    async def curve(self, scope: Scope, station: str, evse: int, since: int, until: int) -> Curve: ...


class EventSource(Protocol):
    """What stations told, of the scope's tenant only."""

    async def events(self, scope: Scope, station: str, kind: str, limit: int, before: int | None) -> Sequence[Told]: ...
