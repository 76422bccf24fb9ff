"""Messages on displays: set once, read back, mended when they drift, taken off when not wanted."""

from dataclasses import replace

import pytest
from tests.store.test_tokens import two_stations

from sunpile.basics.errors import InputInvalid, NotFound
from sunpile.basics.scope import NODE
from sunpile.chargers.commands import CommandResult, GetDisplayMessages, SetDisplayMessage
from sunpile.chargers.notices import ReportPart
from sunpile.fleet.display import Displays, WantedMessage
from sunpile.store.display import DisplayDatabase

NOW = 1_772_625_600
HELLO = WantedMessage(1, {"en": "Hello", "zh": "你好"})


class Clock:
    at = NOW

    def now(self):
        return self.at


class Station:
    def __init__(self):
        self.shows, self.said, self.refuses = {}, [], None

    async def command(self, station, command):
        self.said.append(command)
        if isinstance(command, SetDisplayMessage):
            if self.refuses == command.language:
                return CommandResult("LanguageNotSupported", accepted=False)
            self.shows[command.id] = command
            return CommandResult("Accepted", accepted=True)
        if isinstance(command, GetDisplayMessages):
            return CommandResult("Accepted" if self.shows else "Unknown", accepted=bool(self.shows))
        return CommandResult("Accepted" if self.shows.pop(command.id, None) else "Unknown", accepted=True)


@pytest.fixture
async def house(database):
    await database.write(two_stations)
    station, clock = Station(), Clock()
    return Displays(DisplayDatabase(database), station.command, clock), station, clock


async def test_a_message_is_sent_once_and_again_when_it_changes(house):
    displays, station, _ = house
    await displays.save(NODE, HELLO)
    assert [one.status for one in await displays.apply(NODE, "P1")] == ["Accepted"]
    assert await displays.apply(NODE, "P1") == []
    await displays.save(NODE, replace(HELLO, priority="InFront"))
    await displays.apply(NODE, "P1")
    assert station.shows[1].priority == "InFront"
    await displays.remove(NODE, 1)
    await displays.apply(NODE, "P1")
    assert station.shows == {}


async def test_what_a_station_has_lost_is_set_again(house):
    displays, station, _ = house
    await displays.save(NODE, HELLO)
    await displays.save(NODE, WantedMessage(2, {"en": "Two"}))
    await displays.apply(NODE, "P1")
    del station.shows[1]
    await displays.read(NODE, "P1")
    request = station.said[-1].request
    part = ReportPart("P1", "messages", request, 0, False, ({"id": 2},))
    assert await displays.told(part)
    assert await displays.told(replace(part, part=1, last=True, rows=({"id": 99},)))
    assert not await displays.told(part)
    assert displays.has["P1"][1] == (2, 99)
    assert [one.id for one in await displays.apply(NODE, "P1")] == [1]
    assert 99 not in [getattr(command, "id", None) for command in station.said]


async def test_a_station_with_none_says_unknown(house):
    displays, station, _ = house
    await displays.save(NODE, HELLO)
    await displays.apply(NODE, "P1")
    station.shows.clear()
    await displays.read(NODE, "P1")
    await displays.apply(NODE, "P1")
    assert list(station.shows) == [1]


async def test_a_language_the_station_has_not_is_tried_in_another(house):
    displays, station, _ = house
    station.refuses = "en"
    await displays.save(NODE, HELLO)
    await displays.apply(NODE, "P1")
    assert station.shows[1].text == "你好"


async def test_what_is_over_is_taken_off(house):
    displays, station, clock = house
    await displays.save(NODE, replace(HELLO, end_at=NOW + 60))
    await displays.apply(NODE, "P1")
    clock.at = NOW + 60
    await displays.apply(NODE, "P1")
    assert station.shows == {}


async def test_other_tenants_and_wrong_messages(house):
    displays, _, _ = house
    other = replace(NODE, tenant="other")
    with pytest.raises(NotFound):
        await displays.apply(other, "P1")
    with pytest.raises(NotFound):
        await displays.save(other, replace(HELLO, station="P1"))
    for wrong in ({"texts": {}}, {"id": 0}, {"priority": "Loud"}, {"state": "Happy"}, {"start_at": 5, "end_at": 5}):
        with pytest.raises(InputInvalid):
            await displays.save(NODE, replace(HELLO, **wrong))
