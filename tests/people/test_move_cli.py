"""`sunpile move` on the command line: what it asks for, what it shows, where passwords go."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sunpile.basics.errors import InputInvalid
from sunpile.fleet.moving.model import Moved, Problem, Tally
from sunpile.people.cli.commands import Progress
from sunpile.people.cli.moving import MoveWish, move_app

PROBLEMS = tuple(Problem("tag", f"T{number}", "its expiry cannot be read: it has expired here") for number in range(8))
REPORT = Moved(
    "SteVe", "default", False, {"stations": Tally(3, 1, 1, 0, 1), "tokens": Tally(2, 2)},
    (*PROBLEMS, Problem("station", "B[b]1", "its identity is taken by another tenant of this node", True)),
    {"web_user": "staff sign in anew"}, {"SP-1": "AB12"},
)  # fmt: skip


class Mover:
    """Remembers what was wished."""

    def __init__(self, answer: Moved | Exception = REPORT) -> None:
        self.wishes: list[MoveWish] = []
        self._answer = answer

    def __call__(self, wish: MoveWish, progress: Progress) -> Moved:
        self.wishes.append(wish)
        progress.say("Reading ...")
        progress.step(1, 2, "stations")
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def run(mover: Mover, *words: str) -> Any:
    return CliRunner().invoke(move_app(mover), list(words), env={"COLUMNS": "200"})


def test_options_become_a_wish() -> None:
    mover = Mover()
    run(mover, "steve", "d.sql", "-f", "here", "--tenant", "acme", "--max-w", "50000", "--no-passwords", "--dry-run",
        "--profile", "2")  # fmt: skip
    run(mover, "citrineos", "out", "--source-tenant", "7")
    run(mover, "steve", "d.sql", "--names")
    assert mover.wishes == [
        MoveWish("steve", Path("d.sql"), Path("here"), "acme", True, 50_000, True, 2),
        MoveWish("citrineos", Path("out"), Path("data"), "default", False, 22_000, False, None, "7"),
        MoveWish("steve", Path("d.sql"), Path("data"), "default", False, 22_000, False, names=True),
    ]


def test_a_report_says_each_cause_once_and_shows_passwords() -> None:
    shown = run(Mover(), "steve", "d.sql").output
    assert shown.count("its expiry cannot be read") == 1
    for words in (
        "T0, T1, T2, T3, T4 and 3 more",
        "B[b]1",
        "taken by another tenant",
        "web_user",
        "AB12",
        "shown once",
    ):
        assert words in shown, words


def test_json_holds_everything() -> None:
    found = json.loads(run(Mover(), "steve", "d.sql", "--json").output)
    assert found["tallies"]["stations"] == {"found": 3, "moved": 1, "known": 1, "changed": 0, "refused": 1}
    assert (found["passwords"], len(found["problems"])) == ({"SP-1": "AB12"}, 9)


def test_passwords_go_to_a_private_file_and_nowhere_else(tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    for words in ((), ("--json",)):
        shown = run(Mover(), "steve", "d.sql", "--passwords", str(file), *words)
        assert "AB12" not in shown.output
        assert file.read_text().splitlines() == ["station,password", "SP-1,AB12"]
        assert os.stat(file).st_mode & 0o077 == 0
        file.unlink()


def test_a_file_that_exists_is_not_written_over_and_nothing_is_moved(tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text("mine")
    mover = Mover()
    assert isinstance(run(mover, "steve", "d.sql", "--passwords", str(file)).exception, FileExistsError)
    assert (file.read_text(), mover.wishes) == ("mine", [])


def test_a_move_that_fails_leaves_no_file(tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    found = run(Mover(InputInvalid("line 3 is broken")), "steve", "d.sql", "--passwords", str(file))
    assert isinstance(found.exception, InputInvalid)
    assert not file.exists()


@pytest.mark.parametrize("words", [("steve",), ("citrineos",), ("oracle", "x"), ("steve", "d.sql", "--profile", "3")])
def test_wrong_usage_is_refused(words: tuple[str, ...]) -> None:
    assert run(Mover(), *words).exit_code == 2
