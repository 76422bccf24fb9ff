"""The live page as a person meets it: two languages, phone and desktop, light and dark, mouse, finger and keyboard."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from tests.people.house import House, stir
from tests.people.sample_day import node_info

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
Open = Callable[..., "Page"]


@pytest.fixture
def open_page(chromium: "Browser", town: tuple[str, House]) -> Iterator[Open]:
    """Open a path in a fresh context; at the end nothing may have been written to the console as an error."""
    contexts: list[Any] = []
    faults: list[str] = []

    def open_(path: str = "/", base: str | None = None, **context: Any) -> "Page":
        fresh = chromium.new_context(**{"viewport": DESKTOP, "locale": "en-GB", **context})
        contexts.append(fresh)
        page = fresh.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: faults.append(str(e)))
        page.on("request", lambda r: None if r.url.startswith((base or town[0], "data:")) else faults.append(r.url))
        page.goto((base or town[0]) + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert faults == []


def ready(page: "Page") -> "Page":
    """Wait until the page shows the town."""
    page.wait_for_selector("#map .place.home")
    page.wait_for_selector("#batches tbody tr")
    page.wait_for_selector("#curves .crossing")
    return page


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize(("lang", "title", "headline"), [("en", "The town", "Right now"), ("zh", "小镇", "此刻")])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_shows_the_town_whole(
    open_page: Open, size: dict[str, int], lang: str, title: str, headline: str, scheme: str
) -> None:
    page = ready(open_page(f"/?lang={lang}", viewport=size, color_scheme=scheme))
    assert page.locator("#map-h").inner_text() == title
    assert page.locator("h1").inner_text().startswith(headline)
    assert page.locator("#map .place").count() == 84
    assert page.locator("#batches tbody tr").count() == 12
    assert page.locator("#day .bars rect").count() > 60
    assert len(page.locator("#why").inner_text()) > 20
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    lightness = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]")
    assert (lightness < 60) == (scheme == "dark")


def test_language_follows_the_browser_and_the_switch_stays(open_page: Open) -> None:
    page = ready(open_page(locale="zh-CN"))
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    page.get_by_role("link", name="English").click()
    page.wait_for_url("**/?lang=en")
    page.goto(page.url.split("?")[0])
    assert page.locator("html").get_attribute("lang") == "en"


def test_events_move_the_page_without_asking_again(open_page: Open, town: tuple[str, House]) -> None:
    page = ready(open_page())
    page.wait_for_selector("#line[data-state=live]")
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    stir(town[1], node_info().now + 840)
    expect(page.locator("#now")).to_have_text("16:15")
    expect(page.locator("#map .pile.takes").first).to_be_attached()
    assert asked == []


def test_arrow_keys_walk_the_map_and_enter_opens_a_receipt(open_page: Open) -> None:
    page = ready(open_page())
    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    first = page.locator("#map-tip").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("#map-tip").inner_text() != first
    for _ in range(30):
        if "gives" in page.locator("#map-tip").inner_text():
            break
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url("**/receipt?**")
    assert page.get_by_role("heading", name="Check it yourself").is_visible()


def test_first_tap_tells_second_tap_opens(open_page: Open) -> None:
    page = ready(open_page(viewport=PHONE, has_touch=True, is_mobile=True))
    page.locator("#map .place.home").first.tap()
    assert page.locator("#map-tip").is_visible()
    assert "receipt" not in page.url
    page.locator("#map .place.home").first.tap()
    page.wait_for_url("**/receipt?**")


def test_an_interval_is_chosen_by_key_by_button_and_by_batch(open_page: Open) -> None:
    page = ready(open_page())
    assert page.locator("#interval-when").inner_text() == "15:45–16:00"
    page.get_by_role("button", name="Earlier interval").click()
    expect(page.locator("#interval-when")).to_have_text("15:30–15:45")
    page.locator("#day").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#interval-when")).to_have_text("15:15–15:30")
    assert page.locator("#day").get_attribute("aria-valuetext").startswith("15:15")  # type: ignore[union-attr]
    page.get_by_role("button", name="13:00–13:15").click()
    expect(page.locator("#interval-when")).to_have_text("13:00–13:15")
    page.get_by_role("button", name="newest").click()
    expect(page.locator("#interval-when")).to_have_text("15:45–16:00")


def test_map_is_there_as_a_table_too(open_page: Open) -> None:
    page = ready(open_page())
    page.get_by_text("The same as a table").click()
    page.wait_for_selector("#map-table tbody tr")
    assert page.locator("#map-table tbody tr").count() == 84


def test_empty_town_says_what_to_do_next(open_page: Open, empty_town: str) -> None:
    page = open_page(base=empty_town)
    page.wait_for_selector("#line[data-state=live]")
    page.wait_for_selector("#map-empty")
    assert "sunpile pile add" in page.locator("#map-empty").inner_text()
    assert page.locator("#batches-empty").is_visible()
    assert page.locator("#interval-empty").is_visible()


def test_private_town_keeps_homes_and_sums_to_itself(open_page: Open, private_town: str) -> None:
    page = ready(open_page(base=private_town))
    assert page.locator("h1").inner_text() == "Charging piles and solar roofs, trading as neighbours."
    assert page.locator("#map .hub-w").text_content() == ""
    page.get_by_text("The same as a table").click()
    assert page.locator("#map-table tbody tr").first.inner_text().split("\t")[2] == "private"


def test_every_control_has_a_name_and_every_drawing_a_label(open_page: Open) -> None:
    page = ready(open_page())
    nameless = page.evaluate(
        """[...document.querySelectorAll('a, button, input, svg[role], [tabindex]')]
        .filter((n) => !(n.getAttribute('aria-label') || n.getAttribute('aria-labelledby') || n.textContent.trim()))
        .map((n) => n.outerHTML.slice(0, 80))"""
    )
    assert nameless == []


def test_still_page_for_who_wants_less_motion(open_page: Open) -> None:
    page = ready(open_page(reduced_motion="reduce"))
    assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize(("lang", "check", "size"), [("en", "Check it yourself", DESKTOP), ("zh", "自行验证", PHONE)])
def test_receipt_page_gives_file_and_command(open_page: Open, lang: str, check: str, size: dict[str, int]) -> None:
    interval = node_info().now // 900 - 16
    page = open_page(f"/receipt?zone=1&interval={interval}&point=2&lang={lang}", viewport=size)
    assert page.get_by_role("heading", name=check).is_visible()
    assert (
        page.locator("#command").inner_text().startswith(f"sunpile verify receipt-1-{interval}-2.json --rpc http://127")
    )
    with page.expect_download() as download:
        page.locator("a[download]").click()
    assert download.value.suggested_filename == f"receipt-1-{interval}-2.json"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
