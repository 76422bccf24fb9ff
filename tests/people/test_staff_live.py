"""Who hears what live: strangers the town, staff their own tenant too, nobody another's."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.people.house import ADMIN, House

from sunpile.basics.scope import NODE, Scope
from sunpile.people import create_app
from sunpile.people.api import staff_live
from sunpile.people.api.staff_live import Ours
from sunpile.people.ports import ApiSettings, LiveEvent

OTHER = Scope("other", "staff:b", NODE.permissions)


class Said:
    """A feed that says a few things and ends."""

    def __init__(self, *events: LiveEvent) -> None:
        self.events = events

    @asynccontextmanager
    async def subscribe(self) -> "AsyncGenerator[AsyncGenerator[LiveEvent | None]]":
        async def all_of_it() -> "AsyncGenerator[LiveEvent | None]":
            for event in self.events:
                yield event

        yield all_of_it()


async def whose(station: str) -> str | None:
    return {"SP-1": "default", "SP-2": "other"}.get(station)


EVENTS = (
    LiveEvent("clock", {"now": 1}),
    LiveEvent("station", {"station": "SP-1"}),
    LiveEvent("station", {"station": "SP-2"}),
    LiveEvent("station", {"station": "SP-9"}),
    LiveEvent("alert", {"tenant": "default", "name": "mine"}),
    LiveEvent("alert", {"tenant": "other", "station": "SP-1"}),
    LiveEvent("secret", {"x": 1}),
    LiveEvent("session", {"station": "SP-2", "wh": 1}),
)


@pytest.mark.parametrize(("scope", "wanted"), [(NODE, [0, 1, 4]), (OTHER, [0, 2, 5, 7])])
async def test_staff_hear_their_own_tenant(scope: Scope, wanted: list[int]) -> None:
    ours = Ours(whose)
    assert [n for n, event in enumerate(EVENTS) if await ours(scope, event)] == wanted


def test_strangers_hear_the_town_only(house: House) -> None:
    said: Any = Said(*EVENTS)
    routers = [staff_live.router(said, whose)]
    app = create_app(house.view, house.operations, None, said, ApiSettings(ADMIN), routers)  # type: ignore[arg-type]
    client = TestClient(app)
    heard = client.get("/api/stream").text
    assert "event: clock" in heard
    assert "event: station" not in heard
    assert "alert" not in heard
    assert client.get("/api/staff/stream").status_code == 401
    mine = client.get("/api/staff/stream", headers={"Authorization": f"Bearer {ADMIN}"}).text
    assert "SP-1" in mine
    assert "SP-2" not in mine
    assert "event: session" not in mine


def hears(house: House, settings: ApiSettings, token: str | None = None) -> str:
    said: Any = Said(*EVENTS)
    app = create_app(house.view, house.operations, None, said, settings)  # type: ignore[arg-type]
    return TestClient(app).get("/api/stream", headers={"Authorization": f"Bearer {token}"} if token else {}).text


def test_open_homes_are_no_open_books(house: House) -> None:
    heard = hears(house, ApiSettings(ADMIN, open_town=True))
    assert "event: session" in heard
    assert "alert" not in heard
    assert "secret" not in heard
    assert "event: alert" in hears(house, ApiSettings(ADMIN, open_town=True), ADMIN)


def test_without_a_market_strangers_see_no_sessions(house: House) -> None:
    settings = ApiSettings(ADMIN, market=False)
    assert "session" not in hears(house, settings)
    app = create_app(house.view, house.operations, None, Said(), settings)  # type: ignore[arg-type]
    client = TestClient(app, raise_server_exceptions=False)
    assert client.get("/api/sessions").status_code == 401
    assert client.get("/api/sessions", headers={"Authorization": f"Bearer {ADMIN}"}).status_code == 200
