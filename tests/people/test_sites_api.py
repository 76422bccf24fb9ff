"""Sites over HTTP: what staff change stands in the audit log, with what was there before."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from people.fakes import FakeOperations, FakeRpc
from sunpile.basics.errors import NotFound
from sunpile.basics.scope import Scope
from sunpile.control.ports import SiteRecord
from sunpile.people import create_app
from sunpile.people.api import sites
from sunpile.people.feed import EventHub
from sunpile.people.ports import ApiSettings

TOKEN = "a-token-of-the-node"
FUSE = {"fuse": "main", "limit": {"l1": 63_000, "l2": 63_000, "l3": 63_000}}


class Book:
    def __init__(self) -> None:
        self.kept: dict[str, SiteRecord] = {}

    async def of(self, scope: Scope) -> Sequence[SiteRecord]:
        return list(self.kept.values())

    async def one(self, scope: Scope, site: str) -> SiteRecord:
        if site not in self.kept:
            raise NotFound("there is no such site")
        return self.kept[site]

    async def put(self, scope: Scope, record: SiteRecord) -> None:
        self.kept[record.site.site] = record


class Control:
    async def load(self) -> None: ...
    def wish(self, scope: Scope, outlet: Any, wish: Any) -> None: ...


class Log:
    def __init__(self) -> None:
        self.rows: list[tuple[str, str, Mapping[str, Any] | None, Mapping[str, Any] | None]] = []

    async def record(
        self, scope: Scope, action: str, object: str, before: Any = None, after: Any = None, reason: str = ""
    ) -> None:
        self.rows.append((action, object, before, after))


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def client(log: Log) -> TestClient:
    async def offer(scope: Scope, station: str, profile: int, update: Mapping[str, Any]) -> Mapping[str, Any]:
        return update

    routers = (
        sites.router(Book(), Control(), log),  # type: ignore[arg-type]
        sites.composite_router(SimpleNamespace(offer=offer), log),  # type: ignore[arg-type]
    )
    app = create_app(None, FakeOperations(), FakeRpc(), EventHub(), ApiSettings(TOKEN), routers)  # type: ignore[arg-type]
    return TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"})


def test_a_changed_site_is_recorded_with_what_it_was(client: TestClient, log: Log) -> None:
    for policy in ("fair", "priority"):
        assert client.put("/api/sites/yard", json={"policy": policy, "fuses": [FUSE]}).status_code == 200
    (first, second) = log.rows
    assert (first[0], first[1], first[2]) == ("site.put", "site:yard", None)
    assert (second[2] or {})["policy"] == "fair"
    assert (second[3] or {})["policy"] == "priority"


def test_what_is_said_of_a_car_and_by_a_dynamic_profile_is_recorded(client: TestClient, log: Log) -> None:
    client.put("/api/sites/yard", json={"fuses": [FUSE]})
    assert client.put("/api/sites/yard/cars/P1/2", json={"priority": 3}).status_code == 202
    assert client.put("/api/stations/P1/dynamic-profiles/7", json={"limit": 16.5}).status_code == 200
    said = {"departs": None, "need_wh": None, "priority": 3, "solar_only": False}
    assert log.rows[1:] == [
        ("site.car", "station:P1/2", None, said),
        ("profile.offer", "station:P1", None, {"profile": 7, "limit": 16.5}),
    ]
