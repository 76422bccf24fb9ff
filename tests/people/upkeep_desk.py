"""The routes of upkeep over an empty store, with stand-ins for the door, the runs and the audit log."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.fleet.upkeep_fakes import FakeAudit, FakeDoor, FakeRuns, HeldClock, Page
from tests.people.fakes import FakeOperations, FakeRpc
from tests.people.house import ADMIN, House, open_house, write_day

from sunpile.fleet.files import FileLimits
from sunpile.people import create_app
from sunpile.people.api.fleet_upkeep import routers
from sunpile.people.ports import ApiSettings
from sunpile.store.chargers import StationStore
from sunpile.store.upkeep import Neighbours, UpkeepOnStore

NEW = {"station": "NEW-1", "max_w": 22_000, "evses": [1], "name": "Yard", "tags": ["fast"]}


class Desk:
    """The application with the routes of upkeep, and who stands behind them."""

    def __init__(self, house: House, folder: Path) -> None:
        self.door, self.audit, self.page = FakeDoor(), FakeAudit(), Page()
        self.clock, self.runs, self.house = HeldClock(), FakeRuns(), house
        self.folder, self.secret, self.limits = folder / "files", b"k" * 32, FileLimits(log_bytes=50_000)
        self.announced: list[tuple[str, str]] = []
        self.all = UpkeepOnStore.open(
            Neighbours(
                house.database,
                self.clock,
                self.door,
                self.runs,
                self.audit,
                self.page,
                folder,
                self.secret,
                lambda: "https://node.test",
                StationStore(house.database).forget,
                self._announce,
                deviations=frozenset(("late-boot", "seconds-as-ms")),
                limits=self.limits,
            )
        )
        self.files, self.campaigns = self.all.files, self.all.campaigns
        more = routers(self.all, self.clock)
        self.app = create_app(house.view, FakeOperations(), FakeRpc(), house.hub, ApiSettings(ADMIN), more)
        self.client = TestClient(self.app, headers={"Authorization": f"Bearer {ADMIN}"})

    async def _announce(self, tenant: str, event: str, data: dict[str, object]) -> None:
        self.announced.append((event, str(data["kind"])))

    async def offer(self, station: str, file: str) -> str:
        """Path of the address by which a station fetches a file."""
        return (await self.files.offer(station, "down", file)).removeprefix("https://node.test")


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without rows, to be copied."""
    return write_day(tmp_path_factory.mktemp("empty") / "node.db", 0)


@pytest.fixture
def desk(empty_file: Path, tmp_path: Path) -> Iterator[Desk]:
    """The application over an empty store."""
    file = tmp_path / "node.db"
    file.write_bytes(empty_file.read_bytes())
    house = open_house(file, intervals=0)
    yield Desk(house, tmp_path)
    house.database.close()
