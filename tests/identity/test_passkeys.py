"""Sign-in by invitation and passkey, the session that comes of it, and stepping up."""

import pytest
from tests.identity.authenticator import PRESENT, Authenticator
from tests.identity.offices import ORIGIN, Offices

from sunpile.basics.errors import Conflict, Forbidden, InputInvalid, Unauthorised
from sunpile.basics.scope import NODE
from sunpile.identity.model import ABSOLUTE_S, FLOW_S, FRESH_S, IDLE_S, INVITE_S


def sign_in(offices: Offices, passkey: Authenticator) -> "tuple[int, str]":
    client = offices.client
    client.cookies.clear()
    headers = {"Sec-Fetch-Site": "same-origin"}
    asked = client.post("/api/signin/passkey/options", headers=headers).json()
    body = {"flow": asked["flow"], "answer": passkey.show(asked["options"])}
    answer = client.post("/api/signin/passkey", headers=headers, json=body)
    return answer.status_code, answer.headers.get("set-cookie", "")


async def test_invited_manager_registers_signs_in_again_and_acts(offices: Offices) -> None:
    passkey, _ = await offices.passkey("manager")
    status, cookie = sign_in(offices, passkey)
    assert status == 200
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    secret = cookie.split(";")[0].partition("=")[2]
    assert offices.answer("GET", "/api/me", secret).json()["permissions"] == sorted(NODE.permissions)
    made = offices.answer("POST", "/api/staff", secret, json={"name": "night desk", "role": "operator"})
    assert made.status_code == 201
    assert made.json()["link"].startswith(f"{ORIGIN}/sign-in#invitation=")


async def test_invitation_works_once_and_not_when_old(offices: Offices) -> None:
    invited = await offices.team.invite(NODE, "a", "viewer")
    first, second = await offices.sign_in.ask_invited(invited.secret), await offices.sign_in.ask_invited(invited.secret)
    await offices.sign_in.by_invitation(invited.secret, first.flow, Authenticator(ORIGIN).make(first.options), "")
    with pytest.raises(Unauthorised):
        await offices.sign_in.by_invitation(invited.secret, second.flow, Authenticator(ORIGIN).make(second.options), "")
    again = await offices.team.invite_again(NODE, invited.staff)
    offices.clock.time += INVITE_S
    with pytest.raises(Unauthorised):
        await offices.sign_in.ask_invited(again.secret)


async def test_new_invitation_ends_the_one_before(offices: Offices) -> None:
    invited = await offices.team.invite(NODE, "a", "viewer")
    await offices.team.invite_again(NODE, invited.staff)
    with pytest.raises(Unauthorised):
        await offices.sign_in.ask_invited(invited.secret)


async def test_copied_passkey_is_found_by_its_counter(offices: Offices) -> None:
    passkey, _ = await offices.passkey("operator")
    copy = Authenticator(ORIGIN, passkey.counter, key=passkey.key, credential=passkey.credential)
    assert sign_in(offices, passkey)[0] == 200
    assert sign_in(offices, passkey)[0] == 200
    assert sign_in(offices, copy)[0] == 401


async def test_answer_to_another_question_or_a_late_one_is_refused(offices: Offices) -> None:
    passkey, _ = await offices.passkey("operator")
    one, two = await offices.sign_in.ask_passkey(), await offices.sign_in.ask_passkey()
    with pytest.raises(Unauthorised):
        await offices.sign_in.by_passkey(one.flow, passkey.show(two.options))
    answer = passkey.show(two.options)
    await offices.sign_in.by_passkey(two.flow, answer)
    with pytest.raises(Unauthorised):
        await offices.sign_in.by_passkey(two.flow, answer)
    late = await offices.sign_in.ask_passkey()
    offices.clock.time += FLOW_S
    with pytest.raises(Unauthorised):
        await offices.sign_in.by_passkey(late.flow, passkey.show(late.options))


@pytest.mark.parametrize("lie", ["origin", "key", "verified", "credential"])
async def test_passkey_that_lies_opens_nothing(offices: Offices, lie: str) -> None:
    passkey, _ = await offices.passkey("operator")
    match lie:
        case "origin":
            passkey.origin = "https://phish.example"
        case "key":
            passkey.key = Authenticator(ORIGIN).key
        case "verified":
            passkey.flags = PRESENT
        case _:
            passkey.credential = b"somebody else's."
    assert sign_in(offices, passkey)[0] == 401


async def test_registration_at_another_origin_is_refused(offices: Offices) -> None:
    invited = await offices.team.invite(NODE, "a", "viewer")
    asked = await offices.sign_in.ask_invited(invited.secret)
    made = Authenticator("https://phish.example").make(asked.options)
    with pytest.raises(InputInvalid):
        await offices.sign_in.by_invitation(invited.secret, asked.flow, made, "")


async def test_session_ends_idle_and_at_last_though_used(offices: Offices) -> None:
    _, idle = await offices.passkey("viewer")
    _, busy = await offices.passkey("viewer")
    begun = offices.clock.time
    while offices.clock.time < begun + ABSOLUTE_S - IDLE_S:
        offices.clock.time += IDLE_S - 1
        assert offices.answer("GET", "/api/me", busy).status_code == 200
    assert offices.answer("GET", "/api/me", idle).status_code == 401
    offices.clock.time = begun + ABSOLUTE_S
    assert offices.answer("GET", "/api/me", busy).status_code == 401


async def test_signing_out_ends_the_session_and_a_manager_ends_all(offices: Offices) -> None:
    passkey, cookie = await offices.passkey("operator")
    assert offices.answer("POST", "/api/signin/out", cookie).status_code == 204
    assert offices.answer("GET", "/api/me", cookie).status_code == 401
    secret = sign_in(offices, passkey)[1].split(";")[0].partition("=")[2]
    staff = offices.answer("GET", "/api/me", secret).json()["actor"].removeprefix("staff:")
    await offices.team.sign_out(NODE, staff)
    assert offices.answer("GET", "/api/me", secret).status_code == 401


async def test_disabled_member_is_out_at_once(offices: Offices) -> None:
    passkey, cookie = await offices.passkey("operator")
    staff = offices.answer("GET", "/api/me", cookie).json()["actor"].removeprefix("staff:")
    await offices.team.change(NODE, staff, {"disabled": True})
    assert offices.answer("GET", "/api/me", cookie).status_code == 401
    assert sign_in(offices, passkey)[0] == 401


async def test_changes_of_staff_want_a_passkey_shown_lately(offices: Offices) -> None:
    passkey, cookie = await offices.passkey("manager")
    body = {"name": "x", "role": "viewer"}
    offices.clock.time += FRESH_S
    refused = offices.answer("POST", "/api/staff", cookie, json=body)
    assert (refused.status_code, refused.json()["step_up"]) == (403, True)
    assert offices.answer("GET", "/api/staff", cookie).status_code == 200
    asked = offices.answer("POST", "/api/me/step-up/options", cookie).json()
    shown = {"flow": asked["flow"], "answer": passkey.show(asked["options"])}
    assert offices.answer("POST", "/api/me/step-up", cookie, json=shown).status_code == 204
    assert offices.answer("POST", "/api/staff", cookie, json=body).status_code == 201


async def test_nobody_steps_up_with_a_colleagues_passkey(offices: Offices) -> None:
    other, _ = await offices.passkey("manager")
    _, cookie = await offices.passkey("manager")
    asked = offices.answer("POST", "/api/me/step-up/options", cookie).json()
    shown = {"flow": asked["flow"], "answer": other.show(asked["options"])}
    assert offices.answer("POST", "/api/me/step-up", cookie, json=shown).status_code == 401


async def test_several_passkeys_and_never_none(offices: Offices) -> None:
    first, cookie = await offices.passkey("viewer")
    asked = offices.answer("POST", "/api/me/passkeys/options", cookie).json()
    second = Authenticator(ORIGIN)
    body = {"flow": asked["flow"], "answer": second.make(asked["options"]), "label": "spare"}
    assert offices.answer("POST", "/api/me/passkeys", cookie, json=body).status_code == 201
    assert sign_in(offices, second)[0] == 200
    cards = offices.answer("GET", "/api/me/passkeys", cookie).json()
    assert sorted(card["label"] for card in cards) == ["mine", "spare"]
    assert offices.answer("DELETE", f"/api/me/passkeys/{cards[0]['credential']}", cookie).status_code == 204
    assert offices.answer("DELETE", f"/api/me/passkeys/{cards[1]['credential']}", cookie).status_code == 409
    assert [sign_in(offices, key)[0] for key in (first, second)].count(200) == 1


async def test_a_passkey_is_added_only_when_one_was_shown_lately(offices: Offices) -> None:
    _, cookie = await offices.passkey("viewer")
    offices.clock.time += FRESH_S
    assert offices.answer("POST", "/api/me/passkeys/options", cookie).status_code == 403


async def test_the_same_passkey_twice_is_a_conflict(offices: Offices) -> None:
    passkey, _ = await offices.passkey("viewer")
    invited = await offices.team.invite(NODE, "b", "viewer")
    asked = await offices.sign_in.ask_invited(invited.secret)
    with pytest.raises(Conflict):
        await offices.sign_in.by_invitation(invited.secret, asked.flow, passkey.make(asked.options), "")
    # Its fault undid all of it: the invitation is still good.
    await offices.sign_in.ask_invited(invited.secret)


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"},
     {"Origin": "https://evil.example"}, {"Origin": "null"}, {}],
)  # fmt: skip
async def test_another_sites_page_changes_nothing_with_our_cookie(offices: Offices, headers: dict[str, str]) -> None:
    _, cookie = await offices.passkey("manager")
    mine = {"Cookie": f"sunpile_session={cookie}"}
    offices.client.cookies.clear()
    refused = offices.client.post("/api/staff", headers=mine | headers, json={"name": "x", "role": "manager"})
    assert refused.status_code == 403
    assert "page of this node" in refused.json()["detail"]
    assert offices.client.post("/api/signin/passkey/options", headers=headers).status_code == 403


async def test_browser_without_fetch_metadata_is_known_by_its_origin(offices: Offices) -> None:
    _, cookie = await offices.passkey("manager")
    headers = {"Cookie": f"sunpile_session={cookie}", "Origin": ORIGIN}
    offices.client.cookies.clear()
    assert offices.client.post("/api/staff", headers=headers, json={"name": "x", "role": "viewer"}).status_code == 201


async def test_signing_in_and_guessing_are_paced(offices: Offices) -> None:
    answers = [offices.answer("POST", "/api/signin/passkey/options", headers={"Sec-Fetch-Site": "same-origin"})
               for _ in range(31)]  # fmt: skip
    assert [answer.status_code for answer in answers].count(200) == 30
    assert int(answers[-1].headers["retry-after"]) >= 1
    guesses = [offices.answer("GET", "/api/me", key=f"sk_{n:040}").status_code for n in range(62)]
    assert guesses == [401] * 60 + [429] * 2
    offices.clock.time += 60
    assert offices.answer("GET", "/api/me", key="sk_wrong").status_code == 401


async def test_nothing_secret_is_kept(offices: Offices) -> None:
    _, cookie = await offices.passkey("manager")
    key = await offices.key("read")
    invited = await offices.team.invite(NODE, "c", "viewer")
    engine = offices.house.database.engine
    with engine.connect() as connection:
        dump = "\n".join(engine.raw_connection().driver_connection.iterdump())  # type: ignore[union-attr]
        connection.close()
    for secret in (cookie, key, invited.secret):
        assert secret not in dump
        assert secret.encode().hex() not in dump


async def test_nobody_promotes_or_disables_themselves(offices: Offices) -> None:
    _, cookie = await offices.passkey("manager")
    staff = offices.answer("GET", "/api/me", cookie).json()["actor"].removeprefix("staff:")
    for change in ({"disabled": True}, {"role": "viewer"}):
        assert offices.answer("PATCH", f"/api/staff/{staff}", cookie, json=change).status_code == 403
    with pytest.raises(Forbidden):
        await offices.team.invite(NODE.__class__("default", "staff:x", frozenset({"manage"})), "y", "technician")
