"""Registers only rise, roll over where the counter does, and a jump that power cannot explain is held."""

from hypothesis import given
from hypothesis import strategies as st

from sunpile.basics.ids import PointId
from sunpile.basics.interval import Interval
from sunpile.basics.units import Watt, Wh
from sunpile.solar.plant import Counter, Device, RegisterRecord, Sample, follow, interval_energy

ACC32 = 1 << 32
METER = Device("7-0", PointId(7), "meter", "127.0.0.1", 502, 1, Watt(10_000))


def sample(at: int, imported: int, exported: int = 0, exponent: int = 0) -> Sample:
    return Sample(at, Counter(imported, exponent, ACC32), Counter(exported, exponent, ACC32), Watt(0))


def trusted(at: int, imported: int, exported: int = 0, epoch: int = 0) -> RegisterRecord:
    return RegisterRecord("7-0", at, Wh(imported), Wh(exported), Watt(0), None, epoch)


def test_a_register_that_rises_is_trusted():
    assert follow(METER, trusted(0, 1000), None, sample(900, 1500)) == trusted(900, 1500)


def test_the_first_sample_is_where_counting_begins():
    assert follow(METER, None, None, sample(900, 123)).import_wh == 123


def test_a_register_rolls_over_where_its_counter_does():
    record = follow(METER, trusted(0, ACC32 - 100), None, sample(900, 400))
    assert (record.import_wh, record.held) == (ACC32 + 400, None)


def test_a_rollover_in_tenths_of_a_watt_hour_loses_nothing():
    before = Counter(ACC32 - 7, -1, ACC32)
    record = follow(METER, trusted(0, before.wh()), None, sample(900, 13, exponent=-1))
    assert record.import_wh == (ACC32 + 13) // 10
    assert record.held is None


def test_a_register_that_falls_is_held():
    record = follow(METER, trusted(0, 1000), None, sample(900, 990))
    assert record.held == "the register fell"


def test_more_energy_than_the_power_allows_is_held():
    most = 10_000 * 900 // 3600
    assert follow(METER, trusted(0, 0), None, sample(900, most)).held is None
    assert follow(METER, trusted(0, 0), None, sample(900, 2 * most)).held == (
        "more energy than the device's power allows"
    )


def test_one_wrong_sample_does_not_move_what_is_trusted():
    glitch = follow(METER, trusted(0, 1000), None, sample(300, 5_000_000))
    assert follow(METER, trusted(0, 1000), glitch, sample(600, 1100)) == trusted(600, 1100)


def test_a_meter_that_starts_anew_opens_an_epoch():
    reset = follow(METER, trusted(0, 50_000), None, sample(300, 3))
    again = follow(METER, trusted(0, 50_000), reset, sample(600, 40))
    assert (again.import_wh, again.epoch, again.held) == (40, 1, None)


def test_energy_between_exact_edges_is_exact():
    records = [trusted(0, 100, 5), trusted(300, 130, 5), trusted(900, 200, 45)]
    energy = interval_energy(records, Interval(0))
    assert energy is not None
    assert (energy.import_wh, energy.export_wh, energy.net_wh, energy.exact) == (100, 40, 60, True)


def test_energy_over_a_missed_edge_is_marked_as_interpolated():
    energy = interval_energy([trusted(0, 0), trusted(600, 60), trusted(1200, 180)], Interval(0))
    assert energy is not None
    assert (energy.import_wh, energy.exact) == (120, False)


def test_energy_across_two_epochs_cannot_be_said():
    assert interval_energy([trusted(0, 0), trusted(900, 60, epoch=1)], Interval(0)) is None


def test_energy_is_not_known_before_the_interval_has_ended():
    assert interval_energy([trusted(0, 0), trusted(600, 60)], Interval(0)) is None


def test_a_held_record_is_never_an_edge():
    held = RegisterRecord("7-0", 900, Wh(10), Wh(0), Watt(0), None, 0, "the register fell")
    assert interval_energy([trusted(0, 50), held], Interval(0)) is None


@given(st.lists(st.tuples(st.integers(1, 2000), st.integers(0, 500)), min_size=2, max_size=30))
def test_interpolated_intervals_add_up_to_the_register(steps: list[tuple[int, int]]):
    records, at, wh = [trusted(0, 0)], 0, 0
    for seconds, rise in steps:
        at, wh = at + seconds, wh + rise
        records.append(trusted(at, wh))
    whole = [interval_energy(records, Interval(i)) for i in range(at // 900)]
    last = interval_energy(records, Interval(0, at)) if at else None
    assert all(energy is not None and energy.import_wh >= 0 for energy in whole)
    assert sum(energy.import_wh for energy in whole if energy) <= wh
    assert last is None or last.import_wh == wh


@given(st.integers(0, 3 * ACC32), st.integers(0, 10_000), st.integers(-3, 3))
def test_a_counter_gives_back_what_was_counted(total: int, rise: int, exponent: int):
    earlier = Counter(total % ACC32, exponent, ACC32).since(Counter(total, exponent, 1 << 64).wh())
    later = Counter((total + rise) % ACC32, exponent, ACC32).since(earlier)
    assert later == Counter(total + rise, exponent, 1 << 64).wh()
