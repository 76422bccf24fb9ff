"""The audit log's chain: each record holds the hash of the one before; none can be changed or taken out unseen."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

GENESIS = hashlib.sha256(b"sunpile audit").digest()
"""What the first record of a tenant holds."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as it is kept: texts exactly as they were hashed."""

    tenant: str
    """Whose log."""
    number: int
    """From 1, without gaps."""
    at: int
    """Unix s."""
    actor: str
    """`staff:<id>`, `key:<id>` or `node`."""
    action: str
    """As `station.change`."""
    object: str
    """As `station:SP-1`."""
    before: str
    """JSON; `null` = there was nothing."""
    after: str
    """JSON; `null` = there is nothing."""
    reason: str
    """As it was given."""
    previous: bytes
    """Hash of the record before, 32 bytes."""
    hash: bytes
    """SHA-256 over `previous` and all the rest, 32 bytes."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the chain found."""

    records: int
    """How many there are."""
    head: str
    """Hash of the last one, hex: note it elsewhere, and a log cut short is found too."""
    broken_at: int | None
    """Number of the first record that does not fit; None = all do."""
    fault: str
    """What is wrong with it, in words; empty = nothing."""


def canonical(value: Mapping[str, Any] | None) -> str:
    """JSON with sorted names; what JSON does not know as its text."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()


def _plain(value: object) -> object:
    if isinstance(value, (set, frozenset)):
        found: list[str] = [str(item) for item in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return sorted(found)
    return value.hex() if isinstance(value, bytes) else str(value)


def entry_hash(entry: Entry) -> bytes:
    """The hash an entry should have."""
    words = [entry.tenant, entry.number, entry.at, entry.actor, entry.action, entry.object]
    words += [entry.before, entry.after, entry.reason]
    return hashlib.sha256(entry.previous + orjson.dumps(words)).digest()


def check(entries: Iterable[Entry], head: tuple[int, bytes]) -> Verdict:
    """Follow a tenant's whole log, oldest first, to the number and hash its last record is said to have."""
    previous, number = GENESIS, 0
    for entry in entries:
        number += 1
        fault = ""
        if entry.number != number:
            fault = f"record {number} is missing"
        elif entry.previous != previous:
            fault = "it does not hold the hash of the record before"
        elif entry_hash(entry) != entry.hash:
            fault = "its content does not have its hash"
        if fault:
            return Verdict(number, previous.hex(), number, fault)
        previous = entry.hash
    if (number, previous) != head:
        return Verdict(number, previous.hex(), number + 1, f"the log ends before record {head[0]}")
    return Verdict(number, previous.hex(), None, "")
