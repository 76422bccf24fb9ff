"""The program: the command line over what a node, a member and a demo can do."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from sunpile.people.cli import build, run
from sunpile.people.cli.commands import Commands
from sunpile.wiring.node_rest import NodeOfFolder


def commands() -> Commands:
    """Every command with what it calls."""
    return Commands(
        init=_late("upkeep", "init"),
        node=_late("run_node", "node"),
        door=_late("run_door", "door"),
        member=_late("run_member", "member"),
        demo=_late("run_demo", "demo"),
        status=_late("upkeep", "status"),
        pile_add=_late("upkeep", "pile_add"),
        verify=_late("upkeep", "verify"),
        reconcile=_late("upkeep", "reconcile"),
        backup=_late("upkeep", "backup"),
        restore=_late("upkeep", "restore"),
        doctor=_late("upkeep", "doctor"),
        move=_late("moving", "move"),
        rest=NodeOfFolder(),
    )


def _late(module: str, name: str) -> Callable[..., Any]:
    """A command whose module is imported when it is called: a member needs no town, `status` no node."""

    def call(*arguments: Any) -> Any:
        return getattr(import_module(f"sunpile.wiring.{module}"), name)(*arguments)

    return call


def main() -> None:
    """Entry of the `sunpile` script."""
    sys.exit(run(build(commands())))
