"""The store's door: durable groups, a fault undoes only itself."""

import asyncio
import threading
from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, event, insert, select

from sunpile.store.database import Database
from sunpile.store.tables import facts


async def test_a_fault_undoes_only_its_own_unit_of_work(database: Database):
    def put(key: str):
        return lambda c: c.execute(insert(facts).values(key=key, value="1")) and None

    results = await asyncio.gather(
        database.write(put("a")), database.write(put("a")), database.write(put("b")), return_exceptions=True
    )
    assert [isinstance(r, Exception) for r in results] == [False, True, False]
    assert await database.read(lambda c: sorted(c.scalars(select(facts.c.key)))) == ["a", "b"]


@pytest.mark.parametrize("count", [300])
async def test_many_waiting_writes_share_commits_and_all_are_there(database: Database, count: int):
    await asyncio.gather(
        *(
            database.write(lambda c, i=i: c.execute(insert(facts).values(key=str(i), value="")) and None)
            for i in range(count)
        )
    )
    assert len(await database.read(lambda c: c.execute(select(facts)).all())) == count


async def test_a_group_is_one_transaction_whatever_the_driver_thinks_of_savepoints(database: Database):
    statements: list[str] = []
    if database.engine.dialect.name != "sqlite":
        pytest.skip("the driver's habit is SQLite's")

    @event.listens_for(database.engine, "connect")
    def trace(connection, _record):
        connection.set_trace_callback(statements.append)

    database.engine.dispose()
    await asyncio.gather(
        *(
            database.write(lambda c, i=i: c.execute(insert(facts).values(key=str(i), value="")) and None)
            for i in range(50)
        )
    )
    words = [statement.split()[0].upper() for statement in statements]
    assert words.count("SAVEPOINT") == 50
    assert words.count("COMMIT") == words.count("BEGIN") < 50
    assert words.index("BEGIN") < words.index("SAVEPOINT")


async def test_who_gives_up_waiting_does_not_stop_the_writer(database: Database):
    entered, leave = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        connection.execute(insert(facts).values(key="slow", value=""))
        entered.set()
        leave.wait(5)

    def put(connection: Connection) -> None:
        connection.execute(insert(facts).values(key="queued", value=""))

    running = asyncio.create_task(database.write(slow))
    await asyncio.to_thread(entered.wait, 5)
    queued = asyncio.create_task(database.write(put))
    await asyncio.sleep(0)
    running.cancel()
    queued.cancel()
    await asyncio.sleep(0)
    leave.set()
    assert await database.write(lambda c: sorted(c.scalars(select(facts.c.key)))) == ["slow"]


async def test_a_store_that_cannot_be_reached_fails_every_waiting_write_and_recovers(database: Database):
    def lost(_connection: Connection) -> None:
        raise OSError("no more disk")

    event.listen(database.engine, "begin", lost)
    writes = [database.write(lambda c: c.execute(select(facts)).all()) for _ in range(3)]
    async with asyncio.timeout(5):
        results = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(result) for result in results] == [OSError] * 3
    event.remove(database.engine, "begin", lost)
    assert await database.write(lambda c: c.execute(select(facts)).all()) == []


async def test_work_of_one_kind_that_waits_side_by_side_shares_a_call(database: Database):
    calls: list[list[str]] = []
    entered, leave = threading.Event(), threading.Event()

    def hold(_connection: Connection) -> None:
        entered.set()
        leave.wait(5)

    def put_all(connection: Connection, keys: Sequence[str]) -> list[str]:
        calls.append(list(keys))
        connection.execute(insert(facts), [{"key": key, "value": ""} for key in keys])
        return [key.upper() for key in keys]

    holding = asyncio.create_task(database.write(hold))
    await asyncio.to_thread(entered.wait, 5)
    writes = [asyncio.create_task(database.write_together(put_all, key)) for key in "abc"]
    await asyncio.sleep(0)
    leave.set()
    await holding
    assert await asyncio.gather(*writes) == ["A", "B", "C"]
    assert calls == [["a", "b", "c"]]


async def test_a_fault_in_work_done_together_undoes_only_its_own_item(database: Database):
    def put_all(connection: Connection, keys: Sequence[str]) -> list[str | Exception]:
        outcomes: list[str | Exception] = []
        for key in keys:
            connection.execute(insert(facts).values(key=key, value=""))
            outcomes.append(ValueError(key) if key == "c" else key)
        return outcomes

    keys = ["a", "b", "a", "c", "d"]
    results = await asyncio.gather(*(database.write_together(put_all, key) for key in keys), return_exceptions=True)
    assert [isinstance(result, Exception) for result in results] == [False, False, True, True, False]
    assert await database.read(lambda c: sorted(c.scalars(select(facts.c.key)))) == ["a", "b", "c", "d"]
