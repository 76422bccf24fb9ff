"""One point's late reading never holds up the late energy of the others."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import create_engine
from tests.chain.ground import StillClock
from tests.settlement.village import DOMAIN, INTERVAL, SEAT_KEYS, Member, facts, reading, readings

from sunpile.basics.errors import ChainRefused
from sunpile.basics.ids import PointId, ZoneId
from sunpile.basics.reading import SignedReading
from sunpile.settlement.collect import Answers, ask_council
from sunpile.settlement.intake import Answer, Status
from sunpile.settlement.late import LateProposal
from sunpile.settlement.member import Refusal, decide_late
from sunpile.settlement.selection import merge
from sunpile.store.database import Database
from sunpile.store.settlement import SettlementStore
from sunpile.store.tables import metadata
from sunpile.wiring.interval_loop import IntervalLoop

AFTER = replace(facts(), next_interval=INTERVAL + 1)
SEATS = [key.address for key in SEAT_KEYS]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SettlementStore]:
    url = f"sqlite:///{tmp_path / 'node.db'}"
    engine = create_engine(url)
    metadata.create_all(engine)
    engine.dispose()
    database = Database(url)
    yield SettlementStore(database)
    database.close()


class Line:
    def __init__(self, member: Member) -> None:
        self.member = member

    async def ask(self, proposal: Any) -> bytes | Refusal:
        answer = decide_late(self.member.view(AFTER), proposal)
        if isinstance(answer, Refusal):
            return answer
        self.member.signed[proposal.batch.round] = answer.struct_hash
        return self.member.key.sign(answer.digest)


class World:
    """Members, a chain and the node's shelf around one loop."""

    def __init__(self, store: SettlementStore, members: Sequence[Member]) -> None:
        self.store, self.reasons = store, list[str]()
        self.sent: list[tuple[int, ...]] = []
        self.domain = DOMAIN
        self.lines = {seat: Line(member) for seat, member in enumerate(members)}
        itself = cast("Any", self)
        chain = cast("Any", SimpleNamespace(reader=self, send=self.send, events=lambda *_: []))
        self.loop = IntervalLoop(ZoneId(1), 900, 60, StillClock(), chain, store, itself, itself, self.changed)

    async def facts(self, *_: object) -> Any:
        return AFTER

    async def seats_of(self, *_: object) -> Any:
        return SEATS

    async def ask(self, proposal: LateProposal, _seats: object) -> Answers:
        return await ask_council(self.lines, SEATS, proposal, DOMAIN)

    async def take(self, lacking: Sequence[SignedReading]) -> None:
        held = await self.store.held(INTERVAL)
        for signed in lacking:
            status = Status.DIFFERING if signed.reading.point in held else Status.LATE
            await self.store.add(signed, Answer(status, ""), 1)

    async def send(self, *args: Any) -> Any:
        if self.reasons:
            raise ChainRefused(self.reasons.pop())
        self.sent.append(args[4])
        return SimpleNamespace(hash=bytes(32), gas_used=1)

    async def changed(self, *_: object) -> None: ...


async def fill(store: SettlementStore) -> None:
    await store.add_all([(held[0], Answer(Status.LATE, "")) for held in readings().values()], 1)


async def test_a_reading_that_only_members_hold_is_taken_over_and_the_batch_built_anew(store: SettlementStore) -> None:
    await fill(store)
    own = merge(readings(), {PointId(6): (reading(6, -2000),)})
    world = World(store, [Member(key, dict(own)) for key in SEAT_KEYS])
    assert not await world.loop._late_batch(INTERVAL)
    assert await world.loop._late_batch(INTERVAL)
    assert [header[2] for header in world.sent] == [1]
    assert [late.state for late in await store.lates(ZoneId(1), INTERVAL)] == ["proposed", "settled"]
    assert not await world.loop._late_batch(INTERVAL)


async def test_what_the_contract_refused_is_built_anew_and_nobody_else_waits(store: SettlementStore) -> None:
    await fill(store)
    world = World(store, [Member(key) for key in SEAT_KEYS])
    world.reasons = ["row: above cap"]
    assert not await world.loop._late_batch(INTERVAL)
    assert await world.loop._late_batch(INTERVAL)
    assert [late.state for late in await store.lates(ZoneId(1), INTERVAL)] == ["refused", "settled"]


async def test_the_same_proposal_keeps_its_round_while_members_are_away(store: SettlementStore) -> None:
    await fill(store)
    world = World(store, [Member(key) for key in SEAT_KEYS])
    world.loop._patience = 0
    lines, world.lines = world.lines, {}
    assert not await world.loop._late_batch(INTERVAL)
    world.lines = lines
    assert await world.loop._late_batch(INTERVAL)
    assert [late.state for late in await store.lates(ZoneId(1), INTERVAL)] == ["settled"]
