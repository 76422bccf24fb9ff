"""Which cases there are, and which function plays each.

`cases.csv` holds the OCA's ids and titles of the CSMS cases of each version; a case is a coroutine over a `Scene`,
registered with the versions it holds for and the basis it was made from.
"""

import csv
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from conformance.scene import Scene

Play = Callable[[Scene], Awaitable[None]]
CASES = Path(__file__).parent / "cases.csv"


@dataclass(frozen=True)
class Case:
    """One row of the OCA's list."""

    version: str
    id: str
    title: str


@dataclass(frozen=True)
class Script:
    """How a case is played."""

    play: Play
    basis: str
    """What it was made from: `part 6` (steps and validations of the OCA's text), or the requirements it checks."""


SCRIPTS: dict[tuple[str, str], Script] = {}


def cases() -> list[Case]:
    """Every case of every version."""
    with CASES.open() as file:
        return [Case(row["version"], row["id"], row["title"]) for row in csv.DictReader(file)]


def case(name: str, *versions: str, basis: str) -> Callable[[Play], Play]:
    """Register a coroutine as case `name` of `versions`."""

    def register(play: Play) -> Play:
        for version in versions:
            if (version, name) in SCRIPTS:
                raise ValueError(f"{name} of {version} is there twice")
            SCRIPTS[version, name] = Script(play, basis)
        return play

    return register
