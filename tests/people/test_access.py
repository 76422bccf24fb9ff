"""Deny by default: every route against no, wrong and foreign credentials."""

import re

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from tests.people.house import House, open_house

from sunpile.basics.errors import SettingInvalid
from sunpile.people.api import access, drivers, live, market, operator
from sunpile.people.ports import ApiSettings
from sunpile.people.web import pages

ROUTES = [
    (route, method)
    for part in (market, drivers, operator, live, pages)
    for route in part.router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods or ())
]
GUARDED = [
    (r, m) for r, m in ROUTES if access.guards_of(r.dependant) & {access.admin, access.driver, access.driver_or_admin}
]
PUBLIC_WRITES = {"/api/drivers", "/api/readings", "/api/orders", "/api/deposits", "/rpc"}


def path_of(route: APIRoute) -> str:
    """The route's path with something plausible in its holes."""
    return re.sub(r"\{\w+\}", "1", route.path)


def name_of(pair: object) -> str:
    return f"{pair[1]} {pair[0].path}" if isinstance(pair, tuple) else str(pair)


@pytest.mark.parametrize("pair", GUARDED, ids=name_of)
@pytest.mark.parametrize(
    "header", [None, "Bearer wrong", "Bearer ", "Basic YWRtaW46YWRtaW4=", "bearer admin-token-of-the-test"], ids=str
)
def test_guarded_route_refuses_wrong_credentials(
    client: TestClient, pair: tuple[APIRoute, str], header: str | None
) -> None:
    route, method = pair
    answer = client.request(method, path_of(route), headers={"Authorization": header} if header else {})
    assert answer.status_code == 401, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("pair", [p for p in GUARDED if access.admin in access.guards_of(p[0].dependant)], ids=name_of)
def test_drivers_key_does_not_open_the_operators_routes(
    client: TestClient, pair: tuple[APIRoute, str], driver: dict[str, str]
) -> None:
    route, method = pair
    assert client.request(method, path_of(route), headers=driver).status_code == 403


def test_every_writing_route_is_guarded_or_proves_itself() -> None:
    open_writes = {r.path for r, m in ROUTES if m not in ("GET", "HEAD") and (r, m) not in GUARDED}
    assert open_writes == PUBLIC_WRITES


def test_route_without_a_guard_is_not_built() -> None:
    router = APIRouter()

    @router.get("/bare")
    async def bare() -> None: ...

    with pytest.raises(RuntimeError, match="/bare"):
        access.refuse_unguarded(router.routes)


def test_short_admin_token_is_refused(house: House) -> None:
    from sunpile.people import create_app

    with pytest.raises(SettingInvalid, match="admin_token"):
        create_app(house.view, house.operations, None, house.hub, ApiSettings("short"))  # type: ignore[arg-type]


def test_another_drivers_session_looks_like_none(client: TestClient, driver: dict[str, str]) -> None:
    assert client.get("/api/sessions/S0000", headers=driver).status_code == 200
    foreign = client.get("/api/sessions/S0001", headers=driver)
    unknown = client.get("/api/sessions/S0099", headers=driver)
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json()["detail"].replace("S0001", "") == unknown.json()["detail"].replace("S0099", "")


def test_rpc_can_be_kept_to_the_operator(day_file, admin: dict[str, str]) -> None:
    closed = open_house(day_file, ApiSettings("admin-token-of-the-tests", rpc_open=False))
    with TestClient(closed.app) as client:
        assert client.post("/rpc", content=b"{}").status_code == 401
        assert client.post("/rpc", content=b"{}", headers=admin).status_code == 200
    closed.database.close()
