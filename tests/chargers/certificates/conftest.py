"""The joined house, its authority in a folder of the test."""

from pathlib import Path

import pytest

from chargers.certificates.fakes import House
from sunpile.chargers.certificates import signing


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(signing, "AFTER_ANSWER_S", 0.0)
    return House(tmp_path)
