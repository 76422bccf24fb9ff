"""Everybody joins: points, piles, owners' money and orders, drivers. All of it through the node's HTTP interface."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from sunpile.basics.interval import settlement_deadline
from sunpile.basics.keys import Key
from sunpile.town import signing
from sunpile.town.api import NodeApi
from sunpile.town.drivers import CENT, Driver
from sunpile.town.localtime import draw
from sunpile.town.scenario import BatteryPlan, HousePlan, PilePlan, Scenario, TownPlan
from sunpile.town.signing import Domains

MOST = 16
"""Requests under way at once."""
HOUSE_W = 9_000
"""Main fuse of a house without its pile [W]."""


@dataclass(frozen=True, slots=True)
class Account:
    """A metering point with its owner, as far as money goes."""

    point: int
    kind: str
    owner: Key
    cap_wh: int
    deposit: int
    """What the owner puts in at the start [nano]."""


@dataclass
class Registered:
    """What the node answered."""

    info: dict[str, Any]
    domains: Domains
    homes: dict[int, int] = field(default_factory=dict[int, int])
    """Point of each house."""
    batteries: dict[int, int] = field(default_factory=dict[int, int])
    """Point of each battery."""
    evses: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    """Point of each (station, EVSE)."""
    cards: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """URL, identity and password of each station."""
    accounts: list[Account] = field(default_factory=list[Account])
    """In order of their points."""


@dataclass(frozen=True, slots=True)
class Device:
    """Where a house or battery answers Modbus."""

    kind: str
    port: int
    unit: int
    max_w: int

    def body(self) -> dict[str, Any]:
        """As the API wants it."""
        return {"kind": self.kind, "host": "127.0.0.1", "port": self.port, "unit": self.unit, "max_w": self.max_w}


def cap_wh(watts: int, length: int) -> int:
    """Certified cap of a point that can do `watts`, with a tenth of room [Wh per interval]."""
    return -(-watts * 11 * length // 36_000) + 2


class Onboarding:
    """One round of joining, in the order of the plan, so that points have the same numbers each time."""

    def __init__(self, plan: TownPlan, node: NodeApi) -> None:
        self._plan, self._node = plan, node
        self._scenario: Scenario = plan.scenario
        self._gate = asyncio.Semaphore(MOST)

    async def join(self, home_devices: dict[int, list[Device]], battery_devices: dict[int, list[Device]]) -> Registered:
        """Register every point and pile."""
        info = await self._node.get("/api/info")
        done = Registered(info, await self._node.domains(info))
        for house in self._plan.houses:
            await self._home(done, house, home_devices[house.number])
        for battery in self._plan.batteries:
            await self._battery(done, battery, battery_devices[battery.number])
        for pile in self._plan.piles:
            await self._pile(done, pile)
        return done

    async def fund(self, done: Registered) -> None:
        """Owners top up and put money on their points' accounts; orders come after."""
        owners = {account.owner.address: account.owner for account in done.accounts}
        await self._all([self._fund_owner(done, owner) for owner in owners.values()])

    async def order(self, done: Registered, round_number: int) -> int:
        """Standing orders of those who want another than the default; returns how many."""
        bodies = [
            signing.order(done.domains, account.owner, account.point, buy, sell, account.cap_wh, round_number)
            for account in done.accounts
            if (limits := wanted_limits(self._scenario.seed, account, round_number)) is not None
            for buy, sell in [limits]
        ]
        await self._all([self._node.post("/api/orders", body) for body in bodies])
        return len(bodies)

    async def sign_up(self, done: Registered, drivers: list[Driver]) -> None:
        """Drivers open accounts and channels."""
        stations = {pile.station: pile for pile in self._plan.piles}
        await self._all([driver.sign_up(done.info, stations) for driver in drivers])

    async def publish_tariffs(self) -> None:
        """The day's tariffs, one by one: whoever runs the node is the tree's tariff source."""
        for published in self._plan.tariffs:
            tariff = published.tariff
            body = {
                "from_interval": published.from_interval,
                "retail": tariff.retail,
                "feed_in": tariff.feed_in,
                "buy_fee": tariff.buy_fee,
                "sell_fee": tariff.sell_fee,
            }
            await self._node.post_as_admin("/api/admin/tariffs", body)

    async def _all(self, jobs: list[Any]) -> None:
        async def one(job: Any) -> None:
            async with self._gate:
                await job

        await asyncio.gather(*(one(job) for job in jobs))

    # -- points -------------------------------------------------------------------------------------------------------

    async def _point(self, done: Registered, body: dict[str, Any], owner: Key, spend: int) -> int:
        answer = await self._node.post_as_admin("/api/admin/points", {"zone": done.info["zone"], **body})
        point, cap = int(answer["point"]), int(body["cap_wh"])
        reserve = cap * (settlement_deadline(self._scenario.length) + 1) * self._scenario.retail_cap
        done.accounts.append(Account(point, body["kind"], owner, cap, reserve + spend))
        return point

    def _cap(self, watts: int) -> int:
        return cap_wh(watts, self._scenario.length)

    async def _home(self, done: Registered, house: HousePlan, devices: list[Device]) -> None:
        pile_w = sum(pile.max_w for pile in self._plan.piles if pile.house == house.number)
        body = {
            "kind": "home",
            "owner": house.owner.address,
            "meter_key": house.meter_key.address if house.meter_key else None,
            "cap_wh": self._cap(max(HOUSE_W + pile_w, house.roof_w)),
            "parent": 0,
            "label": house.label,
            "x": house.x,
            "y": house.y,
            "devices": [device.body() for device in devices],
        }
        done.homes[house.number] = await self._point(done, body, house.owner, 2_000 * CENT)

    async def _battery(self, done: Registered, plan: BatteryPlan, devices: list[Device]) -> None:
        body = {
            "kind": "battery",
            "owner": plan.owner.address,
            "meter_key": None,
            "cap_wh": self._cap(plan.battery.power_w),
            "parent": 0,
            "label": plan.label,
            "x": plan.x,
            "y": plan.y,
            "devices": [device.body() for device in devices],
        }
        done.batteries[plan.number] = await self._point(done, body, plan.owner, 5_000 * CENT)

    async def _pile(self, done: Registered, pile: PilePlan) -> None:
        points: list[int] = []
        for evse in range(1, pile.evses + 1):
            expected = sum(visit.energy_wh for visit in pile.visits if visit.evse == evse)
            body = {
                "kind": "pile",
                "owner": pile.owner.address,
                "meter_key": None,
                "cap_wh": self._cap(pile.evse_w),
                "parent": 0 if pile.house is None else done.homes[pile.house],
                "label": pile.station if pile.evses == 1 else f"{pile.station} {evse}",
                "x": pile.x + 20 * (evse - 1),
                "y": pile.y,
            }
            spend = expected * self._scenario.retail_cap + 1_000 * CENT
            points.append(await self._point(done, body, pile.owner, spend))
            done.evses[pile.station, evse] = points[-1]
        await self._register_pile(done, pile, points)

    async def _register_pile(self, done: Registered, pile: PilePlan, points: list[int]) -> None:
        # A home's pile has no place on chain: only the zone is known.
        place = "" if pile.kind == "private" else pile.station.removeprefix("SP-").replace("-", " ").title()
        signatures = [
            signing.plate(done.domains, pile.owner, point, place, pile.connector, pile.model, pile.price)
            for point in points
        ]
        body = {
            "station": pile.station,
            "max_w": pile.max_w,
            "evses": [{"evse": evse, "point": point} for evse, point in enumerate(points, 1)],
            "place": place,
            "connector": pile.connector,
            "model": pile.model,
            "price": pile.price,
            "owner": pile.owner.address,
            "deadline": signing.DEADLINE,
            "signatures": signatures,
        }
        done.cards[pile.station] = await self._node.post_as_admin("/api/admin/piles", body)

    # -- money --------------------------------------------------------------------------------------------------------

    async def _fund_owner(self, done: Registered, owner: Key) -> None:
        own = [account for account in done.accounts if account.owner.address == owner.address]
        minor = -(-sum(account.deposit for account in own) // CENT)
        reference = f"owner-{owner.address[2:]}"
        top_up = {"rail": "sandbox", "minor": minor, "address": owner.address, "reference": reference}
        await self._node.post_as_admin("/api/top-ups", top_up)
        await self._node.wait_for_money(done.info["contracts"]["SettlementToken"], owner.address, minor * CENT)
        for account in own:
            body = signing.deposit(done.domains, owner, account.point, account.deposit)
            await self._node.post("/api/deposits", body)


def wanted_limits(seed: int, account: Account, round_number: int) -> tuple[int, int] | None:
    """(buy, sell) per mille of the band that a point's owner orders in a round; None = leaves things as they are.

    Round 1 is before the day: half keep the default, some want to trade first, some only at their price. In later
    rounds a few change their minds.
    """
    dice = draw(seed, "order", account.point, round_number)
    mood = dice.random()
    if round_number > 1:
        return (dice.randrange(250, 951, 10), dice.randrange(50, 751, 10)) if mood < 0.08 else None
    if account.kind == "battery":
        return dice.randrange(300, 451, 10), dice.randrange(550, 701, 10)
    if account.kind == "pile":
        return (dice.randrange(600, 1001, 10), 500) if mood < 0.7 else None
    if mood < 0.5:
        return None
    if mood < 0.75:
        return dice.randrange(700, 1001, 10), dice.randrange(0, 301, 10)
    return dice.randrange(100, 451, 10), dice.randrange(550, 901, 10)
