"""A proposal: a batch with all that a member needs to recompute it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sunpile.basics.ids import PointId
from sunpile.basics.reading import SignedReading
from sunpile.basics.units import Wh
from sunpile.market import Book, Clearing, clear, net_zone
from sunpile.settlement.batch import Batch, Header, Row, Rows
from sunpile.settlement.facts import ZoneFacts
from sunpile.settlement.selection import Exclusion, Held, select
from sunpile.settlement.witness import Witness


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the node asks members to sign."""

    batch: Batch
    witness: Witness
    """The readings it rests on."""
    excluded: tuple[Exclusion, ...]
    """Points of the zone that are late, each with its reason and what proves it."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """An interval cleared, before it becomes a batch."""

    netted: Mapping[PointId, Wh]
    """Wh that enter the market, import positive; 0 = a leaf without a row."""
    book: Book
    """Rows in contract order."""
    clearing: Clearing


def clear_interval(facts: ZoneFacts, included: Mapping[PointId, SignedReading]) -> Cleared:
    """Net, book and clear the `included` readings, house by house complete."""
    metered = {point: signed.reading.wh for point, signed in included.items()}
    netted = net_zone(metered, facts.parents())
    book = Book.from_orders(facts.tariff, facts.interval, netted, facts.orders)
    return Cleared(netted, book, clear(book))


def build(facts: ZoneFacts, held: Held, round: int) -> Proposal:
    """The proposal of `round` for the zone's interval from the valid readings `held`."""
    selection = select(facts, held)
    witness = Witness.of(selection.included.values())
    cleared = clear_interval(facts, selection.included)
    batch = batch_of(facts, cleared, round, witness.root)
    return Proposal(batch, witness, selection.excluded)


def batch_of(facts: ZoneFacts, cleared: Cleared, round: int, witness_root: bytes) -> Batch:
    """The batch of a cleared interval."""
    clearing, rows = cleared.clearing, rows_of(cleared.book)
    header = Header(
        zone=facts.zone,
        interval=facts.interval,
        round=round,
        price=clearing.price,
        buyers=len(rows.buyers),
        sellers=len(rows.sellers),
        buy_above=clearing.buy_above,
        buy_at=clearing.buy_at,
        sell_below=clearing.sell_below,
        sell_at=clearing.sell_at,
        tariff_index=facts.tariff_index,
        witness_root=witness_root,
    )
    return Batch(header, rows, facts.tariff, facts.previous)


def rows_of(book: Book) -> Rows:
    """The rows of a book in contract order."""
    sides = (book.buyers, book.sellers)
    buyers, sellers = (_rows(side.points.tolist(), side.wh.tolist()) for side in sides)
    return Rows(buyers, sellers)


def _rows(points: list[int], energies: list[int]) -> tuple[Row, ...]:
    return tuple((PointId(point), Wh(wh)) for point, wh in zip(points, energies, strict=True))
