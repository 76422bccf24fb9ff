"""Cars that talk ISO 15118: needs, offers, schedules (block K: K15 to K20)."""

from collections.abc import Callable
from typing import Any

from conformance.ocpp2.k_limits import events
from conformance.ocpp2.states import Visit, charging, moment, until
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

NEEDS = "K15 to K17; schemas of NotifyEVChargingNeeds, SetChargingProfile and NotifyEVChargingSchedule"
NEEDS_20 = "K18 to K20; schemas of NotifyEVChargingNeeds, SetChargingProfile and NotifyEVChargingSchedule"


Fits = Callable[[float], bool]
"""Whether a limit is as it should be."""


class Car:
    """A car that charges at an outlet of a site, and what its station hears of the server."""

    def __init__(self, scene: Scene, visit: Visit) -> None:
        self.scene, self.visit = scene, visit
        self.site = f"SITE-{scene.station.identity}"

    @classmethod
    async def arrives(cls, scene: Scene, fuse_ma: int = 32_000) -> "Car":
        """At a site whose fuse carries so much."""
        scene.station.habits["SetChargingProfile"] = {"status": "Accepted"}
        limit = {"l1": fuse_ma, "l2": fuse_ma, "l3": fuse_ma}
        outlet = {"station": scene.station.identity, "evse": 1, "fuse": "main"}
        site = {"fuses": [{"fuse": "main", "limit": limit}], "outlets": [outlet]}
        await scene.operator.put(f"/api/sites/SITE-{scene.station.identity}", site)
        return cls(scene, await charging(scene))

    async def needs(self, wanted: Fits, unit: str = "A", **needs: Any) -> Payload:
        """The car says what it needs; the server says yes, and in the end offers it what is `wanted`."""
        before = len(self.offers())
        answer = await self.tells(**needs)
        assert answer["status"] == "Accepted", answer
        assert before or not self.offers(), "an offer came before the answer"
        return await self.offered(wanted, before, unit)

    async def tells(self, **needs: Any) -> Payload:
        """The car says what it needs; the server's answer."""
        payload = {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": "AC_three_phase"} | needs}
        return await self.scene.station.call("NotifyEVChargingNeeds", payload)

    def offers(self) -> list[Payload]:
        """Every profile the server sent for the transaction."""
        return [
            payload
            for action, payload in self.scene.station.heard
            if action == "SetChargingProfile" and payload["chargingProfile"]["chargingProfilePurpose"] == "TxProfile"
        ]

    async def offered(self, wanted: Fits, before: int, unit: str = "A") -> Payload:
        """The newest profile, once there are more than `before` and its limit is as wanted."""

        async def look() -> list[Payload]:
            return self.offers()

        def fits(found: list[Payload]) -> bool:
            return len(found) > before and wanted(self.first_limit(found[-1], unit))

        return (await until(look, fits))[-1]

    async def means(self, limit: float, unit: str = "A", **more: Any) -> None:
        """The car says by which schedule it means to charge; the operator sees it."""
        periods = [{"startPeriod": 0, "limit": limit}]
        schedule = {"id": 1, "chargingRateUnit": unit, "chargingSchedulePeriod": periods}
        payload = {"timeBase": moment(), "evseId": 1, "chargingSchedule": schedule} | more
        answer = await self.scene.station.call("NotifyEVChargingSchedule", payload)
        assert answer["status"] == "Accepted"
        row = (await events(self.scene, "car"))[0]
        assert (row["detail"]["evse"], row["detail"]["schedule"]) == (1, schedule)

    async def loads(self, ma: int) -> None:
        """The operator's meter says that others draw so much at the site."""
        body = {"loads": {"main": {"l1": ma, "l2": ma, "l3": ma}}}
        await self.scene.operator.post(f"/api/sites/{self.site}/loads", body)

    async def leaves(self) -> None:
        """The visit ends as any other."""
        await self.visit.unplug()
        await self.visit.is_over("EVDisconnected")
        await self.scene.operator.delete(f"/api/sites/{self.site}")

    def first_limit(self, sent: Payload, unit: str = "A") -> float:
        """The limit of a profile, which must be for this transaction."""
        profile = sent["chargingProfile"]
        assert sent["evseId"] == 1
        assert profile["transactionId"] == self.visit.transaction
        (schedule,) = profile["chargingSchedule"]
        assert schedule["chargingRateUnit"] == unit
        return schedule["chargingSchedulePeriod"][0]["limit"]


def just(amps: float) -> Fits:
    """That limit."""
    return lambda limit: limit == amps


def up_to(amps: float) -> Fits:
    """No more than that."""
    return lambda limit: limit <= amps


def above(amps: float) -> Fits:
    """More than that."""
    return lambda limit: limit > amps


def ac(amps: int, energy: int = 20_000) -> Payload:
    """What a car says of alternating current."""
    parameters = {"energyAmount": energy, "evMinCurrent": 6, "evMaxCurrent": amps, "evMaxVoltage": 400}
    return {"acChargingParameters": parameters}


@case("TC_K_53_CSMS", "2.0.1", "2.1", basis=NEEDS)
async def load_levelling(scene: Scene) -> None:
    car = await Car.arrives(scene)
    # No more than the car can use, and no longer than the site can promise.
    sent = await car.needs(just(16), **ac(16), departureTime=moment(-7200))
    assert "validTo" in sent["chargingProfile"]
    await car.means(16)
    await car.leaves()
    if scene.version == "2.0.1":
        # Where no transaction runs, nobody can be offered anything.
        assert (await car.tells(**ac(16)))["status"] == "Rejected"


@case("TC_K_55_CSMS", "2.0.1", "2.1", basis=NEEDS)
async def schedule_beyond_the_limit(scene: Scene) -> None:
    car = await Car.arrives(scene, 20_000)
    await car.needs(up_to(20), **ac(32))
    before = len(car.offers())
    await car.means(31)
    # What was received is not thereby agreed to: the car is offered anew.
    await car.offered(up_to(20), before)
    await car.means(10)
    await car.leaves()


@case("TC_K_57_CSMS", "2.0.1", "2.1", basis=NEEDS)
async def renegotiated_by_the_car(scene: Scene) -> None:
    car = await Car.arrives(scene)
    await car.needs(just(20), **ac(20))
    await car.means(20)
    await car.needs(just(10), **ac(10))
    await car.means(10)
    assert await car.visit.event("ChargingRateChanged") == {}
    await car.leaves()


@case("TC_K_58_CSMS", "2.0.1", "2.1", basis=NEEDS)
async def renegotiated_by_the_server(scene: Scene) -> None:
    car = await Car.arrives(scene)
    await car.needs(above(12), **ac(32))
    before = len(car.offers())
    await car.loads(20_000)
    await car.offered(up_to(12), before)
    await car.means(12)
    await car.leaves()


@case("TC_K_59_CSMS", "2.0.1", "2.1", basis=NEEDS)
async def renegotiated_by_the_server_with_needs(scene: Scene) -> None:
    car = await Car.arrives(scene)
    await car.needs(above(12), **ac(32))
    before = len(car.offers())
    await car.loads(20_000)
    await car.offered(up_to(12), before)
    await car.needs(just(8), **ac(8))
    await car.means(8)
    await car.leaves()


# -- ISO 15118-20 -----------------------------------------------------------------------------------------------------

SCHEDULED = {"controlMode": "ScheduledControl", "availableEnergyTransfer": ["AC_three_phase", "AC_BPT"]}
DYNAMIC = {"controlMode": "DynamicControl", "mobilityNeedsMode": "EVCC_SECC"}


def v2x(amps: int) -> Payload:
    """What a car says of current in both directions."""
    parameters = {"maxChargeCurrent": amps, "maxDischargeCurrent": amps, "evTargetEnergyRequest": 20_000}
    return {"requestedEnergyTransfer": "AC_BPT", "v2xChargingParameters": parameters}


@case("TC_K_113_CSMS", "2.1", basis=NEEDS_20)
async def renegotiated_by_the_server_20(scene: Scene) -> None:
    car = await Car.arrives(scene)
    await car.needs(above(12), **SCHEDULED, **ac(32))
    before = len(car.offers())
    await car.loads(20_000)
    await car.offered(up_to(12), before)
    await car.means(12, selectedChargingScheduleId=1, powerToleranceAcceptance=True)
    await car.leaves()


@case("TC_K_114_CSMS", "2.1", basis=NEEDS_20)
async def renegotiated_by_the_car_20(scene: Scene) -> None:
    car = await Car.arrives(scene)
    for amps in (20, 10):
        await car.needs(just(amps), **SCHEDULED, **v2x(amps))
        await car.means(amps, selectedChargingScheduleId=1)
    await car.leaves()


@case("TC_K_115_CSMS", "2.1", basis=NEEDS_20)
async def dynamic_control(scene: Scene) -> None:
    car = await Car.arrives(scene)
    sent = await car.needs(just(16), **DYNAMIC, **ac(16))
    profile = sent["chargingProfile"]
    assert profile["chargingProfileKind"] == "Dynamic"
    # It holds until it is changed: one period, at no given time.
    (schedule,) = profile["chargingSchedule"]
    assert len(schedule["chargingSchedulePeriod"]) == 1
    assert not {"startSchedule", "duration"} & set(schedule)
    answer = await scene.station.call("PullDynamicScheduleUpdate", {"chargingProfileId": profile["id"]})
    assert answer == {"status": "Accepted", "scheduleUpdate": {"limit": 16}}
    await car.leaves()


@case("TC_K_117_CSMS", "2.1", basis=NEEDS_20)
async def dynamic_control_adjusted(scene: Scene) -> None:
    car = await Car.arrives(scene)
    first = await car.needs(above(12), **DYNAMIC, **ac(32))
    before = len(car.offers())
    await car.loads(20_000)
    second = await car.offered(up_to(12), before)
    assert second["chargingProfile"]["id"] == first["chargingProfile"]["id"]
    assert second["chargingProfile"]["chargingProfileKind"] == "Dynamic"
    await car.leaves()


@case("TC_K_126_CSMS", "2.1", basis=NEEDS_20 + " (NoChargingProfile)")
async def dynamic_control_without_a_profile(scene: Scene) -> None:
    visit = await charging(scene)
    car = Car(scene, visit)
    # A station at no site under control: the car is told at once that no profile will come.
    assert (await car.tells(**DYNAMIC, **ac(16)))["status"] == "NoChargingProfile"
    await until(lambda: visit.session(), lambda session: session["state"] == "active")
    assert "SetChargingProfile" not in [name for name, _ in scene.station.heard]
    await visit.unplug()
    await visit.is_over("EVDisconnected")
