"""The submitter on a real chain: once each, whatever happens between any two steps."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.chain.ground import CHAIN_ID, Chain, MemoryBook, deployed_by

from sunpile.basics.errors import ChainFault, ChainRefused, ChainUnreachable, Conflict, SunpileError
from sunpile.basics.keys import Key
from sunpile.chain.contracts import Contracts
from sunpile.chain.engine.anvil import AnvilEngine
from sunpile.chain.nonces import State, Submission
from sunpile.chain.receipts import Receipt
from sunpile.chain.submitter import Ask, Submitter
from sunpile.chain.transaction import Fees, sign
from sunpile.store.chain import Submissions

KEY = Key.from_seed("submitter")


class Killed(BaseException):
    """The process dies here."""


class Dying:
    """A book or an engine that is killed before or after one of its calls."""

    def __init__(self, inner: Any, call: str, *, after: bool) -> None:
        self._inner, self._call, self._after = inner, call, after
        self.armed = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._around(found) if name == self._call else found

    def _around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        async def dying(*args: Any) -> Any:
            if self.armed and not self._after:
                raise Killed
            answer = await call(*args)
            if self.armed:
                raise Killed
            return answer

        return dying


async def total(engine: AnvilEngine, counter: Contracts) -> int:
    return await counter.call(engine.rpc, "Counter", "total")


def bump(counter: Contracts, by: int = 1) -> tuple[Any, bytes]:
    return counter.address("Counter"), counter.encode("Counter", "bump", by)


async def test_an_effect_happens_and_its_receipt_has_the_logs(engine: AnvilEngine, stored: Submissions) -> None:
    submitter = Submitter(engine, KEY, stored)
    counter = await deployed_by(submitter)
    receipt = await submitter.submit("count", *bump(counter, 5))
    assert receipt.status
    assert receipt.gas_used > 21_000
    (event,) = counter.events(receipt.logs)
    assert event[1] == "Bumped"
    assert event[2]["who"] == KEY.address
    assert event[2]["total"] == 5
    assert await submitter.submit("count", *bump(counter, 5)) == receipt
    assert await Submitter(engine, KEY, stored).submit("count", *bump(counter, 5)) == receipt
    assert await total(engine, counter) == 5


async def test_the_same_id_with_another_body_is_a_conflict(engine: AnvilEngine, book: MemoryBook) -> None:
    submitter = Submitter(engine, KEY, book)
    counter = await deployed_by(submitter)
    await submitter.submit("count", *bump(counter))
    with pytest.raises(Conflict):
        await submitter.submit("count", *bump(counter, 2))
    both = await submitter.submit_many([Ask("twice", *bump(counter)), Ask("twice", *bump(counter, 3))])
    assert isinstance(both[0], Receipt)
    assert isinstance(both[1], Conflict)


async def test_many_at_once_are_each_done_once(engine: AnvilEngine, stored: Submissions) -> None:
    submitter = Submitter(engine, KEY, stored)
    counter = await deployed_by(submitter)
    several = [submitter.submit(f"count {number % 10}", *bump(counter)) for number in range(30)]
    receipts = await asyncio.gather(*several)
    assert len({receipt.hash for receipt in receipts}) == 10
    assert await total(engine, counter) == 10
    results = await submitter.submit_many([Ask(f"more {number}", *bump(counter)) for number in range(40)])
    assert all(isinstance(result, Receipt) for result in results)
    assert await total(engine, counter) == 50


async def test_what_would_revert_is_refused_before_anything_is_saved(engine: AnvilEngine, book: MemoryBook) -> None:
    submitter = Submitter(engine, KEY, book)
    counter = await deployed_by(submitter)
    with pytest.raises(ChainRefused) as refused:
        await submitter.submit("nothing", *bump(counter, 0))
    assert refused.value.reason == "bump: zero"
    assert list(book.rows) == ["deploy"]


async def test_the_reason_of_a_revert_on_chain_is_recovered_and_kept(engine: AnvilEngine, stored: Submissions) -> None:
    submitter = Submitter(engine, KEY, stored)
    counter = await deployed_by(submitter)
    for owner in (submitter, Submitter(engine, KEY, stored)):
        with pytest.raises(ChainRefused) as refused:
            await owner.submit("nothing", *bump(counter, 0), gas_limit=100_000)
        assert refused.value.reason == "bump: zero"
    assert (await stored.find(["nothing"]))[0].state is State.FAILED
    assert (await submitter.submit("next", *bump(counter))).status


CRASHES = [
    ("book", "add", False),
    ("book", "add", True),
    ("engine", "send", False),
    ("engine", "send", True),
    ("book", "update", False),
    ("book", "update", True),
    ("engine", "advance", False),
    ("engine", "advance", True),
]


@pytest.mark.parametrize(("who", "call", "after"), CRASHES)
async def test_killed_between_two_steps_nothing_is_lost_or_doubled(
    engine: AnvilEngine, book: MemoryBook, who: str, call: str, after: bool
) -> None:
    counter = await deployed_by(Submitter(engine, KEY, book))
    dying = Dying(book if who == "book" else engine, call, after=after)
    parts: tuple[Any, Any] = (engine, dying) if who == "book" else (dying, book)
    doomed = Submitter(parts[0], KEY, parts[1])
    await doomed.start()
    dying.armed = True
    waiting = asyncio.create_task(doomed.submit("count", *bump(counter)))
    await asyncio.wait([waiting], timeout=0.3)
    waiting.cancel()
    if doomed._driver is not None:
        doomed._driver.cancel()
        await asyncio.gather(doomed._driver, return_exceptions=True)

    heir = Submitter(engine, KEY, book)
    await heir.drain()
    assert (await heir.submit("count", *bump(counter))).status
    assert (await heir.submit("next", *bump(counter))).status
    assert await total(engine, counter) == 2
    assert [row.nonce for row in book.rows.values()] == [0, 1, 2]


async def test_an_heir_sends_the_same_bytes(engine: AnvilEngine, book: MemoryBook) -> None:
    counter = await deployed_by(Submitter(engine, KEY, book))
    dying = Dying(engine, "send", after=False)
    doomed = Submitter(dying, KEY, book)  # type: ignore[arg-type]
    await doomed.start()
    dying.armed = True
    with pytest.raises((Killed, SunpileError)):
        await doomed.submit("count", *bump(counter))
    saved = book.rows["count"].attempts
    heir = Submitter(engine, KEY, book)
    await heir.drain()
    assert book.rows["count"].attempts == saved
    assert book.rows["count"].state is State.MINED


async def test_a_nonce_somebody_else_took_is_found_out(chain: Chain, book: MemoryBook) -> None:
    submitter = Submitter(chain.engine, chain.key, book)
    await submitter.submit("first", *bump(chain.counter))
    raw = chain.bump(2, by=100)
    await chain.engine.send([raw])
    await chain.engine.mine()
    assert (await submitter.submit("second", *bump(chain.counter))).status
    assert book.rows["second"].nonce == 3
    assert await chain.total() == 102


async def test_a_saved_nonce_that_somebody_else_took_moves_on(chain: Chain, book: MemoryBook) -> None:
    """Saved with nonce 1, never sent, and meanwhile nonce 1 was mined with something else."""
    dying = Dying(chain.engine, "send", after=False)
    doomed = Submitter(dying, chain.key, book)  # type: ignore[arg-type]
    await doomed.start()
    dying.armed = True
    with pytest.raises((Killed, SunpileError)):
        await doomed.submit("count", *bump(chain.counter))
    await chain.engine.send([chain.bump(1, by=100)])
    await chain.engine.mine()
    heir = Submitter(chain.engine, chain.key, book)
    await heir.drain()
    row = book.rows["count"]
    assert (row.state, row.nonce, len(row.attempts)) == (State.MINED, 2, 2)
    assert await chain.total() == 101


async def test_a_gap_before_ours_is_filled(chain: Chain, book: MemoryBook) -> None:
    """The counter of nonces was three too high (an old backup, a bug): the chain must not wait for ever."""
    submitter = Submitter(chain.engine, chain.key, book)
    await submitter.start()
    submitter._account.next_nonce += 3
    assert (await submitter.submit("count", *bump(chain.counter))).status
    assert sorted(row.content_id.split(":")[0] for row in book.rows.values()) == ["count", "gap", "gap", "gap"]
    assert await chain.total() == 1


async def test_a_chain_that_forgot_mined_effects_gets_them_again(chain: Chain, book: MemoryBook) -> None:
    """The store is ahead of the chain, as after restoring an older copy of the chain."""
    submitter = Submitter(chain.engine, chain.key, book)
    await submitter.start()
    data = bump(chain.counter)
    for number in range(2):
        raw = sign(chain.key, CHAIN_ID, 1 + number, data[0], data[1], 200_000, Fees(0, 0))
        book.rows[f"old {number}"] = _mined(chain, 1 + number, f"old {number}", data, raw)
    heir = Submitter(chain.engine, chain.key, book)
    assert (await heir.submit("new", *data)).status
    assert await chain.total() == 3
    assert [row.state for row in book.rows.values()] == [State.MINED] * 3


def _mined(chain: Chain, nonce: int, name: str, data: tuple[Any, bytes], raw: bytes) -> Submission:
    from sunpile.basics.hashing import keccak256
    from sunpile.chain.nonces import Attempt

    attempt = Attempt(raw, keccak256(raw), 0, 0, 0, 1)
    sender = str(chain.key.address)
    return Submission(sender, nonce, name, data[0], data[1], 200_000, State.MINED, (attempt,), 0, 2, 1, None, "{}")


async def test_a_chain_that_is_away_is_told_and_the_effect_comes_later(chain: Chain, book: MemoryBook) -> None:
    submitter = Submitter(chain.engine, chain.key, book)
    await submitter.start()
    away = Dying(chain.engine, "send", after=False)

    async def gone(raws: Sequence[bytes]) -> list[SunpileError | None]:
        raise ChainUnreachable("away")

    away.send = gone  # type: ignore[attr-defined]
    submitter.engine = away  # type: ignore[assignment]
    with pytest.raises(ChainUnreachable):
        await submitter.submit("count", *bump(chain.counter))
    submitter.engine = chain.engine
    assert (await submitter.submit("count", *bump(chain.counter))).status
    assert await chain.total() == 1


async def test_a_transaction_the_chain_will_not_take_is_told(chain: Chain, book: MemoryBook) -> None:
    poor = Key.from_seed("poor")
    submitter = Submitter(chain.engine, poor, book)
    await submitter.start()

    async def priced() -> Fees:
        return Fees(10**9, 1)

    engine = Dying(chain.engine, "nothing", after=False)
    engine.fees = priced  # type: ignore[attr-defined]
    submitter.engine = engine  # type: ignore[assignment]
    with pytest.raises(ChainFault, match=r"(?i)insufficient funds"):
        await submitter.submit("count", *bump(chain.counter), gas_limit=100_000)


async def test_killing_anvil_while_many_wait_is_only_a_delay(engine: AnvilEngine, stored: Submissions) -> None:
    submitter = Submitter(engine, KEY, stored)
    counter = await deployed_by(submitter)
    process = engine._process
    assert process is not None
    asyncio.get_running_loop().call_later(0.03, process.kill)
    results = await asyncio.gather(*(submitter.submit(f"count {number}", *bump(counter)) for number in range(20)))
    assert all(result.status for result in results)
    assert await total(engine, counter) == 20
