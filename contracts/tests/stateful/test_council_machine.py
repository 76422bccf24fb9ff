"""Council's rewards beside their model, under random batches and claims."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from machine import Beside, run
from model.council import CouncilModel
from roles import role

AMOUNTS = st.one_of(st.integers(0, 50), st.integers(0, 10**12), st.integers(2**62, 2**66))


@pytest.mark.parametrize("count", [4, 7])
def test_co_3_rewards_and_carry_are_what_came_in_less_what_was_claimed(deploy, count):
    market = deploy("PayingMarket")
    seats = [role(f"seat_{number}").address for number in range(count)]
    council = deploy("Council", seats, 86_400)
    council.setMarket(market.address, sender=role("deployer").address)

    class Machine(Beside):
        def __init__(self) -> None:
            super().__init__()
            self.model = CouncilModel(count)

        @rule(mask=st.integers(0, 2**count + 3), amount=AMOUNTS, epoch=st.integers(0, 10**6))
        def batch(self, mask, amount, epoch):
            self.model.on_batch(mask, amount)
            self.both("batch", None, lambda: market.report(council.address, epoch, mask, amount))

        @precondition(lambda self: any(self.model.owed))
        @rule(pick=st.integers(0, 10**6))
        def claim(self, pick):
            paid = [seat for seat, owed in enumerate(self.model.owed) if owed]
            seat = paid[pick % len(paid)] if paid and pick % 5 != 4 else pick % count
            amount = self.model.claim(seat)
            refusal = None if amount else "council: nothing to claim"
            self.both("claim", refusal, lambda: council.claim(sender=seats[seat]))

        @invariant()
        def nothing_is_lost_or_made(self):
            assert [council.rewards(seat) for seat in seats] == self.model.owed
            assert council.carry() == self.model.carry
            assert market.total() == self.model.claimed
            assert sum(self.model.owed) + self.model.carry == self.model.received - self.model.claimed

    run(Machine, {"batch", "claim"})
