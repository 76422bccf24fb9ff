"""The loop waits, proposes, sends and gives up at the right second."""

from dataclasses import replace

from sunpile.settlement.round import (
    Propose,
    RoundState,
    Submit,
    Void,
    Wait,
    after_proposal,
    decide,
    past_deadline,
)

STATE = RoundState(next_interval=1000, length=900, needed=3)
END = 1001 * 900


def test_an_interval_is_proposed_when_its_grace_is_over() -> None:
    assert decide(STATE, END + 59) == Wait(END + 60)
    assert decide(STATE, END + 60) == Propose(1000, 0)


def test_a_quorum_sends_it() -> None:
    signed = after_proposal(STATE, 0, END + 60, signatures=3)
    assert decide(signed, END + 60) == Submit(1000, 0)


def test_refusals_bring_another_round_a_little_later() -> None:
    refused = after_proposal(STATE, 0, END + 60, signatures=2)
    assert decide(refused, END + 61) == Wait(END + 65)
    assert decide(refused, END + 65) == Propose(1000, 1)


def test_where_members_were_only_away_the_same_proposal_is_asked_for_again() -> None:
    alone = replace(after_proposal(STATE, 0, END + 60, signatures=2), again=True, retry=20)
    assert decide(alone, END + 79) == Wait(END + 80)
    assert decide(alone, END + 80) == Propose(1000, 0)
    assert decide(after_proposal(alone, 0, END + 80, signatures=3), END + 80) == Submit(1000, 0)


def test_what_is_sent_is_waited_for() -> None:
    sent = RoundState(next_interval=1000, length=900, proposed=1, signatures=3, needed=3, sent=True)
    assert isinstance(decide(sent, END + 70), Wait)


def test_after_the_deadline_it_is_voided() -> None:
    assert not past_deadline(1000, 1005 * 900 - 1, 900)
    assert decide(STATE, 1005 * 900 - 1) == Propose(1000, 0)
    assert decide(STATE, 1005 * 900) == Void(1000)
