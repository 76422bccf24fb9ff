"""The trusted meter register of one EVSE: from what a pile said to Wh that may be billed.

Trust is a function of the *set* of samples, not of the order in which they arrived: `trust` sorts them by time and
walks once. A repeated or late sample changes nothing or fills a hole; a queue replayed after a month simply lies
further back. The walk keeps one *epoch* of a meter that only rises:

* a sample that rises by no more than the pile's power allows is trusted;
* a lower one opens an epoch (the meter was reset or changed): the gap counts 0 Wh, never a negative amount;
* a lower one that the meter reaches by running over its last digit goes on: what it passed on the way counts;
* a sample that goes on where the epoch before had ended shows that the samples in between came from another
  register (a pile that mixes session and lifetime values, a Begin of 0): they are held, the older epoch goes on;
* one that rises too fast is held; if the next one agrees with it, the meter was changed, and an epoch opens there.

Whatever is held is kept with its reason and not billed.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sunpile.basics.interval import Interval
from sunpile.basics.units import Watt, Wh

SKEW_S = 300
"""A pile's clock may differ this much before it is flagged [s]."""
FORGOTTEN_S = 400 * 86_400
"""Older than any offline queue: the clock was never set [s]."""
STAMP_S = 2
"""Two time stamps in whole seconds may be off by this much together [s]."""
MARGIN_PERCENT = 110
"""Meters and mains voltages exceed the plate's power by up to a tenth."""
QUEUE_S = 86_400
"""A message this much older than its receipt comes from a queue, and says so in the record [s]."""
ROLLS_WH = (10**8, 10**9, 2**32, 10**10)
"""Where registers run over: five to seven digits of kWh, 32 bits of Wh [Wh]."""
JITTER_WH = 10
"""A register that falls back by no more than this was rounded, not reset [Wh]."""
_RANK = {"end": 0, "clock": 1, "sample": 2, "begin": 3}
"""In one second the last sample of a session comes before the first one of the next."""


@dataclass(frozen=True, slots=True)
class RegisterSample:
    """One value of Energy.Active.Import.Register."""

    at: int
    """The pile's own time [Unix s]; with `wh` it identifies the sample."""
    wh: Wh
    """The register [Wh]."""
    taken_at: int
    """Time it counts for: the pile's, but never later than it was received [Unix s]."""
    received_at: int
    """When it first came in [Unix s]."""
    kind: str
    """clock (aligned), sample, begin or end."""
    held: str | None = None
    """Why it can never be billed."""


@dataclass(frozen=True, slots=True)
class Held:
    """A sample that is kept and not billed."""

    sample: RegisterSample
    """As it came."""
    reason: str
    """implausible, another register, went back, or the sample's own."""


@dataclass(frozen=True, slots=True)
class Register:
    """The trusted register: running energy at points in time."""

    times: tuple[int, ...]
    """Times of the trusted samples, rising [Unix s]."""
    sums: tuple[int, ...]
    """Energy since the first sample at those times [Wh], over all epochs."""
    values: tuple[int, ...]
    """The meter's own value at those times [Wh]."""
    epochs: int
    """How many times the meter started again, plus one."""
    held: tuple[Held, ...]
    """What was not trusted."""
    resets: tuple[int, ...] = ()
    """Places in `times` where the meter started again."""
    rollovers: int = 0
    """How many times it ran over its last digit."""

    def energy_at(self, time: int) -> int | None:
        """Energy from the first sample to `time` [Wh]; 0 before it, None after the last.

        Between two samples a straight line rounded down, so that energies of intervals add up exactly.
        """
        return self._at(time, self.sums)

    def value_at(self, time: int) -> int | None:
        """The meter's value at `time` [Wh], None after the last sample."""
        return self._at(time, self.values)

    def _at(self, time: int, curve: Sequence[int]) -> int | None:
        if not self.times or time > self.times[-1]:
            return None
        before = bisect_right(self.times, time) - 1
        if before < 0:
            return curve[0]
        start = self.times[before]
        if start == time or before + 1 == len(self.times):
            return curve[before]
        rise = self.sums[before + 1] - self.sums[before]
        return curve[before] + rise * (time - start) // (self.times[before + 1] - start)


def taken_at(at: int, received_at: int, offline: bool = True) -> tuple[int, str | None]:
    """Time that a sample counts for, and a doubt if the pile's clock is off.

    A sample cannot come from the future. The past is believed: queues are replayed after weeks.
    """
    if at - received_at > SKEW_S:
        return received_at, "clock ahead"
    if received_at - at > FORGOTTEN_S:
        return received_at, "clock never set"
    if not offline and received_at - at > SKEW_S:
        return at, "clock behind"
    return at, "late queue" if received_at - at > QUEUE_S else None


def plausible_wh(max_w: Watt | int, seconds: int) -> int:
    """Most energy a pile of `max_w` [W] can pass in `seconds` [Wh], meter and clock errors included.

    >>> plausible_wh(11_000, 900)
    3032
    """
    return max_w * (seconds + STAMP_S) * MARGIN_PERCENT // 360_000 + 1


def _follows(before: RegisterSample, after: RegisterSample, max_w: int) -> bool:
    # Both clocks count: a clamped time must not make honest samples look too fast.
    seconds = max(after.taken_at - before.taken_at, after.at - before.at, 0)
    return 0 <= after.wh - before.wh <= plausible_wh(max_w, seconds)


def _rolled(before: RegisterSample, after: RegisterSample, max_w: int) -> int | None:
    """What passed if the register ran over its last digit between two samples [Wh]; None if it cannot have."""
    most = plausible_wh(max_w, max(after.taken_at - before.taken_at, after.at - before.at, 0))
    rises = (roll - before.wh + after.wh for roll in ROLLS_WH if after.wh < before.wh < roll)
    return next((rise for rise in rises if rise <= most), None)


@dataclass(slots=True)
class _Epoch:
    samples: list[RegisterSample]
    carried: int = 0
    """Energy between the epoch before and this one, where the register ran over [Wh]."""
    rolled: bool = False


def trust(samples: Iterable[RegisterSample], max_w: Watt | int) -> Register:
    """Judge all `samples` of one EVSE of at most `max_w` [W]; order and repetition do not matter."""
    walk = _Walk(max_w)
    unique = {(s.at, s.wh): s for s in sorted(samples, key=lambda s: (-s.received_at, s.kind))}
    for sample in sorted(unique.values(), key=lambda s: (s.taken_at, _RANK[s.kind], s.wh, s.at)):
        walk.step(sample)
    return walk.register()


class _Walk:
    """One pass over sorted samples."""

    def __init__(self, max_w: int) -> None:
        self.max_w = max_w
        self.epochs: list[_Epoch] = []
        self.held: list[Held] = []
        self.suspect: RegisterSample | None = None

    def step(self, sample: RegisterSample) -> None:
        if sample.held:
            self.held.append(Held(sample, sample.held))
        elif not self.epochs:
            self.epochs.append(_Epoch([sample]))
        elif _follows(self.epochs[-1].samples[-1], sample, self.max_w):
            self.epochs[-1].samples.append(sample)
            self.suspect = None
        elif sample.wh < self.epochs[-1].samples[-1].wh:
            self._lower(sample)
        else:
            self._too_high(sample)

    def _lower(self, sample: RegisterSample) -> None:
        last = self.epochs[-1].samples[-1]
        if last.wh - sample.wh <= JITTER_WH:
            self.held.append(Held(sample, "went back"))
            return
        rolled = _rolled(last, sample, self.max_w)
        self.epochs.append(_Epoch([sample], rolled or 0, rolled is not None))
        self.suspect = None

    def _too_high(self, sample: RegisterSample) -> None:
        older = self.epochs[-2].samples[-1] if len(self.epochs) > 1 else None
        if older and self.epochs[-1].samples[0].wh < older.wh and _follows(older, sample, self.max_w):
            self.held.extend(Held(other, "another register") for other in self.epochs.pop().samples)
            self.epochs[-1].samples.append(sample)
            self.suspect = None
        elif self.suspect and _follows(self.suspect, sample, self.max_w):
            self.held = [held for held in self.held if held.sample is not self.suspect]
            self.epochs.append(_Epoch([self.suspect, sample]))
            self.suspect = None
        else:
            self.held.append(Held(sample, "implausible"))
            self.suspect = sample

    def register(self) -> Register:
        times: list[int] = []
        sums: list[int] = []
        values: list[int] = []
        resets: list[int] = []
        total = 0
        for epoch in self.epochs:
            if times and not epoch.rolled:
                resets.append(len(times))
            total += epoch.carried
            last = epoch.samples[0].wh
            for sample in epoch.samples:
                total += sample.wh - last
                last = sample.wh
                times.append(sample.taken_at)
                sums.append(total)
                values.append(sample.wh)
        rollovers = sum(epoch.rolled for epoch in self.epochs)
        return Register(
            tuple(times), tuple(sums), tuple(values), len(resets) + 1, tuple(self.held), tuple(resets), rollovers
        )


def interval_wh(register: Register, interval: Interval) -> Wh | None:
    """Energy of `interval`, or None while no trusted sample at or after its end is known."""
    return energy_between(register, interval.start, interval.end)


def energy_between(register: Register, start: int, end: int) -> Wh | None:
    """Energy from `start` to `end` [Unix s], or None while it is not known."""
    if not register.times or register.times[0] > end:
        return None
    before, after = register.energy_at(start), register.energy_at(end)
    return None if before is None or after is None else Wh(after - before)


@dataclass(frozen=True, slots=True)
class Report:
    """What the market is told of an interval."""

    wh: Wh
    """Energy [Wh]."""
    start: int
    """Register at the interval's start, up to which everything before was reported [Wh]."""
    end: int
    """Register from which the next interval goes on [Wh]."""


def report_wh(
    register: Register, interval: Interval, start: int | None, end: int | None, max_w: Watt | int
) -> Report | None:
    """Energy of `interval` to report to the market, or None while it is not known.

    `start` and `end` are the borders [Wh] that the reports of the neighbours have used, if they have been made. A
    sample that comes in between would move a border under them; what the move adds or takes is carried into this
    report, so that every Wh is reported once. A border further off than a pile of `max_w` [W] moves in an interval
    is one of another epoch and does not count.
    """
    energy = interval_wh(register, interval)
    first, last = register.value_at(interval.start), register.value_at(interval.end)
    if energy is None or first is None or last is None:
        return None
    near = plausible_wh(max_w, interval.length)
    carried = int(energy)
    if start is not None and abs(first - start) <= near:
        carried += first - start
    if end is not None and abs(end - last) <= near:
        carried += end - last
    begin = first if start is None else start
    finish = last + max(-carried, 0) if end is None else end
    return Report(Wh(max(carried, 0)), begin, finish)
