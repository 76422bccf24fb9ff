"""Take the pictures of the docs: `make pictures` (of the sample day) or `python -m tests.browser.pictures URL`."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from tests.browser.serve import serve
from tests.people.house import ADMIN, open_house, write_day

from sunpile.people.ports import ApiSettings

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def shoot(browser: Browser, url: str, name: str, lang: str, size: dict[str, int], dark: bool, scale: float) -> None:
    """One picture of the top of the page."""
    context = browser.new_context(
        viewport=size,  # type: ignore[arg-type]
        device_scale_factor=scale,
        color_scheme="dark" if dark else "light",
    )
    page = context.new_page()
    page.goto(f"{url}/?lang={lang}")
    page.wait_for_selector("#map .place")
    page.wait_for_selector("#curves .crossing")
    page.wait_for_timeout(900)
    page.screenshot(path=str(IMAGES / f"{name}.png"))
    context.close()


def take(url: str) -> None:
    """All pictures of a running node."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        )
        for lang, dark in (("en", False), ("zh", True)):
            shoot(browser, url, f"town-desktop-{lang}", lang, DESKTOP, dark, 1)
            shoot(browser, url, f"town-phone-{lang}", lang, PHONE, dark, 1.5)
        context = browser.new_context(viewport={"width": 900, "height": 1180})
        page = context.new_page()
        newest = page.request.get(f"{url}/api/intervals?limit=40").json()
        best = max(newest, key=lambda interval: interval["volume_wh"])
        homes = [p for p in page.request.get(f"{url}/api/town").json()["points"] if p["kind"] == "home" and p["pv_w"]]
        page.goto(f"{url}/receipt?zone={best['zone']}&interval={best['interval']}&point={homes[0]['point']}&lang=en")
        page.screenshot(path=str(IMAGES / "receipt-en.png"))
        browser.close()


def main() -> None:
    """Of the node at the URL given, or of the sample day."""
    if len(sys.argv) > 1:
        take(sys.argv[1].rstrip("/"))
        return
    with tempfile.TemporaryDirectory() as folder:
        file = write_day(Path(folder) / "day.db", 52)
        house = open_house(file, ApiSettings(ADMIN, open_town=True), 52)
        with serve(house) as url:
            take(url)


if __name__ == "__main__":
    main()
