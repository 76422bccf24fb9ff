"""The reference pages name everything that is there: routes, commands, options, settings, columns, errors, chapters."""

import importlib
import inspect
import re
from pathlib import Path

import pytest
import typer
from fastapi.routing import APIRoute
from tests.people.test_cli import Asked

from sunpile import settings
from sunpile.basics import errors
from sunpile.people.api import drivers, live, market, operator
from sunpile.people.cli import build
from sunpile.people.web import pages
from sunpile.settlement.dump import COLUMNS

DOCS = Path(__file__).resolve().parents[2] / "docs"
CHAPTERS = ("basics", "chargers", "solar", "sessions", "market", "settlement", "chain", "money", "people")


def page(name: str) -> str:
    """Text of a reference page."""
    return (DOCS / "reference" / f"{name}.md").read_text()


def test_every_route_is_described() -> None:
    text = page("api")
    routes = [
        f"{method} {route.path}"
        for part in (market, drivers, operator, live, pages)
        for route in part.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
        if method != "HEAD"
    ]
    assert [route for route in routes if f"`{route}`" not in text] == []
    described = set(re.findall(r"`((?:GET|POST|PUT|DELETE) /[^`]*)`", text))
    assert described <= set(routes)


def test_every_command_and_option_is_described() -> None:
    text = page("cli")
    group = typer.main.get_command(build(Asked().registry))
    commands = dict(group.commands)  # type: ignore[attr-defined]
    nested = {f"pile {name}": command for name, command in commands.pop("pile").commands.items()}
    for name, command in {**commands, **nested}.items():
        section = re.search(rf"^## (?:.*, )?sunpile {name}\b.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        assert section, name
        options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        missing = [o for o in options - {"--help"} if f"`{o}`" not in section.group(0)]
        assert missing == [], name


@pytest.mark.parametrize("kind", ["FileSettings", "NodeSettings", "MemberSettings"])
def test_every_setting_is_described(kind: str) -> None:
    text = page("settings")
    fields = getattr(settings, kind).model_fields
    assert [name for name in fields if f"`{name}`" not in text] == []


def test_every_csv_column_is_described() -> None:
    text = page("csv")
    for name, columns in COLUMNS.items():
        section = re.search(rf"^## {name}\.csv\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
        assert section, name
        assert [column for column in columns if f"`{column}`" not in section.group(1)] == [], name


def test_every_error_code_is_described_with_its_status() -> None:
    text = page("errors")

    def leaves(kind: type[errors.SunpileError]) -> list[type[errors.SunpileError]]:
        return [leaf for child in kind.__subclasses__() for leaf in (child, *leaves(child))]

    own = [leaf for leaf in leaves(errors.SunpileError) if leaf.__module__ == errors.__name__]
    assert len(own) > 20
    assert [leaf.code for leaf in own if f"| {leaf.status} | `{leaf.code}` |" not in text] == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_chapter_has_its_page_its_docstring_and_its_ports(name: str) -> None:
    package = importlib.import_module(f"sunpile.{name}")
    assert len(inspect.getdoc(package) or "") > 200
    assert (Path(inspect.getfile(package)).parent / "ports.py").exists()
    assert f"`sunpile.{name}`" in (DOCS / "story" / f"{name}.md").read_text()


def test_the_three_lines_for_researchers_run() -> None:
    for file in (DOCS / "how-to" / "research.md", DOCS.parent / "README.md"):
        code = re.search(r"```python\n(.*?)```", file.read_text(), re.DOTALL)
        assert code is not None
        exec(code.group(1), {})
