"""A receipt: one point's proof of one interval, complete enough to be checked years later with two kinds of call.

The full form carries every row of the batch and goes to who proves the point's key. The limits beside them say why the
price is what it is; fill and payment rest on rows and totals, which the digest on chain commits. The shared form leaves
rows and limits out (they are the neighbours' energy) and says that it does not prove itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sunpile.basics.errors import InputInvalid, NotFound, ReceiptInvalid
from sunpile.basics.ids import Address, PointId
from sunpile.basics.interval import check_length
from sunpile.basics.reading import SignedReading
from sunpile.basics.tariff import Tariff
from sunpile.basics.units import Nano, Wh
from sunpile.settlement.batch import Header, Rows, batch_struct_hash
from sunpile.settlement.bill import bills
from sunpile.settlement.council import Attestation
from sunpile.settlement.facts import ZoneFacts
from sunpile.settlement.proposal import Proposal, clear_interval
from sunpile.settlement.wire import (
    Json,
    as_map,
    header_from_json,
    hex_field,
    list_field,
    map_field,
    proof_from_json,
    proof_to_json,
    reading_from_json,
    reading_to_json,
    rows_to_json,
    tariff_from_json,
    tariff_to_json,
    to_hex,
    whole_field,
    words_from_json,
)
from sunpile.settlement.witness import LeafProof

FORMAT = "sunpile receipt 1"
SHARED_NOTE = (
    "This is the shared form: the other rows of the batch are left out, so fill and payment are claims. "
    "It does not prove itself; the point's owner has the full form."
)


@dataclass(frozen=True, slots=True)
class ChainPlace:
    """Where the batch was settled."""

    chain_id: int
    market: Address
    registry: Address
    council: Address
    code_hash: bytes
    """keccak256 of the market's code when the receipt was written."""
    runs: str
    """Who runs the chain, in words."""
    node_key: Address
    """Key of the node, which signs for meters that cannot."""


@dataclass(frozen=True, slots=True)
class ProvenReading:
    """A signed reading and its place in the witness."""

    signed: SignedReading
    proof: LeafProof


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt, its form checked and nothing else."""

    place: ChainPlace
    length: int
    """Seconds of an interval."""
    point: PointId
    parent: PointId | None
    """The meter the point stands behind, or the point itself if others stand behind it."""
    readings: tuple[ProvenReading, ...]
    """The point's reading first, then the others of its house."""
    header: Header
    tariff: Tariff
    previous: bytes
    rows_hash: bytes
    rows: Rows | None
    """All rows of the batch; None in the shared form."""
    buy_limits: tuple[int, ...]
    """Effective per mille of each buyer's row when the batch was settled: explains the price, proves nothing. Empty in
    the shared form."""
    sell_limits: tuple[int, ...]
    retailer_bills: bool
    digest: bytes
    """Struct hash of the batch."""
    seats: tuple[Address, ...]
    signatures: tuple[tuple[int, bytes], ...]
    """(seat, signature)."""
    wh: Wh
    """The point's energy after netting [Wh], import positive."""
    matched_wh: Wh
    nano: Nano
    """Due, positive is received."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A batch on chain with all that was around it: what receipts are made of."""

    facts: ZoneFacts
    proposal: Proposal
    seats: Sequence[Address]
    attestation: Attestation
    place: ChainPlace
    length: int


def make_receipt(settled: Settled, point: PointId) -> Receipt:
    """The full receipt of `point`.

    Raises
    ------
    NotFound
        if the point has no reading in the batch.
    """
    proposal, facts = settled.proposal, settled.facts
    batch = proposal.batch
    included = {signed.reading.point: signed for signed in proposal.witness.readings}
    if point not in included:
        raise NotFound(f"point {point} is not in the batch of interval {batch.header.interval}: it is late")
    cleared = clear_interval(facts, included)
    bill = next((made for made in bills(batch, cleared.clearing, facts.retailer_bills) if made.point == point), None)
    parents = facts.parents()
    meter = parents.get(point, point)
    house = [point, *sorted(p for p in included if p != point and parents.get(p, p) == meter)]
    readings = tuple(ProvenReading(included[p], proposal.witness.presence(p)) for p in house)
    return Receipt(
        place=settled.place,
        length=settled.length,
        point=point,
        parent=meter if len(house) > 1 else None,
        readings=readings,
        header=batch.header,
        tariff=batch.tariff,
        previous=batch.previous,
        rows_hash=batch.rows.hash(),
        rows=batch.rows,
        buy_limits=tuple(cleared.book.buyers.limits.tolist()),
        sell_limits=tuple(cleared.book.sellers.limits.tolist()),
        retailer_bills=facts.retailer_bills,
        digest=batch.struct_hash(),
        seats=tuple(settled.seats),
        signatures=settled.attestation.signatures,
        wh=cleared.netted[point],
        matched_wh=bill.matched_wh if bill else Wh(0),
        nano=bill.nano if bill else Nano(0),
    )


def receipt_to_json(receipt: Receipt, shared: bool = False) -> Json:
    """The receipt as a file, in full or `shared`."""
    place = receipt.place
    rows = receipt.rows if not shared else None
    return {
        "format": FORMAT,
        "form": "shared" if rows is None else "full",
        **({"note": SHARED_NOTE} if rows is None else {}),
        "chain": {
            "chain_id": place.chain_id,
            "market": place.market,
            "registry": place.registry,
            "council": place.council,
            "code_hash": to_hex(place.code_hash),
            "runs": place.runs,
            "node_key": place.node_key,
        },
        "length": receipt.length,
        "point": receipt.point,
        "parent": receipt.parent or 0,
        "readings": [
            {"reading": reading_to_json(item.signed), "proof": proof_to_json(item.proof)} for item in receipt.readings
        ],
        "header": _header_json(receipt.header),
        "tariff": tariff_to_json(receipt.tariff),
        "previous": to_hex(receipt.previous),
        "rows_hash": to_hex(receipt.rows_hash),
        **({} if rows is None else _rows_json(receipt, rows)),
        "retailer_bills": receipt.retailer_bills,
        "digest": to_hex(receipt.digest),
        "council": {
            "seats": list(receipt.seats),
            "signatures": [{"seat": seat, "signature": to_hex(raw)} for seat, raw in receipt.signatures],
        },
        "bill": {"wh": receipt.wh, "matched_wh": receipt.matched_wh, "nano": receipt.nano},
    }


def receipt_from_json(source: object) -> Receipt:
    """Read a receipt file.

    Raises
    ------
    ReceiptInvalid
        if it is none: a field is missing or out of range.
    """
    try:
        fields = as_map(source, "receipt")
        if fields.get("format") != FORMAT:
            raise InputInvalid(f"format: {fields.get('format')!r} is not {FORMAT!r}")
        return _receipt(fields)
    except InputInvalid as fault:
        raise ReceiptInvalid(f"this is no receipt: {fault.detail}") from fault


def digest_of(receipt: Receipt) -> bytes:
    """The batch digest that the receipt's own parts come to."""
    rows_hash = receipt.rows.hash() if receipt.rows is not None else receipt.rows_hash
    return batch_struct_hash(receipt.header, rows_hash, receipt.tariff, receipt.previous)


def _header_json(header: Header) -> Json:
    numbers = {name: getattr(header, name) for name in Header.__slots__ if name != "witness_root"}
    return {**numbers, "witness_root": to_hex(header.witness_root)}


def _rows_json(receipt: Receipt, rows: Rows) -> Json:
    return {
        "rows": rows_to_json(rows),
        "limits": {"buyers": list(receipt.buy_limits), "sellers": list(receipt.sell_limits)},
    }


def _receipt(fields: Json) -> Receipt:
    header = header_from_json(map_field(fields, "header"))
    council, bill = map_field(fields, "council"), map_field(fields, "bill")
    rows, limits = None, {"buyers": (), "sellers": ()}
    if "rows" in fields:
        rows = Rows.from_words(words_from_json(list_field(fields, "rows")), header.buyers, header.sellers)
        limits = {side: _limits(map_field(fields, "limits"), side) for side in ("buyers", "sellers")}
        if (len(limits["buyers"]), len(limits["sellers"])) != (header.buyers, header.sellers):
            raise InputInvalid("limits: not one for each row")
    readings = tuple(_proven(as_map(item, "readings")) for item in list_field(fields, "readings"))
    if not readings:
        raise InputInvalid("readings: there is none")
    parent = whole_field(fields, "parent", 32)
    return Receipt(
        place=_place(map_field(fields, "chain")),
        length=check_length(whole_field(fields, "length", 16)),
        point=PointId(whole_field(fields, "point", 32)),
        parent=PointId(parent) if parent else None,
        readings=readings,
        header=header,
        tariff=tariff_from_json(map_field(fields, "tariff")),
        previous=hex_field(fields, "previous", 32),
        rows_hash=hex_field(fields, "rows_hash", 32),
        rows=rows,
        buy_limits=limits["buyers"],
        sell_limits=limits["sellers"],
        retailer_bills=fields.get("retailer_bills") is True,
        digest=hex_field(fields, "digest", 32),
        seats=tuple(_address({"seat": seat}, "seat") for seat in list_field(council, "seats")),
        signatures=tuple(_signature(as_map(item, "signatures")) for item in list_field(council, "signatures")),
        wh=Wh(whole_field(bill, "wh", 64, signed=True)),
        matched_wh=Wh(whole_field(bill, "matched_wh", 64, signed=True)),
        nano=Nano(whole_field(bill, "nano", 96, signed=True)),
    )


def _place(chain: Json) -> ChainPlace:
    runs = chain.get("runs")
    return ChainPlace(
        chain_id=whole_field(chain, "chain_id"),
        market=_address(chain, "market"),
        registry=_address(chain, "registry"),
        council=_address(chain, "council"),
        code_hash=hex_field(chain, "code_hash", 32),
        runs=runs if isinstance(runs, str) else "unknown",
        node_key=_address(chain, "node_key"),
    )


def _proven(item: Json) -> ProvenReading:
    return ProvenReading(reading_from_json(item.get("reading")), proof_from_json(item.get("proof")))


def _signature(item: Json) -> tuple[int, bytes]:
    return whole_field(item, "seat", 16), hex_field(item, "signature", 65)


def _limits(limits: Json, side: str) -> tuple[int, ...]:
    values = [whole_field({side: value}, side, 16, signed=True) for value in list_field(limits, side)]
    if any(not -1 <= value <= 1001 for value in values):
        raise InputInvalid(f"limits: {side} outside 0 to 1000 per mille")
    return tuple(values)


def _address(source: Mapping[str, object], key: str) -> Address:
    return Address("0x" + hex_field(source, key, 20).hex())
