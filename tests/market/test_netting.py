"""Behind a meter only what crosses it trades."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sunpile.basics.ids import PointId
from sunpile.basics.units import Wh
from sunpile.market import behind_meter, net_zone


def test_a_pile_fed_by_its_own_roof_trades_nothing() -> None:
    assert behind_meter(PointId(1), Wh(0), {PointId(2): Wh(700)}) == {1: 0, 2: 0}


def test_import_is_shared_by_those_who_import() -> None:
    # House 600, pile 400, battery gives 250: 750 Wh cross the meter.
    shares = behind_meter(PointId(1), Wh(750), {PointId(2): Wh(400), PointId(3): Wh(-250)})
    assert shares == {1: 450, 2: 300, 3: 0}


def test_floors_run_on_in_point_order_even_where_a_child_has_the_lower_index() -> None:
    assert behind_meter(PointId(9), Wh(-10), {PointId(4): Wh(-7), PointId(11): Wh(20)}) == {4: -2, 9: -8, 11: 0}


@given(st.integers(-(10**6), 10**6), st.dictionaries(st.integers(2, 9), st.integers(-(10**6), 10**6), max_size=5))
@settings(max_examples=60, deadline=None)
def test_shares_add_up_to_what_crosses_the_meter_and_none_exceeds_its_own(net: int, children: dict[int, int]) -> None:
    shares = behind_meter(PointId(1), Wh(net), {PointId(p): Wh(wh) for p, wh in children.items()})
    assert sum(shares.values()) == net
    own = {1: net - sum(children.values()), **children}
    for point, share in shares.items():
        assert share * net >= 0
        assert abs(share) <= abs(own[point])


def test_a_zone_is_netted_house_by_house() -> None:
    readings = {PointId(1): Wh(100), PointId(2): Wh(300), PointId(3): Wh(-50)}
    assert net_zone(readings, {PointId(2): PointId(1)}) == {1: 0, 2: 100, 3: -50}
