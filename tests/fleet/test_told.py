"""What of a station's word is kept for staff, and what alerts."""

from sunpile.basics.ids import StationId
from sunpile.chargers.notices import MonitorEvent
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
