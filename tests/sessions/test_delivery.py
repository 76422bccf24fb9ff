"""Whatever the network does to the messages, the bill is the same."""

import os
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions import reference
from sessions.memory import MemoryDesk, Story, channel, driver, pile
from sessions.reference import PRICE, Dialect16, Dialect21, Dialect201, aligned, bill_of, plans_of
from sessions.talk import T0, clock, ended, meter, start16, started, stop16, updated
from sunpile.basics.keys import Key
from sunpile.sessions.register import plausible_wh
from sunpile.sessions.session import Review

MAX_W = 11_000
SIGNER = Key.from_seed("session key").address
EXAMPLES = 2_500 if os.environ.get("SUNPILE_SOAK") else 60
"""Four sessions each: 10,000 in the long run."""

session_shape = st.tuples(
    st.integers(30, 600),  # pause before it
    st.booleans(),  # the meter starts again from 0
    st.lists(st.tuples(st.integers(20, 900), st.integers(0, 1_000_000)), min_size=1, max_size=6),
    st.integers(1, 20),  # power in thousandths of the pile's limit, times 50
)
stories = st.lists(session_shape, min_size=4, max_size=4)


def register_of(shapes):
    """For each session its (time, register) samples, and what it must be billed."""
    at, wh, found = T0, 400_000, []
    for pause, reset, steps, power in shapes:
        at += pause
        wh = 0 if reset else wh
        samples = [(at, wh)]
        for seconds, share in steps:
            at += seconds
            wh += MAX_W * seconds * share * power // 20 // 3_600_000_000
            samples.append((at, wh))
        found.append((samples, wh - samples[0][1]))
    return found


def deliver(story, messages, random):
    """Each message one to five times, shuffled; a number that a pile has not been told cannot be used yet."""
    queue = [message for message in messages for _ in range(random.randint(1, 5))]
    random.shuffle(queue)
    numbers = {}
    while queue:
        later = []
        for message in queue:
            event = message(numbers) if callable(message) else message
            if event is None:
                later.append(message)
                continue
            answer = story.tell(event).answer
            if hasattr(event, "key") and event.key.startswith("start/"):
                assert numbers.setdefault(event.key, answer.ocpp_transaction) == answer.ocpp_transaction
        queue = later
    for session in list(story.desk.sessions.values()):
        story.tell(Review(session.session), story.now + 7200)


def bills(story):
    found = sorted(story.desk.sessions.values(), key=lambda s: s.started_at)
    return [(s.started_at, s.ended_at, s.state, s.wh, s.owed, s.held_reason) for s in found]


def play(messages, random, at):
    story = Story(MemoryDesk([pile(max_w=MAX_W)], [driver(pays=False)]), now=at)
    deliver(story, messages, random)
    assert sum(r.total_energy for r in story.desk.records.values()) == sum(s.wh for s in story.desk.sessions.values())
    return story


def clock_aligned(samples):
    """The pile also sends its register at each quarter of an hour in between."""
    for (at, wh), (then, more) in pairwise(samples):
        border = (at // 900 + 1) * 900
        if border < then:
            yield clock(border, wh + (more - wh) * (border - at) // (then - at))


def check(story, expected):
    found = bills(story)
    assert [bill[2] for bill in found] == ["ended"] * len(expected)
    for (samples, energy), (start, end, _, wh, _, _) in zip(expected, found, strict=True):
        assert (start, end, wh) == (samples[0][0], samples[-1][0], energy)
        assert 0 <= wh <= plausible_wh(MAX_W, end - start)
    for record in story.desk.records.values():
        assert sum(period.energy for period in record.charging_periods) == record.total_energy


@settings(max_examples=EXAMPLES, deadline=None)
@given(stories, st.randoms(use_true_random=False))
def test_ocpp_201_in_any_order_one_to_five_times(shapes, random):
    expected = register_of(shapes)
    messages = []
    for number, (samples, _) in enumerate(expected):
        name = f"t{number}"
        messages.append(started(name, 0, *samples[0]))
        messages += [updated(name, seq, *s) for seq, s in enumerate(samples[1:-1], 1)]
        messages.append(ended(name, len(samples) - 1, *samples[-1]))
        messages += clock_aligned(samples)
    check(play(messages, random, expected[-1][0][-1][0]), expected)


@settings(max_examples=EXAMPLES, deadline=None)
@given(stories, st.randoms(use_true_random=False))
def test_ocpp_16_in_any_order_one_to_five_times(shapes, random):
    expected = register_of(shapes)
    messages = []
    for samples, _ in expected:
        first = start16(*samples[0])

        def stop(numbers, key=first.key, last=samples[-1]):
            return stop16(numbers[key], *last) if key in numbers else None

        def value(numbers, key=first.key, one=None):
            return meter(*one, transaction=numbers[key]) if key in numbers else None

        messages += [first, stop, *clock_aligned(samples)]
        messages += [lambda numbers, one=one, value=value: value(numbers, one=one) for one in samples[1:-1]]
    check(play(messages, random, expected[-1][0][-1][0]), expected)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 10) | st.integers(0, 10**7)), min_size=2, max_size=12),
    st.randoms(use_true_random=False),
)
def test_a_broken_meter_gives_the_same_bill_in_any_order_and_never_a_wrong_sign(values, random):
    at, samples = T0, []
    for seconds, wh in values:
        at += seconds
        samples.append((at, wh))
    messages = [started("t", 0, *samples[0])]
    messages += [updated("t", seq, *s) for seq, s in enumerate(samples[1:-1], 1)]
    messages.append(ended("t", len(samples) - 1, *samples[-1]))
    one, other = play(messages, random, at), play(messages[::-1], random, at)
    assert bills(one) == bills(other)
    (bill,) = bills(one)
    assert bill[2] == "held" or 0 <= bill[3] <= plausible_wh(MAX_W, bill[1] - bill[0])
    assert (len(one.desk.records) == 1) == (bill[2] == "ended")


SESSIONS = 10_000 if os.environ.get("SUNPILE_SOAK") else 240
"""Sessions of each dialect in the property of delivery."""

odd_shape = st.tuples(
    st.integers(30, 600),  # pause before it
    st.booleans(),  # the meter starts again from 0
    st.lists(st.tuples(st.integers(20, 900), st.integers(0, 1_000_000)), min_size=1, max_size=6),
    st.integers(1, 20),  # power in thousandths of the pile's limit, times 50
    st.none() | st.integers(0, 5),  # where the power failed
)


@pytest.mark.parametrize("dialect", [Dialect16(), Dialect201(), Dialect21()], ids=["1.6", "2.0.1", "2.1"])
@settings(max_examples=SESSIONS // 8, deadline=None)
@given(
    st.lists(odd_shape, min_size=4, max_size=4),
    st.lists(odd_shape, min_size=4, max_size=4),
    st.randoms(use_true_random=False),
)
def test_whatever_the_network_does_the_bill_is_that_of_the_reference(dialect, one, two, random):
    messages, expected = [], []
    for evse, shapes in enumerate((one, two), 1):
        for plan in plans_of(shapes):
            messages += dialect.messages(plan, evse, "P1")
            messages += aligned(plan.samples, evse, "P1")
            expected.append((evse, *bill_of(plan)))
    piles = [pile(max_w=MAX_W, price=PRICE), pile(evse=2, max_w=MAX_W, price=PRICE)]
    end = max(bill[2] for bill in expected)
    story = Story(MemoryDesk(piles, [driver()], [channel(SIGNER, deposit=1 << 62)]), now=end)
    reference.deliver(story, messages, random)
    for _ in range(2):
        for session in list(story.desk.sessions.values()):
            story.tell(Review(session.session), story.now + 7200)
    found = sorted((s.evse, s.started_at, s.ended_at, s.wh, s.owed) for s in story.desk.sessions.values())
    assert found == sorted(expected)
    records = story.desk.records.values()
    assert (
        sorted((r.evse_uid, r.start_date_time, r.end_date_time, r.total_energy, r.total_cost) for r in records) == found
    )
    assert all(sum(period.energy for period in r.charging_periods) == r.total_energy for r in records)
    assert not [m.held for m, _ in story.desk.messages.values() if m.held]
    assert story.desk.channels[b"\x01" * 32].owed == sum(bill[4] for bill in expected)
