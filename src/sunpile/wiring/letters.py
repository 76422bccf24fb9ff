"""Commands, events and notices as text that travels between processes, and back."""

from functools import cache
from typing import Any, get_args

import orjson
from pydantic import TypeAdapter

from sunpile.basics import errors
from sunpile.basics.errors import SunpileError, Unreachable
from sunpile.chargers.commands import Command, CommandResult
from sunpile.chargers.events import StationEvent
from sunpile.chargers.notices import Notice

_ERRORS: dict[str, type[SunpileError]] = {
    kind.code: kind
    for kind in (errors.PileUnreachable, errors.NotInDialect, errors.InputInvalid, errors.TooMany, errors.Conflict)
}
"""What a command may end in, by its code; they are made of one sentence."""


@cache
def _known() -> dict[str, TypeAdapter[Any]]:
    found = (*Command.__subclasses__(), *get_args(StationEvent), *get_args(Notice))
    return {kind.__name__: TypeAdapter(kind) for kind in found}


def written(thing: object) -> str:
    """A command, event or notice as JSON with its name."""
    name = type(thing).__name__
    return orjson.dumps([name, _known()[name].dump_python(thing, mode="json")]).decode()


def read(text: str) -> Any:
    """What `written` wrote."""
    name, fields = orjson.loads(text)
    return _known()[name].validate_python(fields)


def result_written(result: CommandResult) -> str:
    """A station's answer."""
    fields = {"status": result.status, "accepted": result.accepted, "reason": result.reason, "data": result.data}
    return orjson.dumps({"result": fields}).decode()


def fault_written(fault: SunpileError) -> str:
    """Why there is no answer."""
    return orjson.dumps({"fault": fault.code, "detail": fault.detail}).decode()


def result_read(text: str) -> CommandResult:
    """The answer. Raises what the other process raised."""
    found = orjson.loads(text)
    if "result" in found:
        return CommandResult(**found["result"])
    raise _ERRORS.get(found["fault"], Unreachable)(found["detail"])
