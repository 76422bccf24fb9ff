"""The OCPP schemas, compiled, and which CALLERROR code a broken rule earns in each version.

Codes follow the words of each version's own table (OCPP-J 1.6 table 7 with its errata, OCPP 2.0.1 part 4 table 8, 2.1
part 4 table 9): a missing field is an incomplete payload (`ProtocolError`) in 1.6 and an occurrence fault in 2.x; an
unknown field breaks the PDU structure, `FormationViolation` in 1.6 and `ProtocolError` in 2.x.
"""

import enum
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast

import jsonschema_rs
import orjson

Version = Literal["1.6", "2.0.1", "2.1"]
VERSIONS: tuple[Version, ...] = ("1.6", "2.0.1", "2.1")

INT32_MAX = 2**31 - 1
REGISTER_MAX = 2**53
CONNECTOR_MAX = 999


class Fault(enum.Enum):
    """What is wrong with a frame or what hinders its handling, in no version's spelling."""

    RPC = "not a valid RPC message"
    MESSAGE_TYPE = "unknown message type"
    DUPLICATE = "message id was used before"
    UNKNOWN_ACTION = "unknown action"
    UNSUPPORTED_ACTION = "action is known but not handled here"
    FORMAT = "payload is not an object"
    STRUCTURE = "unknown field"
    MISSING = "required field is missing"
    OCCURRENCE = "too few or too many elements"
    TYPE = "wrong data type"
    PROPERTY = "value is not allowed"
    INTERNAL = "could not be processed"
    BUSY = "too many calls outstanding"
    SECURITY = "not allowed before the station is accepted"


CODES: dict[Version, dict[Fault, str]] = {
    "1.6": {
        Fault.RPC: "FormationViolation",
        Fault.MESSAGE_TYPE: "GenericError",
        Fault.DUPLICATE: "GenericError",
        Fault.UNKNOWN_ACTION: "NotImplemented",
        Fault.UNSUPPORTED_ACTION: "NotSupported",
        Fault.FORMAT: "FormationViolation",
        Fault.STRUCTURE: "FormationViolation",
        Fault.MISSING: "ProtocolError",
        Fault.OCCURRENCE: "OccurenceConstraintViolation",
        Fault.TYPE: "TypeConstraintViolation",
        Fault.PROPERTY: "PropertyConstraintViolation",
        Fault.INTERNAL: "InternalError",
        Fault.BUSY: "GenericError",
        Fault.SECURITY: "SecurityError",
    },
    "2.0.1": {
        Fault.RPC: "RpcFrameworkError",
        Fault.MESSAGE_TYPE: "MessageTypeNotSupported",
        Fault.DUPLICATE: "RpcFrameworkError",
        Fault.UNKNOWN_ACTION: "NotImplemented",
        Fault.UNSUPPORTED_ACTION: "NotSupported",
        Fault.FORMAT: "FormatViolation",
        Fault.STRUCTURE: "ProtocolError",
        Fault.MISSING: "OccurrenceConstraintViolation",
        Fault.OCCURRENCE: "OccurrenceConstraintViolation",
        Fault.TYPE: "TypeConstraintViolation",
        Fault.PROPERTY: "PropertyConstraintViolation",
        Fault.INTERNAL: "InternalError",
        Fault.BUSY: "GenericError",
        Fault.SECURITY: "SecurityError",
    },
}
CODES["2.1"] = CODES["2.0.1"]
"""Table 9 of part 4 of 2.1 has the codes and the words of 2.0.1."""

_BY_KEYWORD = {
    "type": Fault.TYPE,
    "required": Fault.MISSING,
    "additionalProperties": Fault.STRUCTURE,
    "minItems": Fault.OCCURRENCE,
    "maxItems": Fault.OCCURRENCE,
}
"""JSON schema keyword to fault; every other one (enum, format, maxLength, minimum ...) is a value not allowed."""


@cache
def _document(version: Version) -> dict[str, dict[str, Any]]:
    text = files("sunpile.chargers").joinpath("schemas", version, "messages.json").read_bytes()
    return cast(dict[str, dict[str, Any]], orjson.loads(text))


@cache
def actions(version: Version) -> frozenset[str]:
    """Every action of the version that is answered, in either direction."""
    names = _document(version)["messages"]
    return frozenset(name.removesuffix("Response") for name in names if name.endswith("Response"))


@cache
def sends(version: Version) -> frozenset[str]:
    """Every action of the version that goes out as SEND and is never answered (2.1: NotifyPeriodicEventStream)."""
    names = _document(version)["messages"]
    return frozenset(name.removesuffix("Request") for name in names if name.endswith("Request")) - actions(version)


@cache
def schema_of(version: Version, message: str) -> dict[str, Any]:
    """The schema of `message` as published, with the definitions of its version beside it."""
    document = _document(version)
    return document["messages"][message] | {"definitions": document["definitions"]}


def _tightened(schema: Any, name: str = "") -> Any:
    """`schema` with bounds on integers: OCPP's are 32 bits wide, and no store takes unbounded ones."""
    if isinstance(schema, list):
        return [_tightened(item) for item in cast(list[Any], schema)]
    if not isinstance(schema, dict):
        return schema
    node = cast(dict[str, Any], schema)
    result = {key: _tightened(value, key) for key, value in node.items()}
    if node.get("type") == "integer":
        low, high = -INT32_MAX - 1, INT32_MAX
        if name in ("meterStart", "meterStop"):
            low, high = -REGISTER_MAX, REGISTER_MAX
        elif name in ("connectorId", "evseId"):
            low, high = 0, CONNECTOR_MAX
        result = {"minimum": low, "maximum": high} | result
    return result


@cache
def validator(version: Version, message: str) -> jsonschema_rs.Draft4Validator:
    """The compiled validator of `message` ("BootNotificationRequest"), formats checked.

    Draft 4 for every version: there 1.0 is no integer, so what passes as an integer is one.
    """
    return jsonschema_rs.Draft4Validator(_tightened(schema_of(version, message)), validate_formats=True)


def first_fault(version: Version, message: str, payload: Any) -> tuple[Fault, str] | None:
    """The first rule `payload` breaks and a sentence that repeats no value of it; None if it is valid."""
    compiled = validator(version, message)
    if compiled.is_valid(payload):
        return None
    try:
        compiled.validate(payload)
    except jsonschema_rs.ValidationError as error:
        keyword = str(error.kind.name)
        place = "/".join(str(step) for step in error.instance_path) or "payload"
        fault = _BY_KEYWORD.get(keyword, Fault.PROPERTY)
        return fault, f"{place}: {fault.value} ({keyword})"
    return None
