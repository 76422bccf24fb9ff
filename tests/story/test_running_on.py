"""Kills while time runs on: what was acknowledged is there, what was counted is settled, store and chain agree."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from story.kills import SEED, SOAK, Kill, Killer, play
from story.realtime import LENGTH, all_settled, begin_in, check_energy, quick_town
from sunpile.store.tables import readings, sessions, vouchers
from sunpile.town.api import NodeApi
from sunpile.town.link import Link
from sunpile.wiring.demo import DemoPlan, Stage, staged

KILLS = 20 if SOAK else 3
INTERVALS = 60 if SOAK else 8
JOINING = 25


@dataclass
class Acknowledged:
    """Everything the node said yes to."""

    readings: dict[tuple[int, int], int] = field(default_factory=dict)
    vouchers: set[tuple[str, int]] = field(default_factory=set)
    """(session, cumulative)."""
    begun: set[tuple[str, str]] = field(default_factory=set)
    """(station, OCPP transaction) whose start was answered."""
    ended: set[tuple[str, str]] = field(default_factory=set)


@pytest.fixture
def acknowledged(monkeypatch: pytest.MonkeyPatch) -> Acknowledged:
    """Listens at the town's side of every connection."""
    heard = Acknowledged()
    post, call = NodeApi.post, Link.call

    async def listening_post(api: NodeApi, path: str, body: Any, bearer: str | None = None) -> Any:
        answer = await post(api, path, body, bearer)
        if path == "/api/readings":
            for sent, result in zip(body["readings"], answer["results"], strict=True):
                if result["status"] in ("accepted", "late", "duplicate"):
                    heard.readings[sent["point"], sent["interval"]] = sent["wh"]
        elif path.endswith("/vouchers"):
            heard.vouchers.add((path.split("/")[3], body["cumulative"]))
        return answer

    async def listening_call(link: Link, action: str, build: Any) -> Any:
        sent: list[Any] = []
        answer = await call(link, action, lambda: sent.append(build()) or sent[-1])
        payload, station = sent[-1], link._url.rpartition("/")[2]
        if action == "StartTransaction":
            heard.begun.add((station, str(answer["transactionId"])))
        elif action == "StopTransaction":
            heard.ended.add((station, str(payload["transactionId"])))
        elif action == "TransactionEvent":
            transaction = str(payload["transactionInfo"]["transactionId"])
            heard.begun.add((station, transaction))
            if payload["eventType"] == "Ended":
                heard.ended.add((station, transaction))
        return answer

    monkeypatch.setattr(NodeApi, "post", listening_post)
    monkeypatch.setattr(Link, "call", listening_call)
    return heard


def drawn(stage: Stage) -> list[Kill]:
    """Kills inside the day: not at its first and last edge, whose registers nothing else brackets."""
    dice, scenario = random.Random(f"running on/{SEED}"), stage.town.scenario
    victims = [("node", "anvil", f"member-{dice.randrange(4)}")[number % 3] for number in range(KILLS)]
    first, last = scenario.first_begin + LENGTH + 1, scenario.day_end - 3 * LENGTH
    return sorted((Kill(dice.randrange(first, last), dice.random(), v) for v in victims), key=lambda kill: kill.at)


async def test_nothing_acknowledged_is_lost_when_time_runs_on(acknowledged: Acknowledged) -> None:
    started = time.monotonic()
    async with staged(DemoPlan(quick_town(INTERVALS))) as stage:
        town = await begin_in(stage, JOINING)
        killer = Killer(stage, drawn(stage))
        try:
            await play(stage, killer)
            assert await all_settled(stage, 90) == INTERVALS
            await asyncio.sleep(2 * LENGTH)
        finally:
            await town.close()
        assert len(killer.done) == KILLS
        await check_readings(stage, acknowledged)
        await check_piles(stage, acknowledged)
        await check_energy(stage)
        async with stage.opened() as (_store, _reader, reconciler):
            assert [(d.what, d.store, d.chain) for d in await reconciler.differences()] == []
    hit = ", ".join(kill.victim for kill in killer.done)
    print(f"{KILLS} kills in real time, seed {SEED}, {time.monotonic() - started:.0f} s: {hit}")


async def rows(stage: Stage, *columns: Any) -> list[tuple[Any, ...]]:
    async with stage.opened() as (store, _reader, _reconciler):
        return await store._database.read(lambda c: [tuple(row) for row in c.execute(select(*columns))])


async def check_readings(stage: Stage, acknowledged: Acknowledged) -> None:
    kept = {(point, interval): wh for point, interval, wh in await rows(stage, *readings.c["point", "interval", "wh"])}
    assert acknowledged.readings
    assert acknowledged.readings.items() <= kept.items()


async def check_piles(stage: Stage, acknowledged: Acknowledged) -> None:
    columns = sessions.c["station", "ocpp_transaction", "begun", "ended_at"]
    found = {(station, name): (begun, ended) for station, name, begun, ended in await rows(stage, *columns)}
    assert acknowledged.begun
    for place in acknowledged.begun:
        assert found[place][0], place
    for place in acknowledged.ended:
        assert found[place][1] is not None, place
    paid = set(await rows(stage, *vouchers.c["session", "cumulative"]))
    assert acknowledged.vouchers <= paid
