"""The service: stations' events in, charging profiles out."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from sunpile.basics.errors import NotFound, PileUnreachable
from sunpile.basics.ids import EvseId, StationId
from sunpile.basics.scope import NODE, Scope
from sunpile.basics.units import Watt, Wh
from sunpile.chargers.commands import Command, CommandResult, SetChargingProfile
from sunpile.chargers.events import MeterRead, Sample, StatusChanged, TransactionStarted
from sunpile.control.ports import Outlook, SiteRecord
from sunpile.control.service import PROFILE_ID, SAFE_ID, CarWish, SiteControl, phases_seen
from sunpile.control.site import Fuse, FuseId, Outlet, Site, Wiring
from sunpile.wiring.clock import MachineClock

MAIN = FuseId("main")
A, B = Outlet(StationId("A"), EvseId(1)), Outlet(StationId("B"), EvseId(1))
SITE = Site("lot", (Fuse(MAIN, (32_000,) * 3),), (Wiring(A, MAIN), Wiring(B, MAIN)))


class Book:
    """One site of the default tenant."""

    def __init__(self) -> None:
        self.site = SITE

    async def all(self) -> Sequence[SiteRecord]:
        return [SiteRecord(NODE.tenant, self.site, {})]


class Piles:
    """Stations that take every profile, or are away."""

    def __init__(self) -> None:
        self.away: set[StationId] = set()
        self.profiles: dict[tuple[StationId, int], int] = {}
        self.told: list[tuple[StationId, int, int]] = []
        self.slow = asyncio.Event()
        """Nothing is answered before it is set."""
        self.slow.set()

    def connected(self, station: StationId) -> bool:
        return station not in self.away

    async def command(self, station: StationId, command: Command) -> CommandResult:
        if station in self.away:
            raise PileUnreachable("away")
        assert isinstance(command, SetChargingProfile)
        ma = command.profile.schedules[0].periods[0].limit
        assert ma is not None
        self.profiles[station, command.profile.id] = ma
        self.told.append((station, command.profile.id, ma))
        await self.slow.wait()
        return CommandResult("Accepted", True)


class NoOutlook:
    async def outlook(self, site: str) -> Outlook:
        return Outlook()


def started(outlet: Outlet) -> TransactionStarted:
    sample = Sample(0, Wh(0))
    return TransactionStarted(outlet.station, outlet.evse, "k", b"", "t", None, None, 0, sample, False, 0)


async def control(piles: Piles, book: Book | None = None) -> SiteControl:
    made = SiteControl(book or Book(), piles, NoOutlook(), MachineClock(), lambda _kind, _data: None)  # type: ignore[arg-type]
    await made.load()
    await made.look()
    await rest()
    return made


async def rest() -> None:
    """Let what was sent be answered."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_every_outlet_has_a_safe_share_and_waits_until_a_car_comes() -> None:
    piles = Piles()
    made = await control(piles)
    assert piles.profiles == {
        ("A", SAFE_ID + 1): 16_000,
        ("B", SAFE_ID + 1): 16_000,
        ("A", PROFILE_ID + 1): 0,
        ("B", PROFILE_ID + 1): 0,
    }
    made.heard(started(A))
    await rest()
    assert piles.profiles["A", PROFILE_ID + 1] == 32_000
    made.heard(started(B))
    await rest()
    assert piles.told[-2:] == [("A", PROFILE_ID + 1, 16_000), ("B", PROFILE_ID + 1, 16_000)]
    made.heard(StatusChanged(A.station, A.evse, "Available", None, 0))
    await rest()
    assert piles.profiles["B", PROFILE_ID + 1] == 32_000


async def test_a_measured_load_takes_its_room_and_is_forgotten_when_old() -> None:
    piles = Piles()
    made = await control(piles)
    made.heard(started(A))
    await rest()
    made.measured(NODE, "lot", {MAIN: (10_000, 0, 0)})
    await rest()
    assert piles.profiles["A", PROFILE_ID + 1] == 22_000
    with pytest.raises(NotFound):
        made.measured(NODE, "lot", {FuseId("other"): (0, 0, 0)})
    with pytest.raises(NotFound):
        made.measured(Scope("strangers", "key:1", NODE.permissions), "lot", {MAIN: (0, 0, 0)})


async def test_a_station_that_is_away_is_not_asked() -> None:
    piles = Piles()
    piles.away.add(B.station)
    made = await control(piles)
    made.heard(started(A))
    await rest()
    assert {station for station, _, _ in piles.told} == {"A"}
    assert piles.profiles["A", PROFILE_ID + 1] == 16_000, "the other one may draw its safe share"


async def test_a_site_that_is_changed_still_knows_what_is_on_its_way_to_a_station() -> None:
    piles, book = Piles(), Book()
    made = await control(piles, book)
    piles.slow.clear()
    made.heard(started(A))
    await rest()
    assert piles.told[-1] == ("A", PROFILE_ID + 1, 32_000), "sent, not answered"
    book.site = replace(SITE, policy="priority")
    await made.load()
    made.heard(started(B))
    await rest()
    assert ("B", PROFILE_ID + 1, 16_000) not in piles.told, "the other one may draw all there is by now"
    piles.slow.set()
    await rest()
    assert piles.profiles["A", PROFILE_ID + 1] == piles.profiles["B", PROFILE_ID + 1] == 16_000
    book.site = replace(SITE, wirings=SITE.wirings[:1])
    piles.slow.clear()
    made.heard(StatusChanged(B.station, B.evse, "Available", None, 0))
    await made.load()
    piles.slow.set()
    await rest()
    assert made.limit_of(B) is None


async def test_a_wish_belongs_to_a_car() -> None:
    piles = Piles()
    made = await control(piles)
    with pytest.raises(NotFound):
        made.wish(NODE, A, CarWish(solar_only=True))
    made.heard(started(A))
    await rest()
    made.wish(NODE, A, CarWish(solar_only=True))
    await rest()
    assert piles.profiles["A", PROFILE_ID + 1] == 0


@pytest.mark.parametrize(
    ("power", "current", "phases"),
    [(11_000, 16_000, 3), (3_680, 16_000, 1), (7_360, 16_000, 2), (500, 1_000, None), (None, 16_000, None)],
)
def test_phases_are_seen_by_power_and_current(power: Any, current: int, phases: int | None) -> None:
    sample = Sample(0, None, power_w=None if power is None else Watt(power), current_ma=current)
    assert phases_seen((sample,)) == phases


async def test_a_car_on_one_phase_leaves_the_others_free() -> None:
    piles = Piles()
    made = await control(piles)
    made.heard(started(A))
    made.heard(started(B))
    await rest()
    sample = Sample(0, None, power_w=Watt(3_680), current_ma=16_000)
    made.heard(MeterRead(A.station, A.evse, None, (sample,)))
    state, _ = made.state(NODE, "lot")
    assert state.cars[A].used_phases == 1
