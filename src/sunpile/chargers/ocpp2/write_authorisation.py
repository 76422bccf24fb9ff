"""Tokens, local lists, reservations, customers in OCPP 2.x."""

from sunpile.basics.errors import InputInvalid
from sunpile.chargers.commands import (
    CancelReservation,
    ClearCache,
    GetCustomerInformation,
    GetLocalListVersion,
    ListEntry,
    RequestBatterySwap,
    ReserveNow,
    SendLocalList,
    Token,
)
from sunpile.chargers.writing import Payload, Said, Writers, given, id_text, moment, moment_or_none


def token_of(token: Token) -> Payload:
    """An IdToken."""
    return {"idToken": id_text(token.id), "type": token.kind}


def group_of(group: str | None) -> Payload | None:
    """The IdToken of a group, or None."""
    return None if group is None else {"idToken": id_text(group), "type": "Central"}


def _entry(entry: ListEntry, update: str) -> Payload:
    if entry.status is None:
        if update == "Full":
            raise InputInvalid("an entry of a full list has a status")
        return {"idToken": token_of(entry.token)}
    info = given(
        status=entry.status,
        groupIdToken=group_of(entry.group),
        cacheExpiryDateTime=moment_or_none(entry.expires_at),
    )
    return {"idToken": token_of(entry.token), "idTokenInfo": info}


def _send_local_list(command: SendLocalList) -> Said:
    entries = [_entry(entry, command.update) for entry in command.entries]
    return "SendLocalList", given(
        versionNumber=command.version, updateType=command.update, localAuthorizationList=entries or None
    )


def _reserve(command: ReserveNow) -> Said:
    return "ReserveNow", given(
        id=command.reservation,
        expiryDateTime=moment(command.expires_at),
        connectorType=command.connector_type,
        idToken=token_of(command.token),
        evseId=command.evse or None,
        groupIdToken=group_of(command.group),
    )


def _customer(command: GetCustomerInformation) -> Said:
    if not (command.customer or command.token or command.certificate):
        raise InputInvalid("a customer is named by number, token or certificate")
    if not (command.report or command.clear):
        raise InputInvalid("customer information is reported, cleared or both")
    return "CustomerInformation", given(
        requestId=command.request,
        report=command.report,
        clear=command.clear,
        customerIdentifier=command.customer,
        idToken=None if command.token is None else token_of(command.token),
        customerCertificate=command.certificate,
    )


def _battery_swap(command: RequestBatterySwap) -> Said:
    return "RequestBatterySwap", {"requestId": command.request, "idToken": token_of(command.token)}


WRITERS: Writers = {
    CancelReservation: lambda command: ("CancelReservation", {"reservationId": command.reservation}),
    ClearCache: lambda command: ("ClearCache", {}),
    GetCustomerInformation: _customer,
    GetLocalListVersion: lambda command: ("GetLocalListVersion", {}),
    RequestBatterySwap: _battery_swap,
    ReserveNow: _reserve,
    SendLocalList: _send_local_list,
}
