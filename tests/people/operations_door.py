"""The operations' routes over a store with six scripted stations."""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from tests.fleet.parts import FakeStations, HandClock, make_store
from tests.people.fakes import FakeOperations, FakeRpc
from tests.people.house import ADMIN

from sunpile.basics.audit import NoAudit
from sunpile.basics.scope import Scope
from sunpile.fleet.runner import Runner
from sunpile.people import create_app
from sunpile.people.api import operations
from sunpile.people.api.staff import may
from sunpile.people.feed import EventHub
from sunpile.people.ports import ApiSettings
from sunpile.store.database import Database
from sunpile.store.runs import RunDatabase

HEAD = {"Authorization": f"Bearer {ADMIN}"}


def taken_for(scope: Scope, permission: Any) -> Callable[[], Awaitable[Scope]]:
    """A guard that takes everybody for `scope`."""

    async def guard() -> Scope:
        scope.need(permission)
        return scope

    return guard


class Door:
    """A client, and whom it is taken for."""

    def __init__(self, client: TestClient, stations: FakeStations) -> None:
        self.client, self.stations = client, stations

    def is_now(self, scope: Scope) -> None:
        for permission in ("read", "operate", "configure", "approve"):
            self.client.app.dependency_overrides[may(permission)] = taken_for(scope, permission)  # type: ignore

    def get(self, path: str) -> Any:
        return self.client.get(path, headers=HEAD)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(path, json=body, headers=HEAD | headers)

    def ended(self, run: str) -> Any:
        for _ in range(500):
            body = self.get(f"/api/runs/{run}").json()
            if body["state"] in ("done", "stopped", "cancelled"):
                return body
            time.sleep(0.005)
        raise AssertionError(body)


@contextmanager
def open_door(folder: Path) -> Iterator[Door]:
    """The application, running."""
    database = Database(f"sqlite:///{make_store(folder / 'node.db')}")
    store, stations, hub = RunDatabase(database), FakeStations(), EventHub()
    runner = Runner(stations, store, store, HandClock(), NoAudit(), hub.publish)
    app = create_app(None, FakeOperations(), FakeRpc(), hub, ApiSettings(ADMIN), [operations.router(runner)])  # type: ignore[arg-type]
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.portal is not None
        loop = client.portal.start_task_soon(runner.run)
        yield Door(client, stations)
        loop.cancel()
        client.portal.call(runner.stop)
    database.close()
