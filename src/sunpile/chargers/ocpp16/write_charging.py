"""Start, stop, unlock, charging profiles in OCPP 1.6."""

from sunpile.basics.errors import NotInDialect
from sunpile.chargers.commands import (
    ClearChargingProfile,
    GetCompositeSchedule,
    Period,
    Profile,
    RemoteStart,
    RemoteStop,
    Schedule,
    SetChargingProfile,
    UnlockConnector,
)
from sunpile.chargers.ocpp16.words import VERSION, connector_of, purpose_of, tag, transaction_number
from sunpile.chargers.profiles import check, check_for_start, kind_of, rate
from sunpile.chargers.writing import Payload, Said, Writers, given, moment_or_none, refuse


def _period(schedule: Schedule, period: Period) -> Payload:
    refuse(
        VERSION,
        choice_of_the_phase=period.phase_to_use,
        discharging=period.discharge_limit,
        set_points=period.setpoint is not None,
        operation_modes=period.operation_mode,
        further_fields_of_a_period=period.more,
    )
    if period.limit is None:
        raise NotInDialect(VERSION, "period without a limit")
    return given(startPeriod=period.start_s, limit=rate(schedule, period.limit), numberPhases=period.phases)


def _schedule(schedule: Schedule) -> Payload:
    refuse(VERSION, further_fields_of_a_schedule=schedule.more)
    return given(
        chargingRateUnit=schedule.unit,
        chargingSchedulePeriod=[_period(schedule, period) for period in schedule.periods],
        startSchedule=moment_or_none(schedule.start),
        duration=schedule.duration_s,
        minChargingRate=rate(schedule, schedule.min_rate),
    )


def _profile(profile: Profile) -> Payload:
    refuse(VERSION, further_fields_of_a_profile=profile.more, second_schedule_of_a_profile=profile.schedules[1:])
    return given(
        chargingProfileId=profile.id,
        stackLevel=profile.stack_level,
        chargingProfilePurpose=purpose_of(profile.purpose),
        chargingProfileKind=kind_of(profile),
        recurrencyKind=profile.recurrency,
        validFrom=moment_or_none(profile.valid_from),
        validTo=moment_or_none(profile.valid_to),
        transactionId=None if profile.transaction is None else transaction_number(profile.transaction),
        chargingSchedule=_schedule(profile.schedules[0]),
    )


def _remote_start(command: RemoteStart) -> Said:
    if command.profile is not None:
        check_for_start(command.profile)
    return "RemoteStartTransaction", given(
        idTag=tag(command.token.id),
        connectorId=command.evse or None,
        chargingProfile=None if command.profile is None else _profile(command.profile),
    )


def _remote_stop(command: RemoteStop) -> Said:
    return "RemoteStopTransaction", {"transactionId": transaction_number(command.transaction)}


def _set(command: SetChargingProfile) -> Said:
    check(command.profile, command.evse)
    return "SetChargingProfile", {"connectorId": command.evse, "csChargingProfiles": _profile(command.profile)}


def _clear(command: ClearChargingProfile) -> Said:
    return "ClearChargingProfile", given(
        id=command.profile,
        connectorId=command.evse,
        chargingProfilePurpose=None if command.purpose is None else purpose_of(command.purpose),
        stackLevel=command.stack_level,
    )


def _composite(command: GetCompositeSchedule) -> Said:
    return "GetCompositeSchedule", given(
        connectorId=command.evse, duration=command.duration_s, chargingRateUnit=command.unit
    )


WRITERS: Writers = {
    ClearChargingProfile: _clear,
    GetCompositeSchedule: _composite,
    RemoteStart: _remote_start,
    RemoteStop: _remote_stop,
    SetChargingProfile: _set,
    UnlockConnector: lambda command: (
        "UnlockConnector",
        {"connectorId": connector_of(command.evse, command.connector)},
    ),
}
