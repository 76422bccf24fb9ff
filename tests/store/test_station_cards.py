"""Station records: found, paged, changed, and never shown to another tenant."""

from dataclasses import replace

import pytest
from sqlalchemy import insert, select
from tests.fleet.upkeep_fakes import ALICE, BOB, NOON

from sunpile.basics.errors import Conflict, InputInvalid, NotFound
from sunpile.fleet.cards import StationCard, StationFilter
from sunpile.store.database import Database
from sunpile.store.station_cards import StationCards
from sunpile.store.tables import connectors, frames, refused_attempts, sessions
from sunpile.store.upkeep_tables import connection_spans, samples

CARD = StationCard(
    "SP-1", name="Mill St", site="mill", latitude=31_230_000, longitude=121_470_000, tags=("dc", "night"), max_w=60_000
)
SESSION = {
    "session": "S1", "station": "SP-1", "evse": 1, "ocpp_transaction": "1", "state": "ended", "begun": True,
    "started_at": 1, "last_at": 1, "price": 1,
}  # fmt: skip


@pytest.fixture
def cards(database: Database) -> StationCards:
    return StationCards(database)


async def test_a_station_comes_back_as_it_was_added(cards: StationCards) -> None:
    password = await cards.add(ALICE, CARD, [1, 2], NOON)
    assert len(password) == 40
    kept = await cards.card(ALICE, "SP-1")
    assert [evse.evse for evse in kept.evses] == [1, 2]
    assert replace(kept, evses=()) == CARD


async def test_a_change_is_kept_and_leaves_the_rest(cards: StationCards) -> None:
    await cards.add(ALICE, CARD, [1], NOON)
    await cards.save(ALICE, replace(CARD, name="Mill Street", leniency=("late-boot",), security_profile=2))
    kept = await cards.card(ALICE, "SP-1")
    assert (kept.name, kept.leniency, kept.security_profile, kept.site) == ("Mill Street", ("late-boot",), 2, "mill")


async def test_an_identity_is_taken_for_every_tenant_and_must_be_one(cards: StationCards) -> None:
    await cards.add(ALICE, CARD, [], NOON)
    with pytest.raises(Conflict):
        await cards.add(BOB, CARD, [], NOON)
    with pytest.raises(InputInvalid):
        await cards.add(ALICE, StationCard("a b"), [], NOON)


async def test_pages_follow_one_another_and_know_the_total(cards: StationCards) -> None:
    for number in range(5):
        await cards.add(ALICE, replace(CARD, station=f"SP-{number}"), [], NOON)
    first = await cards.page(ALICE, StationFilter(limit=3))
    assert (first.total, [card.station for card in first.stations], first.next) == (5, ["SP-0", "SP-1", "SP-2"], "SP-2")
    second = await cards.page(ALICE, StationFilter(limit=3, after="SP-2"))
    assert ([card.station for card in second.stations], second.next) == (["SP-3", "SP-4"], None)


@pytest.mark.parametrize(
    "wanted",
    [
        StationFilter(text="mILL"),
        StationFilter(site="mill"),
        StationFilter(tag="night"),
        StationFilter(status="Faulted"),
        StationFilter(connected=True),
        StationFilter(registration="Pending"),
    ],
)
async def test_a_filter_finds_only_what_fits(cards: StationCards, database: Database, wanted: StationFilter) -> None:
    await cards.add(ALICE, replace(CARD, registration="Pending"), [1], NOON)
    await cards.add(ALICE, StationCard("SP-2", tags=("nightly", "Night"), max_w=1), [1], NOON)
    with database.engine.begin() as connection:
        connection.execute(connectors.update().where(connectors.c.station == "SP-1").values(status="Faulted"))
        connection.execute(insert(connection_spans).values(station="SP-1", since=NOON))
        connection.execute(insert(connection_spans).values(station="SP-2", since=1, until=2))
    assert [card.station for card in (await cards.page(ALICE, wanted)).stations] == ["SP-1"]


async def test_another_tenant_neither_sees_nor_changes_nor_removes(cards: StationCards) -> None:
    await cards.add(ALICE, CARD, [], NOON)
    assert (await cards.page(BOB, StationFilter())).total == 0
    for attempt in (cards.card(BOB, "SP-1"), cards.save(BOB, CARD), cards.remove(BOB, "SP-1")):
        with pytest.raises(NotFound):
            await attempt


async def test_a_removed_station_leaves_nothing_for_the_next_owner_of_its_identity(
    cards: StationCards, database: Database
) -> None:
    await cards.add(ALICE, CARD, [1], NOON)
    with database.engine.begin() as connection:
        connection.execute(insert(frames).values(station="SP-1", at=NOON, incoming=True, frame="[2]"))
    await cards.remove(ALICE, "SP-1")
    await cards.add(BOB, CARD, [], NOON)
    with database.engine.connect() as connection:
        assert connection.execute(select(frames)).all() == connection.execute(select(samples)).all() == []


async def test_a_station_with_sessions_stays(cards: StationCards, database: Database) -> None:
    await cards.add(ALICE, CARD, [1], NOON)
    with database.engine.begin() as connection:
        connection.execute(insert(sessions).values(SESSION))
    with pytest.raises(Conflict, match="Rejected"):
        await cards.remove(ALICE, "SP-1")


async def test_refusals_of_unknown_identities_are_shown_but_not_those_of_another_tenant(
    cards: StationCards, database: Database
) -> None:
    await cards.add(BOB, CARD, [], NOON)
    with database.engine.begin() as connection:
        for station in ("SP-1", "typo"):
            connection.execute(insert(refused_attempts).values(station=station, at=NOON, reason="wrong password"))
    assert [refusal.station for refusal in await cards.refusals(ALICE, None, 10)] == ["typo"]
    assert [refusal.reason for refusal in await cards.refusals(BOB, "SP-1", 10)] == ["wrong password"]
