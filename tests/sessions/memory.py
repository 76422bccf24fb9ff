"""The chapter's store in memory, a clock that is moved by hand, and piles that obey."""

import asyncio
import contextlib
import heapq
import itertools

from sunpile.basics.errors import PileUnreachable
from sunpile.sessions.model import Channel, Driver, Pile, SessionRules
from sunpile.sessions.ports import Seen
from sunpile.sessions.session import Fresh, Turn, decide, with_owed


class MemoryDesk:
    """`Desk` on dictionaries, and what keeps a decision there."""

    def __init__(self, piles=(), drivers=(), channels=()):
        self.piles = {(p.station, p.evse): p for p in piles}
        self.drivers = {d.id_token: d for d in drivers}
        self.channels = {c.channel: c for c in channels}
        self.costs = {}
        self.messages, self.sessions, self.registers, self.records, self.vouchers = {}, {}, {}, {}, {}
        self.keys, self.signed, self.rulings = {}, {}, []

    def seen(self, station, key):
        message, answer = self.messages.get((station, key), (None, None))
        return Seen(message.body_hash, answer) if message else None

    def pile(self, station, evse):
        return self.piles.get((station, evse))

    def open_sessions(self, station):
        return [s for s in self.sessions.values() if s.station == station and s.state in ("active", "waiting")]

    def by_transaction(self, station, ocpp_transaction):
        mine = (s for s in self.sessions.values() if s.station == station)
        return next((s for s in mine if s.ocpp_transaction == ocpp_transaction), None)

    def by_id(self, session):
        return self.sessions.get(session)

    def driver_of(self, id_token):
        return self.drivers.get(id_token.upper())

    def shown(self, id_token, station, evse, at, this):
        return None

    def channel_of(self, driver):
        return next((c for c in self.channels.values() if c.driver == driver and c.state == "open"), None)

    def channel(self, channel):
        return self.channels.get(channel)

    def active_of(self, driver):
        return next((s for s in self.sessions.values() if s.driver == driver and s.open), None)

    def samples(self, station, evse, since, until):
        kept = self.registers.get((station, evse), {}).values()
        return [s for s in kept if since <= s.taken_at <= until]

    def meter_key(self, station, evse, at):
        return self.keys.get((station, evse))

    def signed_values(self, session):
        return [value for value in self.signed.values() if value.session == session]

    def signed_by(self, digest):
        known = self.signed.get(digest)
        return known.session if known else None

    def records_of(self, session):
        return [record for record in self.records.values() if record.session_id == session]

    def cost(self, session, register):
        return self.costs.get(session.session)

    def keep(self, decision):
        for value in decision.signed:
            self.signed.setdefault(value.digest, value)
        self.rulings += decision.rulings
        if decision.message:
            slot = (decision.message.station, decision.message.key)
            assert slot not in self.messages
            self.messages[slot] = (decision.message, decision.answer)
        for station, evse, sample in decision.samples:
            self.registers.setdefault((station, evse), {}).setdefault((sample.at, sample.wh), sample)
        for session in decision.sessions:
            channel = self.channels.get(session.channel)
            if channel:
                self.channels[channel.channel] = with_owed(channel, self.sessions.get(session.session), session.owed)
            assert not any("," in doubt for doubt in session.doubts), "the store joins doubts by commas"
            self.sessions[session.session] = session
        for cdr in decision.cdrs:
            assert cdr.id not in self.records
            self.records[cdr.id] = cdr
        if decision.voucher:
            channel = self.channels[decision.voucher.channel]
            self.channels[channel.channel] = channel._replace(best=decision.voucher.cumulative)
            self.vouchers[channel.channel, decision.voucher.cumulative] = decision.voucher
        return decision


class Story:
    """Events told one after the other."""

    def __init__(self, desk, rules=None, now=1_700_000_000):
        self.desk, self.rules, self.now = desk, rules or SessionRules(), now
        self._numbers = itertools.count(1001)

    def tell(self, event, now=None):
        self.now = now if now is not None else self.now
        number = next(self._numbers)
        turn = Turn(self.desk, self.now, self.rules, Fresh(f"s{number}", number))
        return self.desk.keep(decide(turn, event))


class MemoryStore:
    """`SessionStore` on a `MemoryDesk`."""

    def __init__(self, desk):
        self.desk = desk

    async def transact(self, core, now, station=None):
        return self.desk.keep(core(self.desk))

    async def look(self, reader):
        return reader(self.desk)

    async def unsettled(self):
        return [s for s in self.desk.sessions.values() if s.state in ("active", "waiting")]

    async def cdr(self, cdr):
        return self.desk.records.get(cdr)

    async def save_channel(self, channel, now):
        self.desk.channels.setdefault(channel.channel, channel)

    async def channel_closing(self, channel, state):
        self.desk.channels[channel] = self.desk.channels[channel]._replace(state=state)

    async def payable(self):
        busy = {s.channel for s in self.desk.sessions.values() if s.open}
        due = [c for c in self.desk.channels.values() if c.best > c.settled]
        return [
            (c, self.desk.vouchers[c.channel, c.best]) for c in due if c.state == "closing" or c.channel not in busy
        ]

    async def settled(self, channel, cumulative):
        self.desk.channels[channel] = self.desk.channels[channel]._replace(settled=cumulative)

    async def pile_energy(self, interval):
        return {}


class HandClock:
    """A clock that a test moves."""

    def __init__(self, now=1_700_000_000):
        self._now, self._sleepers, self._order = now, [], itertools.count()

    def now(self):
        return self._now

    async def sleep_until(self, when):
        if when <= self._now:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (when, next(self._order), woken))
        await woken

    @contextlib.contextmanager
    def work(self):
        yield

    async def move(self, seconds):
        """Let time pass; who sleeps wakes in order."""
        until = self._now + seconds
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            self._now, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
            await self.settle()
        self._now = until

    async def settle(self):
        for _ in range(20):
            await asyncio.sleep(0)


class Piles:
    """`StationCommands` that remember what was asked."""

    def __init__(self):
        self.asked, self.reachable = [], True

    async def remote_start(self, station, evse, id_token, remote_start_id):
        self.asked.append(("start", station, evse, id_token))
        return "Accepted"

    async def remote_stop(self, station, ocpp_transaction):
        self.asked.append(("stop", station, ocpp_transaction))
        if not self.reachable:
            raise PileUnreachable(f"{station} is not connected")
        return "Accepted"


PAYER, PAYEE = "0x" + "11" * 20, "0x" + "22" * 20


def pile(station="P1", evse=1, max_w=11_000, price=300_000, point=7, status="Available"):
    return Pile(station, evse, max_w, price, point, status)


def driver(name="d1", token="CARD1", pays=True):
    return Driver(name, token, pays)


def channel(signer, owner="d1", deposit=10**10, name=b"\x01" * 32, **more):
    return Channel(name, owner, PAYER, PAYEE, signer, b"\x05" * 32, deposit, **more)
