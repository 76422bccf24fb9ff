"""Debian's chromium, driven by playwright, against the real application on loopback."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.browser.serve import serve
from tests.people.house import ADMIN, House, open_house, write_day

from sunpile.people.ports import ApiSettings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = Path("/usr/bin/chromium")
NOT_RUN = "not run: chromium (not root)"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The one line about what this machine cannot have."""
    if not CHROMIUM.exists():
        terminalreporter.write_line(NOT_RUN)


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """One browser a module: its driver holds the event loop, which other tests need. CI fails without it."""
    if not CHROMIUM.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(NOT_RUN)
        pytest.skip(NOT_RUN)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, House]]:
    """URL and inside of a node with most of a day, where nobody is real."""
    file = write_day(tmp_path_factory.mktemp("browser") / "day.db", 64)
    house = open_house(file, ApiSettings(ADMIN, open_town=True))
    with serve(house) as url:
        yield url, house


@pytest.fixture(scope="session")
def empty_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a node in which nothing has happened yet."""
    file = write_day(tmp_path_factory.mktemp("empty") / "day.db", 0)
    with serve(open_house(file, intervals=0)) as url:
        yield url


@pytest.fixture(scope="session")
def private_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a node whose homes are real people's."""
    file = write_day(tmp_path_factory.mktemp("private") / "day.db", 64)
    with serve(open_house(file)) as url:
        yield url
