"""The raw message log: searched, paired, paged, exported, by tenant."""

from dataclasses import replace

import pytest
from sqlalchemy import insert
from tests.fleet.upkeep_fakes import ALICE, BOB, NOON

from sunpile.basics.errors import NotFound
from sunpile.fleet.cards import StationCard
from sunpile.fleet.frames import FrameQuery
from sunpile.store import frame_log
from sunpile.store.database import Database
from sunpile.store.frame_log import FrameLog
from sunpile.store.station_cards import StationCards
from sunpile.store.tables import frames

TALK = [
    (True, '[2, "a1", "Heartbeat", {}]'),
    (False, '[3,"a1",{"currentTime":"2027-01-15T08:00:00Z"}]'),
    (True, '[2,"a1x","MeterValues",{"connectorId":1,"note":"100%"}]'),
    (False, '[4,"a1x","FormationViolation","no",{}]'),
    (False, '[2,"a1","Reset",{"type":"Hard"}]'),
    (True, '[3,"a1",{"status":"Accepted"}]'),
    (True, "nonsense"),
]
LOG = FrameQuery("SP-1")


@pytest.fixture
async def log(database: Database) -> FrameLog:
    await StationCards(database).add(ALICE, StationCard("SP-1", max_w=1), [], NOON)
    with database.engine.begin() as connection:
        for number, (incoming, frame) in enumerate(TALK):
            connection.execute(
                insert(frames).values(station="SP-1", at=NOON + number // 2, incoming=incoming, frame=frame)
            )
        connection.execute(insert(frames).values(station="SP-2", at=NOON, incoming=True, frame=TALK[0][1]))
    return FrameLog(database)


async def test_answers_are_told_with_their_call_even_where_both_sides_use_the_same_id(log: FrameLog) -> None:
    page = await log.page(ALICE, LOG)
    assert [(frame.kind, frame.action) for frame in page.frames] == [
        ("invalid", ""),
        ("result", "Reset"),
        ("call", "Reset"),
        ("error", "MeterValues"),
        ("call", "MeterValues"),
        ("result", "Heartbeat"),
        ("call", "Heartbeat"),
    ]
    assert page.frames[1].answers == page.frames[2].id
    assert page.next is None


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"action": "MeterValues"}, ["error", "call"]),
        ({"message_id": "a1x"}, ["error", "call"]),
        ({"text": "100%"}, ["call"]),
        ({"text": "HARD"}, ["call"]),
        ({"incoming": False}, ["call", "error", "result"]),
        ({"since": NOON + 3}, ["invalid"]),
        ({"until": NOON + 1, "incoming": True}, ["call"]),
    ],
)
async def test_a_search_shows_only_what_fits(log: FrameLog, changes: dict[str, object], found: list[str]) -> None:
    page = await log.page(ALICE, replace(LOG, **changes))  # pyright: ignore[reportArgumentType]
    assert [frame.kind for frame in page.frames] == found


async def test_pages_follow_one_another_without_gap_and_pairs_survive_the_border(log: FrameLog) -> None:
    seen = []
    query = replace(LOG, limit=1)
    while True:
        page = await log.page(ALICE, query)
        seen += page.frames
        if page.next is None:
            break
        query = replace(query, before=page.next)
    assert seen == list((await log.page(ALICE, LOG)).frames)


async def test_a_page_stops_searching_and_goes_on_from_there(log: FrameLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_log, "SCANNED_MAX", 3)
    page = await log.page(ALICE, replace(LOG, action="Heartbeat"))
    assert page.frames == ()
    assert page.next is not None
    rest = [frame.kind async for piece in log.all(ALICE, replace(LOG, action="Heartbeat")) for frame in piece]
    assert rest == ["result", "call"]


async def test_another_tenant_reads_nothing(log: FrameLog) -> None:
    with pytest.raises(NotFound):
        await log.page(BOB, LOG)
