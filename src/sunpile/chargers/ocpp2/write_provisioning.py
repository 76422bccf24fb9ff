"""Configuration, device model, reset, availability, triggers, vendor messages in OCPP 2.x."""

from collections.abc import Sequence

from sunpile.basics.errors import InputInvalid
from sunpile.chargers.commands import (
    ChangeAvailability,
    DataTransfer,
    GetReport,
    GetVariables,
    Reset,
    SetNetworkProfile,
    SetVariables,
    TriggerMessage,
    VariableName,
)
from sunpile.chargers.writing import Payload, Said, Writers, given


def component_variable(name: VariableName) -> Payload:
    """`component` and `variable` of a name.

    Raises
    ------
    InputInvalid
        if it has no component.
    """
    if not name.component:
        raise InputInvalid(f"a variable of OCPP 2.x belongs to a component: which is {name.variable}'s?")
    return {
        "component": given(
            name=name.component, instance=name.component_instance or None, evse=evse_of(name.evse, name.connector)
        ),
        "variable": given(name=name.variable, instance=name.variable_instance or None),
    }


def evse_of(evse: int | None, connector: int | None) -> Payload | None:
    """An EVSE with its connector, or None for the whole station.

    Raises
    ------
    InputInvalid
        if a connector is named without its EVSE.
    """
    if evse is None:
        if connector is not None:
            raise InputInvalid("a connector is named with its EVSE")
        return None
    return given(id=evse, connectorId=connector)


def component_variables(names: Sequence[VariableName] | None) -> list[Payload] | None:
    """As many as there are; None for none."""
    return [component_variable(name) for name in names] if names else None


def _get_variables(command: GetVariables) -> Said:
    if not command.names:
        raise InputInvalid("OCPP 2.x reads named variables; ask for a report to read all")
    rows = [component_variable(name) for name in command.names]
    if command.attribute != "Actual":
        rows = [row | {"attributeType": command.attribute} for row in rows]
    return "GetVariables", {"getVariableData": rows}


def _set_variables(command: SetVariables) -> Said:
    rows = [
        component_variable(row.name)
        | given(attributeValue=row.value, attributeType=None if row.attribute == "Actual" else row.attribute)
        for row in command.values
    ]
    return "SetVariables", {"setVariableData": rows}


def _get_report(command: GetReport) -> Said:
    if command.base is not None and not command.criteria and not command.names:
        return "GetBaseReport", {"requestId": command.request, "reportBase": command.base}
    return "GetReport", given(
        requestId=command.request,
        componentCriteria=command.criteria or None,
        componentVariable=component_variables(command.names),
    )


def _reset(command: Reset) -> Said:
    # An EVSE 0 would be the station, which is named by naming none.
    return "Reset", given(type=command.kind, evseId=command.evse or None)


def set_network_profile(command: SetNetworkProfile) -> Said:
    """SetNetworkProfile."""
    connection = given(
        ocppVersion=command.version,
        ocppTransport="JSON",
        ocppCsmsUrl=command.url,
        messageTimeout=command.timeout_s,
        securityProfile=command.security_profile,
        ocppInterface=command.interface,
        identity=command.identity,
        basicAuthPassword=command.password,
    )
    return "SetNetworkProfile", {"configurationSlot": command.slot, "connectionData": connection}


def _change_availability(command: ChangeAvailability) -> Said:
    return "ChangeAvailability", given(
        operationalStatus="Operative" if command.operative else "Inoperative",
        evse=evse_of(command.evse or None, command.connector),
    )


def _trigger(command: TriggerMessage) -> Said:
    connector = command.connector
    if command.message == "StatusNotification" and command.evse and connector is None:
        connector = 1  # A status is a connector's (F06): the EVSE's first.
    return "TriggerMessage", given(
        requestedMessage=command.message,
        evse=evse_of(command.evse or None, connector),
        customTrigger=command.custom,
    )


def _data_transfer(command: DataTransfer) -> Said:
    return "DataTransfer", given(vendorId=command.vendor, messageId=command.message, data=command.data)


WRITERS: Writers = {
    ChangeAvailability: _change_availability,
    DataTransfer: _data_transfer,
    GetReport: _get_report,
    GetVariables: _get_variables,
    Reset: _reset,
    SetNetworkProfile: set_network_profile,
    SetVariables: _set_variables,
    TriggerMessage: _trigger,
}
