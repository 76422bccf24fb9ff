"""What is accepted stays, what differs is kept as evidence, and the same thing twice changes nothing."""

from dataclasses import replace

import pytest
from tests.settlement.village import CAP, INTERVAL, facts, reading, readings

from sunpile.basics.errors import Conflict
from sunpile.basics.ids import Address, PointId, ZoneId
from sunpile.basics.units import Nano, Wh
from sunpile.settlement import bills, build, build_late, late_bills
from sunpile.settlement.archive import Kept
from sunpile.settlement.intake import Answer, Status
from sunpile.settlement.ports import PointRecord
from sunpile.settlement.proposal import clear_interval
from sunpile.store.database import Database
from sunpile.store.settlement import SettlementStore

ZONE = ZoneId(1)
ACCEPTED, DIFFERING = Answer(Status.ACCEPTED, ""), Answer(Status.DIFFERING, "")


@pytest.fixture
def store(database: Database) -> SettlementStore:
    return SettlementStore(database)


def kept(round: int = 0, changed: dict[int, int] | None = None) -> Kept:
    return Kept(facts(), build(facts(), readings(changed), round))


async def test_points_are_put_and_changed(store: SettlementStore) -> None:
    owner = Address("0x" + "aa" * 20)
    record = PointRecord(PointId(2), ZONE, "pile", owner, owner, True, PointId(1), CAP, "pile of house 1", 10, 20)
    await store.put_point(record)
    await store.put_point(record)
    assert await store.points(ZONE) == [record]
    assert await store.points(ZoneId(2)) == []


async def test_readings_are_held_by_interval_and_a_third_differing_one_is_dropped(store: SettlementStore) -> None:
    await store.add_all([(reading(4), ACCEPTED), (reading(5), ACCEPTED)], at=1)
    await store.add(reading(4, 99), DIFFERING, at=2)
    await store.add(reading(4, 100), DIFFERING, at=3)
    await store.add(reading(6), Answer(Status.REFUSED, "forged"), at=3)
    assert await store.known([(PointId(4), INTERVAL)]) == {(4, INTERVAL): (reading(4), reading(4, 99))}
    assert await store.held(INTERVAL) == {4: (reading(4), reading(4, 99)), 5: (reading(5),)}
    assert await store.known([(PointId(6), INTERVAL)]) == {}
    assert await store.intervals_with_readings(0, INTERVAL) == [INTERVAL]


async def test_a_batch_goes_from_proposed_to_settled(store: SettlementStore) -> None:
    first = kept()
    await store.put_batch(first, at=1)
    await store.put_batch(first, at=2)
    await store.answers(ZONE, INTERVAL, 0, {2: b"\1" * 65}, {3: "differing: point 4"})
    await store.put_batch(kept(round=1), at=3)
    await store.set_batch(ZONE, INTERVAL, 0, "settled", chain_tx=b"\2" * 32, gas=123)
    batch = await store.batch(ZONE, INTERVAL)
    assert batch is not None
    assert (batch.round, batch.state, batch.gas, batch.kept) == (0, "settled", 123, first)
    assert (batch.signatures, batch.refusals) == ({2: b"\1" * 65}, {3: "differing: point 4"})
    assert [settled.interval for settled in await store.settled(ZONE)] == [INTERVAL]


async def test_nothing_else_is_kept_for_a_round_that_was_signed(store: SettlementStore) -> None:
    await store.put_batch(kept(), at=1)
    with pytest.raises(Conflict):
        await store.put_batch(kept(changed={4: 1}), at=1)
    assert await store.signed(ZONE, INTERVAL) == {0: kept().proposal.batch.struct_hash()}


async def test_covered_points_are_those_of_settled_batches(store: SettlementStore) -> None:
    held = readings()
    del held[PointId(1)]
    proposal = build(facts(), held, 0)
    await store.put_batch(Kept(facts(), proposal), at=1)
    assert await store.covered(ZONE, INTERVAL) == set()
    await store.set_batch(ZONE, INTERVAL, 0, "settled")
    covered = await store.covered(ZONE, INTERVAL)
    assert covered == {4, 5, 6, 7}
    late = build_late(facts(), readings(), covered, 0)
    assert late is not None
    await store.put_late(late, at=2)
    await store.put_late(late, at=2)
    await store.late_answers(ZONE, INTERVAL, 0, {0: bytes(65)})
    await store.set_late(ZONE, INTERVAL, 0, "settled", gas=5)
    assert await store.covered(ZONE, INTERVAL) == set(range(1, 8))
    stored = (await store.lates(ZONE))[0]
    assert (stored.proposal, stored.state, stored.gas) == (late, "settled", 5)
    assert await store.signed_late(ZONE, INTERVAL) == {0: late.batch.struct_hash()}


async def test_bills_are_added_once_and_what_was_not_paid_is_noted(store: SettlementStore) -> None:
    proposal = kept().proposal
    included = {s.reading.point: s for s in proposal.witness.readings}
    made = [
        replace(bill, unpaid=Nano(7 if bill.point == 4 else 0))
        for bill in bills(proposal.batch, clear_interval(facts(), included).clearing)
    ]
    await store.add_bills(made)
    await store.add_bills(made)
    rows = await store.bills(point=PointId(4))
    assert [(row.kind, row.wh, row.unpaid) for row in rows] == [("batch", Wh(2500), 7)]
    late = build_late(facts(), readings(), {PointId(p) for p in (4, 5, 6, 7)}, 0)
    assert late is not None
    await store.add_bills(late_bills(late.batch))
    assert len(await store.bills(zone=ZONE)) == len(made) + 1
