"""The property of delivery on the durable path: two sockets at once, copies of each message, on both databases."""

import asyncio
import os
import random

import pytest
from sqlalchemy import insert

from sessions.memory import HandClock, Piles
from sessions.reference import MAX_W, PRICE, Dialect16, Dialect21, Dialect201, aligned, bill_of, plans_of
from sessions.talk import T0
from sunpile.basics.scope import NODE
from sunpile.chargers.events import Booted, MeterRead, TransactionEnded, TransactionStarted, TransactionUpdated
from sunpile.sessions import Sessions
from sunpile.sessions.archive import SessionQuery
from sunpile.store.database import Database
from sunpile.store.session_archive import SessionArchiveStore
from sunpile.store.sessions import SessionDatabase
from sunpile.store.tables import connectors, drivers, stations

STATIONS = 40 if os.environ.get("SUNPILE_SOAK") else 3
"""Stations of each dialect, two EVSEs with four sessions each."""


def shapes(dice):
    for _ in range(4):
        steps = [(dice.randint(20, 900), dice.randint(0, 1_000_000)) for _ in range(dice.randint(1, 6))]
        yield dice.randint(30, 600), dice.random() < 0.3, steps, dice.randint(1, 20), dice.choice([None, 0, 1, 2])


async def fill(database: Database, names: list[str]) -> None:
    def rows(connection) -> None:
        for name in names:
            values = {"station": name, "password_salt": b"", "password_hash": b"", "max_w": MAX_W}
            connection.execute(insert(stations).values(values))
            for evse in (1, 2):
                place = {"station": name, "evse": evse, "status": "Available", "price": PRICE}
                connection.execute(insert(connectors).values(place))
        connection.execute(insert(drivers).values(driver="d1", id_token="CARD1", pays=True, created_at=T0))

    await database.write(rows)


async def socket(service: Sessions, messages: list[object], numbers: dict[str, str]) -> None:
    """One socket: it sends what it has, and what cannot be sent yet later."""
    calls = {
        Booted: service.booted,
        MeterRead: service.meter_read,
        TransactionStarted: service.started,
        TransactionUpdated: service.updated,
        TransactionEnded: service.ended,
    }
    while messages:
        message = messages.pop()
        event = message(numbers) if callable(message) else message
        if event is None:
            messages.insert(0, message)
            await asyncio.sleep(0)
            continue
        answer = await calls[type(event)](event)
        if getattr(event, "key", "").startswith("start/"):
            name = f"{event.station}|{event.key}"
            assert numbers.setdefault(name, answer.ocpp_transaction) == answer.ocpp_transaction
            numbers[event.key] = answer.ocpp_transaction


@pytest.mark.parametrize("dialect", [Dialect16(), Dialect201(), Dialect21()], ids=["1.6", "2.0.1", "2.1"])
async def test_the_durable_bill_is_that_of_the_reference(dialect, database: Database) -> None:
    dice = random.Random(f"{os.environ.get('SUNPILE_SEED', '1')}/{type(dialect).__name__}")
    names = [f"P{number}" for number in range(STATIONS)]
    await fill(database, names)
    clock = HandClock(T0 + 86_000)
    service = Sessions(SessionDatabase(database), Piles(), clock)
    expected, tasks = [], []
    for name in names:
        numbers: dict[str, str] = {}
        lines: tuple[list[object], list[object]] = ([], [])
        for evse in (1, 2):
            for plan in plans_of(shapes(dice)):
                for message in (*dialect.messages(plan, evse, name), *aligned(plan.samples, evse, name)):
                    for _ in range(dice.randint(1, 5)):
                        dice.choice(lines).append(message)
                expected.append((name, evse, *bill_of(plan)))
        for line in lines:
            dice.shuffle(line)
            tasks.append(socket(service, line, numbers))
    await asyncio.gather(*tasks)
    for _ in range(2):
        clock._now += 7200
        await service.housekeep()
    archive = SessionArchiveStore(database)
    found = await archive.list(NODE, SessionQuery(limit=10_000))
    told = sorted((s.station, s.evse, s.started_at, s.ended_at, s.wh, s.owed) for s in found)
    assert told == sorted(expected)
    records = await archive.records(NODE, 0, 1 << 40, "", 10_000)
    assert sorted((r.location_id, r.evse_uid, r.total_energy, r.total_cost) for r in records) == sorted(
        (s.station, s.evse, s.wh, s.owed) for s in found
    )
    assert not (await archive.held(NODE, 500)).messages
