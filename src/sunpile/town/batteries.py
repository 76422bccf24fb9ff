"""Batteries with a simple rule of their own: fill at noon, empty in the evening, lose a little both ways."""

from dataclasses import dataclass

from sunpile.town.energy import Steps
from sunpile.town.localtime import draw

EFFICIENCY = 95
"""Per cent of the energy that arrives, each way."""
LOWEST, START = 100, 200
"""State of charge it never goes below, and that it begins with [1/1000]."""


@dataclass(frozen=True, slots=True)
class Battery:
    """One battery and its day."""

    capacity_wh: int
    power_w: int
    """Highest power each way at the grid side [W]."""
    plan: Steps
    """Power at the grid side, charging positive [W]."""

    def soc_permille(self, when: int) -> int:
        """State of charge at `when` [1/1000]."""
        stored = self.capacity_wh * 3600 * START // 1000
        times = (*self.plan.times, when)
        for begin, end, watts in zip(times, times[1:], self.plan.watts, strict=False):
            energy = watts * max(0, min(end, when) - begin)
            stored += energy * EFFICIENCY // 100 if energy > 0 else -(-energy * 100 // EFFICIENCY)
        return stored * 1000 // (self.capacity_wh * 3600)


def draw_battery(seed: int, number: int, midnights: list[int]) -> Battery:
    """A battery of 20 to 60 kWh; `midnights` are those of the local days it lives through [Unix s]."""
    dice = draw(seed, "battery", number)
    capacity = dice.randrange(20_000, 60_001, 5_000)
    power = capacity // 4
    steps: list[tuple[int, int]] = []
    soc = START
    for midnight in midnights:
        noon = midnight + dice.randrange(37_800, 43_201, 900)
        room = capacity * 3600 * (1000 - soc) // 1000
        full = room * 100 // EFFICIENCY // power // 60 * 60
        soc += power * full * EFFICIENCY // 100 * 1000 // (capacity * 3600)
        evening = midnight + dice.randrange(64_800, 70_201, 900)
        held = capacity * 3600 * (soc - LOWEST) // 1000
        empty = held * EFFICIENCY // 100 // power // 60 * 60
        soc -= power * empty * 100 // EFFICIENCY * 1000 // (capacity * 3600) + 1
        steps += [(noon, power), (noon + full, 0), (evening, -power), (evening + empty, 0)]
    return Battery(capacity, power, Steps(tuple(t for t, _ in steps), tuple(w for _, w in steps)))
