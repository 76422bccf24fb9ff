"""A seat of the council at work: it decides, remembers what it is about to sign, and signs."""

import asyncio

from sunpile.basics.errors import Conflict
from sunpile.basics.ids import PointId
from sunpile.basics.keys import Key
from sunpile.basics.typed_data import Domain
from sunpile.settlement.archive import Kept
from sunpile.settlement.late import LateProposal, proven_points
from sunpile.settlement.member import MemberView, Refusal, decide, decide_late
from sunpile.settlement.ports import MarketChain, SeatShelf
from sunpile.settlement.proposal import Proposal


class Seat:
    """One member: a key, its own view of the chain, its own store."""

    def __init__(self, key: Key, chain: MarketChain, shelf: SeatShelf, domain: Domain) -> None:
        self._key = key
        self._chain = chain
        self._shelf = shelf
        self._domain = domain
        self._one_by_one = asyncio.Lock()

    async def attest(self, proposal: Proposal, at: int) -> bytes | Refusal:
        """Sign a proposal or say why not. What is signed is durable first; `at` is noted as its time [Unix s]."""
        header = proposal.batch.header
        async with self._one_by_one:
            facts = await self._chain.facts(header.zone, header.interval)
            view = MemberView(
                facts=facts,
                own=await self._shelf.held(header.interval),
                signed=await self._shelf.signed(header.zone, header.interval),
                domain=self._domain,
            )
            answer = decide(view, proposal)
            if isinstance(answer, Refusal):
                return answer
            try:
                await self._shelf.put_batch(Kept(facts, proposal), at, "signed")
            except Conflict as fault:
                return Refusal(f"round: {fault.detail}")
            return self._key.sign(answer.digest)

    async def attest_late(self, proposal: LateProposal, at: int) -> bytes | Refusal:
        """Sign a late proposal or say why not. The interval's batch, if it was settled, must be known here."""
        batch = proposal.batch
        async with self._one_by_one:
            digest = await self._chain.digest(batch.zone, batch.interval)
            covered = await self._shelf.points_of(batch.zone, batch.interval, digest) if any(digest) else set[PointId]()
            if covered is None:
                return Refusal(
                    f"unknown: the batch of interval {batch.interval} on chain is not in this member's store"
                )
            view = MemberView(
                facts=await self._chain.facts(batch.zone, batch.interval),
                own=await self._shelf.held(batch.interval),
                signed=await self._shelf.signed_late(batch.zone, batch.interval),
                domain=self._domain,
                covered=covered,
            )
            answer = decide_late(view, proposal)
            if isinstance(answer, Refusal):
                return answer
            try:
                await self._shelf.put_late(proposal, at, "signed")
            except Conflict as fault:
                return Refusal(f"round: {fault.detail}")
            return self._key.sign(answer.digest)

    async def learn(self, kept: Kept, at: int) -> None:
        """Take in a settled batch this member missed, from anybody: the chain's digest proves it.

        Raises
        ------
        BatchInvalid
            if it is not the batch on chain.
        """
        header = kept.proposal.batch.header
        digest = await self._chain.digest(header.zone, header.interval)
        proven_points(digest, kept.proposal.batch, kept.proposal.witness)
        await self._shelf.put_batch(kept, at, "settled")
