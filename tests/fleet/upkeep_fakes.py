"""Stand-ins for upkeep's neighbours: a clock that is set, a door with stations, runs and an audit log that remember."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sunpile.basics.ids import StationId
from sunpile.basics.scope import PERMISSIONS, Scope
from sunpile.chargers.commands import Command, CommandResult
from sunpile.chargers.station import StationState

NOON = 1_800_014_400
ALICE = Scope("default", "staff:alice", frozenset(PERMISSIONS))
BOB = Scope("other", "staff:bob", frozenset(PERMISSIONS))
"""Bob works for another tenant."""


class HeldClock:
    """Stands still until it is set."""

    def __init__(self, now: int = NOON) -> None:
        self.time = now

    def now(self) -> int:
        return self.time

    async def sleep_until(self, when: int) -> None:
        self.time = max(self.time, when)

    def work(self) -> AbstractContextManager[None]:
        return nullcontext()


class FakeDoor:
    """`LiveStations`: answers every command with `answer`, or the next of `answers`."""

    def __init__(self) -> None:
        self.live: dict[StationId, StationState] = {}
        self.asked: list[tuple[str, Command]] = []
        self.answers: list[CommandResult] = []
        self.answer = CommandResult("Accepted", accepted=True)
        self.told: list[str] = []

    def show(self, station: str, **facts: Any) -> None:
        self.live[StationId(station)] = StationState(StationId(station), **facts)

    def state(self, station: str) -> StationState | None:
        return self.live.get(StationId(station))

    def states(self) -> Mapping[StationId, StationState]:
        return dict(self.live)

    async def command(self, station: StationId, command: Command) -> CommandResult:
        self.asked.append((station, command))
        return self.answers.pop(0) if self.answers else self.answer

    async def changed(self, station: StationId) -> None:
        self.told.append(station)


class FakeRuns:
    """`Runs`."""

    def __init__(self) -> None:
        self.started: list[tuple[str, dict[str, Any], list[str]]] = []

    async def start(
        self,
        scope: Scope,
        operation: str,
        arguments: Mapping[str, Any],
        stations: Sequence[str],
        options: Mapping[str, Any] | None = None,
    ) -> str:
        self.started.append((operation, dict(arguments), list(stations)))
        return f"run-{len(self.started)}"


class FakeAudit:
    """`Audit`: (actor, action, object, after) of each record."""

    def __init__(self) -> None:
        self.records: list[tuple[str, str, str, Mapping[str, Any] | None]] = []

    async def record(
        self,
        scope: Scope,
        action: str,
        object: str,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> None:
        self.records.append((scope.actor, action, object, after))


class Page:
    """`Changed`: what live pages were told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, kind: str, data: Mapping[str, Any]) -> None:
        self.told.append((kind, dict(data)))
