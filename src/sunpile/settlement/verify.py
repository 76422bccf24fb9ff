"""Check a receipt, trusting nobody: the file and two kinds of question to the chain, `eth_call` and `eth_getCode`.

The digest on chain commits price, totals, tariff, rows and witness root; fill and payment are computed from nothing
else. That the price is the right one was checked by the contract when it took the batch in.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sunpile.basics.errors import InputInvalid, SunpileError
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address
from sunpile.basics.interval import Interval
from sunpile.basics.typed_data import word
from sunpile.market import Book, clear, net_zone, verify
from sunpile.market.payment import buyer_due, seller_due
from sunpile.settlement.batch import Rows, market_domain, signed_digest
from sunpile.settlement.council import attest, quorum
from sunpile.settlement.fills import fills
from sunpile.settlement.ports import ChainView
from sunpile.settlement.receipt import SHARED_NOTE, Receipt, digest_of

Shipped = Callable[[bytes], bytes | None]
"""Immutables behind the code of a deployed market; None if the code is not the reader's own."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing checked."""

    name: str
    ok: bool
    text: str
    """What was found, in one sentence."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """All lines, and what they come to."""

    lines: tuple[Line, ...]
    holds: bool
    """True if every line holds and the receipt proves itself."""
    sentence: str
    """The verdict, naming the first line that fails."""


def verify_receipt(receipt: Receipt, chain: ChainView, shipped: Shipped | None = None) -> Verdict:
    """Check `receipt` line by line against `chain`. A line that cannot be asked fails; nothing is raised.

    With `shipped` the market's code is compared with the one the reader has, not only with what the receipt states.
    """

    def code_line(receipt: Receipt, chain: ChainView) -> tuple[bool, str]:
        return _code_line(receipt, chain, shipped)

    checks = (
        ("reading", _reading_line),
        ("signer", _signer_line),
        ("price", _price_line),
        ("fill", _fill_line),
        ("payment", _payment_line),
        ("digest", _digest_line),
        ("council", _council_line),
        ("code", code_line),
    )
    lines: list[Line] = []
    for name, check in checks:
        try:
            ok, text = check(receipt, chain)
        except SunpileError as fault:
            ok, text = False, fault.detail
        lines.append(Line(name, ok, text))
    lines.append(Line("chain", True, f"Who runs the chain: {receipt.place.runs.rstrip(chr(46))}."))
    failed = next((line for line in lines if not line.ok), None)
    where = f"point {receipt.point} in interval {receipt.header.interval}"
    if failed is None:
        return Verdict(tuple(lines), True, f"Everything holds: {where} was settled as this receipt says.")
    if receipt.rows is None and failed.name == "fill":
        broken = next((line for line in lines if not line.ok and line.name not in ("fill", "payment")), None)
        if broken is None:
            return Verdict(tuple(lines), False, SHARED_NOTE)
        failed = broken
    return Verdict(tuple(lines), False, f"This does not hold for {where}: {failed.name}. {failed.text}")


def _reading_line(receipt: Receipt, _chain: ChainView) -> tuple[bool, str]:
    root, header = receipt.header.witness_root, receipt.header
    if receipt.readings[0].signed.reading.point != receipt.point:
        return False, f"The first reading is not that of point {receipt.point}."
    for item in receipt.readings:
        reading, proof = item.signed.reading, item.proof
        if reading.interval != header.interval:
            return False, f"The reading of point {reading.point} is of interval {reading.interval}."
        if proof.point != reading.point or proof.commitment != reading.struct_hash() or not proof.holds(root):
            return False, f"The reading of point {reading.point} is not in the witness of the batch."
    metered = receipt.readings[0].signed.reading.wh
    return True, f"The meter read {metered} Wh, and the reading is in the witness of the batch."


def _signer_line(receipt: Receipt, chain: ChainView) -> tuple[bool, str]:
    domain = market_domain(receipt.place.chain_id, receipt.place.market)
    for item in receipt.readings:
        point, interval = item.signed.reading.point, item.signed.reading.interval
        raw = _call(chain, receipt.place.registry, "meterKeyAt(uint256,uint256)", point, interval)
        key, signer = _as_address(raw), item.signed.signer(domain)
        if signer != key:
            return False, f"The reading of point {point} is signed by {signer}, the key valid then is {key}."
        if receipt.parent is not None:
            behind = int.from_bytes(_call(chain, receipt.place.registry, "parentOf(uint256)", point), "big")
            if point != receipt.parent and behind != receipt.parent:
                return False, f"Point {point} does not stand behind the meter of point {receipt.parent}."
    own = receipt.readings[0].signed.signer(domain)
    if own == receipt.place.node_key:
        return True, f"The node's key {own} signed it, for a meter that cannot sign: it proves what the node read."
    return True, f"The meter's own key {own} signed it, and it was valid in that interval."


def _price_line(receipt: Receipt, _chain: ChainView) -> tuple[bool, str]:
    header = receipt.header
    said = (
        f"The market with the code hash below accepted {header.price} micro per kWh for these rows, "
        f"with {header.volume} Wh matched"
    )
    if receipt.rows is None:
        return True, f"{said}; the rows are left out of the shared form."
    book = _book(receipt)
    clearing = clear(book)
    verify(book, clearing)
    stated = (header.price, header.buy_above, header.buy_at, header.sell_below, header.sell_at)
    explained = (clearing.price, clearing.buy_above, clearing.buy_at, clearing.sell_below, clearing.sell_at)
    if stated != explained:
        return False, f"The limits stated make the price {clearing.price}, not {header.price}, or other totals."
    return True, (
        f"{said}: the limits it states make it the middle of the equilibrium of {len(book.buyers)} buyers and "
        f"{len(book.sellers)} sellers."
    )


def _fill_line(receipt: Receipt, _chain: ChainView) -> tuple[bool, str]:
    row = _row(receipt)
    if row is None:
        fits = receipt.wh == 0 == receipt.matched_wh
        return fits, f"No energy of point {receipt.point} crossed its meter, so there is no row."
    wh, fill = row
    netted = net_zone(
        {item.signed.reading.point: item.signed.reading.wh for item in receipt.readings},
        {item.signed.reading.point: receipt.parent for item in receipt.readings if item.proof.point != receipt.parent}
        if receipt.parent is not None
        else {},
    )
    if netted.get(receipt.point) != wh or receipt.wh != wh:
        return False, f"The row says {wh} Wh, the readings net to {netted.get(receipt.point)} Wh."
    if receipt.matched_wh != fill:
        return False, f"The receipt says {receipt.matched_wh} Wh matched, rows and totals give {fill} Wh."
    return True, f"Of {wh} Wh, {fill} Wh were matched and {wh - fill} Wh are the grid's."


def _payment_line(receipt: Receipt, chain: ChainView) -> tuple[bool, str]:
    row = _row(receipt)
    # (tree, operator, certifier, billed by the retailer)
    zone = _call(chain, receipt.place.registry, "zoneInfo(uint256)", receipt.header.zone)
    if any(zone[96:128]) != receipt.retailer_bills:
        return False, "Who bills the grid's part is not what the receipt says."
    due = 0
    if row is not None:
        wh, fill = row
        owed = buyer_due if wh > 0 else seller_due
        due = owed(receipt.tariff, receipt.header.price, abs(wh), abs(fill), receipt.retailer_bills)
    if due != receipt.nano:
        return False, f"The receipt says {receipt.nano} nano, the fill comes to {due} nano."
    return True, f"{'Receives' if due >= 0 else 'Pays'} {abs(due)} nano at the price and the tariff of the interval."


def _digest_line(receipt: Receipt, chain: ChainView) -> tuple[bool, str]:
    header, digest = receipt.header, digest_of(receipt)
    if digest != receipt.digest or (receipt.rows is not None and receipt.rows.hash() != receipt.rows_hash):
        return False, "The parts of the receipt do not come to the digest it states."
    on_chain = _call(chain, receipt.place.market, "digestAt(uint256,uint256)", header.zone, header.interval)
    if on_chain != digest:
        known = "another digest" if any(on_chain) else "no digest"
        return False, f"The market has {known} for zone {header.zone} and interval {header.interval}."
    return True, f"The market on chain has this batch's digest 0x{digest.hex()}."


def _council_line(receipt: Receipt, chain: ChainView) -> tuple[bool, str]:
    place, ended = receipt.place, Interval(receipt.header.interval, receipt.length).end
    epoch = int.from_bytes(_call(chain, place.council, "epochOf(uint256)", ended), "big")
    seats = _as_addresses(_call(chain, place.council, "seatsAt(uint256)", epoch))
    if list(receipt.seats) != seats:
        return False, f"The council of epoch {epoch} has other seats than the receipt states."
    digest = signed_digest(market_domain(place.chain_id, place.market), digest_of(receipt))
    valid = attest(seats, digest, dict(receipt.signatures)).signatures
    needed = quorum(len(seats))
    if len(valid) < len(receipt.signatures) or len(valid) < needed:
        return False, f"{len(valid)} of {len(seats)} seats signed this digest, {needed} are needed."
    return True, f"{len(valid)} of {len(seats)} seats signed this digest, {needed} are needed."


def _code_line(receipt: Receipt, chain: ChainView, shipped: Shipped | None) -> tuple[bool, str]:
    code = chain.code(receipt.place.market)
    if not code:
        return False, f"There is no contract at {receipt.place.market}."
    found = keccak256(code)
    if found != receipt.place.code_hash:
        return False, f"The market's code is 0x{found.hex()}, not the one the receipt states."
    if shipped is None:
        return True, f"The market's code is the one the receipt states, 0x{found.hex()}."
    immutables = shipped(code)
    if immutables is None:
        return False, "The market's code is not the EnergyMarket of this release."
    for name, address in (("registry", receipt.place.registry), ("council", receipt.place.council)):
        if word("address", address) not in immutables:
            return False, f"The market does not work with the {name} the receipt states, {address}."
    return (
        True,
        f"The market's code is the EnergyMarket of this release, 0x{found.hex()} with its registry and council.",
    )


def _book(receipt: Receipt) -> Book:
    """The rows with the limits the receipt states."""
    rows = _rows(receipt)
    return Book.from_arrays(
        receipt.tariff,
        list(receipt.buy_limits),
        [wh for _, wh in rows.buyers],
        list(receipt.sell_limits),
        [wh for _, wh in rows.sellers],
        [point for point, _ in rows.buyers],
        [point for point, _ in rows.sellers],
    )


def _rows(receipt: Receipt) -> Rows:
    if receipt.rows is None:
        raise InputInvalid("Not shown: the other rows are left out of the shared form.")
    return receipt.rows


def _row(receipt: Receipt) -> tuple[int, int] | None:
    """(Wh, matched Wh) of the receipt's row, import positive."""
    rows = _rows(receipt)
    bought, sold = fills(receipt.header, rows)
    for side, matched, sign in ((rows.buyers, bought, 1), (rows.sellers, sold, -1)):
        for (point, wh), fill in zip(side, matched, strict=True):
            if point == receipt.point:
                return sign * wh, sign * fill
    return None


def _call(chain: ChainView, to: Address, function: str, *arguments: int) -> bytes:
    """Answer of a view `function(uint256, ...)`."""
    return chain.call(to, keccak256(function.encode())[:4] + b"".join(word("uint256", value) for value in arguments))


def _as_address(raw: bytes) -> Address:
    return Address("0x" + raw[12:32].hex())


def _as_addresses(raw: bytes) -> list[Address]:
    """A returned dynamic array of addresses."""
    count = int.from_bytes(raw[32:64], "big") if len(raw) >= 64 else 0
    if len(raw) < 64 + 32 * count:
        raise InputInvalid("The council's answer is no list of seats.")
    return [_as_address(raw[64 + 32 * i : 96 + 32 * i]) for i in range(count)]
