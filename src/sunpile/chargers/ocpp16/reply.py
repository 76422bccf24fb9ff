"""Answers to stations in OCPP 1.6."""

from sunpile.chargers.dialect import Context, Outcome, Payload, Request, TimeAsked
from sunpile.chargers.events import (
    Authorisation,
    Booted,
    MeterRead,
    StatusChanged,
    TransactionAnswer,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.chargers.notices import AuthorisationAsked, Question
from sunpile.chargers.ocpp16.words import TAG_MAX, VERSION, status_of
from sunpile.chargers.questions import trimmed
from sunpile.chargers.values import date_time


def reply(request: Request, outcome: Outcome, context: Context) -> Payload:
    """See `Dialect.reply`."""
    match request:
        case MeterRead() | StatusChanged():
            return {}
        case TimeAsked():
            return {"currentTime": date_time(context.now)}
        case AuthorisationAsked():
            assert isinstance(outcome, Authorisation)
            return {"idTagInfo": _id_tag_info(outcome)}
        case TransactionStarted():
            assert isinstance(outcome, TransactionAnswer)
            granted = outcome.authorisation or Authorisation("Accepted")
            return {"idTagInfo": _id_tag_info(granted), "transactionId": int(outcome.ocpp_transaction)}
        case TransactionUpdated() | TransactionEnded():
            assert isinstance(outcome, TransactionAnswer)
            if request.id_token is None or outcome.authorisation is None:
                return {}
            return {"idTagInfo": _id_tag_info(outcome.authorisation)}
        case Booted():
            return context.registered(outcome)
        case Question():
            assert isinstance(outcome, dict)
            return trimmed(VERSION, request, outcome, context.now)
        case _:
            return {}


def _id_tag_info(authorisation: Authorisation) -> Payload:
    info: Payload = {"status": status_of(authorisation.status)}
    if authorisation.parent is not None and len(authorisation.parent) <= TAG_MAX:
        info["parentIdTag"] = authorisation.parent
    if authorisation.expires_at is not None:
        info["expiryDate"] = date_time(authorisation.expires_at)
    return info
