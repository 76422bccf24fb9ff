"""API keys: what they open, for how long, how often; and that each tenant sees its own only."""

import pytest
from tests.identity.offices import Offices

from sunpile.basics.errors import Forbidden, NotFound
from sunpile.basics.scope import NODE, Scope, same_person
from sunpile.identity.staff import KeyWish

OTHER = Scope("other", "staff:x", NODE.permissions)


async def test_key_may_what_it_was_given(offices: Offices) -> None:
    key = await offices.key("read")
    assert offices.answer("GET", "/api/me", key=key).json()["permissions"] == ["read"]
    assert offices.answer("GET", "/api/staff", key=key).status_code == 403


async def test_key_is_never_more_than_its_maker(offices: Offices) -> None:
    with pytest.raises(Forbidden):
        await offices.team.make_key(Scope("default", "key:x", frozenset({"manage"})), KeyWish("a", frozenset({"read"})))
    with pytest.raises(Forbidden):
        await offices.team.make_key(NODE, KeyWish("a", frozenset()))


async def test_key_ends_when_it_expires_or_is_revoked(offices: Offices) -> None:
    expiring = await offices.key("read", expires_at=offices.clock.time + 100)
    revoked = await offices.key("read")
    assert [offices.answer("GET", "/api/me", key=key).status_code for key in (expiring, revoked)] == [200, 200]
    number = next(key.key for key in await offices.team.keys(NODE) if key.expires_at is None)
    with pytest.raises(NotFound):
        await offices.team.revoke_key(OTHER, number)
    await offices.team.revoke_key(NODE, number)
    offices.clock.time += 100
    answers = [offices.answer("GET", "/api/me", key=key) for key in (expiring, revoked, "sk_nothing")]
    assert {(answer.status_code, answer.json()["detail"]) for answer in answers} == {(401, "the key is not known here")}


async def test_key_is_paced(offices: Offices) -> None:
    key = await offices.key("read", per_minute=5)
    answers = [offices.answer("GET", "/api/me", key=key) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[-1].headers["retry-after"] == "12"
    offices.clock.time += 12
    assert offices.answer("GET", "/api/me", key=key).status_code == 200


async def test_key_for_some_stations_opens_only_routes_that_name_one(offices: Offices) -> None:
    key = await offices.key("read", "manage", stations=frozenset({"SP-1"}))
    assert offices.answer("GET", "/api/staff", key=key).status_code == 403
    door = offices.house.app.state.services.door
    assert (await door.by_key(key, "a", "SP-1")).permissions == {"read", "manage"}
    for station in ("SP-2", None):
        with pytest.raises(Forbidden):
            await door.by_key(key, "a", station)


async def test_last_use_is_noted_to_the_minute(offices: Offices) -> None:
    key = await offices.key("read")
    first = offices.clock.time
    for _ in range(3):
        offices.answer("GET", "/api/me", key=key)
        offices.clock.time += 20
    assert [found.last_used_at for found in await offices.team.keys(NODE)] == [first]
    offices.answer("GET", "/api/me", key=key)
    assert [found.last_used_at for found in await offices.team.keys(NODE)] == [first + 60]


async def test_keys_and_staff_of_others_are_not_there(offices: Offices) -> None:
    await offices.key("read")
    invited = await offices.team.invite(NODE, "a", "viewer")
    assert await offices.team.keys(OTHER) == []
    assert await offices.team.staff(OTHER) == []
    for work in (offices.team.member, offices.team.sign_out, offices.team.invite_again):
        with pytest.raises(NotFound):
            await work(OTHER, invited.staff)
    with pytest.raises(NotFound):
        await offices.team.change(OTHER, invited.staff, {"disabled": True})


async def test_key_says_so_where_a_person_is_wanted(offices: Offices) -> None:
    key = await offices.key("read")
    assert offices.answer("GET", "/api/me/passkeys", key=key).status_code == 403


async def test_key_answers_to_whoever_made_it_however_many_keys_between(offices: Offices) -> None:
    anna = Scope("default", "staff:anna", NODE.permissions)
    door = offices.house.app.state.services.door
    first = await door.by_key((await offices.team.make_key(anna, KeyWish("a", anna.permissions))).secret, "a", None)
    second = await door.by_key((await offices.team.make_key(first, KeyWish("b", anna.permissions))).secret, "a", None)
    assert first.actor != second.actor
    assert same_person(second.signature, anna.signature)
    assert not same_person(second.signature, "staff:bert")


async def test_key_that_only_manages_disables_nobody_who_may_more(offices: Offices) -> None:
    anna = await offices.team.invite(NODE, "Anna", "manager")
    key = Scope("default", "key:x", frozenset({"read", "manage"}))
    with pytest.raises(Forbidden):
        await offices.team.change(key, anna.staff, {"role": "viewer"})
    with pytest.raises(Forbidden):
        await offices.team.change(key, anna.staff, {"disabled": True})
    assert (await offices.team.member(NODE, anna.staff)).role == "manager"
