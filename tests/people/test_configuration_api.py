"""The configuration routes."""

from tests.people.upkeep_desk import NEW, Desk, desk, empty_file

__all__ = ["desk", "empty_file"]
VALUE = {"name": {"variable": "HeartbeatInterval"}, "value": "300"}


def test_a_template_is_made_compared_and_applied(desk: Desk) -> None:
    desk.client.post("/api/stations", json=NEW)
    made = desk.client.post("/api/templates", json={"name": "base", "stations": ["NEW-1"], "values": [VALUE]})
    assert made.status_code == 201
    template = made.json()["template"]
    (drift,) = desk.client.get(f"/api/templates/{template}/drift").json()
    assert (drift["unread"], drift["rows"][0]["variable"]) == (1, "HeartbeatInterval")
    assert desk.client.post(f"/api/templates/{template}/apply", json={}).json() == {"runs": ["run-1"]}
    assert desk.client.get("/api/stations/NEW-1/drift").json()[0]["template"] == template
    assert desk.client.get("/api/stations/NEW-1/variables").json() == []
    assert desk.client.post("/api/stations/NEW-1/variables/refresh").status_code == 202
    assert desk.client.delete(f"/api/templates/{template}").status_code == 204
    assert desk.client.get(f"/api/templates/{template}/drift").status_code == 404


def test_a_template_without_values_is_refused(desk: Desk) -> None:
    assert desk.client.post("/api/templates", json={"name": "base", "values": []}).status_code == 400
