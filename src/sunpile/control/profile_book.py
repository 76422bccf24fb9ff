"""Which profiles each station has, by what it accepted, and the composite schedule that follows from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
    Profile,
    SetChargingProfile,
    UpdateDynamicSchedule,
)
from sunpile.chargers.notices import Answer, Question
from sunpile.chargers.profiles import rate
from sunpile.chargers.values import unix_time
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
        elif isinstance(command, UpdateDynamicSchedule):
            item = await self._dynamic(station, command.profile)
            if item is not None:
                await self._kept.put(station, updated(item, command.update))

    # -- dynamic profiles ---------------------------------------------------------------------------------------------

    async def asked(self, question: Question) -> Answer | None:
        """PullDynamicScheduleUpdate: what a dynamic profile says now (K28)."""
        if question.action != "PullDynamicScheduleUpdate":
            return None
        item = await self._dynamic(question.station, question.payload["chargingProfileId"])
        if item is None:
            return {"status": "Rejected", "statusInfo": {"reasonCode": "NoProfile"}}
        return {"status": "Accepted", "scheduleUpdate": update_of(item.profile)}

    async def offer(self, scope: Scope, station: str, profile: int, update: Mapping[str, Any]) -> dict[str, Any]:
        """Change what a station finds when it next asks what its dynamic profile says.

        Raises
        ------
        NotFound
            if there is no such station, or no such dynamic profile on it.
        """
        scope.need("operate")
        if not await self._kept.owned(scope, station):
            raise NotFound(f"there is no station {station}")
        item = await self._dynamic(StationId(station), profile)
        if item is None:
            raise NotFound(f"station {station} has no dynamic profile {profile}")
        after = updated(item, update)
        await self._kept.put(StationId(station), after)
        return update_of(after.profile)

    async def _dynamic(self, station: StationId, profile: int) -> Installed | None:
        known = await self._kept.of(station)
        return next((item for item in known if item.profile.id == profile and item.profile.kind == "Dynamic"), None)

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


_AMOUNTS = {"limit": "limit", "dischargeLimit": "discharge_limit", "setpoint": "setpoint"}
"""Fields of a ChargingScheduleUpdate that a period has by name; it carries the others as they are."""


def updated(item: Installed, update: Mapping[str, Any]) -> Installed:
    """A dynamic profile whose one period says what a ChargingScheduleUpdate (W or A) says."""
    (schedule, *_), scale = item.profile.schedules, 1000 if item.profile.schedules[0].unit == "A" else 1
    period = schedule.periods[0]
    named = {_AMOUNTS[key]: round(value * scale) for key, value in update.items() if key in _AMOUNTS}
    more = (period.more or {}) | {key: value for key, value in update.items() if key not in _AMOUNTS}
    after = replace(period, **named, more=more or None)
    return replace(item, profile=replace(item.profile, schedules=[replace(schedule, periods=[after])]))


def update_of(profile: Profile) -> dict[str, Any]:
    """What a dynamic profile says, as a ChargingScheduleUpdate (W or A)."""
    schedule = profile.schedules[0]
    period = schedule.periods[0]
    said = {key: rate(schedule, getattr(period, name)) for key, name in _AMOUNTS.items()}
    rest = {key: value for key, value in (period.more or {}).items() if key.startswith((*_AMOUNTS, "setpoint"))}
    return {key: value for key, value in said.items() if value is not None} | rest


def stretches(data: Mapping[str, Any] | None, now: int) -> list[Stretch] | None:
    """The schedule in a station's answer (words of OCPP 2.1), its start shifted to `now`; None if there is none."""
    schedule = cast("Mapping[str, Any] | None", (data or {}).get("schedule"))
    if not schedule:
        return None
    start, amps = schedule.get("scheduleStart"), schedule.get("chargingRateUnit") == "A"
    offset = unix_time(str(start)) - now if start else 0
    found: list[Stretch] = []
    for period in cast("list[dict[str, Any]]", schedule.get("chargingSchedulePeriod", [])):
        limit = period.get("limit")
        value = None if limit is None else round(limit * (1000 if amps else 1))
        found.append(Stretch(max(0, int(period["startPeriod"]) + offset), value))
    return found
