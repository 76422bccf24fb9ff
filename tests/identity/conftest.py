"""Identity on an empty store."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.identity.offices import Offices, open_offices


@pytest.fixture
def offices(tmp_path: Path) -> Iterator[Offices]:
    """Two tenants without staff."""
    opened = open_offices(tmp_path / "node.db")
    yield opened
    opened.house.database.close()
