"""Commands, events and notices as text that travels between processes, and back."""

from functools import cache
from typing import Any, cast, get_args

import orjson
from pydantic import TypeAdapter

from sunpile.basics import errors
from sunpile.basics.errors import SunpileError, Unreachable
from sunpile.chargers.commands import Command, CommandResult
from sunpile.chargers.events import StationEvent
from sunpile.chargers.notices import Notice

_BYTES = "\x00bytes"
"""Name under which bytes travel; no OCPP text holds a NUL."""
_ERRORS: dict[str, type[SunpileError]] = {
    kind.code: kind
    for kind in (errors.PileUnreachable, errors.NotInDialect, errors.InputInvalid, errors.TooMany, errors.Conflict)
}
"""What a command may end in, by its code."""


@cache
def _known() -> dict[str, TypeAdapter[Any]]:
    found = (*Command.__subclasses__(), *get_args(StationEvent), *get_args(Notice))
    return {kind.__name__: TypeAdapter(kind) for kind in found}


def written(thing: object) -> str:
    """A command, event or notice as JSON with its name."""
    name = type(thing).__name__
    return orjson.dumps([name, _known()[name].dump_python(thing)], default=_plain).decode()


def read(text: str) -> Any:
    """What `written` wrote."""
    name, fields = orjson.loads(text)
    return _known()[name].validate_python(_whole(fields))


def _plain(value: Any) -> Any:
    return {_BYTES: value.hex()} if isinstance(value, bytes) else list(value)


def _whole(value: Any) -> Any:
    if isinstance(value, list):
        return [_whole(one) for one in cast(list[Any], value)]
    if isinstance(value, dict):
        found = cast(dict[str, Any], value)
        return bytes.fromhex(found[_BYTES]) if found.keys() == {_BYTES} else {k: _whole(v) for k, v in found.items()}
    return value


def result_written(result: CommandResult) -> str:
    """A station's answer."""
    fields = {"status": result.status, "accepted": result.accepted, "reason": result.reason, "data": result.data}
    return orjson.dumps({"result": fields}).decode()


def fault_written(fault: SunpileError) -> str:
    """Why there is no answer."""
    facts = {name: str(value) for name, value in fault.facts.items()}
    return orjson.dumps({"fault": fault.code, "detail": fault.detail, "facts": facts}).decode()


def result_read(text: str) -> CommandResult:
    """The answer. Raises what the other process raised."""
    found = orjson.loads(text)
    if "result" in found:
        return CommandResult(**found["result"])
    kind = _ERRORS.get(found["fault"], Unreachable)
    fault = kind.__new__(kind)
    SunpileError.__init__(fault, found["detail"], **found["facts"])
    raise fault
