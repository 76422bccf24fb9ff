"""The command line: `sunpile` starts, shows, checks and repairs a node. `build(commands)` makes it."""

from sunpile.people.cli.app import build, run

__all__ = ["build", "run"]
