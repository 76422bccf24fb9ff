"""The physical town: meters, EVSEs, stations and Modbus devices, wired as a plan says, with no network yet."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sunpile.town.commands import Commands
from sunpile.town.energy import Meter
from sunpile.town.evse import Evse
from sunpile.town.localtime import draw
from sunpile.town.meters import ModbusDevice, ModbusPark
from sunpile.town.onboarding import HOUSE_W, Device
from sunpile.town.pile import Pile, PileSettings
from sunpile.town.registers import WRAP, Shape, Values
from sunpile.town.scenario import BatteryPlan, HousePlan, PilePlan, TownPlan
from sunpile.town.scheduler import Scheduler
from sunpile.town.speech import Dialect, Nameplate
from sunpile.town.speech16 import Ocpp16
from sunpile.town.speech201 import Ocpp201

VENDORS = ("Volta", "Kerbside", "Ampere & Sons")


@dataclass
class World:
    """Everything that has a meter."""

    plan: TownPlan
    scheduler: Scheduler
    park: ModbusPark = field(default_factory=ModbusPark)
    houses: dict[int, Meter] = field(default_factory=dict[int, Meter])
    """Grid meter of each house: load, roof and private pile."""
    batteries: dict[int, Meter] = field(default_factory=dict[int, Meter])
    """Meter of each battery."""
    piles: dict[str, Pile] = field(default_factory=dict[str, Pile])
    """Station by identity."""
    devices: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    """Number in the park of each (home or battery, number)."""

    @classmethod
    def build(cls, plan: TownPlan, scheduler: Scheduler) -> "World":
        """Wire the town of `plan`."""
        world = cls(plan, scheduler)
        for house in plan.houses:
            world._add_house(house)
        for battery in plan.batteries:
            world._add_battery(battery)
        for pile in plan.piles:
            world._add_pile(pile)
        return world

    def home_devices(self) -> dict[int, list[Device]]:
        """What the node may poll at each house: the meter at the grid and the inverter, two models of one unit."""
        found: dict[int, list[Device]] = {}
        for house in self.plan.houses:
            port, unit = self.park.address(self.devices["home", house.number])
            watts = max(HOUSE_W + sum(p.max_w for p in self.plan.piles if p.house == house.number), house.roof_w)
            inverter = Device("inverter", port, unit, house.roof_w)
            found[house.number] = [Device("meter", port, unit, watts), inverter]
        return found

    def battery_devices(self) -> dict[int, list[Device]]:
        """What the node polls at each battery."""
        found: dict[int, list[Device]] = {}
        for battery in self.plan.batteries:
            port, unit = self.park.address(self.devices["battery", battery.number])
            found[battery.number] = [Device("battery", port, unit, battery.battery.power_w)]
        return found

    def _add_house(self, house: HousePlan) -> None:
        begin = self.plan.scenario.begin
        meter = self.houses[house.number] = Meter(begin, (house.load, house.sun))
        roof = Meter(begin, (house.sun,))
        dice = draw(self.plan.scenario.seed, "odometer", "house", house.number)
        # The first house's export register is about to begin again from zero: some always are.
        before = (dice.randrange(10_000_000), WRAP - 4_000 if house.number == 0 else dice.randrange(10_000_000))
        shape = Shape("Sunworks", "Roof 3P", f"SW{house.number:05d}", True, False, energy_sf=0)
        self.devices["home", house.number] = self.park.add(
            ModbusDevice(shape, lambda: self._house_values(meter, roof, before))
        )

    def _house_values(self, meter: Meter, roof: Meter, before: tuple[int, int]) -> Values:
        now = self.scheduler.now
        meter.advance(now)
        roof.advance(now)
        return Values(
            meter.import_ws + before[0] * 3600,
            meter.export_ws + before[1] * 3600,
            meter.power(now),
            inverter_w=-roof.power(now),
            inverter_ws=roof.export_ws + before[1] * 3600,
        )

    def _add_battery(self, plan: BatteryPlan) -> None:
        battery = plan.battery
        meter = self.batteries[plan.number] = Meter(self.plan.scenario.begin, (battery.plan,))
        shape = Shape(
            "Cellbank",
            f"Block {battery.capacity_wh // 1000}",
            f"CB{plan.number:05d}",
            False,
            True,
            battery.capacity_wh,
            battery.power_w,
            power_sf=1,
            energy_sf=-1,
        )
        self.devices["battery", plan.number] = self.park.add(ModbusDevice(shape, self._battery_reader(plan, meter)))

    def _battery_reader(self, plan: BatteryPlan, meter: Meter) -> Callable[[], Values]:
        def read() -> Values:
            now = self.scheduler.now
            meter.advance(now)
            soc = plan.battery.soc_permille(now)
            return Values(meter.import_ws, meter.export_ws, meter.power(now), soc_permille=soc)

        return read

    def _add_pile(self, plan: PilePlan) -> None:
        scenario = self.plan.scenario
        dice = draw(scenario.seed, "odometer", "pile", plan.number)
        evses = [
            Evse(
                evse,
                plan.evse_w,
                dice.randrange(1_000, 20_000_000),
                Meter(scenario.begin),
                None if plan.house is None else self.houses[plan.house],
                f"{plan.station}/{evse}",
            )
            for evse in range(1, plan.evses + 1)
        ]
        plate = Nameplate(
            VENDORS[plan.number % len(VENDORS)],
            plan.model,
            f"SN{scenario.seed:04d}{plan.number:05d}",
            "2.4.1" if plan.version == "1.6" else "5.0.3",
            in_kwh=plan.number % 5 == 4,
        )
        dialect: Dialect = Ocpp16() if plan.version == "1.6" else Ocpp201()
        sample = min(60, scenario.sample_s) if plan.kind == "fast" else scenario.sample_s
        settings = PileSettings(sample_s=sample, aligned_s=scenario.length)
        pile = Pile(plan.station, plate, dialect, evses, plan.max_w, self.scheduler, settings)
        self.piles[plan.station] = pile
        for visit in plan.visits:
            pile.expect(visit)

    def commands(self, station: str) -> Commands:
        """Who answers the management system for a station."""
        return Commands(self.piles[station])
