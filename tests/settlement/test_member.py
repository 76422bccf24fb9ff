"""An honest member signs what it can recompute, and refuses each lie with a reason of its own."""

from dataclasses import replace

import pytest
from tests.settlement.village import CAP, DOMAIN, INTERVAL, Member, facts, meter_key, reading, readings

from sunpile.basics.ids import PointId
from sunpile.basics.keys import Key, recover
from sunpile.basics.units import Wh
from sunpile.settlement import Proposal, Rows, Witness, build
from sunpile.settlement.member import MemberView, Refusal, SignatureRequest, decide
from sunpile.settlement.proposal import batch_of, clear_interval
from sunpile.settlement.selection import Exclusion, Reason, merge
from sunpile.settlement.wire import proposal_from_json, proposal_to_json

KEY = Key.from_seed("member")


def refusal(view: MemberView, proposal: Proposal) -> Refusal:
    answer = decide(view, proposal)
    assert isinstance(answer, Refusal), answer
    return answer


def test_an_honest_proposal_is_signed() -> None:
    proposal = build(facts(), readings(), 0)
    answer = decide(Member(KEY).view(), proposal)
    assert isinstance(answer, SignatureRequest)
    assert answer.digest == proposal.batch.digest(DOMAIN)
    assert recover(answer.digest, KEY.sign(answer.digest)) == KEY.address


def test_a_proposal_survives_its_json() -> None:
    held = merge(readings(), {PointId(5): (reading(5, 7),)})
    del held[PointId(2)]
    proposal = build(facts(), held, 1)
    assert proposal_from_json(proposal_to_json(proposal)) == proposal


def test_a_member_with_an_empty_store_checks_all_signatures_itself() -> None:
    assert isinstance(decide(Member(KEY, own={}).view(), build(facts(), readings(), 0)), SignatureRequest)


def test_energy_changed_below_the_cap_is_refused_by_whoever_holds_the_reading() -> None:
    """What no contract can see: the operator holds the meter's key, or makes the meter sign again."""
    answer = refusal(Member(KEY).view(), build(facts(), readings({4: 2400}), 0))
    assert answer.reason.startswith("differing: point 4")
    assert answer.readings == (reading(4),)


def test_energy_changed_without_the_meter_is_a_false_witness() -> None:
    held = readings()
    held[PointId(4)] = (replace(reading(4), reading=reading(4, 2400).reading),)
    assert refusal(Member(KEY, own={}).view(), build(facts(), held, 0)).reason.startswith("signature: ")


def test_a_reading_left_out_is_refused_and_handed_over() -> None:
    held = readings()
    del held[PointId(6)]
    answer = refusal(Member(KEY).view(), build(facts(), held, 0))
    assert answer.reason.startswith("left out: a valid reading of point 6")
    repaired = build(facts(), merge(held, {s.reading.point: (s,) for s in answer.readings}), 1)
    assert isinstance(decide(Member(KEY).view(), repaired), SignatureRequest)


def test_a_house_without_one_reading_is_late_as_a_whole_and_that_is_signed() -> None:
    held = readings()
    del held[PointId(3)]
    proposal = build(facts(), held, 0)
    assert [e.point for e in proposal.excluded] == [1, 2, 3]
    assert [e.reason for e in proposal.excluded] == [Reason.HOUSE, Reason.HOUSE, Reason.MISSING]
    assert isinstance(decide(Member(KEY, own=held).view(), proposal), SignatureRequest)


def test_a_good_house_left_out_is_refused() -> None:
    proposal = build(facts(), readings(), 0)
    rest = {p: s[0] for p, s in readings().items() if p > 3}
    bent = batch_of(facts(), clear_interval(facts(), rest), 0, Witness.of(rest.values()).root)
    excuses = tuple(Exclusion(PointId(p), Reason.HOUSE, readings()[PointId(p)]) for p in (1, 2, 3))
    answer = refusal(Member(KEY).view(), Proposal(bent, Witness.of(rest.values()), excuses))
    assert answer.reason.startswith("left out: the complete house of point 1")
    assert proposal.batch != bent


def test_differing_readings_are_late_with_both_as_evidence() -> None:
    held = merge(readings(), {PointId(4): (reading(4, 2400),)})
    proposal = build(facts(), held, 0)
    assert [(e.point, e.reason, len(e.evidence)) for e in proposal.excluded] == [(4, Reason.DIFFERING, 2)]
    assert isinstance(decide(Member(KEY).view(), proposal), SignatureRequest)


def test_a_reading_above_the_cap_waits() -> None:
    proposal = build(facts(), readings({4: CAP + 1}), 0)
    assert [(e.point, e.reason) for e in proposal.excluded] == [(4, Reason.ABOVE_CAP)]
    assert isinstance(decide(Member(KEY, own=readings({4: CAP + 1})).view(), proposal), SignatureRequest)


def bent_proposals() -> list[tuple[str, Proposal]]:
    good = build(facts(), readings(), 0)
    batch, header = good.batch, good.batch.header

    def bend(name: str, value: object) -> Proposal:
        return replace(good, batch=replace(batch, header=replace(header, **{name: value})))

    swapped = Rows(batch.rows.buyers[::-1], batch.rows.sellers)
    changed = Rows(((batch.rows.buyers[0][0], Wh(7)), *batch.rows.buyers[1:]), batch.rows.sellers)
    foreign = Witness.of([*good.witness.readings, reading(6, interval=INTERVAL).reading.sign(DOMAIN, KEY)][:-1])
    old = [reading(7, interval=INTERVAL - 1) if s.reading.point == 7 else s for s in foreign.readings]
    return [
        ("price", bend("price", header.price + 1)),
        ("totals", bend("buy_at", header.buy_at + 1)),
        ("root", bend("witness_root", bytes(32))),
        ("tariff", bend("tariff_index", 2)),
        ("tariff", replace(good, batch=replace(batch, tariff=replace(batch.tariff, retail=1)))),
        ("interval", bend("interval", INTERVAL + 1)),
        ("interval", bend("zone", 2)),
        ("previous", replace(good, batch=replace(batch, previous=bytes(32)))),
        ("rows", replace(good, batch=replace(batch, rows=swapped))),
        ("rows", replace(good, batch=replace(batch, rows=changed))),
        ("witness", replace(good, witness=Witness.of(old))),
    ]


@pytest.mark.parametrize(("word", "proposal"), bent_proposals())
def test_each_lie_has_its_reason(word: str, proposal: Proposal) -> None:
    assert refusal(Member(KEY).view(), proposal).reason.startswith(word + ":")


def test_a_point_of_another_zone_is_refused() -> None:
    zone = facts()
    smaller = replace(zone, points={p: m for p, m in zone.points.items() if p != 7})
    own = {p: s for p, s in readings().items() if p != 7}
    assert refusal(Member(KEY, own=own).view(smaller), build(zone, readings(), 0)).reason.startswith("witness: point 7")


def test_a_reading_signed_by_a_key_that_is_not_valid_yet_is_refused() -> None:
    zone = facts()
    points = {**zone.points, PointId(4): replace(zone.points[PointId(4)], meter_key=KEY.address)}
    own = {p: s for p, s in readings().items() if p != 4}
    answer = refusal(Member(KEY, own=own).view(replace(zone, points=points)), build(zone, readings(), 0))
    assert answer.reason.startswith("signature: the reading of point 4")


def test_one_batch_is_signed_for_a_round() -> None:
    first = build(facts(), readings(), 0)
    member = Member(KEY, signed={0: first.batch.struct_hash()})
    assert isinstance(decide(member.view(), first), SignatureRequest)
    held = readings()
    del held[PointId(7)]
    other = build(facts(), held, 0)
    assert refusal(replace(member, own=held).view(), other).reason.startswith("round:")
    assert isinstance(decide(replace(member, own=held).view(), build(facts(), held, 1)), SignatureRequest)


def test_evidence_is_checked_like_a_reading() -> None:
    forged = reading(4, 2400, key=KEY)
    held = merge(readings(), {PointId(4): (forged,)})
    assert refusal(Member(KEY).view(), build(facts(), held, 0)).reason.startswith("signature: ")
    assert meter_key(4).address != KEY.address


def test_a_reading_sent_ahead_of_a_key_change_is_worth_nothing() -> None:
    """A thief of the old key sends readings of intervals to come; then the owner sets another key."""
    fresh = Key.from_seed("fresh")
    points = {**facts().points, PointId(4): replace(facts().points[PointId(4)], meter_key=fresh.address)}
    zone = replace(facts(), points=points)
    true = {**readings(), PointId(4): (reading(4, key=fresh),)}
    view = Member(KEY, own=merge(readings({4: 9}), {})).view(zone)
    assert isinstance(decide(view, build(zone, true, 0)), SignatureRequest)
    assert refusal(view, build(zone, readings({4: 9}), 0)).reason.startswith("signature:")
