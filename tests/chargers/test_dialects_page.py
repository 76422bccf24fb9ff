"""The reference of commands says what the dialects do."""

from pathlib import Path

from tests.chargers.test_dialects_commands import DIALECTS, MORE_ACTIONS, knows, plain

from sunpile.chargers.commands import COMMANDS, Command

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "commands.md"


def table() -> str:
    """Command, and the actions that carry it out in each version."""
    lines = ["| Command | OCPP 1.6 | OCPP 2.0.1 | OCPP 2.1 |", "|---|---|---|---|"]
    lines += ["| " + " | ".join([f"`{kind.__name__}`", *_cells(kind)]) + " |" for kind in COMMANDS]
    return "\n".join(lines)


def _cells(kind: type[Command]) -> list[str]:
    cells: list[str] = []
    for dialect in DIALECTS:
        asked = [plain(kind), *(more for more in MORE_ACTIONS[dialect.version] if isinstance(more, kind))]
        known = [action for command in asked if knows(dialect, command) for action, _ in dialect.calls(command)]
        cells.append(", ".join(dict.fromkeys(known)) or "-")
    return cells


def test_the_page_lists_every_command_with_its_actions() -> None:
    assert table() in PAGE.read_text()
