"""The record is closed; the receipt says where each Wh came from, to the Wh."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.memory import MemoryDesk, Story, driver, pile
from sessions.talk import T0, start16, stop16
from sunpile.sessions.cdr import Cdr, Period, credit_record, quote
from sunpile.sessions.model import SessionRules
from sunpile.sessions.receipt import Co2Factors, SourceMix, make_receipt, split

I0 = T0 // 900


@pytest.fixture
def record():
    story = Story(MemoryDesk([pile()], [driver(pays=False)]), now=T0)
    number = story.tell(start16(T0, 0)).answer.ocpp_transaction
    story.tell(stop16(number, T0 + 1800, 3000), T0 + 1800)
    (found,) = story.desk.records.values()
    return replace(found, total_cost=3000 * 300_000)


def test_a_record_is_the_same_after_writing_and_reading(record):
    assert Cdr.from_json(record.to_json()) == record
    assert "." not in record.to_json().replace("P1", "")


def test_a_credit_record_takes_it_back_whole(record):
    back = credit_record(record, T0 + 9000, "wrong pile")
    assert back.credit
    assert back.credit_reference_id == record.id
    assert record.total_cost + back.total_cost == 0
    assert record.total_energy + sum(p.energy for p in back.charging_periods) == 0


def test_the_quote_shows_price_and_step_before_the_start():
    offer = quote(pile(), SessionRules())
    assert (offer.price, offer.step_wh, offer.step_nano, offer.currency) == (300_000, 100, 30_000_000, "EUR")


def test_the_receipt_splits_by_source_and_says_what_was_saved(record):
    mixes = {I0: SourceMix(1000, 500, 500, 350_000), I0 + 1: SourceMix(0, 0, 900, 340_000)}
    receipt = make_receipt(record, mixes, Co2Factors(roof=40, battery=50, grid=400))
    assert [(line.roof, line.battery, line.grid) for line in receipt.lines] == [(750, 375, 375), (0, 0, 1500)]
    assert receipt.nano == 900_000_000
    assert receipt.saving == 1500 * 350_000 + 1500 * 340_000 - 900_000_000
    assert receipt.co2_mg == 750 * 40 + 375 * 50 + 1875 * 400
    assert receipt.co2_grid_mg == 3000 * 400
    assert receipt.complete


def test_an_interval_that_is_not_settled_has_no_source_yet(record):
    receipt = make_receipt(record, {I0: SourceMix(1, 0, 0, 350_000)}, Co2Factors())
    assert [line.settled for line in receipt.lines] == [True, False]
    assert not receipt.complete
    assert receipt.saving == 1500 * (350_000 - 300_000)


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.tuples(*[st.integers(0, 5000)] * 3)), max_size=8),
    st.integers(0, 500_000),
)
def test_sources_add_up_to_the_session_exactly(parts, price):
    for wh, mix in parts:
        shares = split(wh, SourceMix(*mix, price))
        assert sum(shares) == wh
        assert all(share >= 0 for share in shares)
        assert all(share == 0 or whole > 0 for share, whole in zip(shares[:2], mix[:2], strict=True))


def test_periods_of_a_long_session_leave_out_what_is_empty(record):
    assert record.charging_periods == (Period(I0, T0, 1500), Period(I0 + 1, T0 + 900, 1500))
