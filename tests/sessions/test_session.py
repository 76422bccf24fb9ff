"""Each hazard of the piles' talk, told as events."""

from dataclasses import replace

import pytest

from sessions.memory import MemoryDesk, Story, channel, driver, pile
from sessions.talk import T0, clock, ended, meter, start16, started, status, stop16, updated
from sunpile.basics.keys import Key
from sunpile.chargers.events import Sample, TransactionDetails
from sunpile.sessions.session import Review

SIGNER = Key.from_seed("session key").address
MONTH = 30 * 86_400


@pytest.fixture
def story():
    piles = [pile(), pile(evse=2, point=8), pile(station="P2", point=9)]
    drivers = [driver(), driver("d2", "CARD2"), driver("owner", "OWNER", pays=False)]
    channels = [channel(SIGNER), channel(SIGNER, "d2", name=b"\x02" * 32)]
    return Story(MemoryDesk(piles, drivers, channels), now=T0)


def only(story):
    (session,) = story.desk.sessions.values()
    return session


def test_from_start_to_record_in_ocpp_16(story):
    answer = story.tell(start16(T0, 1000), T0).answer
    assert answer.authorisation.status == "Accepted"
    number = answer.ocpp_transaction
    story.tell(meter(T0 + 600, 2000, transaction=number), T0 + 600)
    assert (only(story).wh, only(story).owed, only(story).state) == (1000, 300_000_000, "active")
    story.tell(stop16(number, T0 + 1200, 3000), T0 + 1200)
    session, record = only(story), story.desk.records[only(story).session]
    assert (session.state, session.wh, session.owed) == ("ended", 2000, 600_000_000)
    assert (record.total_energy, record.total_cost, record.total_time) == (2000, 600_000_000, 1200)
    assert [(p.interval - T0 // 900, p.energy) for p in record.charging_periods] == [(0, 1500), (1, 500)]
    assert (record.meter_start, record.meter_stop, record.cdr_token) == (1000, 3000, "CARD1")
    assert story.desk.channels[session.channel].owed == 600_000_000


def test_from_start_to_record_in_ocpp_201(story):
    story.tell(started("t1", 0, T0, 1000), T0)
    story.tell(updated("t1", 1, T0 + 600, 2000), T0 + 600)
    assert story.tell(ended("t1", 2, T0 + 1200, 3000), T0 + 1200).answer.ocpp_transaction == "t1"
    assert (only(story).state, only(story).wh) == ("ended", 2000)


def test_a_repeated_start_gets_the_same_number(story):
    first = story.tell(start16(T0, 1000))
    again = story.tell(start16(T0, 1000))
    assert again.answer == first.answer
    assert not again.sessions
    assert len(story.desk.sessions) == 1


def test_a_repeated_stop_gets_the_same_answer_and_bills_once(story):
    number = story.tell(start16(T0, 1000)).answer.ocpp_transaction
    first = story.tell(stop16(number, T0 + 900, 2000), T0 + 900)
    again = story.tell(stop16(number, T0 + 900, 2000), T0 + 960)
    assert again.answer == first.answer
    assert not again.cdrs
    assert len(story.desk.records) == 1


def test_the_same_key_with_another_body_is_an_incident_and_moves_nothing(story):
    number = story.tell(start16(T0, 1000)).answer.ocpp_transaction
    first = story.tell(stop16(number, T0 + 900, 2000), T0 + 900)
    for _ in range(2):
        other = story.tell(stop16(number, T0 + 950, 9000, reason="PowerLoss"), T0 + 960)
        assert other.answer == first.answer
        assert not other.sessions
    held = [m for m, _ in story.desk.messages.values() if m.held]
    assert [m.held for m in held] == ["same key, other body"]
    assert only(story).wh == 1000


@pytest.mark.parametrize("number", ["-1", "0", "99"])
def test_a_stop_with_an_unknown_number_finds_the_one_session_it_fits(story, number):
    story.tell(start16(T0, 1000), T0)
    answer = story.tell(stop16(number, T0 + 900, 2500, tag="CARD1"), T0 + 900).answer
    assert answer.ocpp_transaction == number
    assert (only(story).state, only(story).wh) == ("ended", 1500)
    assert "orphan stop" in only(story).doubts


def test_a_stop_that_could_be_of_two_sessions_is_answered_and_held(story):
    story.tell(start16(T0, 1000), T0)
    story.tell(start16(T0, 500, tag="CARD2", evse=2), T0)
    decision = story.tell(stop16("-1", T0 + 900, 2500), T0 + 900)
    assert decision.answer.ocpp_transaction == "-1"
    assert decision.message.held == "orphan"
    assert [s.state for s in story.desk.sessions.values()] == ["active", "active"]


def test_a_number_is_bound_to_its_station_and_evse(story):
    number = story.tell(start16(T0, 1000), T0).answer.ocpp_transaction
    assert story.tell(stop16(number, T0 + 900, 2500, station="P2"), T0 + 900).message.held == "orphan"
    story.tell(meter(T0 + 600, 70_000, evse=2, transaction=number), T0 + 600)
    assert only(story).wh == 0
    assert ("P1", 2) in story.desk.registers


def test_messages_in_any_order_give_the_same_session(story):
    story.tell(ended("t1", 2, T0 + 1200, 3000), T0 + 1300)
    assert only(story).state == "waiting"
    story.tell(started("t1", 0, T0, 1000), T0 + 1301)
    assert only(story).state == "waiting"
    story.tell(updated("t1", 1, T0 + 600, 2000), T0 + 1302)
    assert (only(story).state, only(story).wh, only(story).driver) == ("ended", 2000, "d1")


def test_an_end_that_names_no_evse_before_its_start_still_counts(story):
    story.tell(ended("t1", 2, T0 + 1200, 3000, evse=0), T0 + 1300)
    story.tell(updated("t1", 1, T0 + 600, 2000, evse=0), T0 + 1300)
    story.tell(started("t1", 0, T0, 1000), T0 + 1301)
    assert (only(story).state, only(story).wh) == ("ended", 2000)


def plugged(transaction, seq, at, wh):
    begin = (Sample(at, wh, context="Transaction.Begin"),)
    return replace(updated(transaction, seq, at, wh), samples=begin)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 1, 3), (1, 0, 2, 3), (3, 1, 0, 2), (3, 2, 1, 0)])
def test_a_session_whose_driver_comes_before_the_plug_is_the_evses_that_the_plug_names(story, order):
    told = [
        started("t1", 0, T0, None, evse=0),
        plugged("t1", 1, T0 + 60, 1000),
        updated("t1", 2, T0 + 600, 2000),
        ended("t1", 3, T0 + 1260, 3000),
    ]
    story.tell(meter(T0 + 20, 900), T0 + 20)  # of who was there before
    for number in order:
        story.tell(told[number], T0 + 1300)
    assert (only(story).evse, only(story).start_wh, only(story).price) == (1, 1000, 300_000)
    assert (only(story).state, only(story).wh, only(story).owed) == ("ended", 2000, 600_000_000)


def test_who_plugs_in_late_takes_the_evse_from_a_session_that_lost_its_stop(story):
    story.tell(started("t1", 0, T0, 1000), T0)
    story.tell(started("t2", 0, T0 + 900, None, tag="CARD2", evse=0), T0 + 900)
    assert [s.state for s in story.desk.sessions.values()] == ["active", "active"]
    story.tell(plugged("t2", 1, T0 + 960, 2000), T0 + 960)
    assert [s.state for s in story.desk.sessions.values()] == ["held", "active"]


def test_who_is_let_in_after_the_plug_brings_the_remote_start_and_the_reservation_along(story):
    story.tell(started("t1", 0, T0, 1000, tag=None), T0)
    details = TransactionDetails("RemoteStart", remote_start_id=5, reservation=7, token_kind="Central")
    story.tell(replace(updated("t1", 1, T0 + 60, None, tag="CARD1"), details=details), T0 + 60)
    story.tell(updated("t1", 2, T0 + 600, 2000, tag="CARD1"), T0 + 600)
    assert (only(story).remote_start, only(story).reservation, only(story).token_kind) == (5, 7, "Central")


def test_a_gap_is_held_and_not_guessed_and_a_late_message_clears_it(story):
    story.tell(started("t1", 0, T0, 1000), T0)
    story.tell(ended("t1", 2, T0 + 1200, 3000), T0 + 1200)
    story.tell(Review(only(story).session), T0 + 1300)
    assert only(story).state == "waiting"
    story.tell(Review(only(story).session), T0 + 1200 + 3600)
    assert (only(story).state, only(story).held_reason) == ("held", "gap in messages")
    assert not story.desk.records
    story.tell(updated("t1", 1, T0 + 600, 2000), T0 + MONTH)
    assert (only(story).state, only(story).wh, only(story).held_reason) == ("ended", 2000, None)


def test_sequence_numbers_that_do_not_start_at_zero_are_fine(story):
    story.tell(started("t1", 41, T0, 1000), T0)
    story.tell(updated("t1", 42, T0 + 600, 2000), T0 + 600)
    story.tell(ended("t1", 43, T0 + 1200, 3000), T0 + 1200)
    assert only(story).state == "ended"


def test_a_month_old_queue_is_billed_at_its_own_time(story):
    now = T0 + MONTH
    number = story.tell(start16(T0, 1000), now).answer.ocpp_transaction
    story.tell(meter(T0 + 600, 2000, transaction=number), now)
    story.tell(stop16(number, T0 + 1200, 3000), now)
    record = story.desk.records[only(story).session]
    assert (record.start_date_time, record.end_date_time, record.total_energy) == (T0, T0 + 1200, 2000)


def test_a_clock_that_is_ahead_is_bounded_by_the_time_of_receipt_and_flagged(story):
    ahead = 3 * 3600
    number = story.tell(start16(T0 + ahead, 1000), T0).answer.ocpp_transaction
    story.tell(stop16(number, T0 + ahead + 1200, 3000), T0 + 1200)
    assert (only(story).started_at, only(story).ended_at) == (T0, T0 + 1200)
    assert (only(story).wh, only(story).doubts) == (2000, {"clock ahead"})


def test_a_meter_reset_within_a_session_never_costs_negative_money(story):
    number = story.tell(start16(T0, 5000), T0).answer.ocpp_transaction
    story.tell(meter(T0 + 300, 5500, transaction=number), T0 + 300)
    story.tell(meter(T0 + 360, 0, transaction=number), T0 + 360)
    story.tell(meter(T0 + 600, 300, transaction=number), T0 + 600)
    story.tell(stop16(number, T0 + 900, 700), T0 + 900)
    assert only(story).state == "waiting"
    story.tell(Review(only(story).session), T0 + 900 + 3600)
    assert (only(story).state, only(story).wh) == ("ended", 1200)
    assert only(story).doubts == {"meter reset"}


def test_a_begin_of_zero_and_a_lifetime_end_is_held(story):
    number = story.tell(start16(T0, 0), T0).answer.ocpp_transaction
    story.tell(stop16(number, T0 + 900, 4_076_000), T0 + 900)
    story.tell(Review(only(story).session), T0 + 900 + 3600)
    assert (only(story).state, only(story).held_reason, only(story).owed) == ("held", "end implausible", 0)


def test_session_values_between_lifetime_values_are_not_added(story):
    number = story.tell(start16(T0, 4_076_000), T0).answer.ocpp_transaction
    for i in range(1, 4):
        story.tell(meter(T0 + 300 * i, 500 * i, transaction=number), T0 + 300 * i)
    story.tell(stop16(number, T0 + 1200, 4_077_900), T0 + 1200)
    story.tell(Review(only(story).session), T0 + 1200 + 3600)
    assert (only(story).wh, only(story).doubts) == (1900, {"samples held"})


def test_a_pile_whose_clock_ran_back_is_held(story):
    story.tell(started("t1", 0, T0 + 600, 1000), T0 + 600)
    story.tell(ended("t1", 1, T0, 2000), T0 + 1200)
    assert (only(story).state, only(story).held_reason) == ("held", "clock ran back")


def test_a_session_without_any_register_is_held(story):
    story.tell(replace(started("t1", 0, T0, 0), sample=replace(started("t1", 0, T0, 0).sample, register_wh=None)), T0)
    story.tell(ended("t1", 1, T0 + 900, None), T0 + 900)
    story.tell(Review(only(story).session), T0 + 900 + 3600)
    assert (only(story).state, only(story).held_reason) == ("held", "no register at the start")


def test_an_end_without_a_register_is_read_from_the_clock_aligned_ones(story):
    story.tell(started("t1", 0, T0, 1000), T0)
    story.tell(ended("t1", 1, T0 + 600, None), T0 + 600)
    assert only(story).state == "waiting"
    story.tell(clock(T0 + 900, 2500), T0 + 900)
    assert (only(story).state, only(story).wh) == ("ended", 1000)


def test_a_second_start_on_an_evse_holds_the_first_until_its_late_stop(story):
    one = story.tell(start16(T0, 1000), T0).answer.ocpp_transaction
    two = story.tell(start16(T0 + 1200, 3000, tag="CARD2"), T0 + 1200).answer.ocpp_transaction
    first, second = story.desk.by_transaction("P1", one), story.desk.by_transaction("P1", two)
    assert (first.state, first.held_reason, second.state) == ("held", "no stop", "active")
    story.tell(stop16(one, T0 + 900, 2500), T0 + 1300)
    assert story.desk.by_transaction("P1", one).state == "ended"
    assert story.desk.by_transaction("P1", one).wh == 1500


def test_an_old_start_that_comes_after_a_newer_one_does_not_end_it(story):
    two = story.tell(start16(T0 + 1200, 3000, tag="CARD2"), T0 + 1200).answer.ocpp_transaction
    one = story.tell(start16(T0, 1000), T0 + 1300).answer.ocpp_transaction
    assert story.desk.by_transaction("P1", two).state == "active"
    story.tell(stop16(one, T0 + 900, 2500), T0 + 1301)
    assert story.desk.by_transaction("P1", one).wh == 1500


def test_a_zombie_is_held_when_the_pile_stays_available_and_resumes_when_it_does_not(story):
    story.tell(start16(T0, 1000), T0)
    story.tell(status(T0 + 100, "Available"), T0 + 100)
    story.tell(status(T0 + 200, "Charging"), T0 + 200)
    story.tell(Review(only(story).session), T0 + 9000)
    assert only(story).state == "active"
    story.tell(status(T0 + 9100, "Available"), T0 + 9100)
    story.tell(Review(only(story).session), T0 + 9100 + 3600)
    assert (only(story).state, only(story).held_reason) == ("held", "no stop")


def test_a_status_of_another_evse_says_nothing(story):
    story.tell(start16(T0, 1000), T0)
    story.tell(status(T0 + 100, "Available", evse=2), T0 + 100)
    assert only(story).waits_since is None


@pytest.mark.parametrize(
    ("token", "verdict"),
    [("CARD1", "Accepted"), ("card1", "Accepted"), ("OWNER", "Accepted"), ("NOBODY", "Invalid")],
)
def test_who_may_charge(story, token, verdict):
    assert story.tell(start16(T0, 0, tag=token)).answer.authorisation.status == verdict


def test_who_has_too_little_left_in_the_channel_is_blocked(story):
    known = story.desk.channels[b"\x01" * 32]
    story.desk.channels[known.channel] = known._replace(best=known.deposit - 29_999_999)
    assert story.tell(start16(T0, 0)).answer.authorisation.status == "Blocked"


def test_one_driver_charges_once_at_a_time(story):
    story.tell(start16(T0, 0))
    assert story.tell(start16(T0, 0, station="P2")).answer.authorisation.status == "ConcurrentTx"


def test_the_owners_own_car_pays_nothing(story):
    number = story.tell(start16(T0, 0, tag="OWNER"), T0).answer.ocpp_transaction
    story.tell(stop16(number, T0 + 900, 2500), T0 + 900)
    assert (only(story).wh, only(story).owed, story.desk.records[only(story).session].total_cost) == (2500, 0, 0)


def test_a_token_shown_after_the_start_names_the_driver(story):
    story.tell(started("t1", 0, T0, 1000, tag=None), T0)
    answer = story.tell(updated("t1", 1, T0 + 60, 1100, tag="CARD1"), T0 + 60).answer
    assert answer.authorisation.status == "Accepted"
    assert (only(story).driver, only(story).owed) == ("d1", 30_000_000)


def test_an_evse_nobody_registered_is_answered_and_held(story):
    number = story.tell(start16(T0, 0, evse=9), T0).answer.ocpp_transaction
    story.tell(stop16(number, T0 + 900, 2500), T0 + 900)
    assert (only(story).state, only(story).held_reason) == ("held", "unknown evse")


def test_who_was_let_in_and_never_plugged_in_has_used_nothing(story):
    event = replace(started("t1", 0, T0, 0, evse=0), sample=Sample(T0, None))
    story.tell(event, T0)
    story.tell(ended("t1", 1, T0 + 120, None, evse=0, reason="Timeout"), T0 + 120)
    assert (only(story).state, only(story).wh, only(story).owed, only(story).doubts) == ("ended", 0, 0, frozenset())
    assert story.desk.records == {}


def test_the_price_is_the_one_before_the_start(story):
    number = story.tell(start16(T0, 0), T0).answer.ocpp_transaction
    story.desk.piles["P1", 1] = pile(price=900_000)
    story.tell(stop16(number, T0 + 900, 1000), T0 + 900)
    assert only(story).owed == 300_000_000


def test_samples_out_of_order_move_a_running_session_to_the_same_place(story):
    story.tell(started("t1", 0, T0, 1000), T0)
    for seq, at, wh in ((3, 900, 2400), (1, 300, 1500), (2, 600, 2000)):
        story.tell(updated("t1", seq, T0 + at, wh), T0 + 900)
    assert (only(story).wh, only(story).last_at) == (1400, T0 + 900)
