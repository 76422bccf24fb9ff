"""Charging profiles and schedules in OCPP 2.x."""

from typing import Any

from sunpile.chargers.commands import (
    ClearChargingProfile,
    GetChargingProfiles,
    GetCompositeSchedule,
    Period,
    Profile,
    Schedule,
    SetChargingProfile,
)
from sunpile.chargers.profiles import check, kind_of, phase_number, rate
from sunpile.chargers.writing import Payload, Said, Writers, given, moment_or_none


def _period(schedule: Schedule, period: Period) -> Payload:
    return (period.more or {}) | given(
        startPeriod=period.start_s,
        limit=rate(schedule, period.limit),
        numberPhases=phase_number(period),
        phaseToUse=period.phase_to_use,
        dischargeLimit=rate(schedule, period.discharge_limit),
        setpoint=rate(schedule, period.setpoint),
        operationMode=period.operation_mode,
    )


def _schedule(schedule: Schedule) -> Payload:
    return (schedule.more or {}) | given(
        id=schedule.id,
        chargingRateUnit=schedule.unit,
        chargingSchedulePeriod=[_period(schedule, period) for period in schedule.periods],
        startSchedule=moment_or_none(schedule.start),
        duration=schedule.duration_s,
        minChargingRate=rate(schedule, schedule.min_rate),
    )


def profile_of(profile: Profile) -> Payload:
    """A ChargingProfile."""
    return (profile.more or {}) | given(
        id=profile.id,
        stackLevel=profile.stack_level,
        chargingProfilePurpose=profile.purpose,
        chargingProfileKind=kind_of(profile),
        recurrencyKind=profile.recurrency,
        validFrom=moment_or_none(profile.valid_from),
        validTo=moment_or_none(profile.valid_to),
        transactionId=profile.transaction,
        chargingSchedule=[_schedule(schedule) for schedule in profile.schedules],
    )


def set_profile(command: SetChargingProfile) -> Said:
    """SetChargingProfile."""
    check(command.profile, command.evse)
    return "SetChargingProfile", {"evseId": command.evse, "chargingProfile": profile_of(command.profile)}


def _criteria(command: ClearChargingProfile | GetChargingProfiles, **more: Any) -> Payload:
    return given(chargingProfilePurpose=command.purpose, stackLevel=command.stack_level, **more)


def _clear(command: ClearChargingProfile) -> Said:
    criteria = _criteria(command, evseId=command.evse)
    return "ClearChargingProfile", given(chargingProfileId=command.profile, chargingProfileCriteria=criteria or None)


def _get(command: GetChargingProfiles) -> Said:
    criteria = _criteria(
        command, chargingProfileId=command.profiles or None, chargingLimitSource=command.sources or None
    )
    return "GetChargingProfiles", given(requestId=command.request, evseId=command.evse, chargingProfile=criteria)


def _composite(command: GetCompositeSchedule) -> Said:
    return "GetCompositeSchedule", given(
        evseId=command.evse, duration=command.duration_s, chargingRateUnit=command.unit
    )


WRITERS: Writers = {
    ClearChargingProfile: _clear,
    GetChargingProfiles: _get,
    GetCompositeSchedule: _composite,
    SetChargingProfile: set_profile,
}
