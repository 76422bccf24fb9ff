"""Sessions, registers, channels in SQL, on SQLite and PostgreSQL: the same story as in memory, durable."""

import asyncio

import pytest
from sqlalchemy import func, insert, select

from sessions.memory import HandClock, MemoryDesk, Piles, Story, channel, driver, pile
from sessions.talk import T0, clock, ended, meter, start16, started, status, stop16, updated
from sunpile.basics.interval import Interval
from sunpile.basics.keys import Key
from sunpile.sessions import Sessions
from sunpile.sessions.model import Session
from sunpile.sessions.voucher import channels_domain, sign_voucher
from sunpile.store.database import Database
from sunpile.store.session_desk import SqlDesk, write_session
from sunpile.store.sessions import SessionDatabase
from sunpile.store.tables import connectors, drivers, register_borders, registers, session_messages, stations
from sunpile.store.tables import sessions as sessions_table

KEY = Key.from_seed("session key")
DOMAIN = channels_domain(31_337, "0x" + "cc" * 20)
STEP = 100 * 300_000


@pytest.fixture
async def store(database: Database) -> SessionDatabase:
    def fill(c):
        c.execute(insert(stations).values(station="P1", password_salt=b"", password_hash=b"", max_w=11_000))
        for evse, point in ((1, 7), (2, 8)):
            c.execute(insert(connectors).values(station="P1", evse=evse, point=point, status="Available"))
        for name, token, pays in (("d1", "CARD1", True), ("d2", "CARD2", True), ("owner", "OWNER", False)):
            c.execute(insert(drivers).values(driver=name, id_token=token, pays=pays, created_at=T0))

    await database.write(fill)
    kept = SessionDatabase(database)
    await kept.set_price("P1", 1, 300_000)
    await kept.save_channel(channel(KEY.address), T0)
    return kept


@pytest.fixture
def service(store) -> Sessions:
    return Sessions(store, Piles(), HandClock(T0), DOMAIN, "0x" + "22" * 20)


async def test_a_story_in_sql_ends_as_in_memory(store, service):
    events = [
        started("t1", 0, T0, 1000),
        updated("t1", 1, T0 + 300, 1500),
        clock(T0 + 900, 2500),
        status(T0 + 950, "Charging"),
        ended("t1", 3, T0 + 1200, 3000),
        updated("t1", 2, T0 + 600, 2000),
        ended("t1", 3, T0 + 1200, 3000),
    ]
    memory = Story(MemoryDesk([pile()], [driver()], [channel(KEY.address)]), now=T0)
    service.clock._now = T0 + 1200
    for event in events:
        expected = memory.tell(event, T0 + 1200).answer
        kind = type(event).__name__
        call = {
            "TransactionStarted": service.started,
            "TransactionUpdated": service.updated,
            "TransactionEnded": service.ended,
            "MeterRead": service.meter_read,
            "StatusChanged": service.status_changed,
        }[kind]
        assert await call(event) == expected
    (told,) = memory.desk.sessions.values()
    kept = await store.look(lambda desk: desk.by_transaction("P1", "t1"))
    assert kept.state == "ended"
    assert (kept.wh, kept.owed, kept.paid, kept.channel) == (told.wh, told.owed, told.paid, told.channel)
    record, other = await store.cdr(kept.session), memory.desk.records[told.session]
    assert record.charging_periods == other.charging_periods
    assert (await store.look(lambda desk: desk.channel(kept.channel))).owed == kept.owed


def test_every_field_of_a_session_survives(database):
    whole = Session(
        "s1", "P1", 1, "t1", 300_000, T0, T0 + 5, "held", False, False, "d1", "CARD1", b"\x01" * 32, T0 + 9, 1, 2, 3,
        4, 5, 6, 0, 7, ((0, 3), (5, 7)), T0, T0 + 1, "Local", "gap in messages", frozenset({"a", "b"}),
    )  # fmt: skip
    with database.engine.begin() as connection:
        connection.execute(insert(sessions_table).values(write_session(whole)))
        assert SqlDesk(connection).by_id("s1") == whole


async def test_the_same_message_over_two_sockets_at_once_opens_one_session(store, service, database):
    answers = await asyncio.gather(*(service.started(start16(T0, 1000)) for _ in range(10)))
    assert len({answer.ocpp_transaction for answer in answers}) == 1
    assert await database.read(lambda c: c.scalar(select(func.count()).select_from(sessions_table))) == 1
    assert await database.read(lambda c: c.scalar(select(func.count()).select_from(session_messages))) == 1


async def test_events_that_wait_side_by_side_see_one_another_and_each_has_its_own_answer(store, service, database):
    number = (await service.started(start16(T0, 0))).ocpp_transaction
    (session,) = await store.unsettled()
    service.clock._now = T0 + 600
    vouchers = [sign_voucher(KEY, DOMAIN, session.channel, STEP * n) for n in (1, 2, 1)]
    told = [service.meter_read(meter(T0 + 60 * n, 50 * n)) for n in range(1, 6)]
    given = [service.accept_voucher("d1", session.session, v.cumulative, v.signature) for v in vouchers]
    stop = service.ended(stop16(number, T0 + 400, 300))
    results = await asyncio.gather(
        *told, *given, stop, service.meter_read(meter(T0 + 350, 290)), return_exceptions=True
    )
    assert [type(result).__name__ for result in results if isinstance(result, Exception)] == ["VoucherInvalid"]
    kept = await store.look(lambda desk: desk.by_id(session.session))
    known = await store.look(lambda desk: desk.channel(session.channel))
    assert (kept.state, kept.wh, kept.owed) == ("ended", 300, 3 * STEP)
    assert (known.owed, known.best, kept.paid) == (3 * STEP, 2 * STEP, 2 * STEP)
    assert await database.read(lambda c: c.scalar(select(func.count()).select_from(registers))) == 8


async def test_a_decision_that_fails_leaves_nothing_behind(store, service, database, monkeypatch):
    async def count(table):
        return await database.read(lambda c: c.scalar(select(func.count()).select_from(table)))

    def broken(*_):
        raise RuntimeError("disk")

    monkeypatch.setattr("sunpile.store.session_desk.write_session", broken)
    with pytest.raises(RuntimeError):
        await service.started(start16(T0, 1000))
    assert [await count(t) for t in (session_messages, registers, sessions_table)] == [0, 0, 0]


async def test_answered_messages_survive_a_restart(store, service, database_url):
    number = (await service.started(start16(T0, 1000))).ocpp_transaction
    other = Database(database_url)
    again = Sessions(SessionDatabase(other), Piles(), HandClock(T0 + 900), DOMAIN)
    assert (await again.started(start16(T0, 1000))).ocpp_transaction == number
    await again.ended(stop16(number, T0 + 900, 2000))
    kept = await store.look(lambda desk: desk.by_transaction("P1", number))
    assert (kept.state, kept.wh) == ("ended", 1000)
    other.close()


async def test_tokens_are_found_without_regard_to_case(store):
    assert (await store.look(lambda desk: desk.driver_of("card1"))).driver == "d1"
    assert await store.look(lambda desk: desk.driver_of("CARD9")) is None
    assert (await store.look(lambda desk: desk.driver_of("OWNER"))).pays is False


async def test_vouchers_move_the_channel_and_are_payable_after_the_session(store, service):
    number = (await service.started(start16(T0, 0))).ocpp_transaction
    (session,) = await store.unsettled()
    for cumulative in (STEP, 2 * STEP, 2 * STEP):
        signed = sign_voucher(KEY, DOMAIN, session.channel, cumulative)
        await service.accept_voucher("d1", session.session, cumulative, signed.signature)
    assert (await store.look(lambda desk: desk.channel(session.channel))).best == 2 * STEP
    assert not await store.payable()
    service.clock._now = T0 + 300
    await service.ended(stop16(number, T0 + 300, 150))
    ((known, voucher),) = await store.payable()
    assert (known.channel, voucher.cumulative) == (session.channel, 2 * STEP)
    assert voucher.signature == sign_voucher(KEY, DOMAIN, session.channel, 2 * STEP).signature
    await store.settled(known.channel, voucher.cumulative)
    assert not await store.payable()
    assert (await store.look(lambda desk: desk.channel(session.channel))).settled == 2 * STEP


async def test_a_closing_channel_is_payable_at_once_and_not_offered_again(store, service):
    await service.started(start16(T0, 0))
    (session,) = await store.unsettled()
    await service.accept_voucher(
        "d1", session.session, STEP, sign_voucher(KEY, DOMAIN, session.channel, STEP).signature
    )
    await store.channel_closing(session.channel, "closing")
    assert len(await store.payable()) == 1
    assert await store.look(lambda desk: desk.channel_of("d1")) is None


# -- energy of an interval --------------------------------------------------------------------------------------------

FIRST, SECOND = Interval(T0 // 900), Interval(T0 // 900 + 1)


async def test_an_interval_is_told_for_every_evse_with_a_point(store, service):
    for event in (clock(T0, 500), clock(T0 + 900, 500), clock(T0, 0, evse=2), meter(T0 + 600, 900, evse=2)):
        service.clock._now = T0 + 900
        await service.meter_read(event)
    assert await store.pile_energy(FIRST) == {("P1", 1): 0, ("P1", 2): None}
    await service.meter_read(clock(T0 + 900, 1500, evse=2))
    assert await store.pile_energy(FIRST) == {("P1", 1): 0, ("P1", 2): 1500}


async def test_what_was_told_stays_and_the_next_interval_makes_up_for_it(store, service, database):
    service.clock._now = T0 + 2000
    for at, wh in ((0, 0), (600, 0), (1200, 1000), (1800, 1500)):
        await service.meter_read(meter(T0 + at, wh))
    assert (await store.pile_energy(FIRST))["P1", 1] == 500
    await service.meter_read(clock(T0 + 900, 100))
    assert (await store.pile_energy(FIRST))["P1", 1] == 500
    assert (await store.pile_energy(SECOND))["P1", 1] == 1000
    rows = await database.read(lambda c: c.execute(select(register_borders).order_by(register_borders.c.at)).all())
    assert [(row.at - T0, row.wh, row.energy) for row in rows] == [(0, 0, None), (900, 500, 500), (1800, 1500, 1000)]


async def test_an_interval_told_late_ends_where_the_next_one_began(store, service):
    service.clock._now = T0 + 2000
    for at, wh in ((-900, 0), (1000, 1900), (1800, 2700)):
        await service.meter_read(meter(T0 + at, wh))
    second = (await store.pile_energy(SECOND))["P1", 1]
    await service.meter_read(clock(T0 + 450, 1000))
    first = (await store.pile_energy(FIRST))["P1", 1]
    before = (await store.pile_energy(Interval(FIRST.index - 1)))["P1", 1]
    assert before + first + second == 2700


async def test_a_pile_that_was_away_is_read_from_its_nearest_samples(store, service):
    service.clock._now = T0 + 10 * 86_400
    await service.meter_read(clock(T0 - 5 * 86_400, 100))
    await service.meter_read(clock(T0 + 5 * 86_400, 10_100))
    energy = [(await store.pile_energy(Interval(FIRST.index + i)))["P1", 1] for i in range(3)]
    assert all(10 <= wh <= 11 for wh in energy)


async def test_a_sample_that_comes_again_changes_nothing(store, service, database):
    for now in (T0, T0 + 500):
        service.clock._now = now
        await service.meter_read(clock(T0, 500))
    rows = await database.read(lambda c: c.execute(select(registers)).all())
    assert [(row.taken_at, row.received_at) for row in rows] == [(T0, T0)]
