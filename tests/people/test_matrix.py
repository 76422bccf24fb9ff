"""Route x role: every route of the application, asked by everybody, against one committed table.

The application is built by `create_app` over every router found in the package, each over services that only say that
they were reached; sessions and keys are real ones. `"in"` means that the guard let the request through: what follows
may still find the body wrong. What another tenant's objects look like is in `test_tenants.py`.
"""

import asyncio
import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert
from tests.identity.offices import Offices, open_offices
from tests.people.house import ADMIN
from tests.people.route_book import Anything, Reached, filled, found_routers, routes_of

from sunpile.identity import door as doors
from sunpile.identity.door import Door
from sunpile.people import create_app
from sunpile.people.api.access import api_key_hash
from sunpile.people.ports import ApiSettings
from sunpile.store import tables

TABLE = tomllib.loads((Path(__file__).parent / "route_matrix.toml").read_text())
ROLES: list[str] = TABLE["roles"]
ROUTES: dict[str, str] = TABLE["routes"]
OUTCOMES: dict[str, list[Any]] = TABLE["outcomes"]
PEOPLE = ("viewer", "operator", "technician", "approver", "manager")
KEYS = ("read", "operate", "configure", "approve", "manage")
Ask = dict[str, Any]


async def cast(offices: Offices) -> dict[str, Ask]:
    """What each role sends along."""
    asks: dict[str, Ask] = {"nobody": {}, "driver": {"key": "key-of-a-driver"}, "node": {"key": ADMIN}}
    _, asks["stale-manager"] = None, {"cookie": (await offices.passkey("manager"))[1]}
    offices.clock.time += doors.TOUCH_S * 20
    for role in PEOPLE:
        asks[role] = {"cookie": (await offices.passkey(role))[1]}
    asks["other-manager"] = {"cookie": (await offices.passkey("manager", "other"))[1]}
    for permission in KEYS:
        asks[f"key-{permission}"] = {"key": await offices.key(permission, per_minute=60_000)}
    return asks


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offices]:
    """All routers, over one store with two tenants."""
    opened = open_offices(tmp_path_factory.mktemp("matrix") / "node.db")
    with opened.house.database.engine.begin() as connection:
        row = {"driver": "driver-0", "api_key_hash": api_key_hash("key-of-a-driver"), "created_at": 1}
        connection.execute(insert(tables.drivers), row)
    house, more = opened.house, [router for _, router in found_routers()]
    anything: Any = Anything()
    door = Door(opened.store, opened.clock)
    house.app = create_app(anything, anything, anything, anything, ApiSettings(ADMIN), more, door)
    # Who a driver is comes from the store; all else only says that it was reached.
    anything.driver_of_key = house.view.driver_of_key
    opened.client = TestClient(house.app, raise_server_exceptions=False)
    yield opened
    opened.house.database.close()


@pytest.fixture(scope="module")
def asks(offices: Offices) -> dict[str, Ask]:
    """Everybody."""
    return asyncio.run(cast(offices))


@pytest.fixture(autouse=True)
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands still, so nobody may be held up for asking too often."""
    for name in ("FAILURES_PER_MINUTE", "SIGN_INS_PER_MINUTE", "SESSION_PER_MINUTE"):
        monkeypatch.setattr(doors, name, 1_000_000)


def test_every_route_stands_in_the_table_and_no_other(offices: Offices) -> None:
    there = {name for name, _ in routes_of(offices.house.app)}
    assert there - set(ROUTES) == set(), "say in tests/people/route_matrix.toml who may use these routes"
    assert set(ROUTES) - there == set(), "these routes are gone; take them out of tests/people/route_matrix.toml"


def test_table_is_whole() -> None:
    assert set(ROUTES.values()) <= set(OUTCOMES)
    assert {len(row) for row in OUTCOMES.values()} == {len(ROLES)}


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_everybody_gets_what_the_table_says(offices: Offices, asks: dict[str, Ask], route: str) -> None:
    method, _, path = route.partition(" ")
    found = {role: outcome(offices, method, path, asks[role]) for role in ROLES}
    wanted = dict(zip(ROLES, OUTCOMES[ROUTES[route]], strict=True))
    wanted = {role: ("in" if method == "GET" else 403) if what == "fresh" else what for role, what in wanted.items()}
    assert found == wanted


def outcome(offices: Offices, method: str, path: str, ask: Ask) -> Any:
    """401, 403, or in."""
    send = partial(offices.answer, method, filled(path), headers={"Sec-Fetch-Site": "same-origin"})
    answer = send(**ask, follow_redirects=False, **({} if method == "GET" else {"json": {}}))
    assert answer.status_code != 429
    return answer.status_code if answer.status_code in (401, 403) else "in"


def test_service_that_is_reached_says_so(offices: Offices, asks: dict[str, Ask]) -> None:
    """Or else `in` would mean nothing."""
    assert offices.answer("GET", "/api/keys", **asks["manager"]).status_code == Reached.status
