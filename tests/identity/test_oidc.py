"""Sign-in by an OpenID provider that really answers over HTTP: the good way, and every lie."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from tests.identity.offices import ORIGIN, Offices, open_offices
from tests.identity.provider import CLIENT, FakeProvider, Served

from sunpile.basics.errors import Forbidden, SettingInvalid
from sunpile.basics.scope import NODE
from sunpile.identity.oidc import OidcSettings, claimed
from sunpile.identity.oidc_client import OidcClient


class Clocked:
    """The provider's clock is the node's."""

    def __init__(self) -> None:
        self.of: Offices | None = None

    def now(self) -> int:
        assert self.of is not None
        return self.of.clock.now()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Offices, FakeProvider]]:
    """A node and its provider."""
    clock = Clocked()
    provider = FakeProvider(clock)
    served = Served(provider)
    settings = OidcSettings(provider.issuer, CLIENT, f"{ORIGIN}/api/signin/oidc/callback")
    offices = open_offices(tmp_path / "node.db", (settings, OidcClient(settings, clock.now)))
    clock.of = offices
    yield offices, provider
    offices.house.database.close()
    served.stop()


def go(offices: Offices, provider: FakeProvider) -> tuple[str, str]:
    """To the provider and back: path of the way back, and the browser's flow cookie."""
    answer = offices.answer("GET", "/api/signin/oidc", follow_redirects=False)
    assert answer.status_code == 303
    code, state = provider.authorize(answer.headers["location"])
    cookie = answer.headers["set-cookie"]
    assert "SameSite=lax" in cookie
    return f"/api/signin/oidc/callback?code={code}&state={state}", cookie.split(";")[0]


def back(offices: Offices, path: str, cookie: str) -> Any:
    return offices.answer("GET", path, headers={"Cookie": cookie})


def session_of(answer: Any) -> str:
    found = [line for line in answer.headers.get_list("set-cookie") if line.startswith("sunpile_session=")]
    assert "SameSite=strict" in found[0]
    return found[0].split(";")[0].partition("=")[2]


async def test_who_has_a_role_at_the_provider_comes_in_with_it(world: tuple[Offices, FakeProvider]) -> None:
    offices, provider = world
    answer = back(offices, *go(offices, provider))
    assert answer.status_code == 200
    me = offices.answer("GET", "/api/me", session_of(answer)).json()
    assert (me["tenant"], me["permissions"]) == ("default", ["operate", "read"])
    # Nothing about the person was kept: not even the name.
    [member] = await offices.team.staff(NODE)
    assert (member.name, member.email, member.subject) == (member.staff, "", "person-1")


async def test_role_taken_away_at_the_provider_is_gone_with_the_next_sign_in(
    world: tuple[Offices, FakeProvider],
) -> None:
    offices, provider = world
    back(offices, *go(offices, provider))
    provider.claims["roles"] = ["viewer", "somethingelse"]
    me = offices.answer("GET", "/api/me", session_of(back(offices, *go(offices, provider)))).json()
    assert me["permissions"] == ["read"]
    provider.claims["roles"] = []
    refused = back(offices, *go(offices, provider))
    assert (refused.status_code, "no role" in refused.json()["detail"]) == (403, True)


@pytest.mark.parametrize(
    "lie",
    ["nonce", "audience", "several", "expired", "issuer", "no-exp", "none", "stranger", "hmac"],
)
async def test_token_that_lies_opens_nothing(world: tuple[Offices, FakeProvider], lie: str) -> None:
    offices, provider = world
    provider.lie = lie
    answer = back(offices, *go(offices, provider))
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert await offices.team.staff(NODE) == []


async def test_code_that_comes_twice_opens_nothing_the_second_time(world: tuple[Offices, FakeProvider]) -> None:
    offices, provider = world
    path, cookie = go(offices, provider)
    assert back(offices, path, cookie).status_code == 200
    assert back(offices, path, cookie).status_code == 401
    # The provider too: the same code in another sign-in.
    other, other_cookie = go(offices, provider)
    code = path.partition("code=")[2].partition("&")[0]
    state = other.partition("state=")[2]
    assert back(offices, f"/api/signin/oidc/callback?code={code}&state={state}", other_cookie).status_code == 401


async def test_answer_is_taken_only_from_the_browser_that_asked(world: tuple[Offices, FakeProvider]) -> None:
    offices, provider = world
    path, _ = go(offices, provider)
    _, cookie_of_victim = go(offices, provider)
    assert back(offices, path, cookie_of_victim).status_code == 401
    path, _ = go(offices, provider)
    assert back(offices, path, "x=y").status_code == 401
    assert back(offices, "/api/signin/oidc/callback?code=a&state=b", "sunpile_flow=").status_code == 401
    assert back(offices, "/api/signin/oidc/callback?error=access_denied&state=b", "x=y").status_code == 401


async def test_new_keys_of_the_provider_are_fetched(world: tuple[Offices, FakeProvider]) -> None:
    offices, provider = world
    assert back(offices, *go(offices, provider)).status_code == 200
    provider.key = RSAKey.generate_key(2048, {"kid": "b", "use": "sig"})
    offices.clock.time += 61
    assert back(offices, *go(offices, provider)).status_code == 200


async def test_provider_that_calls_itself_otherwise_is_not_trusted(world: tuple[Offices, FakeProvider]) -> None:
    offices, provider = world
    provider.lie = "discovery"
    assert offices.answer("GET", "/api/signin/oidc", follow_redirects=False).status_code == 503


async def test_disabled_member_is_not_let_in_by_the_provider(world: tuple[Offices, FakeProvider]) -> None:
    offices, provider = world
    back(offices, *go(offices, provider))
    [member] = await offices.team.staff(NODE)
    await offices.team.change(NODE, member.staff, {"disabled": True})
    assert back(offices, *go(offices, provider)).status_code == 401


async def test_manager_by_provider_registers_a_passkey_before_changing_staff(
    world: tuple[Offices, FakeProvider],
) -> None:
    offices, provider = world
    provider.claims |= {"roles": ["manager"]}
    cookie = session_of(back(offices, *go(offices, provider)))
    body = {"name": "x", "role": "viewer"}
    assert offices.answer("POST", "/api/staff", cookie, json=body).status_code == 403
    assert offices.answer("POST", "/api/me/passkeys/options", cookie).status_code == 200
    # A provider that says when it asked is believed, as long as there is no passkey.
    provider.claims |= {"auth_time": offices.clock.now()}
    cookie = session_of(back(offices, *go(offices, provider)))
    assert offices.answer("POST", "/api/staff", cookie, json=body).status_code == 201


@pytest.mark.parametrize("issuer", ["http://idp.example", "ftp://x", "idp", "http://127.0.0.1.evil.example"])
def test_issuer_must_be_safe(issuer: str) -> None:
    with pytest.raises(SettingInvalid):
        OidcSettings(issuer, CLIENT, "x").check()


def test_claims_are_mapped_to_tenant_and_role_and_nothing_else() -> None:
    settings = OidcSettings(
        "https://idp.example",
        CLIENT,
        "x",
        role_claim="realm.groups",
        roles={"charge-admins": "manager", "charge-view": "viewer"},
        tenant_claim="org",
        tenants={"Stadtwerke": "default", "Parking": "other"},
    )
    claims = {"sub": "1", "realm": {"groups": ["charge-view", "charge-admins", "manager"]}, "org": "Parking"}
    found = claimed(settings, claims)
    assert (found.tenant, found.role) == ("other", "manager")
    for wrong in ({"org": "Elsewhere"}, {"org": ["Parking", "Stadtwerke"]}, {"realm": {"groups": ["manager"]}}):
        with pytest.raises(Forbidden):
            claimed(settings, claims | wrong)
    with pytest.raises(Forbidden):
        claimed(replace(settings, role_claim="realm.groups.x"), claims)
