"""A town on paper: everything that follows from the seed before anything happens."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from sunpile.basics.interval import check_length
from sunpile.basics.keys import Key
from sunpile.town import batteries as battery_plans
from sunpile.town import cars, houses, prices, roofs, weather
from sunpile.town.batteries import Battery
from sunpile.town.cars import Visit
from sunpile.town.energy import Steps
from sunpile.town.localtime import draw, midnight, offset

STANDARD_OFFSET = 3600
"""The town's standard time less UTC [s]: the weather file knows no summer time."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What to play. The same scenario is the same day, message by message."""

    seed: int = 1
    houses: int = 40
    piles: int = 40
    """Stations: three in five behind houses, one fast charger with two plugs, the rest in the street."""
    batteries: int = 4
    day: str = "2022-06-15"
    """Local calendar day that is played; prices are known for 2022 and 2023."""
    intervals: int = 96
    length: int = 900
    """Length of an interval [s]."""
    start: int | None = None
    """When the first interval begins [Unix s]; None = the day's local midnight. Another time moves the day there."""
    from_hour: int = 0
    """Local hour of the day at which the play begins."""
    lead_s: int | None = None
    """Time before the first interval in which all is set up [s]; None = two intervals."""
    tail_s: int = 180
    """Time played after the last interval, so that it is settled [s]."""
    sample_s: int = 300
    """Between meter samples of a charging pile [s]; a fast charger samples each minute."""
    retail_cap: int = 1_000_000
    """Highest retail tariff the tree of zones allows [micro/kWh]."""
    pile_price: int = 420_000
    """What a driver pays at a street pile [micro/kWh]."""
    fast_price: int = 590_000
    """What a driver pays at the fast charger [micro/kWh]."""
    late_payers: int = 0
    """Drivers who stop paying in the middle of a session."""
    wait: bool = True
    """Whether time stands still until every due message is answered."""
    speed: float = 1.0
    """Virtual seconds a real one, if time does not wait."""

    @property
    def real_begin(self) -> int:
        """Begin of the played part of the real day [Unix s]."""
        return midnight(date.fromisoformat(self.day)) + self.from_hour * 3600

    @property
    def first_begin(self) -> int:
        """Begin of the first interval [Unix s]."""
        return self.real_begin if self.start is None else self.start

    @property
    def shift(self) -> int:
        """Played time less the real day's time [s]."""
        return self.first_begin - self.real_begin

    @property
    def first_interval(self) -> int:
        """Index of the first interval."""
        return self.first_begin // check_length(self.length)

    @property
    def last_interval(self) -> int:
        """Index of the last interval."""
        return self.first_interval + self.intervals - 1

    @property
    def begin(self) -> int:
        """When the clock starts [Unix s]."""
        return self.first_begin - (2 * self.length if self.lead_s is None else self.lead_s)

    @property
    def day_end(self) -> int:
        """End of the last interval [Unix s]."""
        return (self.last_interval + 1) * self.length

    @property
    def end(self) -> int:
        """When the clock stops [Unix s]."""
        return self.day_end + self.tail_s


@dataclass(frozen=True, slots=True)
class HousePlan:
    """A house with its roof."""

    number: int
    owner: Key
    meter_key: Key | None
    """Key of a meter that signs and pushes; None = the node polls it and signs."""
    load: Steps
    sun: Steps
    """AC power of the roof, export negative [W]."""
    roof_w: int
    """Rated power of the inverter [W]."""
    x: int
    y: int

    @property
    def label(self) -> str:
        """Name on the map."""
        return f"House {self.number + 1}"


@dataclass(frozen=True, slots=True)
class BatteryPlan:
    """A battery in the street."""

    number: int
    owner: Key
    battery: Battery
    x: int
    y: int

    @property
    def label(self) -> str:
        """Name on the map."""
        return f"Battery {self.number + 1}"


Kind = Literal["private", "public", "fast"]


@dataclass(frozen=True, slots=True)
class PilePlan:
    """A station."""

    number: int
    station: str
    kind: Kind
    owner: Key
    house: int | None
    """The house whose meter it stands behind."""
    version: Literal["1.6", "2.0.1"]
    evse_w: int
    """Highest power of one EVSE [W]."""
    max_w: int
    """Highest power of the station [W]."""
    evses: int
    connector: str
    """OCPP 2.0.1 connector type."""
    model: str
    price: int
    """What a driver pays [micro/kWh]."""
    visits: tuple[Visit, ...]
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class DriverPlan:
    """A driver and the visits in order; residents charge at home for nothing."""

    number: int
    wallet: Key
    """Pays into the channel."""
    session_key: Key
    """Signs vouchers."""
    id_token: str
    visits: tuple[tuple[str, Visit], ...]
    """(station, visit)."""
    resident: bool
    stops_paying: bool


@dataclass(frozen=True, slots=True)
class TownPlan:
    """The whole town on paper."""

    scenario: Scenario
    houses: tuple[HousePlan, ...]
    piles: tuple[PilePlan, ...]
    batteries: tuple[BatteryPlan, ...]
    drivers: tuple[DriverPlan, ...]
    tariffs: tuple[prices.PublishedTariff, ...]


def lay_out(scenario: Scenario) -> TownPlan:
    """Draw the town of `scenario`; takes some seconds for the sun."""
    begin, end = scenario.begin - scenario.shift, scenario.end - scenario.shift
    days = cars.local_days(begin, end)
    homes = _houses(scenario, days, begin, end)
    piles = _piles(scenario, days, homes)
    stations = {pile.station: pile for pile in piles}
    midnights = [midnight(day) for day in days]
    return TownPlan(
        scenario,
        homes,
        piles,
        tuple(_battery(scenario, number, midnights) for number in range(scenario.batteries)),
        _drivers(scenario, stations),
        tuple(
            prices.published(
                scenario.first_begin, scenario.day_end, scenario.shift, scenario.length, scenario.retail_cap
            ),
        ),
    )


def _key(scenario: Scenario, *names: object) -> Key:
    return Key.from_seed("/".join((str(scenario.seed), *map(str, names))))


def _moved(steps: Steps, shift: int, sign: int = 1) -> Steps:
    return Steps(tuple(t + shift for t in steps.times), tuple(sign * w for w in steps.watts))


def _joined(parts: list[Steps]) -> Steps:
    return Steps(tuple(t for part in parts for t in part.times), tuple(w for part in parts for w in part.watts))


def _houses(scenario: Scenario, days: list[date], begin: int, end: int) -> tuple[HousePlan, ...]:
    skies = [(weather.load(day), midnight(day)) for day in days]
    homes: list[HousePlan] = []
    for number in range(scenario.houses):
        roof = roofs.draw_roof(scenario.seed, number)
        # The weather's midnight is that of standard time: an hour later than the clock's in summer.
        parts = [roofs.ac_power(roof, sky, at + offset(at) - STANDARD_OFFSET) for sky, at in skies]
        homes.append(
            HousePlan(
                number,
                _key(scenario, "house", number),
                _key(scenario, "meter", number) if number % 2 else None,
                _moved(houses.load(scenario.seed, number, begin, end), scenario.shift),
                _moved(_joined(parts), scenario.shift, -1),
                roof.ac_w,
                x=70 + number % 8 * 115,
                y=90 + number // 8 * 170,
            )
        )
    return tuple(homes)


def _battery(scenario: Scenario, number: int, midnights: list[int]) -> BatteryPlan:
    drawn = battery_plans.draw_battery(scenario.seed, number, midnights)
    moved = Battery(drawn.capacity_wh, drawn.power_w, _moved(drawn.plan, scenario.shift))
    return BatteryPlan(number, _key(scenario, "battery", number), moved, x=950, y=120 + 200 * number)


def _shifted(visits: list[Visit], scenario: Scenario) -> tuple[Visit, ...]:
    """Visits of the played time; a car that came before stands there from the start with what it still needs."""
    out: list[Visit] = []
    opening = scenario.begin - scenario.shift + 300
    for visit in visits:
        if visit.depart <= opening + 600 or visit.arrive >= scenario.day_end - scenario.shift:
            continue
        arrive, energy = visit.arrive, visit.energy_wh
        if arrive < opening:
            energy -= min(visit.car_w, 11_000) * (opening - arrive) // 3600
            arrive = opening
        if energy > 0:
            taper = max(0, visit.taper_after_wh - (visit.energy_wh - energy))
            kind = visit.by_app and arrive > opening
            moved = arrive + scenario.shift, visit.depart + scenario.shift
            out.append(Visit(visit.evse, *moved, energy, visit.car_w, taper, visit.taper_w, kind))
    return tuple(out)


def _piles(scenario: Scenario, days: list[date], homes: tuple[HousePlan, ...]) -> tuple[PilePlan, ...]:
    private = min(scenario.piles * 3 // 5, scenario.houses)
    hosts = sorted(draw(scenario.seed, "hosts").sample(range(scenario.houses), private))
    companies = [_key(scenario, "company", number) for number in range(3)]
    piles: list[PilePlan] = []
    for number in range(scenario.piles):
        version: Literal["1.6", "2.0.1"] = "2.0.1" if number % 3 == 2 or number == scenario.piles - 1 else "1.6"
        if number < private:
            home = homes[hosts[number]]
            visits = _shifted(cars.slow_visits(scenario.seed, number, "private", days), scenario)
            piles.append(
                PilePlan(
                    number,
                    f"SP-HOME-{home.number + 1:02d}",
                    "private",
                    home.owner,
                    home.number,
                    version,
                    evse_w=11_000,
                    max_w=11_000,
                    evses=1,
                    connector="sType2",
                    model="Wallbox 11",
                    price=0,
                    visits=visits,
                    x=home.x + 38,
                    y=home.y + 22,
                )
            )
        elif number < scenario.piles - 1:
            street = number - private
            visits = _shifted(cars.slow_visits(scenario.seed, number, "public", days), scenario)
            piles.append(
                PilePlan(
                    number,
                    f"SP-STREET-{street + 1:02d}",
                    "public",
                    companies[street % 2],
                    None,
                    version,
                    evse_w=22_000,
                    max_w=22_000,
                    evses=1,
                    connector="sType2",
                    model="Street 22",
                    price=scenario.pile_price,
                    visits=visits,
                    x=100 + street * 55 % 820,
                    y=175 + street // 4 * 170,
                )
            )
        else:
            piles.append(_fast_pile(scenario, number, companies[2], days))
    return tuple(piles)


def _fast_pile(scenario: Scenario, number: int, owner: Key, days: list[date]) -> PilePlan:
    visits = _shifted([visit for day in days for visit in cars.fast_visits(day)], scenario)
    return PilePlan(
        number,
        "SP-FAST-01",
        "fast",
        owner,
        None,
        "2.0.1",
        evse_w=172_500,
        max_w=172_500,
        evses=2,
        connector="cCCS2",
        model="Duo 172",
        price=scenario.fast_price,
        visits=visits,
        x=880,
        y=930,
    )


def _drivers(scenario: Scenario, stations: dict[str, PilePlan]) -> tuple[DriverPlan, ...]:
    paying = {name: list(pile.visits) for name, pile in stations.items() if pile.kind != "private"}
    groups = [(False, group) for _, group in sorted(cars.visits_by_driver(cars.assign(paying)).items())]
    homes = [(name, pile) for name, pile in stations.items() if pile.kind == "private"]
    groups += [(True, [(name, visit) for visit in pile.visits]) for name, pile in homes]
    drivers: list[DriverPlan] = []
    for number, (resident, visits) in enumerate(groups):
        wallet = _key(scenario, "driver", number)
        drivers.append(
            DriverPlan(
                number,
                wallet,
                _key(scenario, "session key", number),
                wallet.address[2:16].upper(),
                tuple(visits),
                resident,
                stops_paying=not resident and number < scenario.late_payers,
            )
        )
    return tuple(drivers)
