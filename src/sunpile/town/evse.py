"""The electric side of one EVSE: a car, a meter, and the power between them."""

from dataclasses import dataclass, field

from sunpile.town.cars import Visit
from sunpile.town.energy import Meter
from sunpile.town.limits import Limits
from sunpile.town.speech import Charge, Measure

LEAST_W = 1380
"""Below six amperes on one phase no car charges (IEC 61851-1) [W]."""


@dataclass
class Evse:
    """One EVSE. `set_power` is the only place where its meters change."""

    number: int
    max_w: int
    """Highest power [W]."""
    odometer_wh: int
    """Register before the first second of the play [Wh]."""
    meter: Meter
    house: Meter | None = None
    """Meter of the house it stands behind."""
    name: str = ""
    """Who it is at the house's meter."""
    car: Visit | None = None
    charge: Charge | None = None
    limits: Limits = field(default_factory=Limits)
    available: bool = True
    state: str = "Available"
    """Last state that was told."""
    plugged_ws: int = 0
    """Register when the car came [Ws]."""
    change: int = 0
    """Counts changes of power, so that an outdated timer knows."""

    def plug(self, car: Visit, when: int) -> None:
        """A car comes."""
        self.meter.advance(when)
        self.car, self.plugged_ws = car, self.meter.import_ws

    def taken_ws(self, when: int) -> int:
        """What the car has got [Ws]."""
        self.meter.advance(when)
        return self.meter.import_ws - self.plugged_ws

    def full(self, when: int) -> bool:
        """Whether the car has what it wants."""
        return self.car is not None and self.taken_ws(when) >= self.car.energy_wh * 3600

    def wish(self, when: int) -> int:
        """Power the car would take now [W]."""
        if self.car is None or self.charge is None or self.full(when):
            return 0
        tapering = self.taken_ws(when) >= self.car.taper_after_wh * 3600
        watts = min(self.car.taper_w if tapering else self.car.car_w, self.max_w, self.limits.watts(when))
        return watts if watts >= min(LEAST_W, self.car.taper_w) else 0

    def set_power(self, when: int, watts: int) -> None:
        """From `when` on the car draws `watts`."""
        self.change += 1
        self.meter.switch(when, "car", watts)
        if self.house:
            self.house.switch(when, self.name, watts)

    @property
    def power_w(self) -> int:
        """What the car draws [W]."""
        return self.meter.switched.get("car", 0)

    def next_change(self, when: int) -> int | None:
        """When the car's wish or the limit changes next, at the power it has now [Unix s]."""
        times = [self.limits.next_change(when)]
        if self.car and self.power_w:
            taken = self.taken_ws(when)
            goals = [goal * 3600 for goal in (self.car.taper_after_wh, self.car.energy_wh) if goal * 3600 > taken]
            times += [when - (taken - goal) // self.power_w for goal in goals[:1]]
        return min((t for t in times if t is not None), default=None)

    def measure(self, when: int, context: str) -> Measure:
        """What the meter shows."""
        register, _ = self.meter.read(when)
        return Measure(when, self.odometer_wh + register, self.power_w, context)


def share(wishes: list[int], total: int) -> list[int]:
    """Power for each wish when the station has `total` [W]: the modest get theirs, the rest share what is left."""
    granted = [0] * len(wishes)
    left, open_ones = total, sorted(range(len(wishes)), key=lambda i: (wishes[i], i))
    while open_ones:
        granted[open_ones[0]] = min(wishes[open_ones[0]], left // len(open_ones))
        left -= granted[open_ones.pop(0)]
    return granted
