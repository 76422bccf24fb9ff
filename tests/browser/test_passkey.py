"""A real browser with an authenticator of its own registers a passkey by invitation, signs in and steps up."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.browser.serve import serve
from tests.identity.offices import Offices, open_offices
from tests.people.house import ADMIN

from sunpile.identity.model import FRESH_S

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SCRIPT = """
async ([ask, send, more, create]) => {
  const post = async (path, body) => {
    const headers = {'Content-Type': 'application/json'};
    const answer = await fetch(path, {method: 'POST', headers, body: JSON.stringify(body)});
    const text = await answer.text();
    return {status: answer.status, body: text ? JSON.parse(text) : null};
  };
  const asked = await post(ask, more);
  if (asked.status !== 200) return asked;
  const kind = PublicKeyCredential;
  const made = create
    ? await navigator.credentials.create({publicKey: kind.parseCreationOptionsFromJSON(asked.body.options)})
    : await navigator.credentials.get({publicKey: kind.parseRequestOptionsFromJSON(asked.body.options)});
  return await post(send, {...more, flow: asked.body.flow, answer: made.toJSON()});
}
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[str, Offices]]:
    """A node at `localhost`, to which browsers give passkeys without TLS."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://localhost:{port}"
    offices = open_offices(tmp_path / "node.db", origin=url)
    with serve(offices.house, port):
        yield url, offices


def step(page: "Page", ask: str, send: str, more: dict[str, Any], create: bool = False) -> dict[str, Any]:
    return page.evaluate(SCRIPT, [ask, send, more, create])


def test_browser_registers_signs_in_and_steps_up(chromium: "Browser", place: tuple[str, Offices]) -> None:
    url, offices = place
    page = chromium.new_page()
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto(url + "/")
    asked = {"name": "desk", "role": "manager"}
    invited = page.request.post(url + "/api/staff", data=asked, headers={"Authorization": f"Bearer {ADMIN}"}).json()
    assert invited["link"].startswith(f"{url}/sign-in#invitation=")
    secret = invited["link"].partition("#invitation=")[2]
    way = ("/api/signin/invitation/options", "/api/signin/invitation")
    assert step(page, *way, {"invitation": secret}, create=True)["status"] == 201
    assert page.evaluate("document.cookie") == ""
    assert page.evaluate("fetch('/api/signin/out', {method: 'POST'}).then(a => a.status)") == 204
    assert page.evaluate("fetch('/api/me').then(a => a.status)") == 401
    signed = step(page, "/api/signin/passkey/options", "/api/signin/passkey", {})
    assert (signed["status"], signed["body"]["name"]) == (200, "desk")
    offices.clock.time += FRESH_S
    key = "fetch('/api/keys', {method: 'POST', headers: {'Content-Type': 'application/json'}, "
    key += "body: JSON.stringify({label: 'x', permissions: ['read']})}).then(a => a.status)"
    assert page.evaluate(key) == 403
    assert step(page, "/api/me/step-up/options", "/api/me/step-up", {})["status"] == 204
    assert page.evaluate(key) == 201
    page.close()
