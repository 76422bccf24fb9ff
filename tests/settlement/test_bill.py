"""Every bill is at least as good as the grid, and all bills together are the grid's legs and the fees."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.settlement.village import TARIFF, facts, readings

from sunpile.settlement import bills, build
from sunpile.settlement.proposal import clear_interval


def village_bills(changed: dict[int, int], retailer_bills: bool = False):
    held = readings(changed)
    proposal = build(facts(), held, 0)
    included = {s.reading.point: s for s in proposal.witness.readings}
    cleared = clear_interval(facts(), included)
    return bills(proposal.batch, cleared.clearing, retailer_bills), cleared


@given(st.dictionaries(st.integers(1, 7), st.integers(-20_000, 20_000)))
@settings(max_examples=100, deadline=None)
def test_nobody_is_worse_off_and_money_adds_up(changed: dict[int, int]) -> None:
    made, cleared = village_bills(changed)
    assert all(bill.gain >= 0 for bill in made)
    volume = cleared.clearing.volume
    assert sum(bill.matched_wh for bill in made) == 0
    assert all(bill.matched_wh + bill.grid_wh == bill.wh for bill in made)
    grid = sum(bill.grid_wh * (TARIFF.retail if bill.grid_wh > 0 else TARIFF.feed_in) for bill in made)
    assert sum(bill.nano for bill in made) == -grid - volume * (TARIFF.buy_fee + TARIFF.sell_fee)


def test_where_the_retailer_bills_only_matched_energy_moves_money() -> None:
    made, cleared = village_bills({}, retailer_bills=True)
    volume = cleared.clearing.volume
    assert sum(bill.nano for bill in made) == -volume * (TARIFF.buy_fee + TARIFF.sell_fee)
    assert all(bill.grid_alone == 0 for bill in made)
