"""The interval loop of a node: readings, proposal, signatures, chain, bills; one interval after another.

What to do next is decided by `settlement.round`; here it is done. Every step is kept before the next, so a killed node
goes on with the same proposal, the same signatures, the same transaction.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from sunpile.basics.errors import ChainRefused, Unreachable
from sunpile.basics.ids import Address, ZoneId
from sunpile.basics.interval import Interval
from sunpile.basics.ports import Clock
from sunpile.basics.units import Nano
from sunpile.chain import Receipt
from sunpile.settlement.archive import Kept
from sunpile.settlement.batch import LateBatch
from sunpile.settlement.bill import Bill, bills, late_bills
from sunpile.settlement.collect import Answers
from sunpile.settlement.council import Attestation, attest, quorum
from sunpile.settlement.late import LateProposal, build_late
from sunpile.settlement.proposal import Proposal, build, clear_interval
from sunpile.settlement.round import RETRY, Propose, RoundState, Submit, Void, Wait, after_proposal, decide
from sunpile.store.settlement import SettlementStore, StoredBatch, StoredLate
from sunpile.wiring.chain_side import ChainSide
from sunpile.wiring.council_client import CouncilClient
from sunpile.wiring.readings import Readings

log = logging.getLogger("sunpile.interval")
UNREACHABLE_SECONDS = 0.5
ABSENT_SECONDS = 10.0
"""Real seconds in which members that are starting again are waited for; a town's time stands still meanwhile."""
RETRY_MAX = 60
"""Seconds between two rounds at most, however long there is no quorum."""
LATE_LOOK_BACK = 96
"""Settled intervals that are looked through for late readings when a node starts."""
Changed = Callable[[int, str], Awaitable[None]]
"""Told (interval, state) of every batch that gets further."""


@dataclass
class IntervalLoop:
    """Settles the zone's intervals, each once, and late energy behind them."""

    zone: ZoneId
    length: int
    """Interval length [s]."""
    grace: int
    """Seconds after an interval in which readings may come."""
    clock: Clock
    chain: ChainSide
    store: SettlementStore
    readings: Readings
    council: CouncilClient
    changed: Changed
    late: set[int] = field(default_factory=set[int])
    """Settled intervals that have, or may get, late readings."""
    _recalled: bool = False
    _patience: float = ABSENT_SECONDS
    """Real seconds left to wait for members that are away, until there is a quorum again."""

    async def run(self) -> None:
        """Until cancelled."""
        state: RoundState | None = None
        while True:
            wait = None if state is None else decide(state, self.clock.now())
            if isinstance(wait, Wait):
                await self.clock.sleep_until(wait.until)
            with self.clock.work():
                state, pause = await self._turn(state)
            if pause:
                await self.clock.sleep_until(self.clock.now() + max(RETRY, self.length // 10))

    async def _turn(self, state: RoundState | None) -> tuple[RoundState | None, bool]:
        """One step: the state after it (None = look again), and whether to wait before the next."""
        try:
            if state is None:
                state = await self._fresh()
                await self._recall_late(state.next_interval)
            step = decide(state, self.clock.now())
            return (state if isinstance(step, Wait) else await self._do(step, state)), False
        except Unreachable as fault:
            log.warning("%s; trying again", fault.detail)
            # The chain or the store is away, not the town: real time must pass, virtual time must not.
            await asyncio.sleep(UNREACHABLE_SECONDS)
            return None, False
        except ChainRefused as fault:
            log.warning("the contracts refused: %s; waiting", fault.reason)
            return None, True

    async def _recall_late(self, upcoming: int) -> None:
        """After a start: which settled intervals may have late readings."""
        if not self._recalled:
            first = max(upcoming - LATE_LOOK_BACK, 0)
            self.late.update(await self.store.intervals_with_readings(first, upcoming - 1))
            self._recalled = True

    async def _take_up(self, upcoming: int) -> None:
        """Finish what was sent and settled without our seeing it: the node or the chain went down in between."""
        for stored in await self.store.under_way(self.zone, upcoming):
            if await self.chain.reader.digest(self.zone, stored.interval) == stored.digest:
                # The same content again: its receipt comes back, nothing is sent twice.
                await self._settled(stored, await self._send(stored))

    async def _do(self, step: Propose | Submit | Void, state: RoundState) -> RoundState:
        if isinstance(step, Propose):
            return await self._propose(step, state)
        if isinstance(step, Submit):
            return await self._submit(step, state)
        await self._void(step.interval)
        return await self._fresh()

    async def _fresh(self) -> RoundState:
        """The state as chain and store have it: also what a restarted node begins with."""
        interval = await self.chain.reader.next_interval(self.zone)
        if not interval:
            interval = Interval.at(self.clock.now(), self.length).index + 1
        await self._take_up(interval)
        state = RoundState(next_interval=interval, length=self.length, grace=self.grace)
        stored = await self.store.batch(self.zone, interval)
        if stored is None or stored.state == "voided":
            return state
        signed = len(stored.signatures) if stored.state in ("attested", "sent") else 0
        seats = await self.chain.reader.seats_of(interval, self.length)
        rounds = stored.round + 1 if signed else stored.round
        return replace(state, proposed=rounds, signatures=signed, needed=quorum(len(seats)))

    # -- propose ------------------------------------------------------------------------------------------------

    async def _propose(self, step: Propose, state: RoundState) -> RoundState:
        stored = await self.store.batch(self.zone, step.interval, step.round)
        if stored is not None:
            kept = stored.kept
        else:
            await self.readings.collect(Interval(step.interval, self.length))
            facts = await self.chain.reader.facts(self.zone, step.interval)
            kept = Kept(facts, build(facts, await self.store.held(step.interval), step.round))
            await self.store.put_batch(kept, self.clock.now())
        seats = await self.chain.reader.seats_of(step.interval, self.length)
        answers = await self._ask(kept.proposal, seats)
        await self.readings.take(answers.lacking)
        signatures = dict(answers.attestation.signatures)
        await self.store.answers(self.zone, step.interval, step.round, signatures, answers.refusals)
        if answers.enough:
            await self.store.set_batch(self.zone, step.interval, step.round, "attested")
        else:
            log.warning("interval %d round %d: no quorum: %s", step.interval, step.round, answers.refusals)
        await self.changed(step.interval, "proposed")
        after = after_proposal(state, step.round, self.clock.now(), len(signatures))
        if answers.enough:
            return replace(after, needed=quorum(len(seats)))
        # Nobody said no: the same proposal is asked for again, at longer and longer intervals. Else it is built anew.
        return replace(
            after, needed=quorum(len(seats)), again=only_absent(answers), retry=min(RETRY_MAX, 2 * state.retry)
        )

    async def _ask(self, proposal: Proposal | LateProposal, seats: Sequence[Address]) -> Answers:
        """Ask the council; where a quorum only fails for members that are away, give them some real time to return."""
        answers = await self.council.ask(proposal, seats)
        while not answers.enough and only_absent(answers) and self._patience > 0:
            self._patience -= UNREACHABLE_SECONDS
            await asyncio.sleep(UNREACHABLE_SECONDS)
            answers = await self.council.ask(proposal, seats)
        if answers.enough:
            self._patience = ABSENT_SECONDS
        return answers

    # -- submit -------------------------------------------------------------------------------------------------

    async def _submit(self, step: Submit, state: RoundState) -> RoundState:
        stored = await self.store.batch(self.zone, step.interval, step.round)
        assert stored is not None
        await self.store.set_batch(self.zone, step.interval, step.round, "sent")
        try:
            receipt = await self._send(stored)
        except ChainRefused as fault:
            if await self.chain.reader.next_interval(self.zone) == step.interval:
                log.error("interval %d round %d refused by the contract: %s", step.interval, step.round, fault.reason)
                await self.store.set_batch(self.zone, step.interval, step.round, "refused")
                return replace(state, proposed=step.round + 1, proposed_at=self.clock.now(), signatures=0)
            return await self._fresh()
        await self._settled(stored, receipt)
        await self._settle_late(step.interval)
        return await self._fresh()

    async def _send(self, stored: StoredBatch) -> Receipt:
        batch = stored.kept.proposal.batch
        header = batch.header
        seats = await self.chain.reader.seats_of(header.interval, self.length)
        attestation = attest(seats, batch.digest(self.chain.reader.domain), stored.signatures)
        content_id = f"settle:{header.zone}:{header.interval}:{header.round}"
        return await self.chain.send(
            "relayer",
            content_id,
            "EnergyMarket",
            "settle",
            header.abi(),
            list(batch.rows.words()),
            attestation.mask,
            signature_words(attestation),
        )

    async def _settled(self, stored: StoredBatch, receipt: Receipt) -> None:
        facts, proposal = stored.kept.facts, stored.kept.proposal
        included = {signed.reading.point: signed for signed in proposal.witness.readings}
        cleared = clear_interval(facts, included)
        made = bills(proposal.batch, cleared.clearing, facts.retailer_bills)
        await self.store.add_bills(self._with_unpaid(made, receipt))
        await self.store.set_batch(self.zone, stored.interval, stored.round, "settled", receipt.hash, receipt.gas_used)
        if proposal.excluded:
            self.late.add(stored.interval)
        await self.changed(stored.interval, "settled")

    def _with_unpaid(self, made: Sequence[Bill], receipt: Receipt) -> list[Bill]:
        unpaid = {event["point"]: Nano(event["nano"]) for event in self.chain.events(receipt, "Unpaid")}
        return [replace(bill, unpaid=unpaid.get(bill.point, Nano(0))) for bill in made]

    # -- void and late ------------------------------------------------------------------------------------------

    async def _void(self, interval: int) -> None:
        log.warning("interval %d missed its deadline and is voided", interval)
        await self.chain.send("relayer", f"void:{self.zone}:{interval}", "EnergyMarket", "void", self.zone, interval)
        stored = await self.store.batch(self.zone, interval)
        if stored is not None:
            await self.store.set_batch(self.zone, interval, stored.round, "voided")
        self.late.add(interval)
        await self.changed(interval, "voided")
        await self._settle_late(interval)

    async def _settle_late(self, newest: int) -> None:
        for interval in sorted(self.late):
            if interval > newest:
                continue
            await self.readings.collect(Interval(interval, self.length), late=True)
            if not await self._late_batch(interval) and interval < newest - LATE_LOOK_BACK:
                self.late.discard(interval)

    async def _late_batch(self, interval: int) -> bool:
        """Settle what came late for `interval`; False if there is nothing."""
        facts = await self.chain.reader.facts(self.zone, interval)
        covered = await self.store.covered(self.zone, interval)
        known = await self.store.lates(self.zone, interval)
        held = await self.store.held(interval)
        proposal = late_to_ask(known, build_late(facts, held, covered, len(known)))
        if proposal is None:
            return False
        await self.store.put_late(proposal, self.clock.now())
        batch = proposal.batch
        seats = await self.chain.reader.seats_of(interval, self.length)
        answers = await self._ask_late(proposal, seats)
        await self.store.late_answers(self.zone, interval, batch.round, dict(answers.attestation.signatures))
        if not answers.enough:
            log.warning("late batch of interval %d: no quorum: %s", interval, answers.refusals)
            await self.readings.take(answers.lacking)
            return False
        try:
            await self._send_late(batch, answers.attestation, facts.retailer_bills)
        except ChainRefused as fault:
            log.error("late batch of interval %d round %d refused: %s", interval, batch.round, fault.reason)
            await self.store.set_late(self.zone, interval, batch.round, "refused")
            return False
        return True

    async def _ask_late(self, proposal: LateProposal, seats: Sequence[Address]) -> Answers:
        """Ask the council; members that missed the interval's batch are handed it and asked once more."""
        answers = await self._ask(proposal, seats)
        ignorant = [seat for seat, reason in answers.refusals.items() if reason.startswith("unknown:")]
        stored = await self.store.batch(self.zone, proposal.batch.interval) if ignorant else None
        if stored is None:
            return answers
        for seat in ignorant:
            await self.council.teach(seat, stored.kept)
        return await self._ask(proposal, seats)

    async def _send_late(self, batch: LateBatch, attestation: Attestation, retailer_bills: bool) -> None:
        await self.store.set_late(self.zone, batch.interval, batch.round, "sent")
        header = (
            batch.zone,
            batch.interval,
            batch.round,
            len(batch.rows.buyers),
            len(batch.rows.sellers),
            batch.tariff_index,
            batch.witness_root,
        )
        receipt = await self.chain.send(
            "relayer",
            f"late:{batch.zone}:{batch.interval}:{batch.round}",
            "EnergyMarket",
            "settleLate",
            header,
            list(batch.rows.words()),
            attestation.mask,
            signature_words(attestation),
        )
        await self.store.add_bills(self._with_unpaid(late_bills(batch, retailer_bills), receipt))
        await self.store.set_late(self.zone, batch.interval, batch.round, "settled", receipt.hash, receipt.gas_used)
        await self.changed(batch.interval, "late")


def late_to_ask(known: Sequence[StoredLate], fresh: LateProposal | None) -> LateProposal | None:
    """The late proposal to go on with: one that may be on its way to the chain, else what holds by now, under the
    round that members know if it is still the same. A batch that was neither signed nor sent is given up when new
    readings come, or one differing reading would hold up everybody's."""
    sent = next((late.proposal for late in known if late.state == "sent"), None)
    if sent is not None or fresh is None or not known:
        return sent or fresh
    last = known[-1]
    same = last.state == "proposed" and replace(fresh.batch, round=last.round) == last.proposal.batch
    return last.proposal if same else fresh


def only_absent(answers: Answers) -> bool:
    """Nobody said no: whoever did not sign could not be asked."""
    return all(reason.startswith("unreachable:") for reason in answers.refusals.values())


def signature_words(attestation: Attestation) -> list[tuple[int, bytes, bytes]]:
    """(v, r, s) in seat order, as the ABI takes them."""
    return [(v, r.to_bytes(32, "big"), s.to_bytes(32, "big")) for v, r, s in attestation.words()]
