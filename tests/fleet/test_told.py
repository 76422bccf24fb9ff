"""What of a station's word is kept for staff, and what alerts."""

from sunpile.basics.ids import EvseId, StationId
from sunpile.chargers.notices import CarSchedule, LimitNotified, MonitorEvent, Progress, Told
from sunpile.fleet.upkeep import finding_of, of_notice

S0 = StationId("S0")


def event(variable: str, value: str) -> MonitorEvent:
    return MonitorEvent(S0, 1, 100, "Delta", value, "SecurityCtrlr", variable, kind="CustomMonitor")


def test_a_password_that_a_station_gives_away_is_kept_nowhere() -> None:
    for variable in ("BasicAuthPassword", "BasicAuthPassword[2]"):
        told = event(variable, "s3cret")
        kept, finding = of_notice(told, 100), finding_of(told)
        assert kept is not None
        assert kept.value == "***"
        assert finding is not None
        assert "s3cret" not in finding.detail
    kept = of_notice(event("Identity", "S0"), 100)
    assert kept is not None
    assert kept.value == "S0"


def test_limits_car_schedules_and_grid_events_are_kept() -> None:
    limit = of_notice(LimitNotified(S0, EvseId(1), "EMS", cleared=False, grid_critical=True), 100)
    assert limit is not None
    assert (limit.kind, limit.name, limit.cleared, limit.detail) == (
        "limit",
        "EMS",
        False,
        {"evse": 1, "grid_critical": True},
    )
    gone = of_notice(LimitNotified(S0, None, "EMS", cleared=True), 100)
    assert gone is not None
    assert gone.cleared
    car = of_notice(CarSchedule(S0, EvseId(1), 90, {"id": 1}), 100)
    assert car is not None
    assert (car.kind, car.at, car.detail) == ("car", 90, {"evse": 1, "schedule": {"id": 1}})
    alarm = Told(S0, "NotifyDERAlarm", {"controlType": "VoltVar", "gridEventFault": "OverVoltage"})
    kept, finding = of_notice(alarm, 100), finding_of(alarm)
    assert kept is not None
    assert (kept.kind, kept.name, kept.value) == ("grid", "VoltVar", "OverVoltage")
    assert finding is not None
    assert not finding.cleared
    ended = finding_of(Told(S0, "NotifyDERAlarm", {"controlType": "VoltVar", "alarmEnded": True}))
    assert ended is not None
    assert ended.cleared


def test_work_that_failed_alerts_and_what_gave_way_to_a_newer_request_does_not() -> None:
    for work, status in (("firmware", "InvalidSignature"), ("publish", "InvalidChecksum"), ("log", "UploadFailure")):
        finding = finding_of(Progress(S0, work, 1, status))  # type: ignore[arg-type]
        assert finding is not None
        assert status in finding.detail
    assert finding_of(Progress(S0, "log", 1, "AcceptedCanceled")) is None
    assert finding_of(Progress(S0, "firmware", 1, "Installed")) is None
