"""What staff decides: a record once made is never changed, a decision is never lost."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.memory import MemoryDesk, Story, channel, driver, pile
from sessions.signing import SigningMeter
from sessions.talk import T0, ended, start16, started, stop16, updated
from sunpile.basics.errors import Conflict, InputInvalid, NotFound
from sunpile.basics.keys import Key
from sunpile.sessions.review import Ruling, correct, review, standing
from sunpile.sessions.session import Fresh, Review, Turn

SIGNER = Key.from_seed("session key").address
HOUR = 3600


@pytest.fixture
def story():
    return Story(MemoryDesk([pile()], [driver()], [channel(SIGNER)]), now=T0)


def only(story):
    (session,) = story.desk.sessions.values()
    return session


def turn(story):
    return Turn(story.desk, story.now, story.rules, Fresh("", 0))


def decide(story, ruling, name=None):
    decision = review(turn(story), name or only(story).session, ruling, "staff:1")
    return story.desk.keep(decision)


def mend(story, ruling):
    session = only(story)
    decision = correct(turn(story), session.session, ruling, "staff:1")
    return story.desk.keep(decision)


def by(start, end, **more):
    return Ruling("registers", "read from the display", start, end, **more)


def held(story, begin=0, end=4_076_000):
    number = story.tell(start16(T0, begin), T0).answer.ocpp_transaction
    story.tell(stop16(number, T0 + HOUR, end), T0 + HOUR)
    story.tell(Review(only(story).session), T0 + 2 * HOUR)
    assert only(story).state == "held"
    return only(story)


def billed(story):
    return sum(record.total_cost for record in story.desk.records.values())


def test_a_held_session_is_billed_by_the_registers_staff_read(story):
    held(story)
    decide(story, by(4_074_000, 4_076_000))
    session, record = only(story), story.desk.records[only(story).session]
    assert (session.state, session.wh, session.owed) == ("ended", 2000, 600_000_000)
    assert (record.total_energy, record.meter_start, record.meter_stop) == (2000, 4_074_000, 4_076_000)
    assert sum(period.energy for period in record.charging_periods) == 2000
    assert "decided by staff" in record.remark
    assert story.desk.channels[session.channel].owed == 600_000_000
    (ruled,) = story.desk.rulings
    assert (ruled.kind, ruled.wh, ruled.actor, ruled.at) == ("registers", 2000, "staff:1", T0 + 2 * HOUR)


def test_a_held_session_is_let_go_for_nothing(story):
    held(story)
    decide(story, Ruling("zero", "the station was being tested"))
    assert (only(story).state, only(story).wh, billed(story)) == ("ended", 0, 0)


def test_a_session_left_held_stays_so_with_the_reason_kept(story):
    held(story)
    decide(story, Ruling("hold", "waiting for the site's answer"))
    assert (only(story).state, len(story.desk.records), len(story.desk.rulings)) == ("held", 0, 1)


def test_a_zombie_gets_an_end(story):
    story.tell(start16(T0, 1000), T0)
    story.tell(Review(only(story).session), T0 + 12 * HOUR)
    decide(story, by(1000, 3000, ended_at=T0 + HOUR))
    assert (only(story).state, only(story).ended_at, only(story).wh) == ("ended", T0 + HOUR, 2000)


@pytest.mark.parametrize(
    "ruling",
    [
        by(0, 50_000),  # more than the pile can pass in the hour
        by(3000, 1000),
        by(0, 1000, ended_at=T0 - 1),
        by(0, 1000, ended_at=T0 + 30 * HOUR),
    ],
)
def test_what_cannot_have_been_is_not_billed_by_staff_either(story, ruling):
    held(story)
    with pytest.raises(InputInvalid):
        decide(story, ruling)
    assert only(story).state == "held"


@pytest.mark.parametrize(("kind", "start"), [("registers", None), ("zero", 5), ("hold", 5)])
def test_registers_are_given_only_where_they_are_billed(kind, start):
    with pytest.raises(InputInvalid, match="registers"):
        Ruling(kind, "because", start, start)


def test_a_decision_needs_a_reason():
    with pytest.raises(InputInvalid, match="reason"):
        Ruling("zero", "  ")


def test_only_a_held_session_is_reviewed(story):
    with pytest.raises(NotFound):
        decide(story, Ruling("zero", "because"), "nobody")
    held(story)
    decide(story, Ruling("zero", "because"))
    with pytest.raises(Conflict):
        decide(story, by(0, 100))


def test_signed_values_settle_what_the_protocol_got_wrong(story):
    meter = SigningMeter()
    story.desk.keys["P1", 1] = meter.key
    number = story.tell(start16(T0, 0), T0).answer.ocpp_transaction
    stop = stop16(number, T0 + HOUR, 4_076_000)
    text = meter.whole((T0, 4_074_000), (T0 + HOUR, 4_076_000))
    story.tell(replace(stop, samples=(replace(stop.samples[0], signed=text),)), T0 + HOUR)
    story.tell(Review(only(story).session), T0 + 2 * HOUR)
    assert only(story).state == "held"
    decide(story, Ruling("signed", "the meter's own signature holds"))
    assert (only(story).state, only(story).wh) == ("ended", 2000)


def test_without_signed_values_nothing_is_billed_by_them(story):
    held(story)
    with pytest.raises(Conflict, match="signed"):
        decide(story, Ruling("signed", "because"))


def test_a_late_message_after_a_decision_changes_nothing(story):
    story.tell(started("t1", 0, T0, 1000), T0)
    story.tell(ended("t1", 2, T0 + HOUR, 3000), T0 + HOUR)
    story.tell(Review(only(story).session), T0 + 3 * HOUR)
    assert only(story).held_reason == "gap in messages"
    decide(story, by(1000, 2500))
    decision = story.tell(updated("t1", 1, T0 + 600, 2000), T0 + 4 * HOUR)
    assert decision.message.held == "ended before"
    assert (only(story).wh, len(story.desk.records)) == (1500, 1)


def test_a_correction_is_a_credit_record_and_a_new_one(story):
    number = story.tell(start16(T0, 1000), T0).answer.ocpp_transaction
    story.tell(stop16(number, T0 + HOUR, 3000), T0 + HOUR)
    first = story.desk.records[only(story).session]
    mend(story, by(1000, 2000))
    mend(story, Ruling("zero", "goodwill"))
    name = only(story).session
    assert list(story.desk.records) == [name, f"{name}-credit", f"{name}-2", f"{name}-2-credit", f"{name}-3"]
    assert story.desk.records[name] == first
    assert (billed(story), only(story).owed) == (0, 0)
    assert story.desk.channels[only(story).channel].owed == 0
    assert standing(list(story.desk.records.values())).id == f"{name}-3"


def test_only_what_has_a_record_is_corrected(story):
    held(story)
    with pytest.raises(Conflict):
        mend(story, by(0, 100))
    decide(story, Ruling("zero", "because"))
    with pytest.raises(InputInvalid):
        mend(story, Ruling("hold", "because"))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=6))
def test_the_records_of_a_session_always_add_up_to_what_it_owes(energies):
    story = Story(MemoryDesk([pile()], [driver()], [channel(SIGNER)]), now=T0)
    held(story)
    decide(story, by(0, energies[0]))
    for energy in energies[1:]:
        mend(story, by(0, energy))
    session = only(story)
    assert (session.wh, billed(story)) == (energies[-1], session.owed)
    assert sum(record.total_energy for record in story.desk.records.values()) == energies[-1]
    assert story.desk.channels[session.channel].owed == session.owed
