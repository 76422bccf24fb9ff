"""The operator's day, in a real browser, against a real node without a market and a virtual station."""

import asyncio
import json
import re
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from tests.conformance.node import NodeProcess
from tests.conformance.station import Refused, VirtualStation

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SCRIPT = "<script>window.hurt=1</script><img src=x onerror=window.hurt=1>"
Open = Callable[..., "Page"]


class Yard:
    """Stations live in a loop of their own: the browser's driver holds the test's."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Carry `work` out over there; its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def stop(self) -> None:
        """End the loop."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node with `market = off`, its own process."""
    process = NodeProcess(tmp_path_factory.mktemp("operator") / "node", insecure_profiles="[0, 1]")
    with ThreadPoolExecutor(1) as thread:  # the browser's driver holds this thread's loop
        thread.submit(process.start).result()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def yard() -> Iterator[Yard]:
    """Where stations live."""
    found = Yard()
    yield found
    found.stop()


@pytest.fixture
def open_page(chromium: "Browser", node: NodeProcess) -> Iterator[Open]:
    """A page of the console, signed in by the node's token; nothing may be wrong in the browser's own log."""
    contexts: list[Any] = []
    faults: list[str] = []
    base = f"http://127.0.0.1:{node.http_port}"

    def open_(path: str, **context: Any) -> "Page":
        fresh = chromium.new_context(**{"viewport": DESKTOP, "locale": "en-GB", **context})
        contexts.append(fresh)
        page = fresh.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: faults.append(str(e)))
        page.on("request", lambda r: None if r.url.startswith((base, "data:", "blob:")) else faults.append(r.url))
        page.goto(f"{base}/sign-in?next={path}")
        # The token stands in this tab only: never in an address, a cookie or the page itself.
        page.locator("#token").wait_for(state="attached")
        page.evaluate("token => sessionStorage.setItem('sunpile-token', token)", node.token)
        page.goto(base + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert faults == []


def now(ago: int = 0) -> str:
    """The time as stations write it, `ago` seconds before now."""
    return (datetime.now(UTC) - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def boot(vendor: str) -> dict[str, Any]:
    return {"chargePointVendor": vendor, "chargePointModel": "Station", "chargePointSerialNumber": "V-1"}


async def come_in(station: VirtualStation, vendor: str) -> None:
    """Connect, boot, be ready."""
    accepted = {"status": "Accepted"}
    station.habits |= dict.fromkeys(("ChangeConfiguration", "RemoteStartTransaction"), accepted)
    station.habits |= dict.fromkeys(("RemoteStopTransaction", "SetChargingProfile"), accepted)
    await station.connect()
    assert (await station.call("BootNotification", boot(vendor)))["status"] == "Accepted"
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": now()}
    await station.call("StatusNotification", status)


async def begin(station: VirtualStation, token: str) -> int:
    """What a station does after a remote start."""
    start = {"connectorId": 1, "idTag": token, "meterStart": 1000, "timestamp": now(600)}
    found = await station.call("StartTransaction", start)
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Charging", "timestamp": now()}
    await station.call("StatusNotification", status)
    return int(found["transactionId"])


async def meter(station: VirtualStation, transaction: int, wh: int, w: int, ago: int = 0) -> None:
    """One sample. What was metered faster than the pile can deliver would be held."""
    values = [
        {"value": str(wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
        {"value": str(w), "measurand": "Power.Active.Import", "unit": "W"},
    ]
    body = {
        "connectorId": 1,
        "transactionId": transaction,
        "meterValue": [{"timestamp": now(ago), "sampledValue": values}],
    }
    await station.call("MeterValues", body)


def ask(page: "Page", quick: str, send: str = "Send") -> None:
    """Press one of a station's daily operations, and wait for the answer in words."""
    page.locator(".quick").get_by_role("button", name=quick, exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=send, exact=True).first.click()
    expect(page.locator(".answer")).to_have_text("Done: the station says so.")
    page.get_by_role("dialog").get_by_role("button", name="Close", exact=True).last.click()


def register(page: "Page", station: str) -> str:
    """Add a station; its password, which is shown once."""
    page.get_by_role("button", name="Add a station").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("input[name=station]").fill(station)
    dialog.get_by_role("button", name="Register").click()
    expect(dialog.locator(".good")).to_contain_text(station)
    assert dialog.locator(".qr svg").is_visible()
    return str(dialog.locator(".secret", has_text="Password").locator("code").inner_text())


def test_operators_day(open_page: Open, node: NodeProcess, yard: Yard) -> None:
    page = open_page("/console/stations")
    password = register(page, "DAY-1")
    assert len(password) == 40

    # Refused, with the reason and the cure.
    wrong = VirtualStation(node.url, "DAY-1", "a-wrong-password", "1.6")
    with pytest.raises(Refused):
        yard.do(wrong.connect())
    page.get_by_role("link", name="To the station's page").click()
    refusals = page.locator(".refusals")
    expect(refusals).to_contain_text("wrong password")
    expect(refusals).to_contain_text("Type the station's password again")
    expect(page.locator("#lamp")).to_have_text("away")

    # Mended: it comes in, and the page says so by itself.
    station = VirtualStation(node.url, "DAY-1", password, "1.6")
    yard.do(come_in(station, SCRIPT[:20]))
    expect(page.locator("#lamp")).to_have_text("connected")
    expect(page.locator(".evse[data-evse='1']")).to_have_attribute("data-status", "Available")

    # Started from here; the session is watched.
    ask(page, "Start")
    (started,) = [body for action, body in station.heard if action == "RemoteStartTransaction"]
    transaction = yard.do(begin(station, started["idTag"]))
    yard.do(meter(station, transaction, 1100, 7200, 300))
    expect(page.locator(".evse[data-evse='1'] .power")).to_have_text("7.2 kW")
    page.locator("td a[href^='/console/sessions/']").first.click()
    expect(page.locator("#figure-wh")).to_have_text("100 Wh")
    curve = page.locator("#curve-power_w")
    expect(curve).to_have_attribute("data-points", re.compile("[1-9]"))
    before = str(curve.get_attribute("data-points"))
    yard.do(meter(station, transaction, 1900, 5900))
    expect(page.locator("#figure-wh")).to_have_text("900 Wh")
    expect(curve).not_to_have_attribute("data-points", before)

    # Limited.
    page.get_by_role("link", name="DAY-1").first.click()
    ask(page, "Limit", "Set the limit")
    (limited,) = [body for action, body in station.heard if action == "SetChargingProfile"]
    period = limited["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]
    assert period["limit"] == 6000

    # What was said, as it was said.
    page.get_by_role("tab", name="Messages").click()
    page.get_by_role("searchbox", name="Search").fill("SetChargingProfile")
    expect(page.locator(".wire[data-kind=call]")).to_have_count(1)
    page.locator(".wire[data-kind=call]").click()
    expect(page.locator(".wire.open .full")).to_contain_text('"limit": 6000')
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as ndjson").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines
    assert all("SetChargingProfile" in json.loads(line)["frame"] for line in lines)

    # Stopped; the record goes out.
    stop = {"transactionId": transaction, "meterStop": 1901, "timestamp": now(), "reason": "Remote"}
    yard.do(station.call("StopTransaction", stop))
    page.get_by_role("link", name="Sessions", exact=True).click()
    expect(page.locator("tbody tr").first).to_contain_text("ended")
    page.get_by_role("link", name="Charge records").first.click()
    expect(page.locator("tbody tr")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    text = Path(download.value.path()).read_text()
    assert text.startswith("id,session_id")
    assert ",901," in text
    yard.do(station.close())


def test_same_in_chinese_on_a_phone(open_page: Open, node: NodeProcess, yard: Yard) -> None:
    with pytest.raises(Refused):
        yard.do(VirtualStation(node.url, "NOBODY-1", "some-password", "1.6").connect())
    page = open_page("/console?lang=zh", viewport=PHONE)
    expect(page.locator("h1")).to_have_text("总览")
    expect(page.locator("#gauge-connected")).to_contain_text("/")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="菜单").click()
    page.get_by_role("link", name="为何连不上？").click()
    expect(page.locator("h1")).to_have_text("为何连不上？")
    expect(page.locator(".refusals li", has_text="NOBODY-1")).to_contain_text("没有登记这个身份标识的充电桩")
    for path in ("stations", "sessions", "operations/set-charging-profile", "certificates?tab=authority", "audit"):
        page.goto(page.url.split("/console")[0] + f"/console/{path}")
        page.locator("#main:not([aria-busy])").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_what_a_station_writes_is_text(open_page: Open, node: NodeProcess, yard: Yard) -> None:
    page = open_page("/console/stations")
    password = register(page, "EVIL-1")
    page.get_by_role("dialog").get_by_role("link", name="To the station's page").click()
    station = VirtualStation(node.url, "EVIL-1", password, "2.0.1")

    async def come() -> None:
        await station.connect()
        body = {"reason": "PowerUp", "chargingStation": {"vendorName": SCRIPT[:50], "model": "<b>x</b>"}}
        await station.call("BootNotification", body)

    yard.do(come())
    expect(page.locator("#main")).to_contain_text("<script>window.hurt=1</script>")
    page.get_by_role("tab", name="Messages").click()
    page.locator(".wire").last.click()
    expect(page.locator(".frames")).to_contain_text("<script>")
    page.goto(page.url.split("/console")[0] + "/console/stations")
    expect(page.locator("tbody")).to_contain_text("<script>window.hurt=1</script>")
    assert page.evaluate("window.hurt") is None
    yard.do(station.close())


def test_wrong_token_is_refused_in_words_and_forgotten(chromium: "Browser", node: NodeProcess) -> None:
    page = chromium.new_page()
    page.set_default_timeout(10_000)
    page.goto(f"http://127.0.0.1:{node.http_port}/")
    page.wait_for_url("**/sign-in?next=*")
    page.locator("#door-token summary").click()
    page.locator("#token").fill("not-the-token-of-this-node")
    page.get_by_role("button", name="Enter").click()
    expect(page.locator("#door-fault")).to_have_text("This token is not known here.")
    assert page.evaluate("sessionStorage.length") == 0
    page.locator("#token").fill(node.token)
    page.get_by_role("button", name="Enter").click()
    expect(page.locator("h1")).to_have_text("Overview")
    page.close()
