"""Every command OCPP 1.6 has words for, and what a station's answers mean in those of 2.1."""

from collections.abc import Sequence
from typing import Any, cast

from sunpile.chargers.commands import (
    Command,
    CommandResult,
    GetCompositeSchedule,
    GetInstalledCertificates,
    GetLocalListVersion,
    GetLog,
    GetVariables,
    RemoteStart,
    SetVariables,
    VariableName,
)
from sunpile.chargers.ocpp16 import write_authorisation, write_charging, write_provisioning, write_upkeep
from sunpile.chargers.ocpp16.keys import key_of
from sunpile.chargers.ocpp16.words import ROOTS
from sunpile.chargers.writing import Payload, Writers, many_results, one_result

WRITERS: Writers = {
    **write_authorisation.WRITERS,
    **write_charging.WRITERS,
    **write_provisioning.WRITERS,
    **write_upkeep.WRITERS,
}


def result(command: Command, answers: Sequence[Payload]) -> CommandResult:
    """What the answers mean."""
    answer = answers[-1]
    match command:
        case GetVariables():
            return _variables(command, answer)
        case SetVariables():
            return _set(command, answers)
        case GetInstalledCertificates():
            return _certificates(command, answers)
        case GetLocalListVersion():
            return CommandResult("Accepted", accepted=True, data={"versionNumber": answer["listVersion"]})
        case GetCompositeSchedule():
            return _composite(command, answer)
        case GetLog(by="GetDiagnostics"):
            return _diagnostics(answer)
        case RemoteStart():
            return one_result(answer, remoteStartId=command.remote_start)
        case _:
            return one_result(answer)


def _diagnostics(answer: Payload) -> CommandResult:
    # An answer without a file name is a no: nothing will be uploaded (6.26).
    if "fileName" not in answer:
        return CommandResult("Rejected", accepted=False, reason="the station has no diagnostics to upload")
    return CommandResult("Accepted", accepted=True, data={"filename": answer["fileName"]})


def _name(name: VariableName) -> Payload:
    return {"component": {"name": name.component}, "variable": {"name": name.variable}}


def _variables(command: GetVariables, answer: Payload) -> CommandResult:
    # A key is told by the name it was asked by; what was not asked by name has no component.
    names = {key_of(name, command.attribute): name for name in command.names}
    rows: list[Payload] = [
        {
            "attributeStatus": "Accepted",
            "attributeValue": row.get("value", ""),
            "mutability": "ReadOnly" if row["readonly"] else "ReadWrite",
        }
        | _name(names.get(row["key"], VariableName(row["key"])))
        for row in cast(list[Payload], answer.get("configurationKey", []))
    ]
    rows += [
        {"attributeStatus": "UnknownVariable"} | _name(names.get(key, VariableName(key)))
        for key in answer.get("unknownKey", [])
    ]
    return many_results(rows, "attributeStatus", "attributeStatusInfo", {"getVariableResult": rows})


def _set(command: SetVariables, answers: Sequence[Payload]) -> CommandResult:
    statuses = [str(answer["status"]) for answer in answers]
    rows = [
        {"attributeStatus": "UnknownVariable" if status == "NotSupported" else status} | _name(row.name)
        for row, status in zip(command.values, statuses, strict=True)
    ]
    return many_results(answers, "status", "statusInfo", {"setVariableResult": rows})


def _certificates(command: GetInstalledCertificates, answers: Sequence[Payload]) -> CommandResult:
    kinds = command.kinds or list(ROOTS)
    chain: list[dict[str, Any]] = [
        {"certificateType": kind, "certificateHashData": hashes}
        for kind, answer in zip(kinds, answers, strict=True)
        for hashes in answer.get("certificateHashData", [])
    ]
    if not chain:
        return one_result(answers[0])
    return CommandResult("Accepted", accepted=True, data={"certificateHashDataChain": chain})


def _composite(command: GetCompositeSchedule, answer: Payload) -> CommandResult:
    schedule = cast(Payload | None, answer.get("chargingSchedule"))
    if schedule is None:
        return one_result({"status": answer["status"]})
    start = answer.get("scheduleStart") or schedule.get("startSchedule")
    said: Payload = {
        "evseId": answer.get("connectorId", command.evse),
        "duration": schedule.get("duration", command.duration_s),
        "chargingRateUnit": schedule["chargingRateUnit"],
        "chargingSchedulePeriod": schedule["chargingSchedulePeriod"],
    }
    if start is not None:
        said["scheduleStart"] = start
    return one_result({"status": answer["status"]}, schedule=said)
