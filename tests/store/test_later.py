"""What is written a moment later: without being asked to, past a fault, and no more than may wait."""

import asyncio

import pytest
from sqlalchemy import Connection

from sunpile.store.database import Database
from sunpile.store.later import Later


class Kept:
    """Takes rows; `fault` is raised instead, if there is one."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.fault: Exception | None = None

    def write(self, _connection: Connection, rows: list[int]) -> None:
        if self.fault is not None:
            raise self.fault
        self.groups.append(rows)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def later(database: Database, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> Later[int]:
    monkeypatch.setattr("sunpile.store.later.FLUSH_S", 0.01)
    return Later(database, kept.write, "numbers", soon=3, at_once=4, most=10)


async def written(kept: Kept, count: int) -> list[list[int]]:
    for _ in range(500):
        if sum(map(len, kept.groups)) >= count:
            break
        await asyncio.sleep(0.01)
    return kept.groups


async def test_enough_rows_are_written_at_once_and_few_a_moment_later(later: Later[int], kept: Kept) -> None:
    later.put(range(9))
    assert await written(kept, 9) == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]
    later.put([9])
    assert (await written(kept, 10))[-1] == [9]


async def test_what_a_store_cannot_take_is_lost_and_the_next_is_written(later: Later[int], kept: Kept) -> None:
    kept.fault = OSError("no space left")
    later.put([1, 2, 3])
    await later.flush()
    kept.fault = None
    later.put([4])
    await later.flush()
    assert (kept.groups, later.dropped) == ([[4]], 3)


async def test_no_more_rows_wait_than_may_and_the_oldest_go(later: Later[int], kept: Kept) -> None:
    later.put(range(11))
    await later.flush()
    assert (kept.groups, later.dropped) == ([[3, 4, 5, 6], [7, 8, 9, 10]], 3)
