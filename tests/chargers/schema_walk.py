"""Payloads made from a published schema: the least it allows, all it knows, and anything between."""

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import ocpp

FOLDERS = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
TIME = "2023-11-14T22:13:20Z"


@cache
def published(version: str, message: str) -> dict[str, Any]:
    """The published schema of a message."""
    folder = Path(ocpp.__file__).parent / FOLDERS[version] / "schemas"
    file = folder / f"{message}.json"
    if not file.exists():
        file = folder / f"{message.removesuffix('Request')}.json"
    return json.loads(file.read_text("utf-8-sig"))


@cache
def judge(version: str, message: str) -> Any:
    """The validator by the published schema."""
    return jsonschema_rs.Draft4Validator(published(version, message), validate_formats=True)


def payload(version: str, message: str, chance: random.Random, fullness: float) -> Any:
    """One payload; each optional field is there with probability `fullness`."""
    schema = published(version, message)
    made = _made(schema, schema.get("definitions", {}), chance, fullness, "")
    judge(version, message).validate(made)
    return made


def _made(schema: Any, definitions: Any, chance: random.Random, fullness: float, name: str) -> Any:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]]
    if "enum" in schema:
        return chance.choice(schema["enum"])
    match schema.get("type"):
        case "object":
            required = schema.get("required", [])
            return {
                key: _made(inner, definitions, chance, fullness, key)
                for key, inner in schema.get("properties", {}).items()
                if key in required or (key != "customData" and chance.random() < fullness)
            }
        case "array":
            count = chance.randint(max(1, schema.get("minItems", 0)), min(2, schema.get("maxItems", 2)))
            return [_made(schema["items"], definitions, chance, fullness, name) for _ in range(count)]
        case "string":
            return _text(schema, chance, name)
        case "integer":
            return chance.randint(int(schema.get("minimum", 1)), int(schema.get("maximum", 99)))
        case "number":
            return chance.randint(int(schema.get("minimum", 0)), int(min(schema.get("maximum", 99), 99))) + (
                0.5 if "maximum" not in schema and "multipleOf" not in schema else 0
            )
        case "boolean":
            return chance.random() < 0.5
        case _:
            return "text"


def _text(schema: Any, chance: random.Random, name: str) -> str:
    match schema.get("format"):
        case "date-time":
            return TIME
        case "uri":
            return "https://node.example/file"
        case _:
            # 1.6 carries numbers as text.
            text = str(chance.randint(1, 99)) if name == "value" else f"{name or 'text'} {chance.randint(0, 9)}"
            return text[: schema.get("maxLength", 50)]
