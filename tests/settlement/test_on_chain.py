"""What Python builds, the real contract accepts; prices, fills, bills and digests are equal to the nano."""

import os
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.settlement.ledger import CHAIN_ID, LENGTH, RETAIL_CAP, SEATS, START, Ledger, Reverted

from sunpile.basics.ids import PointId
from sunpile.basics.keys import Key
from sunpile.basics.reading import Reading
from sunpile.basics.tariff import Tariff
from sunpile.basics.units import Wh
from sunpile.settlement import Proposal, ZoneFacts, bills, build, build_late, late_bills
from sunpile.settlement.council import attest
from sunpile.settlement.proposal import clear_interval
from sunpile.settlement.receipt import ChainPlace, Settled, make_receipt, receipt_from_json, receipt_to_json
from sunpile.settlement.selection import Held
from sunpile.settlement.verify import verify_receipt

CAP = 3_000
RUNS = 30 if os.environ.get("SUNPILE_SOAK") else 3
FIRST = START // LENGTH + 2
TARIFFS = [
    Tariff(300_000, 80_000, 5_000, 5_000),
    Tariff(80_400, 80_000, 5, 5),
    Tariff(90_000, 80_000, 5_000, 5_000),
    Tariff(90_000, 85_000, 5_000, 5_000),
    Tariff(RETAIL_CAP, 0, 0, 0),
]
"""Ordinary; a band narrower than a thousand steps; of width zero; none; the widest."""


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """Fresh contracts with 12 points: two houses of three, six alone."""
    opened = Ledger()
    for index, tariff in enumerate(TARIFFS):
        fields = (tariff.retail, tariff.feed_in, tariff.buy_fee, tariff.sell_fee)
        opened.send("Registry", "publishTariff", 1, FIRST + index, *fields)
    for number in range(1, 13):
        opened.add_point(Key.from_seed(f"meter {number}"), CAP, {2: 1, 3: 1, 5: 4, 6: 4}.get(number, 0))
    yield opened
    opened.close()


def act(ledger: Ledger, rng: random.Random) -> None:
    """Owners do what they like: deposit, order, cancel, withdraw. What the contract refuses changes nothing."""
    need = CAP * RETAIL_CAP * 5
    for _ in range(rng.randint(2, 9)):
        point = rng.randint(1, 12)
        limits = [rng.choice([0, 1, 300, 500, 501, 999, 1000, 1023]) for _ in range(2)]
        until = rng.choice([ledger.now // LENGTH + 2, 2**32 - 1])
        actions = [
            ("deposit", point, rng.choice([1, need // 5, need, 2 * need])),
            ("placeOrder", point, *limits, rng.choice([CAP // 2, CAP]), until),
            ("cancelOrder", point),
            ("requestWithdrawal", point, rng.choice([1, need]), ledger.account),
        ]
        weights = [5, 6, 1, 1]
        try:
            ledger.send("EnergyMarket", *rng.choices(actions, weights)[0])
        except Reverted:
            continue


def measure(ledger: Ledger, facts: ZoneFacts, rng: random.Random) -> Held:
    """Signed readings of random energies; one may be missing."""
    held: dict[PointId, tuple] = {}
    for point in facts.points:
        wh = rng.choice([0, 1, -1, rng.randint(-CAP, CAP), rng.randint(-CAP, CAP)])
        reading = Reading(point, facts.interval, Wh(wh), rng.randbytes(32))
        held[point] = (reading.sign(ledger.domain, Key.from_seed(f"meter {point}")),)
    if rng.random() < 0.5:
        del held[rng.choice(list(held))]
    return held


def signatures(ledger: Ledger, digest: bytes):
    return attest([key.address for key in SEATS], digest, {seat: SEATS[seat].sign(digest) for seat in (0, 1, 3)})


def settle(ledger: Ledger, proposal: Proposal):
    batch = proposal.batch
    attestation = signatures(ledger, batch.digest(ledger.domain))
    words = (batch.header.abi(), batch.rows.words(), attestation.mask, attestation.words())
    return ledger.send("EnergyMarket", "settle", *_plain(words)), attestation


def _plain(words: tuple) -> list:
    header, rows, mask, signed = words
    return [header, list(rows), mask, [(v, r.to_bytes(32, "big"), s.to_bytes(32, "big")) for v, r, s in signed]]


def balances(ledger: Ledger) -> dict[int, int]:
    return {point: ledger.read("EnergyMarket", "balanceOf", point) for point in range(1, 13)}


@pytest.mark.parametrize("seed", range(RUNS))
def test_the_contract_accepts_every_batch_and_pays_every_bill_to_the_nano(ledger: Ledger, seed: int) -> None:
    rng = random.Random(seed)
    act(ledger, rng)
    for index in range(len(TARIFFS)):
        interval = FIRST + index
        act(ledger, rng)
        ledger.move_to((interval + 1) * LENGTH + 60)
        facts = ledger.facts(interval)
        assert facts.next_interval == interval
        assert facts.tariff == TARIFFS[index]
        held = measure(ledger, facts, rng)
        proposal = build(facts, held, 0)
        before = balances(ledger)
        receipt, attestation = settle(ledger, proposal)
        assert ledger.read("EnergyMarket", "digestAt", 1, interval) == proposal.batch.struct_hash()
        event = ledger.events(receipt, "BatchSettled")[0]
        assert (event["price"], event["volume"]) == (proposal.batch.header.price, proposal.batch.header.volume)
        included = {s.reading.point: s for s in proposal.witness.readings}
        made = bills(proposal.batch, clear_interval(facts, included).clearing)
        unpaid = {found["point"]: found["nano"] for found in ledger.events(receipt, "Unpaid")}
        due = {bill.point: bill.nano + unpaid.get(bill.point, 0) for bill in made}
        assert balances(ledger) == {point: nano + due.get(PointId(point), 0) for point, nano in before.items()}
        assert all(bill.gain >= 0 for bill in made)
        check_receipt(ledger, Settled(facts, proposal, *seats_and(attestation), place(ledger), LENGTH), rng)
        check_late(ledger, interval, held, frozenset(included))


def seats_and(attestation):
    return [key.address for key in SEATS], attestation


def place(ledger: Ledger) -> ChainPlace:
    names = ("EnergyMarket", "Registry", "Council")
    addresses = [ledger.addresses[name] for name in names]
    return ChainPlace(CHAIN_ID, *addresses, ledger.code_hash, "one operator", SEATS[0].address)


def check_receipt(ledger: Ledger, settled: Settled, rng: random.Random) -> None:
    """A receipt of some point holds against the chain, and a forged one does not."""
    points = settled.proposal.witness.points
    if not points:
        return
    receipt = make_receipt(settled, rng.choice(points))
    verdict = verify_receipt(receipt_from_json(receipt_to_json(receipt)), ledger)
    assert verdict.holds, verdict.sentence
    assert not verify_receipt(replace(receipt, nano=receipt.nano + 1), ledger).holds


def check_late(ledger: Ledger, interval: int, held: Held, covered: frozenset[PointId]) -> None:
    """What was not in the batch is settled late, once."""
    facts = ledger.facts(interval)
    complete = {point: (reading,) for point, (reading,) in held.items()}
    for point in facts.points.keys() - held.keys():
        reading = Reading(point, interval, Wh(-700), bytes(32))
        complete[point] = (reading.sign(ledger.domain, Key.from_seed(f"meter {point}")),)
    late = build_late(facts, complete, covered, 0)
    if late is None:
        return
    batch = late.batch
    attestation = signatures(ledger, batch.digest(ledger.domain))
    counts = (len(batch.rows.buyers), len(batch.rows.sellers))
    header = (batch.zone, batch.interval, batch.round, *counts, batch.tariff_index, batch.witness_root)
    words = (header, batch.rows.words(), attestation.mask, attestation.words())
    before = balances(ledger)
    receipt = ledger.send("EnergyMarket", "settleLate", *_plain(words))
    assert ledger.read("EnergyMarket", "lateDigestAt", 1, interval, 0) == batch.struct_hash()
    unpaid = {found["point"]: found["nano"] for found in ledger.events(receipt, "Unpaid")}
    due = {bill.point: bill.nano + unpaid.get(bill.point, 0) for bill in late_bills(batch)}
    assert balances(ledger) == {point: nano + due.get(PointId(point), 0) for point, nano in before.items()}
    with pytest.raises(Reverted):
        ledger.send("EnergyMarket", "settleLate", *_plain(words))
