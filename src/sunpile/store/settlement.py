"""Points, readings, batches and bills: of the node, and of a member in a database of its own.

Everything awaited is durable when it returns, and adding the same thing again changes nothing.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, delete, insert, select, update

from sunpile.basics.errors import Conflict
from sunpile.basics.ids import Address, PointId, ZoneId
from sunpile.basics.reading import Reading, SignedReading
from sunpile.basics.units import Wh
from sunpile.settlement.archive import Kept, kept_from_json, kept_to_json
from sunpile.settlement.bill import Bill
from sunpile.settlement.intake import Answer, Status
from sunpile.settlement.late import LateProposal
from sunpile.settlement.ports import Place, PointRecord
from sunpile.settlement.wire import late_from_json, late_to_json
from sunpile.store.database import Database, insert_new
from sunpile.store.tables import batches, late_batches, points, readings
from sunpile.store.tables import bills as bill_table


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A proposed or settled batch."""

    zone: ZoneId
    interval: int
    round: int
    state: str
    """proposed, attested, sent, settled, voided."""
    digest: bytes
    """Struct hash."""
    kept: Kept
    signatures: Mapping[int, bytes]
    """By seat."""
    refusals: Mapping[int, str]
    """Reasons by seat."""
    chain_tx: bytes | None
    gas: int | None


@dataclass(frozen=True, slots=True)
class StoredLate:
    """A late batch."""

    zone: ZoneId
    interval: int
    round: int
    state: str
    digest: bytes
    proposal: LateProposal
    signatures: Mapping[int, bytes]
    chain_tx: bytes | None
    gas: int | None


class SettlementStore:
    """`ReadingShelf` and `BillShelf`, and the batches between them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- points ---------------------------------------------------------------------------------------------------

    async def put_point(self, record: PointRecord) -> None:
        """Add a point, or change what is known of it."""
        values = {
            "zone": record.zone,
            "kind": record.kind,
            "owner": record.owner,
            "meter_key": record.meter_key,
            "node_signs": record.node_signs,
            "parent": record.parent or 0,
            "cap_wh": record.cap,
            "label": record.label,
            "x": record.x,
            "y": record.y,
        }
        await self._database.write(lambda connection: _put(connection, points, {"point": record.point}, values))

    async def points(self, zone: ZoneId | None = None) -> list[PointRecord]:
        """All points, or those of one zone, by index."""
        query = select(points).order_by(points.c.point)
        if zone is not None:
            query = query.where(points.c.zone == zone)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_point(row) for row in rows]

    # -- readings -------------------------------------------------------------------------------------------------

    async def known(self, places: Collection[Place]) -> dict[Place, tuple[SignedReading, ...]]:
        """Readings of (point, interval) pairs that have any: one, or two that differ."""
        query = select(readings).where(
            readings.c.point.in_({point for point, _ in places}),
            readings.c.interval.in_({interval for _, interval in places}),
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {(row.point, row.interval): _readings(row) for row in rows}

    async def add(self, signed: SignedReading, answer: Answer, at: int) -> None:
        """Keep a reading as its intake `answer` says, received at `at` [Unix s]. A third differing one is dropped."""
        await self.add_all([(signed, answer)], at)

    async def add_all(self, answered: Sequence[tuple[SignedReading, Answer]], at: int) -> None:
        """Keep several readings in one unit of work."""
        kept = [(signed, answer.status is Status.DIFFERING) for signed, answer in answered if answer.keep]
        first = [_reading_row(signed, at) for signed, differs in kept if not differs]
        second = [signed for signed, differs in kept if differs]

        def work(connection: Connection) -> None:
            if first:
                connection.execute(insert_new(connection, readings), first)
            for signed in second:
                _add_second(connection, signed, at)

        if first or second:
            await self._database.write(work)

    async def held(self, interval: int) -> dict[PointId, tuple[SignedReading, ...]]:
        """All readings of an interval by point."""
        query = select(readings).where(readings.c.interval == interval).order_by(readings.c.point)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {PointId(row.point): _readings(row) for row in rows}

    async def intervals_with_readings(self, first: int, last: int) -> list[int]:
        """Interval indices from `first` to `last` of which readings are held."""
        query = select(readings.c.interval).where(readings.c.interval.between(first, last)).distinct()
        rows = await self._database.read(lambda connection: connection.execute(query).scalars().all())
        return sorted(rows)

    # -- batches --------------------------------------------------------------------------------------------------

    async def put_batch(self, kept: Kept, at: int, state: str = "proposed") -> None:
        """Keep a proposal before anybody signs it. The same one again changes nothing.

        Raises
        ------
        Conflict
            if another batch was kept for its zone, interval and round.
        """
        header = kept.proposal.batch.header
        digest = kept.proposal.batch.struct_hash()
        values = {
            "body": json.dumps(kept_to_json(kept), separators=(",", ":")),
            "digest": digest,
            "witness_root": header.witness_root,
            "state": state,
            "price": header.price,
            "volume_wh": header.volume,
            "created_at": at,
        }
        key = {"zone": header.zone, "interval": header.interval, "round": header.round}
        await self._database.write(lambda connection: _add_once(connection, batches, key, values))

    async def answers(
        self, zone: ZoneId, interval: int, round: int, signatures: Mapping[int, bytes], refusals: Mapping[int, str]
    ) -> None:
        """Note who signed a proposal and who refused it."""
        values = {"signatures": _signatures_text(signatures), "refusals": json.dumps(sorted(refusals.items()))}
        await self._set(batches, zone, interval, round, values)

    async def set_batch(
        self, zone: ZoneId, interval: int, round: int, state: str, chain_tx: bytes | None = None, gas: int | None = None
    ) -> None:
        """Note how far a batch is: attested, sent, settled, voided."""
        await self._set(batches, zone, interval, round, _progress(state, chain_tx, gas))

    async def batch(self, zone: ZoneId, interval: int, round: int | None = None) -> StoredBatch | None:
        """A batch: that of `round`, or the settled one, or else the newest round."""
        query = select(batches).where(batches.c.zone == zone, batches.c.interval == interval)
        if round is not None:
            query = query.where(batches.c.round == round)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        best = max(rows, key=lambda row: (row.state == "settled", row.round), default=None)
        return _batch(best) if best else None

    async def settled(self, zone: ZoneId, first: int = 0, last: int = 2**32) -> list[StoredBatch]:
        """Settled batches of the zone from interval `first` to `last`, in order."""
        query = (
            select(batches)
            .where(batches.c.zone == zone, batches.c.interval.between(first, last), batches.c.state == "settled")
            .order_by(batches.c.interval)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_batch(row) for row in rows]

    async def under_way(self, zone: ZoneId, before: int) -> list[StoredBatch]:
        """Batches of intervals earlier than `before` that were signed by a quorum and are not noted as settled."""
        query = select(batches).where(
            batches.c.zone == zone, batches.c.interval < before, batches.c.state.in_(("attested", "sent"))
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_batch(row) for row in rows]

    async def signed(self, zone: ZoneId, interval: int) -> dict[int, bytes]:
        """Struct hashes by round of what was kept for this zone and interval: what a member signed."""
        return await self._digests(batches, zone, interval)

    async def points_of(self, zone: ZoneId, interval: int, digest: bytes) -> set[PointId] | None:
        """Points of the witness of the kept batch with this struct hash; None if it is not here."""
        query = select(batches.c.body).where(
            batches.c.zone == zone, batches.c.interval == interval, batches.c.digest == digest
        )
        body = await self._database.read(lambda connection: connection.execute(query).scalar())
        return None if body is None else set(kept_from_json(json.loads(body)).proposal.witness.points)

    # -- late batches -----------------------------------------------------------------------------------------------

    async def put_late(self, proposal: LateProposal, at: int, state: str = "proposed") -> None:
        """Keep a late proposal before anybody signs it.

        Raises
        ------
        Conflict
            if another late batch was kept for its zone, interval and round.
        """
        batch = proposal.batch
        values = {
            "body": json.dumps(late_to_json(proposal), separators=(",", ":")),
            "digest": batch.struct_hash(),
            "state": state,
            "created_at": at,
        }
        key = {"zone": batch.zone, "interval": batch.interval, "round": batch.round}
        await self._database.write(lambda connection: _add_once(connection, late_batches, key, values))

    async def late_answers(self, zone: ZoneId, interval: int, round: int, signatures: Mapping[int, bytes]) -> None:
        """Note who signed a late proposal."""
        await self._set(late_batches, zone, interval, round, {"signatures": _signatures_text(signatures)})

    async def set_late(
        self, zone: ZoneId, interval: int, round: int, state: str, chain_tx: bytes | None = None, gas: int | None = None
    ) -> None:
        """Note how far a late batch is."""
        await self._set(late_batches, zone, interval, round, _progress(state, chain_tx, gas))

    async def lates(self, zone: ZoneId, interval: int | None = None) -> list[StoredLate]:
        """Late batches of the zone, or of one of its intervals, in order."""
        query = select(late_batches).where(late_batches.c.zone == zone)
        if interval is not None:
            query = query.where(late_batches.c.interval == interval)
        query = query.order_by(late_batches.c.interval, late_batches.c.round)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_late(row) for row in rows]

    async def signed_late(self, zone: ZoneId, interval: int) -> dict[int, bytes]:
        """Struct hashes by late round of what was kept: what a member signed."""
        return await self._digests(late_batches, zone, interval)

    async def covered(self, zone: ZoneId, interval: int) -> set[PointId]:
        """Points of the interval that are settled, by its batch or a late one."""
        batch = await self.batch(zone, interval)
        settled = set(batch.kept.proposal.witness.points) if batch and batch.state == "settled" else set[PointId]()
        for late in await self.lates(zone, interval):
            if late.state in ("sent", "settled"):
                settled.update(late.proposal.witness.points)
        return settled

    # -- bills ----------------------------------------------------------------------------------------------------

    async def add_bills(self, bills: Sequence[Bill]) -> None:
        """Keep bills. One that is there already stays as it is."""

        rows = [
            {
                "zone": bill.zone,
                "interval": bill.interval,
                "point": bill.point,
                "kind": _kind(bill),
                "wh": bill.wh,
                "matched_wh": bill.matched_wh,
                "grid_wh": bill.grid_wh,
                "nano": bill.nano,
                "unpaid": bill.unpaid,
            }
            for bill in bills
        ]
        if rows:
            await self._database.write(lambda connection: connection.execute(insert_new(connection, bill_table), rows))

    async def bills(
        self, first: int = 0, last: int = 2**32, point: PointId | None = None, zone: ZoneId | None = None
    ) -> list[Row[Any]]:
        """Bills from interval `first` to `last`, as rows of the table `bills`."""
        query = select(bill_table).where(bill_table.c.interval.between(first, last))
        if point is not None:
            query = query.where(bill_table.c.point == point)
        if zone is not None:
            query = query.where(bill_table.c.zone == zone)
        query = query.order_by(bill_table.c.zone, bill_table.c.interval, bill_table.c.point, bill_table.c.kind)
        return list(await self._database.read(lambda connection: connection.execute(query).all()))

    # -- inside ---------------------------------------------------------------------------------------------------

    async def _set(self, table: Table, zone: int, interval: int, round: int, values: Mapping[str, Any]) -> None:
        key = {"zone": zone, "interval": interval, "round": round}
        change = update(table).where(_where(table, key)).values(**values)
        await self._database.write(lambda connection: connection.execute(change))

    async def _digests(self, table: Table, zone: int, interval: int) -> dict[int, bytes]:
        query = select(table.c.round, table.c.digest).where(table.c.zone == zone, table.c.interval == interval)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.round: bytes(row.digest) for row in rows}


def _where(table: Table, key: Mapping[str, Any]) -> Any:
    return and_(*(table.c[name] == value for name, value in key.items()))


def _put(connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    connection.execute(delete(table).where(_where(table, key)))
    connection.execute(insert(table).values(**key, **values))


def _add_once(connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    row = connection.execute(select(table.c.digest).where(_where(table, key))).first()
    if row is None:
        connection.execute(insert(table).values(**key, **values))
    elif bytes(row.digest) != values["digest"]:
        raise Conflict(f"zone {key['zone']}, interval {key['interval']}: round {key['round']} has another batch")


def _reading_row(signed: SignedReading, at: int) -> dict[str, Any]:
    reading = signed.reading
    return {
        "point": reading.point,
        "interval": reading.interval,
        "wh": reading.wh,
        "salt": reading.salt,
        "signature": signed.signature,
        "received_at": at,
    }


def _add_second(connection: Connection, signed: SignedReading, at: int) -> None:
    reading = signed.reading
    key = {"point": reading.point, "interval": reading.interval}
    row = connection.execute(select(readings).where(_where(readings, key))).first()
    if row is None:
        connection.execute(insert(readings), _reading_row(signed, at))
    elif not row.differing and row.wh != reading.wh:
        second = {"second_wh": reading.wh, "second_salt": reading.salt, "second_signature": signed.signature}
        connection.execute(update(readings).where(_where(readings, key)).values(differing=True, **second))


def _point(row: Row[Any]) -> PointRecord:
    return PointRecord(
        point=PointId(row.point),
        zone=ZoneId(row.zone),
        kind=row.kind,
        owner=Address(row.owner),
        meter_key=Address(row.meter_key),
        node_signs=row.node_signs,
        parent=PointId(row.parent) if row.parent else None,
        cap=Wh(row.cap_wh),
        label=row.label,
        x=row.x,
        y=row.y,
    )


def _readings(row: Row[Any]) -> tuple[SignedReading, ...]:
    point, interval = PointId(row.point), row.interval
    found = [SignedReading(Reading(point, interval, Wh(row.wh), bytes(row.salt)), bytes(row.signature))]
    if row.differing:
        second = Reading(point, interval, Wh(row.second_wh), bytes(row.second_salt))
        found.append(SignedReading(second, bytes(row.second_signature)))
    return tuple(found)


def _batch(row: Row[Any]) -> StoredBatch:
    return StoredBatch(
        zone=ZoneId(row.zone),
        interval=row.interval,
        round=row.round,
        state=row.state,
        digest=bytes(row.digest),
        kept=kept_from_json(json.loads(row.body)),
        signatures=_signatures(row.signatures),
        refusals=dict(json.loads(row.refusals)),
        chain_tx=bytes(row.chain_tx) if row.chain_tx else None,
        gas=row.gas,
    )


def _late(row: Row[Any]) -> StoredLate:
    return StoredLate(
        zone=ZoneId(row.zone),
        interval=row.interval,
        round=row.round,
        state=row.state,
        digest=bytes(row.digest),
        proposal=late_from_json(json.loads(row.body)),
        signatures=_signatures(row.signatures),
        chain_tx=bytes(row.chain_tx) if row.chain_tx else None,
        gas=row.gas,
    )


def _progress(state: str, chain_tx: bytes | None, gas: int | None) -> dict[str, Any]:
    return {
        "state": state,
        **({"chain_tx": chain_tx} if chain_tx is not None else {}),
        **({"gas": gas} if gas is not None else {}),
    }


def _signatures_text(signatures: Mapping[int, bytes]) -> str:
    return json.dumps([[seat, raw.hex()] for seat, raw in sorted(signatures.items())])


def _signatures(text: str) -> dict[int, bytes]:
    return {seat: bytes.fromhex(raw) for seat, raw in json.loads(text)}


def _kind(bill: Bill) -> str:
    return "late" if bill.late else "batch"
