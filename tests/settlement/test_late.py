"""Late energy is settled once, at the tariff of its own interval, and never twice."""

from dataclasses import replace

import pytest
from tests.settlement.village import INTERVAL, SEAT_KEYS, TARIFF, Member, facts, reading, readings

from sunpile.basics.errors import BatchInvalid
from sunpile.basics.ids import PointId
from sunpile.settlement import build, build_late, late_bills
from sunpile.settlement.late import proven_points
from sunpile.settlement.member import Refusal, SignatureRequest, decide_late
from sunpile.settlement.selection import merge
from sunpile.settlement.wire import late_from_json, late_to_json

AFTER = replace(facts(), next_interval=INTERVAL + 1)
SETTLED = frozenset({PointId(4), PointId(5), PointId(6), PointId(7)})
KEY = SEAT_KEYS[0]


def test_a_house_that_came_late_is_settled_with_the_grid_alone() -> None:
    late = build_late(AFTER, readings(), SETTLED, 0)
    assert late is not None
    assert late.batch.rows.buyers == ((2, 1500),)
    assert late.batch.rows.sellers == ()
    assert [bill.nano for bill in late_bills(late.batch)] == [-1500 * TARIFF.retail]
    assert late_from_json(late_to_json(late)) == late
    view = replace(Member(KEY).view(AFTER), covered=SETTLED)
    assert isinstance(decide_late(view, late), SignatureRequest)


def test_nothing_is_late_while_a_house_is_incomplete() -> None:
    held = readings()
    del held[PointId(1)]
    assert build_late(AFTER, held, SETTLED, 0) is None


def test_of_two_differing_readings_the_one_that_pays_least_counts() -> None:
    held = merge(readings(), {PointId(6): (reading(6, -9000),)})
    late = build_late(AFTER, held, SETTLED - {PointId(6)}, 0)
    assert late is not None
    assert late.batch.rows.sellers == ((6, 3000),)
    view = replace(Member(KEY).view(AFTER), covered=SETTLED - {PointId(6)})
    assert isinstance(decide_late(view, late), SignatureRequest)


def test_a_member_refuses_to_pay_a_point_twice_or_too_early() -> None:
    late = build_late(AFTER, readings(), SETTLED, 0)
    assert late is not None
    twice = decide_late(replace(Member(KEY).view(AFTER), covered=SETTLED | {PointId(2)}), late)
    assert isinstance(twice, Refusal)
    assert twice.reason.startswith("twice: point 2")
    early = decide_late(Member(KEY).view(facts()), late)
    assert isinstance(early, Refusal)
    assert early.reason.startswith("interval:")
    other = decide_late(replace(Member(KEY).view(AFTER), covered=SETTLED, signed={0: bytes(32)}), late)
    assert isinstance(other, Refusal)
    assert other.reason.startswith("round:")


def test_a_member_refuses_rows_that_are_not_what_was_read() -> None:
    late = build_late(AFTER, readings(), SETTLED, 0)
    assert late is not None
    rows = replace(late.batch.rows, buyers=((PointId(2), late.batch.rows.buyers[0][1] + 1),))
    answer = decide_late(
        replace(Member(KEY).view(AFTER), covered=SETTLED), replace(late, batch=replace(late.batch, rows=rows))
    )
    assert isinstance(answer, Refusal)
    assert answer.reason.startswith("rows:")


def test_what_a_batch_on_chain_settled_is_proved_by_its_digest() -> None:
    proposal = build(facts(), readings(), 0)
    digest = proposal.batch.struct_hash()
    assert proven_points(digest, proposal.batch, proposal.witness) == set(range(1, 8))
    with pytest.raises(BatchInvalid):
        proven_points(bytes(32), proposal.batch, proposal.witness)
