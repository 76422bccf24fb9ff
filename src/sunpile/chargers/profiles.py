"""What holds for a charging profile in every OCPP version, checked before it is sent. Pure."""

import itertools

from sunpile.basics.errors import InputInvalid
from sunpile.chargers.commands import Period, Profile, Schedule
from sunpile.chargers.values import decimal

TX_PURPOSES = ("TxProfile", "TxDefaultProfile", "PriorityCharging")
"""Purposes whose schedule may be relative to a transaction."""


def kind_of(profile: Profile) -> str:
    """How the profile's start is meant: as it says, else Absolute with a start and Relative without.

    Raises
    ------
    InputInvalid
        if kind, start, recurrency or purpose do not fit together.
    """
    started = all(schedule.start is not None for schedule in profile.schedules)
    kind = profile.kind or ("Absolute" if started else "Relative")
    if kind in ("Absolute", "Recurring") and not started:
        raise InputInvalid(f"a profile of kind {kind} says when it starts")
    if kind == "Relative" and any(schedule.start is not None for schedule in profile.schedules):
        raise InputInvalid("a relative profile starts with its transaction, at no given time")
    if kind == "Relative" and profile.purpose not in TX_PURPOSES:
        raise InputInvalid(f"a {profile.purpose} belongs to no transaction: it says when it starts")
    if (kind == "Recurring") != (profile.recurrency is not None):
        raise InputInvalid("a recurring profile, and no other, is Daily or Weekly")
    return kind


def check(profile: Profile, evse: int) -> None:
    """Refuse a profile that no station could install on `evse`.

    Raises
    ------
    InputInvalid
        with the reason in a sentence.
    """
    if profile.purpose == "ChargingStationExternalConstraints":
        raise InputInvalid("external constraints are the station's own to set")
    if profile.purpose == "ChargingStationMaxProfile" and evse != 0:
        raise InputInvalid("a ChargingStationMaxProfile is for the whole station: EVSE 0")
    if profile.purpose == "TxProfile" and (evse == 0 or profile.transaction is None):
        raise InputInvalid("a TxProfile is for one transaction on one EVSE: name both")
    check_periods(profile)


def check_for_start(profile: Profile) -> None:
    """Refuse a profile that cannot go with a remote start.

    Raises
    ------
    InputInvalid
        with the reason in a sentence.
    """
    if profile.purpose != "TxProfile" or profile.transaction is not None:
        raise InputInvalid("with a remote start goes a TxProfile that names no transaction")
    check_periods(profile)


def check_periods(profile: Profile) -> None:
    """Refuse times that do not rise, and a transaction where none belongs.

    Raises
    ------
    InputInvalid
        with the reason in a sentence.
    """
    if profile.transaction is not None and profile.purpose != "TxProfile":
        raise InputInvalid("only a TxProfile names a transaction")
    if profile.valid_from is not None and profile.valid_to is not None and profile.valid_from >= profile.valid_to:
        raise InputInvalid("a profile is valid from before it is valid to")
    for schedule in profile.schedules:
        starts = [period.start_s for period in schedule.periods]
        if starts[0] != 0 or any(later <= earlier for earlier, later in itertools.pairwise(starts)):
            raise InputInvalid("the periods of a schedule start at 0 and rise")
        if any(period.limit is not None and period.limit < 0 for period in schedule.periods):
            raise InputInvalid("a limit is not negative; what flows back has a limit of its own")


def rate(schedule: Schedule, amount: int | None) -> int | float | None:
    """A limit of `schedule`, whole W or mA, as OCPP's number: W, or A with one decimal, cut towards zero.

    OCPP takes one decimal; cutting never allows more than was meant.
    """
    if amount is None or schedule.unit == "W":
        return amount
    tenths = abs(amount) // 100
    return decimal(tenths if amount >= 0 else -tenths, 1)


def phase_number(period: Period) -> int | None:
    """`numberPhases`; a single phase is said when one is named."""
    return 1 if period.phases is None and period.phase_to_use is not None else period.phases
