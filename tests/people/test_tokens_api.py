"""Routes of tokens, local lists, reservations and tariffs."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from tests.people.fakes import FakeOperations, FakeRpc
from tests.people.house import ADMIN, open_house
from tests.store.test_local_lists import Station
from tests.store.test_tokens import two_stations

from sunpile.fleet.costing import Costing
from sunpile.fleet.groups import TokenDesk
from sunpile.fleet.local_lists import LocalLists
from sunpile.fleet.reservations import Reservations
from sunpile.people import create_app
from sunpile.people.api import reservations, tariffs, tokens
from sunpile.people.ports import ApiSettings
from sunpile.store.every_table import metadata
from sunpile.store.local_lists import ListDatabase
from sunpile.store.reservations import ReservationDatabase
from sunpile.store.tariffs import TariffStore
from sunpile.store.tokens import TokenStore

NOW = 1_772_625_600


class Clock:
    def now(self):
        return NOW


class Log:
    def __init__(self):
        self.rows = []

    async def record(self, scope, action, object, before=None, after=None, reason=""):
        self.rows.append((action, object, reason))


@pytest.fixture
def client(tmp_path: Path):
    engine = create_engine(f"sqlite:///{tmp_path / 'node.db'}")
    metadata.create_all(engine)
    with engine.begin() as connection:
        two_stations(connection)
    engine.dispose()
    house = open_house(tmp_path / "node.db", intervals=0)
    station, log, clock = Station(), Log(), Clock()
    book, prices = TokenStore(house.database), TariffStore(house.database)
    routers = [
        tokens.router(
            TokenDesk(book, clock, log), LocalLists(ListDatabase(house.database), book, station.command, clock, log)
        ),
        reservations.router(Reservations(ReservationDatabase(house.database), station.command, clock, log)),
        tariffs.router(Costing(prices, station.command, clock, log), prices.cost),
    ]
    app = create_app(house.view, FakeOperations(), FakeRpc(), house.hub, ApiSettings(ADMIN), routers)
    with TestClient(app, headers={"Authorization": f"Bearer {ADMIN}"}) as found:
        found.log, found.station = log, station
        yield found
    house.database.close()


def test_a_token_is_added_found_used_and_forgotten(client):
    body = {"kind": "ISO14443", "limits": {"wh_day": 20000, "stations": ["P1"]}, "notes": "van"}
    assert client.put("/api/tokens/04a1b2?reason=new", json=body).json()["token"] == "04A1B2"
    found = client.get("/api/tokens/04A1B2").json()
    assert (found["limits"]["wh_day"], found["limits"]["stations"]) == (20000, ["P1"])
    assert client.get("/api/tokens/04A1B2/use").json()["wh_day"] == 0
    assert [t["token"] for t in client.get("/api/tokens?search=04").json()] == ["04A1B2"]
    assert client.delete("/api/tokens/04a1b2").status_code == 204
    assert client.get("/api/tokens/04A1B2").status_code == 404
    assert client.log.rows[0] == ("token.save", "token:04A1B2", "new")


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "Coupon"}, {"status": "lost"}, {"limits": {"wh_day": -1}}, {"limits": {"wh_day": 1.5}}, {"x": 1}],
)
def test_a_wrong_token_is_refused_without_being_repeated(client, wrong):
    answer = client.put("/api/tokens/SECRET99", json=wrong)
    assert answer.status_code in (400, 422)
    assert "SECRET99" not in answer.text


def test_tokens_go_out_and_come_in_as_a_table_that_no_spreadsheet_computes(client):
    client.put("/api/token-groups/FLEET", json={"limits": {"concurrent": 2}})
    client.put("/api/tokens/A1", json={"group": "FLEET", "notes": "=HYPERLINK(1)"})
    table = client.get("/api/tokens.csv").text
    assert "'=HYPERLINK(1)" in table
    client.delete("/api/tokens/A1")
    assert client.post("/api/tokens.csv", content=table).json() == {"tokens": 1}
    found = client.get("/api/tokens/A1").json()
    assert (found["notes"], found["group"]) == ("=HYPERLINK(1)", "FLEET")
    bad = client.post("/api/tokens.csv", content="token,status\nGOOD,accepted\nSECRET,lost\n")
    assert (bad.status_code, "row 3" in bad.text, "SECRET" in bad.text) == (400, True, False)
    assert client.get("/api/tokens/GOOD").status_code == 404


def test_the_policy_and_local_lists(client):
    assert client.put("/api/tokens/policy", json={"unknown": "accept", "time_zone": "Asia/Shanghai"}).status_code == 200
    assert client.get("/api/tokens/policy").json() == {"unknown": "accept", "time_zone": "Asia/Shanghai"}
    assert client.put("/api/tokens/policy", json={"time_zone": "Moon/Base"}).status_code == 400
    client.put("/api/tokens/A1", json={})
    looked = client.get("/api/stations/P1/local-list").json()
    assert looked["to_send"] == [{"update": "Full", "version": 1, "entries": 1}]
    assert client.post("/api/stations/P1/local-list").json()["state"] == "in step"
    assert [row["station"] for row in client.get("/api/local-lists").json()] == ["P1"]
    assert client.post("/api/stations/P2/local-list").status_code == 404


def test_reservations(client):
    made = client.post(
        "/api/reservations", json={"station": "P1", "evse": 1, "token": "A1", "expires_at": NOW + 600}
    ).json()
    assert made["state"] == "made"
    assert client.delete(f"/api/reservations/{made['number']}?reason=call").json()["state"] == "cancelled"
    assert client.delete(f"/api/reservations/{made['number']}").status_code == 409
    assert len(client.get("/api/reservations").json()) == 1


def test_tariffs(client):
    tariff = {"id": "day", "currency": "EUR", "energy": [{"price": 400000, "when": {"days": [0, 1]}}]}
    assert client.put("/api/tariffs/day", json=tariff).status_code == 200
    assert client.put("/api/tariff-uses", json={"scope": "station", "object": "P1", "tariff": "day"}).status_code == 200
    assert client.get("/api/tariffs/day").json()["energy"][0]["when"]["days"] == [0, 1]
    assert "0.40 EUR per kWh" in client.get("/api/tariffs/day/text").json()["en"]
    assert client.delete("/api/tariffs/day").status_code == 400
    assert client.put("/api/tariffs/day", json=tariff | {"currency": "euro"}).status_code == 400
    assert client.put("/api/tariffs/day", json=tariff | {"coupon": 1}).status_code in (400, 422)
    assert client.get("/api/sessions/none/cost").status_code == 404
