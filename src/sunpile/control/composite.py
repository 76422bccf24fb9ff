"""The limit that results from all profiles of a station, by the rules of OCPP: 1.6 section 3.13, 2.x K08 and K01. Pure.

At each moment the highest stack level with a period counts within a purpose; a TxProfile stands before a
TxDefaultProfile, one for the EVSE before one for all; the lowest of what the purposes say is the limit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from sunpile.chargers.commands import Period, Profile, Schedule
from sunpile.control.site import VOLTAGE_V

DAY_S = 86_400
PHASES = 3
"""Where a period does not say how many phases."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A profile on a station."""

    evse: int
    """EVSE; 0: all, or the station."""
    profile: Profile
    """The profile."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a composite schedule."""

    start_s: int
    """Seconds after its start."""
    limit: int | None
    """W or mA by the unit asked for; None: nothing limits it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a composite schedule is asked for."""

    evse: int
    """EVSE; 0: the station."""
    start: int
    """From when [Unix s]."""
    duration_s: int
    """How far [s]."""
    unit: Literal["W", "A"] = "W"
    """In W, or in mA."""
    transaction_start: int | None = None
    """When the transaction under way began [Unix s]; None: none."""
    transaction: str | None = None
    """Its id."""


def composite(installed: Iterable[Installed], asked: Asked) -> list[Stretch]:
    """The limit over time, one stretch for each change."""
    present = [item for item in installed if _concerns(item, asked)]
    moments = {asked.start}
    for item in present:
        moments |= set(_changes(item.profile, asked))
    stretches: list[Stretch] = []
    for moment in sorted(moments):
        limit = _limit_at(present, moment, asked)
        if not stretches or stretches[-1].limit != limit:
            stretches.append(Stretch(moment - asked.start, limit))
    return stretches


def differences(ours: Sequence[Stretch], theirs: Sequence[Stretch], duration_s: int) -> list[tuple[int, str]]:
    """Where a station's schedule is another than ours: (seconds after the start, both limits in words)."""
    found: list[tuple[int, str]] = []
    for moment in sorted({item.start_s for item in (*ours, *theirs) if item.start_s < duration_s}):
        mine, other = _value(ours, moment), _value(theirs, moment)
        if mine != other:
            found.append((moment, f"{_words(mine)} by the profiles, {_words(other)} by the station"))
    return found


def _words(limit: int | None) -> str:
    return "no limit" if limit is None else str(limit)


def _value(stretches: Sequence[Stretch], moment: int) -> int | None:
    known = [item.limit for item in stretches if item.start_s <= moment]
    return known[-1] if known else None


def _concerns(item: Installed, asked: Asked) -> bool:
    profile = item.profile
    if profile.purpose == "TxProfile":
        if asked.transaction_start is None or item.evse != asked.evse:
            return False
        return profile.transaction is None or profile.transaction == asked.transaction
    if profile.purpose == "TxDefaultProfile":
        return asked.evse != 0 and item.evse in (0, asked.evse)
    return item.evse in (0, asked.evse)


def _limit_at(items: Sequence[Installed], moment: int, asked: Asked) -> int | None:
    limits: list[int] = []
    for group in _purposes(items, moment, asked):
        limit = _leading(group, moment, asked)
        if limit is not None:
            limits.append(limit)
    return min(limits) if limits else None


def _purposes(items: Sequence[Installed], moment: int, asked: Asked) -> list[list[Installed]]:
    """Profiles whose limits hold together, one group for each; of the transaction's only the one that stands first."""
    own = [
        [item for item in items if item.profile.purpose == "TxProfile"],
        [item for item in items if item.profile.purpose == "TxDefaultProfile" and item.evse == asked.evse],
        [item for item in items if item.profile.purpose == "TxDefaultProfile" and item.evse != asked.evse],
    ]
    saying = [group for group in own if _leading(group, moment, asked) is not None]
    others = sorted({item.profile.purpose for item in items} - {"TxProfile", "TxDefaultProfile"})
    return [*saying[:1], *([item for item in items if item.profile.purpose == purpose] for purpose in others)]


def _leading(group: Sequence[Installed], moment: int, asked: Asked) -> int | None:
    """The limit of the highest stack level that says something at `moment`."""
    for item in sorted(group, key=lambda item: -item.profile.stack_level):
        for schedule in item.profile.schedules[:1]:
            period = _period(item.profile, schedule, moment, asked)
            if period is not None and period.limit is not None:
                return _converted(period, period.limit, schedule.unit, asked.unit)
    return None


def _converted(period: Period, limit: int, unit: str, wanted: str) -> int:
    if unit == wanted:
        return limit
    volts = VOLTAGE_V * (period.phases or PHASES)
    return limit * volts // 1000 if unit == "A" else limit * 1000 // volts


def _begin(profile: Profile, schedule: Schedule, moment: int, asked: Asked) -> int | None:
    """When the schedule that could hold at `moment` begins; None if it has not."""
    if schedule.start is None:
        # A relative schedule starts with the transaction, or would start now.
        begin = asked.transaction_start if asked.transaction_start is not None else asked.start
        return begin if begin <= moment else None
    if profile.recurrency is None:
        return schedule.start if schedule.start <= moment else None
    length = DAY_S if profile.recurrency == "Daily" else 7 * DAY_S
    return schedule.start + (moment - schedule.start) // length * length


def _period(profile: Profile, schedule: Schedule, moment: int, asked: Asked) -> Period | None:
    if profile.valid_from is not None and moment < profile.valid_from:
        return None
    if profile.valid_to is not None and moment >= profile.valid_to:
        return None
    begin = _begin(profile, schedule, moment, asked)
    if begin is None or (schedule.duration_s is not None and moment >= begin + schedule.duration_s):
        return None
    held = [period for period in schedule.periods if begin + period.start_s <= moment]
    return held[-1] if held else None


def _changes(profile: Profile, asked: Asked) -> list[int]:
    """Moments within what is asked at which a profile may change its mind."""
    end = asked.start + asked.duration_s
    moments = [moment for moment in (profile.valid_from, profile.valid_to) if moment is not None]
    for schedule in profile.schedules[:1]:
        for begin in _begins(profile, schedule, asked):
            moments += [begin, *(begin + period.start_s for period in schedule.periods)]
            if schedule.duration_s is not None:
                moments.append(begin + schedule.duration_s)
    return [moment for moment in moments if asked.start <= moment < end]


def _begins(profile: Profile, schedule: Schedule, asked: Asked) -> list[int]:
    if schedule.start is None:
        return [asked.transaction_start if asked.transaction_start is not None else asked.start]
    if profile.recurrency is None:
        return [schedule.start]
    length = DAY_S if profile.recurrency == "Daily" else 7 * DAY_S
    first = schedule.start + (asked.start - schedule.start) // length * length
    return list(range(first, asked.start + asked.duration_s, length))
