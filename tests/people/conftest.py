"""The application over a store with most of a day."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert
from tests.people.house import ADMIN, House, open_house, write_day

from sunpile.people.api.access import api_key_hash
from sunpile.store import tables

DRIVER_KEY = "key-of-driver-0"


@pytest.fixture(scope="session")
def day_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with 64 intervals, to be read only or copied."""
    return write_day(tmp_path_factory.mktemp("day") / "day.db", 64)


@pytest.fixture
def house(day_file: Path, tmp_path: Path) -> Iterator[House]:
    """A house of its own, with one driver who has a key."""
    file = tmp_path / "day.db"
    file.write_bytes(day_file.read_bytes())
    opened = open_house(file)
    with opened.database.engine.begin() as connection:
        row = {"driver": "driver-0", "api_key_hash": api_key_hash(DRIVER_KEY), "created_at": 1}
        connection.execute(insert(tables.drivers), row)
    yield opened
    opened.database.close()


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    """Somebody without credentials."""
    with TestClient(house.app, raise_server_exceptions=False) as found:
        yield found


@pytest.fixture
def admin() -> dict[str, str]:
    """Headers of whoever runs the node."""
    return {"Authorization": f"Bearer {ADMIN}"}


@pytest.fixture
def driver() -> dict[str, str]:
    """Headers of a driver."""
    return {"Authorization": f"Bearer {DRIVER_KEY}"}
