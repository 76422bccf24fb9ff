"""Operations over HTTP: the catalogue, runs over many stations, one station at a time, the second yes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fleet.parts import ANNA, BERT, OTHER
from tests.people.operations_door import Door, open_door

from sunpile.basics.scope import Scope
from sunpile.chargers.commands import CommandResult
from sunpile.fleet.catalogue import CATALOGUE


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with open_door(tmp_path) as found:
        yield found


def test_the_catalogue_describes_every_operation_for_forms(door: Door) -> None:
    found = {row["name"]: row for row in door.get("/api/operations").json()}
    assert set(found) == {operation.name for operation in CATALOGUE}
    reset = found["reset"]
    assert (reset["title"], reset["title_zh"], reset["weight"]) == ("Restart", "重启", "dangerous")
    assert reset["arguments"]["properties"]["kind"]["x-label-zh"] == "重启方式"
    assert reset["arguments"]["properties"]["kind"]["enum"] == ["Immediate", "OnIdle", "ImmediateAndResume"]
    assert "1.6" in reset["versions"]
    assert door.get("/api/operations/reset").json()["example"] == {"kind": "OnIdle"}
    assert door.get("/api/operations/explode").status_code == 404


def test_a_run_over_named_stations_and_over_a_filter(door: Door) -> None:
    door.stations.answers["S1"] = CommandResult("Rejected", accepted=False, reason="NotNow")
    started = door.post("/api/operations/clear-cache", {"stations": ["S0", "S1"], "options": {"per_second": 5}})
    assert started.status_code == 202
    body = door.ended(started.json()["run"])
    assert body["counts"] == {"done": 1, "rejected": 1}
    assert [(item["station"], item["state"], item["reason"]) for item in body["items"]] == [
        ("S0", "done", ""),
        ("S1", "rejected", "NotNow"),
    ]
    run = door.post("/api/operations/clear-cache", {"filter": {"vendor": "Even"}}).json()["run"]
    door.ended(run)
    page = door.get(f"/api/runs/{run}?limit=2").json()
    assert ([item["station"] for item in page["items"]], page["next"]) == (["S0", "S2"], "S2")
    page = door.get(f"/api/runs/{run}?limit=2&after=S2").json()
    assert ([item["station"] for item in page["items"]], page["next"]) == (["S4"], None)
    assert door.get(f"/api/runs/{run}?state=rejected").json()["items"] == []
    door.stations.answers.clear()
    first = started.json()["run"]
    assert door.post(f"/api/runs/{first}/retry").status_code == 202
    assert door.ended(first)["counts"] == {"done": 2}
    assert door.stations.times("S0") == 2, "once by each run: the retry asks only who failed"
    assert {row["run"] for row in door.get("/api/runs").json()} == {first, run}


def test_one_station_answers_in_the_same_breath(door: Door) -> None:
    door.stations.usual = CommandResult("Accepted", accepted=True, data={"versionNumber": 4})
    answer = door.post("/api/stations/S0/operations/get-local-list-version", {})
    assert answer.status_code == 200
    assert answer.json()["state"] == "done"
    assert answer.json()["data"] == {"versionNumber": 4}
    run = answer.json()["run"]
    assert door.get(f"/api/runs/{run}/stations/S0").json()["status"] == "Accepted"
    assert door.get("/api/runs?fleet=true").json() == []
    door.stations.away.add("S0")
    away = door.post("/api/stations/S0/operations/get-local-list-version", {}).json()
    assert (away["state"], away["reason"]) == ("unreachable", "station S0 is not connected")


def test_the_same_key_is_the_same_run_another_body_conflicts(door: Door) -> None:
    wish = {"stations": ["S0"], "arguments": {"evse": 1}}
    first = door.post("/api/operations/unlock-connector", wish, **{"Idempotency-Key": "k-1"}).json()["run"]
    assert door.post("/api/operations/unlock-connector", wish, **{"Idempotency-Key": "k-1"}).json()["run"] == first
    door.ended(first)
    assert door.stations.times("S0") == 1
    other = door.post("/api/operations/unlock-connector", wish | {"stations": ["S1"]}, **{"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json()["type"]) == (409, "urn:sunpile:problem:conflict")


def test_a_fleet_wide_restart_waits_for_another_person(door: Door) -> None:
    door.is_now(ANNA)
    started = door.post("/api/operations/reset", {"filter": {}}).json()
    assert started["state"] == "waiting for approval"
    assert door.post(f"/api/runs/{started['run']}/approve").status_code == 403
    door.is_now(OTHER)
    assert door.post(f"/api/runs/{started['run']}/approve").status_code == 404
    assert door.get(f"/api/runs/{started['run']}").status_code == 404
    assert door.get("/api/runs").json() == []
    assert door.stations.asked == []
    door.is_now(BERT)
    assert door.post(f"/api/runs/{started['run']}/approve").status_code == 202
    assert door.ended(started["run"])["approver"] == "staff:bert"
    assert len(door.stations.asked) == 6


def test_cancel_and_begin(door: Door) -> None:
    draft = door.post("/api/operations/clear-cache", {"filter": {}, "options": {"draft": True}}).json()
    assert draft["state"] == "draft"
    assert door.post(f"/api/runs/{draft['run']}/begin").status_code == 202
    assert door.ended(draft["run"])["counts"] == {"done": 6}
    assert door.post(f"/api/runs/{draft['run']}/cancel").status_code == 409


@pytest.mark.parametrize(
    ("body", "part"),
    [({}, "stations or a filter"), ({"stations": ["S0"], "filter": {}}, "stations or a filter"),
     ({"stations": []}, "stations"), ({"stations": ["a b"]}, "stations"), ({"filter": {"colour": "red"}}, "colour"),
     ({"stations": ["S0"], "arguments": {"kind": "Now"}}, "arguments.kind"),
     ({"stations": ["S0"], "options": {"in_flight": 0}}, "options.in_flight"),
     ({"stations": ["S0"], "later": True}, "later")],
)  # fmt: skip
def test_wrong_bodies_are_refused_by_name(door: Door, body: dict[str, Any], part: str) -> None:
    answer = door.post("/api/operations/reset", body)
    assert answer.status_code == 400
    assert part in answer.json()["detail"]
    assert door.stations.asked == []


def test_a_configuring_operation_needs_that_permission(door: Door) -> None:
    door.is_now(Scope("default", "staff:o", frozenset({"read", "operate"})))
    values = {"values": [{"name": {"variable": "HeartbeatInterval"}, "value": "60"}]}
    assert door.post("/api/stations/S0/operations/set-variables", {"arguments": values}).status_code == 403
    found = {row["name"]: row["allowed"] for row in door.get("/api/operations").json()}
    assert (found["set-variables"], found["reset"]) == (False, True)


def test_without_a_token_nothing_is_told(door: Door) -> None:
    assert door.client.get("/api/operations").status_code == 401
    assert door.client.post("/api/operations/reset", json={"stations": ["S0"]}).status_code == 401


def test_passwords_are_not_shown_again(door: Door) -> None:
    arguments = {"slot": 1, "url": "wss://x", "security_profile": 2, "password": "s3cret"}
    run = door.post("/api/stations/S0/operations/set-network-profile", {"arguments": arguments}).json()["run"]
    assert "s3cret" not in door.get(f"/api/runs/{run}").text + door.get("/api/runs").text
