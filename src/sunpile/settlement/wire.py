"""Readings and proposals as JSON, and back with every field checked: members trust nothing that comes in."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sunpile.basics.errors import BatchInvalid, InputInvalid, ReadingInvalid
from sunpile.basics.ids import PointId, ZoneId
from sunpile.basics.reading import Reading, SignedReading
from sunpile.basics.tariff import Tariff
from sunpile.basics.units import MicroPerKwh, Wh
from sunpile.settlement.batch import Batch, Header, LateBatch, Rows
from sunpile.settlement.late import LateProposal
from sunpile.settlement.member import Refusal
from sunpile.settlement.proposal import Proposal
from sunpile.settlement.selection import Exclusion, Reason
from sunpile.settlement.witness import LeafProof, Witness

Json = dict[str, Any]
T = TypeVar("T")
HEADER_NUMBERS = (
    *("zone", "interval", "round", "price", "buyers", "sellers"),
    *("buy_above", "buy_at", "sell_below", "sell_at", "tariff_index"),
)
MANY = 1_000_000
"""More readings, rows or words than this are not read."""
REASON_MAX = 300
"""A member's reason is kept up to here [characters]."""


def to_hex(raw: bytes) -> str:
    """0x and lower-case hex."""
    return "0x" + raw.hex()


def hex_field(source: Mapping[str, Any], key: str, length: int) -> bytes:
    """`length` bytes of hex in `source[key]`.

    Raises
    ------
    InputInvalid
        if they are not there.
    """
    return _from_hex(source.get(key), key, length)


def whole_field(source: Mapping[str, Any], key: str, bits: int = 64, signed: bool = False) -> int:
    """A whole number of at most `bits` in `source[key]`.

    Raises
    ------
    InputInvalid
        if there is none.
    """
    value = source.get(key)
    lowest, highest = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value < highest:
        raise InputInvalid(f"{key}: a whole number of {bits} bits is missing")
    return value


def list_field(source: Mapping[str, Any], key: str) -> list[Any]:
    """The list in `source[key]`.

    Raises
    ------
    InputInvalid
        if there is none, or one too long to read.
    """
    value: object = source.get(key)
    if not isinstance(value, list) or len(value) > MANY:  # pyright: ignore[reportUnknownArgumentType]
        raise InputInvalid(f"{key}: a list is missing")
    return value  # pyright: ignore[reportUnknownVariableType]


def map_field(source: Mapping[str, Any], key: str) -> Json:
    """The object in `source[key]`.

    Raises
    ------
    InputInvalid
        if there is none.
    """
    return as_map(source.get(key), key)


def as_map(value: object, name: str) -> Json:
    """`value` as a JSON object.

    Raises
    ------
    InputInvalid
        if it is none.
    """
    if not isinstance(value, dict):
        raise InputInvalid(f"{name}: an object is missing")
    return value  # pyright: ignore[reportUnknownVariableType]


def reading_to_json(signed: SignedReading) -> Json:
    """A signed reading as it travels."""
    reading = signed.reading
    return {
        "point": reading.point,
        "interval": reading.interval,
        "wh": reading.wh,
        "salt": to_hex(reading.salt),
        "signature": to_hex(signed.signature),
    }


def reading_from_json(source: object) -> SignedReading:
    """A signed reading, its form checked, its signature not.

    Raises
    ------
    ReadingInvalid
        if a field is missing or out of range.
    """
    return _checked(ReadingInvalid, "reading", _reading, source)


def proposal_to_json(proposal: Proposal) -> Json:
    """A proposal as members receive it."""
    return {
        **batch_to_json(proposal.batch),
        "witness": [reading_to_json(signed) for signed in proposal.witness.readings],
        "excluded": [
            {
                "point": exclusion.point,
                "reason": exclusion.reason.value,
                "evidence": [reading_to_json(signed) for signed in exclusion.evidence],
            }
            for exclusion in proposal.excluded
        ],
    }


def proposal_from_json(source: object) -> Proposal:
    """A proposal, its form checked and nothing else.

    Raises
    ------
    BatchInvalid
        if a field is missing or out of range.
    """
    return _checked(BatchInvalid, "proposal", _proposal, source)


def late_to_json(proposal: LateProposal) -> Json:
    """A late proposal as members receive it."""
    batch = proposal.batch
    return {
        "late": True,
        "zone": batch.zone,
        "interval": batch.interval,
        "round": batch.round,
        "buyers": len(batch.rows.buyers),
        "sellers": len(batch.rows.sellers),
        "rows": rows_to_json(batch.rows),
        "tariff_index": batch.tariff_index,
        "tariff": tariff_to_json(batch.tariff),
        "witness_root": to_hex(batch.witness_root),
        "witness": [reading_to_json(signed) for signed in proposal.witness.readings],
        "evidence": [reading_to_json(signed) for signed in proposal.evidence],
    }


def late_from_json(source: object) -> LateProposal:
    """A late proposal, its form checked and nothing else.

    Raises
    ------
    BatchInvalid
        if a field is missing or out of range.
    """
    return _checked(BatchInvalid, "late proposal", _late, source)


def refusal_to_json(refusal: Refusal) -> Json:
    """A member's refusal, with the readings the proposal lacks."""
    return {"refusal": refusal.reason, "readings": [reading_to_json(signed) for signed in refusal.readings]}


def refusal_from_json(source: object) -> Refusal:
    """A member's refusal; its readings are not checked but in form.

    Raises
    ------
    InputInvalid
        if it is none.
    """
    fields = as_map(source, "refusal")
    reason = fields.get("refusal")
    if not isinstance(reason, str):
        raise InputInvalid("refusal: a sentence is missing")
    return Refusal(reason[:REASON_MAX], _readings(fields, "readings"))


def batch_to_json(batch: Batch) -> Json:
    """Header, rows, tariff and previous digest."""
    header = {name: getattr(batch.header, name) for name in HEADER_NUMBERS}
    return {
        "header": {**header, "witness_root": to_hex(batch.header.witness_root)},
        "rows": rows_to_json(batch.rows),
        "tariff": tariff_to_json(batch.tariff),
        "previous": to_hex(batch.previous),
    }


def batch_from_json(source: object) -> Batch:
    """A batch, its form checked and nothing else.

    Raises
    ------
    BatchInvalid
        if a field is missing or out of range.
    """
    return _checked(BatchInvalid, "batch", _batch, source)


def rows_to_json(rows: Rows) -> list[str]:
    """Packed words as hex."""
    return [f"0x{word:064x}" for word in rows.words()]


def tariff_to_json(tariff: Tariff) -> Json:
    """Micro-currency per kWh."""
    return {
        "retail": tariff.retail,
        "feed_in": tariff.feed_in,
        "buy_fee": tariff.buy_fee,
        "sell_fee": tariff.sell_fee,
    }


def tariff_from_json(source: Json) -> Tariff:
    """A tariff.

    Raises
    ------
    InputInvalid
        if a price is missing.
    """
    names = ("retail", "feed_in", "buy_fee", "sell_fee")
    return Tariff(*(MicroPerKwh(whole_field(source, name, 48)) for name in names))


def header_from_json(source: Json) -> Header:
    """A batch header.

    Raises
    ------
    InputInvalid
        if a field is missing.
    """
    numbers: dict[str, Any] = {name: whole_field(source, name) for name in HEADER_NUMBERS}
    for name in ("zone", "interval", "round", "buyers", "sellers", "tariff_index"):
        whole_field(source, name, 32)
    return Header(**numbers, witness_root=hex_field(source, "witness_root", 32))


def proof_to_json(proof: LeafProof) -> Json:
    """A proof of one leaf."""
    return {
        "point": proof.point,
        "commitment": to_hex(proof.commitment),
        "index": proof.index,
        "count": proof.count,
        "siblings": [to_hex(sibling) for sibling in proof.siblings],
    }


def proof_from_json(source: object) -> LeafProof:
    """A proof of one leaf.

    Raises
    ------
    InputInvalid
        if a field is missing.
    """
    fields = as_map(source, "proof")
    return LeafProof(
        PointId(whole_field(fields, "point", 32)),
        hex_field(fields, "commitment", 32),
        whole_field(fields, "index", 32),
        whole_field(fields, "count", 32),
        tuple(_from_hex(sibling, "siblings", 32) for sibling in list_field(fields, "siblings")),
    )


def words_from_json(source: list[Any]) -> list[int]:
    """Packed words.

    Raises
    ------
    InputInvalid
        if one is not 32 bytes of hex.
    """
    return [int.from_bytes(_from_hex(word, "rows", 32), "big") for word in source]


def _from_hex(value: object, key: str, length: int) -> bytes:
    if isinstance(value, str) and value.startswith("0x") and len(value) == 2 + 2 * length:
        try:
            return bytes.fromhex(value[2:])
        except ValueError:
            pass
    raise InputInvalid(f"{key}: 0x and {length} bytes of hex are missing")


def _reading(source: Json) -> SignedReading:
    reading = Reading(
        PointId(whole_field(source, "point", 32)),
        whole_field(source, "interval", 32),
        Wh(whole_field(source, "wh", 64, signed=True)),
        hex_field(source, "salt", 32),
    )
    return SignedReading(reading, hex_field(source, "signature", 65))


def _readings(source: Json, key: str) -> tuple[SignedReading, ...]:
    return tuple(_reading(as_map(item, key)) for item in list_field(source, key))


def _batch(source: Json) -> Batch:
    header = header_from_json(map_field(source, "header"))
    rows = Rows.from_words(words_from_json(list_field(source, "rows")), header.buyers, header.sellers)
    return Batch(header, rows, tariff_from_json(map_field(source, "tariff")), hex_field(source, "previous", 32))


def _exclusion(source: Json) -> Exclusion:
    reason = source.get("reason")
    if reason not in {known.value for known in Reason}:
        raise InputInvalid(f"reason: {reason!r} is unknown")
    return Exclusion(PointId(whole_field(source, "point", 32)), Reason(reason), _readings(source, "evidence"))


def _proposal(source: Json) -> Proposal:
    excluded = tuple(_exclusion(as_map(item, "excluded")) for item in list_field(source, "excluded"))
    return Proposal(_batch(source), Witness.of(_readings(source, "witness")), excluded)


def _late(source: Json) -> LateProposal:
    words = words_from_json(list_field(source, "rows"))
    batch = LateBatch(
        ZoneId(whole_field(source, "zone", 32)),
        whole_field(source, "interval", 32),
        whole_field(source, "round", 32),
        Rows.from_words(words, whole_field(source, "buyers", 32), whole_field(source, "sellers", 32)),
        whole_field(source, "tariff_index", 32),
        tariff_from_json(map_field(source, "tariff")),
        hex_field(source, "witness_root", 32),
    )
    return LateProposal(batch, Witness.of(_readings(source, "witness")), _readings(source, "evidence"))


def _checked(fault: type[InputInvalid], name: str, parse: Callable[[Json], T], source: object) -> T:
    try:
        return parse(as_map(source, name))
    except fault:
        raise
    except InputInvalid as wrong:
        raise fault(f"{name}: {wrong.detail}") from wrong
