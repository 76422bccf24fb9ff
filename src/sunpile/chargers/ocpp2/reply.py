"""Answers to stations in OCPP 2.x."""

from sunpile.chargers.dialect import Context, Outcome, Payload, Request, TimeAsked
from sunpile.chargers.events import (
    Authorisation,
    Booted,
    Message,
    MeterRead,
    StatusChanged,
    TransactionAnswer,
    TransactionEnded,
    TransactionLimit,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.chargers.notices import AuthorisationAsked, CarSchedule, Question
from sunpile.chargers.questions import trimmed
from sunpile.chargers.validation import Version
from sunpile.chargers.values import NANO_PLACES, date_time, decimal
from sunpile.chargers.writing import given

LANGUAGES_MAX, MORE_MESSAGES_MAX = 2, 4
TEXT_MAX: dict[str, int] = {"2.0.1": 512}
"""Longest personal message; 1,024 where none is named."""
ID_MAX: dict[str, int] = {"2.0.1": 36}
"""Longest id token; 255 where none is named. A longer group is left out, for half an id is another's."""


def reply(version: Version, request: Request, outcome: Outcome, context: Context) -> Payload:
    """See `Dialect.reply`."""
    match request:
        case MeterRead() | StatusChanged():
            return {}
        case TransactionUpdated() | TransactionStarted() | TransactionEnded():
            assert isinstance(outcome, TransactionAnswer)
            return _transaction(version, request, outcome)
        case TimeAsked():
            return {"currentTime": date_time(context.now)}
        case AuthorisationAsked():
            assert isinstance(outcome, Authorisation)
            return _authorisation(version, outcome)
        case Booted():
            return context.registered(outcome)
        case Question():
            assert isinstance(outcome, dict)
            return trimmed(version, request, outcome, context.now)
        case CarSchedule():
            return {"status": "Accepted"}
        case _:
            return {}


def _message(version: Version, message: Message | None) -> Payload | None:
    if message is None or (message.format == "QRCODE" and version == "2.0.1"):
        return None
    text = message.text[: TEXT_MAX.get(version, 1024)]
    return given(format=message.format, language=message.language and message.language[:8], content=text)


def _id_token_info(version: Version, authorisation: Authorisation) -> Payload:
    languages = [*authorisation.languages[:LANGUAGES_MAX], None, None]
    group = authorisation.parent
    if group is not None and len(group) > ID_MAX.get(version, 255):
        group = None
    return given(
        status=authorisation.status,
        groupIdToken=None if group is None else {"idToken": group, "type": "Central"},
        cacheExpiryDateTime=None if authorisation.expires_at is None else date_time(authorisation.expires_at),
        chargingPriority=authorisation.priority,
        language1=languages[0],
        language2=languages[1],
        evseId=list(authorisation.evses) or None,
        personalMessage=_message(version, authorisation.message),
    )


def _authorisation(version: Version, authorisation: Authorisation) -> Payload:
    answer = given(
        idTokenInfo=_id_token_info(version, authorisation), certificateStatus=authorisation.certificate_status
    )
    if version != "2.0.1":
        answer |= given(allowedEnergyTransfer=list(authorisation.energy_transfer) or None, tariff=authorisation.tariff)
    return answer


def _limit(limit: TransactionLimit | None) -> Payload | None:
    if limit is None:
        return None
    return given(
        maxCost=None if limit.cost_nano is None else decimal(limit.cost_nano, NANO_PLACES),
        maxEnergy=limit.energy_wh,
        maxTime=limit.time_s,
        maxSoC=limit.soc_percent,
    )


def _transaction(
    version: Version, request: TransactionStarted | TransactionUpdated | TransactionEnded, outcome: TransactionAnswer
) -> Payload:
    authorisation = outcome.authorisation
    answer: Payload = {}
    if authorisation is not None and (request.id_token is not None or outcome.changed):
        answer["idTokenInfo"] = _id_token_info(version, authorisation)
    if outcome.total_cost_nano is not None:
        answer["totalCost"] = decimal(outcome.total_cost_nano, NANO_PLACES)
    if outcome.priority is not None:
        answer["chargingPriority"] = outcome.priority
    message = _message(version, outcome.message)
    if message is not None:
        answer["updatedPersonalMessage"] = message
    if version == "2.0.1":
        return answer
    limit = outcome.limit or (authorisation.limit if authorisation is not None else None)
    if limit is not None:
        answer["transactionLimit"] = _limit(limit)
    if outcome.more_messages:
        more = [_message(version, message) for message in outcome.more_messages[:MORE_MESSAGES_MAX]]
        answer["updatedPersonalMessageExtra"] = more
    return answer
