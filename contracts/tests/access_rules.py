"""How a contract classifies its functions for test_access.py."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class World:
    """A contract with its roles given out."""

    contract: Any
    callers: dict[str, str] = field(default_factory=dict)
    """More callers by name: contracts that have a role."""
    things: dict[str, Any] = field(default_factory=dict)
    """Whatever the arguments need."""


@dataclass(frozen=True)
class Restricted:
    """A function that only some may call; with `args` they can."""

    allowed: set[str]
    """Names of those who may."""
    reason: str
    """What everybody else is told."""
    args: Callable[[World], tuple] = lambda world: ()
    world: Callable[[Any, Any], World] | None = None
    """A world of its own, where the contract's common one does not fit."""
