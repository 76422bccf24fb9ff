"""Answers to stations' questions: what is said where nobody knows one, and how one is cut to a version. Pure."""

from typing import Any, cast

import jsonschema_rs

from sunpile.chargers.notices import Answer, Question
from sunpile.chargers.validation import Version, validator
from sunpile.chargers.values import date_time

_NO: dict[str, Answer] = {
    "BatterySwap": {},
    "DataTransfer": {"status": "UnknownVendorId"},
    "Get15118EVCertificate": {"status": "Failed", "exiResponse": ""},
    "GetCertificateStatus": {"status": "Failed"},
    "NotifyEVChargingNeeds": {"status": "Rejected"},
    "NotifySettlement": {},
    "OpenPeriodicEventStream": {"status": "Rejected"},
    "PullDynamicScheduleUpdate": {"status": "Rejected"},
    "SignCertificate": {"status": "Rejected"},
}
_RETRY_S = 3600
"""Until a station asks again for the state of a certificate nobody could tell."""


def no(question: Question, now: int) -> Answer:
    """The answer to a question that nobody can answer."""
    payload = question.payload
    match question.action:
        case "VatNumberValidation":
            told = {key: payload[key] for key in ("vatNumber", "evseId") if key in payload}
            return told | {"status": "Rejected"}
        case "GetCertificateChainStatus":
            unknown = {"status": "Failed", "nextUpdate": date_time(now + _RETRY_S)}
            asked = cast(list[dict[str, Any]], payload["certificateStatusRequests"])
            rows = [{key: row[key] for key in ("certificateHashData", "source")} | unknown for row in asked]
            return {"certificateStatus": rows}
        case action:
            return _NO[action]


def trimmed(version: Version, question: Question, answer: Answer, now: int) -> Answer:
    """`answer` without what the version has no field for; a no, if it cannot be said at all."""
    compiled = validator(version, f"{question.action}Response")
    answer = answer or no(question, now)
    if compiled.is_valid(answer):
        return answer
    answer = _copy(answer)
    while not compiled.is_valid(answer):
        try:
            compiled.validate(answer)
        except jsonschema_rs.ValidationError as error:
            if error.kind.name != "additionalProperties":
                return no(question, now)
            place: Any = answer
            for step in error.instance_path:
                place = place[step]
            for name in error.kind.as_dict()["unexpected"]:
                del place[name]
    return answer


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in cast(dict[str, Any], value).items()}
    if isinstance(value, list | tuple):
        return [_copy(inner) for inner in cast(list[Any], value)]
    return value
