"""A gap in the messages: the station is asked for what it still has before the session is held."""

import pytest

from sessions.memory import HandClock, MemoryDesk, MemoryStore, Piles, driver, pile
from sessions.talk import T0, ended, started, updated
from sunpile.sessions import Sessions

HOUR = 3600


class Queues:
    """`StationQueues` with one answer."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    async def messages_wait(self, station, ocpp_transaction):
        self.asked.append((station, ocpp_transaction))
        return self.answer


async def after(answer, hours):
    desk = MemoryDesk([pile()], [driver(pays=False)])
    queues, clock = Queues(answer), HandClock(T0)
    service = Sessions(MemoryStore(desk), Piles(), clock, queues=queues)
    await service.started(started("t1", 0, T0, 1000))
    clock._now = T0 + 1200
    await service.ended(ended("t1", 2, T0 + 1200, 3000))
    clock._now += hours * HOUR
    await service.housekeep()
    return service, queues, desk


@pytest.mark.parametrize(
    ("answer", "hours", "state"),
    [(True, 2, "waiting"), (True, 24, "held"), (False, 2, "held"), (None, 2, "held")],
)
async def test_a_gap_is_waited_for_while_the_station_says_that_more_comes(answer, hours, state):
    _, queues, desk = await after(answer, hours)
    assert [session.state for session in desk.sessions.values()] == [state]
    assert queues.asked == ([] if hours == 24 else [("P1", "t1")])


async def test_what_comes_then_closes_the_session():
    service, _, desk = await after(True, 2)
    await service.updated(updated("t1", 1, T0 + 600, 2000))
    assert [(s.state, s.wh) for s in desk.sessions.values()] == [("ended", 2000)]
