"""Trust is a function of the set of samples; a Wh is counted once; nothing is negative."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sunpile.basics.interval import Interval
from sunpile.sessions.register import RegisterSample, interval_wh, plausible_wh, report_wh, taken_at, trust

MAX_W = 11_000
T0 = 1_700_000_100 // 900 * 900


def sample(at, wh, kind="sample", received=None, held=None):
    return RegisterSample(T0 + at, wh, T0 + at, T0 + (received if received is not None else at), kind, held)


def register(*pairs, max_w=MAX_W):
    return trust([sample(at, wh) for at, wh in pairs], max_w)


@pytest.mark.parametrize(
    ("story", "pairs", "energy", "reasons"),
    [
        ("a plain rise", [(0, 100), (60, 200), (120, 300)], 200, []),
        ("a repeated sample", [(0, 100), (60, 200), (60, 200), (120, 300)], 200, []),
        ("a reset to zero opens an epoch", [(0, 5000), (60, 5100), (120, 0), (180, 90)], 190, []),
        ("a reset of each session", [(0, 0), (900, 2000), (1000, 0), (1900, 1500)], 3500, []),
        ("a rounded value that falls back", [(0, 1000), (60, 999), (120, 1100)], 100, ["went back"]),
        ("one value far too high", [(0, 1000), (60, 9_000_000), (120, 1100)], 100, ["implausible"]),
        ("one value far too low", [(0, 1000), (60, 3), (120, 1100)], 100, ["another register"]),
        (
            "begin 0, then lifetime values",
            [(0, 50_000), (60, 0), (120, 50_100), (180, 50_200)],
            200,
            ["another register"],
        ),
        (
            "session values between lifetime values",
            [(0, 4_000_000), (60, 0), (120, 100), (180, 200), (240, 4_000_300)],
            300,
            ["another register"] * 3,
        ),
        (
            "a first begin of 0 and no history: the meter is taken from where two samples agree",
            [(0, 0), (60, 4_076_000), (120, 4_076_100), (180, 4_076_200)],
            200,
            [],
        ),
        ("begin 0 and only an end", [(0, 0), (1800, 4_076_000)], 0, ["implausible"]),
        ("a new meter with a higher value", [(0, 10), (60, 80_000), (120, 80_150)], 150, []),
    ],
)
def test_the_register_is_trusted_as_told(story, pairs, energy, reasons):
    found = register(*pairs)
    assert found.energy_at(found.times[-1]) == energy, story
    assert [held.reason for held in found.held] == reasons, story


def test_a_held_sample_is_kept_with_its_reason_and_not_billed():
    found = trust([sample(0, 100), sample(60, 200, held="clock"), sample(120, 220)], MAX_W)
    assert found.energy_at(T0 + 60) == 60
    assert [held.reason for held in found.held] == ["clock"]


@pytest.mark.parametrize(
    ("at", "received", "offline", "counts_for", "doubt"),
    [
        (1000, 1000, False, 1000, None),
        (1299, 1000, False, 1299, None),
        (1301, 1000, False, 1000, "clock ahead"),
        (600, 1000, False, 600, "clock behind"),
        (600, 1000, True, 600, None),
        (10**9 - 30 * 86_400, 10**9, True, 10**9 - 30 * 86_400, "late queue"),
        (0, 10**9, True, 10**9, "clock never set"),
    ],
)
def test_a_sample_is_never_from_the_future_and_skew_is_flagged(at, received, offline, counts_for, doubt):
    assert taken_at(at, received, offline) == (counts_for, doubt)


def test_a_queue_replayed_after_a_month_lies_where_it_belongs():
    fresh = [sample(30 * 86_400, 9_000), sample(30 * 86_400 + 900, 9_500)]
    queue = [sample(at, wh, received=30 * 86_400 + 950) for at, wh in ((0, 0), (900, 2_000), (1800, 3_000))]
    found = trust(fresh + queue, MAX_W)
    assert interval_wh(found, Interval(T0 // 900)) == 2_000
    assert interval_wh(found, Interval(T0 // 900 + 1)) == 1_000


def test_an_interval_is_not_known_before_a_sample_at_or_after_its_end():
    first = Interval(T0 // 900)
    assert interval_wh(register((0, 100), (899, 900)), first) is None
    assert interval_wh(register((0, 100), (900, 900)), first) == 800
    assert interval_wh(register((0, 100), (800, 900), (1000, 1000)), first) == 850
    assert interval_wh(register(), first) is None
    assert interval_wh(register((901, 5)), first) is None


def test_an_idle_pile_that_sends_clock_aligned_values_used_nothing():
    assert interval_wh(register((0, 777), (900, 777)), Interval(T0 // 900)) == 0


def test_a_new_piles_first_sample_at_an_intervals_end_makes_it_known_as_nothing():
    assert interval_wh(register((900, 777)), Interval(T0 // 900)) == 0


# -- for all ----------------------------------------------------------------------------------------------------------

steps = st.lists(st.tuples(st.integers(1, 1200), st.integers(0, 1_000_000)), min_size=2, max_size=40)
wild = st.lists(
    st.tuples(st.integers(0, 8_000), st.integers(0, 3) | st.integers(0, 30_000) | st.integers(10**6, 10**6 + 30_000)),
    min_size=1,
    max_size=25,
)


def honest(rises, max_w=MAX_W):
    """A meter that rises by some share (millionths) of what the pile can do."""
    at, wh, found = 0, 12_345, []
    for seconds, share in rises:
        at += seconds
        wh += max_w * seconds * share // 3_600_000_000
        found.append((at, wh))
    return found


@settings(max_examples=150, deadline=None)
@given(steps, st.sampled_from([5, 60, 300, 900]))
def test_intervals_add_up_to_the_register_difference(rises, length):
    pairs = honest(rises)
    found = register(*pairs)
    first, last = Interval.at(T0 + pairs[0][0], length), Interval.at(T0 + pairs[-1][0], length)
    whole = [Interval(i, length) for i in range(first.index, last.index)]
    parts = [interval_wh(found, interval) for interval in whole]
    assert all(part is not None and part >= 0 for part in parts)
    if whole:
        assert sum(parts) == found.energy_at(last.start) - (found.energy_at(first.start) or 0)
        if T0 + pairs[-1][0] == last.start:
            assert sum(parts) == pairs[-1][1] - pairs[0][1]


@settings(max_examples=150, deadline=None)
@given(wild, st.randoms(use_true_random=False))
def test_order_and_repetition_of_samples_do_not_matter(pairs, random):
    samples = [sample(at, wh) for at, wh in pairs]
    shuffled = [one for one in samples for _ in range(random.randint(1, 5))]
    random.shuffle(shuffled)
    assert trust(shuffled, MAX_W) == trust(samples, MAX_W)


@settings(max_examples=200, deadline=None)
@given(wild)
def test_energy_is_never_negative_and_never_more_than_the_pile_can_pass(pairs):
    found = register(*pairs)
    for i in range(1, len(found.times)):
        rise = found.sums[i] - found.sums[i - 1]
        assert 0 <= rise <= plausible_wh(MAX_W, found.times[i] - found.times[i - 1])
    assert len(found.times) + len(found.held) == len(set(pairs))


@settings(max_examples=150, deadline=None)
@given(steps, st.randoms(use_true_random=False))
def test_reports_add_up_although_samples_come_in_between_them(rises, random):
    pairs = [(0, 12_345), *honest(rises)]
    end = -(-pairs[-1][0] // 900) * 900
    samples = [sample(at, wh) for at, wh in pairs] + [sample(end, pairs[-1][1]), sample(end + 900, pairs[-1][1])]
    late = [s for s in samples[1:-2] if random.random() < 0.5]
    known = [s for s in samples if s not in late]
    borders, told = {}, {}
    intervals = [Interval(T0 // 900 + i) for i in range(end // 900 + 1)]
    random.shuffle(intervals)
    for interval in intervals:
        if late and random.random() < 0.5:
            known.append(late.pop())
        report = report_wh(trust(known, MAX_W), interval, borders.get(interval.start), borders.get(interval.end), MAX_W)
        borders.setdefault(interval.start, report.start)
        borders.setdefault(interval.end, report.end)
        told[interval.index] = report.wh
    assert all(wh >= 0 for wh in told.values())
    # Only an amount that would have been negative can be missing a place to go; it is never made up elsewhere.
    assert sum(told.values()) >= pairs[-1][1] - pairs[0][1]


def test_a_sample_in_between_is_carried_into_the_next_report():
    first, second = Interval(T0 // 900), Interval(T0 // 900 + 1)
    known = [sample(0, 0), sample(600, 1000), sample(1200, 1000)]
    one = report_wh(trust(known, MAX_W), first, None, None, MAX_W)
    assert (one.wh, one.end) == (1000, 1000)
    known = [sample(0, 0), sample(600, 0), sample(1200, 1000), sample(1800, 1500)]
    one = report_wh(trust(known, MAX_W), first, None, None, MAX_W)
    assert (one.wh, one.end) == (500, 500)
    known.append(sample(900, 100))
    two = report_wh(trust(known, MAX_W), second, one.end, None, MAX_W)
    assert one.wh + two.wh == 1500


def test_duplicates_received_later_do_not_change_the_time_a_sample_counts_for():
    first = replace(sample(0, 100), taken_at=T0, received_at=T0)
    again = replace(sample(0, 100), taken_at=T0 + 9_000, received_at=T0 + 9_000)
    assert trust([again, first], MAX_W).times == (T0,)
