"""Webhooks over real sockets: signed, durable, tried again, never into a private network."""

import asyncio
import hashlib
import hmac
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from tests.identity.offices import Offices, StillClock, open_offices
from tests.people.receiver import Receiver

from sunpile.basics.audit import NoAudit
from sunpile.basics.errors import NotFound
from sunpile.basics.scope import NODE, Scope
from sunpile.fleet.webhook_service import Webhooks
from sunpile.fleet.webhooks import LEASE_S, WAITS_S
from sunpile.people.api import webhooks as routes
from sunpile.people.egress import Egress, public
from sunpile.store.database import Database
from sunpile.store.every_table import metadata
from sunpile.store.webhooks import WebhookDatabase

OTHER = Scope("other", "staff:b", NODE.permissions)
EMITTER = """
import asyncio, sys
from sunpile.basics.audit import NoAudit
from sunpile.fleet.webhook_service import Webhooks
from sunpile.people.egress import Egress
from sunpile.store.database import Database
from sunpile.store.webhooks import WebhookDatabase

class Clock:
    def now(self): return 1000

async def main():
    hooks = Webhooks(WebhookDatabase(Database(sys.argv[1])), Egress(), NoAudit(), Clock())
    for number in range(100000):
        await hooks.emit("default", "session.ended", {"number": number})
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    started = Receiver().start()
    yield started
    started.stop()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    engine = create_engine(f"sqlite:///{tmp_path / 'hooks.db'}")
    metadata.create_all(engine)
    engine.dispose()
    opened = Database(f"sqlite:///{tmp_path / 'hooks.db'}")
    yield opened
    opened.close()


def service(database: Database, clock: StillClock, plain: frozenset[str] = frozenset()) -> Webhooks:
    return Webhooks(WebhookDatabase(database), Egress(plain), NoAudit(), clock, plain)


def valid(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """What a receiver does."""
    parts = [part.partition("=") for part in headers["sunpile-signature"].split(",")]
    at = next(value for name, _, value in parts if name == "t")
    right = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return any(hmac.compare_digest(value, right) for name, _, value in parts if name == "v1")


async def test_event_arrives_signed_at_who_wants_it(database: Database, receiver: Receiver) -> None:
    hooks = service(database, StillClock(), receiver.plain)
    wanted = await hooks.add(NODE, receiver.url, ["session"])
    await hooks.add(NODE, receiver.url, ["alert"])
    await hooks.add(OTHER, receiver.url, [])
    assert await hooks.emit("default", "session.ended", {"wh": 5}) == 1
    assert await hooks.round() == 1
    [(headers, body)] = receiver.got
    content = json.loads(body)
    assert (content["type"], content["data"], content["tenant"]) == ("session.ended", {"wh": 5}, "default")
    assert content["id"] == headers["sunpile-delivery"]
    assert headers["host"] == f"127.0.0.1:{receiver.port}"
    assert valid(wanted.secret, headers, body)
    assert not valid(wanted.secret, headers, body.replace(b"5", b"6"))
    [delivery] = await hooks.deliveries(NODE, wanted.hook, 10)
    assert (delivery.state, delivery.last_status, delivery.attempts) == ("done", 204, 1)


async def test_new_secret_and_old_one_both_fit_for_a_day(database: Database, receiver: Receiver) -> None:
    hooks = service(database, StillClock(), receiver.plain)
    made = await hooks.add(NODE, receiver.url, [])
    fresh = await hooks.rotate(NODE, made.hook)
    await hooks.test(NODE, made.hook)
    await hooks.round()
    [(headers, body)] = receiver.got
    assert valid(made.secret, headers, body)
    assert valid(fresh.secret, headers, body)


async def test_receiver_that_fails_gets_it_later_with_the_same_id(database: Database, receiver: Receiver) -> None:
    clock = StillClock()
    hooks = service(database, clock, receiver.plain)
    made = await hooks.add(NODE, receiver.url, [])
    receiver.status = 500
    await hooks.emit("default", "a", {})
    assert [await hooks.round(), await hooks.round()] == [1, 0]
    receiver.status = 200
    clock.time += WAITS_S[0]
    assert await hooks.round() == 1
    ids = {headers["sunpile-delivery"] for headers, _ in receiver.got}
    assert (len(receiver.got), len(ids)) == (2, 1)
    [delivery] = await hooks.deliveries(NODE, made.hook, 10)
    assert (delivery.state, delivery.attempts) == ("done", 2)
    await hooks.again(NODE, made.hook, delivery.delivery)
    assert await hooks.round() == 1


async def test_redirect_is_not_followed(database: Database, receiver: Receiver) -> None:
    hooks = service(database, StillClock(), receiver.plain)
    made = await hooks.add(NODE, receiver.url, [])
    receiver.status, receiver.headers = 307, {"Location": f"http://127.0.0.1:{receiver.port}/inside"}
    await hooks.emit("default", "a", {})
    await hooks.round()
    assert len(receiver.got) == 1
    [delivery] = await hooks.deliveries(NODE, made.hook, 10)
    assert (delivery.state, delivery.last_fault) == ("waiting", "redirects are not followed")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1",
     "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1",
     "64:ff9b:1::a00:1", "2001:0:7f00:1::", "2001:db8::1"],
)  # fmt: skip
async def test_name_that_leads_inside_is_not_called(address: str, receiver: Receiver) -> None:
    async def lookup(_host: str, _port: int) -> list[str]:
        return ["93.184.215.14", address]

    assert not public(address)
    outcome = await Egress(lookup=lookup).post(f"https://a.example:{receiver.port}/", b"", {})
    assert outcome.status is None
    assert "not of the public internet" in outcome.fault
    assert receiver.got == []


async def test_name_is_asked_for_once_and_the_address_looked_at_is_the_one_called(receiver: Receiver) -> None:
    asked: list[str] = []

    async def lookup(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    plain = frozenset({f"hooks.example:{receiver.port}"})
    outcome = await Egress(plain, lookup).post(f"http://hooks.example:{receiver.port}/a", b"x", {})
    assert (outcome.status, asked) == (204, ["hooks.example"])
    assert receiver.got[0][0]["host"] == f"hooks.example:{receiver.port}"


async def test_public_addresses_are_public() -> None:
    assert all(public(address) for address in ("93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"))


async def test_everything_acknowledged_before_a_kill_is_delivered(database: Database, receiver: Receiver) -> None:
    hooks = service(database, StillClock(1000), receiver.plain)
    await hooks.add(NODE, receiver.url, [])
    url = database.engine.url.render_as_string()
    emitter = subprocess.Popen([sys.executable, "-c", EMITTER, url], stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
    assert emitter.stdout is not None
    said = [int(emitter.stdout.readline()) for _ in range(20)]
    emitter.send_signal(signal.SIGKILL)
    said += [int(line) for line in emitter.stdout.read().split()]
    emitter.wait()
    while await hooks.round():
        pass
    arrived = {json.loads(body)["data"]["number"] for _, body in receiver.got}
    assert set(said) <= arrived


async def test_delivery_begun_by_who_was_killed_is_taken_over(database: Database, receiver: Receiver) -> None:
    clock = StillClock()
    store = WebhookDatabase(database)
    hooks = service(database, clock, receiver.plain)
    await hooks.add(NODE, receiver.url, [])
    await hooks.emit("default", "a", {})
    assert len(await store.take(clock.time, clock.time + LEASE_S, 5, ())) == 1
    assert await hooks.round() == 0
    clock.time += LEASE_S
    assert await hooks.round() == 1


async def test_loop_delivers_at_once_and_a_slow_receiver_holds_nobody_up(
    database: Database, receiver: Receiver
) -> None:
    hanging = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = hanging.sockets[0].getsockname()[1]
    hooks = service(database, StillClock(), receiver.plain | {f"127.0.0.1:{port}"})
    await hooks.add(NODE, f"http://127.0.0.1:{port}/", [])
    await hooks.add(NODE, receiver.url, [])
    loop = asyncio.create_task(hooks.run())
    for number in range(3):
        await hooks.emit("default", "a", {"number": number})
    async with asyncio.timeout(5):
        while len(receiver.got) < 3:
            await asyncio.sleep(0.02)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    hanging.close()
    assert [json.loads(body)["data"]["number"] for _, body in receiver.got] == [0, 1, 2]


async def test_hooks_of_others_are_not_there(database: Database) -> None:
    hooks = service(database, StillClock())
    made = await hooks.add(NODE, "https://a.example/", [])
    await hooks.test(NODE, made.hook)
    [delivery] = await hooks.deliveries(NODE, made.hook, 1)
    assert await hooks.hooks(OTHER) == []
    for work in (
        hooks.hook(OTHER, made.hook),
        hooks.rotate(OTHER, made.hook),
        hooks.remove(OTHER, made.hook),
        hooks.test(OTHER, made.hook),
        hooks.change(OTHER, made.hook, {"paused": True}),
        hooks.deliveries(OTHER, made.hook, 5),
        hooks.again(OTHER, made.hook, delivery.delivery),
    ):
        with pytest.raises(NotFound):
            await work


@pytest.fixture
def offices(tmp_path: Path) -> Iterator[Offices]:
    def more(house: "object", clock: "object", audit: "object") -> "list[object]":
        store = WebhookDatabase(house.database)  # type: ignore[attr-defined]
        return [routes.router(Webhooks(store, Egress(), audit, clock))]  # type: ignore[arg-type]

    opened = open_offices(tmp_path / "node.db", more=more)
    yield opened
    opened.house.database.close()


async def test_managers_keep_webhooks_over_the_api(offices: Offices) -> None:
    _, cookie = await offices.passkey("manager")
    made = offices.answer("POST", "/api/webhooks", cookie, json={"url": "https://a.example/h", "events": ["session"]})
    assert made.status_code == 201
    hook = made.json()["hook"]
    card = offices.answer("PATCH", f"/api/webhooks/{hook}", cookie, json={"paused": True}).json()
    assert (card["paused"], "secret" in card) == (True, False)
    assert offices.answer("POST", f"/api/webhooks/{hook}/test", cookie).status_code == 202
    assert len(offices.answer("GET", f"/api/webhooks/{hook}/deliveries", cookie).json()) == 1
    for wrong in ({"url": "http://a.example/"}, {"url": "https://a.example/", "events": ["Session"]}):
        assert offices.answer("POST", "/api/webhooks", cookie, json=wrong).status_code == 400
    assert offices.answer("DELETE", f"/api/webhooks/{hook}", cookie).status_code == 204
    assert offices.answer("GET", f"/api/webhooks/{hook}", cookie).status_code == 404
