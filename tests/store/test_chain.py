"""Submissions and events in both databases."""

from dataclasses import replace

import pytest

from sunpile.basics.errors import Conflict
from sunpile.chain.nonces import Attempt, State, Submission
from sunpile.chain.ports import ChainEvent, Cursor
from sunpile.store.chain import Events, Submissions
from sunpile.store.database import Database

ATTEMPT = Attempt(b"\x02raw", b"\x01" * 32, 10**12, 5, 1_700_000_000, 9)


def submission(nonce: int, name: str | None = None, state: State = State.UNSTARTED) -> Submission:
    return Submission(
        "0xme", nonce, name or f"effect {nonce}", "", b"\x00\xff", 10**9, state, (ATTEMPT,), 1_700_000_000
    )


def event(block: int, index: int = 0, **args: object) -> ChainEvent:
    return ChainEvent(block, index, bytes([block]) * 32, 1_700_000_000, b"\x07" * 32, "Market", "Settled", args)


async def test_a_submission_comes_back_as_it_was(database: Database) -> None:
    book = Submissions(database)
    first = submission(0)
    await book.add([first, submission(1)])
    assert await book.unfinished("0xme") == [first, submission(1)]
    assert await book.unfinished("0xyou") == []
    assert await book.top_nonce("0xme") == 1
    assert await book.top_nonce("0xyou") == -1
    done = replace(first, state=State.FAILED, block=5, gas_used=21_000, reason="no", receipt="{}")
    await book.update([done])
    assert await book.find(["effect 0", "none"]) == [done]
    assert await book.at("0xme", 0) == done
    assert await book.at("0xme", 7) is None
    assert await book.unfinished("0xme") == [submission(1)]


async def test_a_submission_may_get_another_nonce_and_more_attempts(database: Database) -> None:
    book = Submissions(database)
    await book.add([submission(0)])
    moved = replace(submission(4, "effect 0"), attempts=(ATTEMPT, replace(ATTEMPT, raw=b"other")))
    await book.update([moved])
    assert await book.find(["effect 0"]) == [moved]
    assert await book.at("0xme", 0) is None


@pytest.mark.parametrize("second", [submission(1, "effect 0"), submission(0, "other")])
async def test_a_content_id_and_a_nonce_are_used_once(database: Database, second: Submission) -> None:
    book = Submissions(database)
    await book.add([submission(0)])
    with pytest.raises(Conflict):
        await book.add([submission(9), second])
    assert await book.top_nonce("0xme") == 0


async def test_events_and_cursor_move_together_and_once(database: Database) -> None:
    book = Events(database)
    assert await book.cursor("events") is None
    big = event(3, 1, amount=2**200, who="0x01")
    await book.advance("events", Cursor(3, b"\x03" * 32), [event(3), big])
    await book.advance("events", Cursor(5, b"\x05" * 32), [event(3), big, event(4)])
    assert await book.cursor("events") == Cursor(5, b"\x05" * 32)
    assert await book.events() == [event(3), big, event(4)]
    assert await book.events("Settled", after=3) == [event(4)]
    assert await book.events("Other") == []
    assert await book.marks(4, 10) == [Cursor(3, b"\x03" * 32)]
    assert await book.marks(9, 1) == [Cursor(4, b"\x04" * 32)]


async def test_going_back_forgets_what_came_after(database: Database) -> None:
    book = Events(database)
    await book.advance("events", Cursor(5, b"\x05" * 32), [event(3), event(4)])
    await book.rewind("events", Cursor(3, b"\x03" * 32))
    assert await book.events() == [event(3)]
    assert await book.cursor("events") == Cursor(3, b"\x03" * 32)
    await book.rewind("events", None)
    assert await book.events() == []
    assert await book.cursor("events") is None
