"""What the control of sites learns from the market."""

from dataclasses import dataclass
from typing import Any

from sunpile.people.board import LivePoint, PowerBoard
from sunpile.people.feed import EventHub
from sunpile.wiring.energy import MarketEnergy, NoMarket

LENGTH = 900
NOON = 1_700_000_100 // LENGTH


class Clock:
    def now(self) -> int:
        return NOON * LENGTH + 5


@dataclass
class Summary:
    interval: int
    price: int


class View:
    def __init__(self, *known: Summary) -> None:
        self.known, self.asked = known, 0

    async def intervals(self, limit: int, before: int | None) -> list[Any]:
        self.asked += 1
        return list(self.known)


async def test_the_price_of_a_slot_is_yesterdays_and_the_surplus_what_all_points_give_away() -> None:
    board = PowerBoard(EventHub())
    view = View(Summary(NOON - 96, 100), Summary(NOON - 95, 200), Summary(NOON - 1, 300))
    energy = MarketEnergy(view, board, Clock(), LENGTH)  # type: ignore[arg-type]
    assert (await energy.outlook("lot")).surplus_w is None
    board.update({1: LivePoint(w=-5_000), 2: LivePoint(w=1_500)}, 0)
    found = await energy.outlook("lot")
    assert found.surplus_w == 3_500
    assert found.prices[:3] == (100, 200, 300)
    assert (len(found.prices), found.prices[95], view.asked) == (96, 300, 1)


async def test_without_prices_nothing_is_said_of_them() -> None:
    energy = MarketEnergy(View(), PowerBoard(EventHub()), Clock(), LENGTH)  # type: ignore[arg-type]
    assert (await energy.outlook("lot")).prices == ()
    assert (await NoMarket().outlook("lot")).surplus_w is None
