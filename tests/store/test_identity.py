"""Identity, audit log and webhooks on either engine: what is used once is used once, and nothing is lost."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest
from tests.identity.offices import StillClock

from sunpile.basics.errors import Conflict, NotFound, Unauthorised
from sunpile.basics.scope import NODE
from sunpile.fleet.webhooks import Delivery, Hook
from sunpile.identity.model import ApiKey, Flow, Invite, Passkey, Session, StaffMember, Tenant
from sunpile.identity.ports import AuditSearch
from sunpile.store.audit import AuditDatabase
from sunpile.store.database import Database
from sunpile.store.identity import IdentityDatabase
from sunpile.store.webhooks import WebhookDatabase

MEMBER = StaffMember("a1", "default", "desk", "operator", created_at=1)


@contextlib.contextmanager
def another(database: Database, url: str) -> Iterator[Database]:
    """What a second process has: with SQLite there is only one."""
    if url.startswith("sqlite"):
        yield database
        return
    second = Database(url)
    yield second
    second.close()


async def staffed(database: Database) -> IdentityDatabase:
    store = IdentityDatabase(database)
    await store.add_tenant(Tenant("default", "d", 1))
    await store.add_staff(MEMBER)
    return store


async def test_staff_as_they_were_kept(database: Database) -> None:
    store = await staffed(database)
    provided = StaffMember("b2", "default", "x", "viewer", "e@x", "https://idp", "sub", False, 2)
    await store.add_staff(provided)
    assert await store.staff(NODE) == [MEMBER, provided]
    assert await store.by_subject("https://idp", "sub") == provided
    for wrong, fault in ((provided, Conflict), (StaffMember("c", "none", "x", "viewer"), NotFound)):
        with pytest.raises(fault):
            await store.add_staff(wrong)


async def test_invitation_is_used_once_by_two_at_once(database: Database) -> None:
    store = await staffed(database)
    await store.add_invite(Invite(b"h", "a1", 100))
    assert await store.invited(b"h", 99) == MEMBER
    assert await store.invited(b"h", 100) is None
    keys = [Passkey(bytes([n]), "a1", b"k", 0, "", 1) for n in range(2)]
    done = await asyncio.gather(*(store.add_passkey(key, b"h", 5) for key in keys), return_exceptions=True)
    assert sorted(type(outcome) for outcome in done if outcome is not None) == [Unauthorised]
    [kept] = await store.passkeys("a1")
    assert await store.passkey(kept.credential) == kept
    assert [await store.passkey_used(kept.credential, 0, 4, 9) for _ in range(2)] == [True, False]


async def test_flow_is_taken_once(database: Database) -> None:
    store = await staffed(database)
    flow = Flow(b"f", "passkey", b"", "challenge", "", "", 100)
    await store.add_flow(flow)
    taken = await asyncio.gather(store.take_flow(b"f"), store.take_flow(b"f"))
    assert sorted(taken, key=str) == sorted([flow, None], key=str)


async def test_session_and_what_ends_it(database: Database) -> None:
    store = await staffed(database)
    session = Session(b"s", "a1", 100, 100, 0)
    await store.add_session(session)
    assert await store.session(b"s") == (session, MEMBER)
    await store.save_session(Session(b"s", "a1", 100, 160, 150))
    await store.save_session(Session(b"s", "a1", 100, 120, 0))
    found = await store.session(b"s")
    assert found is not None
    assert (found[0].seen_at, found[0].fresh_at) == (160, 150)
    await store.forget(161)
    assert await store.session(b"s") is not None
    await store.save_staff(NODE, StaffMember("a1", "default", "desk", "operator", disabled=True))
    assert await store.session(b"s") is None


async def test_key_as_it_was_kept(database: Database) -> None:
    store = await staffed(database)
    key = ApiKey("k", "default", "l", frozenset({"read"}), frozenset({"SP-1"}), 60, 100, "node", 1)
    await store.add_key(key, b"h")
    assert await store.key_of(b"h") == key
    await store.key_used("k", 50)
    assert (await store.revoke_key(NODE, "k", 60)).last_used_at == 50
    [found] = await store.keys(NODE)
    assert (found.revoked_at, found.good(61)) == (60, False)


async def test_two_processes_write_one_unbroken_log(database: Database, database_url: str) -> None:
    with another(database, database_url) as second:
        logs = [AuditDatabase(opened, StillClock()) for opened in (database, second)]
        await logs[0].record(NODE, "first", "x\x00y")
        for _ in range(10):
            await asyncio.gather(*(log.record(NODE, "a", "b", {"n": 1}, None, "r\x00") for log in logs))
    verdict = await logs[0].verify(NODE)
    assert (verdict.records, verdict.broken_at) == (21, None)
    assert len(await logs[0].search(NODE, AuditSearch(action="a"))) == 20


async def test_delivery_is_taken_by_one_of_two_processes(database: Database, database_url: str) -> None:
    with another(database, database_url) as second:
        await taken_once([WebhookDatabase(opened) for opened in (database, second)])


async def taken_once(stores: list[WebhookDatabase]) -> None:
    hook = Hook("h", "default", "https://a.example/", ("session",), "s", created_at=1, created_by="node")
    await stores[0].add(hook)
    assert list(await stores[1].of_tenant("default")) == [hook]
    made = [Delivery(f"d{n}", "h", "default", "session.ended", "{}", n, due_at=n) for n in range(3)]
    await stores[0].put([*made, Delivery("x", "gone", "default", "k", "{}", 1)])
    taken = await asyncio.gather(*(store.take(10, 70, 5, ()) for store in stores))
    assert sorted(delivery.delivery for some in taken for delivery, _ in some) in (["d0"], ["d0", "d1"])
    assert await stores[0].take(10, 70, 5, ("h",)) == []
    await stores[0].remove(NODE, "h")
    assert await stores[0].take(100, 170, 5, ()) == []
