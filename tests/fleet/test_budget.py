"""A tenant's budget: so many commands in any hour, so much power in any stretch of seconds."""

from hypothesis import given
from hypothesis import strategies as st

from sunpile.fleet.budget import Budget

wishes = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 400)), max_size=60)


@given(wishes, st.integers(1, 5))
def test_no_hour_ever_holds_more_than_the_budget(steps: list[tuple[int, int]], limit: int) -> None:
    budget, now, asked = Budget(per_hour=limit), 0, list[int]()
    for step, watts in steps:
        now += step
        if budget.room(now, watts):
            budget.take(now, watts)
            asked.append(now)
        else:
            assert sum(now - 3600 < at <= now for at in asked) == limit
    assert all(sum(at - 3600 < other <= at for other in asked) <= limit for at in asked)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 400)), max_size=60), st.integers(50, 300))
def test_no_stretch_of_seconds_moves_more_power_than_the_ramp(steps: list[tuple[int, int]], ramp: int) -> None:
    budget, now, moved = Budget(ramp_w_per_s=ramp), 0, list[tuple[int, int]]()
    for step, watts in steps:
        now += step
        if budget.room(now, watts):
            budget.take(now, watts)
            moved.append((now, watts))
    largest = max((watts for _, watts in moved), default=0)
    for first, (start, _) in enumerate(moved):
        total = 0
        for end, watts in moved[first:]:
            total += watts
            assert total <= ramp * (end - start) + max(ramp, largest)


def test_a_station_larger_than_the_ramp_goes_alone_and_the_next_waits() -> None:
    budget = Budget(ramp_w_per_s=100)
    assert budget.room(10, 350)
    budget.take(10, 350)
    assert not budget.room(10, 1)
    assert not budget.room(12, 60)
    assert budget.room(13, 50)
    assert budget.room(12, 0), "what moves no power is not held up"
