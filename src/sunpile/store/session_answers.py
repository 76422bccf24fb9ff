"""Answers to transaction messages as text: a message that comes again gets the same one."""

import json
from dataclasses import asdict, fields
from typing import Any, cast

from sunpile.chargers.events import Authorisation, Message, TransactionAnswer, TransactionLimit

_USUAL = ("status", "parent", "expires_at")
_MORE = [field for field in fields(Authorisation) if field.name not in _USUAL]
_REST = [field for field in fields(TransactionAnswer) if field.name not in ("authorisation", "ocpp_transaction")]


def write_answer(answer: TransactionAnswer | None) -> str:
    """An answer as text; the usual one is short."""
    assert answer is not None
    authorisation = answer.authorisation
    body = None
    if authorisation is not None:
        body = [authorisation.status, authorisation.parent, authorisation.expires_at]
    text: list[Any] = [answer.ocpp_transaction, body]
    more = _said(authorisation, _MORE) if authorisation is not None else {}
    rest = _said(answer, _REST)
    if more or rest:
        text += [more, rest]
    return json.dumps(text)


def read_answer(text: str) -> TransactionAnswer:
    """What `write_answer` wrote."""
    transaction, body, *extra = json.loads(text)
    more: dict[str, Any] = extra[0] if extra else {}
    rest: dict[str, Any] = extra[1] if extra else {}
    return TransactionAnswer(Authorisation(*body, **_typed(more)) if body else None, transaction, **_typed(rest))


def _said(answer: Authorisation | TransactionAnswer, names: list[Any]) -> dict[str, Any]:
    changed = [field.name for field in names if getattr(answer, field.name) != field.default]
    if not changed:
        return {}
    whole = asdict(answer)
    return {name: whole[name] for name in changed}


def _typed(said: dict[str, Any]) -> dict[str, Any]:
    found = dict(said)
    for name, value in said.items():
        if name == "message":
            found[name] = Message(**value)
        elif name == "more_messages":
            found[name] = tuple(Message(**one) for one in value)
        elif name == "limit":
            found[name] = TransactionLimit(**value)
        elif isinstance(value, list):
            found[name] = tuple(cast(list[Any], value))
    return found
