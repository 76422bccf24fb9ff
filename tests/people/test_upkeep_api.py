"""The operator's upkeep over HTTP: alerts, maintenance, reports, curves, retention, a person's data."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from tests.fleet.upkeep_fakes import NOON
from tests.people.upkeep_desk import NEW, Desk, desk, empty_file

from sunpile.basics.ids import EvseId, StationId
from sunpile.basics.scope import NODE
from sunpile.basics.units import Watt, Wh
from sunpile.chargers.commands import CommandResult, GetCustomerInformation, GetVariables, VariableName
from sunpile.chargers.events import MeterRead, Sample, StatusChanged
from sunpile.chargers.notices import MonitorEvent, Progress, ReportPart, SecurityEvent
from sunpile.fleet.upkeep import Upkeep
from sunpile.store.certificate_tables import station_certificates
from sunpile.store.upkeep_tables import samples

__all__ = ["desk", "empty_file"]
SP = StationId("NEW-1")
DAY = 86_400


@pytest.fixture
def upkeep(desk: Desk) -> Upkeep:
    desk.client.post("/api/stations", json=NEW | {"site": "yard"})
    desk.door.show("NEW-1", connected=True, connected_at=NOON)
    return desk.all.upkeep


async def passes(desk: Desk, upkeep: Upkeep, seconds: int) -> None:
    """Time goes by, a tick a minute."""
    for _ in range(seconds // 60):
        desk.clock.time += 60
        await upkeep.tick()


async def test_a_station_that_goes_away_alerts_is_acknowledged_and_comes_back(desk: Desk, upkeep: Upkeep) -> None:
    await upkeep.tick()
    desk.door.show("NEW-1", connected=False, connected_at=NOON)
    await passes(desk, upkeep, 600)
    assert desk.client.get("/api/alerts").json() == []
    await passes(desk, upkeep, 180)
    (alert,) = desk.client.get("/api/alerts").json()
    assert (alert["kind"], alert["station"]) == ("offline", "NEW-1")
    assert desk.client.get("/api/stations/NEW-1").json()["alerts"][0]["alert"] == alert["alert"]
    seen = desk.client.post(f"/api/alerts/{alert['alert']}/acknowledge", json={"note": "on my way"}).json()
    assert (seen["state"], seen["acknowledged_by"]) == ("acknowledged", "node")
    desk.door.show("NEW-1", connected=True, connected_at=desk.clock.time)
    await passes(desk, upkeep, 240)
    assert desk.client.get("/api/alerts").json() == []
    assert [row["alert"] for row in desk.client.get("/api/alerts?state=closed").json()] == [alert["alert"]]
    assert desk.announced == [
        ("alert.opened", "offline"),
        ("alert.acknowledged", "offline"),
        ("alert.closed", "offline"),
    ]
    assert desk.client.post(f"/api/alerts/{alert['alert']}/close", json={}).status_code == 409


async def test_what_stations_tell_alerts_at_once_and_stands_in_their_history(desk: Desk, upkeep: Upkeep) -> None:
    await upkeep.told(SecurityEvent(SP, "TamperDetectionActivated", NOON, "lid"))
    await upkeep.told(SecurityEvent(SP, "StartupOfTheDevice", NOON))
    await upkeep.told(Progress(SP, "log", 5, "UploadFailure"))
    await upkeep.told(MonitorEvent(SP, 1, NOON, "Alerting", "91", "Cabinet", "Temperature", severity=2))
    await upkeep.told(MonitorEvent(SP, 2, NOON, "Alerting", "91", "Fan", "Speed", severity=8))
    assert {row["kind"] for row in desk.client.get("/api/alerts").json()} == {"security", "log", "monitor"}
    told = desk.client.get("/api/stations/NEW-1/events").json()
    assert [row["kind"] for row in told] == ["monitor", "monitor", "log", "security", "security"]
    await upkeep.told(MonitorEvent(SP, 3, NOON, "Alerting", "40", "Cabinet", "Temperature", severity=2, cleared=True))
    assert {row["kind"] for row in desk.client.get("/api/alerts").json()} == {"security", "log"}


async def test_a_wrong_clock_alerts_when_it_stays_wrong(desk: Desk, upkeep: Upkeep) -> None:
    desk.door.show("NEW-1", connected=True, connected_at=NOON, clock_skew_s=-75)
    await passes(desk, upkeep, 540)
    assert desk.client.get("/api/alerts").json() == []
    await passes(desk, upkeep, 180)
    (alert,) = desk.client.get("/api/alerts").json()
    assert (alert["kind"], alert["detail"]) == ("clock", "its clock is 75 s behind")


async def test_a_certificate_that_ends_soon_alerts_until_a_newer_one_is_there(desk: Desk, upkeep: Upkeep) -> None:
    row = {
        "fingerprint": "a" * 64, "tenant": "default", "station": "NEW-1", "use": "ChargingStationCertificate",
        "name": "NEW-1", "serial": "1", "key_hash": "a" * 64, "not_before": NOON, "not_after": NOON + 29 * DAY,
        "chain": "", "state": "accepted", "changed_at": NOON,
    }  # fmt: skip
    with desk.house.database.engine.begin() as connection:
        connection.execute(insert(station_certificates).values(row))
    await passes(desk, upkeep, 60)
    (alert,) = desk.client.get("/api/alerts").json()
    assert (alert["kind"], alert["detail"]) == ("certificate", "ChargingStationCertificate ends in 28 days")
    newer = {"fingerprint": "b" * 64, "serial": "2", "key_hash": "b" * 64, "not_after": NOON + 400 * DAY}
    with desk.house.database.engine.begin() as connection:
        connection.execute(insert(station_certificates).values(row | newer))
    await passes(desk, upkeep, 60)
    assert desk.client.get("/api/alerts").json() == []


async def test_drift_alerts_after_an_hour(desk: Desk, upkeep: Upkeep) -> None:
    value = {"name": {"variable": "HeartbeatInterval"}, "value": "300"}
    desk.client.post("/api/templates", json={"name": "base", "stations": ["NEW-1"], "values": [value]})
    said = {"attributeStatus": "Accepted", "attributeValue": "60"}
    said |= {"component": {"name": ""}, "variable": {"name": "HeartbeatInterval"}}
    result = CommandResult("Accepted", accepted=True, data={"getVariableResult": [said]})
    await upkeep.answered(SP, GetVariables([VariableName("HeartbeatInterval")]), result)
    (shown,) = desk.client.get("/api/stations/NEW-1/variables?text=heart").json()
    assert (shown["label"], shown["name"]["variable"], shown["value"]) == (
        "HeartbeatInterval",
        "HeartbeatInterval",
        "60",
    )
    for _ in range(3):
        desk.clock.time += 3600
        await upkeep.tick()
    assert [row["kind"] for row in desk.client.get("/api/alerts").json()] == ["drift"]


async def test_a_rule_is_changed_and_taken_back(desk: Desk, upkeep: Upkeep) -> None:
    put = desk.client.put("/api/alert-rules/security", json={"kind": "security", "enabled": False, "clear_s": 60})
    assert put.json()["enabled"] is False
    await upkeep.told(SecurityEvent(SP, "TamperDetectionActivated", NOON))
    assert desk.client.get("/api/alerts").json() == []
    assert desk.client.delete("/api/alert-rules/security").status_code == 204
    await upkeep.told(SecurityEvent(SP, "TamperDetectionActivated", NOON))
    assert len(desk.client.get("/api/alerts").json()) == 1
    assert desk.client.put("/api/alert-rules/x", json={"kind": "nothing"}).status_code == 400
    assert all(row["zh"] for row in desk.client.get("/api/alert-kinds").json())


async def test_maintenance_takes_out_of_service_keeps_quiet_and_is_no_outage(desk: Desk, upkeep: Upkeep) -> None:
    await upkeep.tick()
    body = {"site": "yard", "begins": NOON + 60, "ends": NOON + 1860, "reason": "new fuse", "availability": True}
    assert desk.client.post("/api/maintenance", json=body).status_code == 201
    assert desk.client.post("/api/maintenance", json=body | {"begins": NOON - 3600}).status_code == 400
    await passes(desk, upkeep, 60)
    desk.door.show("NEW-1", connected=False, connected_at=NOON)
    await passes(desk, upkeep, 1740)
    assert desk.client.get("/api/alerts").json() == []
    desk.door.show("NEW-1", connected=True, connected_at=desk.clock.time)
    await passes(desk, upkeep, 600)
    asked = [(operation, arguments["operative"]) for operation, arguments, _ in desk.runs.started]
    assert asked == [("change-availability", False), ("change-availability", True)]
    period = {"since": NOON, "until": desk.clock.time}
    (row,) = desk.client.get("/api/reports/uptime", params=period).json()
    assert row["offline_s"] > 1600
    assert row["excluded_s"] == row["offline_s"]
    assert row["nevi_ppm"] == 1_000_000


async def test_a_fault_counts_as_down_in_the_uptime_report(desk: Desk, upkeep: Upkeep) -> None:
    await upkeep.tick()
    desk.clock.time = NOON + 500
    await upkeep.heard(StatusChanged(SP, EvseId(1), "Faulted", "GroundFailure", NOON + 500))
    desk.clock.time = NOON + 1000
    period = {"since": NOON, "until": NOON + 9999, "format": "csv"}
    text = desk.client.get("/api/reports/uptime", params=period).text
    assert text.splitlines() == [
        "station,evse,period_s,offline_s,down_s,excluded_s,nevi_ppm,pcpr_ppm",
        "NEW-1,1,1000,0,500,0,500000,500000",
    ]
    assert desk.client.get("/api/reports/nothing", params={"since": 1, "until": 2}).status_code == 400


async def test_a_planned_report_makes_itself_once_a_day(desk: Desk, upkeep: Upkeep) -> None:
    made = desk.client.post("/api/report-schedules", json={"report": "uptime", "cadence": "daily", "hour": 6})
    assert made.status_code == 201
    for hours in range(0, 49, 6):
        desk.clock.time = NOON + hours * 3600
        await upkeep.parts.reports.tick()
    files = desk.client.get("/api/files?kind=report").json()
    assert len(files) == 2
    assert files[0]["name"].startswith("uptime-daily-20")
    assert desk.client.get(f"/api/files/{files[0]['file']}").text.startswith("station,evse")
    assert desk.client.delete(f"/api/report-schedules/{made.json()['schedule']}").status_code == 204


async def test_a_curve_is_drawn_from_what_was_heard(desk: Desk, upkeep: Upkeep) -> None:
    for step in range(3):
        sample = Sample(NOON + 60 * step, Wh(100 * step), Watt(7000 + step))
        await upkeep.heard(MeterRead(SP, EvseId(1), "1", (sample,)))
    upkeep.metered(MeterRead(SP, EvseId(1), "1", (Sample(NOON + 40 * 365 * DAY, Wh(1)),)))
    await desk.all.samples.flush()
    period = {"since": NOON, "until": NOON + 3600}
    curve = desk.client.get("/api/stations/NEW-1/evses/1/curve", params=period).json()
    assert [point["power_w"] for point in curve["points"]] == [7000, 7001, 7002]
    count = select(func.count()).select_from(samples)
    assert desk.house.database.read_now(lambda connection: connection.scalar(count)) == 3


async def test_what_is_old_is_forgotten_by_the_retention_staff_set(desk: Desk, upkeep: Upkeep) -> None:
    await upkeep.told(SecurityEvent(SP, "StartupOfTheDevice", NOON))
    body = desk.client.get("/api/retention").json()
    assert desk.client.put("/api/retention", json=body | {"history": 1}).json()["history"] == 1
    desk.clock.time = NOON + 2 * DAY
    assert (await upkeep.forget())["history"] == 1
    assert desk.client.put("/api/retention", json=body | {"history": 0}).status_code == 400


async def test_a_persons_data_are_gathered_in_order_or_erased(desk: Desk, upkeep: Upkeep) -> None:
    desk.client.post("/api/stations", json=NEW | {"station": "NEW-2"})
    request = await upkeep.parts.customers.ask(NODE, [], "TAG", "ISO14443", "", erase=False)
    await upkeep.parts.customers.settle()
    commands = dict(desk.door.asked)
    assert set(commands) == {"NEW-1", "NEW-2"}
    command = commands["NEW-1"]
    assert isinstance(command, GetCustomerInformation)
    assert (command.request, command.report, command.clear) == (request, True, False)
    for part, text, last in ((0, "Ann", False), (0, "Ann", False), (1, " Lee", True)):
        await upkeep.told(ReportPart(SP, "customer", request, part, last, ({"data": text},)))
    parts = desk.client.get(f"/api/customer-wishes/{request}").json()
    assert [(row["station"], row["data"], row["complete"]) for row in parts] == [
        ("NEW-1", "Ann Lee", True),
        ("NEW-2", "", False),
    ]
    desk.door.answer = CommandResult("Accepted", accepted=True)
    erased = desk.client.post("/api/customer-wishes", json={"customer": "C7", "erase": True, "stations": ["NEW-1"]})
    assert erased.status_code == 202
    assert desk.client.post("/api/customer-wishes", json={"customer": "C7", "token": "T"}).status_code == 400
    await asyncio.sleep(0)


async def test_what_fails_keeps_nothing_else_from_its_turn(
    desk: Desk, upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> Any:
        raise RuntimeError("disk")

    parts = upkeep.parts
    for part, name in ((parts.history, "look"), (parts.campaigns, "tick"), (parts.maintenance, "tick")):
        monkeypatch.setattr(part, name, fails)
    monkeypatch.setitem(parts.forget, "frames", fails)  # type: ignore[arg-type]
    for report in ("success-all", "uptime"):
        assert desk.client.post("/api/report-schedules", json={"report": report, "hour": 6}).status_code == 201
    monkeypatch.setattr(parts.reports._source, "attempts", fails)
    await upkeep.told(SecurityEvent(SP, "StartupOfTheDevice", NOON))
    desk.clock.time = NOON + 900 * DAY
    await upkeep.tick()
    assert [one["name"].partition("-")[0] for one in desk.client.get("/api/files?kind=report").json()] == ["uptime"]
    assert desk.client.get("/api/stations/NEW-1/events").json() == []
