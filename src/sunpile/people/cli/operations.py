"""`sunpile station OPERATION` for every operation of the catalogue, and `sunpile run` to look after runs.

The commands are made from the catalogue when they are named, so that other commands start as fast as before. Plain
fields become options; nested ones take JSON, @FILE, or a short form: a token its bare number, a variable
Component.Variable, a setting Component.Variable=VALUE. Lists are options given several times.
"""

import inspect
import json
import time
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import quote

import typer
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from sunpile.basics.errors import InputInvalid
from sunpile.people.cli import show
from sunpile.people.cli.given import HERE, AsJson, Folder, json_of, plain, text_of
from sunpile.people.cli.node_api import NodeApi

RunId = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run.")]
ENDED = ("done", "stopped", "cancelled")
ROWS_SHOWN = 40
PAGE = 500


def station_app(
    api: NodeApi, pause: Callable[[float], None] = time.sleep, base: type[TyperGroup] = TyperGroup
) -> typer.Typer:
    """`sunpile station`: the commands of `base`, and one an operation."""

    class Operations(base):
        """Loads the catalogue when it is looked at."""

        def list_commands(self, ctx: Any) -> list[str]:
            from sunpile.fleet.catalogue import CATALOGUE

            return [*super().list_commands(ctx), *(operation.name for operation in CATALOGUE)]

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            found = super().get_command(ctx, cmd_name)
            if found is not None:
                return found
            from sunpile.fleet.catalogue import BY_NAME

            return _command(cmd_name, api, pause) if cmd_name in BY_NAME else None

    app = typer.Typer(cls=Operations, no_args_is_help=True, help="Ask charging stations: one, several, or all.")

    @app.callback()
    def stations() -> None:
        """Ask charging stations: one, several, or all."""

    return app


# -- making a command -------------------------------------------------------------------------------------------------


def _command(name: str, api: NodeApi, pause: Callable[[float], None]) -> Any:
    from sunpile.fleet.catalogue import GROUPS, operation_named, schema

    operation = operation_named(name)
    made = schema(name)
    hints = typing.get_type_hints(operation.command)
    fields: dict[str, inspect.Parameter] = {}
    readers: dict[str, Callable[[Any], Any]] = {}
    required: list[str] = made.get("required", [])
    for field, described in made.get("properties", {}).items():
        kind, readers[field] = _kind(hints[field])
        words = str(described.get("description", ""))
        default = described.get("default")
        words += f" [default: {default}]" if default is not None else ""
        words += " [required]" if field in required else ""
        flag = field.replace("_", "-")
        flags = f"--{flag}/--no-{flag}" if kind is bool else f"--{flag}"
        option = typer.Option(flags, help=words, show_default=False)
        fields[field] = inspect.Parameter(
            field,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[kind | None, option],
        )

    def call(**given: Any) -> None:
        whole = json_of(given.pop("arguments"))
        if not isinstance(whole, dict):
            raise InputInvalid("--arguments is a JSON object")
        arguments = cast(dict[str, Any], whole)
        for field in fields:
            value = given.pop(field)
            value = None if value is None else readers[field](value)
            if value is not None:
                arguments[field] = value
        missing = [field for field in required if field not in arguments]
        if missing:
            raise InputInvalid(f"--{missing[0].replace('_', '-')} is missing")
        _start(api, pause, name, arguments, **given)

    common = inspect.signature(_common).parameters
    signature = inspect.Signature([*fields.values(), *(common[key] for key in common)])
    call.__signature__ = signature  # type: ignore[attr-defined]
    call.__annotations__ = {key: parameter.annotation for key, parameter in signature.parameters.items()}
    call.__doc__ = f"{operation.title} ({operation.title_zh}). {operation.command.__doc__}"
    app = typer.Typer(add_completion=False)
    app.command(name, rich_help_panel=GROUPS[operation.group][0])(call)
    return typer.main.get_command(app)


def _common(
    *,
    stations: Annotated[list[str] | None, typer.Argument(help="Identities of stations.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every station of yours.")] = False,
    filter_: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="KEY=VALUE", help="By vendor, model, firmware, version, site or tag."),
    ] = None,
    arguments: Annotated[str, typer.Option(metavar="JSON", help="Arguments as JSON, or @FILE; options win.")] = "{}",
    per_second: Annotated[int | None, typer.Option(min=1, help="Stations asked in a second.")] = None,
    in_flight: Annotated[int | None, typer.Option(min=1, help="Stations that are at it at once.")] = None,
    spread_s: Annotated[int | None, typer.Option(min=0, help="Random spread of the start [s].")] = None,
    await_offline: Annotated[bool, typer.Option("--await-offline", help="Ask who is away once it connects.")] = False,
    stop_failed: Annotated[int | None, typer.Option(min=1, help="Stop when so many failed.")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Only show whom it would ask.")] = False,
    note: Annotated[str, typer.Option(help="Why, for the audit log.")] = "",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the end.")] = True,
    folder: Folder = HERE,
    json_: AsJson = False,
) -> None:
    """The options every operation has."""


def _kind(hint: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The option's type for a field's type, and how to read what was given."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        inner = [arm for arm in typing.get_args(hint) if arm is not type(None)]
        return _kind(inner[0]) if len(inner) == 1 else (str, json_of)
    if hint in (int, str, bool) or typing.get_origin(hint) is Literal:
        return hint, _as_it_is
    if typing.get_origin(hint) is list:
        (element,) = typing.get_args(hint)
        return list[str], _list_of(_short(element))
    return str, _short(hint)


def _as_it_is(value: Any) -> Any:
    return value


def _short(hint: Any) -> Callable[[str], Any]:
    """How a nested value is read: as JSON, or in the short form its kind has."""
    short: dict[str, Callable[[str], Any]] = {
        "Token": lambda text: {"id": text},
        "ListEntry": lambda text: {"token": {"id": text}},
        "VariableName": _name,
        "VariableValue": _assignment,
    }
    plain: dict[Any, Callable[[str], Any]] = {int: _whole, str: _as_it_is}
    if hint in plain or typing.get_origin(hint) is Literal:
        return plain.get(hint, _as_it_is)
    read = short.get(getattr(hint, "__name__", ""), json_of)

    def nested(text: str) -> Any:
        text = text_of(text)
        return json_of(text) if text[:1] in ("{", "[") else read(text)

    return nested


def _list_of(read: Callable[[str], Any]) -> Callable[[list[str]], Any]:
    def several(texts: list[str]) -> Any:
        if len(texts) == 1 and text_of(texts[0])[:1] == "[":
            return json_of(texts[0])
        return [read(text) for text in texts] or None

    return several


def _name(text: str) -> dict[str, Any]:
    """Component.Variable, or a key of OCPP 1.6."""
    component, dot, variable = text.partition(".")
    return {"component": component, "variable": variable} if dot else {"variable": text}


def _assignment(text: str) -> dict[str, Any]:
    """NAME=VALUE."""
    name, sign, value = text.partition("=")
    if not sign:
        raise InputInvalid(f"{text[:40]!r} is not NAME=VALUE")
    return {"name": _name(name), "value": value}


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputInvalid(f"{text[:40]!r} is no whole number") from None


# -- starting and watching ---------------------------------------------------------------------------------------------


def _start(
    api: NodeApi,
    pause: Callable[[float], None],
    name: str,
    arguments: dict[str, Any],
    *,
    stations: list[str] | None,
    all_: bool,
    filter_: list[str] | None,
    wait: bool,
    folder: Path,
    json_: bool,
    await_offline: bool,
    **given: Any,
) -> None:
    options = {key: value for key, value in given.items() if value not in (None, False, "")}
    options |= {"offline": "wait"} if await_offline else {}
    body = _whom(stations, all_, filter_) | {"arguments": arguments, "options": options}
    run = api.post(folder, f"/api/operations/{name}", body)
    if wait and run["state"] == "running":
        run = _watch(api, pause, folder, run, quiet=json_)
    _show(api, folder, run, json_)


def _whom(stations: list[str] | None, all_: bool, filter_: list[str] | None) -> dict[str, Any]:
    if bool(stations) + all_ + bool(filter_) != 1:
        raise InputInvalid("name stations, or give --all, or --filter")
    if stations:
        return {"stations": list(stations)}
    pairs = [text.partition("=") for text in filter_ or ()]
    wrong = next((key for key, sign, _ in pairs if not sign), None)
    if wrong is not None:
        raise InputInvalid(f"--filter {wrong} is not KEY=VALUE")
    return {"filter": {key: value for key, _, value in pairs}}


def _watch(api: NodeApi, pause: Callable[[float], None], folder: Path, run: Any, quiet: bool) -> Any:
    """The run once it has ended, with a bar meanwhile."""
    bar, seconds = show.ProgressBar(), 0.05
    try:
        while run["state"] not in ENDED:
            if not quiet and run["total"] > 1:
                waiting = sum(run["counts"].get(state, 0) for state in ("queued", "waiting", "sent"))
                bar.step(run["total"] - waiting, run["total"], run["title"])
            pause(seconds)
            seconds = min(1.0, seconds * 1.5)
            run = api.get(folder, f"/api/runs/{run['run']}?limit=1")
    finally:
        bar.close()
    return run


def _items(api: NodeApi, folder: Path, run: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        page = api.get(folder, f"/api/runs/{run}?limit={PAGE}&after={quote(after, safe='')}")
        found += page["items"]
        after = page["next"]
    return found


def _show(api: NodeApi, folder: Path, run: Any, json_: bool) -> None:
    """A run with what came of each station; the exit code says whether all went well."""
    items = _items(api, folder, run["run"])
    if len(items) == 1:
        items = [api.get(folder, f"/api/runs/{run['run']}/stations/{quote(items[0]['station'], safe='')}")]
    if json_:
        print(plain(run | {"items": items}))
    else:
        _table(run, items)
    bad = any(item["state"] not in ("done", "queued", "waiting", "sent", "accepted", "in progress") for item in items)
    raise typer.Exit(1 if bad else 0)


def _table(run: Any, items: list[dict[str, Any]]) -> None:
    counts = ", ".join(f"{number} {state}" for state, number in sorted(run["counts"].items()))
    show.console.print(f"{run['title']}: {run['state']} ({counts})  run {run['run']}", markup=False, soft_wrap=True)
    if run["reason"]:
        show.console.print(run["reason"], markup=False, soft_wrap=True)
    if run["state"] == "waiting for approval":
        show.console.print(f"Somebody else says yes with: sunpile run approve {run['run']}", markup=False)
    table = Table("station", "state", "said", "why")
    unlike = [item for item in items if item["state"] != "done"]
    shown = (unlike + [item for item in items if item["state"] == "done"])[:ROWS_SHOWN]
    for item in shown:
        # What a station says is text, never markup.
        table.add_row(*(Text(str(item[key])) for key in ("station", "state", "status", "reason")))
    show.console.print(table)
    if len(items) > ROWS_SHOWN:
        show.console.print(f"and {len(items) - ROWS_SHOWN} more; --json prints all")
    if len(items) == 1:
        for key in ("data", "report"):
            if items[0].get(key):
                show.console.print_json(json.dumps(items[0][key]))


# -- runs --------------------------------------------------------------------------------------------------------------


def run_app(api: NodeApi, pause: Callable[[float], None] = time.sleep) -> typer.Typer:
    """`sunpile run`: what was started, and what to do about it."""
    app = typer.Typer(no_args_is_help=True, help="Runs: operations over stations, their progress and results.")

    @app.command("list")
    def list_(
        fleet: Annotated[bool, typer.Option("--fleet", help="Only those over several stations.")] = False,
        limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 20,
        folder: Folder = HERE,
        json_: AsJson = False,
    ) -> None:
        """The newest runs."""
        runs = api.get(folder, f"/api/runs?limit={limit}&fleet={str(fleet).lower()}")
        if json_:
            print(plain(runs))
            return
        table = Table("run", "operation", "state", "stations", "by")
        for run in runs:
            counts = ", ".join(f"{number} {state}" for state, number in sorted(run["counts"].items()))
            table.add_row(run["run"], run["operation"], run["state"], counts, run["actor"])
        show.console.print(table)

    @app.command("show")
    def show_(run: RunId, folder: Folder = HERE, json_: AsJson = False, wait: bool = False) -> None:
        """A run with what came of each station."""
        found = api.get(folder, f"/api/runs/{run}?limit=1")
        if wait and found["state"] == "running":
            found = _watch(api, pause, folder, found, quiet=json_)
        found.pop("items", None)
        _show(api, folder, found, json_)

    for verb, words in (
        ("begin", "Carry out a draft."),
        ("approve", "Say the second yes to a run that somebody else started."),
        ("cancel", "Ask no further station."),
        ("retry", "Ask those again that failed or were not reached."),
    ):
        _deciding(app, api, verb, words)
    return app


def _deciding(app: typer.Typer, api: NodeApi, verb: str, words: str) -> None:
    @app.command(verb, help=words)
    def decide(run: RunId, folder: Folder = HERE, json_: AsJson = False) -> None:
        found = api.post(folder, f"/api/runs/{run}/{verb}", {})
        if json_:
            print(plain(found))
        else:
            show.done(f"Run {run} is {found['state']}.")
