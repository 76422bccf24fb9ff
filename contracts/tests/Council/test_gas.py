"""What the council costs a settlement."""

from dataclasses import replace

from roles import role


def test_gas_of_a_batch_of_four_seats(council, market, gas):
    """At most 15,000 gas inside a settlement; the 21,000 and the call data here belong to no settlement."""
    for mask in (0b1111, 0b0111, 0b1110):
        market.report(council.address, 1, mask, 1_000_003)
    reporter = replace(role("stranger"), address=market.address)
    case = "three of four seats"
    used = gas(case, council, "onBatch", 20_000, 0b1011, 1_000_004, sender=reporter)
    assert used - 21_000 <= 15_000
    # Seats and quorum, as the settlement asks for them.
    seats = gas("four seats", council, "seatsAt", 20_000, sender=role("stranger"))
    quorum = gas("four seats", council, "quorum", 20_000, sender=role("stranger"))
    assert seats + quorum - 42_000 <= 3_000


def test_gas_of_a_batch_of_twenty_one_seats(make_council, market, gas):
    council = make_council(21)
    market.report(council.address, 1, 2**21 - 1, 1_000_003)
    reporter = replace(role("stranger"), address=market.address)
    gas("fifteen of twenty-one seats", council, "onBatch", 20_000, 2**15 - 1, 1_000_004, sender=reporter)


def test_gas_of_a_claim(council, market, gas):
    market.report(council.address, 1, 0b1111, 10**9)
    gas("one seat", council, "claim", sender=role("seat_0"))
