"""Charging profiles: which power the management system allows now."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

VOLTS_TIMES_PHASES = 230 * 3
UNLIMITED = 1 << 30


@dataclass(frozen=True, slots=True)
class Profile:
    """One charging profile of one EVSE."""

    purpose: str
    """TxDefaultProfile, TxProfile, or a station-wide maximum."""
    level: int
    """Stack level: the higher one wins inside a purpose."""
    steps: tuple[tuple[int, int], ...]
    """(from [Unix s], limit [W]), rising."""
    until: int
    """End of the schedule [Unix s]."""

    def limit(self, when: int) -> int | None:
        """Limit at `when` [W], None outside the schedule."""
        valid = [watts for begin, watts in self.steps if begin <= when]
        return valid[-1] if valid and when < self.until else None


def read_profile(profile: dict[str, Any], now: int) -> Profile:
    """A profile of 1.6 or 2.0.1 as it came; `now` is the begin of a schedule that names none."""
    given: Any = profile["chargingSchedule"]
    # 2.0.1 carries a list of schedules.
    schedule: dict[str, Any] = given if "chargingRateUnit" in given else given[0]
    begin = _time(schedule.get("startSchedule")) or now
    factor = 1 if schedule["chargingRateUnit"] == "W" else VOLTS_TIMES_PHASES
    periods: list[dict[str, Any]] = schedule["chargingSchedulePeriod"]
    return Profile(
        profile["chargingProfilePurpose"],
        int(profile["stackLevel"]),
        tuple((begin + int(period["startPeriod"]), int(period["limit"] * factor)) for period in periods),
        begin + int(schedule.get("duration", UNLIMITED)),
    )


def _time(text: str | None) -> int | None:
    return int(datetime.fromisoformat(text).timestamp()) if text else None


@dataclass
class Limits:
    """Profiles of one EVSE."""

    profiles: dict[int, Profile] = field(default_factory=dict[int, Profile])
    """By profile id."""

    def install(self, number: int, profile: Profile) -> None:
        """Put a profile in; one of the same purpose and level makes way."""
        self.profiles = {
            known: other
            for known, other in self.profiles.items()
            if (other.purpose, other.level) != (profile.purpose, profile.level)
        }
        self.profiles[number] = profile

    def clear(self, number: int | None, purpose: str | None, level: int | None) -> bool:
        """Take out what matches; return whether anything did."""
        gone = [
            known
            for known, profile in self.profiles.items()
            if (number is None or known == number)
            and (purpose is None or profile.purpose == purpose)
            and (level is None or profile.level == level)
        ]
        for known in gone:
            del self.profiles[known]
        return bool(gone)

    def end_transaction(self) -> None:
        """A TxProfile ends with its transaction."""
        self.clear(None, "TxProfile", None)

    def watts(self, when: int) -> int:
        """Power allowed at `when` [W]: the least of all purposes; a TxProfile stands before the default."""
        best: dict[str, tuple[int, int]] = {}
        for profile in self.profiles.values():
            limit = profile.limit(when)
            if limit is not None and (profile.purpose not in best or best[profile.purpose][0] < profile.level):
                best[profile.purpose] = profile.level, limit
        if "TxProfile" in best:
            best.pop("TxDefaultProfile", None)
        return min((limit for _, limit in best.values()), default=UNLIMITED)

    def next_change(self, when: int) -> int | None:
        """When the allowed power may change next [Unix s]."""
        times = [t for profile in self.profiles.values() for t in (*(b for b, _ in profile.steps), profile.until)]
        return min((t for t in times if when < t < UNLIMITED), default=None)
