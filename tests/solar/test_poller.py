"""The poller asks at the very end of each interval, keeps what it hears once, and goes on when a device is silent."""

import contextlib
from collections.abc import Iterator, Sequence

from sunpile.basics.errors import InverterUnreachable
from sunpile.basics.ids import PointId
from sunpile.basics.interval import Interval
from sunpile.basics.units import Watt
from sunpile.solar import Device, Poller, RegisterRecord
from sunpile.solar.plant import Counter, Sample

METER = Device("1-0", PointId(1), "meter", "h", 502, 1, Watt(10_000))
INVERTER = Device("1-1", PointId(1), "inverter", "h", 502, 1, Watt(10_000))
BATTERY = Device("1-2", PointId(1), "battery", "h", 502, 1, Watt(10_000))
ALONE = Device("2-0", PointId(2), "battery", "h", 502, 2, Watt(10_000))
TWIN = Device("2-1", PointId(2), "battery", "h", 502, 3, Watt(10_000))


class HandClock:
    def __init__(self, now: int) -> None:
        self.time = now

    def now(self) -> int:
        return self.time

    async def sleep_until(self, when: int) -> None:
        self.time = max(self.time, when)

    @contextlib.contextmanager
    def work(self) -> Iterator[None]:
        yield


class Meters:
    """One Wh a second in, half of it out."""

    def __init__(self) -> None:
        self.silent = False
        self.asked: list[tuple[str, int]] = []

    async def read(self, device: Device, at: int) -> Sample:
        self.asked.append((device.device, at))
        if self.silent:
            raise InverterUnreachable("nothing answers")
        out = 0 if device == BATTERY else at // 2
        return Sample(at, Counter(at, 0, 1 << 32), Counter(out, 0, 1 << 32), Watt(3600))

    async def close(self) -> None:
        pass


class Notebook:
    def __init__(self, known: Sequence[Device] = (METER, INVERTER)) -> None:
        self.known = known
        self.records: list[RegisterRecord] = []
        self.missed: list[tuple[str, int, str]] = []

    async def devices(self) -> list[Device]:
        return list(self.known)

    async def keep(self, records: Sequence[RegisterRecord], missed: Sequence[tuple[str, int, str]]) -> None:
        self.records += records
        self.missed += missed

    async def newest(self) -> dict[str, tuple[RegisterRecord | None, RegisterRecord | None]]:
        return {r.device: (r, None) for r in self.records}

    async def around(self, point: PointId | None, begin: int, end: int) -> dict[Device, list[RegisterRecord]]:
        return {d: [r for r in self.records if r.device == d.device] for d in self.known}


def poller(now: int = 0, live_s: int = 300) -> tuple[Poller, Notebook, Meters, HandClock]:
    book, meters, clock = Notebook(), Meters(), HandClock(now)
    return Poller(book, clock, 900, live_s, meters), book, meters, clock


def test_times_are_the_ends_of_intervals_and_some_between():
    asking = poller()[0]
    times, now = [], 1
    while len(times) < 6:
        times.append(asking.next_due(now))
        now = times[-1] + 1
    assert times == [300, 600, 900, 1200, 1500, 1800]


def test_a_live_step_that_does_not_divide_the_interval_still_meets_its_end():
    asking = poller(live_s=400)[0]
    assert [asking.next_due(t) for t in (1, 401, 801, 901)] == [400, 800, 900, 1300]


def test_a_node_that_starts_at_an_edge_asks_at_once():
    assert poller()[0].next_due(1800) == 1800


async def test_what_a_meter_counted_between_two_edges_is_its_interval():
    asking, _, _, clock = poller()
    for at in (900, 1200, 1800):
        clock.time = at
        await asking.poll(at)
    assert await asking.measured(Interval(1)) == {1: 450}


async def test_an_inverter_behind_the_meter_is_not_counted_twice():
    asking, _, _, clock = poller()
    for at in (900, 1800):
        clock.time = at
        await asking.poll(at)
    assert await asking.measured(Interval(1)) == {1: 450}


async def test_the_battery_of_a_metered_house_is_in_its_meter_and_batteries_alone_are_added_up():
    clock = HandClock(0)
    asking = Poller(Notebook((METER, INVERTER, BATTERY, ALONE, TWIN)), clock, 900, 300, Meters())
    for at in (900, 1800):
        clock.time = at
        await asking.poll(at)
    assert await asking.measured(Interval(1)) == {1: 450, 2: 900}


async def test_a_second_poll_of_the_same_time_keeps_nothing_twice():
    asking, book, _, clock = poller()
    clock.time = 900
    await asking.poll(900)
    again = Poller(book, clock, 900, 300, Meters())
    await again.poll(900)
    assert len(book.records) == 2


async def test_a_silent_device_is_noted_and_its_interval_waits():
    asking, book, meters, clock = poller()
    clock.time = 900
    await asking.poll(900)
    meters.silent, clock.time = True, 1800
    await asking.poll(1800)
    assert book.missed == [("1-0", 1800, "nothing answers"), ("1-1", 1800, "nothing answers")]
    assert await asking.measured(Interval(1)) == {1: None}
    meters.silent, clock.time = False, 2700
    await asking.poll(2700)
    assert await asking.measured(Interval(1)) == {1: None}
    assert await asking.estimated(Interval(1)) == {1: 450}


async def test_an_answer_that_comes_much_too_late_stands_for_its_own_time():
    asking, book, _, clock = poller()
    clock.time = 940
    await asking.poll(900)
    assert {record.at for record in book.records} == {940}
