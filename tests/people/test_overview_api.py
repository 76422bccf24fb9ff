"""The first look: counted by tenant, live values on top; what can be put up with, in words."""

from dataclasses import replace

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import insert
from tests.fleet.upkeep_fakes import ALICE, BOB, NOON, FakeDoor, HeldClock
from tests.people.house import ADMIN
from tests.people.route_book import Anything
from tests.people.upkeep_desk import Desk, desk, empty_file

from sunpile.basics.ids import EvseId
from sunpile.chargers.station import EvseState
from sunpile.fleet.cards import StationCard
from sunpile.fleet.overview import OverviewDesk
from sunpile.people import create_app
from sunpile.people.api import overview
from sunpile.people.ports import ApiSettings
from sunpile.store.overview import OverviewStore
from sunpile.store.station_cards import StationCards
from sunpile.store.tables import sessions

__all__ = ["desk", "empty_file"]
SESSION = {"evse": 1, "begun": True, "last_at": 1, "price": 1}


async def test_overview_counts_ones_own_stations_only(desk: Desk) -> None:
    database, door = desk.house.database, FakeDoor()
    cards = StationCards(database)
    card = StationCard("OURS-1", max_w=22_000)
    for one in (card, replace(card, station="OURS-2")):
        await cards.add(ALICE, one, [1, 2], NOON)
    await cards.add(BOB, replace(card, station="THEIRS"), [1], NOON)
    busy = EvseState("Charging", ocpp_transaction="t", power_w=7000)
    evses = {EvseId(1): busy, EvseId(2): EvseState("Faulted")}
    door.show("OURS-1", connected=True, evses=evses)
    door.show("OURS-2", connected=False, evses={EvseId(1): busy})
    door.show("THEIRS", connected=True, evses={EvseId(1): busy})
    today = [
        (NOON - 60, "OURS-1", 500, "ended"),
        (NOON - 30, "OURS-2", 700, "held"),
        (NOON - 30, "THEIRS", 900, "held"),
    ]
    rows = [*today, (NOON - 200_000, "OURS-1", 40, "ended")]
    await database.write(
        lambda c: c.execute(
            insert(sessions),
            [
                SESSION
                | {
                    "session": f"s{n}",
                    "ocpp_transaction": f"{n}",
                    "started_at": at,
                    "station": station,
                    "wh": wh,
                    "state": state,
                }
                for n, (at, station, wh, state) in enumerate(rows)
            ],
        )
    )
    found = await OverviewDesk(OverviewStore(database), door, HeldClock(), "UTC").overview(ALICE)
    assert (found.stations, found.connected, found.evses) == (2, 1, 3)
    assert (found.charging, found.faulted, found.power_w) == (1, 1, 7000)
    assert (found.sessions_today, found.energy_today_wh, found.held) == (2, 1200, 1)
    assert found.since == NOON - NOON % 86_400


def test_door_and_deviations_are_told_in_words() -> None:
    anything = Anything()
    routes = [overview.router(anything, "wss://node.test/ocpp")]  # type: ignore[arg-type]
    app: FastAPI = create_app(anything, anything, anything, anything, ApiSettings(ADMIN), routes)  # type: ignore[arg-type]
    client = TestClient(app, headers={"Authorization": f"Bearer {ADMIN}"})
    door = client.get("/api/door", params={"station": "CP 1"}).json()
    assert door["url"] == "wss://node.test/ocpp/CP%201"
    assert {len(row) for row in door["qr"]} == {len(door["qr"])}
    deviations = client.get("/api/deviations").json()
    assert len(deviations) > 10
    assert all(one["words"] and one["words_zh"] for one in deviations)
