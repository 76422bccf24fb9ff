"""The council beside a running node: what a false witness meets, who may be missing, and what comes late."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy import create_engine, select

from story.kills import there
from sunpile.basics.ids import PointId, ZoneId
from sunpile.basics.keys import Key, recover
from sunpile.basics.reading import Reading, SignedReading
from sunpile.basics.units import Wh
from sunpile.settlement import Proposal, build
from sunpile.settlement.batch import Rows
from sunpile.settlement.facts import ZoneFacts
from sunpile.settlement.proposal import batch_of, clear_interval
from sunpile.settlement.wire import proposal_to_json
from sunpile.settlement.witness import Witness
from sunpile.store.tables import batches
from sunpile.town import signing
from sunpile.town.faults import silent
from sunpile.town.scenario import Scenario
from sunpile.wiring.demo import DemoPlan, Stage, staged

pytestmark = pytest.mark.asyncio(loop_scope="module")
GRACE = 60
LENGTH = 900
Held = Mapping[PointId, tuple[SignedReading, ...]]


@dataclass
class Day:
    """A day under way; each test takes the intervals that come next."""

    stage: Stage

    @property
    def now(self) -> int:
        return self.stage.town.scheduler.now

    async def to(self, when: int) -> None:
        await self.stage.town.clock.run_until(when)

    async def next_end(self, after: int = 0) -> int:
        """Play to `after` seconds after the end of the interval under way; the index of that interval."""
        interval = self.now // LENGTH
        await self.to((interval + 1) * LENGTH + after)
        return interval

    async def state(self, interval: int) -> Any:
        """The node's batch of an interval."""
        async with self.stage.opened() as (store, _reader, reconciler):
            return await store.batch(reconciler.zone, interval)

    async def bills(self, interval: int, point: int) -> list[Any]:
        async with self.stage.opened() as (store, _reader, _reconciler):
            return await store.bills(interval, interval, PointId(point))

    async def whole(self) -> None:
        """Store and chain agree."""
        async with self.stage.opened() as (_store, _reader, reconciler):
            assert await reconciler.differences() == []

    def signing_point(self, which: int = 0) -> int:
        """A house without a pile behind it whose meter signs."""
        town = self.stage.town
        hosts = {pile.house for pile in town.plan.piles}
        alone = [house.number for house in town.plan.houses if house.meter_key and house.number not in hosts]
        assert town.registered is not None
        return town.registered.homes[alone[which]]

    def key_of(self, point: int) -> Key:
        """The key of a meter that signs, or the node's, who signs for the others."""
        town = self.stage.town
        assert town.registered is not None
        keys = {town.registered.homes[house.number]: house.meter_key for house in town.plan.houses}
        return keys.get(point) or self.stage.folder.key("node")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def day() -> AsyncIterator[Day]:
    scenario = Scenario(seed=5, houses=4, piles=2, batteries=1, from_hour=11, intervals=20)
    async with staged(DemoPlan(scenario)) as stage:
        town, ocpp = stage.town, f"ws://127.0.0.1:{stage.settings.ocpp_port}/ocpp"
        members, token = stage.settings.members, stage.folder.admin_token()
        await town.run_to(stage.page, ocpp, members, token, scenario.first_begin + 1)
        yield Day(stage)


# -- false witnesses ------------------------------------------------------------------------------------------------


@dataclass
class Case:
    """What an honest operator would propose, for a liar to bend."""

    facts: ZoneFacts
    held: dict[PointId, tuple[SignedReading, ...]]
    signer: PointId
    """A point whose own meter signs."""
    domain: Any
    key_of: Callable[[int], Key]

    def proposal(self, held: Held | None = None, round: int = 7) -> Proposal:
        return build(self.facts, self.held if held is None else held, round)

    def changed(self, key: Key) -> Proposal:
        """Energy changed below the cap, signed by `key`, rows and root recomputed."""
        reading = self.held[self.signer][0].reading
        other = Reading(reading.point, reading.interval, Wh(reading.wh + 5), reading.salt)
        assert abs(other.wh) <= self.facts.points[self.signer].cap
        return self.proposal({**self.held, self.signer: (other.sign(self.domain, key),)})


async def case(day: Day, interval: int) -> Case:
    """The zone as chain and node know it when the interval has ended and is not proposed yet."""
    async with day.stage.opened() as (store, reader, reconciler):
        facts = await reader.facts(ZoneId(reconciler.zone), interval)
        held = dict(await store.held(interval))
    for point in facts.points:
        if point not in held:
            wh = Wh(day.stage.town.report.truth[point, interval])
            held[point] = (Reading(point, interval, wh, bytes(32)).sign(reader.domain, day.key_of(point)),)
    return Case(facts, held, PointId(day.signing_point()), reader.domain, day.key_of)


def lies() -> dict[str, tuple[str, Callable[[Case], Proposal]]]:
    """By name: how the reason begins, and the proposal."""

    def wh_changed(case: Case) -> Proposal:
        return case.changed(case.key_of(case.signer))

    def wh_changed_without_the_meter(case: Case) -> Proposal:
        return case.changed(Key.from_seed("the operator"))

    def left_out(case: Case) -> Proposal:
        return case.proposal({point: held for point, held in case.held.items() if point != case.signer})

    def wrong_price(case: Case) -> Proposal:
        honest = case.proposal()
        header = replace(honest.batch.header, price=honest.batch.header.price + 1)
        return replace(honest, batch=replace(honest.batch, header=header))

    def wrong_clearing(case: Case) -> Proposal:
        honest = case.proposal()
        header = replace(honest.batch.header, buy_at=honest.batch.header.buy_at + 1)
        return replace(honest, batch=replace(honest.batch, header=header))

    def rows_swapped(case: Case) -> Proposal:
        honest = case.proposal()
        rows = honest.batch.rows
        side = rows.buyers if len(rows.buyers) > 1 else rows.sellers
        assert len(side) > 1
        bent = Rows(side[::-1], rows.sellers) if side is rows.buyers else Rows(rows.buyers, side[::-1])
        return replace(honest, batch=replace(honest.batch, rows=bent))

    def differing(case: Case) -> Proposal:
        """Both readings are known to the operator; it picks the one it likes."""
        reading = case.held[case.signer][0].reading
        second = replace(reading, wh=Wh(reading.wh - 3)).sign(case.domain, case.key_of(case.signer))
        included = {point: held[0] for point, held in case.held.items()} | {case.signer: second}
        witness = Witness.of(included.values())
        batch = batch_of(case.facts, clear_interval(case.facts, included), 7, witness.root)
        return Proposal(batch, witness, ())

    def bad_signature(case: Case) -> Proposal:
        signed = case.held[case.signer][0]
        broken = replace(signed, signature=bytes(64) + signed.signature[64:])
        return case.proposal({**case.held, case.signer: (broken,)})

    return {
        "wh_changed": ("differing: point", wh_changed),
        "wh_changed_without_the_meter": ("signature: the reading of point", wh_changed_without_the_meter),
        "left_out": ("left out: a valid reading of point", left_out),
        "wrong_price": ("price:", wrong_price),
        "wrong_clearing": ("totals:", wrong_clearing),
        "rows_swapped": ("rows: not in the order", rows_swapped),
        "differing": ("differing: point", differing),
        "bad_signature": ("reading of point", bad_signature),
    }


def has_signed(stage: Stage, seat: int, interval: int) -> set[bytes]:
    """Struct hashes of what a member put down as signed."""
    engine = create_engine(f"sqlite:///{stage.folder.member(seat) / 'sunpile.db'}")
    with engine.connect() as connection:
        found = {
            bytes(row) for row in connection.scalars(select(batches.c.digest).where(batches.c.interval == interval))
        }
    engine.dispose()
    return found


async def test_a_member_refuses_each_false_witness_by_its_fault_and_signs_the_true_one(day: Day) -> None:
    interval = await day.next_end(after=GRACE // 2)
    found = await case(day, interval)
    url = f"{day.stage.settings.members[1]}/proposals"
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        for name, (reason, make) in lies().items():
            proposal = make(found)
            answer = await client.post(url, content=json.dumps(proposal_to_json(proposal)))
            assert answer.status_code in (400, 409, 422), (name, answer.text)
            body = answer.json()
            assert "signature" not in body, name
            said = body.get("refusal") or body["detail"]
            assert said.removeprefix("proposal: ").startswith(reason), (name, said)
        assert has_signed(day.stage, 1, interval) == set()
        honest = found.proposal()
        answer = await client.post(url, content=json.dumps(proposal_to_json(honest)))
    signature = bytes.fromhex(answer.json()["signature"][2:])
    digest = honest.batch.digest(found.domain)
    assert recover(digest, signature).lower() == answer.json()["address"].lower()
    assert has_signed(day.stage, 1, interval) == {honest.batch.struct_hash()}
    await day.next_end()
    assert (await day.state(interval)).state == "settled"


# -- who may be missing -----------------------------------------------------------------------------------------------


async def test_one_member_may_be_away_and_learns_nothing_wrong_when_it_returns(day: Day) -> None:
    first = day.now // LENGTH
    await day.to((first + 1) * LENGTH - 300)
    await day.stage.supervisor.hold("member-3")
    await day.next_end(after=2 * GRACE)
    stored = await day.state(first)
    assert stored.state == "settled"
    assert sorted(stored.signatures) == [0, 1, 2]
    assert stored.refusals[3].startswith("unreachable:")
    await day.stage.supervisor.release("member-3")
    await member_there(day, 3)
    second = await day.next_end(after=2 * GRACE)
    stored = await day.state(second)
    assert stored.state == "settled"
    assert 3 in stored.signatures
    await day.whole()


async def member_there(day: Day, seat: int) -> None:
    async with asyncio.timeout(60), httpx2.AsyncClient(trust_env=False) as client:
        while True:
            try:
                await client.get(f"{day.stage.settings.members[seat]}/health")
                return
            except httpx2.TransportError:
                await asyncio.sleep(0.1)


async def test_without_three_of_four_nothing_is_settled_until_one_is_back(day: Day) -> None:
    first = day.now // LENGTH
    for name in ("member-2", "member-3"):
        await day.stage.supervisor.hold(name)
    await day.next_end(after=10 * GRACE)
    stored = await day.state(first)
    assert stored.state == "proposed"
    assert sorted(stored.signatures) == [0, 1]
    async with day.stage.opened() as (_store, reader, reconciler):
        assert await reader.next_interval(reconciler.zone) == first
    await day.stage.supervisor.release("member-2")
    await member_there(day, 2)
    second = await day.next_end(after=2 * GRACE)
    assert (await day.state(first)).state == (await day.state(second)).state == "settled"
    assert stored.round == (await day.state(first)).round, "who had signed was asked to sign another batch"
    await day.whole()


async def test_what_nobody_signed_in_time_is_voided_and_settled_by_the_late_rule(day: Day) -> None:
    """Member 3 is still away; now member 2 goes too, for longer than the contract waits."""
    first = day.now // LENGTH
    await day.stage.supervisor.hold("member-2")
    await day.to((first + 5) * LENGTH + GRACE + 2)
    async with day.stage.opened() as (_store, reader, reconciler):
        assert await reader.next_interval(reconciler.zone) == first + 1
        assert await reader.digest(reconciler.zone, first) == bytes(32)
    for name in ("member-2", "member-3"):
        await day.stage.supervisor.release(name)
    await member_there(day, 2)
    await member_there(day, 3)
    await day.to((first + 7) * LENGTH + 2 * GRACE)
    for interval in range(first + 1, first + 6):
        assert (await day.state(interval)).state == "settled", interval
    async with day.stage.opened() as (store, _reader, reconciler):
        late = await store.bills(first, first, zone=reconciler.zone)
    truth = day.stage.town.report.truth
    assert late
    assert {bill.kind for bill in late} == {"late"}
    metered = {point: wh for (point, interval), wh in truth.items() if interval == first}
    assert sum(bill.grid_wh for bill in late) == net(day, metered)
    await day.whole()


def net(day: Day, metered: dict[int, int]) -> int:
    """Wh of the zone: what stands behind a meter is in the meter's number."""
    town = day.stage.town
    assert town.registered is not None
    behind = {
        town.registered.evses[pile.station, evse]
        for pile in town.plan.piles
        if pile.house is not None
        for evse in range(1, pile.evses + 1)
    }
    return sum(wh for point, wh in metered.items() if point not in behind)


# -- what comes late --------------------------------------------------------------------------------------------------


async def posted(day: Day, path: str, body: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=day.stage.page, trust_env=False, timeout=60) as client:
        return await client.post(path, json=body)


async def test_forged_replayed_overlapping_and_impossible_readings_are_answered_and_never_paid(day: Day) -> None:
    point, pushing = day.signing_point(), day.stage.town.pushing
    assert pushing is not None
    async with day.stage.opened() as (_store, reader, _reconciler):
        domain = reader.domain
    seen: list[dict[str, Any]] = []

    def watched(batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
        seen.extend(item for item in batch if item["point"] == point)
        return batch

    pushing.tamper = watched
    interval = await day.next_end(after=1)
    pushing.tamper = list
    true, key = seen[0], day.key_of(point)

    def made(wh: int, at: int, by: Key = key) -> dict[str, Any]:
        signed = Reading(PointId(point), at, Wh(wh), bytes(32)).sign(domain, by)
        return {"point": point, "interval": at, "wh": wh, "salt": "0x" + "00" * 32, "signature": hexed(signed)}

    tries = {
        "forged: signed by": made(-50, interval, Key.from_seed("a thief")),
        "forged:": {**true, "interval": interval - 1},
        "impossible: interval": made(-5, interval + 1),
        "impossible: 16777216 Wh": made(1 << 24, interval),
        "unknown: point": {**true, "point": 999},
    }
    for reason, reading in tries.items():
        said = (await posted(day, "/api/readings", {"readings": [reading]})).json()
        if "results" in said:
            result = said["results"][0]
            assert (result["status"], result["reason"][: len(reason)]) == ("refused", reason), result
        else:
            # More than any row can hold is no reading at all.
            assert abs(reading["wh"]) >= 1 << 24, said
            assert said["status"] == 400, said
            assert "wh" in str(said), said
        for url in day.stage.settings.members:
            async with httpx2.AsyncClient(trust_env=False) as client:
                answer = (await client.post(f"{url}/readings", json={"readings": [reading]})).json()["results"][0]
            # A member has no clock: a reading before its time is kept, and no batch may hold it before that.
            assert answer["status"] == "refused" or reason == "impossible: interval", answer
    again = (await posted(day, "/api/readings", {"readings": [true]})).json()["results"][0]
    assert again["status"] == "duplicate"
    await day.next_end(after=2 * GRACE)
    assert [bill.wh for bill in await day.bills(interval, point)] == [true["wh"]]
    await day.whole()


def expired(domains: Any, owner: Key, point: int, deadline: int, until: int = signing.FOREVER) -> dict[str, Any]:
    """An order for yesterday."""
    values = {"point": point, "buy": 900, "sell": 100, "maxWh": 5, "until": until, "nonce": 1003, "deadline": deadline}
    signature = "0x" + owner.sign(signing.ORDER.digest(domains.market, values)).hex()
    return {**{"max_wh" if name == "maxWh" else name: value for name, value in values.items()}, "signature": signature}


async def test_a_bad_order_is_refused_with_its_fault(day: Day) -> None:
    town = day.stage.town
    assert town.registered is not None
    domains, accounts = town.registered.domains, town.registered.accounts
    account = next(account for account in accounts if account.kind == "home")
    other = next(found for found in accounts if found.owner.address != account.owner.address)
    good = signing.order(domains, account.owner, account.point, 900, 100, account.cap_wh, 1000)
    foreign = signing.order(domains, other.owner, account.point, 900, 100, account.cap_wh, 1001)
    elsewhere = replace(domains, market=replace(domains.market, chain_id=1))
    tries = [
        ("signature: not the owner", foreign),
        ("signature: not the owner", {**good, "buy": 950}),
        ("signature: not the owner", signing.order(elsewhere, account.owner, account.point, 900, 100, 5, 1002)),
        ("signature: expired", expired(domains, account.owner, account.point, day.now - 1)),
        ("order: ends before it begins", expired(domains, account.owner, account.point, signing.DEADLINE, until=1)),
    ]
    for reason, body in tries:
        answer = await posted(day, "/api/orders", body)
        assert answer.status_code == 422, (reason, answer.text)
        assert reason in answer.json()["detail"], (reason, answer.text)
    assert (await posted(day, "/api/orders", good)).status_code == 202
    old = signing.order(domains, account.owner, account.point, 100, 900, account.cap_wh, 999)
    answer = await posted(day, "/api/orders", old)
    assert answer.status_code == 422
    assert "nonce" in answer.json()["detail"]


async def test_a_meter_that_signs_two_readings_is_late_and_paid_the_lesser_one(day: Day) -> None:
    point, pushing = day.signing_point(), day.stage.town.pushing
    assert pushing is not None
    async with day.stage.opened() as (_store, reader, _reconciler):
        domain = reader.domain
    key = day.key_of(point)
    sent: list[int] = []

    def twice(batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
        mine = next(item for item in batch if item["point"] == point)
        sent.append(mine["wh"])
        second = Reading(PointId(point), mine["interval"], Wh(mine["wh"] + 40), bytes(32)).sign(domain, key)
        return [*batch, {**mine, "wh": mine["wh"] + 40, "salt": "0x" + "00" * 32, "signature": hexed(second)}]

    pushing.tamper = twice
    interval = await day.next_end(after=1)
    pushing.tamper = list
    await day.next_end()
    stored = await day.state(interval)
    assert stored.state == "settled"
    excluded = {exclusion.point: exclusion.reason.value for exclusion in stored.kept.proposal.excluded}
    assert excluded == {point: "differing"}
    bills = await day.bills(interval, point)
    assert [(bill.kind, bill.matched_wh, bill.grid_wh) for bill in bills] == [("late", 0, sent[0] + 40)]
    await day.whole()


def hexed(signed: SignedReading) -> str:
    return "0x" + signed.signature.hex()


async def test_a_silent_meter_s_house_is_late_and_settled_when_its_reading_comes(day: Day) -> None:
    point, pushing = day.signing_point(), day.stage.town.pushing
    assert pushing is not None
    held_back: list[dict[str, Any]] = []

    def quiet(batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
        held_back.extend(item for item in batch if item["point"] == point)
        return silent({point})(batch)

    pushing.tamper = quiet
    interval = await day.next_end(after=2 * GRACE)
    pushing.tamper = list
    stored = await day.state(interval)
    assert stored.state == "settled"
    assert {e.point: e.reason.value for e in stored.kept.proposal.excluded} == {point: "missing"}
    assert await day.bills(interval, point) == []
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        for url in (f"{day.stage.page}/api/readings", *(f"{u}/readings" for u in day.stage.settings.members)):
            answer = await client.post(url, json={"readings": held_back[:1]})
            assert answer.json()["results"][0]["status"] == "late", answer.text
    await day.next_end(after=2 * GRACE)
    bills = await day.bills(interval, point)
    assert [(bill.kind, bill.matched_wh, bill.grid_wh) for bill in bills] == [("late", 0, held_back[0]["wh"])]
    await there(day.stage)
    await day.whole()
