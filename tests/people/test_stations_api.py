"""The station routes: from registering a pile to seeing why it cannot connect."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert
from tests.fleet.upkeep_fakes import FakeAudit, FakeDoor, FakeRuns, HeldClock, Page
from tests.people.fakes import FakeOperations, FakeRpc
from tests.people.house import ADMIN, House, open_house

from sunpile.fleet.campaigns import Campaigns
from sunpile.fleet.configuration import Configuration
from sunpile.fleet.files import FileLimits, Files
from sunpile.fleet.station_desk import StationDesk
from sunpile.people import create_app
from sunpile.people.api import configuration, files, firmware, frames, stations
from sunpile.people.ports import ApiSettings
from sunpile.store import tables
from sunpile.store.device_model import DeviceModelStore
from sunpile.store.file_disk import FileDisk
from sunpile.store.firmware import CampaignStore
from sunpile.store.frame_log import FrameLog
from sunpile.store.station_cards import StationCards
from sunpile.store.stored_files import FileStore
from sunpile.store.tables import refused_attempts


class Desk:
    """The application with station routes, and who stands behind them."""

    def __init__(self, house: House, folder: Path) -> None:
        self.door, self.audit, self.page = FakeDoor(), FakeAudit(), Page()
        cards = StationCards(house.database)
        self.desk = StationDesk(cards, self.door, self.audit, self.page, deviations=("late-boot", "seconds-as-ms"))
        self.house = house
        self.clock, self.runs = clock, runs = HeldClock(), FakeRuns()
        self.folder, self.secret, self.limits = folder, b"k" * 32, FileLimits(log_bytes=50_000)
        book, disk = FileStore(house.database), FileDisk(folder)
        self.files = Files(
            book, disk, runs, self.audit, clock, self.secret, lambda: "https://node.test", self.page, self.limits
        )
        self.campaigns = Campaigns(
            CampaignStore(house.database), self.files, self.door, runs, self.audit, clock, self.page
        )
        routers = [
            files.router(self.files),
            firmware.router(self.campaigns, self.files),
            stations.router(self.desk, clock),
            frames.router(FrameLog(house.database)),
            configuration.router(Configuration(DeviceModelStore(house.database), runs, self.audit, clock)),
        ]
        self.app = create_app(house.view, FakeOperations(), FakeRpc(), house.hub, ApiSettings(ADMIN), routers)
        self.client = TestClient(self.app, headers={"Authorization": f"Bearer {ADMIN}"})

    async def offer(self, station: str, file: str) -> str:
        """Path of the address by which a station fetches a file."""
        return (await self.files.offer(station, "down", file)).removeprefix("https://node.test")


@pytest.fixture
def desk(day_file: Path, tmp_path: Path) -> Iterator[Desk]:
    file = tmp_path / "day.db"
    file.write_bytes(day_file.read_bytes())
    house = open_house(file)
    yield Desk(house, tmp_path / "files")
    house.database.close()


NEW = {"station": "NEW-1", "max_w": 22_000, "evses": [1], "name": "Yard", "tags": ["fast"]}


def test_a_station_is_registered_found_changed_and_removed(desk: Desk) -> None:
    added = desk.client.post("/api/stations", json=NEW)
    assert added.status_code == 201
    assert len(added.json()["password"]) == 40
    found = desk.client.get("/api/stations", params={"text": "yard"}).json()
    assert (found["total"], found["stations"][0]["station"]) == (1, "NEW-1")
    changed = desk.client.patch("/api/stations/NEW-1", json={"site": "yard", "reason": "moved"})
    assert (changed.json()["site"], changed.json()["name"]) == ("yard", "Yard")
    assert desk.client.delete("/api/stations/NEW-1").status_code == 204
    assert desk.client.get("/api/stations/NEW-1").status_code == 404
    assert [action for _, action, _ in desk.audit.actions] == ["station.add", "station.change", "station.remove"]
    assert desk.door.told == ["NEW-1", "NEW-1"]


def test_a_station_page_shows_what_the_door_knows_and_why_it_was_refused(desk: Desk) -> None:
    desk.client.post("/api/stations", json=NEW)
    with desk.house.database.engine.begin() as connection:
        connection.execute(insert(refused_attempts).values(station="NEW-1", at=7, reason="wrong password"))
    page = desk.client.get("/api/stations/NEW-1").json()
    assert page["live"] is None
    assert page["refusals"][0]["reason"] == "wrong password"
    desk.door.show("NEW-1", connected=True, version="2.1", last_seen=9)
    page = desk.client.get("/api/stations/NEW-1").json()
    assert (page["live"]["version"], page["card"]["connected"]) == ("2.1", True)


def test_a_security_profile_is_never_lowered(desk: Desk) -> None:
    desk.client.post("/api/stations", json=NEW | {"security_profile": 2})
    assert desk.client.patch("/api/stations/NEW-1", json={"security_profile": 3}).status_code == 200
    refused = desk.client.patch("/api/stations/NEW-1", json={"security_profile": 1})
    assert (refused.status_code, refused.json()["code" if "code" in refused.json() else "status"]) == (409, 409)


def test_leniency_takes_only_known_deviations(desk: Desk) -> None:
    desk.client.post("/api/stations", json=NEW)
    put = desk.client.put("/api/stations/NEW-1/leniency", json={"leniency": ["late-boot"]})
    assert put.json()["leniency"] == ["late-boot"]
    unknown = desk.client.put("/api/stations/NEW-1/leniency", json={"leniency": ["anything"]})
    assert unknown.status_code == 400
    assert "seconds-as-ms" in unknown.json()["detail"]


@pytest.mark.parametrize(
    "wrong",
    [{"station": "a b"}, {"max_w": 0}, {"latitude": 1}, {"registration": "Maybe"}, {"security_profile": 4}, {"x": 1}],
)
def test_what_cannot_be_a_station_is_refused(desk: Desk, wrong: dict[str, object]) -> None:
    assert desk.client.post("/api/stations", json=NEW | wrong).status_code == 400


def test_nobody_without_credentials_sees_stations(desk: Desk) -> None:
    assert desk.client.get("/api/stations", headers={"Authorization": ""}).status_code == 401


def test_frames_are_shown_and_exported(desk: Desk) -> None:
    desk.client.post("/api/stations", json=NEW)
    assert desk.client.get("/api/stations/NEW-1/frames/export").text == ""
    with desk.house.database.engine.begin() as connection:
        row = {"station": "NEW-1", "at": 5, "incoming": True, "frame": '[2,"7","Heartbeat",{}]'}
        connection.execute(insert(tables.frames).values(row))
    assert desk.client.get("/api/stations/NEW-1/frames").json()["frames"][0]["action"] == "Heartbeat"
    csv = desk.client.get("/api/stations/NEW-1/frames/export", params={"format": "csv"})
    assert csv.headers["content-type"].startswith("text/csv")
    assert [line.split(",")[5] for line in csv.text.splitlines()] == ["action", "Heartbeat"]
    assert desk.client.get("/api/stations/NOBODY/frames/export").status_code == 404
