"""The node as it is wired: every route stands in the table, and another tenant's objects look like none at all.

Each route with an object in its path is asked by another tenant's manager for an object of the default tenant, and for
one that nobody has: both must be 404 in the same words. A new kind of object must be made in `made`; a new route that
wants a body gets one in `BODIES`.
"""

import re
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.people.route_book import filled, routes_of

from sunpile.basics.scope import PERMISSIONS, Scope
from sunpile.people.api import access
from sunpile.people.api.staff import may
from sunpile.settings import NodeSettings
from sunpile.wiring.init import NewNode, make_folder
from sunpile.wiring.node import Node, open_node

TABLE = tomllib.loads((Path(__file__).parents[1] / "people" / "route_matrix.toml").read_text())
STAFF = set(PERMISSIONS)
OTHER = Scope("other", "staff:other", frozenset(PERMISSIONS))
OURS = Scope("default", "staff:ours", frozenset(PERMISSIONS))
NOT_OBJECTS = {"name", "kind", "evse", "report", "credential", "token"}
"""Holes that name no object of a tenant by themselves: an operation, an EVSE of a station, one's own passkey."""
TEMPLATE = {"name": "t", "values": [{"name": {"variable": "HeartbeatInterval"}, "value": "300"}]}
SITE = {"fuses": [{"fuse": "main", "limit": {"l1": 63_000, "l2": 63_000, "l3": 63_000}}]}
OWN_NAMES = {"PUT /api/sites/{site}", "PUT /api/alert-rules/{rule}"}
"""Made under a name that each tenant gives for itself: another's of the same name is another."""
ELSEWHERE = {
    "session",
    "fingerprint",
    "emaid",
    "file",
    "campaign",
    "alert",
    "rule",
    "window",
    "schedule",
    "request",
    "group",
    "reservation",
    "tariff",
    "profile",
    "list",
    "message",
    "tenant",
    "hierarchy",
    "delivery",
    "number",
}
"""Objects that take a station, a chain or a provider to make: their tests of the store show what others see of them."""
BODIES: dict[str, Any] = {
    "PATCH /api/stations/{station}": {"name": "taken over"},
    "PUT /api/stations/{station}/leniency": {"leniency": []},
    "PUT /api/templates/{template}": TEMPLATE,
    "PUT /api/sites/{site}": SITE,
    "PATCH /api/staff/{staff}": {"name": "x"},
    "PATCH /api/webhooks/{hook}": {"paused": True},
    "PUT /api/sites/{site}/cars/{station}/{evse}": {},
}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """A node for stations alone, joined as `sunpile node` joins it."""
    settings: dict[str, object] = {"market": "off", "http_port": 0, "ocpp_port": 0, "insecure_profiles": [1]}
    make_folder(NewNode(tmp_path / "node", settings, [], "", quick_keys=True))
    opened = await open_node(NodeSettings.load(tmp_path / "node"))
    await opened.stations.staff.start()
    yield opened
    opened.ground.database.close()


def app_of(node: Node) -> Any:
    return node.serving._server.config.app


class Asker:
    """Requests on behalf of a scope."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.client = TestClient(app, raise_server_exceptions=False)

    def ask(self, scope: Scope, method: str, path: str, body: Any = None) -> Any:
        def of(permission: Any) -> Any:
            async def guard() -> Scope:
                scope.need(permission)
                return scope

            return guard

        self.app.dependency_overrides = {may(permission): of(permission) for permission in PERMISSIONS}
        return self.client.request(method, path, json=body if method in ("POST", "PUT", "PATCH") else None)


def made(asker: Asker, there: set[str]) -> dict[str, str]:
    """One object of each kind, of the default tenant: what stands in the holes of paths."""

    def make(method: str, path: str, body: Any) -> Any:
        answer = asker.ask(OURS, method, path, body)
        assert answer.is_success, (path, answer.text)
        return answer.json() if answer.content else {}

    found = {"station": make("POST", "/api/stations", {"station": "SP-1", "evses": [1]})["station"]}
    makers: dict[str, tuple[str, str, Any, str]] = {
        "template": ("POST", "/api/templates", TEMPLATE, "template"),
        "staff": ("POST", "/api/staff", {"name": "x", "role": "viewer"}, "staff"),
        "key": ("POST", "/api/keys", {"label": "x", "permissions": ["read"]}, "key"),
        "run": ("POST", "/api/operations/{name}", {"stations": ["SP-1"], "arguments": {}}, "run"),
        "hook": ("POST", "/api/webhooks", {"url": "https://a.example/"}, "hook"),
    }
    for hole, (method, path, body, name) in makers.items():
        if f"{method} {path}" in there:
            found[hole] = make(method, filled(path, {"name": "reset"}), body)[name]
    if "PUT /api/sites/{site}" in there:
        make("PUT", "/api/sites/yard", SITE)
        found["site"] = "yard"
    return found


async def test_every_wired_route_stands_in_the_table(node: Node) -> None:
    there = {name for name, _ in routes_of(app_of(node))}
    assert there - set(TABLE["routes"]) == set()


async def test_another_tenants_objects_look_like_none(node: Node) -> None:
    app = app_of(node)
    asker, routes = Asker(app), routes_of(app)
    holes = made(asker, {name for name, _ in routes})
    leaks: list[str] = []
    asked = 0
    for name, route in routes:
        wanted = set(re.findall(r"\{(\w+)", route.path)) - NOT_OBJECTS
        guards = {access.STAFF_GUARDS.get(guard) for guard in access.guards_of(route.dependant)}
        if not wanted or not guards & STAFF or name in OWN_NAMES:
            continue
        if not wanted <= set(holes):
            assert wanted - set(holes) <= ELSEWHERE, f"{name}: make one in `made`, or say where it is shown"
            continue
        method, body = name.split(" ")[0], BODIES.get(name, {})
        theirs = asker.ask(OTHER, method, filled(route.path, holes), body)
        nobodys = asker.ask(OTHER, method, filled(route.path, dict.fromkeys(holes, "0123456789abcdef")), body)
        asked += 1
        if theirs.status_code == 400 and nobodys.status_code == 400:
            continue  # the body is read first: it says the same of everything
        same = _blank(theirs.text, holes) == _blank(nobodys.text, holes)
        if theirs.status_code != 404 or not same:
            leaks.append(
                f"{name}: {theirs.status_code} {theirs.text[:120]} / {nobodys.status_code} {nobodys.text[:120]}"
            )
    assert leaks == []
    assert asked >= 8
    # And the object was there all the time, untouched.
    mine = asker.ask(OURS, "GET", "/api/stations/SP-1")
    assert mine.status_code == 200
    assert "taken over" not in mine.text


def _blank(text: str, holes: dict[str, str]) -> str:
    for value in (*holes.values(), "0123456789abcdef"):
        text = text.replace(value, "?")
    return text


async def test_lists_of_another_tenant_are_empty(node: Node) -> None:
    app = app_of(node)
    asker = Asker(app)
    made(asker, {name for name, _ in routes_of(app)})
    for name, route in routes_of(app):
        guards = {access.STAFF_GUARDS.get(guard) for guard in access.guards_of(route.dependant)}
        if name.startswith("GET ") and "{" not in route.path and guards & STAFF and "stream" not in route.path:
            answer = asker.ask(OTHER, "GET", route.path)
            assert "SP-1" not in answer.text, name
            assert answer.status_code in (200, 400), (name, answer.text)
