"""Frames that are almost right: payloads made by walking the schemas, then damaged. For tests and for the bench.

`storm(version, count, seed)` sends `count` frames through the codec and returns what became of them; anything but a
frame or a `FrameInvalid` is raised. Random by seed only, so that a finding can be repeated.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from sunpile.basics.errors import FrameInvalid
from sunpile.chargers.codec import MAX_ID, Codec
from sunpile.chargers.leniency import BY_ID, mend
from sunpile.chargers.validation import CODES, Version, actions, schema_of, sends

TEXTS = (
    "",
    "a",
    "x" * 300,
    "2023-11-14T22:13:20Z",
    "\u202e\u0000\ud7ff",
    "-1",
    "NaN",
    "１２",
    "'; DROP TABLE stations;--",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "${jndi:ldap://x}",
    "\r\nSet-Cookie: a=b",
    "%s%n%x",
    "../../etc/passwd",
)
NUMBERS = (0, -1, 1, 2**31 - 1, 2**31, -(2**31) - 1, 2**53, 2**63, 2**64, 10**30, 0.5, 1e308, -0.0)
ODD: tuple[Any, ...] = (None, True, False, [], {}, [[]], [None], {"": 0}, *TEXTS, *NUMBERS)
SHAPED = {"date-time": "2023-11-14T22:13:20.123Z", "uri": "https://node.example/file"}
BROKEN = ("{", "}", "[", "]", ",", ":", '"', "\\", "\\u0000", "\\ud800", "\x00", "1e999", "NaN", "-", "\ufeff", "é")


def made(version: Version, message: str, rng: random.Random) -> dict[str, Any]:
    """A valid payload of `message`, with some of its optional fields."""
    schema = schema_of(version, message)
    value = _value(schema, schema["definitions"], rng, 0)
    assert isinstance(value, dict)
    return value


def _value(schema: dict[str, Any], definitions: dict[str, Any], rng: random.Random, depth: int) -> Any:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        return rng.choice(schema["enum"])
    match schema.get("type"):
        case "object":
            needed = schema.get("required", ())
            some = 0.3 / (1 + depth)
            return {
                name: _value(inner, definitions, rng, depth + 1)
                for name, inner in schema.get("properties", {}).items()
                if name in needed or rng.random() < some
            }
        case "array":
            least = max(1, int(schema.get("minItems", 1)))
            return [_value(schema.get("items", {}), definitions, rng, depth + 1) for _ in range(least)]
        case "integer":
            return rng.randint(int(schema.get("minimum", 0)), int(schema.get("maximum", 900)))
        case "number":
            return rng.randint(int(schema.get("minimum", 0)), int(schema.get("maximum", 900))) + rng.choice((0, 0.5))
        case "boolean":
            return rng.random() < 0.5
        case "string":
            if schema.get("format") in SHAPED:
                return SHAPED[schema["format"]]
            return "x" * rng.randint(1, min(12, schema.get("maxLength", 12)))
        case _:
            return rng.choice(("x", 1, None))


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a payload."""
    yield path
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, value in inner:
        yield from places(value, (*path, step))


def odd(rng: random.Random) -> Any:
    """A value that fits nowhere, the caller's own."""
    return deepcopy(rng.choice(ODD))


def damaged(payload: dict[str, Any], rng: random.Random) -> Any:
    """`payload` with one place changed."""
    path = rng.choice(list(places(payload)))
    if not path:
        return rng.choice((payload | {"extra": odd(rng)}, odd(rng)))
    holder: Any = payload
    for step in path[:-1]:
        holder = holder[step]
    how = rng.randrange(4)
    if how == 0:
        del holder[path[-1]]
    elif how == 1 and isinstance(holder[path[-1]], list):
        holder[path[-1]] = holder[path[-1]] * rng.choice((0, 2, 50))
    elif how == 2 and isinstance(holder, dict):
        holder[rng.choice(TEXTS)] = odd(rng)
    else:
        holder[path[-1]] = odd(rng)
    return payload


def frames(version: Version, count: int, seed: int) -> Iterator[str]:
    """`count` hostile frames, some of them valid after all."""
    rng = random.Random(seed)
    known = sorted(actions(version) | sends(version))
    for _ in range(count):
        action = rng.choice(known)
        payload: Any = made(version, action + "Request", rng)
        for _ in range(rng.choice((0, 1, 1, 2, 5))):
            if isinstance(payload, dict):
                payload = damaged(payload, rng)
        kind = rng.choice((*(2,) * 12, 3, 4, 5, 6, rng.choice(ODD)))
        frame = [
            kind,
            rng.choice(("id", rng.choice(ODD))),
            rng.choice((action, action, action, rng.choice(ODD))),
            payload,
        ]
        if kind == 3:
            del frame[2]
        if rng.random() < 0.1:
            frame = frame[: rng.randint(0, 4)] + [rng.choice(ODD)] * rng.randint(0, 2)
        text = json.dumps(frame)
        if rng.random() < 0.2:
            at = rng.randint(0, len(text))
            text = text[:at] + rng.choice(BROKEN) + text[at + rng.randint(0, 3) :]
        yield text


def storm(version: Version, count: int, seed: int, told: Callable[[str], None] | None = None) -> Counter[str]:
    """Send hostile frames through the codec, strict and with every leniency; what became of them."""
    became: Counter[str] = Counter()
    strict = Codec(version)

    def mender(message: str, payload: dict[str, Any], valid: bool) -> dict[str, Any] | None:
        mended = None if valid else mend(version, message, payload, BY_ID)
        return mended.payload if mended else None

    lenient = Codec(version, mender)
    for text in frames(version, count, seed):
        if told is not None:
            told(text)
        for name, codec in (("strict", strict), ("lenient", lenient)):
            try:
                became[f"{name} {type(codec.decode(text)).__name__}"] += 1
            except FrameInvalid as fault:
                answer = json.loads(codec.error(fault))
                if answer[2] not in CODES[version].values() or len(answer[1]) > MAX_ID:
                    raise RuntimeError(f"{text!r} is answered by {answer}") from fault
                became[f"{name} {fault.ocpp_code}"] += 1
    return became
