"""Money without an account: held, used, taken or given free, whatever is lost or comes twice."""

import os
import random
from dataclasses import replace

import pytest

from sunpile.basics.errors import InputInvalid
from sunpile.sessions.prepayment import (
    OPEN,
    Authorised,
    Begun,
    Captured,
    Closed,
    Declined,
    Hold,
    Passed,
    Released,
    StartAsked,
    StartRefused,
    Used,
    decide,
    hold_id,
    todo,
)

ASKED = Hold("h", "default", "P1", 1, "T" * 20, 10_000, "EUR", 0, 900)
ROUNDS = 20_000 if os.environ.get("SUNPILE_SOAK") else 2_000


def go(*events, hold=ASKED, at=10):
    for event in events:
        hold = decide(hold, event, at)
    return hold


PAID = (Authorised("p"), StartAsked(), Begun("t"))


def test_a_payment_from_the_scan_to_the_receipt():
    hold = go(*PAID, Used(4_000, 20, 60), Closed(4_500, 22), Captured())
    assert (hold.state, hold.taken_nano, hold.used_wh, hold.payment) == ("settled", 4_500, 22, "p")


@pytest.mark.parametrize(
    ("events", "state", "next_"),
    [
        ((), "asked", "authorise"),
        ((Declined("no"),), "declined", None),
        ((Authorised("p"),), "authorised", "start"),
        ((Authorised("p"), StartAsked()), "starting", None),
        ((Authorised("p"), StartAsked(), StartRefused("Rejected")), "releasing", "release"),
        (PAID, "charging", None),
        ((*PAID, Used(10_000, 1, 1)), "stopping", "stop"),
        ((*PAID, Closed(0, 0)), "releasing", "release"),
        ((*PAID, Closed(5, 1)), "capturing", "capture"),
        ((*PAID, Closed(0, 0), Released()), "released", None),
    ],
)
def test_what_comes_next_follows_from_the_state(events, state, next_):
    hold = go(*events)
    assert (hold.state, todo(hold)) == (state, next_)


def test_limits_of_energy_and_time_stop_too():
    assert go(*PAID, Used(1, 500, 9), hold=replace(ASKED, wh_max=500)).state == "stopping"
    assert go(*PAID, Used(1, 5, 600), hold=replace(ASKED, s_max=600)).state == "stopping"


def test_never_more_is_taken_than_was_held():
    hold = go(*PAID, Closed(10_500, 60))
    assert (hold.taken_nano, hold.used_nano) == (10_000, 10_500)
    assert "more than was held" in hold.reason


def test_who_never_plugs_in_gets_the_money_back():
    hold = go(Authorised("p"), StartAsked(), Passed(), at=10)
    assert hold.state == "starting"
    assert decide(hold, Passed(), 310).state == "releasing"
    assert decide(ASKED, Passed(), 900).state == "releasing"


def test_a_start_after_the_release_is_shown():
    hold = decide(decide(go(Authorised("p"), StartAsked()), Passed(), 310), Released(), 311)
    late = decide(hold, Begun("t"), 400)
    assert (late.state, late.ocpp_transaction) == ("released", "t")
    assert "after the money was released" in late.reason


def test_whatever_comes_in_any_order_money_is_taken_once_and_never_after_a_release():
    draw = random.Random(5)
    events = [*PAID, Declined("x"), StartRefused("x"), Used(9_000, 5, 5), Used(10_000, 6, 6)]
    events += [Closed(9_500, 7), Closed(0, 0), Captured(), Released(), Passed()]
    for _ in range(ROUNDS):
        hold, states = ASKED, ["asked"]
        for _ in range(25):
            event, at = draw.choice(events), draw.choice([10, 400, 2_000])
            after = decide(hold, event, at)
            assert after.nano == hold.nano
            assert after.taken_nano <= after.nano
            if hold.state not in OPEN:
                assert after.state == hold.state
            if after.state != hold.state:
                states.append(after.state)
            hold = after
        assert not {"capturing", "releasing"} <= set(states)
        assert len(states) == len(set(states))


def test_the_same_wish_is_the_same_hold():
    assert hold_id("P1", 1, 5, "k" * 8) == hold_id("P1", 1, 5, "k" * 8)
    assert hold_id("P1", 1, 5, "k" * 8) != hold_id("P1", 1, 6, "k" * 8)
    with pytest.raises(InputInvalid):
        hold_id("P1", 1, 5, "k")
