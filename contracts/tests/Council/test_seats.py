"""Who sits on the council, and how many must sign."""

import boa
import pytest
from eth_abi import decode
from roles import role

EPOCH = 86_400
NOBODY = "0x" + "00" * 20


def seats(count):
    return [role(f"seat_{number}").address for number in range(count)]


def test_co_1_the_seats_are_the_same_in_every_epoch(council):
    for epoch in (0, 1, 20_000, 2**256 - 1):
        assert council.seatsAt(epoch) == seats(4)
    assert council.getValidators() == seats(4)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_co_1_a_council_of_fewer_than_four_is_not_made(deploy, count):
    with boa.reverts("council: fewer than four seats"):
        deploy("Council", seats(count), EPOCH)


def test_co_1_seats_are_distinct_and_somebodys(deploy):
    with boa.reverts("council: seat twice"):
        deploy("Council", [*seats(4), seats(1)[0]], EPOCH)
    with boa.reverts("council: zero address"):
        deploy("Council", [*seats(4), NOBODY], EPOCH)
    with boa.reverts("council: no epoch length"):
        deploy("Council", seats(4), 0)


def test_co_1_a_hundred_seats_fit(make_council):
    council = make_council(100)
    assert council.seatsAt(7) == seats(100)
    assert council.quorum(7) == 67


@pytest.mark.parametrize(("count", "quorum"), [(4, 3), (5, 4), (6, 5), (7, 5), (9, 7), (10, 7), (21, 15), (99, 67)])
def test_co_2_a_quorum_is_more_than_two_thirds(make_council, count, quorum):
    assert make_council(count).quorum(0) == quorum
    assert 3 * quorum > 2 * count
    # Any two quorums share at least this many seats, which is more than a third.
    assert 3 * (2 * quorum - count) > count


def test_epochs_follow_the_clock(council):
    assert council.epochLength() == EPOCH
    assert [council.epochOf(moment) for moment in (0, EPOCH - 1, EPOCH, 10 * EPOCH + 5)] == [0, 0, 1, 10]


def test_co_8_the_engine_gets_every_seat_or_nobody(council):
    people = [role(f"seat_{number}") for number in range(4)]
    for number, person in enumerate(people):
        assert council.getValidatorSet() == ([], [], [])
        council.setConsensusKey(bytes([number + 1]) * 32, sender=person.address)
        assert council.consensusKey(person.address) == bytes([number + 1]) * 32
    assert council.getValidatorSet() == ([bytes([n + 1]) * 32 for n in range(4)], [1] * 4, seats(4))


def test_co_8_a_consensus_key_belongs_to_one_seat(council):
    first, second = role("seat_0").address, role("seat_1").address
    council.setConsensusKey(b"k" * 32, sender=first)
    for who, key in ((second, b"k" * 32), (first, b"k" * 32), (second, bytes(32))):
        with boa.reverts("council: key empty or taken"):
            council.setConsensusKey(key, sender=who)
    council.setConsensusKey(b"l" * 32, sender=first)
    # The old one is free again.
    council.setConsensusKey(b"k" * 32, sender=second)


def test_co_8_the_set_is_abi_encoded_as_the_engine_reads_it(council):
    for number in range(4):
        council.setConsensusKey(bytes([number + 1]) * 32, sender=role(f"seat_{number}").address)
    council.getValidatorSet()
    keys, powers, operators = decode(["bytes32[]", "uint64[]", "address[]"], council._computation.output)
    assert len(keys) == len(powers) == len(operators) == 4


def test_co_5_the_market_is_named_once_by_the_deployer(deploy, market):
    council = deploy("Council", seats(4), EPOCH)
    with boa.reverts("council: not the deployer"):
        council.setMarket(market.address, sender=role("admin").address)
    with boa.reverts("council: zero address"):
        council.setMarket(NOBODY, sender=role("deployer").address)
    council.setMarket(market.address, sender=role("deployer").address)
    assert council.market() == market.address
    with boa.reverts("council: market already set"):
        council.setMarket(role("stranger").address, sender=role("deployer").address)
