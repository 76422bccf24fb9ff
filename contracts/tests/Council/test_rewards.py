"""What the signers of batches earn."""

import boa
import pytest
from roles import role

LANE = 2**64 - 1


def rewards(council, count=4):
    return [council.rewards(role(f"seat_{number}").address) for number in range(count)]


def test_co_4_the_signers_share_alike_and_the_remainder_is_carried(council, market):
    market.report(council.address, 1, 0b0111, 100)
    assert rewards(council) == [33, 33, 33, 0]
    assert council.carry() == 1
    market.report(council.address, 1, 0b1101, 101)
    assert rewards(council) == [67, 33, 67, 34]
    assert council.carry() == 0


def test_co_4_a_batch_without_signers_is_carried(council, market):
    market.report(council.address, 1, 0, 100)
    assert rewards(council) == [0] * 4
    assert council.carry() == 100
    market.report(council.address, 1, 0b0010, 1)
    assert rewards(council) == [0, 101, 0, 0]


def test_co_4_bits_that_name_no_seat_get_nothing(council, market):
    market.report(council.address, 1, (2**256 - 1) ^ 0b0101, 90)
    assert rewards(council) == [0, 45, 0, 45]
    assert council.rewards(role("stranger").address) == 0


def test_co_4_less_than_a_nano_each_is_carried(council, market):
    market.report(council.address, 1, 0b1111, 3)
    assert rewards(council) == [0] * 4
    assert council.carry() == 3


def test_co_4_every_seat_of_a_large_council_is_reached(make_council, market):
    council = make_council(100)
    for number in (0, 3, 4, 50, 98, 99):
        market.report(council.address, 1, 1 << number, number + 1)
    for number in range(100):
        expected = number + 1 if number in (0, 3, 4, 50, 98, 99) else 0
        assert council.rewards(role(f"seat_{number}").address) == expected
    market.report(council.address, 1, 2**100 - 1, 1_000)
    assert council.rewards(role("seat_99").address) == 110


@pytest.mark.parametrize("mask", [0b0001, 0b0111, 0b1111])
def test_co_3_the_carry_is_less_than_one_nano_per_signer(council, market, mask):
    market.report(council.address, 1, 0, 10**18)
    for amount in (0, 1, 2, 10**9 + 7):
        market.report(council.address, 1, mask, amount)
        assert council.carry() < mask.bit_count()


def test_co_6_a_seat_draws_its_own_once(council, market):
    market.report(council.address, 1, 0b0111, 90)
    assert council.claim(sender=role("seat_1").address) == 30
    assert market.paid(role("seat_1").address) == 30
    assert rewards(council) == [30, 0, 30, 0]
    with boa.reverts("council: nothing to claim"):
        council.claim(sender=role("seat_1").address)
    with boa.reverts("council: nothing to claim"):
        council.claim(sender=role("seat_3").address)
    with boa.reverts("council: not a seat"):
        council.claim(sender=role("stranger").address)
    market.report(council.address, 2, 0b0010, 7)
    assert council.claim(sender=role("seat_1").address) == 7


def test_co_6_a_market_that_fails_costs_nobody_a_reward(council, market):
    market.report(council.address, 1, 0b0001, 90)
    market.set_broken(True)
    with boa.reverts("market: broken"):
        council.claim(sender=role("seat_0").address)
    assert rewards(council)[0] == 90
    market.set_broken(False)
    assert council.claim(sender=role("seat_0").address) == 90


def test_co_6_calling_back_during_a_claim_draws_nothing_more(make_council, market):
    council = make_council(4, seats=[market.address, *(role(f"seat_{n}").address for n in range(3))])
    market.report(council.address, 1, 0b0011, 80)
    market.set_calls_back(True)
    with boa.reverts("council: nothing to claim"):
        market.claim_from(council.address)
    market.set_calls_back(False)
    assert market.claim_from(council.address) == 40
    assert market.total() == 40


def test_co_7_a_full_lane_does_not_stop_a_batch(council, market):
    market.report(council.address, 1, 0b0001, LANE - 5)
    market.report(council.address, 1, 0b0011, 20)
    assert rewards(council) == [LANE, 10, 0, 0]
    assert council.carry() == 5
    market.report(council.address, 1, 0b0001, 100)
    assert rewards(council)[0] == LANE
    assert council.carry() == 105
    # The others get on as before, with what could not be booked.
    market.report(council.address, 1, 0b0110, 1)
    assert rewards(council) == [LANE, 63, 53, 0]
    assert council.claim(sender=role("seat_0").address) == LANE


@pytest.mark.parametrize("epoch", [0, 1, 2**256 - 1])
@pytest.mark.parametrize("mask", [0, 1, 0b1111, 2**256 - 1])
@pytest.mark.parametrize("amount", [0, 1, 2**95])
def test_co_7_no_epoch_mask_or_amount_stops_a_batch(council, market, epoch, mask, amount):
    market.report(council.address, epoch, mask, amount)
    assert sum(rewards(council)) + council.carry() == amount


def test_co_7_more_money_than_there_is_does_not_wrap_around(council, market):
    market.report(council.address, 1, 0, 2**96 - 1)
    for amount in (1, 2**256 - 1, 2**256 - 2**96):
        with boa.reverts("council: amount too large"):
            market.report(council.address, 1, 0b1111, amount)


def test_a_rewarded_batch_is_logged(council, market):
    market.report(council.address, 7, 0b0111, 100)
    (event,) = (log for log in market.get_logs() if log.address == council.address)
    assert (event.epoch, event.mask, event.amount) == (7, 0b0111, 100)
