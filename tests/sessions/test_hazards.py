"""What stations do that no specification asks for: restarts, silence, numbers used anew, meters that slip."""

from dataclasses import replace

import pytest

from sessions.memory import MemoryDesk, Story, driver, pile
from sessions.talk import T0, ended, meter, start16, started, status, stop16, updated
from sunpile.chargers.events import Booted, TransactionDetails
from sunpile.sessions.guess import guesses
from sunpile.sessions.register import RegisterSample, trust
from sunpile.sessions.session import Review

HOUR, MONTH = 3600, 30 * 86_400


@pytest.fixture
def story():
    piles = [pile(), pile(evse=2, point=8)]
    return Story(MemoryDesk(piles, [driver(pays=False), driver("d2", "CARD2", pays=False)]), now=T0)


def only(story):
    (session,) = story.desk.sessions.values()
    return session


def boot(reason="PowerUp", station="P1"):
    return Booted(station, "Vendor", "Model", None, None, reason)


def late(story):
    story.tell(Review(only(story).session), story.now + HOUR)


def resumed(event):
    return replace(event, details=TransactionDetails(trigger="TxResumed"))


# -- meters -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("roll", [10**8, 10**9, 2**32, 10**10])
def test_a_register_that_runs_over_its_last_digit_is_billed_through(story, roll):
    number = story.tell(start16(T0, roll - 500), T0).answer.ocpp_transaction
    story.tell(meter(T0 + 600, 300, transaction=number), T0 + 600)
    story.tell(stop16(number, T0 + 1200, 1500), T0 + 1200)
    late(story)
    assert (only(story).state, only(story).wh, only(story).doubts) == ("ended", 2000, {"meter rollover"})


def test_a_register_that_is_set_back_far_from_its_last_digit_has_not_rolled_over():
    samples = [RegisterSample(T0 + at, wh, T0 + at, T0 + at, "sample") for at, wh in ((0, 10**9 - 9000), (60, 100))]
    found = trust(samples, 11_000)
    assert (found.rollovers, found.epochs, found.sums) == (0, 2, (0, 0))


@pytest.mark.parametrize(
    ("begin", "end", "guessed"),
    [
        (4_076_000, 4_078, (4_076_000, 4_078_000)),  # the end in kWh
        (4_076, 4_078_000, (4_076_000, 4_078_000)),  # the begin in kWh
        (4_076_000_000, 4_078_000_000, (4_076_000, 4_078_000)),  # Wh sent as kWh, both
    ],
)
def test_a_unit_mistake_is_held_with_the_guess(story, begin, end, guessed):
    number = story.tell(start16(T0, begin), T0).answer.ocpp_transaction
    story.tell(stop16(number, T0 + HOUR, end), T0 + HOUR)
    late(story)
    assert (only(story).state, only(story).owed) == ("held", 0)
    assert not story.desk.records
    found = {(g.start_wh, g.end_wh) for g in guesses(only(story), 11_000, None, None) if g.kind == "unit"}
    assert guessed in found


def test_a_meter_that_goes_on_in_kwh_within_a_session_is_held(story):
    story.tell(started("t1", 0, T0, 4_076_000), T0)
    story.tell(updated("t1", 1, T0 + 600, 4_077), T0 + 600)
    story.tell(ended("t1", 2, T0 + 1200, 4_078), T0 + 1200)
    assert (only(story).state, only(story).held_reason) == ("held", "unit mistake")


def test_a_meter_that_changed_its_unit_between_two_sessions_is_held(story):
    story.tell(meter(T0 - 600, 4_076_000), T0 - 600)
    story.tell(started("t1", 0, T0, 4_076), T0)
    story.tell(ended("t1", 1, T0 + 1200, 4_078), T0 + 1200)
    assert (only(story).state, only(story).held_reason) == ("held", "unit mistake")


def test_an_odometer_against_a_begin_of_zero_is_held_and_the_register_before_is_the_guess(story):
    story.tell(meter(T0 - 600, 910_000), T0 - 600)
    number = story.tell(start16(T0, 0), T0).answer.ocpp_transaction
    story.tell(stop16(number, T0 + 1200, 910_083), T0 + 1200)
    late(story)
    assert (only(story).state, only(story).held_reason) == ("held", "end implausible")
    before = RegisterSample(T0 - 600, 910_000, T0 - 600, T0 - 600, "sample")
    assert [(g.kind, g.wh) for g in guesses(only(story), 11_000, before, None)] == [("begin relative", 83)]


def test_a_session_relative_end_after_a_lifetime_begin_is_held_and_never_minus_4076_kwh(story):
    number = story.tell(start16(T0, 4_076_400), T0).answer.ocpp_transaction
    story.tell(stop16(number, T0 + 1200, 900), T0 + 1200)
    late(story)
    assert (only(story).state, only(story).held_reason, only(story).wh) == ("held", "end on another register", 0)
    assert [(g.kind, g.wh) for g in guesses(only(story), 11_000, None, None)] == [("end relative", 900)]


def test_energy_beyond_the_connector_is_held_and_never_billed(story):
    story.tell(started("t1", 0, T0, 0), T0)
    story.tell(ended("t1", 1, T0 + HOUR, 50_000), T0 + HOUR)
    assert (only(story).state, only(story).wh, only(story).owed) == ("held", 0, 0)


def test_a_stop_before_its_start_by_the_meter_is_held(story):
    number = story.tell(start16(T0, 5_000), T0).answer.ocpp_transaction
    story.tell(stop16(number, T0 + HOUR, 4_000), T0 + HOUR)
    late(story)
    assert only(story).state == "held"


# -- queues and clocks ------------------------------------------------------------------------------------------------


def test_a_month_old_queue_says_so_in_its_record(story):
    now = T0 + MONTH
    story.tell(started("t1", 0, T0, 1000), now)
    story.tell(ended("t1", 1, T0 + 1200, 3000), now)
    record = story.desk.records[only(story).session]
    assert (record.total_energy, record.remark) == (2000, "late queue")


def test_a_clock_that_is_behind_while_online_is_flagged(story):
    story.tell(started("t1", 0, T0 - 400, 1000, offline=False), T0)
    assert only(story).doubts == {"clock behind"}


# -- restarts and silence ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["PowerUp", "Watchdog", None])
def test_a_session_whose_station_restarted_waits_for_its_stop_and_is_held_without_it(story, reason):
    number = story.tell(start16(T0, 1000), T0).answer.ocpp_transaction
    story.tell(boot(reason), T0 + 300)
    assert (only(story).state, only(story).waits_since) == ("active", T0 + 300)
    story.tell(Review(only(story).session), T0 + 300 + HOUR)
    assert (only(story).state, only(story).held_reason) == ("held", "no stop")
    story.tell(stop16(number, T0 + 290, 1500, reason="PowerLoss"), T0 + 4000)
    assert (only(story).state, only(story).wh, only(story).stop_reason) == ("ended", 500, "PowerLoss")


def test_a_boot_that_was_only_asked_for_says_nothing(story):
    story.tell(start16(T0, 1000), T0)
    story.tell(boot("Triggered"), T0 + 300)
    assert only(story).waits_since is None


def test_a_session_that_goes_on_after_a_restart_is_not_held(story):
    number = story.tell(start16(T0, 1000), T0).answer.ocpp_transaction
    story.tell(boot(None), T0 + 300)
    story.tell(meter(T0 + 360, 1100, transaction=number), T0 + 360)
    late(story)
    assert (only(story).state, only(story).waits_since) == ("active", None)


def test_a_resumed_transaction_goes_on_although_it_was_held(story):
    story.tell(started("t1", 0, T0, 1000), T0)
    story.tell(boot(), T0 + 300)
    story.tell(Review(only(story).session), T0 + 300 + HOUR)
    assert only(story).state == "held"
    story.tell(resumed(updated("t1", 1, T0 + 5000, 1000, offline=False)), T0 + 5000)
    assert (only(story).state, only(story).held_reason) == ("active", None)
    story.tell(ended("t1", 2, T0 + 8000, 3000), T0 + 8000)
    assert (only(story).state, only(story).wh) == ("ended", 2000)
    assert {"resumed", "station restarted"} <= only(story).doubts


def test_a_held_session_is_not_taken_up_where_another_car_charges(story):
    story.tell(started("t1", 0, T0, 1000), T0)
    story.tell(started("t2", 0, T0 + 600, 1500, tag="CARD2"), T0 + 600)
    story.tell(updated("t1", 1, T0 + 660, 1600, offline=False), T0 + 660)
    assert story.desk.by_transaction("P1", "t1").state == "held"


def test_numbers_that_start_again_after_a_reset_are_no_incident(story):
    story.tell(started("t1", 0, T0, 1000), T0)
    story.tell(updated("t1", 1, T0 + 300, 1300), T0 + 300)
    story.tell(boot(), T0 + 400)
    again = updated("t1", 0, T0 + 500, 1400)
    for _ in range(3):
        assert story.tell(again, T0 + 500).answer.ocpp_transaction == "t1"
    assert (only(story).wh, "numbered anew" in only(story).doubts) == (400, True)
    story.tell(ended("t1", 1, T0 + 900, 2000), T0 + 900)
    late(story)
    assert (only(story).state, only(story).wh) == ("ended", 1000)
    assert not [m for m, _ in story.desk.messages.values() if m.held]


def test_an_end_with_the_number_of_the_last_update_ends_the_session(story):
    story.tell(started("t1", 0, T0, 1000), T0)
    story.tell(updated("t1", 1, T0 + 300, 1300), T0 + 300)
    story.tell(ended("t1", 1, T0 + 900, 2000), T0 + 900)
    late(story)
    assert (only(story).state, only(story).wh) == ("ended", 1000)


def test_a_session_that_brings_nothing_for_long_is_held_and_taken_up_when_it_speaks(story):
    number = story.tell(start16(T0, 1000), T0).answer.ocpp_transaction
    story.tell(Review(only(story).session), T0 + 11 * HOUR)
    assert only(story).state == "active"
    story.tell(Review(only(story).session), T0 + 12 * HOUR)
    assert (only(story).state, only(story).held_reason) == ("held", "silent")
    story.tell(meter(T0 + 13 * HOUR, 1200, transaction=number), T0 + 13 * HOUR)
    assert (only(story).state, only(story).wh) == ("active", 200)


def test_a_zombie_may_be_billed_up_to_the_register_of_the_next_start(story):
    story.tell(start16(T0, 1000), T0)
    story.tell(start16(T0 + 7200, 3000, tag="CARD2"), T0 + 7200)
    zombie = next(s for s in story.desk.sessions.values() if s.state == "held")
    later = RegisterSample(T0 + 7200, 3000, T0 + 7200, T0 + 7200, "begin")
    assert [(g.kind, g.wh) for g in guesses(zombie, 11_000, None, later)] == [("end by next start", 2000)]


def test_values_of_the_idle_evse_do_not_keep_a_zombie_alive(story):
    story.tell(start16(T0, 1000), T0)
    story.tell(status(T0 + 100, "Available"), T0 + 100)
    story.tell(meter(T0 + 900, 1000), T0 + 900)
    late(story)
    assert (only(story).state, only(story).held_reason) == ("held", "no stop")


# -- after the end ----------------------------------------------------------------------------------------------------


def test_a_message_after_the_final_record_is_kept_and_changes_nothing(story):
    story.tell(started("t1", 0, T0, 1000), T0)
    story.tell(ended("t1", 1, T0 + 1200, 3000), T0 + 1200)
    before = only(story)
    for event in (updated("t1", 2, T0 + 1300, 9000), ended("t1", 3, T0 + 1400, 9000)):
        decision = story.tell(event, T0 + 1400)
        assert decision.answer.ocpp_transaction == "t1"
        assert decision.message.held == "ended before"
        assert '"registers": [[' in decision.message.detail
    assert only(story) == before
    assert len(story.desk.records) == 1


def test_what_a_session_was_started_with_stays_with_it(story):
    first = started("t1", 0, T0, 1000)
    details = TransactionDetails(remote_start_id=42, reservation=7, token_kind="ISO14443")
    story.tell(replace(first, remote_start_id=42, details=details), T0)
    session = only(story)
    assert (session.reservation, session.token_kind, session.remote_start) == (7, "ISO14443", 42)
    assert session.authorised == "Accepted"
