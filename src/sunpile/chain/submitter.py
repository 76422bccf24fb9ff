"""The submitter: it gets effects onto the chain, once each, whatever happens in between.

Saved before sent, all attempts remembered, the rules in `nonces.py`. One submitter owns the nonces of one key.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from sunpile.basics.errors import ChainFault, ChainRefused, Conflict, Inconsistent, SunpileError
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address
from sunpile.basics.keys import Key
from sunpile.chain.contracts import block_tag
from sunpile.chain.engine.ports import Engine
from sunpile.chain.nonces import (
    Account,
    Attempt,
    Bump,
    Close,
    Doubt,
    Effect,
    Heal,
    Looked,
    Outcome,
    Renumber,
    Resend,
    Rules,
    State,
    Submission,
    decide,
    numbers,
    reopened,
)
from sunpile.chain.ports import SubmissionBook
from sunpile.chain.receipts import Receipt, kept, read_kept
from sunpile.chain.rpc import revert_reason
from sunpile.chain.transaction import Fees, sign

MAYBE_SENT = ("nonce too low", "underpriced", "already known", "already imported", "nonce is too low", "invalid nonce")
GAS_MARGIN_PERCENT = 120
GAS_MARGIN = 5_000
IDLE_SECONDS = 0.05
IDLE_MAX_SECONDS = 2.0
Waiter = "asyncio.Future[Receipt]"


@dataclass(frozen=True, slots=True)
class Ask:
    """An effect that is wanted on chain."""

    content_id: str
    """Idempotency key, at most 80 characters: asked twice, it happens once."""
    to: Address | None
    """None creates a contract."""
    data: bytes
    gas_limit: int | None = None
    """None: the chain estimates, and a call that would revert is refused before anything is saved."""


class Submitter:
    """Owner of the nonces of `key` on `engine`."""

    def __init__(self, engine: Engine, key: Key, book: SubmissionBook, rules: Rules | None = None) -> None:
        self.engine = engine
        self.address = key.address
        self._key, self._book = key, book
        self._rules = rules or Rules(engine.retention, engine.patience)
        self._account = Account(key.address)
        self._claims: dict[str, tuple[Ask, asyncio.Future[Receipt]]] = {}
        self._asked: list[Ask] = []
        self._lock = asyncio.Lock()
        self._driver: asyncio.Task[None] | None = None
        self._started = False

    # -- for callers ------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up what an earlier process left: the same bytes are sent again. Called by the first submit, too."""
        async with self._lock:
            if self._started:
                return
            top = await self._book.top_nonce(self.address)
            self._account.next_nonce = max(top + 1, await self._chain_nonce("latest"))
            left = await self._book.unfinished(self.address)
            self._account.open = {item.nonce: item for item in left}
            self._started = True
            if left:
                await self._broadcast(left)
        for item in left:
            self._claim(Ask(item.content_id, Address(item.to) if item.to else None, item.data, item.gas_limit))
        self._drive_on()

    async def submit(self, content_id: str, to: Address | None, data: bytes, gas_limit: int | None = None) -> Receipt:
        """Get `data` to `to`, once per `content_id`, and return when it is final.

        Raises
        ------
        ChainRefused
            if the contract reverts; `reason` is its word.
        Conflict
            if the content id stands for something else already.
        ChainUnreachable, ChainFault
            if the chain cannot be asked now. What was saved goes on at the next submit or start.
        """
        result = (await self.submit_many([Ask(content_id, to, data, gas_limit)]))[0]
        if isinstance(result, SunpileError):
            raise result
        return result

    async def submit_many(self, asks: Sequence[Ask]) -> list[Receipt | SunpileError]:
        """Like `submit` for several, in their order of nonces; an error stands in its place."""
        await self.start()
        waiters: list[asyncio.Future[Receipt] | SunpileError] = []
        for ask in asks:
            known = self._claims.get(ask.content_id)
            if known is None:
                self._asked.append(ask)
                waiters.append(self._claim(ask))
            elif (known[0].to, known[0].data) == (ask.to, ask.data):
                waiters.append(known[1])
            else:
                waiters.append(_conflict(ask))
        if self._asked:
            await asyncio.shield(asyncio.create_task(self._begin()))
        self._drive_on()
        return [item if isinstance(item, SunpileError) else await _outcome(item) for item in waiters]

    async def drain(self) -> None:
        """Return when nothing is on its way any more, for good or bad."""
        await self.start()
        while self._claims:
            self._drive_on()
            await asyncio.wait([waiter for _, waiter in self._claims.values()])
            await asyncio.sleep(0)

    async def close(self) -> None:
        """Stop waiting. What is on its way is saved and goes on at the next start."""
        if self._driver is not None:
            self._driver.cancel()
            await asyncio.wait([self._driver])

    # -- beginning --------------------------------------------------------------------------------------------

    def _claim(self, ask: Ask) -> asyncio.Future[Receipt]:
        waiter: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        waiter.add_done_callback(lambda done: None if done.cancelled() else done.exception() and None)
        self._claims[ask.content_id] = (ask, waiter)
        return waiter

    def _answer(self, content_id: str, result: Receipt | SunpileError) -> None:
        _, waiter = self._claims.pop(content_id, (None, None))
        if waiter is None or waiter.done():
            return
        if isinstance(result, SunpileError):
            waiter.set_exception(result)
        else:
            waiter.set_result(result)

    async def _begin(self) -> None:
        """Take on everything that is asked for at this moment: callers that come together share the work."""
        async with self._lock:
            asks, self._asked = self._asked, []
            try:
                fresh = await self._without_known(asks)
                limits = await self._gas_limits(fresh)
                await self._save_and_send([ask for ask in fresh if ask.content_id in limits], limits)
            except BaseException as fault:
                known = fault if isinstance(fault, SunpileError) else SunpileError(f"the submitter failed: {fault!r}")
                for ask in asks:
                    self._answer(ask.content_id, known)
                if not isinstance(fault, SunpileError):
                    raise

    async def _without_known(self, asks: list[Ask]) -> list[Ask]:
        """Answer what is final already, keep waiting for what is open, and return the new ones."""
        known = {item.content_id: item for item in await self._book.find([ask.content_id for ask in asks])}
        for ask in asks:
            item = known.get(ask.content_id)
            if item is None:
                continue
            if (item.to, item.data) != (ask.to or "", ask.data):
                self._answer(ask.content_id, _conflict(ask))
            elif item.sender != self.address:
                self._answer(ask.content_id, Conflict(f"{ask.content_id} was submitted by {item.sender}"))
            elif item.state in (State.MINED, State.FAILED):
                self._answer(ask.content_id, _final(item))
        return [ask for ask in asks if ask.content_id not in known]

    async def _gas_limits(self, asks: list[Ask]) -> dict[str, int]:
        limits = {ask.content_id: ask.gas_limit for ask in asks if ask.gas_limit is not None}
        unknown = [ask for ask in asks if ask.gas_limit is None]
        calls = [("eth_estimateGas", [self._request(ask.to, ask.data)]) for ask in unknown]
        for ask, answer in zip(unknown, await self.engine.rpc.batch(calls), strict=True):
            if isinstance(answer, SunpileError):
                self._answer(ask.content_id, answer)
            else:
                limits[ask.content_id] = int(answer, 16) * GAS_MARGIN_PERCENT // 100 + GAS_MARGIN
        return limits

    async def _save_and_send(self, asks: list[Ask], limits: dict[str, int]) -> None:
        if not asks:
            return
        chain_next = await self._chain_nonce("latest")
        fees, head = await self.engine.fees(), await self._head()
        nonces = numbers(self._account, len(asks), chain_next)
        fresh = [
            self._signed(nonce, ask.content_id, ask.to, ask.data, limits[ask.content_id], fees, head)
            for nonce, ask in zip(nonces, asks, strict=True)
        ]
        await self._book.add(fresh)
        self._account.next_nonce = nonces[-1] + 1
        self._account.open |= {item.nonce: item for item in fresh}
        await self._broadcast(fresh)

    # -- waiting ----------------------------------------------------------------------------------------------

    def _drive_on(self) -> None:
        if self._account.open and self._claims and (self._driver is None or self._driver.done()):
            self._driver = asyncio.create_task(self._drive())

    async def _drive(self) -> None:
        """Look until nobody waits."""
        idle = IDLE_SECONDS
        try:
            while self._account.open and self._claims:
                await self.engine.advance()
                if await self._look():
                    idle = IDLE_SECONDS
                else:
                    await asyncio.sleep(idle)
                    idle = min(idle * 2, IDLE_MAX_SECONDS)
        except Exception as fault:
            # Whoever waits must hear of it; what is saved goes on at the next submit.
            known = fault if isinstance(fault, SunpileError) else SunpileError(f"the submitter failed: {fault!r}")
            for content_id in list(self._claims):
                self._answer(content_id, known)

    async def _look(self) -> bool:
        """Ask the chain once and act; True if anything came to its end."""
        async with self._lock:
            # Nonces before receipts: a nonce that is used up has its receipt by then.
            head, final = await self._head(), await self.engine.final()
            next_nonce = await self._chain_nonce("latest")
            final_nonce = next_nonce if final >= head else await self._chain_nonce(block_tag(final))
            hashes = [attempt.hash for item in self._account.open.values() for attempt in item.attempts]
            receipts = await self._receipts(hashes)
            fees = await self.engine.fees()
            outcomes = {
                hash: Outcome(hash, int(found["blockNumber"], 16), int(found["status"], 16) == 1)
                for hash, found in receipts.items()
            }
            now = int(time.time())
            event = Looked(next_nonce, final_nonce, head, final, outcomes, fees.max_fee, fees.tip, now)
            return await self._act(decide(self._account, event, self._rules), receipts)

    async def _receipts(self, hashes: list[bytes]) -> dict[bytes, dict[str, Any]]:
        calls = [("eth_getTransactionReceipt", ["0x" + hash.hex()]) for hash in hashes]
        answers = await self.engine.rpc.batch(calls)
        return {
            hash: cast("dict[str, Any]", answer)
            for hash, answer in zip(hashes, answers, strict=True)
            if isinstance(answer, dict)
        }

    async def _act(self, effects: Sequence[Effect], receipts: dict[bytes, dict[str, Any]]) -> bool:
        closing = [await self._closed(item, receipts[item.hash]) for item in effects if isinstance(item, Close)]
        if closing:
            await self._book.update(closing)
        for item in closing:
            self._account.open.pop(item.nonce, None)
            self._answer(item.content_id, _final(item))
        again: list[Submission] = []
        for effect in effects:
            if isinstance(effect, Resend):
                again.append(effect.submission)
            elif isinstance(effect, Bump):
                again.append(await self._bumped(effect))
            elif isinstance(effect, Renumber):
                again.append(await self._renumbered(effect.submission))
            elif isinstance(effect, Heal):
                again.append(await self._healed(effect.nonce))
            elif isinstance(effect, Doubt):
                self._give_up(effect.submission)
        if again:
            await self._broadcast(again)
        return bool(closing)

    async def _closed(self, effect: Close, answer: dict[str, Any]) -> Submission:
        succeeded = int(answer["status"], 16) == 1
        return replace(
            effect.submission,
            state=State.MINED if succeeded else State.FAILED,
            block=int(answer["blockNumber"], 16),
            gas_used=int(answer["gasUsed"], 16),
            reason=None if succeeded else (await self._why(effect))[:200],
            receipt=kept(answer),
        )

    async def _why(self, effect: Close) -> str:
        """The reason of a revert: as the chain kept it, or by calling again."""
        output = await self.engine.revert_output(effect.hash)
        if output is not None:
            return revert_reason(output) or "no reason given"
        item = effect.submission
        request = self._request(Address(item.to) if item.to else None, item.data) | {"gas": hex(item.gas_limit)}
        try:
            await self.engine.rpc.call("eth_call", request, "latest")
        except ChainRefused as refused:
            return refused.reason
        except SunpileError:
            pass
        return "no reason given"

    # -- attempts ---------------------------------------------------------------------------------------------

    async def _broadcast(self, submissions: Sequence[Submission]) -> None:
        """Send the newest attempts; what was not taken for a lasting reason is told to who waits."""
        raws = [item.attempts[-1].raw for item in submissions]
        sent: list[Submission] = []
        for item, fault in zip(submissions, await self.engine.send(raws), strict=True):
            if fault is None or _maybe_sent(fault):
                if item.state is not State.SENT:
                    sent.append(replace(item, state=State.SENT))
            else:
                self._answer(item.content_id, fault)
        if sent:
            self._account.open |= {item.nonce: item for item in sent}
            await self._book.update(sent)

    async def _bumped(self, effect: Bump) -> Submission:
        item, fees = effect.submission, Fees(effect.max_fee, effect.tip)
        fresh = self._attempt(item.nonce, item.to, item.data, item.gas_limit, fees, await self._head())
        return await self._kept(replace(item, attempts=(*item.attempts, fresh)))

    async def _renumbered(self, item: Submission) -> Submission:
        nonce = self._account.next_nonce = numbers(self._account, 1, await self._chain_nonce("latest"))[0]
        self._account.next_nonce += 1
        fees = await self.engine.fees()
        fresh = self._attempt(nonce, item.to, item.data, item.gas_limit, fees, await self._head())
        moved = replace(item, nonce=nonce, state=State.UNSTARTED, attempts=(*item.attempts, fresh))
        self._account.open.pop(item.nonce, None)
        self._account.missing_since.pop(item.nonce, None)
        return await self._kept(moved)

    async def _healed(self, nonce: int) -> Submission:
        """What the chain waits for at `nonce`: what we once sent there, else a transaction that does nothing."""
        old = await self._book.at(self.address, nonce)
        if old is not None:
            return await self._kept(reopened(old))
        content_id, fees = f"gap:{self.address}:{nonce}", await self.engine.fees()
        filler = self._signed(nonce, content_id, self.address, b"", 30_000, fees, await self._head())
        await self._book.add([filler])
        self._account.open[nonce] = filler
        return filler

    async def _kept(self, item: Submission) -> Submission:
        await self._book.update([item])
        self._account.open[item.nonce] = item
        return item

    def _give_up(self, item: Submission) -> None:
        self._account.open.pop(item.nonce, None)
        words = f"{item.content_id}: nonce {item.nonce} is used, and the chain no longer keeps receipts from then"
        self._answer(item.content_id, Inconsistent(words))

    def _signed(
        self, nonce: int, content_id: str, to: Address | None, data: bytes, gas_limit: int, fees: Fees, head: int
    ) -> Submission:
        attempt = self._attempt(nonce, to or "", data, gas_limit, fees, head)
        return Submission(
            self.address, nonce, content_id, to or "", data, gas_limit, State.UNSTARTED, (attempt,), attempt.at
        )

    def _attempt(self, nonce: int, to: str, data: bytes, gas_limit: int, fees: Fees, head: int) -> Attempt:
        raw = sign(self._key, self.engine.chain_id, nonce, Address(to) if to else None, data, gas_limit, fees)
        return Attempt(raw, keccak256(raw), fees.max_fee, fees.tip, int(time.time()), head)

    def _request(self, to: Address | None, data: bytes) -> dict[str, str]:
        request = {"from": str(self.address), "data": "0x" + data.hex()}
        return request | ({"to": str(to)} if to else {})

    async def _head(self) -> int:
        return int(await self.engine.rpc.call("eth_blockNumber"), 16)

    async def _chain_nonce(self, block: str) -> int:
        return int(await self.engine.rpc.call("eth_getTransactionCount", self.address, block), 16)


def _maybe_sent(fault: SunpileError) -> bool:
    return isinstance(fault, ChainFault) and any(word in fault.message.lower() for word in MAYBE_SENT)


def _conflict(ask: Ask) -> Conflict:
    return Conflict(f"{ask.content_id} was submitted before, and it was something else")


def _final(item: Submission) -> Receipt | SunpileError:
    if item.state is State.FAILED:
        refused = ChainRefused(item.reason or "no reason given")
        refused.facts |= {"block": item.block, "gas_used": item.gas_used}
        return refused
    if item.receipt is None:
        return Inconsistent(f"{item.content_id} is mined and its receipt was not kept")
    return read_kept(item.receipt)


async def _outcome(waiter: asyncio.Future[Receipt]) -> Receipt | SunpileError:
    try:
        return await asyncio.shield(waiter)
    except SunpileError as fault:
        return fault
