"""`sunpile staff`: the first manager of a node, and of a tenant, comes in by a link."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.identity.offices import ORIGIN, Offices, open_offices
from tests.people.house import ADMIN
from typer.testing import CliRunner

from sunpile.basics.scope import NODE, Scope
from sunpile.people.cli.staff import staff_app


class Api:
    """The node's API without a socket."""

    def __init__(self, offices: Offices) -> None:
        self.offices = offices

    def get(self, folder: Path, path: str) -> Any:
        return self.offices.answer("GET", path, key=ADMIN).json()

    def post(self, folder: Path, path: str, body: Mapping[str, Any]) -> Any:
        return self.offices.answer("POST", path, key=ADMIN, json=dict(body)).json()


@pytest.fixture
def offices(tmp_path: Path) -> Iterator[Offices]:
    opened = open_offices(tmp_path / "node.db")
    yield opened
    opened.house.database.close()


async def test_links_for_the_first_managers(offices: Offices) -> None:
    app, runner = staff_app(Api(offices)), CliRunner()
    assert f"{ORIGIN}/sign-in#invitation=" in runner.invoke(app, ["invite", "night desk"]).stdout
    assert "Tenant parking is there" in runner.invoke(app, ["tenant", "parking", "Parking Ltd"]).stdout
    link = runner.invoke(app, ["invite", "boss", "--tenant", "parking"]).stdout.split("#invitation=")[1].strip()
    await offices.sign_in.ask_invited(link)
    [member] = await offices.team.staff(Scope("parking", "x", NODE.permissions))
    assert (member.name, member.role) == ("boss", "manager")
    assert "night desk" in runner.invoke(app, ["list"]).stdout
