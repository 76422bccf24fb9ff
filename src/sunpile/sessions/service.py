"""`Sessions`: hears the piles (`StationInbox`), serves drivers, stops who does not pay.

Thin: it draws random ids, asks the store for one unit of work around the pure core, and acts on what has become
durable. What has to happen later follows from the state in the store, so a restart forgets nothing.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sunpile.basics.errors import (
    ChainRefused,
    Conflict,
    Forbidden,
    InputInvalid,
    NotFound,
    PaymentRequired,
    Unreachable,
)
from sunpile.basics.ids import Address, DriverId, EvseId, IdToken, SessionId, StationId
from sunpile.basics.interval import Interval
from sunpile.basics.jobs import goes_on
from sunpile.basics.ports import Clock
from sunpile.basics.typed_data import Domain
from sunpile.basics.units import Nano, money
from sunpile.chargers.events import (
    Authorisation,
    Booted,
    MeterRead,
    StationEvent,
    StatusChanged,
    TransactionAnswer,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.sessions.authorise import Place, verdict
from sunpile.sessions.cdr import Cdr, Quote, credit_record, quote
from sunpile.sessions.guessing import Guessing
from sunpile.sessions.model import Channel, Driver, Pile, Session, SessionRules
from sunpile.sessions.ports import (
    Authorisation3009,
    ChannelChain,
    Decision,
    Desk,
    SessionStore,
    SourceMixes,
    StationCommands,
    StationQueues,
)
from sunpile.sessions.receipt import Co2Factors, SessionReceipt, make_receipt
from sunpile.sessions.session import Fresh, Review, Turn, decide
from sunpile.sessions.voucher import Voucher, accept, channel_id, due_cumulative, is_late, paid_of

QUEUE_PATIENCE = 24
"""How many times longer is waited where a station says that it has more to send."""
HOUSEKEEPING_S = 900
"""Between two rounds of overdue sessions and unpaid vouchers [s]."""
_NO_IDS = Fresh(SessionId(""), 0)
"""For events that open no session: random ids cost more than a meter value's decision."""
_FREE = ("Available", "Preparing", "Occupied", "SuspendedEV", "Reserved")


@dataclass(frozen=True, slots=True)
class Account:
    """A driver's session under way and the voucher it waits for."""

    session: Session
    """The session."""
    due_cumulative: Nano
    """Cumulative amount of the voucher to send next [nano]."""


@dataclass(frozen=True, slots=True)
class Started:
    """What a pile said to a remote start."""

    status: str
    """Accepted or Rejected."""
    remote_start_id: int
    """Number by which an OCPP 2.0.1 pile names this start."""
    price: int
    """Price of the session [micro/kWh]."""


class Sessions:
    """The chapter's entry. Everything it answers is durable."""

    def __init__(
        self,
        store: SessionStore,
        commands: StationCommands,
        clock: Clock,
        domain: Domain | None = None,
        payee: Address | None = None,
        chain: ChannelChain | None = None,
        mixes: SourceMixes | None = None,
        rules: SessionRules | None = None,
        factors: Co2Factors | None = None,
        changed: Callable[[Session], None] = lambda _session: None,
        guessing: Guessing | None = None,
        queues: StationQueues | None = None,
    ) -> None:
        """`domain` and `payee` belong to the `Channels` contract; without them nothing can be paid here.

        `changed` is called with each session that has become durable anew.
        """
        self.store, self.commands, self.clock = store, commands, clock
        self.domain, self.payee, self.chain, self.mixes = domain, payee, chain, mixes
        self.rules = rules or SessionRules()
        self.factors = factors or Co2Factors()
        self.changed = changed
        self.guessing = guessing or Guessing()
        self.queues = queues
        self._watches: dict[SessionId, asyncio.Task[None]] = {}

    # -- what piles say (StationInbox) --------------------------------------------------------------------------------

    async def authorise(
        self, station: StationId, id_token: IdToken, starts: bool = True, kind: str = ""
    ) -> Authorisation:
        """May who shows this token charge? `starts` is False where more is said before anything begins."""
        now = self.clock.now()
        if not self.guessing.allows(station, id_token, now):
            return Authorisation("Invalid")
        place = Place(station, None, now, starts=starts, kind=kind)
        answer = await self.store.look(lambda desk: verdict(desk, id_token, None, 0, place)[0])
        if answer.status in ("Invalid", "Unknown"):
            self.guessing.refused(station, id_token, now)
        elif answer.status == "Accepted":
            self.guessing.accepted(station, id_token)
        return answer

    async def booted(self, event: Booted) -> None:
        """A station starts anew; its sessions go on."""
        await self._decide(event)

    async def status_changed(self, event: StatusChanged) -> None:
        """A connector that is Available again has lost its session's stop, or will bring it late."""
        await self._decide(event)

    async def meter_read(self, event: MeterRead) -> None:
        """Keep register samples; the session that runs there moves on."""
        await self._decide(event)

    async def started(self, event: TransactionStarted) -> TransactionAnswer:
        """A transaction has begun."""
        return _answer(await self._decide(event))

    async def updated(self, event: TransactionUpdated) -> TransactionAnswer:
        """A transaction goes on."""
        return _answer(await self._decide(event))

    async def ended(self, event: TransactionEnded) -> TransactionAnswer:
        """A transaction has ended."""
        return _answer(await self._decide(event))

    async def _decide(self, event: StationEvent | Review) -> Decision:
        now = self.clock.now()
        fresh = _fresh() if isinstance(event, TransactionStarted | TransactionUpdated | TransactionEnded) else _NO_IDS
        station = None if isinstance(event, Review) else event.station
        decision = await self.store.transact(
            lambda desk: decide(Turn(desk, now, self.rules, fresh), event), now, station
        )
        for session in decision.sessions:
            self.changed(session)
            self._watch(session)
        return decision

    # -- what drivers ask ---------------------------------------------------------------------------------------------

    async def quote(self, station: StationId, evse: EvseId) -> Quote:
        """The offer of a pile now, shown before the start."""
        return quote(await self.store.look(lambda desk: _pile(desk, station, evse)), self.rules)

    async def open_channel(
        self,
        driver: DriverId,
        payer: Address,
        signer: Address,
        deposit: int,
        salt: bytes,
        authorisation: Authorisation3009,
    ) -> bytes:
        """Open a payment channel on chain with the payer's authorisation; returns its id. Safe to repeat."""
        if self.domain is None or self.payee is None or self.chain is None:
            raise Conflict("this node runs without a chain: no channel can be opened")
        if not 0 < deposit < 1 << 63 or len(salt) != 32:
            raise InputInvalid("a channel has a deposit from 1 to 2^63 - 1 nano and a salt of 32 bytes")
        name = channel_id(self.domain, payer, self.payee, signer, salt)
        known = await self.store.look(lambda desk: desk.channel(name))
        if known is not None:
            if known.driver != driver:
                raise Conflict("the channel belongs to another account")
            return name
        channel = Channel(name, driver, payer, self.payee, signer, salt, Nano(deposit))
        await self.chain.open(channel, authorisation)
        await self.store.save_channel(channel, self.clock.now())
        return name

    async def remote_start(self, driver: DriverId, id_token: IdToken, station: StationId, evse: EvseId) -> Started:
        """Ask a pile to start for a driver who can pay at least one step."""

        def check(desk: Desk) -> Pile:
            pile = _pile(desk, station, evse)
            if pile.status not in _FREE or any(s.open and s.evse == evse for s in desk.open_sessions(station)):
                raise Conflict(f"the pile is not free: {pile.status}")
            known = desk.driver_of(id_token)
            if known is None or known.driver != driver:
                raise Forbidden("the token is not this account's")
            _must_be_able_to_pay(desk, known, pile, self.rules)
            return pile

        pile = await self.store.look(check)
        number = secrets.randbelow((1 << 31) - 1) + 1
        status = await self.commands.remote_start(station, evse, id_token, number)
        return Started(status, number, pile.price)

    async def remote_stop(self, driver: DriverId, session: SessionId) -> str:
        """Ask the pile to stop a driver's own session: Accepted or Rejected."""
        found = await self.store.look(lambda desk: _own(desk, driver, session))
        if not found.open:
            raise Conflict(f"the session is {found.state}")
        return await self.commands.remote_stop(found.station, found.ocpp_transaction)

    async def active(self, driver: DriverId) -> Account | None:
        """A driver's session under way, and what is due."""

        def read(desk: Desk) -> Account | None:
            session = desk.active_of(driver)
            return self._account(desk, session) if session else None

        return await self.store.look(read)

    async def account(self, driver: DriverId, session: SessionId) -> Account:
        """A driver's session in any state, and what is due."""
        return await self.store.look(lambda desk: self._account(desk, _own(desk, driver, session)))

    async def accept_voucher(self, driver: DriverId, session: SessionId, cumulative: int, signature: bytes) -> Account:
        """Take a voucher for a session's channel. The newest one again changes nothing."""
        domain = self.domain
        if domain is None:
            raise Conflict("this node runs without a chain: no voucher can be taken")

        def core(desk: Desk) -> Decision:
            found = _own(desk, driver, session)
            channel = desk.channel(found.channel) if found.channel else None
            if channel is None:
                raise Conflict("the session has no payment channel")
            voucher = Voucher(channel.channel, Nano(cumulative), signature)
            due = due_cumulative(channel, found, self.rules)
            paid = accept(channel, voucher, domain, money(self.rules.min_delta_wh, found.price), due)
            if paid is channel:
                return Decision()
            return Decision(sessions=(_paid(paid, found, self.rules, self.clock.now()),), voucher=voucher)

        decision = await self.store.transact(core, self.clock.now())
        for changed in decision.sessions:
            self.changed(changed)
            self._watch(changed)
        return await self.account(driver, session)

    async def cdr(self, session: SessionId) -> Cdr | None:
        """The final record of a session, if it is closed."""
        return await self.store.cdr(session)

    async def credit(self, session: SessionId, remark: str) -> Cdr:
        """Take a closed record back by a credit record; once."""
        cdr = await self.store.cdr(session)
        if cdr is None:
            raise NotFound("the session has no closed record")
        known = await self.store.cdr(f"{session}-credit")
        if known is not None:
            return known
        credit = credit_record(cdr, self.clock.now(), remark)
        await self.store.transact(lambda _desk: Decision(cdrs=(credit,)), self.clock.now())
        return credit

    async def receipt(self, session: SessionId) -> SessionReceipt | None:
        """The receipt of a closed session, with the sources of all intervals that are settled."""
        cdr = await self.store.cdr(session)
        if cdr is None:
            return None
        pile = await self.store.look(lambda desk: desk.pile(StationId(cdr.location_id), EvseId(cdr.evse_uid)))
        mixes = {
            period.interval: await self.mixes.mix(pile.point, Interval(period.interval, cdr.interval_length))
            for period in cdr.charging_periods
            if self.mixes is not None and pile is not None and pile.point is not None
        }
        return make_receipt(cdr, mixes, self.factors)

    def _account(self, desk: Desk, session: Session) -> Account:
        channel = desk.channel(session.channel) if session.channel else None
        return Account(session, due_cumulative(channel, session, self.rules) if channel else Nano(0))

    # -- what time brings ---------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled: stop sessions whose voucher is late, review overdue ones, settle vouchers on chain."""
        try:
            while True:
                with self.clock.work(), goes_on("housekeeping of sessions"):
                    await self.housekeep()
                await self.clock.sleep_until(self.clock.now() // HOUSEKEEPING_S * HOUSEKEEPING_S + HOUSEKEEPING_S)
        finally:
            for task in self._watches.values():
                task.cancel()

    async def housekeep(self) -> None:
        """One round."""
        for session in await self.store.unsettled():
            with goes_on(f"session {session.session}"):
                self._watch(session)
                if self._overdue(session) and not await self._brings_more(session):
                    await self._decide(Review(session.session))
        await self.settle_channels()

    def _overdue(self, session: Session) -> bool:
        now = self.clock.now()
        if session.open and now - max(session.last_at, session.started_at) >= self.rules.silence_s:
            return True
        return session.waits_since is not None and now - session.waits_since >= self.rules.patience_s

    async def _brings_more(self, session: Session) -> bool:
        """True if a station says that messages of an ended session are still in its queue."""
        if self.queues is None or session.ended_at is None or session.contiguous or session.waits_since is None:
            return False
        if self.clock.now() - session.waits_since >= QUEUE_PATIENCE * self.rules.patience_s:
            return False
        return bool(await self.queues.messages_wait(session.station, session.ocpp_transaction))

    async def settle_channels(self) -> None:
        """Bring the newest vouchers of channels without an active session to the chain."""
        if self.chain is None:
            return
        for channel, voucher in await self.store.payable():
            try:
                await self.chain.settle(channel, voucher)
            except Unreachable:
                return  # the next round tries again: the voucher is kept
            except ChainRefused:
                continue  # one channel that the chain refuses must not hold up the others
            await self.store.settled(channel.channel, voucher.cumulative)

    async def channel_closing(self, channel: bytes, state: str = "closing") -> None:
        """The payer asked the chain to close: no more vouchers are taken, the newest one is settled at once."""
        await self.store.channel_closing(channel, state)
        await self.settle_channels()

    def _watch(self, session: Session) -> None:
        """Stop the pile at the end of the grace, unless a voucher comes before."""
        if session.late_since is None or not session.open:
            task = self._watches.pop(session.session, None)
            if task is not None and task is not asyncio.current_task():
                task.cancel()
        elif session.session not in self._watches:
            self._watches[session.session] = asyncio.create_task(self._stop_when_late(session))

    async def _stop_when_late(self, session: Session) -> None:
        assert session.late_since is not None
        when = session.late_since + self.rules.grace_s
        try:
            while True:
                await self.clock.sleep_until(when)
                with self.clock.work():
                    if not await self._stop_if_late(session.session):
                        return
                # The pile is asked again each grace: it may have been away or busy.
                when = self.clock.now() + self.rules.grace_s
        finally:
            if self._watches.get(session.session) is asyncio.current_task():
                del self._watches[session.session]

    async def _stop_if_late(self, name: SessionId) -> bool:
        session = await self.store.look(lambda desk: desk.by_id(name))
        if session is None or not session.open or session.late_since is None:
            return False
        if self.clock.now() - session.late_since >= self.rules.grace_s:
            try:
                await self.commands.remote_stop(session.station, session.ocpp_transaction)
            except Unreachable:
                return True
        return True


def _fresh() -> Fresh:
    return Fresh(SessionId(secrets.token_hex(12)), secrets.randbelow((1 << 31) - 1) + 1)


def _answer(decision: Decision) -> TransactionAnswer:
    assert decision.answer is not None
    return decision.answer


def _pile(desk: Desk, station: StationId, evse: EvseId) -> Pile:
    pile = desk.pile(station, evse)
    if pile is None:
        raise NotFound(f"there is no pile {station} with EVSE {evse}")
    return pile


def _own(desk: Desk, driver: DriverId, session: SessionId) -> Session:
    found = desk.by_id(session)
    if found is None or found.driver != driver:
        raise NotFound("this account has no such session")
    return found


def _must_be_able_to_pay(desk: Desk, driver: Driver, pile: Pile, rules: SessionRules) -> None:
    busy = desk.active_of(driver.driver)
    if busy is not None:
        raise Conflict(f"the account charges already: session {busy.session}")
    channel = desk.channel_of(driver.driver) if driver.pays else None
    step = money(rules.step_wh, pile.price)
    if driver.pays and (channel is None or channel.remaining < step):
        raise PaymentRequired(f"a payment channel with at least {step} nano left is needed", needed=step)


def _paid(channel: Channel, session: Session, rules: SessionRules, now: int) -> Session:
    late = is_late(channel, session, rules)
    paid = Nano(min(paid_of(channel, session.owed), session.owed))
    return session._replace(paid=paid, late_since=(session.late_since or now) if late else None)
