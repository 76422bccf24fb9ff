"""Start, stop, unlock, energy transfer, grid controls in OCPP 2.x."""

from sunpile.chargers.commands import (
    AllowEnergyTransfer,
    ClearDerControl,
    GetDerControl,
    GetTransactionStatus,
    RemoteStart,
    RemoteStop,
    SendAfrrSignal,
    SetDerControl,
    UnlockConnector,
    UpdateDynamicSchedule,
    UsePriorityCharging,
)
from sunpile.chargers.ocpp2.write_authorisation import group_of, token_of
from sunpile.chargers.ocpp2.write_profiles import profile_of
from sunpile.chargers.profiles import check_for_start
from sunpile.chargers.writing import Said, Writers, given, id_text, moment


def remote_start(command: RemoteStart) -> Said:
    """RequestStartTransaction."""
    if command.profile is not None:
        check_for_start(command.profile)
    return "RequestStartTransaction", given(
        idToken=token_of(command.token),
        remoteStartId=command.remote_start,
        evseId=command.evse or None,
        groupIdToken=group_of(command.group),
        chargingProfile=None if command.profile is None else profile_of(command.profile),
    )


def _allow(command: AllowEnergyTransfer) -> Said:
    return "NotifyAllowedEnergyTransfer", {
        "transactionId": id_text(command.transaction),
        "allowedEnergyTransfer": command.modes,
    }


def _get_der(command: GetDerControl) -> Said:
    return "GetDERControl", given(
        requestId=command.request, isDefault=command.default, controlType=command.kind, controlId=command.control
    )


def _clear_der(command: ClearDerControl) -> Said:
    return "ClearDERControl", given(isDefault=command.default, controlType=command.kind, controlId=command.control)


def _priority(command: UsePriorityCharging) -> Said:
    return "UsePriorityCharging", {"transactionId": id_text(command.transaction), "activate": command.activate}


def _dynamic(command: UpdateDynamicSchedule) -> Said:
    return "UpdateDynamicSchedule", {"chargingProfileId": command.profile, "scheduleUpdate": command.update}


WRITERS: Writers = {
    AllowEnergyTransfer: _allow,
    ClearDerControl: _clear_der,
    GetDerControl: _get_der,
    GetTransactionStatus: lambda command: ("GetTransactionStatus", given(transactionId=command.transaction)),
    RemoteStart: remote_start,
    RemoteStop: lambda command: ("RequestStopTransaction", {"transactionId": id_text(command.transaction)}),
    SendAfrrSignal: lambda command: ("AFRRSignal", {"timestamp": moment(command.at), "signal": command.signal}),
    SetDerControl: lambda command: ("SetDERControl", command.control),
    UnlockConnector: lambda command: (
        "UnlockConnector",
        {"evseId": command.evse, "connectorId": command.connector},
    ),
    UpdateDynamicSchedule: _dynamic,
    UsePriorityCharging: _priority,
}
