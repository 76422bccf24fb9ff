"""Submissions and events of the chain in the store."""

import json
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from sunpile.basics.errors import Conflict
from sunpile.chain.nonces import Attempt, State, Submission
from sunpile.chain.ports import ChainEvent, Cursor
from sunpile.store.database import Database
from sunpile.store.tables import chain_cursor, chain_events, chain_submissions

OPEN = (State.UNSTARTED.value, State.SENT.value)
Row = RowMapping


class Submissions:
    """The `SubmissionBook` of the chain's chapter."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def unfinished(self, sender: str) -> list[Submission]:
        """Open ones of `sender`, by nonce."""
        table = chain_submissions
        query = select(table).where(table.c.sender == sender, table.c.state.in_(OPEN)).order_by(table.c.nonce)
        rows = await self._db.read(lambda connection: connection.execute(query).mappings().all())
        return [_submission(row) for row in rows]

    async def top_nonce(self, sender: str) -> int:
        """Highest nonce of `sender`, -1 for none."""
        query = select(func.max(chain_submissions.c.nonce)).where(chain_submissions.c.sender == sender)
        found = await self._db.read(lambda connection: connection.execute(query).scalar())
        return -1 if found is None else int(found)

    async def find(self, content_ids: Sequence[str]) -> list[Submission]:
        """Those that exist."""

        def work(connection: Connection) -> list[Submission]:
            found: list[Submission] = []
            for start in range(0, len(content_ids), 500):
                part = content_ids[start : start + 500]
                query = select(chain_submissions).where(chain_submissions.c.content_id.in_(part))
                found += [_submission(row) for row in connection.execute(query).mappings()]
            return found

        return await self._db.read(work)

    async def at(self, sender: str, nonce: int) -> Submission | None:
        """The one with this nonce."""
        table = chain_submissions
        query = select(table).where(table.c.sender == sender, table.c.nonce == nonce)
        row = await self._db.read(lambda connection: connection.execute(query).mappings().first())
        return None if row is None else _submission(row)

    async def add(self, submissions: Sequence[Submission]) -> None:
        """Save new ones. Conflict if a content id or a nonce is taken."""
        rows = [_row(item) for item in submissions]
        try:
            await self._db.write(lambda connection: connection.execute(insert(chain_submissions), rows) and None)
        except IntegrityError as fault:
            raise Conflict("a submission with this content id or nonce exists already") from fault

    async def update(self, submissions: Sequence[Submission]) -> None:
        """Save new states, found by content id."""

        table = chain_submissions
        names = [column.name for column in table.columns if column.name not in ("content_id", "created_at")]
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
        query = update(table).where(table.c.content_id == bindparam("known_id")).values(values)
        rows = [
            {"known_id": item.content_id} | {f"new_{name}": row[name] for name in names}
            for item in submissions
            for row in [_row(item)]
        ]
        await self._db.write(lambda connection: connection.execute(query, rows) and None)


class Events:
    """The `EventBook` of the chain's chapter."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def cursor(self, name: str) -> Cursor | None:
        """How far `name` has read."""
        query = select(chain_cursor).where(chain_cursor.c.name == name)
        row = await self._db.read(lambda connection: connection.execute(query).mappings().first())
        return None if row is None else Cursor(row["block"], bytes(row["block_hash"]))

    async def advance(self, name: str, cursor: Cursor, events: Sequence[ChainEvent]) -> None:
        """Events and cursor in one commit."""
        await self._db.write(lambda connection: _advance(connection, name, cursor, events))

    async def marks(self, below: int, limit: int) -> list[Cursor]:
        """Blocks with events below `below`, newest first."""
        table = chain_events
        query = (
            select(table.c.block, table.c.block_hash)
            .where(table.c.block < below)
            .distinct()
            .order_by(table.c.block.desc())
            .limit(limit)
        )
        rows = await self._db.read(lambda connection: connection.execute(query).all())
        return [Cursor(block, bytes(hash)) for block, hash in rows]

    async def rewind(self, name: str, cursor: Cursor | None) -> None:
        """Forget what came after `cursor`."""

        def work(connection: Connection) -> None:
            connection.execute(
                delete(chain_events).where(chain_events.c.block > (-1 if cursor is None else cursor.block))
            )
            connection.execute(delete(chain_cursor).where(chain_cursor.c.name == name))
            if cursor is not None:
                _set_cursor(connection, name, cursor)

        await self._db.write(work)

    async def events(self, event: str | None = None, after: int = -1, limit: int = 1000) -> list[ChainEvent]:
        """Events after block `after`, in order."""
        query = select(chain_events).where(chain_events.c.block > after)
        if event is not None:
            query = query.where(chain_events.c.event == event)
        query = query.order_by(chain_events.c.block, chain_events.c.log_index).limit(limit)
        rows = await self._db.read(lambda connection: connection.execute(query).mappings().all())
        return [_event(row) for row in rows]


def _advance(connection: Connection, name: str, cursor: Cursor, events: Sequence[ChainEvent]) -> None:
    if events:
        blocks = {event.block for event in events}
        near = chain_events.c.block.between(min(blocks), max(blocks))
        query = select(chain_events.c.block, chain_events.c.log_index).where(near)
        known = {(block, index) for block, index in connection.execute(query)}
        rows = [
            {
                "block": event.block,
                "log_index": event.log_index,
                "block_hash": event.block_hash,
                "block_time": event.block_time,
                "chain_tx": event.transaction,
                "contract": event.contract,
                "event": event.event,
                "args": json.dumps(event.args),
            }
            for event in events
            if (event.block, event.log_index) not in known
        ]
        if rows:
            connection.execute(insert(chain_events), rows)
    connection.execute(delete(chain_cursor).where(chain_cursor.c.name == name))
    _set_cursor(connection, name, cursor)


def _set_cursor(connection: Connection, name: str, cursor: Cursor) -> None:
    connection.execute(insert(chain_cursor).values(name=name, block=cursor.block, block_hash=cursor.hash))


def _event(row: Row) -> ChainEvent:
    return ChainEvent(
        block=row["block"],
        log_index=row["log_index"],
        block_hash=bytes(row["block_hash"]),
        block_time=row["block_time"],
        transaction=bytes(row["chain_tx"]),
        contract=row["contract"],
        event=row["event"],
        args=json.loads(row["args"]),
    )


def _row(item: Submission) -> dict[str, Any]:
    attempts = [
        {
            "raw": attempt.raw.hex(),
            "hash": attempt.hash.hex(),
            "max_fee": attempt.max_fee,
            "tip": attempt.tip,
            "at": attempt.at,
            "head": attempt.head,
        }
        for attempt in item.attempts
    ]
    return {
        "sender": item.sender,
        "nonce": item.nonce,
        "content_id": item.content_id,
        "state": item.state.value,
        "to": item.to,
        "data": item.data,
        "gas_limit": item.gas_limit,
        "attempts": orjson.dumps(attempts).decode(),
        "block": item.block,
        "gas_used": item.gas_used,
        "reason": item.reason,
        "receipt": item.receipt,
        "created_at": item.created_at,
    }


def _submission(row: Row) -> Submission:
    attempts = tuple(
        Attempt(
            raw=bytes.fromhex(one["raw"]),
            hash=bytes.fromhex(one["hash"]),
            max_fee=one["max_fee"],
            tip=one["tip"],
            at=one["at"],
            head=one["head"],
        )
        for one in orjson.loads(row["attempts"])
    )
    return Submission(
        sender=row["sender"],
        nonce=row["nonce"],
        content_id=row["content_id"],
        to=row["to"],
        data=bytes(row["data"]),
        gas_limit=row["gas_limit"],
        state=State(row["state"]),
        attempts=attempts,
        created_at=row["created_at"],
        block=row["block"],
        gas_used=row["gas_used"],
        reason=row["reason"],
        receipt=row["receipt"],
    )
