"""The page behind the QR code: price first, in two languages, no script, no account."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, update
from tests.people.fakes import FakeOperations, FakeRpc
from tests.people.house import ADMIN, open_house
from tests.store.test_tokens import two_stations
from tests.store.test_walk_up import Station

from sunpile.fleet.payment_questions import Settlement
from sunpile.fleet.walk_up import SandboxRail, WalkUp
from sunpile.people import create_app
from sunpile.people.api import walk_up
from sunpile.people.ports import ApiSettings
from sunpile.people.web.pay_words import WORDS
from sunpile.store.every_table import metadata
from sunpile.store.holds import HoldDatabase
from sunpile.store.tables import connectors
from sunpile.store.tariffs import TariffStore

NOW = 1_772_625_600
STAFF = {"Authorization": f"Bearer {ADMIN}"}


async def receipt_of(receipt):
    return Settlement("P1", "PSP", "Settled", 12_340_000_000, NOW, "t", "R1") if receipt == "R1" else None


class Clock:
    def now(self):
        return NOW


@pytest.fixture
def client(tmp_path: Path):
    engine = create_engine(f"sqlite:///{tmp_path / 'node.db'}")
    metadata.create_all(engine)
    with engine.begin() as connection:
        two_stations(connection)
        connection.execute(update(connectors).values(status="Available"))
    engine.dispose()
    house = open_house(tmp_path / "node.db", intervals=0)
    station, rail = Station(), SandboxRail()
    service = WalkUp(
        HoldDatabase(house.database),
        TariffStore(house.database),
        rail,
        station.command,
        Clock(),
        b"s" * 32,
        lambda: "https://node.test",
    )
    settings = ApiSettings(ADMIN, market=False)
    app = create_app(
        house.view, FakeOperations(), FakeRpc(), house.hub, settings, [walk_up.router(service, receipt_of)]
    )
    with TestClient(app, follow_redirects=False) as found:
        yield found
    house.database.close()


def address(client):
    full = client.get("/api/stations/P1/sticker", headers=STAFF).json()["address"]
    return full.removeprefix("https://node.test")


def form_of(html):
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))


def test_the_price_comes_first_and_no_script_runs(client):
    page = client.get(address(client))
    assert page.status_code == 200
    assert page.text.index("0.20 EUR per kWh") < page.text.index("<form")
    assert "<script" not in page.text
    assert page.headers["cache-control"] == "no-store"
    chinese = client.get(address(client) + "&lang=zh")
    assert "每千瓦时 0.20 EUR" in chinese.text


def test_from_the_form_to_the_receipt_page(client):
    form = form_of(client.get(address(client)).text) | {"units": "10", "kwh": "20", "minutes": "30"}
    sent = client.post("/pay/P1/1", data=form)
    assert sent.status_code == 303
    again = client.post("/pay/P1/1", data=form)
    assert again.headers["location"] == sent.headers["location"]
    page = client.get(sent.headers["location"])
    assert WORDS["en"]["starting"] in page.text
    assert 'http-equiv="refresh"' in page.text
    (kept,) = client.get("/api/payments", headers=STAFF).json()
    assert (kept["nano"], kept["wh_max"], kept["s_max"]) == (10 * 10**9, 20_000, 1800)
    assert kept["state"] == "starting"


@pytest.mark.parametrize("bad", ["/pay/P1/1", "/pay/P1/1?s=00", "/pay/P1/1?totp=abc&v=v1", "/pay/P1/1?totp=x&v=v9"])
def test_an_address_nobody_gave_out_is_refused_in_words(client, bad):
    page = client.get(bad)
    assert page.status_code == 403
    assert WORDS["en"]["scan"] in page.text
    assert "<form" not in page.text


@pytest.mark.parametrize(
    "change", [{"units": "0"}, {"units": "9999"}, {"units": "1e3"}, {"kwh": "-5"}, {"minutes": "x"}, {"ticket": "x"}]
)
def test_a_forged_form_pays_nothing(client, change):
    form = form_of(client.get(address(client)).text) | {"units": "10", "kwh": ""} | change
    assert client.post("/pay/P1/1", data=form).status_code in (400, 403)
    assert client.get("/api/payments", headers=STAFF).json() == []


def test_what_comes_in_by_the_address_is_shown_as_text(client):
    page = client.get("/pay/%3Cscript%3Ealert(1)%3C%2Fscript%3E/1?lang=%22%3E%3Cscript%3E")
    assert page.status_code == 404
    assert "<script" not in page.text


def test_the_receipt_of_a_terminals_payment(client):
    assert "12.34" in client.get("/receipts/R1").text
    assert client.get("/receipts/R2").status_code == 404


def test_both_languages_say_the_same():
    assert set(WORDS["en"]) == set(WORDS["zh-Hans"])
    for key, text in WORDS["en"].items():
        assert re.findall(r"\{\w+\}", text) == re.findall(r"\{\w+\}", WORDS["zh-Hans"][key])
