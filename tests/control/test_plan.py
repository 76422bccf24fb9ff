"""The cheapest plan costs what the linear program says."""

import highspy
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sunpile.basics.ids import EvseId, StationId
from sunpile.control.plan import cheapest_plan, required_ma
from sunpile.control.site import Car, Conditions, Fuse, FuseId, Outlet, Site, Wiring

SLOTS = 6
WEIGHT = 10_000_000
"""A mWh that is not delivered costs this much in the reference: more than any price."""


def reference(most: list[int], last: list[int], needs: list[int], room: int, prices: list[int]) -> float:
    """Least cost of delivering as much as fits [HiGHS], undelivered energy at `WEIGHT`."""
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    amounts = [
        [model.addVariable(0, most[car] if slot < last[car] else 0) for slot in range(SLOTS)]
        for car in range(len(most))
    ]
    for slot in range(SLOTS):
        model.addConstr(sum(row[slot] for row in amounts) <= room)
    for row, need in zip(amounts, needs, strict=True):
        model.addConstr(sum(row) <= need)
    cost = sum((prices[slot] - WEIGHT) * row[slot] for row in amounts for slot in range(SLOTS))
    model.minimize(cost)
    return model.getObjectiveValue() + WEIGHT * sum(needs)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 9_000), st.integers(6_000, 32_000)), min_size=1, max_size=4),
    st.integers(0, 60_000),
    st.lists(st.integers(0, 500_000), min_size=SLOTS, max_size=SLOTS),
)
def test_the_plan_costs_what_the_linear_program_says(
    rows: list[tuple[int, int, int]], limit: int, prices: list[int]
) -> None:
    outlets = [Outlet(StationId(f"P{number}"), EvseId(1)) for number in range(len(rows))]
    wirings = tuple(Wiring(outlet, FuseId("main"), max_ma=ma) for outlet, (_, _, ma) in zip(outlets, rows, strict=True))
    site = Site("lot", (Fuse(FuseId("main"), (limit,) * 3),), wirings)
    cars = [
        Car(outlet, 0, departs=900 * slots + 450, need_wh=need)
        for outlet, (slots, need, _) in zip(outlets, rows, strict=True)
    ]
    plan = cheapest_plan(site, cars, Conditions(0, {}, prices=prices))
    needs = [need * 1000 for _, need, _ in rows]
    most = [230 * 3 * ma * 900 // 3600 for _, _, ma in rows]
    last = [min(SLOTS, slots) for slots, _, _ in rows]
    for car, amounts in enumerate(plan):
        assert all(0 <= amount <= (most[car] if slot < last[car] else 0) for slot, amount in enumerate(amounts))
        assert sum(amounts) <= needs[car]
    room = limit * 3 * 230 * 900 // 3600
    assert all(sum(amounts) <= room for amounts in zip(*plan, strict=True))
    cost = sum(prices[slot] * amount for amounts in plan for slot, amount in enumerate(amounts))
    missing = sum(needs) - sum(map(sum, plan))
    assert np.isclose(cost + WEIGHT * missing, reference(most, last, needs, room, prices), rtol=1e-9)


def test_who_has_least_time_to_spare_is_first() -> None:
    outlets = [Outlet(StationId(name), EvseId(1)) for name in "AB"]
    site = Site("lot", (Fuse(FuseId("main"), (64_000,) * 3),), tuple(Wiring(one, FuseId("main")) for one in outlets))
    late = Car(outlets[0], 0, departs=7200, need_wh=10_000)
    soon = Car(outlets[1], 1, departs=3600, need_wh=13_800)
    asked = required_ma(site, [late, soon], Conditions(0, {}))
    assert [(car.outlet.station, ma) for car, ma in asked] == [("B", 20_000), ("A", 7_247)]
    assert required_ma(site, [late, soon], Conditions(0, {}), urgent=True) == []
