"""Connections, statuses and events of stations, and what follows from them: uptime, success, findings."""

from typing import Any

import pytest
from sqlalchemy import insert, select
from tests.fleet.upkeep_fakes import ALICE, BOB, NOON

from sunpile.basics.errors import NotFound
from sunpile.basics.ids import EvseId, StationId
from sunpile.chargers.events import StatusChanged
from sunpile.chargers.station import StationState
from sunpile.fleet.cards import StationCard
from sunpile.fleet.events import Told
from sunpile.fleet.uptime import Span
from sunpile.store.database import Database
from sunpile.store.station_cards import StationCards
from sunpile.store.station_history import History
from sunpile.store.tables import connectors, sessions
from sunpile.store.upkeep_tables import connection_spans

SP = StationId("SP-1")


@pytest.fixture
async def history(database: Database) -> History:
    await StationCards(database).add(ALICE, StationCard("SP-1", site="mill", tags=("dc",), max_w=1), [1], NOON - 9)
    return History(database)


def spans(database: Database) -> list[tuple[int, int | None]]:
    query = select(connection_spans.c.since, connection_spans.c.until).order_by(connection_spans.c.since)
    return [(row[0], row[1]) for row in database.read_now(lambda connection: connection.execute(query).all())]


def here(since: int, connected: bool = True) -> dict[StationId, StationState]:
    return {SP: StationState(SP, connected=connected, connected_at=since)}


async def test_connections_are_noted_as_they_come_and_go(history: History, database: Database) -> None:
    await history.look(here(NOON), NOON + 5)
    await history.look(here(NOON), NOON + 10)
    await history.look(here(NOON + 12), NOON + 15)
    await history.look(here(NOON + 12, connected=False), NOON + 20)
    assert spans(database) == [(NOON, NOON + 12), (NOON + 12, NOON + 20)]


async def test_after_a_crash_what_was_open_ended_when_the_node_was_last_alive(
    history: History, database: Database
) -> None:
    await history.look(here(NOON), NOON + 5)
    await history.look(here(NOON), NOON + 50)
    await history.look(here(NOON), NOON + 65)
    again = History(database)
    await again.recover()
    await again.look(here(NOON + 500), NOON + 505)
    assert spans(database) == [(NOON, NOON + 65), (NOON + 500, None)]


async def test_a_period_shows_connections_and_the_statuses_of_evse_and_station_together(history: History) -> None:
    await history.look(here(NOON), NOON + 5)
    for evse, at, status in ((1, 10, "Available"), (0, 20, "Unavailable"), (1, 25, "Charging"), (0, 30, "Available")):
        await history.status(StatusChanged(SP, EvseId(evse), status, None, NOON + at), NOON + at)
    ((station, site, evse, _, connected, statuses),) = await history.of_period(ALICE, Span(NOON, NOON + 100))
    assert (station, site, evse, connected) == ("SP-1", "mill", 1, [Span(NOON, NOON + 100)])
    assert [(at - NOON, status) for at, status in statuses] == [
        (10, "Available"), (20, "Unavailable"), (25, "Unavailable"), (30, "Charging"),
    ]  # fmt: skip
    assert await history.of_period(BOB, Span(NOON, NOON + 100)) == []


async def test_findings_name_who_is_offline_and_what_is_faulted_with_site_and_tags(
    history: History, database: Database
) -> None:
    await history.look(here(NOON), NOON)
    await history.look(here(NOON, connected=False), NOON + 100)
    with database.engine.begin() as connection:
        connection.execute(connectors.update().values(status="Faulted", error_code="GroundFailure"))
    found = {one.kind: one for one in await history.findings(NOON + 1000)}
    assert (found["offline"].value, found["offline"].site, found["offline"].tags) == (900, "mill", ("dc",))
    assert (found["faulted"].subject, found["faulted"].detail) == ("EVSE 1", "GroundFailure")


async def test_empty_sessions_are_counted_in_a_row(history: History, database: Database) -> None:
    rows: list[dict[str, Any]] = [
        {
            "session": f"S{number}", "station": "SP-1", "evse": 1, "ocpp_transaction": str(number), "state": "ended",
            "begun": True, "started_at": NOON + number, "ended_at": NOON + 10 * number, "last_at": 1, "price": 1,
            "wh": wh, "stop_reason": "Local",
        }
        for number, wh in enumerate([0, 900, 0, 0])
    ]  # fmt: skip
    with database.engine.begin() as connection:
        connection.execute(insert(sessions), rows)
    (found,) = await history.empty_sessions(NOON + 25, NOON + 100)
    assert (found.value, found.subject, found.tenant) == (2, "EVSE 1", "default")
    assert await history.empty_sessions(NOON + 30, NOON + 100) == []
    assert [attempt.wh for attempt in await history.attempts(ALICE, Span(NOON, NOON + 25))] == [0, 900, 0]
    assert await history.attempts(BOB, Span(NOON, NOON + 25)) == []


async def test_what_a_station_told_is_shown_newest_first_to_its_tenant_and_forgotten(history: History) -> None:
    for number in range(3):
        await history.note(Told("SP-1", NOON, NOON + number, "security", f"E{number}", detail={"n": number}))
    found = await history.events(ALICE, "SP-1", "security", 2, None)
    assert [(event.name, event.detail) for event in found] == [("E2", {"n": 2}), ("E1", {"n": 1})]
    with pytest.raises(NotFound):
        await history.events(BOB, "SP-1", "", 2, None)
    assert await history.forget(NOON + 2) == 2
