"""What staff sees and decides, in SQL: on SQLite and PostgreSQL, one tenant each."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import insert, select

from sessions.memory import HandClock, Piles
from sessions.signing import SigningMeter
from sessions.talk import T0, ended, start16, started, stop16, updated
from sunpile.basics.errors import Conflict, Forbidden, NotFound
from sunpile.basics.scope import NODE, Scope
from sunpile.chargers.events import Authorisation, Message, TransactionAnswer, TransactionLimit
from sunpile.sessions import Sessions
from sunpile.sessions.archive import SessionQuery
from sunpile.sessions.office import Office
from sunpile.sessions.review import Ruling
from sunpile.store.database import Database
from sunpile.store.session_answers import read_answer, write_answer
from sunpile.store.session_archive import SessionArchiveStore
from sunpile.store.sessions import SessionDatabase
from sunpile.store.tables import cdrs, connectors, drivers, stations

HOUR = 3600
OTHER = Scope("other", "staff:9", NODE.permissions)
METER = SigningMeter()


@pytest.fixture
async def store(database: Database) -> SessionDatabase:
    def fill(c):
        for name, tenant in (("P1", "default"), ("P2", "other")):
            row = {"station": name, "tenant": tenant, "password_salt": b"", "password_hash": b"", "max_w": 11_000}
            c.execute(insert(stations).values(row))
            c.execute(insert(connectors).values(station=name, evse=1, status="Available", price=300_000))
        c.execute(insert(drivers).values(driver="d1", id_token="CARD1", pays=False, created_at=T0))

    await database.write(fill)
    return SessionDatabase(database)


@pytest.fixture
def service(store) -> Sessions:
    return Sessions(store, Piles(), HandClock(T0))


@pytest.fixture
def office(store, service, database) -> Office:
    return Office(store, SessionArchiveStore(database), service.clock)


async def charge(service, begin, end, station="P1"):
    service.clock._now = T0
    answer = await service.started(start16(T0, begin, station=station))
    service.clock._now = T0 + HOUR
    await service.ended(stop16(answer.ocpp_transaction, T0 + HOUR, end, station=station))
    await service.housekeep()
    service.clock._now = T0 + 3 * HOUR
    await service.housekeep()


async def the_session(office, scope=NODE):
    (session,) = await office.list(scope, SessionQuery())
    return session


async def test_a_held_session_is_shown_with_all_evidence_decided_and_corrected(office, service, database):
    await charge(service, 0, 4_076_000)
    work = await office.held(NODE)
    assert [session.held_reason for session in work.sessions] == ["end implausible"]
    name = work.sessions[0].session
    detail = await office.detail(NODE, name)
    assert [message.key.split("/")[0] for message in detail.evidence.messages] == ["start", "stop"]
    assert [(one.sample.wh, one.held) for one in detail.samples] == [(0, None), (4_076_000, "implausible")]
    done = await office.review(NODE, name, Ruling("registers", "read on site", 4_074_000, 4_076_000))
    assert (done.state, done.wh) == ("ended", 2000)
    first = await database.read(lambda c: c.scalar(select(cdrs.c.body)))
    await office.correct(NODE, name, Ruling("zero", "goodwill"))
    detail = await office.detail(NODE, name)
    assert [record.id for record in detail.evidence.records] == [name, f"{name}-2", f"{name}-credit"] or [
        record.id for record in detail.evidence.records
    ] == [name, f"{name}-credit", f"{name}-2"]
    assert await database.read(lambda c: c.scalar(select(cdrs.c.body).where(cdrs.c.cdr == name))) == first
    assert sum(record.total_energy for record in detail.evidence.records) == 0
    assert [(r.kind, r.wh, r.actor) for r in detail.evidence.rulings] == [
        ("registers", 2000, "node"),
        ("correct", 0, "node"),
    ]
    assert not (await office.held(NODE)).sessions


async def test_another_tenant_sees_and_decides_nothing(office, service):
    await charge(service, 0, 4_076_000)
    name = (await the_session(office)).session
    assert not await office.list(OTHER, SessionQuery())
    assert not (await office.held(OTHER)).sessions
    assert not await office.records(OTHER, 0, T0 * 2)
    for attempt in (
        office.detail(OTHER, name),
        office.review(OTHER, name, Ruling("zero", "because")),
        office.correct(OTHER, name, Ruling("zero", "because")),
        office.meter_keys(OTHER, "P1"),
        office.register_key(OTHER, "P1", 1, METER.key),
        office.dismiss(OTHER, "P1", "start/1", "because"),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_who_may_only_read_decides_nothing(office, service):
    await charge(service, 0, 4_076_000)
    reader = Scope("default", "staff:2", frozenset({"read"}))
    name = (await the_session(office, reader)).session
    with pytest.raises(Forbidden):
        await office.review(reader, name, Ruling("zero", "because"))
    with pytest.raises(Forbidden):
        await office.register_key(reader, "P1", 1, METER.key)


async def test_a_held_message_is_shown_until_somebody_has_looked_at_it(office, service):
    await service.ended(stop16("-1", T0, 2500))
    ((message,), sessions) = ((await office.held(NODE)).messages, (await office.held(NODE)).sessions)
    assert (message.held, message.key, sessions) == ("orphan", "stop/-1", ())
    assert '"registers": [[' in message.detail
    gone = await office.dismiss(NODE, "P1", "stop/-1", "a test by the installer")
    assert gone.dismissed_at == T0
    assert not (await office.held(NODE)).messages
    with pytest.raises(NotFound):
        await office.dismiss(NODE, "P1", "stop/7", "there is none")


async def test_a_signed_value_is_checked_with_the_key_of_its_time_and_kept(office, service):
    await office.register_key(NODE, "P1", 1, SigningMeter().key, since=0)
    await office.register_key(NODE, "P1", 1, METER.key, since=T0 - 5)
    await office.register_key(NODE, "P1", 1, SigningMeter().key, since=T0 + 9 * HOUR)
    assert len(await office.meter_keys(NODE, "P1")) == 3
    text = METER.whole((T0, 1000), (T0 + HOUR, 3008))
    await service.started(started("t1", 0, T0, 1000))
    service.clock._now = T0 + HOUR
    stop = ended("t1", 1, T0 + HOUR, 3000)
    await service.ended(replace(stop, samples=(replace(stop.samples[0], signed=text),)))
    detail = await office.detail(NODE, (await the_session(office)).session)
    assert (detail.evidence.session.wh, detail.evidence.records[0].signed) == (2008, "valid")
    (value,) = detail.evidence.signed
    assert (value.text, value.verdict, value.key) == (text, "valid", METER.key)


async def test_lists_by_filter_and_page(office, service):
    for number in range(5):
        service.clock._now = T0 + 100 * number
        await service.started(started(f"t{number}", 0, T0 + 100 * number, 1000, tag="CARD1" if number else "CARD9"))
    newest = await office.list(NODE, SessionQuery(limit=2))
    rest = await office.list(NODE, SessionQuery(after=newest[-1].session))
    assert [s.ocpp_transaction for s in (*newest, *rest)] == ["t4", "t3", "t2", "t1", "t0"]
    assert [s.ocpp_transaction for s in await office.list(NODE, SessionQuery(id_token="card9"))] == ["t0"]
    assert len(await office.list(NODE, SessionQuery(state="held"))) == 4
    assert len(await office.list(NODE, SessionQuery(since=T0 + 100, until=T0 + 300))) == 2
    assert not await office.list(NODE, SessionQuery(doubt="100%_"))


async def test_two_corrections_at_once_leave_one_record_standing(office, service):
    await charge(service, 0, 2000)
    name = (await the_session(office)).session
    rulings = [Ruling("registers", f"number {wh}", 0, wh) for wh in (500, 600, 700)]
    await asyncio.gather(*(office.correct(NODE, name, ruling) for ruling in rulings))
    records = (await office.detail(NODE, name)).evidence.records
    assert len(records) == 7
    assert sum(record.total_energy for record in records) == (await the_session(office)).wh
    with pytest.raises(Conflict):
        await office.review(NODE, name, Ruling("zero", "because"))


async def test_a_stop_after_the_decision_is_kept_and_shown(office, service):
    await service.started(started("t1", 0, T0, 1000))
    service.clock._now = T0 + HOUR
    await service.ended(ended("t1", 2, T0 + HOUR, 3000))
    service.clock._now = T0 + 3 * HOUR
    await service.housekeep()
    name = (await the_session(office)).session
    await office.review(NODE, name, Ruling("registers", "display", 1000, 2000))
    await service.updated(updated("t1", 1, T0 + 600, 2000))
    assert (await the_session(office)).wh == 1000
    assert [message.held for message in (await office.held(NODE)).messages] == ["ended before"]
    keys = [message.key for message in (await office.detail(NODE, name)).evidence.messages]
    assert sorted(keys) == ["t1/0", "t1/1", "t1/2"]


def test_an_answer_with_everything_in_it_is_given_again_as_it_was():
    granted = Authorisation(
        "Accepted", "G1", 5, 3, ("de", "zh"), (1, 2), Message("hello"), limit=TransactionLimit(energy_wh=9)
    )
    whole = TransactionAnswer(granted, "t1", 7, 1, Message("bye"), (Message("tschuess", "de"),), TransactionLimit(5))
    for answer in (whole, TransactionAnswer(Authorisation("Invalid"), "7"), TransactionAnswer(None, "7")):
        assert read_answer(write_answer(answer)) == answer
