"""Who may charge: every answer OCPP knows, its cause, and which cause wins."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sunpile.basics.errors import InputInvalid
from sunpile.chargers.events import TransactionLimit
from sunpile.sessions.tokens import (
    Asked,
    Facts,
    Group,
    Token,
    TokenLimits,
    TokenPolicy,
    Use,
    Window,
    credit_left,
    decide_authorisation,
    plain,
    starts_of,
)

AT = int(datetime(2026, 3, 4, 12, 30, tzinfo=UTC).timestamp())
"""A Wednesday."""
HERE = Asked("P1", AT, evse=2, site="harbour", evse_kind="AC")


def status(token=None, asked=HERE, **facts):
    return decide_authorisation(Facts(token or Token("CARD1"), **facts), asked).status


def limited(**limits):
    return Token("CARD1", limits=TokenLimits(**limits))


@pytest.mark.parametrize(
    ("answer", "token", "facts"),
    [
        ("Accepted", Token("CARD1"), {}),
        ("Blocked", Token("CARD1", status="blocked"), {}),
        ("Expired", Token("CARD1", status="expired"), {}),
        ("Invalid", Token("CARD1", status="invalid"), {}),
        ("Expired", Token("CARD1", valid_until=AT), {}),
        ("Accepted", Token("CARD1", valid_until=AT + 1, valid_from=AT), {}),
        ("Invalid", Token("CARD1", valid_from=AT + 1), {}),
        ("ConcurrentTx", limited(concurrent=2), {"use": Use(concurrent=2)}),
        ("Accepted", limited(concurrent=2), {"use": Use(concurrent=1)}),
        ("NoCredit", limited(wh_day=10_000), {"use": Use(wh_day=10_000)}),
        ("NoCredit", limited(wh_month=10_000), {"use": Use(wh_month=10_001)}),
        ("NoCredit", limited(nano_month=5), {"use": Use(nano_month=5)}),
        ("NoCredit", limited(credit=5), {"use": Use(nano_ever=7)}),
        ("Accepted", limited(credit=5), {"use": Use(nano_ever=4)}),
        ("NotAtThisLocation", limited(stations=frozenset({"P2"})), {}),
        ("NotAtThisLocation", limited(sites=frozenset({"airport"})), {}),
        ("Accepted", limited(sites=frozenset({"harbour"})), {}),
        ("Accepted", limited(stations=frozenset({"P2"}), sites=frozenset({"harbour"})), {}),
        ("NotAllowedTypeEVSE", limited(evses=frozenset({("P1", 1)})), {}),
        ("NotAtThisLocation", limited(evses=frozenset({("P2", 2)})), {}),
        ("Accepted", limited(evses=frozenset({("P1", 2)})), {}),
        ("NotAllowedTypeEVSE", limited(evse_kinds=frozenset({"DC"})), {}),
        ("NotAtThisTime", limited(windows=(Window(0, 480),)), {}),
        ("Accepted", limited(windows=(Window(0, 480), Window(720, 780))), {}),
    ],
)
def test_each_answer_of_ocpp_has_its_cause(answer, token, facts):
    assert status(token, **facts) == answer


def test_an_unknown_token_is_refused_unless_the_tenant_accepts_all():
    assert decide_authorisation(Facts(None), HERE).status == "Unknown"
    assert decide_authorisation(Facts(None, policy=TokenPolicy("accept")), HERE).status == "Accepted"


def test_what_is_wrong_with_the_token_itself_is_said_before_where_when_and_how_much():
    everything = Token(
        "CARD1",
        status="blocked",
        limits=TokenLimits(concurrent=0, credit=0, stations=frozenset(), windows=(Window(0, 1),)),
    )
    said = [status(everything)]
    for change in ({"status": "accepted"}, {"stations": None}, {"windows": ()}, {"concurrent": None}, {"credit": None}):
        if "status" in change:
            everything = replace(everything, **change)
        else:
            everything = replace(everything, limits=replace(everything.limits, **change))
        said.append(status(everything))
    assert said == ["Blocked", "NotAtThisLocation", "NotAtThisTime", "ConcurrentTx", "NoCredit", "Accepted"]


def test_what_binds_a_parent_or_a_group_binds_the_token():
    token = Token("CARD1", parent="BOSS", group="FLEET")
    assert status(token, parents=(Token("BOSS", status="blocked"),)) == "Blocked"
    assert status(token, parents=(Token("BOSS", valid_until=AT - 1),)) == "Expired"
    boss = replace(limited(nano_month=10), token="BOSS")
    assert status(token, parents=(boss,), parent_use=(Use(nano_month=10),)) == "NoCredit"
    assert status(token, parents=(boss,), parent_use=(Use(nano_month=9),)) == "Accepted"
    assert status(token, group=Group("FLEET", status="blocked")) == "Blocked"
    fleet = Group("FLEET", limits=TokenLimits(concurrent=3))
    assert status(token, group=fleet, group_use=Use(concurrent=3)) == "ConcurrentTx"


def test_a_payment_terminals_card_is_nobodys_and_charges():
    terminal = replace(HERE, kind="DirectPayment")
    assert decide_authorisation(Facts(None), HERE).status == "Unknown"
    assert decide_authorisation(Facts(None), terminal).status == "Accepted"
    assert status(Token("CARD1", status="expired"), terminal) == "Expired"


def test_the_answer_names_group_and_expiry():
    answer = decide_authorisation(Facts(Token("CARD1", group="FLEET", valid_until=AT + 60)), HERE)
    assert (answer.parent, answer.expires_at) == ("FLEET", AT + 60)


def test_the_answer_tells_language_priority_and_allowed_energy_of_who_has_any():
    token = Token("CARD1", language="nl", priority=4, limits=TokenLimits(energy=frozenset({"DC", "DC_BPT", "AC_BPT"})))
    answer = decide_authorisation(Facts(token), HERE)
    assert (answer.languages, answer.priority) == (("nl",), 4)
    assert answer.energy_transfer == ("AC_BPT", "DC", "DC_BPT")
    fleet = Group("FLEET", limits=TokenLimits(energy=frozenset({"DC"})))
    assert decide_authorisation(Facts(token, group=fleet), HERE).energy_transfer == ("AC_BPT", "DC", "DC_BPT")
    assert decide_authorisation(Facts(Token("CARD1"), group=fleet), HERE).energy_transfer == ("DC",)
    plain_one = decide_authorisation(Facts(Token("CARD1")), HERE)
    assert (plain_one.languages, plain_one.priority, plain_one.energy_transfer) == ((), None, ())


def test_a_session_is_stopped_by_its_token_its_group_or_a_master_pass_and_by_nobody_else():
    stop = replace(HERE, stopping="card1")
    assert status(Token("CARD1", status="blocked"), stop) == "Accepted"
    assert status(Token("CARD2"), stop) == "Invalid"
    group = replace(HERE, stopping="fleet")
    assert status(Token("CARD2", group="FLEET"), group) == "Accepted"
    master = Group("GUARDS", master_pass=True)
    assert status(Token("CARD9", group="GUARDS"), stop, group=master) == "Accepted"
    assert status(Token("CARD9", group="GUARDS", status="blocked"), stop, group=master) == "Blocked"
    assert status(Token("CARD9", group="GUARDS"), group=master) == "Invalid"
    shown = replace(HERE, starts=False)
    assert status(Token("CARD9", group="GUARDS"), shown, group=master) == "Accepted"
    assert status(Token("CARD9", group="GUARDS", status="blocked"), shown, group=master) == "Blocked"


def test_a_window_over_midnight_belongs_to_the_day_it_begins_on():
    night = Window(22 * 60, 6 * 60, frozenset({4}))
    assert night.holds(4, 23 * 60)
    assert night.holds(5, 5 * 60 + 59)
    assert not night.holds(5, 6 * 60)
    assert not night.holds(4, 5 * 60)
    assert not night.holds(5, 23 * 60)


def test_windows_days_and_months_are_local():
    shanghai = TokenPolicy(time_zone="Asia/Shanghai")
    evening = limited(windows=(Window(20 * 60, 21 * 60),))
    assert status(evening, policy=shanghai) == "Accepted"
    assert status(evening) == "NotAtThisTime"
    assert starts_of(AT, "Asia/Shanghai") == (
        int(datetime(2026, 3, 3, 16, tzinfo=UTC).timestamp()),
        int(datetime(2026, 2, 28, 16, tzinfo=UTC).timestamp()),
    )


def test_what_is_left_limits_the_transaction():
    token = limited(credit=100, nano_month=50, wh_day=9_000, wh_month=20_000)
    assert credit_left(Facts(token, use=Use(nano_ever=70, nano_month=10, wh_day=1_000))) == (30, 8_000)
    assert credit_left(Facts(Token("CARD1"))) == (None, None)
    assert decide_authorisation(Facts(limited(wh_day=9_000), use=Use(wh_day=1_000)), HERE).limit == TransactionLimit(
        energy_wh=8_000
    )
    assert decide_authorisation(Facts(limited(wh_day=9_000), use=Use(wh_day=9_000)), HERE).limit is None
    assert decide_authorisation(Facts(Token("CARD1")), HERE).limit is None


def test_a_token_is_kept_in_one_spelling():
    assert plain("  deadBEEF ") == "DEADBEEF"
    with pytest.raises(InputInvalid):
        Token("deadbeef")
    with pytest.raises(InputInvalid):
        Token("A", parent="a")
    with pytest.raises(InputInvalid):
        Token("A", kind="Coupon")
