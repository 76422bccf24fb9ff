"""The page's read side says the same on both databases."""

from tests.people.sample_day import ZONE, fill, node_info

from sunpile.people.board import LivePoint, PowerBoard
from sunpile.people.feed import EventHub
from sunpile.store.database import Database
from sunpile.store.people import StoreView

INTERVALS = 44


async def test_read_side_over_a_morning(database: Database) -> None:
    await database.write(lambda connection: fill(connection, INTERVALS))
    board = PowerBoard(EventHub())
    view = StoreView(database, board, lambda: node_info(INTERVALS))
    intervals = await view.intervals(96, None)
    totals = await view.totals()
    assert len(intervals) == totals.intervals_settled == INTERVALS
    assert totals.matched_wh == sum(i.volume_wh for i in intervals) > 0
    assert totals.worse_off == 0
    assert totals.buyers_gain > 0 < totals.sellers_gain
    assert await view.intervals(96, None) == intervals  # from memory the second time

    newest = await view.interval(ZONE, intervals[-1].interval)
    assert newest is not None
    assert newest.summary == intervals[-1]
    assert (await view.batches(1))[0] == newest.batch

    board.update({1: LivePoint(w=-123)}, 0)
    town = await view.town()
    assert len(town.points) == 84
    assert next(p.w for p in town.points if p.point == 1) == -123
    assert [s.state for s in await view.sessions(5)][:4] == ["active"] * 4
