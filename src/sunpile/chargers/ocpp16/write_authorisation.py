"""Local lists and reservations in OCPP 1.6."""

from sunpile.basics.errors import InputInvalid
from sunpile.chargers.commands import (
    CancelReservation,
    ClearCache,
    GetLocalListVersion,
    ListEntry,
    ReserveNow,
    SendLocalList,
)
from sunpile.chargers.ocpp16.words import VERSION, status_of, tag
from sunpile.chargers.writing import Payload, Said, Writers, given, moment, moment_or_none, refuse


def _entry(entry: ListEntry, update: str) -> Payload:
    if entry.status is None:
        if update == "Full":
            raise InputInvalid("an entry of a full list has a status")
        return {"idTag": tag(entry.token.id)}
    info = given(
        status=status_of(entry.status),
        parentIdTag=None if entry.group is None else tag(entry.group),
        expiryDate=moment_or_none(entry.expires_at),
    )
    return {"idTag": tag(entry.token.id), "idTagInfo": info}


def _send_local_list(command: SendLocalList) -> Said:
    entries = [_entry(entry, command.update) for entry in command.entries]
    return "SendLocalList", given(
        listVersion=command.version, updateType=command.update, localAuthorizationList=entries or None
    )


def _reserve(command: ReserveNow) -> Said:
    refuse(VERSION, reservation_by_connector_type=command.connector_type)
    return "ReserveNow", given(
        connectorId=command.evse or 0,
        expiryDate=moment(command.expires_at),
        idTag=tag(command.token.id),
        parentIdTag=None if command.group is None else tag(command.group),
        reservationId=command.reservation,
    )


WRITERS: Writers = {
    CancelReservation: lambda command: ("CancelReservation", {"reservationId": command.reservation}),
    ClearCache: lambda command: ("ClearCache", {}),
    GetLocalListVersion: lambda command: ("GetLocalListVersion", {}),
    ReserveNow: _reserve,
    SendLocalList: _send_local_list,
}
