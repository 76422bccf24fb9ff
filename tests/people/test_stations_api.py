"""The station routes: from registering a pile to seeing why it cannot connect."""

import pytest
from sqlalchemy import insert
from tests.people.upkeep_desk import NEW, Desk, desk, empty_file

from sunpile.chargers.station import Line, Remark
from sunpile.store import tables
from sunpile.store.tables import refused_attempts

__all__ = ["desk", "empty_file"]


def test_a_station_is_registered_found_changed_and_removed(desk: Desk) -> None:
    added = desk.client.post("/api/stations", json=NEW)
    assert added.status_code == 201
    assert len(added.json()["password"]) == 40
    found = desk.client.get("/api/stations", params={"text": "yard"}).json()
    assert (found["total"], found["stations"][0]["station"]) == (1, "NEW-1")
    changed = desk.client.patch("/api/stations/NEW-1", json={"site": "yard", "reason": "moved"})
    assert (changed.json()["site"], changed.json()["name"]) == ("yard", "Yard")
    assert desk.client.delete("/api/stations/NEW-1").status_code == 204
    assert desk.client.get("/api/stations/NEW-1").status_code == 404
    assert [action for _, action, _, _ in desk.audit.records] == ["station.add", "station.change", "station.remove"]
    assert desk.door.told == ["NEW-1", "NEW-1"]


def test_a_station_page_shows_what_the_door_knows_and_why_it_was_refused(desk: Desk) -> None:
    desk.client.post("/api/stations", json=NEW)
    with desk.house.database.engine.begin() as connection:
        connection.execute(insert(refused_attempts).values(station="NEW-1", at=7, reason="wrong password"))
    page = desk.client.get("/api/stations/NEW-1").json()
    assert page["live"] is None
    assert page["refusals"][0]["reason"] == "wrong password"
    assert page["refusals"][0]["cure"]
    assert page["refusals"][0]["cure_zh"]
    remarks = (Remark("clock-wrong", 8, 5, 3),)
    desk.door.show("NEW-1", connected=True, version="2.1", last_seen=9, line=Line("10.0.0.9"), remarks=remarks)
    page = desk.client.get("/api/stations/NEW-1").json()
    assert (page["live"]["version"], page["card"]["connected"], page["live"]["address"]) == ("2.1", True, "10.0.0.9")
    assert page["live"]["remarks"][0]["times"] == 3
    assert page["live"]["remarks"][0]["words_zh"]


def test_a_security_profile_is_never_lowered(desk: Desk) -> None:
    desk.client.post("/api/stations", json=NEW | {"security_profile": 2})
    assert desk.client.patch("/api/stations/NEW-1", json={"security_profile": 3}).status_code == 200
    refused = desk.client.patch("/api/stations/NEW-1", json={"security_profile": 1})
    assert (refused.status_code, refused.json()["code" if "code" in refused.json() else "status"]) == (409, 409)


def test_leniency_takes_only_known_deviations(desk: Desk) -> None:
    desk.client.post("/api/stations", json=NEW)
    put = desk.client.put("/api/stations/NEW-1/leniency", json={"leniency": ["late-boot"]})
    assert put.json()["leniency"] == ["late-boot"]
    unknown = desk.client.put("/api/stations/NEW-1/leniency", json={"leniency": ["anything"]})
    assert unknown.status_code == 400
    assert "seconds-as-ms" in unknown.json()["detail"]


@pytest.mark.parametrize(
    "wrong",
    [{"station": "a b"}, {"max_w": 0}, {"latitude": 1}, {"registration": "Maybe"}, {"security_profile": 4}, {"x": 1}],
)
def test_what_cannot_be_a_station_is_refused(desk: Desk, wrong: dict[str, object]) -> None:
    assert desk.client.post("/api/stations", json=NEW | wrong).status_code == 400


def test_nobody_without_credentials_sees_stations(desk: Desk) -> None:
    assert desk.client.get("/api/stations", headers={"Authorization": ""}).status_code == 401


def test_frames_are_shown_and_exported(desk: Desk) -> None:
    desk.client.post("/api/stations", json=NEW)
    assert desk.client.get("/api/stations/NEW-1/frames/export").text == ""
    with desk.house.database.engine.begin() as connection:
        row = {"station": "NEW-1", "at": 5, "incoming": True, "frame": '[2,"7","Heartbeat",{}]'}
        connection.execute(insert(tables.frames).values(row))
    assert desk.client.get("/api/stations/NEW-1/frames").json()["frames"][0]["action"] == "Heartbeat"
    csv = desk.client.get("/api/stations/NEW-1/frames/export", params={"format": "csv"})
    assert csv.headers["content-type"].startswith("text/csv")
    assert [line.split(",")[5] for line in csv.text.splitlines()] == ["action", "Heartbeat"]
    assert desk.client.get("/api/stations/NOBODY/frames/export").status_code == 404
