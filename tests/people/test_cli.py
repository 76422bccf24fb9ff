"""The command line: each command calls its function once, errors are one sentence and an exit code."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from sunpile.basics.errors import PortBusy, Unreachable
from sunpile.people.cli import build, run
from sunpile.people.cli.commands import (
    Commands,
    DemoResult,
    DemoWish,
    Difference,
    Finding,
    InitReport,
    Progress,
    Verdict,
)
from sunpile.people.cli.node_api import StationDoor
from sunpile.people.wishes import PileCard

SUMMARY = {
    "intervals_settled": 96, "points": 84, "wh_matched": 612_300, "wh_grid": 401_200, "price_mean": 184_000,
    "retail_mean": 291_000, "price_at_edge_share": 0.08, "gas_per_point_interval": 6_312, "worse_off": 0,
    "reconcile_differences": 0, "wall_s": 97.4, "buyers_gain": 41 * 10**9, "sellers_gain": 52 * 10**9,
    "page": "http://127.0.0.1:8400/",
}  # fmt: skip


class NoNode:
    """`RestApi` where no node runs."""

    def get(self, folder: Path, path: str) -> Any:
        raise Unreachable(f"no node answers for {folder}")

    def post(self, folder: Path, path: str, body: Mapping[str, Any]) -> Any:
        return self.get(folder, path)

    def ask(self, folder: Path, method: str, path: str, body: Any) -> Any:
        return self.get(folder, path)

    def doors(self, folder: Path) -> list[StationDoor]:
        return []


class Asked:
    """A registry that remembers; `answers` overrides what a command returns or raises."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.answers: dict[str, Any] = {
            "init": InitReport(Path("data"), Path("data/sunpile.toml"), "token", (Path("data/member-1"),)),
            "status": {"zone": 1, "intervals_settled": 3},
            "pile_add": PileCard("ws://192.0.2.7:8480/ocpp", "SP-001", "a1b2c3d4e5"),
            "verify": Verdict((Finding("price", True, "0.184 is the middle."),), True, "All of it holds."),
            "reconcile": (),
            "backup": Path(__file__),
            "doctor": (
                Finding("chain", True, "answers."),
                Finding("pile SP-1", False, "is silent.", "Check its network."),
            ),
        }

    def command(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self.calls.append((name, arguments))
            answer = self.answers.get(name)
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return call

    def demo(self, wish: DemoWish, progress: Progress, shown: Callable[[DemoResult], None]) -> DemoResult:
        self.calls.append(("demo", (wish,)))
        progress.say("The chain is up.")
        progress.step(1, wish.intervals)
        result = DemoResult(SUMMARY, bool(self.answers.get("demo", True)))
        shown(result)
        return result

    @property
    def registry(self) -> Commands:
        names = {field.name for field in fields(Commands)} - {"demo", "rest"}
        names = (*names, "move")
        return Commands(demo=self.demo, rest=NoNode(), **{name: self.command(name) for name in names})


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.mark.parametrize(
    ("line", "name", "code"),
    [
        ("init -f here --members 4", "init", 0),
        ("node -f here", "node", 0),
        ("member", "member", 0),
        ("demo --exit --seed 7", "demo", 0),
        ("status", "status", 0),
        ("pile add SP-001 --max-w 22000", "pile_add", 0),
        ("verify r.json --rpc http://127.0.0.1:1/rpc", "verify", 0),
        ("reconcile", "reconcile", 0),
        ("backup b.tar", "backup", 0),
        ("restore b.tar -f there", "restore", 0),
        ("doctor", "doctor", 1),
    ],
)
def test_command_calls_its_function_once(asked: Asked, line: str, name: str, code: int) -> None:
    assert run(build(asked.registry), line.split()) == code
    assert [called for called, _ in asked.calls] == [name]


def test_expected_error_is_one_sentence_on_stderr(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    asked.answers["node"] = PortBusy("port 8400 is taken by another program; choose one with http_port")
    assert run(build(asked.registry), ["node"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "sunpile: port 8400 is taken by another program; choose one with http_port\n"


def test_full_disk_is_one_sentence_too(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    asked.answers["backup"] = OSError(28, "No space left on device", "/media/b.tar")
    assert run(build(asked.registry), ["backup", "b.tar"]) == 1
    assert capsys.readouterr().err == "sunpile: No space left on device (/media/b.tar)\n"


@pytest.mark.parametrize("line", ["nonsense", "verify", "demo --intervals 0", "node --wrong"])
def test_wrong_usage_is_exit_code_2(asked: Asked, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(build(asked.registry), line.split()) == 2
    assert capsys.readouterr().err.startswith("sunpile: ")
    assert asked.calls == []


def test_pile_card_uses_the_names_of_chargers_menus(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    run(build(asked.registry), ["pile", "add", "SP-001"])
    text = " ".join(capsys.readouterr().out.split())
    for word in ("ws://192.0.2.7:8480/ocpp", "SP-001", "a1b2c3d4e5", "Charge point ID", "Authorization key", "█"):
        assert word in text, word


def test_json_is_for_programs(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    run(build(asked.registry), ["pile", "add", "SP-001", "--json"])
    assert json.loads(capsys.readouterr().out)["identity"] == "SP-001"
    asked.answers["reconcile"] = (Difference("balance of point 3", "5", "6"),)
    assert run(build(asked.registry), ["reconcile", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["chain"] == "6"


def test_demo_tells_a_person_what_the_day_was(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(build(asked.registry), ["demo", "--exit"]) == 0
    text = capsys.readouterr().out
    for part in (
        "612.3 kWh",
        "60 % of what the town used",
        "EUR 0.184",
        "0.291 from the grid",
        "EUR 41.00",
        "6,312",
        "97 s",
    ):
        assert part in text, part


def test_failed_demo_and_failed_receipt_end_with_1(asked: Asked) -> None:
    asked.answers["demo"] = False
    assert run(build(asked.registry), ["demo", "--exit"]) == 1
    asked.answers["verify"] = replace(asked.answers["verify"], ok=False)
    assert run(build(asked.registry), ["verify", "r.json"]) == 1


def test_doctor_says_what_to_do(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    run(build(asked.registry), ["doctor"])
    text = capsys.readouterr().out
    assert "pile SP-1 is silent." in text
    assert "→ Check its network." in text
    assert "1 of 2 need a hand." in text


def test_every_command_has_a_help_text(asked: Asked) -> None:
    app = build(asked.registry)
    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        shown = CliRunner().invoke(app, [name, "--help"])
        assert shown.exit_code == 0
        assert command.help, name
