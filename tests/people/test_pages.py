"""The two pages as they leave the server: languages, words, receipts."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.people.house import ADMIN, House, open_house
from tests.people.sample_day import DAY_START, LENGTH

from sunpile.people.ports import ApiSettings
from sunpile.people.web import language
from sunpile.people.web.figures import Figures

WEB = Path(language.__file__).parent
NOON = DAY_START // LENGTH + 48
HOLE = re.compile(r"\{(\w+)\}")


def test_both_languages_have_all_words_and_the_same_holes() -> None:
    english, chinese = language.words("en"), language.words("zh-Hans")
    assert set(english) == set(chinese)
    for key, text in english.items():
        assert text.strip(), key
        assert chinese[key].strip(), key
        assert set(HOLE.findall(text)) == set(HOLE.findall(chinese[key])), key


def test_every_word_that_is_asked_for_exists() -> None:
    known = set(language.words("en"))
    asked: set[str] = set()
    for file in [*WEB.glob("templates/*.html"), *WEB.glob("static/*.js")]:
        asked |= set(re.findall(r"""\b(?:t|say)\('([\w.-]+)'[),]""", file.read_text()))
    assert asked - known == set()
    assert len(asked) > 60


def test_chinese_uses_no_english_words_for_what_people_read() -> None:
    allowed = {"sunpile", "pile", "add", "JavaScript", "Gas", "GET", "api", "receipts", "zone", "interval", "point"}
    for key, text in language.words("zh-Hans").items():
        words = set(re.findall(r"[A-Za-z]{2,}", HOLE.sub("", text)))
        assert words <= allowed, (key, words)


@pytest.mark.parametrize(
    ("query", "cookie", "header", "expected"),
    [
        ("", "", "", "en"),
        ("", "", "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("", "", "fr, en;q=0.7, zh;q=0.3", "en"),
        ("", "", "en;q=0.1, zh-TW", "zh-Hans"),
        ("", "", "de;q=x, *", "en"),
        ("", "zh-Hans", "en", "zh-Hans"),
        ("?lang=en", "zh-Hans", "zh", "en"),
        ("?lang=zh", "", "en", "zh-Hans"),
        ("?lang=tlh", "", "zh", "zh-Hans"),
    ],
)
def test_language_is_asked_remembered_or_the_browsers(
    client: TestClient, query: str, cookie: str, header: str, expected: str
) -> None:
    headers = {"accept-language": header} | ({"cookie": f"{language.COOKIE}={cookie}"} if cookie else {})
    answer = client.get(f"/{query}", headers=headers)
    assert f'<html lang="{expected}"' in answer.text
    assert answer.headers["content-language"] == expected
    assert ("set-cookie" in answer.headers) == bool(query)


class _Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.found += [given[name] or "" for name in ("src", "href", "action") if name in given]
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag == "script" and "src" not in given:
            self.inline.append("script")


@pytest.mark.parametrize("path", ["/", "/receipt"])
def test_page_has_no_inline_script_or_style_and_no_foreign_host(client: TestClient, path: str) -> None:
    seen = _Addresses()
    seen.feed(client.get(path).text)
    assert seen.inline == []
    assert all(address.startswith(("/", "#")) and not address.startswith("//") for address in seen.found)
    for address in seen.found:
        if address.startswith("/static/"):
            assert client.get(address).status_code == 200, address


def open_client(file: Path) -> tuple[House, TestClient]:
    house = open_house(file, ApiSettings(ADMIN, open_town=True))
    return house, TestClient(house.app)


def test_receipt_page_adds_up_and_says_how_to_check_it(day_file: Path) -> None:
    house, client = open_client(day_file)
    text = client.get(f"/receipt?zone=1&interval={NOON}&point=2").text
    assert f"sunpile verify receipt-1-{NOON}-2.json --rpc http://testserver/rpc" in text
    assert f'href="/api/receipts/1/{NOON}/2"' in text
    assert "Check it yourself" in text
    assert "one operator" in text
    house.database.close()


async def test_bill_adds_up_to_the_nano(day_file: Path) -> None:
    house, _ = open_client(day_file)
    for point in (2, 3, 4, 6, 7, 8):
        bill = await house.view.bill(1, NOON, point)  # type: ignore[arg-type]
        assert bill is not None
        if bill.wh > 0:
            due = -bill.matched_wh * (bill.price + bill.fee) - bill.grid_wh * bill.retail
            alone = -bill.wh * bill.retail
        else:
            due = -bill.matched_wh * (bill.price - bill.fee) - bill.grid_wh * bill.feed_in
            alone = -bill.wh * bill.feed_in
        assert (bill.nano, bill.grid_nano) == (due, alone)
        assert bill.nano >= bill.grid_nano
    house.database.close()


def test_receipt_of_a_home_is_not_shown_to_strangers(client: TestClient) -> None:
    answer = client.get(f"/receipt?zone=1&interval={NOON}&point=2")
    assert "Check it yourself" not in answer.text
    assert "shown only to its owner" in answer.text


def test_receipt_that_does_not_exist_is_said_plainly(day_file: Path) -> None:
    house, client = open_client(day_file)
    assert client.get(f"/receipt?zone=1&interval={NOON}&point=999").status_code == 404
    assert client.get("/receipt?zone=x").status_code == 400
    house.database.close()


def test_figures_round_half_away_from_zero_and_never_show_minus_zero() -> None:
    english = Figures("en", "Europe/Amsterdam")
    assert english.money(-1_234_567_890, "EUR") == "−€1.2346"
    assert english.money(12_345, "EUR", sign=True) == "+€0.0000"
    assert english.money(-12_345, "CNY") == "¥0.0000"
    assert english.kwh(-1_500) == "1.500 kWh"
    assert english.price(146_250, "EUR") == "€0.1463/kWh"
    assert english.when(DAY_START, DAY_START + 900) == "15 July 2025, 02:00–02:15"
    assert Figures("zh-Hans", "Asia/Shanghai").when(DAY_START, DAY_START + 900) == "2025年7月15日 08:00–08:15"
