"""The store's door: durable groups, a fault undoes only itself."""

import asyncio

import pytest
from sqlalchemy import event, insert, select

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
