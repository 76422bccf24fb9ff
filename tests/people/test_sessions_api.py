"""The session routes for staff: from what is held to the record's export."""

import asyncio
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert
from tests.people.fakes import FakeOperations, FakeRpc
from tests.people.house import ADMIN, House, open_house

from sessions.memory import HandClock, Piles
from sessions.signing import SigningMeter
from sessions.talk import T0, start16, stop16
from sunpile.people import create_app
from sunpile.people.api import sessions as session_routes
from sunpile.people.ports import ApiSettings
from sunpile.sessions import Sessions
from sunpile.sessions.office import Office
from sunpile.store.session_archive import SessionArchiveStore
from sunpile.store.sessions import SessionDatabase
from sunpile.store.tables import connectors, drivers, stations

HOUR = 3600


class Desk:
    """The application with session routes, and a station that has charged twice."""

    def __init__(self, house: House) -> None:
        self.clock = HandClock(T0)
        store = SessionDatabase(house.database)
        self.sessions = Sessions(store, Piles(), self.clock)
        self.changed: list[str] = []
        office = Office(
            store,
            SessionArchiveStore(house.database),
            self.clock,
            changed=lambda session: self.changed.append(session.state),
        )
        routers = [session_routes.router(office)]
        app = create_app(house.view, FakeOperations(), FakeRpc(), house.hub, ApiSettings(ADMIN), routers)
        self.client = TestClient(app, headers={"Authorization": f"Bearer {ADMIN}"})
        self.nobody = TestClient(app)
        asyncio.run(self.fill(house))

    async def fill(self, house: House) -> None:
        def rows(connection) -> None:
            values = {"station": "XP1", "password_salt": b"", "password_hash": b"", "max_w": 11_000}
            connection.execute(insert(stations).values(values))
            connection.execute(insert(connectors).values(station="XP1", evse=1, status="Available", price=300_000))
            connection.execute(insert(drivers).values(driver="xd", id_token="=1+1", pays=False, created_at=T0))

        await house.database.write(rows)
        await self.charge(T0, 1000, 3000)
        await self.charge(T0 + 2 * HOUR, 0, 4_076_000)

    async def charge(self, at: int, begin: int, end: int) -> None:
        self.clock._now = at
        number = (await self.sessions.started(start16(at, begin, "=1+1", station="XP1"))).ocpp_transaction
        self.clock._now = at + HOUR
        await self.sessions.ended(stop16(number, at + HOUR, end, station="XP1"))
        self.clock._now = at + 2 * HOUR
        await self.sessions.housekeep()

    def held(self) -> dict[str, Any]:
        """The one held session of the station; the town's own sessions fell silent meanwhile."""
        found = self.client.get("/api/staff/held").json()["sessions"]
        (session,) = [one for one in found if one["station"] == "XP1"]
        return session


@pytest.fixture
def desk(tmp_path: Path, day_file: Path) -> Iterator[Desk]:
    file = tmp_path / "day.db"
    file.write_bytes(day_file.read_bytes())
    house = open_house(file)
    yield Desk(house)
    house.database.close()


def test_a_held_session_is_found_looked_at_and_decided(desk: Desk) -> None:
    session = desk.held()
    assert session["outcome"]["failed_at"] == "energy"
    detail = desk.client.get(f"/api/sessions/{session['session']}/detail").json()
    assert [g["kind"] for g in detail["guesses"]] == []
    assert [one["held"] for one in detail["registers"]] == [None, "implausible"]
    body = {"kind": "registers", "start_wh": 4_075_000, "end_wh": 4_076_000, "reason": "read on site"}
    done = desk.client.post(f"/api/sessions/{session['session']}/review", json=body)
    assert (done.status_code, done.json()["state"], done.json()["wh"]) == (200, "ended", 1000)
    assert desk.changed == ["ended"]
    again = desk.client.post(f"/api/sessions/{session['session']}/review", json=body)
    assert (again.status_code, again.json()["type"]) == (409, "urn:sunpile:problem:conflict")
    detail = desk.client.get(f"/api/sessions/{session['session']}/detail").json()
    assert detail["decisions"][0]["reason"] == "read on site"
    assert len(detail["records"]) == 1


def test_a_correction_leaves_three_records_and_the_export_has_them(desk: Desk) -> None:
    (session,) = desk.client.get("/api/staff/sessions", params={"station": "XP1", "state": "ended"}).json()["sessions"]
    body = {"kind": "registers", "start_wh": 1000, "end_wh": 2000, "reason": "a wrong meter"}
    assert desk.client.post(f"/api/sessions/{session['session']}/correct", json=body).json()["wh"] == 1000
    rows = desk.client.get("/api/staff/records", params={"since": T0}).json()["records"]
    mine = [row for row in rows if row["session_id"] == session["session"]]
    assert sorted(row["total_energy"] for row in mine) == [-2000, 1000, 2000]
    text = desk.client.get("/api/staff/records", params={"since": T0, "form": "csv"}).text
    cells = [row for row in csv.DictReader(io.StringIO(text)) if row["session_id"] == session["session"]]
    assert {row["cdr_token"] for row in cells} == {"'=1+1"}
    assert sorted(int(row["total_energy"]) for row in cells) == [-2000, 1000, 2000]
    lines = desk.client.get("/api/staff/records", params={"since": T0, "form": "lines"}).text.splitlines()
    assert len(lines) == len(rows)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "registers", "reason": "no registers"},
        {"kind": "zero", "reason": "x"},
        {"kind": "registers", "start_wh": 0, "end_wh": 99_000_000, "reason": "too much"},
        {"kind": "registers", "start_wh": 5.5, "end_wh": 6, "reason": "not whole"},
        {"kind": "free", "reason": "no such kind"},
        {"kind": "zero", "reason": "because", "more": 1},
    ],
)
def test_a_decision_that_cannot_be_is_refused_in_words(desk: Desk, body: dict[str, object]) -> None:
    session = desk.held()
    answer = desk.client.post(f"/api/sessions/{session['session']}/review", json=body)
    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_meter_keys_are_registered_in_one_form(desk: Desk) -> None:
    key = SigningMeter().key
    made = desk.client.post("/api/stations/XP1/meter-keys", json={"evse": 1, "key": key.upper()})
    assert (made.status_code, made.json()["key"]) == (201, key)
    assert [one["key"] for one in desk.client.get("/api/stations/XP1/meter-keys").json()] == [key]
    assert desk.client.post("/api/stations/XP1/meter-keys", json={"evse": 1, "key": "0" * 64}).status_code == 400
    assert desk.client.post("/api/stations/NONE/meter-keys", json={"evse": 1, "key": key}).status_code == 404


def test_nobody_else_gets_in(desk: Desk) -> None:
    for method, path in (
        ("GET", "/api/staff/sessions"),
        ("GET", "/api/staff/held"),
        ("GET", "/api/staff/records"),
        ("POST", "/api/staff/held/dismiss"),
        ("GET", "/api/sessions/1/detail"),
        ("POST", "/api/sessions/1/review"),
        ("POST", "/api/sessions/1/correct"),
        ("GET", "/api/stations/XP1/meter-keys"),
        ("POST", "/api/stations/XP1/meter-keys"),
    ):
        assert desk.nobody.request(method, path).status_code == 401, path
