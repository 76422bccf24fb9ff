"""Configuration, reset, availability, triggers, vendor messages in OCPP 1.6."""

from collections.abc import Sequence

from sunpile.basics.errors import NotInDialect
from sunpile.chargers.commands import (
    ChangeAvailability,
    DataTransfer,
    GetVariables,
    Reset,
    SetVariables,
    TriggerMessage,
)
from sunpile.chargers.ocpp16.keys import key_of
from sunpile.chargers.ocpp16.words import VERSION, connector_of
from sunpile.chargers.writing import Said, Writers, given, refuse

TRIGGERS = frozenset(
    {
        "BootNotification",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "MeterValues",
        "StatusNotification",
    }
)
"""Messages of the plain TriggerMessage."""


def _get_variables(command: GetVariables) -> Said:
    keys = [key_of(name, command.attribute) for name in command.names]
    return "GetConfiguration", given(key=keys or None)


def _set_variables(command: SetVariables) -> Sequence[Said]:
    return [
        ("ChangeConfiguration", {"key": key_of(row.name, row.attribute), "value": row.value}) for row in command.values
    ]


def _reset(command: Reset) -> Said:
    refuse(VERSION, reset_of_one_EVSE=command.evse)
    if command.kind == "ImmediateAndResume":
        raise NotInDialect(VERSION, "transactions that go on after a reset")
    return "Reset", {"type": "Hard" if command.kind == "Immediate" else "Soft"}


def _change_availability(command: ChangeAvailability) -> Said:
    return "ChangeAvailability", {
        "connectorId": connector_of(command.evse, command.connector),
        "type": "Operative" if command.operative else "Inoperative",
    }


def _trigger(command: TriggerMessage) -> Said:
    refuse(VERSION, custom_triggers=command.custom)
    by = command.by or ("TriggerMessage" if command.message in TRIGGERS else "ExtendedTriggerMessage")
    message = command.message.replace("SignChargingStation", "SignChargePoint")
    connector = None if not command.evse else connector_of(command.evse, command.connector)
    return by, given(requestedMessage=message, connectorId=connector)


def _data_transfer(command: DataTransfer) -> Said:
    return "DataTransfer", given(vendorId=command.vendor, messageId=command.message, data=command.data)


WRITERS: Writers = {
    ChangeAvailability: _change_availability,
    DataTransfer: _data_transfer,
    GetVariables: _get_variables,
    Reset: _reset,
    SetVariables: _set_variables,
    TriggerMessage: _trigger,
}
