"""Old sessions as records: never billed, doubtful ones without a record."""

from dataclasses import replace

import pytest

from sunpile.fleet.moving.model import MovedSession
from sunpile.fleet.moving.past import PastRules, as_session, guess_max_w, session_id

RULES = PastRules("SteVe", 1_790_000_000, 900, "EUR")
GOOD = MovedSession("SP-1", 1, "7", 1_788_249_600, "AA01", "", 1_788_253_200, 1000, 11_000, "Local")


def test_a_plausible_session_gets_a_record_that_costs_nothing() -> None:
    session, cdr = as_session(GOOD, 11_000, RULES)
    assert (session.state, session.wh, session.price, session.owed, session.pays) == ("ended", 10_000, 0, 0, False)
    assert cdr is not None
    assert (cdr.total_energy, cdr.total_cost, cdr.total_time, cdr.meter_start, cdr.meter_stop) == (
        10_000, 0, 3600, 1000, 11_000,
    )  # fmt: skip
    assert sum(period.energy for period in cdr.charging_periods) == cdr.total_energy
    assert (cdr.cdr_token, cdr.remark) == ("AA01", "moved from SteVe")


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ({"ended_at": None, "end_wh": None}, "no stop"),
        ({"end_wh": 900}, "end on another register"),
        ({"end_wh": 30_000}, "above the pile's power"),
        ({"ended_at": 1_788_249_000}, "clock ran back"),
        ({"started_at": 0, "ended_at": 3600}, "clock never set"),
        ({"ended_at": 1_790_001_000}, "clock ahead"),
        ({"start_wh": None}, "no register at the start"),
        ({"end_wh": None}, "no register at the end"),
    ],
)
def test_what_cannot_be_true_is_kept_with_its_doubt_and_has_no_record(
    change: dict[str, int | None], doubt: str
) -> None:
    session, cdr = as_session(replace(GOOD, **change), 11_000, RULES)  # type: ignore[arg-type]
    assert cdr is None
    assert (session.state, session.wh) == ("ended", 0)
    assert session.doubts == {doubt, "moved from SteVe"}
    assert session.ended_at is not None
    assert session.ended_at >= session.started_at


def test_what_is_only_odd_keeps_its_record() -> None:
    long = replace(GOOD, started_at=GOOD.started_at - 31 * 86_400, evse=0, doubts=frozenset({"several stops"}))
    session, cdr = as_session(long, 11_000, RULES)
    assert cdr is not None
    assert session.doubts == {"longer than 30 days", "unknown evse", "several stops", "moved from SteVe"}


def test_a_running_session_goes_on() -> None:
    session, cdr = as_session(replace(GOOD, ended_at=None, end_wh=None, running=True), 11_000, RULES)
    assert cdr is None
    assert (session.state, session.ended_at, session.last_wh, session.pays) == ("active", None, 1000, False)
    assert session.doubts == {"moved from SteVe"}


def test_a_token_no_session_can_hold_stands_in_the_record() -> None:
    for token in ("X" * 40, "A\0B"):
        session, cdr = as_session(replace(GOOD, token=token), 11_000, RULES)
        assert cdr is not None
        assert (session.id_token, cdr.cdr_token) == (None, token)


def test_ids_are_the_same_in_every_move_and_differ_between_sessions() -> None:
    assert session_id("SteVe", GOOD) == session_id("SteVe", replace(GOOD, end_wh=None))
    others = {
        session_id("SteVe", GOOD),
        session_id("CitrineOS", GOOD),
        session_id("SteVe", replace(GOOD, transaction="8")),
    }
    assert len(others) == 3


def test_power_is_believed_when_three_sessions_show_it() -> None:
    strong = replace(GOOD, end_wh=GOOD.start_wh + 140_000)  # type: ignore[operator]
    wild = replace(GOOD, station="SP-2", end_wh=GOOD.start_wh + 2_000_000)  # type: ignore[operator]
    few = replace(strong, station="SP-3")
    sessions = [strong, strong, strong, replace(strong, end_wh=350_000), *[wild] * 5, few, few, GOOD]
    assert guess_max_w(sessions, 22_000) == {"SP-1": 150_000}
