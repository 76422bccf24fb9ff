"""What stations said of their settings: the device model of OCPP 2.x, and the keys of 1.6 without a component. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from sunpile.chargers.certificates.redaction import is_secret
from sunpile.chargers.commands import (
    Command,
    CommandResult,
    GetVariables,
    SetVariables,
    VariableName,
)
from sunpile.chargers.notices import ReportPart

NONE = -1
"""No EVSE or connector, in a key."""
VALUE_MAX = 2500


class VariableKey(NamedTuple):
    """Which attribute of which variable of a station."""

    component: str
    """Component; empty for a key of OCPP 1.6."""
    component_instance: str
    """Instance of the component, empty if there is one only."""
    evse: int
    """EVSE of the component; -1: none."""
    connector: int
    """Connector of the component; -1: none."""
    variable: str
    """Variable, or the key of OCPP 1.6."""
    variable_instance: str
    """Instance of the variable, empty if there is one only."""
    attribute: str
    """Actual, Target, MinSet or MaxSet."""

    @property
    def label(self) -> str:
        """As people write it: Component[instance]#evse.Variable[instance]."""
        place = f"#{self.evse}" if self.evse != NONE else ""
        place += f".{self.connector}" if self.connector != NONE else ""
        component = self.component + (f"[{self.component_instance}]" if self.component_instance else "") + place
        variable = self.variable + (f"[{self.variable_instance}]" if self.variable_instance else "")
        kind = f" ({self.attribute})" if self.attribute != "Actual" else ""
        return (f"{component}.{variable}" if component else variable) + kind


@dataclass(frozen=True, slots=True)
class Variable:
    """One attribute of a variable as the station last said it."""

    key: VariableKey
    """Which."""
    value: str | None
    """Its value as text; None: not readable."""
    mutability: str
    """ReadOnly, WriteOnly, ReadWrite; empty: not said."""
    characteristics: dict[str, Any] | None
    """Unit, type, limits, list of values, as reported; None: not said."""
    at: int
    """When it said so [Unix s]."""


@dataclass(frozen=True, slots=True)
class VariableView:
    """A variable as it is shown."""

    label: str
    """As people write it."""
    name: VariableName
    """As commands name it."""
    attribute: str
    """Actual, Target, MinSet or MaxSet."""
    value: str | None
    """Its value; None: not readable."""
    mutability: str
    """ReadOnly, WriteOnly, ReadWrite; empty: not said."""
    characteristics: dict[str, Any] | None
    """Unit, type, limits, list of values, as reported."""
    at: int
    """When the station said so [Unix s]."""


def view_of(variable: Variable) -> VariableView:
    """The variable as it is shown."""
    key = variable.key
    return VariableView(
        key.label,
        name_of(key),
        key.attribute,
        variable.value,
        variable.mutability,
        variable.characteristics,
        variable.at,
    )


def key_of(name: VariableName, attribute: str = "Actual") -> VariableKey:
    """The key of what a command names."""
    return VariableKey(
        name.component,
        name.component_instance,
        NONE if name.evse is None else name.evse,
        NONE if name.connector is None else name.connector,
        name.variable,
        name.variable_instance,
        attribute,
    )


def name_of(key: VariableKey) -> VariableName:
    """What a command calls it."""
    return VariableName(
        key.variable,
        key.component,
        key.variable_instance,
        key.component_instance,
        None if key.evse == NONE else key.evse,
        None if key.connector == NONE else key.connector,
    )


def _key(row: Mapping[str, Any], attribute: str) -> VariableKey:
    component, variable = row.get("component", {}), row.get("variable", {})
    evse: dict[str, Any] = component.get("evse") or {}
    return VariableKey(
        str(component.get("name", ""))[:50],
        str(component.get("instance", ""))[:50],
        int(evse.get("id", NONE)),
        int(evse.get("connectorId", NONE)),
        str(variable.get("name", ""))[:50],
        str(variable.get("instance", ""))[:50],
        attribute[:8],
    )


def of_report(part: ReportPart, now: int) -> list[Variable]:
    """What a part of a report says; a variable without attributes has an empty Actual."""
    found: list[Variable] = []
    for row in part.rows:
        for attribute in cast("Sequence[dict[str, Any]]", row.get("variableAttribute") or ({},)):
            found.append(
                Variable(
                    _key(row, str(attribute.get("type", "Actual"))),
                    _text(attribute.get("value")),
                    str(attribute.get("mutability", "ReadWrite")),
                    row.get("variableCharacteristics"),
                    now,
                )
            )
    return found


def of_answer(command: Command, result: CommandResult, now: int) -> list[Variable]:
    """What an answer to GetVariables or SetVariables says."""
    data = result.data or {}
    if isinstance(command, GetVariables):
        rows = cast("list[dict[str, Any]]", data.get("getVariableResult", []))
        return [
            Variable(
                _key(row, str(row.get("attributeType", command.attribute))),
                _text(row.get("attributeValue")),
                str(row.get("mutability", "")),
                None,
                now,
            )
            for row in rows
            if row.get("attributeStatus") == "Accepted"
        ]
    if isinstance(command, SetVariables):
        rows = cast("list[dict[str, Any]]", data.get("setVariableResult", []))
        given = {key_of(value.name, value.attribute): value.value for value in command.values}
        kept = [_key(row, str(row.get("attributeType", "Actual"))) for row in rows if _taken(row)]
        return [
            Variable(key, given[key], "", None, now) for key in kept if key in given and not is_secret(key.variable)
        ]
    return []


def _taken(row: Mapping[str, Any]) -> bool:
    return row.get("attributeStatus") in ("Accepted", "RebootRequired")


def _text(value: object) -> str | None:
    return None if value is None else str(value)[:VALUE_MAX]


def same_value(wanted: str, has: str | None) -> bool:
    """True if a station that says `has` does what `wanted` wants: lists may be in another order, booleans and numbers
    written otherwise.

    >>> same_value("true", "True"), same_value("a,b", "b, a"), same_value("60", "60.0"), same_value("a", None)
    (True, True, True, False)
    """
    if has is None:
        return False
    if "," in wanted or "," in has:
        return sorted(part.strip() for part in wanted.split(",")) == sorted(part.strip() for part in has.split(","))
    left, right = wanted.strip(), has.strip()
    if {left.casefold(), right.casefold()} <= {"true", "false"}:
        return left.casefold() == right.casefold()
    return left == right or (_plain(left) is not None and _plain(left) == _plain(right))


def _plain(text: str) -> str | None:
    """A decimal number without zeros behind the point."""
    whole, point, fraction = text.partition(".")
    digits = whole.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or (point and not (fraction.isascii() and fraction.isdigit())):
        return None
    fraction = fraction.rstrip("0")
    return f"{'-' if whole.startswith('-') else ''}{digits.lstrip('0') or '0'}" + (f".{fraction}" if fraction else "")


def as_json(characteristics: Mapping[str, Any] | None) -> str:
    """Characteristics as they are kept; empty for none."""
    return json.dumps(characteristics, separators=(",", ":")) if characteristics else ""


def newest(variables: Iterable[Variable]) -> dict[VariableKey, Variable]:
    """By key; the last one of a key wins."""
    return {variable.key: variable for variable in variables}
