"""What a command is, and the decorator that makes a plain frozen record of it which forms, REST and CLI can read."""

from dataclasses import dataclass
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Command:
    """Something a charging station can be asked, in no version's words. Times are Unix seconds UTC."""


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """A frozen, slotted dataclass whose field docstrings become help texts, and which refuses unknown members."""
    made: type[T] = dataclass(frozen=True, slots=True)(cls)
    made.__pydantic_config__ = {"use_attribute_docstrings": True, "extra": "forbid"}  # pyright: ignore[reportAttributeAccessIssue]
    return made


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a station said to a command."""

    status: str
    """The status in the station's words (Accepted, Rejected, RebootRequired ...), or the code of its CALLERROR."""
    accepted: bool
    """True if the station does or will do it."""
    reason: str = ""
    """Its reason code and additional information, or the CALLERROR's description; empty if it gave none."""
    data: dict[str, Any] | None = None
    """What it answered beyond a status, in the words of OCPP 2.1; None if nothing."""
