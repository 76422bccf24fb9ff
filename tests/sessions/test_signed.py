"""Signed values in a session: the signed register wins, and what does not fit is held."""

from dataclasses import replace

import pytest

from sessions.memory import MemoryDesk, Story, driver, pile
from sessions.signing import SigningMeter
from sessions.talk import T0, ended, meter, start16, started, stop16
from sunpile.sessions.session import Review

END = T0 + 1200


@pytest.fixture
def meter_of_pile():
    return SigningMeter()


@pytest.fixture
def story(meter_of_pile):
    desk = MemoryDesk([pile()], [driver(pays=False)])
    desk.keys["P1", 1] = meter_of_pile.key
    return Story(desk, now=T0)


def only(story):
    (session,) = story.desk.sessions.values()
    return session


def with_proof(event, text, key=None):
    return replace(event, samples=tuple(replace(s, signed=text, signed_key=key) for s in event.samples))


def charge(story, text, wh=2000, key=None):
    story.tell(started("t1", 0, T0, 1000), T0)
    story.tell(with_proof(ended("t1", 1, END, 1000 + wh), text, key), END)
    return only(story)


def test_the_signed_energy_is_billed(story, meter_of_pile):
    session = charge(story, meter_of_pile.whole((T0, 1000.9), (END, 3009.8)))
    assert (session.state, session.wh, session.doubts) == ("ended", 2008, frozenset())
    record = story.desk.records[session.session]
    assert (record.total_energy, record.signed) == (2008, "valid")
    assert sum(period.energy for period in record.charging_periods) == 2008
    (kept,) = story.desk.signed.values()
    assert (kept.verdict, kept.key, kept.session) == ("valid", meter_of_pile.key, session.session)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda m: m.whole((T0, 1000), (END, 5000)), "signed value differs"),
        (lambda m: SigningMeter().whole((T0, 1000), (END, 3000)), "signature invalid"),
        (lambda m: m.whole((T0, 1000), (END, 3000)).replace('"RV":3.0', '"RV":3.1'), "signature invalid"),
        (lambda m: m.whole((T0 - 9000, 1000), (END - 9000, 3000)), "signed for another time"),
    ],
)
def test_a_proof_that_does_not_fit_holds_the_session(story, meter_of_pile, make, why):
    session = charge(story, make(meter_of_pile))
    assert (session.state, session.held_reason, session.wh) == ("held", why, 0)
    assert not story.desk.records


def test_a_key_that_comes_with_the_value_is_compared_and_never_trusted(story, meter_of_pile):
    forger = SigningMeter()
    session = charge(story, forger.whole((T0, 1000), (END, 3000)), key=forger.key)
    assert session.held_reason == "signature invalid"


def test_another_key_than_the_registered_one_is_shown(story, meter_of_pile):
    session = charge(story, meter_of_pile.whole((T0, 1000), (END, 3000)), key=SigningMeter().key)
    assert (session.state, session.doubts) == ("ended", {"other key sent"})


@pytest.mark.parametrize("text", ["AP;0;3;ALFEN;BIHEIWSHAAA", "<?xml version='1.0'?><edl/>", "OCMF|broken"])
def test_other_formats_are_kept_and_called_unverified(story, text):
    session = charge(story, text)
    assert (session.state, session.wh, session.doubts) == ("ended", 2000, {"signed but not verified"})
    assert [value.verdict for value in story.desk.signed.values()] == ["unverified"]
    assert story.desk.records[session.session].signed == "unverified"


def test_without_a_registered_key_the_value_is_kept_and_the_protocol_billed(story, meter_of_pile):
    story.desk.keys.clear()
    session = charge(story, meter_of_pile.whole((T0, 1000), (END, 3008)))
    assert (session.wh, session.doubts) == (2000, {"signed but not verified"})
    assert [value.verdict for value in story.desk.signed.values()] == ["no key"]


def test_a_signed_pair_stands_in_for_registers_that_never_came(story, meter_of_pile):
    first = started("t1", 0, T0, 0)
    story.tell(replace(first, sample=replace(first.sample, register_wh=None)), T0)
    last = ended("t1", 1, END, 0)
    text = meter_of_pile.whole((T0, 70_000), (END, 72_000))
    story.tell(replace(last, samples=(replace(last.samples[0], register_wh=None, signed=text),)), END)
    assert (only(story).state, only(story).wh) == ("ended", 2000)


def test_signed_energy_beyond_the_pile_is_held(story, meter_of_pile):
    first = started("t1", 0, T0, 0)
    story.tell(replace(first, sample=replace(first.sample, register_wh=None)), T0)
    last = ended("t1", 1, END, 0)
    text = meter_of_pile.whole((T0, 0), (END, 90_000))
    story.tell(replace(last, samples=(replace(last.samples[0], register_wh=None, signed=text),)), END)
    assert (only(story).state, only(story).held_reason) == ("held", "above the pile's power")


def test_in_ocpp_16_the_halves_come_apart_and_are_waited_for(story, meter_of_pile):
    number = story.tell(start16(T0, 1000), T0).answer.ocpp_transaction
    begin = meter_of_pile.record(meter_of_pile.reading(T0, 1000, "B"))
    end = meter_of_pile.record(meter_of_pile.reading(END, 3005, "E"))
    story.tell(with_proof(stop16(number, END, 3000), end), END)
    assert only(story).state == "waiting"
    story.tell(with_proof(meter(T0, 1000, transaction=number), begin), END + 5)
    assert (only(story).state, only(story).wh) == ("ended", 2005)


def test_half_a_proof_is_no_proof(story, meter_of_pile):
    number = story.tell(start16(T0, 1000), T0).answer.ocpp_transaction
    story.tell(with_proof(stop16(number, END, 3000), meter_of_pile.record(meter_of_pile.reading(END, 3005, "E"))), END)
    story.tell(Review(only(story).session), END + 3600)
    assert (only(story).state, only(story).wh, only(story).doubts) == ("ended", 2000, {"signed values incomplete"})


def test_a_pair_that_was_billed_before_is_not_billed_again(story, meter_of_pile):
    begin = meter_of_pile.reading(T0, 1000, "B", TM="2023-11-14T22:00:00,000+0000 U")
    end = meter_of_pile.reading(END, 3000, "E", TM="2023-11-14T22:20:00,000+0000 U")
    text = meter_of_pile.record(begin, end)
    assert charge(story, text).state == "ended"
    story.tell(started("t2", 0, END + 60, 3000), END + 60)
    story.tell(with_proof(ended("t2", 1, END + 1260, 5000), text), END + 1260)
    again = story.desk.by_transaction("P1", "t2")
    assert (again.state, again.held_reason) == ("held", "signed value of another session")


def test_a_pair_for_another_token_is_shown(story, meter_of_pile):
    session = charge(story, meter_of_pile.whole((T0, 1000), (END, 3000), token="SOMEBODY"))
    assert (session.state, session.doubts) == ("ended", {"signed for another token"})
