"""How each deviation of `leniency` mends the one place that broke a rule. Pure.

A mender gets a `Problem` and says what should stand there instead, or None if the problem is none of its own.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from sunpile.chargers.validation import Version, schema_of

TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?", re.ASCII)
SHORT_ZONE = re.compile(r"[+-]\d{2}", re.ASCII)
NUMBER = re.compile(r"-?\d{1,15}(\.0*)?", re.ASCII)
DECIMAL = re.compile(r"-?\d{1,15}(\.\d{1,9})?", re.ASCII)
IDENTIFIERS = frozenset({"idTag", "idToken", "parentIdTag", "transactionId", "additionalIdToken", "id"})
"""Texts that name somebody or something: cut, they would name another."""
STATUS_16 = {
    "occupied": "Preparing",
    "idle": "Available",
    "suspended": "SuspendedEVSE",
    "suspendedev": "SuspendedEV",
    "charge": "Charging",
    "finished": "Finishing",
    "outofservice": "Unavailable",
    "offline": "Unavailable",
    "error": "Faulted",
}
STATUS_2X = {
    "charging": "Occupied",
    "preparing": "Occupied",
    "suspendedev": "Occupied",
    "suspendedevse": "Occupied",
    "finishing": "Occupied",
    "idle": "Available",
    "error": "Faulted",
}


class Problem(NamedTuple):
    """One broken rule."""

    version: Version
    """OCPP version."""
    message: str
    """Such as MeterValuesRequest."""
    payload: dict[str, Any]
    """The whole payload."""
    path: tuple[str | int, ...]
    """Where."""
    rule: str
    """Keyword of the schema: type, enum, required ..."""
    options: tuple[Any, ...] = ()
    """Of enum: what is allowed."""
    unexpected: tuple[str, ...] = ()
    """Of additionalProperties: what is not."""
    missing: str = ""
    """Of required: what is missing."""
    limit: int = 0
    """Of maxLength and its like."""
    types: tuple[str, ...] = ()
    """Of type: what is allowed."""

    @property
    def value(self) -> Any:
        """What stands there."""
        return _at(self.payload, self.path)

    @property
    def name(self) -> str:
        """The field it is about."""
        return next((step for step in reversed(self.path) if isinstance(step, str)), "")


class Fix(NamedTuple):
    """What should stand at a place instead; `drop`: nothing."""

    path: tuple[str | int, ...]
    value: Any = None
    drop: bool = False


def apply(payload: dict[str, Any], fix: Fix) -> None:
    """Change `payload` in place."""
    holder = _at(payload, fix.path[:-1])
    if fix.drop:
        del holder[fix.path[-1]]
    else:
        holder[fix.path[-1]] = fix.value


def _at(node: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        node = node[step]
    return node


def _optional(problem: Problem, path: tuple[str | int, ...]) -> bool:
    """True if what stands at `path` may be left out."""
    if not path or not isinstance(path[-1], str):
        return False
    schema = schema_of(problem.version, problem.message)
    definitions = schema["definitions"]
    node: dict[str, Any] = schema
    for step in path[:-1]:
        node = node.get("items", {}) if isinstance(step, int) else node.get("properties", {}).get(step, {})
        if "$ref" in node:
            node = definitions[node["$ref"].rpartition("/")[2]]
    return path[-1] not in node.get("required", ())


def unknown_fields(problem: Problem) -> Fix | None:
    if problem.rule != "additionalProperties":
        return None
    return Fix((*problem.path, problem.unexpected[0]), drop=True)


def null_fields(problem: Problem) -> Fix | None:
    if problem.rule in ("type", "enum") and problem.value is None and _optional(problem, problem.path):
        return Fix(problem.path, drop=True)
    return None


def empty_texts(problem: Problem) -> Fix | None:
    if problem.rule in ("format", "enum", "minLength", "type") and problem.value == "":
        return Fix(problem.path, drop=True) if _optional(problem, problem.path) else None
    return None


def time_without_zone(problem: Problem) -> Fix | None:
    if problem.rule != "format" or not isinstance(problem.value, str) or not TIME.fullmatch(problem.value):
        return None
    return Fix(problem.path, problem.value + "Z") if problem.value[10] == "T" else None


def time_other_form(problem: Problem) -> Fix | None:
    if problem.rule != "format" or not isinstance(problem.value, str):
        return None
    found = TIME.match(problem.value)
    if found is None:
        return None
    time, zone = found[0].replace(" ", "T"), problem.value[found.end() :].strip()
    if SHORT_ZONE.fullmatch(zone):
        zone += ":00"
    mended = time + zone
    return Fix(problem.path, mended) if mended != problem.value else None


def texts_for_numbers(problem: Problem) -> Fix | None:
    value = problem.value
    if problem.rule != "type" or not isinstance(value, str):
        return None
    if "integer" in problem.types and NUMBER.fullmatch(value):
        return Fix(problem.path, int(value.partition(".")[0]))
    if "number" in problem.types and DECIMAL.fullmatch(value):
        return Fix(problem.path, float(value) if "." in value else int(value))
    return None


def numbers_for_texts(problem: Problem) -> Fix | None:
    value = problem.value
    if problem.rule != "type" or problem.types != ("string",):
        return None
    if isinstance(value, bool):
        return Fix(problem.path, "true" if value else "false")
    return Fix(problem.path, str(value)) if isinstance(value, int | float) else None


def fractions_for_integers(problem: Problem) -> Fix | None:
    value = problem.value
    if problem.rule == "type" and problem.types == ("integer",) and isinstance(value, float) and abs(value) < 2**53:
        return Fix(problem.path, int(value))
    return None


def one_for_list(problem: Problem) -> Fix | None:
    value = problem.value
    if problem.rule == "type" and problem.types == ("array",) and isinstance(value, dict):
        return Fix(problem.path, [cast(dict[str, Any], value)])
    return None


def empty_lists(problem: Problem) -> Fix | None:
    """Leave the list out, or the entry of a longer list that it belongs to."""
    if problem.rule != "minItems" or problem.value != []:
        return None
    if _optional(problem, problem.path):
        return Fix(problem.path, drop=True)
    outer = problem.path[:-1]
    if len(outer) >= 2 and isinstance(outer[-1], int) and len(_at(problem.payload, outer[:-1])) > 1:
        return Fix(outer, drop=True)
    return None


def long_texts(problem: Problem) -> Fix | None:
    if problem.rule != "maxLength" or problem.name in IDENTIFIERS:
        return None
    return Fix(problem.path, problem.value[: problem.limit])


def long_id_tags(problem: Problem) -> Fix | None:
    if problem.rule != "maxLength" or problem.name not in ("idTag", "parentIdTag"):
        return None
    return Fix(problem.path, problem.value[: problem.limit])


def enum_spelling(problem: Problem) -> Fix | None:
    if problem.rule != "enum" or not isinstance(problem.value, str):
        return None
    meant = [option for option in problem.options if _plain(option) == _plain(problem.value)]
    return Fix(problem.path, meant[0]) if len(meant) == 1 else None


def _plain(word: object) -> str:
    return re.sub(r"[\s._-]", "", str(word)).casefold()


def status_words(problem: Problem) -> Fix | None:
    if problem.rule != "enum" or problem.name not in ("status", "connectorStatus"):
        return None
    if problem.message != "StatusNotificationRequest":
        return None
    word = (STATUS_16 if problem.version == "1.6" else STATUS_2X).get(_plain(problem.value))
    return Fix(problem.path, word) if word else None


def error_codes(problem: Problem) -> Fix | None:
    if problem.rule == "enum" and problem.name == "errorCode" and "OtherError" in problem.options:
        return Fix(problem.path, "OtherError")
    return None


def stop_reasons(problem: Problem) -> Fix | None:
    if problem.rule == "enum" and problem.name in ("reason", "stoppedReason") and "Other" in problem.options:
        return Fix(problem.path, "Other")
    return None


def unknown_measurands(problem: Problem) -> Fix | None:
    """Leave the sampled value out. A reading of an unknown unit is no reading: it is never guessed."""
    if problem.rule != "enum" or problem.name not in ("measurand", "unit") or "sampledValue" not in problem.path:
        return None
    at = problem.path.index("sampledValue") + 2
    samples = _at(problem.payload, problem.path[: at - 1])
    if len(samples) > 1:
        return Fix(problem.path[:at], drop=True)
    # The last one of its meter value: the meter value goes with it, if it is not the only one.
    outer = problem.path[: at - 2]
    if len(outer) >= 2 and len(_at(problem.payload, outer[:-1])) > 1:
        return Fix(outer, drop=True)
    return None


def sample_context(problem: Problem) -> Fix | None:
    if problem.rule == "enum" and problem.name in ("context", "location", "phase", "format"):
        return Fix(problem.path, drop=True) if "sampledValue" in problem.path else None
    return None


def connector_missing(problem: Problem) -> Fix | None:
    if problem.rule != "required" or problem.missing not in ("connectorId", "evseId") or problem.path:
        return None
    if problem.message not in ("MeterValuesRequest", "StatusNotificationRequest"):
        return None
    return Fix((problem.missing,), 1)


def boot_fields_missing(problem: Problem) -> Fix | None:
    if problem.rule != "required" or problem.message != "BootNotificationRequest":
        return None
    if problem.missing not in ("chargePointVendor", "chargePointModel", "vendorName", "model"):
        return None
    return Fix((*problem.path, problem.missing), "unknown")


def placeholder_transactions(message: str, payload: dict[str, Any]) -> int:
    if message == "MeterValuesRequest" and payload.get("transactionId") in (0, -1):
        del payload["transactionId"]
        return 1
    return 0


def kwh_as_wh(message: str, payload: dict[str, Any]) -> int:
    times = 0
    for name in ("meterStart", "meterStop"):
        if message in ("StartTransactionRequest", "StopTransactionRequest") and name in payload:
            payload[name] *= 1000
            times += 1
    for sample in _samples(payload):
        unit: dict[str, Any] = sample.get("unitOfMeasure") or {}
        if sample.get("unit", unit.get("unit", "Wh")) not in ("Wh", "") or unit.get("multiplier", 0) != 0:
            continue
        if str(sample.get("measurand", "Energy.Active.Import.Register")).startswith("Energy.Active"):
            _thousandfold(sample)
            times += 1
    return times


def _thousandfold(sample: dict[str, Any]) -> None:
    """By its unit, so that no digit is lost."""
    if "unitOfMeasure" in sample or not isinstance(sample.get("value"), str):
        sample["unitOfMeasure"] = (sample.get("unitOfMeasure") or {}) | {"unit": "kWh"}
    else:
        sample["unit"] = "kWh"


def decimal_comma(message: str, payload: dict[str, Any]) -> int:
    times = 0
    for sample in _samples(payload):
        value = sample.get("value")
        if isinstance(value, str) and value.count(",") == 1 and "." not in value:
            sample["value"] = value.replace(",", ".")
            times += 1
    return times


def _samples(payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    rows = payload.get("meterValue") or payload.get("transactionData") or ()
    for row in cast(list[dict[str, Any]], rows):
        yield from row.get("sampledValue") or ()
