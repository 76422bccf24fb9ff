"""Messages, costs, tariffs, payment in OCPP 2.x."""

from sunpile.chargers.commands import (
    ChangeTransactionTariff,
    ClearDisplayMessage,
    ClearTariffs,
    CostUpdated,
    GetDisplayMessages,
    GetTariffs,
    NotifyWebPaymentStarted,
    SetDefaultTariff,
    SetDisplayMessage,
)
from sunpile.chargers.values import NANO_PLACES, decimal
from sunpile.chargers.writing import Payload, Said, Writers, given, id_text, moment_or_none


def message_of(text: str, language: str | None, form: str = "UTF8") -> Payload:
    """A MessageContent."""
    return given(format=form, language=language, content=text)


def _set_message(command: SetDisplayMessage) -> Said:
    extra = [message_of(text, language, command.format) for language, text in (command.translations or {}).items()]
    message = given(
        id=command.id,
        priority=command.priority,
        state=command.state,
        startDateTime=moment_or_none(command.start_at),
        endDateTime=moment_or_none(command.end_at),
        transactionId=command.transaction,
        message=message_of(command.text, command.language, command.format),
        messageExtra=extra or None,
    )
    return "SetDisplayMessage", {"message": message}


def _get_messages(command: GetDisplayMessages) -> Said:
    return "GetDisplayMessages", given(
        requestId=command.request, id=command.ids or None, priority=command.priority, state=command.state
    )


def _cost(command: CostUpdated) -> Said:
    return "CostUpdated", {
        "totalCost": decimal(command.nano, NANO_PLACES),
        "transactionId": id_text(command.transaction),
    }


def _change_tariff(command: ChangeTransactionTariff) -> Said:
    return "ChangeTransactionTariff", {"transactionId": id_text(command.transaction), "tariff": command.tariff}


WRITERS: Writers = {
    ChangeTransactionTariff: _change_tariff,
    ClearDisplayMessage: lambda command: ("ClearDisplayMessage", {"id": command.id}),
    ClearTariffs: lambda command: (
        "ClearTariffs",
        given(tariffIds=command.tariffs or None, evseId=command.evse),
    ),
    CostUpdated: _cost,
    GetDisplayMessages: _get_messages,
    GetTariffs: lambda command: ("GetTariffs", {"evseId": command.evse}),
    NotifyWebPaymentStarted: lambda command: (
        "NotifyWebPaymentStarted",
        {"evseId": command.evse, "timeout": command.timeout_s},
    ),
    SetDefaultTariff: lambda command: ("SetDefaultTariff", {"evseId": command.evse, "tariff": command.tariff}),
    SetDisplayMessage: _set_message,
}
