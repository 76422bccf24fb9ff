"""Signing in at the console's own page: by invitation, by passkey, and a passkey shown again for what wants one."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.browser.serve import serve
from tests.identity.offices import Offices, open_offices
from tests.people.house import ADMIN

from sunpile.identity.model import FRESH_S
from sunpile.people.console import pages

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[str, Offices]]:
    """A node at `localhost`, to which browsers give passkeys without TLS."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://localhost:{port}"
    offices = open_offices(tmp_path / "node.db", origin=url)
    offices.house.app.include_router(pages.router(market=True))
    with serve(offices.house, port):
        yield url, offices


def test_invited_member_comes_in_steps_up_leaves_and_comes_back(
    chromium: "Browser", place: tuple[str, Offices]
) -> None:
    url, offices = place
    page = chromium.new_page(locale="en-GB")
    page.set_default_timeout(10_000)
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    headers = {"Authorization": f"Bearer {ADMIN}"}
    wish = {"name": "desk", "role": "manager"}
    invited = page.request.post(url + "/api/staff", data=wish, headers=headers).json()

    page.goto(invited["link"].replace("/sign-in#", "/sign-in?next=/console/team%3Ftab=keys#"))
    expect(page.locator("h1")).to_have_text("You are invited")
    assert "invitation" not in page.url
    page.get_by_label("Name of this device").fill("night desk")
    page.get_by_role("button", name="Register a passkey").click()
    page.wait_for_url("**/console/team?tab=keys")
    expect(page.locator("#who")).to_have_text("Signed in")

    offices.clock.time += FRESH_S
    page.get_by_role("button", name="Make a key").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("input[name=label]").fill("billing")
    dialog.get_by_label("look").check()
    dialog.get_by_role("button", name="Make a key").click()
    expect(dialog.locator(".secret code")).to_contain_text("sk_")
    dialog.get_by_role("button", name="Close").last.click()
    expect(page.locator("tbody tr")).to_contain_text("billing")

    page.locator("#who").click()
    expect(page.get_by_role("dialog")).to_contain_text("night desk")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.goto(url + "/console/team?tab=keys")
    page.wait_for_url("**/sign-in?next=*")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/console/team?tab=keys")
    expect(page.locator("tbody tr")).to_contain_text("billing")
    page.close()
