"""The witness proves who is in it, and who is not."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sunpile.basics.errors import NotFound, ReadingInvalid
from sunpile.basics.ids import PointId
from sunpile.basics.reading import Reading, SignedReading
from sunpile.basics.units import Wh
from sunpile.settlement import Witness
from sunpile.settlement.witness import absent


def witness(points: set[int]) -> Witness:
    return Witness.of(SignedReading(Reading(PointId(p), 1, Wh(p), bytes(32)), bytes(65)) for p in points)


@given(st.sets(st.integers(1, 60), max_size=20), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_every_point_is_proved_present_or_absent_never_both(points: set[int], point: int) -> None:
    tree = witness(points)
    if point in points:
        assert tree.presence(PointId(point)).holds(tree.root)
        with pytest.raises(NotFound):
            tree.absence(PointId(point))
    else:
        assert absent(tree.root, PointId(point), tree.absence(PointId(point)))
        with pytest.raises(NotFound):
            tree.presence(PointId(point))


@given(st.sets(st.integers(1, 40), min_size=1, max_size=12), st.data())
@settings(max_examples=60, deadline=None)
def test_no_two_leaves_prove_a_point_between_them_absent_that_is_there(points: set[int], data: st.DataObject) -> None:
    tree = witness(points)
    target = PointId(data.draw(st.sampled_from(sorted(points))))
    proofs = [tree.presence(PointId(p)) for p in sorted(points)]
    for count in {len(points), data.draw(st.integers(1, 40))}:
        for i in range(len(proofs)):
            for shift in range(3):
                bent = [dataclasses.replace(p, count=count, index=max(p.index - shift, 0)) for p in proofs]
                assert not absent(tree.root, target, (bent[i],))
                assert not any(absent(tree.root, target, (bent[i], other)) for other in bent)


def test_a_proof_of_another_reading_fails() -> None:
    tree = witness({1, 2, 3})
    proof = tree.presence(PointId(2))
    assert not dataclasses.replace(proof, commitment=bytes(32)).holds(tree.root)
    assert not dataclasses.replace(proof, point=PointId(3)).holds(tree.root)


def test_a_point_stands_once() -> None:
    twice = witness({1}).readings * 2
    with pytest.raises(ReadingInvalid):
        Witness.of(twice)
