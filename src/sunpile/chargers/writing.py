"""What both generations of OCPP need to put a command into a payload, and to refuse what cannot be said. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jsonschema_rs

from sunpile.basics.errors import InputInvalid, NotInDialect
from sunpile.chargers.commands import Command, CommandResult
from sunpile.chargers.validation import Version, actions, validator
from sunpile.chargers.values import date_time, is_visible

Payload = dict[str, Any]
Said = tuple[str, Payload]
"""Action and payload of a call."""
Writer = Callable[[Any], Said | Sequence[Said]]
Writers = Mapping[type[Command], Writer]

LAST_MOMENT = 253_402_300_799
"""The end of the year 9999: RFC 3339 has no later one."""
ACCEPTED = frozenset({"Accepted", "Scheduled", "AcceptedCanceled", "RebootRequired", "Unlocked", "Unpublished"})
"""Statuses by which a station says that it does or will do what was asked."""


def given(**fields: Any) -> Payload:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


def moment(at: int) -> str:
    """A Unix time [s] as a date-time.

    Raises
    ------
    InputInvalid
        if it is before 1970 or after 9999.
    """
    if not 0 <= at <= LAST_MOMENT:
        raise InputInvalid("a time is between the years 1970 and 9999")
    return date_time(at)


def moment_or_none(at: int | None) -> str | None:
    """As `moment`, for a time that need not be given."""
    return None if at is None else moment(at)


def id_text(text: str) -> str:
    """An identifier.

    Raises
    ------
    InputInvalid
        if it holds anything but printable ASCII.
    """
    if not is_visible(text):
        raise InputInvalid("an identifier of OCPP holds only printable ASCII")
    return text


def refuse(version: Version, **fields: object) -> None:
    """Refuse what is given and this version has no field for; each by its name in words, `_` for a blank.

    Raises
    ------
    NotInDialect
        if one is neither None nor empty.
    """
    for words, value in fields.items():
        if value:
            raise NotInDialect(version, words.replace("_", " "))


def said(version: Version, writers: Writers, command: Command) -> Sequence[Said]:
    """The calls for `command`, each valid by the version's schema.

    Raises
    ------
    NotInDialect
        if the version has no such action, field or value.
    InputInvalid
        if a value exceeds what the version can carry.
    """
    writer = writers.get(type(command))
    if writer is None:
        raise NotInDialect(version, type(command).__name__)
    written = writer(command)
    calls: Sequence[Said] = [written] if isinstance(written, tuple) and isinstance(written[0], str) else written  # type: ignore[assignment]
    for action, payload in calls:
        if action not in actions(version):
            raise NotInDialect(version, type(command).__name__)
        _check(version, action, payload)
    return calls


def _check(version: Version, action: str, payload: Payload) -> None:
    compiled = validator(version, action + "Request")
    if compiled.is_valid(payload):
        return
    try:
        compiled.validate(payload)
    except jsonschema_rs.ValidationError as error:
        place = "/".join(str(step) for step in error.instance_path)
        what = f"{place} of {action}" if place else action
        detail = error.kind.as_dict()
        match error.kind.name:
            case "additionalProperties":
                raise NotInDialect(version, f"{', '.join(map(str, detail['unexpected']))} in {what}") from None
            case "enum":
                raise NotInDialect(version, f"{str(error.instance)[:50]!r} as {what}") from None
            case rule:
                limit = _LIMITS.get(rule, f"it breaks the rule {rule}").format(**detail)
                raise InputInvalid(f"OCPP {version} cannot carry this {what}: {limit}") from None


_LIMITS = {
    "maxLength": "at most {limit} characters",
    "minLength": "at least {limit} characters",
    "maxItems": "at most {limit} of them",
    "minItems": "at least {limit} of them",
    "maximum": "at most {limit}",
    "minimum": "at least {limit}",
    "required": "{property} is missing",
    "format": "it is no {format}",
}
"""Rule of a schema to its words, with what `ValidationErrorKind.as_dict` gives."""


def one_result(answer: Payload, **data: Any) -> CommandResult:
    """What an answer with at most one status means; an answer without one is an acceptance."""
    status = str(answer.get("status", "Accepted"))
    rest = {key: value for key, value in answer.items() if key not in ("status", "statusInfo", "customData")}
    rest.update(data)
    return CommandResult(status, status in ACCEPTED, reason_of(answer.get("statusInfo")), rest or None)


def many_results(rows: Sequence[Payload], status: str, reason: str, data: Payload) -> CommandResult:
    """What an answer with a status for each of several things means: accepted if all are."""
    refused = next((row for row in rows if row.get(status) not in ACCEPTED), None)
    shown = refused or (rows[0] if rows else {status: "Accepted"})
    return CommandResult(str(shown.get(status)), refused is None, reason_of(shown.get(reason)), data)


def reason_of(info: Payload | None) -> str:
    """Reason code and additional information of a StatusInfo, in one line."""
    if not info:
        return ""
    return ": ".join(str(info[key]) for key in ("reasonCode", "additionalInfo") if info.get(key))
