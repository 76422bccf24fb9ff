"""Every command in OCPP 2.x, and what a station's answer to it means."""

from collections.abc import Sequence

from sunpile.chargers.commands import (
    ClearMonitors,
    ClearTariffs,
    Command,
    CommandResult,
    GetVariables,
    RemoteStart,
    SetMonitors,
    SetVariables,
)
from sunpile.chargers.ocpp2 import (
    write_201,
    write_authorisation,
    write_charging,
    write_profiles,
    write_provisioning,
    write_showing,
    write_upkeep,
)
from sunpile.chargers.validation import Version
from sunpile.chargers.writing import Payload, Writers, many_results, one_result

WRITERS_21: Writers = {
    **write_authorisation.WRITERS,
    **write_charging.WRITERS,
    **write_profiles.WRITERS,
    **write_provisioning.WRITERS,
    **write_showing.WRITERS,
    **write_upkeep.WRITERS,
}
WRITERS: dict[Version, Writers] = {"2.0.1": {**WRITERS_21, **write_201.WRITERS}, "2.1": WRITERS_21}

_ROWS: dict[type[Command], tuple[str, str, str]] = {
    ClearMonitors: ("clearMonitoringResult", "status", "statusInfo"),
    ClearTariffs: ("clearTariffsResult", "status", "statusInfo"),
    GetVariables: ("getVariableResult", "attributeStatus", "attributeStatusInfo"),
    SetMonitors: ("setMonitoringResult", "status", "statusInfo"),
    SetVariables: ("setVariableResult", "attributeStatus", "attributeStatusInfo"),
}
"""Commands whose answer has a status for each thing asked: the field of the rows, of the status, of its reason."""


def result(command: Command, answers: Sequence[Payload]) -> CommandResult:
    """What the answer means."""
    answer = answers[-1]
    rows = _ROWS.get(type(command))
    if rows is not None:
        return many_results(answer[rows[0]], rows[1], rows[2], {rows[0]: answer[rows[0]]})
    if isinstance(command, RemoteStart):
        return one_result(answer, remoteStartId=command.remote_start)
    return one_result(answer)
