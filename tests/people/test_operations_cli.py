"""`sunpile station` and `sunpile run`, over the real routes and scripted stations."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import typer
from tests.fleet.parts import ANNA, BERT
from tests.people.operations_door import Door, open_door

from sunpile.basics.errors import SunpileError
from sunpile.chargers import commands as c
from sunpile.chargers.commands import CommandResult
from sunpile.fleet.catalogue import CATALOGUE
from sunpile.people.cli import run
from sunpile.people.cli.operations import run_app, station_app

GOLDEN = Path(__file__).with_name("station_commands.txt")
COMMON = {"stations", "all_", "filter_", "arguments", "per_second", "in_flight", "spread_s", "await_offline",
          "stop_failed", "draft", "note", "wait", "folder", "json_"}  # fmt: skip


class Node:
    """`NodeApi` over the routes."""

    def __init__(self, door: Door) -> None:
        self.door = door

    def _content(self, answer: Any) -> Any:
        if answer.status_code >= 400:
            raise SunpileError(answer.json()["detail"])
        return answer.json()

    def get(self, folder: Path, path: str) -> Any:
        return self._content(self.door.get(path))

    def post(self, folder: Path, path: str, body: Mapping[str, Any]) -> Any:
        return self._content(self.door.post(path, dict(body)))


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with open_door(tmp_path) as found:
        yield found


@pytest.fixture
def line(door: Door) -> typer.Typer:
    app = typer.Typer()
    app.add_typer(station_app(Node(door)), name="station")
    app.add_typer(run_app(Node(door)), name="run")
    return app


def _option(parameter: Any) -> str:
    flags = "/".join(parameter.opts + parameter.secondary_opts)
    kind = parameter.type_descriptor.annotation
    words = "|".join(map(str, get_args(kind))) if get_origin(kind) is Literal else kind.__name__
    return f"{flags}{'!' if '[required]' in (parameter.help or '') else ''}={words}"


def described() -> str:
    """Every command with its own options, as they are on the command line; ! where one must be given."""
    group = typer.main.get_command(station_app(None))  # type: ignore[arg-type]
    lines: list[str] = []
    for name in group.list_commands(None):  # type: ignore[attr-defined]
        command = group.get_command(None, name)  # type: ignore[attr-defined]
        assert {parameter.name for parameter in command.params} >= COMMON, name
        own = [p for p in command.params if p.name not in COMMON and p.name != "help"]
        lines.append(" ".join([name, *map(_option, own)]))
    return "\n".join(lines) + "\n"


def test_there_is_a_command_with_an_option_for_every_field_of_every_operation() -> None:
    found = described()
    assert len(found.splitlines()) == len(CATALOGUE)
    assert found == GOLDEN.read_text(), f"a command has changed: write described() to {GOLDEN.name} if it is meant"


def test_help_names_operations_in_their_groups(line: typer.Typer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line, ["station", "--help"]) == 0
    said = capsys.readouterr().out
    assert "unlock-connector" in said
    assert "Smart charging" in said
    assert run(line, ["station", "reset", "--help"]) == 0
    said = capsys.readouterr().out
    assert "--kind" in said
    assert "重启" in said


def test_one_station_is_asked_with_plain_and_nested_options(line: typer.Typer, door: Door) -> None:
    assert run(line, ["station", "remote-start", "S0", "--token", "04AA", "--evse", "1"]) == 0
    start = door.stations.asked[0][1]
    assert isinstance(start, c.RemoteStart)
    assert (start.token, start.evse) == (c.Token("04AA"), 1)
    profile = {"id": 4, "schedules": [{"periods": [{"start_s": 0, "limit": 7000}]}]}
    assert run(line, ["station", "set-charging-profile", "S0", "--evse", "0", "--profile", json.dumps(profile)]) == 0
    assert isinstance(door.stations.asked[1][1], c.SetChargingProfile)
    assert run(line, ["station", "change-availability", "S0", "--no-operative"]) == 0
    assert door.stations.asked[2][1] == c.ChangeAvailability(operative=False)
    assert run(line, ["station", "reset", "S0", "--arguments", '{"kind": "Immediate"}']) == 0
    assert door.stations.asked[3][1] == c.Reset("Immediate")


def test_settings_are_named_and_changed_in_short_forms(line: typer.Typer, door: Door, tmp_path: Path) -> None:
    ctrlr = c.VariableName("HeartbeatInterval", "OCPPCommCtrlr")
    names = ["--names", "OCPPCommCtrlr.HeartbeatInterval", "--names", "HeartbeatInterval"]
    assert run(line, ["station", "get-variables", "S0", *names]) == 0
    assert door.stations.asked[0][1] == c.GetVariables([ctrlr, c.VariableName("HeartbeatInterval")])
    assert run(line, ["station", "set-variables", "S0", "--values", "OCPPCommCtrlr.HeartbeatInterval=a,b=c"]) == 0
    assert door.stations.asked[1][1] == c.SetVariables([c.VariableValue(ctrlr, "a,b=c")])
    file = tmp_path / "names.json"
    file.write_text('[{"variable": "HeartbeatInterval"}]')
    assert run(line, ["station", "get-variables", "S0", "--names", f"@{file}"]) == 0
    assert door.stations.asked[2][1] == c.GetVariables([c.VariableName("HeartbeatInterval")])
    assert run(line, ["station", "clear-monitors", "S0", "--ids", "3", "--ids", "4"]) == 0
    assert door.stations.asked[3][1] == c.ClearMonitors([3, 4])
    entries = ["--version", "2", "--update", "Full", "--entries", "04AA", "--entries", "04BB"]
    assert run(line, ["station", "send-local-list", "S0", *entries]) == 0
    listed = door.stations.asked[4][1]
    assert isinstance(listed, c.SendLocalList)
    assert [entry.token.id for entry in listed.entries] == ["04AA", "04BB"]


def test_a_fleet_is_asked_with_a_result_for_each_and_a_failing_exit(
    line: typer.Typer, door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    door.stations.answers["S3"] = CommandResult("Rejected", accepted=False, reason="[red]Busy[/red]")
    assert run(line, ["station", "clear-cache", "--all"]) == 1
    said = capsys.readouterr().out
    assert "5 done, 1 rejected" in said
    assert "[red]Busy[/red]" in said
    assert run(line, ["station", "clear-cache", "--filter", "vendor=Even", "--json", "--note", "spring"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert [item["station"] for item in body["items"]] == ["S0", "S2", "S4"]
    assert body["options"]["note"] == "spring"


def test_runs_are_listed_approved_shown_and_retried(
    line: typer.Typer, door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    door.is_now(ANNA)
    assert run(line, ["station", "reset", "--all", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)["run"]
    assert run(line, ["run", "approve", made]) == 1
    assert "somebody else" in capsys.readouterr().err
    door.is_now(BERT)
    door.stations.answers["S1"] = CommandResult("Rejected", accepted=False)
    assert run(line, ["run", "approve", made]) == 0
    door.ended(made)
    assert run(line, ["run", "show", made]) == 1
    door.stations.answers.clear()
    assert run(line, ["run", "retry", made]) == 0
    assert run(line, ["run", "show", made, "--wait"]) == 0
    capsys.readouterr()
    assert run(line, ["run", "list", "--json"]) == 0
    assert [(row["run"], row["counts"]) for row in json.loads(capsys.readouterr().out)] == [(made, {"done": 6})]
    assert run(line, ["run", "cancel", made]) == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["reset"], 1), (["reset", "S0", "--all"], 1), (["reset", "--filter", "vendor"], 1), (["explode", "S0"], 2),
     (["reset", "S0", "--kind", "Now"], 2), (["unlock-connector", "S0"], 1), (["reset", "S0", "--arguments", "["], 1),
     (["remote-start", "S0", "--token", "{"], 1), (["clear-monitors", "S0", "--ids", "x"], 1),
     (["set-variables", "S0", "--values", "A"], 1),
     (["set-default-tariff", "S0", "--evse", "0", "--tariff", "x"], 1), (["clear-cache", "X0"], 1)],
)  # fmt: skip
def test_wrong_use_is_refused_and_nobody_is_asked(
    line: typer.Typer, door: Door, arguments: list[str], code: int
) -> None:
    assert run(line, ["station", *arguments]) == code
    assert door.stations.asked == []
