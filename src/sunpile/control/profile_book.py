"""Which profiles each station has, by what it accepted, and the composite schedule that follows from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, cast

from sunpile.basics.errors import NotFound
from sunpile.basics.ids import StationId
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.chargers.commands import (
    ClearChargingProfile,
    Command,
    CommandResult,
    GetCompositeSchedule,
    SetChargingProfile,
)
from sunpile.control.composite import Asked, Installed, Stretch, composite, differences
from sunpile.control.ports import Stations


class InstalledProfiles(Protocol):
    """Where they are kept."""

    async def of(self, station: StationId) -> Sequence[Installed]: ...
    async def put(self, station: StationId, installed: Installed) -> None: ...
    async def clear(self, station: StationId, keep: Sequence[Installed]) -> None:
        """Forget all but `keep`."""
        ...

    async def owned(self, scope: Scope, station: str) -> bool:
        """True if the station is the tenant's."""
        ...


class Transactions(Protocol):
    """What runs at an EVSE now."""

    def running(self, station: StationId, evse: int) -> tuple[str, int] | None:
        """Its id and when it began [Unix s]; None: nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Comparison:
    """A composite schedule twice."""

    unit: Literal["W", "A"]
    """W, or A with limits in mA."""
    ours: Sequence[Stretch]
    """By the profiles it accepted."""
    theirs: Sequence[Stretch] | None
    """By the station; None if it did not say."""
    status: str
    """What the station said."""
    differences: Sequence[tuple[int, str]]
    """Seconds after the start, and both limits in words."""


class ProfileBook:
    """Keeps the book and compares."""

    def __init__(self, kept: InstalledProfiles, stations: Stations, transactions: Transactions, clock: Clock) -> None:
        self._kept, self._stations, self._transactions, self._clock = kept, stations, transactions, clock

    async def commanded(self, station: StationId, command: Command, result: CommandResult) -> None:
        """After any command: keep what was accepted."""
        if not result.accepted:
            return
        if isinstance(command, SetChargingProfile):
            await self._kept.put(station, Installed(command.evse, command.profile))
        elif isinstance(command, ClearChargingProfile):
            known = await self._kept.of(station)
            await self._kept.clear(station, [item for item in known if not cleared(item, command)])

    async def compare(
        self, scope: Scope, station: str, evse: int, duration_s: int, unit: Literal["W", "A"] = "W"
    ) -> Comparison:
        """Ours and the station's. Raises `NotFound`, and what asking the station raises."""
        if not await self._kept.owned(scope, station):
            raise NotFound(f"there is no station {station}")
        name, now = StationId(station), self._clock.now()
        running = self._transactions.running(name, evse)
        asked = Asked(evse, now, duration_s, unit, running[1] if running else None, running[0] if running else None)
        ours = composite(await self._kept.of(name), asked)
        result = await self._stations.command(name, GetCompositeSchedule(evse, duration_s, unit))
        theirs = stretches(result.data, now) if result.accepted else None
        found = differences(ours, theirs, duration_s) if theirs is not None else []
        return Comparison(unit, ours, theirs, result.status, found)


def cleared(item: Installed, command: ClearChargingProfile) -> bool:
    """True if `command` removes `item`: by number alone, or by all that it names."""
    if command.profile is not None:
        return item.profile.id == command.profile
    return (
        command.evse in (None, item.evse)
        and command.purpose in (None, item.profile.purpose)
        and command.stack_level in (None, item.profile.stack_level)
    )


def stretches(data: Mapping[str, Any] | None, now: int) -> list[Stretch] | None:
    """The schedule in a station's answer (words of OCPP 2.1), its start shifted to `now`; None if there is none."""
    schedule = cast("Mapping[str, Any] | None", (data or {}).get("schedule"))
    if not schedule:
        return None
    start, amps = schedule.get("scheduleStart"), schedule.get("chargingRateUnit") == "A"
    offset = int(datetime.fromisoformat(str(start)).timestamp()) - now if start else 0
    found: list[Stretch] = []
    for period in cast("list[dict[str, Any]]", schedule.get("chargingSchedulePeriod", [])):
        limit = period.get("limit")
        value = None if limit is None else round(limit * (1000 if amps else 1))
        found.append(Stretch(max(0, int(period["startPeriod"]) + offset), value))
    return found
