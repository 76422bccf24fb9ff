"""The service: what drivers ask, and what time brings."""

import asyncio

import pytest

from sessions.memory import PAYEE, PAYER, HandClock, MemoryDesk, MemoryStore, Piles, channel, driver, pile
from sessions.talk import meter, start16, stop16
from sunpile.basics.errors import (
    ChainRefused,
    ChainUnreachable,
    Conflict,
    Forbidden,
    NotFound,
    PaymentRequired,
    VoucherInvalid,
)
from sunpile.basics.keys import Key
from sunpile.sessions import Sessions
from sunpile.sessions.ports import Authorisation3009
from sunpile.sessions.receipt import SourceMix
from sunpile.sessions.voucher import channel_id, channels_domain, sign_voucher

KEY = Key.from_seed("session key")
DOMAIN = channels_domain(31_337, "0x" + "cc" * 20)
STEP = 100 * 300_000
"""One voucher step at the pile's price."""


class Chain:
    def __init__(self):
        self.opened, self.settled, self.reachable, self.refuses = [], [], True, False

    async def open(self, channel, authorisation):
        self.opened.append(channel)

    async def settle(self, channel, voucher):
        if not self.reachable:
            raise ChainUnreachable("no chain")
        if self.refuses:
            raise ChainRefused("channel: closed")
        self.settled.append((channel.channel, voucher.cumulative))


class Mixes:
    async def mix(self, point, interval):
        return SourceMix(1000, 0, 1000, 400_000)


class Town:
    """A node's chapter with everything around it."""

    def __init__(self):
        self.desk = MemoryDesk([pile(), pile(station="P2", point=None)], [driver(), driver("d2", "CARD2")])
        known = channel(KEY.address)
        self.desk.channels[known.channel] = known
        self.channel = known.channel
        self.clock, self.piles, self.chain, self.seen = HandClock(), Piles(), Chain(), []
        self.sessions = Sessions(
            MemoryStore(self.desk), self.piles, self.clock, DOMAIN, PAYEE, self.chain, Mixes(), changed=self.seen.append
        )

    async def start(self, wh=0):
        answer = await self.sessions.started(start16(self.clock.now(), wh))
        return answer.ocpp_transaction

    async def meter(self, wh, number):
        await self.sessions.meter_read(meter(self.clock.now(), wh, transaction=number))

    async def pay(self, cumulative, key=KEY):
        signed = sign_voucher(key, DOMAIN, self.channel, cumulative)
        (session,) = [s for s in self.desk.sessions.values() if s.driver == "d1"]
        return await self.sessions.accept_voucher("d1", session.session, cumulative, signed.signature)


@pytest.fixture
async def town():
    built = Town()
    built.task = asyncio.create_task(built.sessions.run())
    yield built
    built.task.cancel()


async def test_a_driver_sees_the_price_before_the_start(town):
    offer = await town.sessions.quote("P1", 1)
    assert (offer.price, offer.step_nano, offer.status) == (300_000, STEP, "Available")
    with pytest.raises(NotFound):
        await town.sessions.quote("P1", 5)


async def test_a_remote_start_asks_the_pile(town):
    begun = await town.sessions.remote_start("d1", "CARD1", "P1", 1)
    assert begun.status == "Accepted"
    assert town.piles.asked == [("start", "P1", 1, "CARD1")]


async def test_a_remote_start_is_refused_with_its_reason(town):
    with pytest.raises(PaymentRequired, match="30000000 nano"):
        await town.sessions.remote_start("d2", "CARD2", "P1", 1)
    with pytest.raises(Forbidden):
        await town.sessions.remote_start("d2", "CARD1", "P1", 1)
    town.desk.piles["P2", 1] = pile(station="P2", status="Faulted")
    with pytest.raises(Conflict, match="Faulted"):
        await town.sessions.remote_start("d1", "CARD1", "P2", 1)
    await town.start()
    with pytest.raises(Conflict, match="not free"):
        await town.sessions.remote_start("d1", "CARD1", "P1", 1)
    town.desk.piles["P2", 1] = pile(station="P2")
    with pytest.raises(Conflict, match="charges already"):
        await town.sessions.remote_start("d1", "CARD1", "P2", 1)
    assert not town.piles.asked


async def test_voucher_by_voucher_the_session_goes_on(town):
    number = await town.start()
    for minute in range(1, 31):
        account = await town.sessions.active("d1")
        await town.pay(account.due_cumulative)
        await town.clock.move(60)
        await town.meter(minute * 100, number)
    assert not town.piles.asked
    session = (await town.sessions.active("d1")).session
    assert (session.owed, session.paid, session.late_since) == (30 * STEP, 30 * STEP, None)
    await town.sessions.ended(stop16(number, town.clock.now(), 3000))
    assert await town.sessions.active("d1") is None
    account = await town.sessions.account("d1", session.session)
    assert account.due_cumulative == account.session.owed == 30 * STEP


async def test_the_pile_stops_when_the_next_voucher_is_late(town):
    number = await town.start()
    await town.meter(100, number)
    await town.clock.move(120)
    assert not town.piles.asked
    await town.meter(150, number)
    await town.clock.move(59)
    assert not town.piles.asked
    await town.clock.move(1)
    assert town.piles.asked == [("stop", "P1", number)]


async def test_a_voucher_within_the_grace_keeps_it_going(town):
    number = await town.start()
    await town.clock.move(60)
    await town.meter(150, number)
    await town.clock.move(59)
    account = await town.pay(STEP)
    assert account.session.late_since is None
    await town.clock.move(600)
    assert not town.piles.asked


async def test_an_unreachable_pile_is_asked_again_each_grace(town):
    number = await town.start()
    await town.clock.move(60)
    town.piles.reachable = False
    await town.meter(150, number)
    await town.clock.move(60)
    await town.clock.move(60)
    assert len(town.piles.asked) == 2
    await town.sessions.ended(stop16(number, town.clock.now(), 200))
    await town.clock.move(600)
    assert len(town.piles.asked) == 2


async def test_after_a_restart_a_late_session_is_still_stopped(town):
    number = await town.start()
    await town.clock.move(60)
    await town.meter(150, number)
    again = Sessions(MemoryStore(town.desk), town.piles, town.clock, DOMAIN, PAYEE, town.chain)
    town.task.cancel()
    task = asyncio.create_task(again.run())
    await town.clock.move(60)
    assert town.piles.asked == [("stop", "P1", number)]
    task.cancel()


async def test_who_is_not_known_is_stopped(town):
    await town.sessions.started(start16(town.clock.now(), 0, tag="NOBODY"))
    await town.clock.move(60)
    assert [asked[0] for asked in town.piles.asked] == ["stop"]


async def test_a_deposit_that_is_used_up_ends_the_session(town):
    town.desk.channels[town.channel] = town.desk.channels[town.channel]._replace(deposit=STEP)
    number = await town.start()
    await town.pay(STEP)
    await town.clock.move(60)
    await town.meter(101, number)
    await town.clock.move(60)
    assert town.piles.asked == [("stop", "P1", number)]


async def test_a_voucher_of_somebody_else_is_refused(town):
    await town.start()
    with pytest.raises(VoucherInvalid):
        await town.pay(STEP, key=Key.from_seed("stranger"))
    (session,) = town.desk.sessions
    with pytest.raises(NotFound):
        await town.sessions.accept_voucher("d2", session, STEP, bytes(65))


async def test_the_newest_voucher_is_settled_on_chain_after_the_session_once(town):
    number = await town.start()
    await town.pay(STEP)
    await town.pay(2 * STEP)
    await town.sessions.settle_channels()
    assert not town.chain.settled
    await town.sessions.ended(stop16(number, town.clock.now() + 60, 150))
    town.chain.reachable = False
    await town.sessions.settle_channels()
    town.chain.reachable = True
    await town.clock.move(900)
    await town.clock.move(900)
    assert town.chain.settled == [(town.channel, 2 * STEP)]


async def test_a_channel_that_the_chain_refuses_does_not_stop_the_others(town):
    number = await town.start()
    await town.pay(STEP)
    await town.sessions.ended(stop16(number, town.clock.now() + 60, 50))
    town.chain.refuses = True
    await town.sessions.settle_channels()
    assert not town.task.done()
    town.chain.refuses = False
    await town.clock.move(900)
    assert town.chain.settled == [(town.channel, STEP)]


async def test_a_closing_channel_is_settled_at_once_and_the_session_stopped(town):
    number = await town.start()
    await town.pay(STEP)
    await town.sessions.channel_closing(town.channel)
    assert town.chain.settled == [(town.channel, STEP)]
    await town.clock.move(60)
    await town.meter(150, number)
    await town.clock.move(60)
    assert town.piles.asked == [("stop", "P1", number)]


async def test_a_channel_is_opened_once_with_the_id_of_the_contract(town):
    salt = b"\x09" * 32
    signed = Authorisation3009(0, 2**40, bytes(65))
    for _ in range(2):
        name = await town.sessions.open_channel("d2", PAYER, KEY.address, 5 * STEP, salt, signed)
    assert name == channel_id(DOMAIN, PAYER, PAYEE, KEY.address, salt)
    assert len(town.chain.opened) == 1
    assert (await town.sessions.remote_start("d2", "CARD2", "P1", 1)).status == "Accepted"
    with pytest.raises(Conflict, match="another account"):
        await town.sessions.open_channel("d1", PAYER, KEY.address, 5 * STEP, salt, signed)


async def test_the_receipt_and_a_credit_record(town):
    number = await town.start()
    (name,) = town.desk.sessions
    assert await town.sessions.receipt(name) is None
    with pytest.raises(NotFound):
        await town.sessions.credit(name, "too early")
    await town.clock.move(600)
    await town.sessions.ended(stop16(number, town.clock.now(), 1000))
    receipt = await town.sessions.receipt(name)
    assert sum(line.roof for line in receipt.lines) + sum(line.grid for line in receipt.lines) == receipt.wh == 1000
    assert receipt.saving == 1000 * 100_000
    one, two = await town.sessions.credit(name, "wrong"), await town.sessions.credit(name, "wrong")
    assert one == two
    assert one.total_energy == -1000


async def test_changes_are_told_once_they_are_durable(town):
    await town.start()
    assert [s.state for s in town.seen] == ["active"]
