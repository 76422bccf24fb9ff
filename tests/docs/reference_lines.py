"""Lines of the reference pages, made from the code: a line for each command of a group, and one for each route.

`python -m tests.docs.reference_lines cli` and `... api` write them to the pages, between the two marks of each table.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from fastapi import APIRouter
from fastapi.routing import APIRoute
from tests.people.route_book import found_routers, wanted_by

from sunpile.people.api import drivers, live, market, operator
from sunpile.people.api.access import every_route
from sunpile.people.web import pages

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference"
EVERYWHERE = {"--folder", "--json", "--help"}
"""Options of every command that asks a node: said once."""
OPERATION = {
    "--all", "--filter", "--arguments", "--per-second", "--in-flight", "--spread-s", "--await-offline",
    "--stop-failed", "--draft", "--note", "--wait",
}  # fmt: skip
"""Options of every operation: said once."""
OWN_SECTIONS = ("pile", "move")
"""Groups whose commands have a section each, written by hand."""
CLI_PART = "commands of a running node"
"""Name of the generated part of the page on the command line."""
TOPICS = {
    "market": "The town and its market",
    "drivers": "Drivers",
    "operator": "Who runs the node",
    "live": "Live and pages",
    "pages": "Live and pages",
}
"""Titles of the routers that carry no tag."""
WHO = {
    "anyone": "anyone",
    "reader": "anyone; keys need `read`",
    "chain-reader": "anyone, or admin",
    "signed": "signed",
    "admin": "admin",
    "driver": "driver",
    "driver-or-admin": "driver or admin",
    "any-staff": "any staff",
    "signed-in": "who signed in",
    "sign-in": "who signs in",
}
"""Words of a route's guard; permissions stand as they are."""


def marks(name: str) -> tuple[str, str]:
    """Between these two lines a generated table stands."""
    return f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"


def rows(text: str) -> list[tuple[str, ...]]:
    """Cells of the lines of all tables in a text, without their heads."""
    found = [tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]) for line in text.splitlines()]
    return [row for row in found if row and row[0].startswith("`")]


# -- commands ----------------------------------------------------------------------------------------------------------


def commands(group: Any, words: Sequence[str] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command of a group and of the groups in it, by its words."""
    context = typer.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if hasattr(command, "list_commands"):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


def options_of(command: Any) -> list[str]:
    """Its flags, without those that every command has."""
    found: list[str] = []
    for one in command.params:
        long = [flag for flag in (*one.opts, *one.secondary_opts) if flag.startswith("--")]
        if one.param_type_name == "option" and not EVERYWHERE & set(long):
            found += long
    return found


def _argument(one: Any) -> str:
    name = one.metavar or one.name.strip("_").upper()
    return (name if one.required else f"[{name}]") + ("..." if one.nargs == -1 else "")


def command_line(words: Sequence[str], command: Any) -> str:
    """One line of the page."""
    arguments = [_argument(one) for one in command.params if one.param_type_name == "argument"]
    operation = OPERATION & set(options_of(command)) == OPERATION
    flags = [flag for flag in options_of(command) if not operation or flag not in OPERATION | {"--no-wait"}]
    shown = " ".join(f"`{flag}`" for flag in flags)
    call = " ".join(["sunpile", *words, *(a for a in arguments if not operation)])
    said = re.sub(r"\s+", " ", (command.help or "").replace("|", "\\|"))
    said = re.sub(r"^(.*?) \([^)]*\)\. ", r"\1. ", said) if operation else said
    return f"| `{call}` | {said} | {shown} |\n"


def command_tables(group: Any) -> str:
    """The groups of the command line, a table each; those with sections of their own are left out."""
    text = ""
    context = typer.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if name in OWN_SECTIONS or not hasattr(command, "list_commands"):
            continue
        lines = list(commands(command, (name,)))
        own = [one for one in lines if not set(options_of(one[1])) >= OPERATION]
        text += f"## sunpile {name}\n\n{command.help}\n\n" + _table(own)
        operations = [one for one in lines if one not in own]
        if operations:
            text += f"### Operations of sunpile {name}\n\n" + _table(operations)
    return text


def _table(lines: list[tuple[tuple[str, ...], Any]]) -> str:
    head = "| Command | What | Options |\n|---|---|---|\n"
    return head + "".join(command_line(*line) for line in lines) + "\n"


# -- routes ------------------------------------------------------------------------------------------------------------


def routes() -> Iterator[tuple[str, str, APIRoute]]:
    """Topic, `METHOD /path` and route of all there are."""
    routers: list[tuple[str, APIRouter]] = [(name.rpartition(".")[0], router) for name, router in found_routers()]
    routers += [(part.__name__, part.router) for part in (market, drivers, operator, live, pages)]
    seen: set[str] = set()
    for name, router in routers:
        last = name.rpartition(".")[2]
        for route in every_route(router.routes):
            topic = str(route.tags[0]).capitalize() if route.tags else last.replace("_", " ").capitalize()
            for method in sorted(route.methods - {"HEAD"}):
                call = f"{method} {route.path}"
                if call not in seen:
                    seen.add(call)
                    yield TOPICS.get(last, topic), call, route


def route_line(call: str, route: APIRoute) -> str:
    """One line of the page."""
    guard = wanted_by(route)
    said = " ".join((route.description or route.summary or "").split()).replace("|", "\\|")
    return f"| `{call}` | {WHO.get(guard, f'`{guard}`')} | {said} |\n"


def route_tables() -> str:
    """Every route, a table for each topic."""
    topics: Mapping[str, list[tuple[str, APIRoute]]] = {}
    for topic, call, route in routes():
        dict.setdefault(topics, topic, []).append((call, route))  # type: ignore[arg-type]
    order = [*dict.fromkeys(TOPICS.values()), *sorted(set(topics) - set(TOPICS.values()))]
    text = ""
    for topic in order:
        lines = sorted(topics[topic], key=lambda one: (one[0].partition(" ")[2], one[0]))
        text += f"### {topic}\n\n| Route | Who | What |\n|---|---|---|\n"
        text += "".join(route_line(*line) for line in lines) + "\n"
    return text


# -- pages -------------------------------------------------------------------------------------------------------------


def write(page: str, name: str, text: str) -> None:
    """Put a generated part in its page."""
    begin, end = marks(name)
    file = DOCS / f"{page}.md"
    before, _, rest = file.read_text().partition(begin)
    file.write_text(before + begin + "\n" + text + end + rest.partition(end)[2])


def part(page: str, name: str) -> str:
    """The generated part of a page as it is."""
    begin, end = marks(name)
    return (DOCS / f"{page}.md").read_text().partition(begin)[2].partition(end)[0].lstrip("\n")


def main() -> None:
    """Write what is named."""
    from sunpile.people.cli import build
    from sunpile.wiring.main import commands as wired

    for name in sys.argv[1:]:
        if name == "cli":
            write("cli", CLI_PART, command_tables(typer.main.get_command(build(wired()))))
        else:
            write("api", "routes", route_tables())


if __name__ == "__main__":
    main()
