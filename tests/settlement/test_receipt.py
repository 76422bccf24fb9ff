"""A receipt is checked with the file and two questions to the chain; every forged part is named."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from eth_abi.abi import encode
from tests.settlement.village import DOMAIN, INTERVAL, MARKET, PARENTS, SEAT_KEYS, facts, meter_key, readings

from sunpile.basics.errors import NotFound, ReceiptInvalid
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address, PointId
from sunpile.basics.keys import Key
from sunpile.market.payment import buyer_due
from sunpile.settlement import build
from sunpile.settlement.council import attest
from sunpile.settlement.fills import fills
from sunpile.settlement.receipt import (
    ChainPlace,
    Settled,
    digest_of,
    make_receipt,
    receipt_from_json,
    receipt_to_json,
)
from sunpile.settlement.verify import verify_receipt

REGISTRY, COUNCIL = Address("0x" + "22" * 20), Address("0x" + "33" * 20)
CODE = b"\x60\x01code of the market"
ZONE = (1, REGISTRY, REGISTRY, False)
"""Tree, operator, certifier, whether the retailer bills the grid's part."""
SEATS = [key.address for key in SEAT_KEYS]


class FakeChain:
    """A chain that answers from a table."""

    def __init__(self, digest: bytes) -> None:
        self.digest = digest
        self.seats = list(SEATS)
        self.market_code = CODE

    def call(self, to: Address, data: bytes) -> bytes:
        selector, arguments = data[:4], [int.from_bytes(data[i : i + 32], "big") for i in range(4, len(data), 32)]
        answers: dict[tuple[Address, str], Callable[..., bytes]] = {
            (MARKET, "digestAt(uint256,uint256)"): lambda zone, interval: self.digest * (interval == INTERVAL),
            (REGISTRY, "meterKeyAt(uint256,uint256)"): lambda point, _: encode(["address"], [meter_key(point).address]),
            (REGISTRY, "parentOf(uint256)"): lambda point: encode(["uint256"], [PARENTS.get(point, 0)]),
            (REGISTRY, "zoneInfo(uint256)"): lambda _: encode(["uint256", "address", "address", "bool"], ZONE),
            (COUNCIL, "epochOf(uint256)"): lambda time: encode(["uint256"], [time // 86400]),
            (COUNCIL, "seatsAt(uint256)"): lambda _: encode(["address[]"], [self.seats]),
        }
        for (contract, function), answer in answers.items():
            if contract == to and keccak256(function.encode())[:4] == selector:
                return answer(*arguments)
        raise AssertionError(f"unexpected call to {to}")

    def code(self, address: Address) -> bytes:
        return self.market_code if address == MARKET else b""


def settled(signers: int = 3) -> Settled:
    proposal = build(facts(), readings(), 0)
    digest = proposal.batch.digest(DOMAIN)
    signatures = {seat: SEAT_KEYS[seat].sign(digest) for seat in range(signers)}
    place = ChainPlace(
        DOMAIN.chain_id, MARKET, REGISTRY, COUNCIL, keccak256(CODE), "one operator", Key.from_seed("node").address
    )
    return Settled(facts(), proposal, SEATS, attest(SEATS, digest, signatures), place, 900)


def file_of(point: int, shared: bool = False, signers: int = 3) -> dict[str, Any]:
    receipt = make_receipt(settled(signers), PointId(point))
    return json.loads(json.dumps(receipt_to_json(receipt, shared)))


def check(file: dict[str, Any], chain: FakeChain | None = None):
    return verify_receipt(receipt_from_json(file), chain or FakeChain(settled().proposal.batch.struct_hash()))


@pytest.mark.parametrize("point", range(1, 8))
def test_an_honest_receipt_holds_for_every_point(point: int) -> None:
    verdict = check(file_of(point))
    assert verdict.holds, verdict.sentence
    assert [line.name for line in verdict.lines] == [
        *("reading", "signer", "price", "fill", "payment", "digest", "council", "code", "chain")
    ]
    assert "one operator" in verdict.lines[-1].text


def test_it_says_whether_meter_or_node_signed() -> None:
    file = file_of(4)
    assert "meter's own key" in check(file).lines[1].text
    file["chain"]["node_key"] = meter_key(4).address
    assert "node's key" in check(file).lines[1].text


def test_the_shared_form_says_that_it_does_not_prove_itself() -> None:
    file = file_of(4, shared=True)
    assert "rows" not in file
    assert "limits" not in file
    verdict = check(file)
    assert not verdict.holds
    assert "does not prove itself" in verdict.sentence
    assert {line.name for line in verdict.lines if not line.ok} == {"fill", "payment"}
    file["digest"] = "0x" + "00" * 32
    assert "digest" in check(file).sentence


def lie(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def bend(file: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        place: Any = file
        for key in parents:
            place = place[int(key)] if isinstance(place, list) else place[key]
        place[last] = value

    return bend


@pytest.mark.parametrize(
    ("bend", "line"),
    [
        (lie("readings.0.reading.wh", 2499), "reading"),
        (lie("readings.0.proof.index", 0), "reading"),
        (lie("readings.0.reading.signature", "0x" + "11" * 65), "signer"),
        (lie("header.price", 190_001), "price"),
        (lie("retailer_bills", True), "payment"),
        (lie("header.buy_above", 1), "price"),
        (lie("limits.sellers", [500, 501]), "price"),
        (lie("bill.matched_wh", 1), "fill"),
        (lie("bill.wh", 1), "fill"),
        (lie("bill.nano", -1), "payment"),
        (lie("rows_hash", "0x" + "00" * 32), "digest"),
        (lie("previous", "0x" + "00" * 32), "digest"),
        (lie("digest", "0x" + "00" * 32), "digest"),
        (lie("council.signatures", []), "council"),
        (lie("council.seats", SEATS[::-1]), "council"),
        (lie("chain.code_hash", "0x" + "00" * 32), "code"),
    ],
)
def test_each_forged_part_is_named(bend: Callable[[dict[str, Any]], None], line: str) -> None:
    file = copy.deepcopy(file_of(4))
    bend(file)
    verdict = check(file)
    assert not verdict.holds
    assert next(found.name for found in verdict.lines if not found.ok) == line
    assert f": {line}." in verdict.sentence


def test_limits_changed_with_all_that_follows_from_them_do_not_move_the_fill() -> None:
    """Points 2 and 5 share at the price. A file in which point 2 has a better limit, with the same rows, price and
    volume and with totals, fill and payment that fit, is not the batch on chain."""
    file = file_of(5)
    file["limits"]["buyers"] = [800, 600, 500]
    file["header"] |= {"buy_above": 4000, "buy_at": 1000}
    receipt = receipt_from_json(file)
    assert receipt.rows is not None
    assert receipt.rows.buyers == ((4, 2500), (2, 1500), (5, 1000))
    fill = fills(receipt.header, receipt.rows)[0][2]
    assert (fill, receipt.matched_wh) == (500, 800)
    due = buyer_due(receipt.tariff, receipt.header.price, 1000, fill)
    file["bill"] |= {"matched_wh": fill, "nano": due}
    file["digest"] = "0x" + digest_of(receipt_from_json(file)).hex()
    verdict = check(file)
    assert not verdict.holds
    # All that can be said without the chain holds: the digest alone stands against it.
    assert {line.name for line in verdict.lines if not line.ok} == {"digest", "council"}


def test_limits_alone_move_no_fill() -> None:
    file = file_of(4)
    file["limits"]["buyers"][0] = 801
    assert check(file).holds


def test_the_retailer_bills_or_not_as_the_registry_says() -> None:
    file = file_of(4)
    receipt = receipt_from_json(file)
    file["retailer_bills"] = True
    file["bill"]["nano"] = buyer_due(receipt.tariff, receipt.header.price, receipt.wh, receipt.matched_wh, True)
    assert "payment" in check(file).sentence


def test_a_chain_that_knows_nothing_of_the_batch_says_so() -> None:
    verdict = check(file_of(4), FakeChain(bytes(32)))
    assert "no digest" in verdict.sentence


def test_two_signatures_of_four_are_no_quorum() -> None:
    assert "council" in check(file_of(4, signers=2)).sentence


def test_a_late_point_has_no_receipt_of_the_batch() -> None:
    with pytest.raises(NotFound):
        make_receipt(settled(), PointId(99))


@pytest.mark.parametrize("bend", [lie("format", "x"), lie("header", None), lie("point", -1), lie("readings", [])])
def test_what_is_no_receipt_is_refused(bend: Callable[[dict[str, Any]], None]) -> None:
    file = file_of(4)
    bend(file)
    with pytest.raises(ReceiptInvalid):
        receipt_from_json(file)


def test_no_field_can_be_bent_to_crash_the_check() -> None:
    plain = file_of(2)
    for path in paths(plain):
        for value in (None, -1, "x", [], {}, 2**70):
            file = copy.deepcopy(plain)
            lie(path, value)(file)
            try:
                check(file)
            except ReceiptInvalid:
                continue


def paths(source: Any, prefix: str = "") -> list[str]:
    if isinstance(source, dict):
        return [path for key, value in source.items() for path in (prefix + key, *paths(value, f"{prefix}{key}."))]
    return []
