"""Limits of a site: within every fuse, fair, and by the policy."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sunpile.basics.errors import InputInvalid
from sunpile.basics.ids import EvseId, StationId
from sunpile.control.allot import allot, safe_shares
from sunpile.control.site import Car, Conditions, Fuse, FuseId, Outlet, Policy, Site, Wiring, load_of

NOW = 1_700_000_100


def outlet(number: int) -> Outlet:
    return Outlet(StationId(f"P{number}"), EvseId(1))


def street(count: int, limit: int, policy: Policy = "fair") -> Site:
    """`count` three-phase outlets behind one fuse."""
    wirings = tuple(Wiring(outlet(number), FuseId("main")) for number in range(count))
    return Site("street", (Fuse(FuseId("main"), (limit, limit, limit)),), wirings, policy)


def conditions(**more: object) -> Conditions:
    return Conditions(NOW, {}, **more)  # type: ignore[arg-type]


def test_what_there_is_is_shared_equally() -> None:
    cars = [Car(outlet(number), NOW) for number in range(3)]
    assert list(allot(street(3, 60_000), cars, conditions()).values()) == [20_000] * 3


def test_who_wants_less_leaves_it_to_the_others() -> None:
    cars = [Car(outlet(0), 0, want_ma=10_000), Car(outlet(1), 0), Car(outlet(2), 0)]
    assert list(allot(street(3, 60_000), cars, conditions()).values()) == [10_000, 25_000, 25_000]


def test_a_car_below_its_minimum_does_not_charge_and_each_has_its_turn() -> None:
    site, cars = street(3, 13_000), [Car(outlet(number), number) for number in range(3)]
    charged: dict[Outlet, int] = {}
    for slot in range(3):
        limits = allot(site, cars, Conditions(NOW + 900 * slot, {}))
        assert sorted(limits.values()) == [0, 6_500, 6_500]
        for where, ma in limits.items():
            charged[where] = charged.get(where, 0) + (ma > 0)
    assert set(charged.values()) == {2}


def test_a_single_phase_car_loads_the_phase_its_outlet_is_rotated_to() -> None:
    main = Fuse(FuseId("main"), (40_000, 16_000, 40_000))
    wirings = (
        Wiring(outlet(0), FuseId("main"), (0, 1, 2)),
        Wiring(outlet(1), FuseId("main"), (1, 2, 0)),
        Wiring(outlet(2), FuseId("main"), (2, 0, 1)),
    )
    cars = [Car(outlet(number), 0, used_phases=1) for number in range(3)]
    limits = allot(Site("rotated", (main,), wirings), cars, conditions())
    assert limits == {outlet(0): 32_000, outlet(1): 16_000, outlet(2): 32_000}


def test_other_loads_come_first() -> None:
    given_ = Conditions(NOW, {FuseId("main"): (10_000, 0, 0)})
    assert allot(street(1, 20_000), [Car(outlet(0), 0)], given_) == {outlet(0): 10_000}


def test_higher_priority_is_served_whole_first() -> None:
    cars = [Car(outlet(0), 0), Car(outlet(1), 1, priority=5), Car(outlet(2), 2)]
    limits = allot(street(3, 50_000, "priority"), cars, conditions())
    assert limits[outlet(1)] == 32_000
    assert sorted((limits[outlet(0)], limits[outlet(2)])) == [9_000, 9_000]


def test_who_leaves_soon_gets_what_makes_it_in_time() -> None:
    soon = Car(outlet(0), 5, departs=NOW + 3600, need_wh=13_800)
    cars = [soon, *(Car(outlet(number), 0) for number in range(1, 4))]
    limits = allot(street(4, 50_000, "departure"), cars, conditions())
    assert limits[outlet(0)] == 20_000
    assert sum(limits.values()) == 50_000


def test_who_can_wait_for_a_cheaper_slot_waits() -> None:
    patient = Car(outlet(0), 0, departs=NOW + 4 * 900, need_wh=2_000)
    urgent = Car(outlet(1), 0, departs=NOW + 900, need_wh=4_000)
    silent = Car(outlet(2), 0)
    prices = [300_000, 100_000, 200_000, 400_000]
    limits = allot(street(3, 90_000, "cheapest"), [patient, urgent, silent], conditions(prices=prices))
    assert limits[outlet(0)] == 0
    assert limits[outlet(1)] == limits[outlet(2)] == 32_000


def test_a_solar_car_follows_the_surplus_that_others_leave() -> None:
    solar, plain = Car(outlet(0), 0, solar_only=True), Car(outlet(1), 0, want_ma=10_000)
    site = street(2, 90_000)
    assert allot(site, [solar, plain], conditions(surplus_w=15_000))[outlet(0)] == 8_100_000 // 690
    assert allot(site, [solar, plain], conditions(surplus_w=10_000))[outlet(0)] == 0
    assert allot(site, [solar, plain], conditions())[outlet(0)] == 0


def test_the_ceiling_counts_watts_of_all_phases() -> None:
    cars = [Car(outlet(0), 0), Car(outlet(1), 0, used_phases=1)]
    limits = allot(street(2, 90_000), cars, conditions(ceiling_w=9_200))
    assert limits == {outlet(0): 10_000, outlet(1): 10_000}


def test_safe_shares_let_everybody_charge_at_once() -> None:
    site = street(4, 50_000)
    assert list(safe_shares(site, {FuseId("main"): (10_000, 10_000, 10_000)}).values()) == [10_000] * 4


@pytest.mark.parametrize(
    ("fuses", "wirings"),
    [
        ((Fuse(FuseId("a"), (1, 1, 1), FuseId("b")),), ()),
        ((Fuse(FuseId("a"), (1, 1, -1)),), ()),
        ((Fuse(FuseId("a"), (1, 1, 1)),), (Wiring(outlet(0), FuseId("b")),)),
        ((Fuse(FuseId("a"), (1, 1, 1)),), (Wiring(outlet(0), FuseId("a"), (0, 0)),)),
        ((Fuse(FuseId("a"), (1, 1, 1)),), (Wiring(outlet(0), FuseId("a")),) * 2),
    ],
)
def test_an_impossible_site_is_refused(fuses: tuple[Fuse, ...], wirings: tuple[Wiring, ...]) -> None:
    with pytest.raises(InputInvalid):
        Site("broken", fuses, wirings)


@st.composite
def sites(draw: st.DrawFn) -> tuple[Site, list[Car], Conditions]:
    """A random tree with random cars."""
    amount = st.integers(0, 80_000)
    fuses = [Fuse(FuseId("0"), draw(st.tuples(amount, amount, amount)))]
    for number in range(1, draw(st.integers(1, 4))):
        parent = FuseId(str(draw(st.integers(0, number - 1))))
        fuses.append(Fuse(FuseId(str(number)), draw(st.tuples(amount, amount, amount)), parent))
    phases = st.sampled_from([(0, 1, 2), (1, 2, 0), (2,), (0,), (2, 0, 1)])
    wirings, cars = [], []
    for number in range(draw(st.integers(1, 8))):
        fuse = FuseId(str(draw(st.integers(0, len(fuses) - 1))))
        wirings.append(Wiring(outlet(number), fuse, draw(phases), draw(st.integers(6_000, 64_000))))
        cars.append(
            Car(
                outlet(number),
                draw(st.integers(0, 9)),
                want_ma=draw(st.integers(0, 64_000)),
                used_phases=draw(st.sampled_from([None, 1])),
                priority=draw(st.integers(0, 2)),
                departs=draw(st.none() | st.integers(NOW, NOW + 9_000)),
                need_wh=draw(st.none() | st.integers(0, 30_000)),
                solar_only=draw(st.booleans()),
            )
        )
    given_ = Conditions(
        NOW,
        {FuseId("0"): draw(st.tuples(amount, amount, amount))},
        draw(st.none() | st.integers(0, 60_000)),
        draw(st.none() | st.integers(0, 60_000)),
        draw(st.lists(st.integers(0, 500_000), max_size=8)),
    )
    policy: Policy = draw(st.sampled_from(["fair", "priority", "departure", "cheapest"]))
    return Site("random", tuple(fuses), tuple(wirings), policy), cars, given_


def flows(site: Site, cars: list[Car], limits: Mapping[Outlet, int]) -> dict[tuple[FuseId, int], int]:
    """Current through each fuse on each phase."""
    total: dict[tuple[FuseId, int], int] = {}
    for car in cars:
        wiring = site.by_outlet[car.outlet]
        for fuse in site.paths[wiring.fuse]:
            for phase, ma in enumerate(load_of(wiring, car, limits[car.outlet])):
                total[fuse, phase] = total.get((fuse, phase), 0) + ma
    return total


@settings(max_examples=300, deadline=None)
@given(sites())
def test_no_fuse_carries_more_than_it_may_and_no_car_less_than_its_minimum(
    made: tuple[Site, list[Car], Conditions],
) -> None:
    site, cars, given_ = made
    limits = allot(site, cars, given_)
    for fuse in site.fuses:
        for phase in range(3):
            room = max(0, fuse.limit[phase] - given_.base.get(fuse.fuse, (0, 0, 0))[phase])
            assert flows(site, cars, limits).get((fuse.fuse, phase), 0) <= room
    for car in cars:
        assert limits[car.outlet] == 0 or car.min_ma <= limits[car.outlet]
        assert limits[car.outlet] <= min(car.want_ma, site.by_outlet[car.outlet].max_ma)
    watts = sum(sum(load_of(site.by_outlet[car.outlet], car, limits[car.outlet])) * 230 for car in cars)
    assert given_.ceiling_w is None or watts <= given_.ceiling_w * 1000


@settings(max_examples=300, deadline=None)
@given(sites())
def test_fair_means_that_nobody_can_gain_but_from_one_who_has_no_more(
    made: tuple[Site, list[Car], Conditions],
) -> None:
    site, cars, given_ = made
    cars = [car for car in cars if not car.solar_only]
    site = Site(site.site, site.fuses, site.wirings, "fair")
    given_ = Conditions(given_.now, given_.base)
    limits = allot(site, cars, given_)
    through = flows(site, cars, limits)
    for car in cars:
        mine, wiring = limits[car.outlet], site.by_outlet[car.outlet]
        if mine == 0 or mine >= min(car.want_ma, wiring.max_ma):
            continue
        tight = []
        for fuse in site.fuses:
            for phase in range(3):
                left = max(0, fuse.limit[phase] - given_.base.get(fuse.fuse, (0, 0, 0))[phase])
                on_it = [
                    other
                    for other in cars
                    if fuse.fuse in site.paths[site.by_outlet[other.outlet].fuse]
                    and load_of(site.by_outlet[other.outlet], other, 1)[phase]
                ]
                if car in on_it and left - through.get((fuse.fuse, phase), 0) < len(on_it):
                    tight.append(all(limits[other.outlet] <= max(mine, other.min_ma) for other in on_it))
        assert any(tight)
