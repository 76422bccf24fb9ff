"""Mail between processes: what a station was told is kept stays until it is, and who asks gets an answer."""

from typing import Any

import pytest

from sunpile.basics.errors import PileUnreachable, StoreUnreachable
from sunpile.basics.ids import StationId
from sunpile.chargers.commands import RemoteStop
from sunpile.chargers.notices import Progress
from sunpile.store.doors import Letter
from sunpile.wiring import letters
from sunpile.wiring.doors import Doors
from sunpile.wiring.ears import Ears

SP = StationId("SP-1")


class Around:
    """Stands for the store, the clock and the server around a door."""

    def __init__(self) -> None:
        self.posted: list[Letter] = []

    def now(self) -> int:
        return 5

    async def post(self, letter: Letter, _now: int) -> None:
        self.posted.append(letter)

    async def command(self, *_: object) -> None:
        raise KeyError("a bug")


def door(around: Any, *told: Any) -> Doors:
    found = Doors.__new__(Doors)
    found.me, found._store, found._clock, found._mine = "a", around, around, {SP: 1}
    found.csms, found.ears = around, Ears(told=list(told))
    return found


async def test_a_notice_waits_for_a_store_that_is_away_but_not_for_a_bug() -> None:
    letter = Letter("node", "notice", SP, 0, letters.written(Progress(SP, "log", 1, "Uploaded")), "b")

    async def away(_notice: object) -> None:
        raise StoreUnreachable("away")

    async def bug(_notice: object) -> None:
        raise KeyError("a bug")

    with pytest.raises(StoreUnreachable):
        await door(Around(), away)._hear(letter)
    await door(Around(), bug)._hear(letter)


async def test_who_asks_through_a_door_gets_an_answer_whatever_happens_there() -> None:
    around = Around()
    await door(around)._carry_out(SP, Letter("a", "command", SP, 1, letters.written(RemoteStop("7")), "b", "x"))
    with pytest.raises(PileUnreachable):
        letters.result_read(around.posted[0].body)
