"""What comes in as a reading: accepted once, never paid when forged or impossible."""

from dataclasses import replace

import pytest
from tests.settlement.village import DOMAIN, INTERVAL, meter_key, reading

from sunpile.basics.keys import Key
from sunpile.settlement.intake import IntakeView, Status, decide

VIEW = IntakeView(meter_key(4).address, (), settled=False, domain=DOMAIN, now=(INTERVAL + 1) * 900, length=900)


def test_a_good_reading_is_accepted_and_its_copy_is_a_duplicate() -> None:
    assert decide(reading(4), VIEW).status is Status.ACCEPTED
    assert decide(reading(4), replace(VIEW, known=(reading(4),))).status is Status.DUPLICATE


def test_the_same_energy_under_another_salt_is_a_duplicate() -> None:
    first = reading(4)
    salted = replace(first.reading, salt=b"\7" * 32).sign(DOMAIN, meter_key(4))
    assert decide(salted, replace(VIEW, known=(first,))).status is Status.DUPLICATE


def test_another_energy_differs_and_is_kept_as_evidence() -> None:
    answer = decide(reading(4, 99), replace(VIEW, known=(reading(4),)))
    assert answer.status is Status.DIFFERING
    assert answer.keep


def test_after_the_batch_it_is_late() -> None:
    assert decide(reading(4), replace(VIEW, settled=True)).status is Status.LATE


@pytest.mark.parametrize(
    ("signed", "view", "word"),
    [
        (reading(4, key=Key.from_seed("thief")), VIEW, "forged"),
        (replace(reading(4), signature=bytes(65)), VIEW, "forged"),
        (replace(reading(4), reading=reading(4, 5).reading), VIEW, "forged"),
        (reading(4, 99, key=Key.from_seed("thief")), replace(VIEW, known=(reading(4),)), "forged"),
        (reading(4), replace(VIEW, domain=replace(DOMAIN, chain_id=1)), "forged"),
        (reading(4), replace(VIEW, key=None), "unknown"),
        (reading(4, 2**24), VIEW, "impossible"),
        (reading(4), replace(VIEW, now=(INTERVAL + 1) * 900 - 1), "impossible"),
    ],
)
def test_forged_foreign_and_impossible_readings_are_refused(signed, view: IntakeView, word: str) -> None:
    answer = decide(signed, view)
    assert answer.status is Status.REFUSED
    assert answer.reason.startswith(word)
    assert not answer.keep
