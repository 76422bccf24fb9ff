"""Runs in SQL, on each engine: what is kept comes back as it was, for its tenant only."""

from dataclasses import replace

import pytest
from sqlalchemy import insert

from sunpile.basics.errors import Conflict, NotFound
from sunpile.basics.scope import NODE, PERMISSIONS, Scope
from sunpile.fleet.run_model import Header, Item, Options, Target
from sunpile.fleet.run_ports import Filter, Selection
from sunpile.store.database import Database
from sunpile.store.runs import RunDatabase
from sunpile.store.tables import stations
from sunpile.store.upkeep_tables import station_cards

OTHER = Scope("other", "staff:o", frozenset(PERMISSIONS))


def header(run: str = "r1", tenant: str = "default", at: int = 100, total: int = 2) -> Header:
    options = Options(note="夜间", stop_permille=200)
    return Header(run, tenant, "get-report", {"base": "FullInventory"}, options, 2**31 - 9, "node", at, total, 7)


ITEMS = [Item("S1", 11_000, 3), Item("S2", 0, 0)]


async def test_what_is_kept_comes_back_as_it_was(database: Database) -> None:
    store = RunDatabase(database)
    assert await store.create(header(), ITEMS, None, "h") == "r1"
    assert await store.load(NODE, "r1") == (header(), ITEMS)
    now = Item("S1", 11_000, 3, "done", 2, 110, 111, 112, "Accepted", "word\x00", {"a": ["\x00", 1]}, 5, 2)
    changed = replace(
        header(), state="stopped", reason="why", begun_at=105, ended_at=120, counts={"done": 1}, approver="b"
    )
    await store.save(changed, [now])
    clean = replace(now, reason="word\ufffd", data={"a": ["\ufffd", 1]})
    assert await store.load(NODE, "r1") == (changed, [clean, ITEMS[1]])
    assert await store.items(NODE, "r1", "done", "", 9) == [clean]
    assert await store.items(NODE, "r1", None, "S1", 9) == [ITEMS[1]]


async def test_a_key_stands_for_one_wish_of_a_tenant(database: Database) -> None:
    store = RunDatabase(database)
    await store.create(header("r1"), ITEMS, "k", "h1")
    assert await store.create(header("r2"), ITEMS, "k", "h1") == "r1"
    assert await store.create(header("r3", "other"), ITEMS, "k", "h9") == "r3"
    with pytest.raises(Conflict):
        await store.create(header("r4"), ITEMS, "k", "h2")
    with pytest.raises(NotFound):
        await store.load(NODE, "r2")


async def test_every_time_a_station_was_asked_counts_also_after_a_retry(database: Database) -> None:
    store = RunDatabase(database)
    await store.create(header(), ITEMS, None, "h")
    first = replace(ITEMS[0], state="sent", attempt=1, sent_at=200)
    for item in (first, first, replace(first, state="done"), replace(first, attempt=2, sent_at=300)):
        await store.save(header(), [item])
    assert await store.spent(100) == [("default", 200, 11_000), ("default", 300, 11_000)]
    assert await store.spent(200) == [("default", 300, 11_000)]


async def test_only_runs_in_which_something_is_to_come_are_alive(database: Database) -> None:
    store = RunDatabase(database)
    flying = [replace(ITEMS[0], state="in progress"), replace(ITEMS[1], state="cancelled")]
    for n, (state, items) in enumerate(
        [("running", ITEMS), ("waiting for approval", ITEMS), ("draft", ITEMS), ("done", []), ("cancelled", flying)]
    ):
        made = replace(header(f"r{n}", at=100 + n), state=state)  # type: ignore[arg-type]
        await store.create(made, items or ITEMS[:1], None, "h")
    assert [found.run for found, _ in await store.alive()] == ["r0", "r1", "r4"]
    assert [found.run for found in await store.headers(NODE, 2, None, fleet=False)] == ["r4", "r3"]
    assert [found.run for found in await store.headers(NODE, 9, 102, fleet=True)] == ["r1", "r0"]


async def test_parts_come_back_in_order_those_of_the_last_attempt(database: Database) -> None:
    store = RunDatabase(database)
    await store.create(header(), [replace(ITEMS[0], attempt=2)], None, "h")
    for attempt, part, rows in (
        (1, 0, [{"old": 1}]),
        (2, 1, [{"n": 2}, {"n": 3}]),
        (2, 0, [{"n": 1}]),
        (2, 0, [{"n": 9}]),
    ):
        await store.keep_part("r1", "S1", attempt, part, rows)
    assert await store.rows(NODE, "r1", "S1", 9) == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert await store.rows(NODE, "r1", "S1", 1) == [{"n": 1}]


async def test_other_tenants_see_nothing(database: Database) -> None:
    store = RunDatabase(database)
    await store.create(header(), ITEMS, None, "h")
    for look in (store.load(OTHER, "r1"), store.items(OTHER, "r1", None, "", 9), store.rows(OTHER, "r1", "S1", 9)):
        with pytest.raises(NotFound):
            await look
    assert await store.headers(OTHER, 9, None, fleet=False) == []


async def test_stations_are_selected_by_name_and_by_what_is_known_of_them(database: Database) -> None:
    base = {"password_salt": b"", "password_hash": b"", "max_w": 22_000}
    with database.engine.begin() as connection:
        for name, tenant, vendor, version in (
            ("A", "default", "V", "1.6"), ("B", "default", "V", "2.0.1"),
            ("C", "default", "W", "1.6"), ("D", "other", "V", "1.6"),
        ):  # fmt: skip
            row = base | {"station": name, "tenant": tenant, "vendor": vendor, "ocpp_version": version}
            connection.execute(insert(stations), row)
        card = {"station": "A", "site": "Mill", "tags": '["fast", "yard"]'}
        connection.execute(insert(station_cards), card)
    store = RunDatabase(database)

    async def names(**wanted: str) -> list[str]:
        return [target.station for target in await store.select(NODE, Selection(filter=Filter(**wanted)))]

    assert await names() == ["A", "B", "C"]
    assert await names(vendor="V") == ["A", "B"]
    assert await names(vendor="V", version="1.6") == ["A"]
    assert await names(site="Mill") == await names(tag="yard") == ["A"]
    assert await names(tag="yar") == await names(tag="Yard") == []
    assert await store.select(NODE, Selection(("C", "A", "C"))) == [Target("A", 22_000), Target("C", 22_000)]
    with pytest.raises(NotFound, match="D"):
        await store.select(NODE, Selection(("A", "D")))
