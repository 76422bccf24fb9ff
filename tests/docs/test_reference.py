"""The reference pages name everything that is there: routes, commands, options, settings, columns, errors, chapters."""

import importlib
import inspect
import re
from pathlib import Path

import pytest
import typer
from tests.docs import reference_lines as lines
from tests.people.test_cli import Asked

from sunpile import settings
from sunpile.basics import errors
from sunpile.people.cli import build
from sunpile.settlement.dump import COLUMNS

DOCS = Path(__file__).resolve().parents[2] / "docs"
CHAPTERS = (
    *("basics", "chargers", "solar", "sessions", "fleet", "market", "settlement", "chain", "money"),
    *("identity", "control", "people"),
)


def page(name: str) -> str:
    """Text of a reference page."""
    return (DOCS / "reference" / f"{name}.md").read_text()


def test_every_route_is_described_with_who_may_use_it_and_no_other() -> None:
    told = {row[:2] for row in lines.rows(lines.part("api", "routes"))}
    there = {row[:2] for row in lines.rows(lines.route_tables())}
    assert (there - told, told - there) == (set(), set()), "python -m tests.docs.reference_lines api"


def test_every_command_of_a_group_is_described_with_its_options_and_no_other() -> None:
    group = typer.main.get_command(build(Asked().registry))
    told = {row[::2] for row in lines.rows(lines.part("cli", lines.CLI_PART))}
    there = {row[::2] for row in lines.rows(lines.command_tables(group))}
    assert len(there) > 150
    assert (there - told, told - there) == (set(), set()), "python -m tests.docs.reference_lines cli"


def test_every_other_command_and_option_is_described() -> None:
    text = page("cli")
    group = typer.main.get_command(build(Asked().registry))
    for words, command in lines.commands(group):
        if len(words) > 1 and words[0] not in lines.OWN_SECTIONS:
            continue
        name = " ".join(words)
        section = re.search(rf"^## (?:.*, )?sunpile {name}\b.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        section = section or re.search(rf"^`sunpile {name} .*?\n\n", text, re.MULTILINE | re.DOTALL)
        assert section, name
        missing = [flag for flag in lines.options_of(command) if f"`{flag}`" not in section.group(0)]
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
