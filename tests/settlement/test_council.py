"""Four members with stores of their own, one lying operator, one dead seat: a quorum forms or it does not."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from tests.settlement.village import DOMAIN, INTERVAL, SEAT_KEYS, facts, meter_key, reading, readings

from sunpile.basics.errors import BatchInvalid, Unreachable
from sunpile.basics.ids import Address, PointId, ZoneId
from sunpile.settlement import LateProposal, Proposal, ZoneFacts, build, build_late
from sunpile.settlement.archive import Kept
from sunpile.settlement.collect import ask_council
from sunpile.settlement.intake import Status
from sunpile.settlement.member import Refusal
from sunpile.settlement.reception import Reception
from sunpile.settlement.seat import Seat
from sunpile.settlement.wire import refusal_from_json, refusal_to_json
from sunpile.store.database import Database
from sunpile.store.settlement import SettlementStore
from sunpile.store.tables import metadata

SEATS = [key.address for key in SEAT_KEYS]


class Chain:
    """The village's chain."""

    def __init__(self) -> None:
        self.now = facts()
        self.settled = bytes(32)

    async def digest(self, zone: ZoneId, interval: int) -> bytes:
        return self.settled

    async def facts(self, zone: ZoneId, interval: int) -> ZoneFacts:
        return self.now

    async def seats(self, ended: int) -> list[Address]:
        return SEATS


class Points:
    """The village's points."""

    async def key(self, point: PointId, interval: int) -> Address | None:
        return meter_key(point).address if point in facts().points else None

    async def settled(self, point: PointId, interval: int) -> bool:
        return False


class Line:
    """A member in the same process; `dead` ones do not answer."""

    def __init__(self, seat: int, chain: Chain, database: Database) -> None:
        self.store = SettlementStore(database)
        self.reception = Reception(self.store, Points(), DOMAIN, 900)
        self.seat = Seat(SEAT_KEYS[seat], chain, self.store, DOMAIN)
        self.dead = False

    async def ask(self, proposal: Proposal | LateProposal) -> bytes | Refusal:
        if self.dead:
            raise Unreachable("no answer")
        if isinstance(proposal, LateProposal):
            return await self.seat.attest_late(proposal, at=1)
        answer = await self.seat.attest(proposal, at=1)
        return refusal_from_json(refusal_to_json(answer)) if isinstance(answer, Refusal) else answer


@pytest.fixture
def chain() -> Chain:
    return Chain()


@pytest.fixture
def lines(chain: Chain, tmp_path) -> Iterator[Mapping[int, Line]]:
    databases = [Database(f"sqlite:///{tmp_path}/member{seat}.db") for seat in range(4)]
    for database in databases:
        metadata.create_all(database.engine)
    yield {seat: Line(seat, chain, database) for seat, database in enumerate(databases)}
    for database in databases:
        database.close()


async def deliver(lines: Mapping[int, Line]) -> None:
    for line in lines.values():
        await line.reception.receive([signed for (signed,) in readings().values()], now=None, at=1)


async def test_a_quorum_of_three_signs_while_one_is_dead(lines: Mapping[int, Line]) -> None:
    await deliver(lines)
    lines[2].dead = True
    answers = await ask_council(lines, SEATS, build(facts(), readings(), 0), DOMAIN)
    assert answers.enough
    assert answers.attestation.mask == 0b1011
    assert answers.refusals == {2: "unreachable: no answer"}


async def test_what_an_operator_leaves_out_comes_back_in_the_next_round(lines: Mapping[int, Line]) -> None:
    await deliver(lines)
    held = readings()
    del held[PointId(6)]
    first = await ask_council(lines, SEATS, build(facts(), held, 0), DOMAIN)
    assert not first.enough
    assert set(first.lacking) == {reading(6)}
    held[PointId(6)] = first.lacking[:1]
    assert (await ask_council(lines, SEATS, build(facts(), held, 1), DOMAIN)).enough


async def test_a_member_that_signed_a_round_signs_it_again_and_nothing_else(lines: Mapping[int, Line]) -> None:
    await deliver(lines)
    proposal = build(facts(), readings(), 0)
    first = await ask_council(lines, SEATS, proposal, DOMAIN)
    assert (await ask_council(lines, SEATS, proposal, DOMAIN)).attestation == first.attestation
    other = build(replace(facts(), tariff_index=4), readings(), 0)
    assert set((await ask_council(lines, SEATS, other, DOMAIN)).refusals) == {0, 1, 2, 3}


async def test_late_energy_is_attested_by_who_knows_the_settled_batch(lines: Mapping[int, Line], chain: Chain) -> None:
    await deliver(lines)
    held = readings()
    del held[PointId(1)]
    settled = Kept(facts(), build(facts(), held, 0))
    chain.settled = settled.proposal.batch.struct_hash()
    chain.now = replace(facts(), next_interval=INTERVAL + 1)
    late = build_late(chain.now, readings(), {PointId(p) for p in (4, 5, 6, 7)}, 0)
    assert late is not None
    unknown = await ask_council(lines, SEATS, late, DOMAIN)
    assert all(reason.startswith("unknown") for reason in unknown.refusals.values())
    for line in lines.values():
        with pytest.raises(BatchInvalid):
            await line.seat.learn(Kept(facts(), build(facts(), held, 1)), at=2)
        await line.seat.learn(settled, at=2)
    assert (await ask_council(lines, SEATS, late, DOMAIN)).enough
    twice = build_late(chain.now, readings(), set(), 1)
    assert twice is not None
    refused = await ask_council(lines, SEATS, twice, DOMAIN)
    assert all(reason.startswith("twice") for reason in refused.refusals.values())


async def test_two_versions_in_one_delivery_differ_and_both_are_kept(lines: Mapping[int, Line]) -> None:
    line = lines[0]
    answers = await line.reception.receive([reading(4), reading(4, 9), reading(4)], now=None, at=1)
    assert [answer.status for answer in answers] == [Status.ACCEPTED, Status.DIFFERING, Status.DUPLICATE]
    assert await line.store.known({(PointId(4), INTERVAL)}) == {(4, INTERVAL): (reading(4), reading(4, 9))}
