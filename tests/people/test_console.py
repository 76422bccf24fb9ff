"""The console's shell: languages, what a browser may run, and where a node without a market leads."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.people.house import ADMIN
from tests.people.route_book import Anything

from sunpile.people import console, create_app
from sunpile.people.console import pages
from sunpile.people.ports import ApiSettings

HERE = Path(console.__file__).parent
LOCALES = HERE / "static" / "locales"
SAID = re.compile(r"(?:say\(|word: |sure: |go: )'([a-z_A-Z]+(?:\.[a-zA-Z_-]+)*)'|\bt\('([a-z_.]+)'\)")


def words(language: str) -> dict[str, str]:
    """All words of a language."""
    parts = [json.loads((LOCALES / f"{language}{part}.json").read_text("utf-8")) for part in ("", ".fields")]
    return parts[0] | parts[1]


def test_both_languages_say_the_same_things() -> None:
    english, chinese = words("en"), words("zh-Hans")
    assert set(english) == set(chinese)
    assert not [key for key, text in (english | chinese).items() if not text.strip()]
    holes = re.compile(r"\{\w+\}")
    assert not [k for k in english if sorted(holes.findall(english[k])) != sorted(holes.findall(chinese[k]))]


def test_every_word_a_page_says_is_known() -> None:
    known = words("en")
    files = [*HERE.glob("static/**/*.js"), *HERE.glob("templates/*.html")]
    said = {a or b for file in files for a, b in SAID.findall(file.read_text("utf-8"))}
    assert len(said) > 200
    assert said - set(known) == set()


def test_nothing_is_ever_read_as_markup() -> None:
    for file in HERE.glob("static/**/*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", file.read_text()
        )


def app(market: bool) -> TestClient:
    """The application with the console."""
    anything: Any = Anything()
    settings = ApiSettings(ADMIN, market=market)
    routers = [pages.router(market)]
    return TestClient(create_app(anything, anything, anything, anything, settings, routers), follow_redirects=False)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """A node without a market."""
    with app(market=False) as found:
        yield found


@pytest.mark.parametrize("path", ["/console", "/console/stations/CP%2F1", "/sign-in"])
def test_shell_speaks_both_languages_and_has_nothing_inline(client: TestClient, path: str) -> None:
    for tag, word in (("en", "Language"), ("zh", "语言")):
        answer = client.get(path, headers={"Accept-Language": tag})
        assert answer.status_code == 200
        assert f'aria-label="{word}"' in answer.text
        assert not re.search(r"<script(?![^>]*src=)|<style|style=|\son\w+=", answer.text)
        assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_language_asked_for_is_remembered(client: TestClient) -> None:
    answer = client.get("/console?lang=zh")
    assert "sunpile-lang=zh-Hans" in answer.headers["set-cookie"]


def test_node_without_a_market_leads_to_the_console(client: TestClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")


def test_scripts_are_served(client: TestClient) -> None:
    assert client.get("/static/console/main.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/static/console/locales/zh-Hans.json").status_code == 200
    assert client.get("/static/console/../pages.py").status_code == 404
