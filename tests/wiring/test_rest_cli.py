"""The table of small commands beside the routes of a node as it is wired, and a day's work over them."""

import asyncio
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from fastapi.testclient import TestClient

from sunpile.people.cli import run
from sunpile.people.cli.node_api import StationDoor
from sunpile.people.cli.node_apps import add_node_apps
from sunpile.people.cli.rest import HOLE, Line
from sunpile.people.cli.rest_lines import GROUPS, LINES
from sunpile.settings import NodeSettings
from sunpile.wiring.init import NewNode, make_folder
from sunpile.wiring.node import open_node
from sunpile.wiring.node_client import NodeRefused
from sunpile.wiring.node_rest import local_url, station_doors

TLS = StationDoor("wss://csms.example:8481/ocpp", (2, 3))
PLAIN = StationDoor("ws://csms.example:8480/ocpp", (1,))


class Node:
    """`RestApi` over a node's application."""

    def __init__(self, app: Any, token: str) -> None:
        self.client = TestClient(app, raise_server_exceptions=False, headers={"Authorization": f"Bearer {token}"})
        self.where = [TLS, PLAIN]

    def get(self, folder: Path, path: str) -> Any:
        return self.ask(folder, "GET", path, None)

    def post(self, folder: Path, path: str, body: Mapping[str, Any]) -> Any:
        return self.ask(folder, "POST", path, body)

    def ask(self, folder: Path, method: str, path: str, body: Any) -> Any:
        given = {"content": body} if isinstance(body, bytes) else {"json": body}
        answer = self.client.request(method, path, **given)
        if not answer.is_success:
            raise NodeRefused(answer.status_code, answer.json()["detail"])
        if not answer.content:
            return None
        return answer.json() if answer.headers["content-type"].startswith("application/json") else answer.text

    def doors(self, folder: Path) -> list[StationDoor]:
        return self.where


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("cli") / "node"
    settings: dict[str, object] = {"market": "off", "http_port": 0, "ocpp_port": 0, "sandbox": True}
    make_folder(NewNode(folder, settings, [], "", quick_keys=True))
    opened = asyncio.run(open_node(NodeSettings.load(folder)))
    yield Node(opened.serving._server.config.app, opened.ground.folder.admin_token())
    opened.ground.database.close()


@pytest.fixture(scope="module")
def api(node: Node) -> Mapping[str, Any]:
    return node.client.get("/api/openapi.json").json()


@pytest.fixture(scope="module")
def app(node: Node) -> typer.Typer:
    made = typer.Typer()
    add_node_apps(made, node)
    return made


def resolved(schema: Mapping[str, Any], all_: Mapping[str, Any]) -> dict[str, Any]:
    """The object a schema names, through references and alternatives."""
    if "$ref" in schema:
        return resolved(all_["components"]["schemas"][schema["$ref"].rpartition("/")[2]], all_)
    arms = [resolved(arm, all_) for arm in schema.get("anyOf", ())]
    return next((arm for arm in arms if "properties" in arm), dict(schema))


def wrong_with(line: Line, api: Mapping[str, Any]) -> list[str]:
    """What does not fit between a line and its route."""
    route = api["paths"].get(line.path, {}).get(line.method.lower())
    if route is None:
        return [f"{line.method} {line.path} is no route"]
    queries = {one["name"]: one.get("required", False) for one in route.get("parameters", ()) if one["in"] == "query"}
    content = route.get("requestBody", {}).get("content", {}).get("application/json")
    body = resolved(content["schema"], api) if content else {}
    in_query = line.method in ("GET", "DELETE")
    given = {option.key for option in line.options if option.query or in_query} | (
        {*dict(line.fixed)} if in_query else set()
    )
    wrong = [f"--{name} is no query of it" for name in given - set(queries)]
    wrong += [f"query {name} is required" for name, needed in queries.items() if needed and name not in given]
    if in_query or any(option.kind == "bytes" or option.to == "*" for option in line.options):
        return wrong
    keys = [option.key for option in line.options if not option.query] + [name for name, _ in line.fixed] + [*line.keep]
    for key in keys:
        place = body
        for part in key.split("."):
            if part not in place.get("properties", {}):
                wrong.append(f"{key} is nothing in its body")
                break
            place = resolved(place["properties"][part], api)
    if line.keep:
        wrong += [
            f"{name} is not kept" for name in set(body["properties"]) - {*line.keep, *(name for name, _ in line.fixed)}
        ]
    return wrong + [f"{name} is missing" for name in body.get("required", ()) if name not in keys]


def columns_gone(line: Line, api: Mapping[str, Any]) -> set[str]:
    """Columns that the route's answer has not, as far as its schema tells."""
    answers = api["paths"][line.path][line.method.lower()]["responses"]
    content = next(answers[code] for code in sorted(answers) if code < "3").get("content", {})
    answer = resolved(content.get("application/json", {}).get("schema", {}), api)
    if line.rows and line.rows in answer.get("properties", {}):
        answer = resolved(answer["properties"][line.rows], api)
    row = resolved(answer["items"], api) if "items" in answer else {}
    return set(line.columns) - set(row["properties"]) if "properties" in row else set()


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.group} {line.name}")
def test_a_line_fits_its_route(line: Line, api: Mapping[str, Any]) -> None:
    assert wrong_with(line, api) == []
    assert columns_gone(line, api) == set()


ELSEWHERE = (
    "/api/signin", "/api/me", "/api/runs", "/api/operations", "/api/stations/{station}/operations", "/api/staff",
    "/api/tenants", "/api/authority/{tenant}", "/api/overview", "/api/door", "/api/info", "/api/stream", "/api/quote",
    "/api/drivers", "/api/channels", "/api/sessions", "/api/openapi.json", "/api/top-ups",
)  # fmt: skip
"""Commands of their own, other people's routes, and pages'."""
ONLY_BY_API = {
    "POST /api/stations",  # station add
    "GET /api/webhooks/{hook}",
    "DELETE /api/tariff-uses",
    "GET /api/files/{file}",  # bytes
    "PUT /api/stations/{station}/dynamic-profiles/{profile}",
}


def test_every_route_of_staff_has_a_command(api: Mapping[str, Any]) -> None:
    there = {
        f"{method.upper()} {path}"
        for path, methods in api["paths"].items()
        for method in methods
        if path.startswith("/api/") and not path.startswith(ELSEWHERE)
    }
    assert there - {f"{line.method} {line.path}" for line in LINES} == ONLY_BY_API


def test_each_line_is_there_once_and_its_holes_are_filled(app: typer.Typer) -> None:
    names = [(line.group, line.name) for line in LINES]
    assert len(names) == len(set(names))
    assert {group for group, _ in names} == set(GROUPS)
    group = typer.main.get_command(app)
    context = typer.Context(group)
    for line in LINES:
        command = group.get_command(context, line.group).get_command(context, line.name)  # type: ignore[attr-defined]
        arguments = {one.name for one in command.params if one.param_type_name == "argument"}
        assert {f"hole_{hole}" for hole in HOLE.findall(line.path)} <= arguments
        options = {flag for one in command.params for flag in one.opts}
        assert {"--json", "--folder"} <= options
        assert command.help


def asked(app: typer.Typer, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """What a command printed as JSON."""
    assert run(app, [*words, "--json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def test_a_station_is_added_with_what_to_type_and_looked_after(
    app: typer.Typer, node: Node, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(app, ["station", "add", "CP-1", "--evses", "2", "--name", "North"]) == 0
    card = capsys.readouterr().out
    for said in ("wss://csms.example:8481/ocpp", "CP-1", "2 (TLS and password)", "ocpp1.6, ocpp2.0.1, ocpp2.1"):
        assert said in card
    assert re.search(r"[A-Za-z0-9]{16}", card)
    plain = asked(app, capsys, "station", "add", "CP-2", "--profile", "1")
    assert (plain["url"], plain["security_profile"]) == ("ws://csms.example:8480/ocpp", 1)
    page = asked(app, capsys, "station", "list", "--text", "CP-")
    assert [one["station"] for one in page["stations"]] == ["CP-1", "CP-2"]
    assert asked(app, capsys, "station", "show", "CP-1")["card"]["security_profile"] == 2
    assert run(app, ["station", "remove", "CP-2", "--reason", "sold"]) == 0
    assert "CP-2 is forgotten" in capsys.readouterr().out
    assert run(app, ["station", "show", "CP-2"]) == 1
    node.where = [PLAIN]
    assert run(app, ["station", "add", "CP-3", "--profile", "2"]) == 1
    assert "no door of this node lets security profile 2 in" in capsys.readouterr().err
    node.where = [TLS, PLAIN]


def test_a_blocked_token_keeps_all_else(app: typer.Typer, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    made = asked(app, capsys, "token", "put", "04A1", "--wh-day", "5000", "--until", "2030-01-01T00:00", "--notes", "x")
    assert (made["limits"]["wh_day"], made["valid_until"]) == (5000, 1_893_456_000)
    blocked = asked(app, capsys, "token", "block", "04A1", "--reason", "lost")
    assert blocked == made | {"status": "blocked"}
    assert asked(app, capsys, "token", "put", "04A1", "--status", "accepted") == made
    assert run(app, ["token", "export"]) == 0
    table = tmp_path / "tokens.csv"
    table.write_text(capsys.readouterr().out.replace("04A1", "04A2"))
    assert asked(app, capsys, "token", "import", str(table)) == {"tokens": 1}
    assert [one["token"] for one in asked(app, capsys, "token", "list")] == ["04A1", "04A2"]


def test_answers_are_shown_as_tables_and_lines(app: typer.Typer, capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (
        (["key", "add", "grafana", "--may", "read"], "sk_"),
        (["key", "list"], "grafana"),
        (["token", "policy"], "refuse"),
        (["audit", "search", "--action", "key.create"], ""),
        (["audit", "verify"], "records"),
        (["report", "list"], "uptime"),
        (["alert", "list"], "There are none."),
        (["ca", "show"], ":"),  # a time is shown as one
        (["ca", "root"], "BEGIN CERTIFICATE"),
        (["site", "list"], "There are none."),
    ):
        assert run(app, words) == 0, capsys.readouterr().err
        assert said in capsys.readouterr().out, words


def test_any_route_can_be_asked_and_wrong_words_are_said(app: typer.Typer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["api", "get", "/api/tokens/policy"]) == 0
    assert "unknown" in json.loads(capsys.readouterr().out)
    for words, said in (
        (["api", "GET", "api"], "a path begins with /"),
        (["audit", "search", "--since", "yesterday"], "is no time"),
        (["site", "put", "yard", "{"], "is no JSON"),
        (["session", "review", "s1"], "--kind is missing"),
    ):
        assert run(app, words) == 1
        assert said in capsys.readouterr().err


def test_where_a_node_is_asked_and_where_its_stations_come_in() -> None:
    settings = NodeSettings(
        folder=Path("x"), host="0.0.0.0", http_port=8400, ocpp_tls_port=8481, insecure_profiles=[1],
        server_names=["csms.example"], market="off",
    )  # fmt: skip
    assert local_url(settings) == "http://127.0.0.1:8400"
    assert station_doors(settings) == [TLS, PLAIN]


def test_what_the_how_tos_say_can_be_typed(
    app: typer.Typer, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = Path(__file__).parents[2] / "docs" / "how-to"
    text = "".join((docs / f"{name}.md").read_text() for name in ("run-stations-only", "load-management"))
    (tmp_path / "yard.json").write_text(re.findall(r"```json\n(.*?)```", text, re.DOTALL)[0])
    monkeypatch.chdir(tmp_path)
    lines = [shlex.split(line)[1:] for line in re.findall(r"^sunpile [^>\n]*$", text, re.MULTILINE)]
    away = ("remote-start", "composite", "car")  # these want a station that is there
    typed = [words for words in lines if words[0] in GROUPS and words[1] not in away]
    assert len(typed) >= 10
    typed.sort(key=lambda words: words[1] != "add")
    for words in [["station", "add", "GARAGE-2"], *typed]:
        assert run(app, words) == 0, (words, capsys.readouterr().err)
    capsys.readouterr()
    shown = asked(app, capsys, "site", "show", "yard")
    assert len(shown["outlets"]) == 3
    assert asked(app, capsys, "tariff", "show", "standard")["energy"][0]["price"] == 350_000
