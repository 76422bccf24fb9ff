"""The open books have the columns a stranger's script counts on, and it can recompute a bill from them."""

from tests.settlement.village import INTERVAL, TARIFF, facts, readings

from sunpile.basics.ids import PointId
from sunpile.basics.units import SIDE_OFF
from sunpile.settlement import bills, build, build_late
from sunpile.settlement.dump import (
    OrderSpan,
    batch_row,
    bill_row,
    order_rows,
    reading_rows,
    tariff_row,
    to_csv,
)
from sunpile.settlement.proposal import clear_interval


def test_readings_are_rows_after_netting_with_late_ones_marked() -> None:
    proposal = build(facts(), readings(), 0)
    late = build_late(facts(), readings(), {PointId(p) for p in range(4, 8)}, 0)
    assert late is not None
    text = to_csv("readings", [*reading_rows(proposal.batch), *reading_rows(late.batch)])
    assert text.splitlines()[0] == "zone,interval,point,wh,late"
    assert f"1,{INTERVAL},6,-3000,0" in text.splitlines()
    assert f"1,{INTERVAL},2,1500,1" in text.splitlines()


def test_a_side_that_is_off_shows_minus_one() -> None:
    spans = [OrderSpan(PointId(2), 5, 9, SIDE_OFF, 500, 100), OrderSpan(PointId(1), 5, 9, 1, 2, 3)]
    assert to_csv("orders", order_rows(spans)).splitlines()[1:] == ["1,5,9,1,2,3", "2,5,9,-1,500,100"]


def test_bills_batches_and_tariffs() -> None:
    proposal = build(facts(), readings(), 0)
    included = {s.reading.point: s for s in proposal.witness.readings}
    made = bills(proposal.batch, clear_interval(facts(), included).clearing)
    lines = to_csv("bills", map(bill_row, made)).splitlines()
    assert lines[0] == "zone,interval,point,matched_wh,grid_wh,nano,unpaid"
    assert len(lines) == 1 + len(proposal.batch.rows)
    assert (
        to_csv("tariffs", [tariff_row(1, INTERVAL, TARIFF)]).splitlines()[1] == f"1,{INTERVAL},300000,80000,5000,5000"
    )
    assert to_csv("batches", [batch_row(proposal.batch, 7)]).splitlines()[1].endswith(",7")
