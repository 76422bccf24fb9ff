"""Cars that say what they need: offers follow the outlet's limit, and dynamic profiles answer when they are asked."""

import asyncio
from typing import Any

from sunpile.basics.ids import EvseId, StationId
from sunpile.chargers.commands import (
    AllowEnergyTransfer,
    ClearChargingProfile,
    CommandResult,
    Period,
    Profile,
    Schedule,
)
from sunpile.chargers.notices import Question
from sunpile.control.car_needs import OFFER_ID, exceeds, offer, read_needs
from sunpile.control.car_talk import AFTER_ANSWER_S, CarTalk
from sunpile.control.composite import Installed
from sunpile.control.profile_book import update_of, updated
from sunpile.control.site import FuseId, Outlet, Wiring

PLACE = Outlet(StationId("P1"), EvseId(1))
WIRING = Wiring(PLACE, FuseId("main"))
NEEDS: dict[str, Any] = {
    "evseId": 1,
    "chargingNeeds": {
        "requestedEnergyTransfer": "AC_three_phase",
        "acChargingParameters": {"energyAmount": 9000, "evMinCurrent": 6, "evMaxCurrent": 20, "evMaxVoltage": 400},
    },
}


def test_an_offer_is_the_outlets_limit_or_what_the_car_can_use() -> None:
    needs = read_needs(NEEDS, "T1", None)
    assert (needs.want_ma, needs.need_wh, needs.direct) == (20_000, 9_000, False)
    for ma, limit in ((32_000, 20_000), (10_000, 10_000)):
        profile = offer(needs, WIRING, ma, 100, 60)
        assert (profile.id, profile.transaction, profile.purpose) == (OFFER_ID + 1, "T1", "TxProfile")
        assert profile.schedules[0].periods[0].limit == limit
        assert profile.valid_to == 160


def test_direct_current_is_offered_in_watts_and_dynamic_control_without_times() -> None:
    wish = {"requestedEnergyTransfer": "DC", "controlMode": "DynamicControl"}
    profile = offer(read_needs({"chargingNeeds": wish}, "T1", None), WIRING, 16_000, 100, 60)
    schedule = profile.schedules[0]
    assert (schedule.unit, schedule.periods[0].limit, profile.kind) == ("W", 11_040, "Dynamic")
    assert schedule.start is None
    assert schedule.duration_s is None


def test_a_cars_schedule_exceeds_a_limit_in_either_unit() -> None:
    for unit, fits, beyond in (("A", 16, 16.1), ("W", 11_040, 11_041)):
        for limit, wrong in ((fits, False), (beyond, True)):
            schedule = {"chargingRateUnit": unit, "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
            assert exceeds(schedule, WIRING, 16_000) is wrong


def test_a_dynamic_profile_says_what_it_was_last_told() -> None:
    profile = Profile(1, [Schedule([Period(0, 10_500)], "A")], kind="Dynamic")
    assert update_of(profile) == {"limit": 10.5}
    after = updated(Installed(1, profile), {"limit": 8, "setpoint": -3.5, "limit_L2": 7})
    assert after.profile.schedules[0].periods[0].limit == 8_000
    assert update_of(after.profile) == {"limit": 8, "setpoint": -3.5, "limit_L2": 7}


class Control:
    """A site with one outlet."""

    offer = None

    def limit_of(self, outlet: Outlet) -> tuple[Wiring, int, int] | None:
        return (WIRING, 16_000, 60) if outlet == PLACE else None

    def needs(self, outlet: Outlet, needs: Any) -> bool:
        return False


class Door:
    """Stations that take everything; what runs at each EVSE."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def running(self, station: str, evse: int) -> tuple[str, int] | None:
        return ("T1", 0) if evse in (1, 2) else None

    async def command(self, station: str, command: Any) -> Any:
        self.asked.append(command)
        return type("Result", (), {"accepted": True})


class Book:
    """Which profiles stations have."""

    def __init__(self, *installed: Installed) -> None:
        self._installed = installed

    async def of(self, station: str) -> tuple[Installed, ...]:
        return self._installed


class Hand:
    def now(self) -> int:
        return 1_000


async def test_only_a_site_makes_offers_and_only_for_what_runs_and_is_allowed() -> None:
    door = Door()
    talk = CarTalk(Control(), door, door, Book(), Hand())  # type: ignore[arg-type]

    async def asks(evse: int) -> str:
        answer = await talk.asked(Question(PLACE.station, "NotifyEVChargingNeeds", NEEDS | {"evseId": evse}))
        assert answer is not None
        return str(answer["status"])

    assert [await asks(evse) for evse in (1, 2, 3)] == ["Accepted", "NoChargingProfile", "Rejected"]
    await asyncio.sleep(AFTER_ANSWER_S * 3)
    assert [command.profile.id for command in door.asked] == [OFFER_ID + 1]
    # A new limit of the outlet reaches the car's own profile too.
    assert await talk.follow(PLACE, 8_000, 30)
    assert door.asked[-1].profile.schedules[0].periods[0].limit == 8_000
    await talk.commanded(PLACE.station, AllowEnergyTransfer("T1", ["DC"]), CommandResult("Accepted", True))
    assert await asks(1) == "Rejected"


async def test_an_offer_of_an_earlier_run_is_taken_back_before_a_limit_counts() -> None:
    needs = read_needs(NEEDS, "T1", None)
    for now, commands in ((999, [ClearChargingProfile(OFFER_ID + 1)]), (900, [])):
        door, left = Door(), Installed(1, offer(needs, WIRING, 32_000, now, 60))
        talk = CarTalk(Control(), door, door, Book(left), Hand())  # type: ignore[arg-type]
        for _ in range(2):
            assert await talk.follow(PLACE, 8_000, 30)
        assert door.asked == commands
