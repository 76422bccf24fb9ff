"""Small commands over the node's REST API, made from a table: what a line asks for, and how its answer is shown.

A line of the table (`rest_lines.LINES`) is a group, a name, a method, a path, and its options. Commands are made when
they are named, so that others start as fast as before.
"""

import inspect
import json
import re
import time
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import quote, urlencode

import typer
from rich.table import Column, Table
from rich.text import Text
from typer.core import TyperGroup

from sunpile.basics.errors import InputInvalid, NotFound, SunpileError
from sunpile.people.cli import show
from sunpile.people.cli.given import HERE, AsJson, Folder, json_of, plain
from sunpile.people.cli.node_api import RestApi

Kind = Literal["text", "number", "flag", "switch", "list", "json", "moment", "file", "bytes"]
KINDS: Mapping[str, Any] = {
    "number": int,
    "flag": bool,
    "switch": bool,
    "list": list[str],
    "file": Path,
    "bytes": Path,
}
"""What an option is on the command line; text where it is not here."""
MOMENTS = ("at", "_at", "until", "since", "begins", "ends", "begun", "_after", "last_seen")
"""Names of Unix times end so."""
HOLE = re.compile(r"\{(\w+)\}")
WIDE = 100
"""Characters of a table's cell before it is cut; --json prints all."""


@dataclass(frozen=True, slots=True)
class Opt:
    """An option of a line, or an argument if its flag begins without dashes."""

    flag: str
    """--flag, or NAME of an argument."""
    to: str
    """Name in the query, or in the body where dots go deeper; empty: as the flag is called."""
    words: str
    """What it is."""
    kind: Kind = "text"
    """How it is read."""
    required: bool = False
    """It must be given."""
    query: bool = False
    """It goes to the query though the method has a body."""

    @property
    def name(self) -> str:
        """Name of the function's parameter."""
        bare = self.flag.lstrip("-").lower().replace("-", "_")
        return f"{bare}_"

    @property
    def key(self) -> str:
        """Where its value goes."""
        return self.to or self.flag.lstrip("-").lower().replace("-", "_")


@dataclass(frozen=True, slots=True)
class Line:
    """A command."""

    group: str
    """First word after `sunpile`."""
    name: str
    """Second word."""
    method: str
    """HTTP method."""
    path: str
    """Path; a {hole} is an argument of the command."""
    words: str
    """What it does."""
    options: tuple[Opt, ...] = ()
    """What can be given."""
    rows: str = ""
    """Name of the list in the answer; empty: the answer itself."""
    columns: tuple[str, ...] = ()
    """Columns of the table shown; empty: all plain ones."""
    fixed: tuple[tuple[str, Any], ...] = ()
    """Always in the body, or in the query of a GET."""
    keep: tuple[str, ...] = ()
    """What a PUT keeps of what is there: the same path is read first."""
    done: str = ""
    """Said after an answer without content; {holes} are filled."""


def group_class(lines: Sequence[Line], api: RestApi, more: Mapping[str, Callable[[], Any]]) -> type[TyperGroup]:
    """A group that makes its commands when they are named; `more` are other makers by name."""
    by_name = {line.name: line for line in lines}

    class Lines(TyperGroup):
        """Commands of a table."""

        def list_commands(self, ctx: Any) -> list[str]:
            return [*by_name, *more, *super().list_commands(ctx)]

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            if cmd_name in by_name:
                return command_of(by_name[cmd_name], api)
            return more[cmd_name]() if cmd_name in more else super().get_command(ctx, cmd_name)

    return Lines


def group_app(words: str, lines: Sequence[Line], api: RestApi, more: Mapping[str, Callable[[], Any]]) -> typer.Typer:
    """A group of commands."""
    app = typer.Typer(cls=group_class(lines, api, more), no_args_is_help=True, help=words)

    @app.callback(help=words)
    def group() -> None:
        """Only holds commands."""

    return app


def single(name: str, call: Callable[..., None]) -> Any:
    """A click command of one function."""
    app = typer.Typer(add_completion=False)
    app.command(name)(call)
    return typer.main.get_command(app)


# -- making a command --------------------------------------------------------------------------------------------------


def command_of(line: Line, api: RestApi) -> Any:
    """The click command of a line."""
    holes = HOLE.findall(line.path)

    def call(**given: Any) -> None:
        folder, json_ = given.pop("folder"), given.pop("json_")
        path = HOLE.sub(lambda hole: quote(str(given[f"hole_{hole[1]}"]), safe=""), line.path)
        answer = _asked(line, api, folder, path, given)
        if answer is None:
            show.done(line.done.format(**{hole: given[f"hole_{hole}"] for hole in holes}) or "Done.")
        elif json_ or isinstance(answer, str):
            print(answer if isinstance(answer, str) else plain(answer))
        else:
            shown(answer, line)

    keyword = inspect.Parameter.KEYWORD_ONLY
    fields = [
        inspect.Parameter(f"hole_{hole}", keyword, annotation=Annotated[str, typer.Argument(metavar=hole.upper())])
        for hole in holes
    ]
    fields += [_parameter(option) for option in line.options]
    fields.append(inspect.Parameter("folder", keyword, default=HERE, annotation=Folder))
    fields.append(inspect.Parameter("json_", keyword, default=False, annotation=AsJson))
    signature = inspect.Signature(fields)
    call.__signature__ = signature  # type: ignore[attr-defined]
    call.__annotations__ = {field.name: field.annotation for field in fields}
    call.__doc__ = line.words
    return single(line.name, call)


def _parameter(option: Opt) -> inspect.Parameter:
    argument = not option.flag.startswith("-")
    hint: Any = KINDS.get(option.kind, str)
    words = f"{option.words} [required]" if option.required and not argument else option.words
    flag = f"{option.flag}/--no-{option.flag[2:]}" if option.kind == "switch" else option.flag
    info = typer.Argument(metavar=option.flag, help=words) if argument else typer.Option(flag, help=words)
    if not argument:
        info.show_default = False
    must = argument and option.required
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if must else None,
        annotation=Annotated[hint if must else hint | None, info],
    )


# -- asking ------------------------------------------------------------------------------------------------------------


def _asked(line: Line, api: RestApi, folder: Path, path: str, given: Mapping[str, Any]) -> Any:
    query: dict[str, Any] = dict(line.fixed) if line.method in ("GET", "DELETE") else {}
    body: dict[str, Any] = {} if line.method in ("GET", "DELETE") else dict(line.fixed)
    whole: bytes | Mapping[str, Any] | list[Any] | None = None
    if line.keep:
        body = _kept(line, api, folder, path) | body
    for option in line.options:
        value = _value(option, given[option.name])
        if value is None:
            if option.required:
                raise InputInvalid(f"{option.flag} is missing")
        elif option.kind == "bytes" or option.to == "*":
            whole = value
        elif option.query or line.method in ("GET", "DELETE"):
            query[option.key] = str(value).lower() if isinstance(value, bool) else value
        else:
            _put(body, option.key, value)
    if isinstance(whole, dict):
        whole = body | whole
    if query:
        path += "?" + urlencode(query, doseq=True)
    if line.method == "GET":
        return api.get(folder, path)
    return api.ask(folder, line.method, path, None if line.method == "DELETE" else body if whole is None else whole)


def _kept(line: Line, api: RestApi, folder: Path, path: str) -> dict[str, Any]:
    """What is there already, as a body has it; nothing if there is none yet."""
    try:
        there: Mapping[str, Any] = api.get(folder, path)
    except SunpileError as fault:
        if getattr(fault, "http_status", fault.status) != NotFound.status:
            raise
        return {}
    kept = {name: there[name] for name in line.keep if there.get(name) is not None}
    limits: dict[str, Any] = kept.get("limits") or {}
    if limits.get("evses"):
        kept["limits"] = limits | {"evses": [{"station": station, "evse": evse} for station, evse in limits["evses"]]}
    return kept


def _put(body: dict[str, Any], key: str, value: Any) -> None:
    *outer, last = key.split(".")
    for name in outer:
        body = body.setdefault(name, {})
    body[last] = value


def _value(option: Opt, given: Any) -> Any:
    if given is None or given == []:
        return None
    match option.kind:
        case "file":
            return cast(Path, given).read_text()
        case "bytes":
            return cast(Path, given).read_bytes()
        case "json":
            return json_of(given)
        case "moment":
            return moment(given)
        case "flag":
            return given or None
        case _:
            return given


def moment(text: str) -> int:
    """Unix seconds, or a date and time; without a zone it is UTC.

    Raises
    ------
    InputInvalid
        if it is neither.
    """
    if text.isdigit():
        return int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise InputInvalid(f"{text[:40]!r} is no time: 2027-01-31T18:00, or Unix seconds") from None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())


# -- showing -----------------------------------------------------------------------------------------------------------


def shown(answer: Any, line: Line) -> None:
    """A list as a table, a record as lines."""
    rows: Any = answer[line.rows] if line.rows and line.rows in answer else answer
    if isinstance(rows, list):
        _table(cast("list[Any]", rows), line.columns)
    else:
        table = Table(show_header=False, box=None)
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        for name, value in _flat("", rows):
            table.add_row(Text(name), _cell(name, value, whole=True))
        show.console.print(table)


def _flat(before: str, record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Everything that is said in a record, also by records in it."""
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _flat(f"{before}{name}.", cast("dict[str, Any]", value))
        elif value not in (None, "", []):
            yield before + name, value


def _table(rows: list[Any], columns: tuple[str, ...]) -> None:
    if not rows:
        show.console.print("There are none.")
        return
    if not isinstance(rows[0], dict):
        for row in rows:
            show.console.print(Text(str(row)))
        return
    first = cast("dict[str, Any]", rows[0])
    columns = columns or tuple(name for name, value in first.items() if not isinstance(value, dict | list))[:9]
    table = Table(*(Column(name, overflow="fold") for name in columns))
    for row in rows:
        # What others said is text, never markup.
        table.add_row(*(_cell(name, row.get(name)) for name in columns))
    show.console.print(table)


def _cell(name: str, value: Any, whole: bool = False) -> Text:
    if value is None:
        return Text("")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, int) and name.endswith(MOMENTS) and 1_000_000_000 < value < 1 << 40:
        return Text(time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(value)))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Text(text if whole or len(text) <= WIDE else text[: WIDE - 1] + "…")


def any_route(api: RestApi) -> Callable[..., None]:
    """`sunpile api`: any route there is, for what has no command of its own."""

    def call(
        method: Annotated[str, typer.Argument(metavar="METHOD", help="GET, POST, PUT, PATCH or DELETE.")],
        path: Annotated[str, typer.Argument(metavar="PATH", help="As in the reference: /api/...")],
        body: Annotated[str, typer.Option("--body", metavar="JSON", help="JSON, or @FILE.")] = "",
        folder: Folder = HERE,
    ) -> None:
        """Ask any route of the node, with the token in its folder."""
        verbs = typing.get_args(Literal["GET", "POST", "PUT", "PATCH", "DELETE"])
        if method.upper() not in verbs or not path.startswith("/"):
            raise InputInvalid(f"a method is one of {', '.join(verbs)}, and a path begins with /")
        answer = api.ask(folder, method.upper(), path, json_of(body) if body else None)
        print(answer if isinstance(answer, str) else plain(answer))

    return call
