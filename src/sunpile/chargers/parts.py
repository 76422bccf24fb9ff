"""Commands that list things, sent in parts to a station that takes only so many in a message (B05.FR.11, B06.FR.05).

Pure. A part is a command of its own; what the station said to all of them is told as one result.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from sunpile.chargers.commands import ClearMonitors, Command, CommandResult, GetVariables, SetMonitors, SetVariables

_LISTS: dict[type[Command], tuple[str, str]] = {
    GetVariables: ("names", "GetVariables"),
    SetVariables: ("values", "SetVariables"),
    SetMonitors: ("monitors", "SetVariableMonitoring"),
    ClearMonitors: ("ids", "ClearVariableMonitoring"),
}
"""The field that lists, and the message of OCPP 2.x whose limit counts."""


def message_of(command: Command) -> str | None:
    """The message of OCPP 2.x that carries `command`, if it lists more than one thing; None for any other."""
    field, message = _LISTS.get(type(command), ("", ""))
    return message if field and len(getattr(command, field)) > 1 else None


def split(command: Command, most: int | None) -> list[Command]:
    """The command in parts of at most `most` things; None or nonsense: undivided."""
    if most is None or most < 1 or message_of(command) is None:
        return [command]
    field, _ = _LISTS[type(command)]
    listed: list[object] = getattr(command, field)
    return [replace(command, **{field: listed[at : at + most]}) for at in range(0, len(listed), most)]


def joined(results: Sequence[CommandResult]) -> CommandResult:
    """One result of all parts: the first that is no acceptance gives the status, lists are put together."""
    if len(results) == 1:
        return results[0]
    shown = next((result for result in results if not result.accepted), results[0])
    data: dict[str, Any] = {}
    for result in results:
        for name, value in (result.data or {}).items():
            data[name] = [*data.get(name, []), *cast("list[object]", value)] if isinstance(value, list) else value
    return CommandResult(shown.status, shown.accepted, shown.reason, data or None)
