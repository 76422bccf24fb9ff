"""The program: the command line over what a node, a member and a demo can do."""

import sys

from sunpile.people.cli import build, run
from sunpile.people.cli.commands import Commands
from sunpile.wiring import running, upkeep


def commands() -> Commands:
    """Every command with what it calls."""
    return Commands(
        init=upkeep.init,
        node=running.node,
        member=running.member,
        demo=running.demo,
        status=upkeep.status,
        pile_add=upkeep.pile_add,
        verify=upkeep.verify,
        reconcile=upkeep.reconcile,
        backup=upkeep.backup,
        restore=upkeep.restore,
        doctor=upkeep.doctor,
    )


def main() -> None:
    """Entry of the `sunpile` script."""
    sys.exit(run(build(commands())))
