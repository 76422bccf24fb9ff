"""A reservation's life: made, refused, used, expired, given up."""

from dataclasses import replace

import pytest
from tests.store.test_tokens import two_stations

from sunpile.basics.errors import Conflict, InputInvalid, NotFound, PileUnreachable
from sunpile.basics.scope import NODE
from sunpile.chargers.commands import CancelReservation, CommandResult
from sunpile.chargers.commands.authorisation import Token as Shown
from sunpile.fleet.reservations import (
    Cancelled,
    Confirmed,
    Ended,
    Passed,
    Reservation,
    Reservations,
    Started,
    decide,
)
from sunpile.sessions.tokens import Group, Token
from sunpile.store.reservations import ReservationDatabase
from sunpile.store.tokens import TokenStore

NOW = 1_772_625_600
ASKED = Reservation(1, "P1", "CARD1", "ISO14443", NOW + 600, NOW, evse=1, group="FLEET")
MADE = replace(ASKED, state="made")


@pytest.mark.parametrize(
    ("known", "event", "state"),
    [
        (ASKED, Confirmed("Accepted"), "made"),
        *((ASKED, Confirmed(word), "refused") for word in ("Faulted", "Occupied", "Rejected", "Unavailable")),
        (MADE, Confirmed("Rejected"), "made"),
        (MADE, Started("t", "card1", None), "used"),
        (MADE, Started("t", "CARD2", "FLEET"), "used"),
        (MADE, Started("t", "CARD2", None), "made"),
        (MADE, Ended("Expired"), "expired"),
        (MADE, Ended("NoTransaction"), "expired"),
        (MADE, Ended("Removed"), "cancelled"),
        (MADE, Cancelled("staff"), "cancelled"),
        (MADE, Passed(), "made"),
    ],
)
def test_each_event_has_its_effect_once(known, event, state):
    after = decide(known, event, NOW)
    assert after.state == state
    assert decide(after, event, NOW + 5) == after


def test_what_has_ended_stays_as_it_is():
    used = decide(MADE, Started("t", "CARD1", None), NOW)
    for event in (Confirmed("Accepted"), Ended("Expired"), Cancelled("x"), Passed()):
        assert decide(used, event, NOW + 10**6) == used


def test_time_ends_what_the_station_forgot_to_end():
    assert decide(MADE, Passed(), NOW + 659).state == "made"
    assert decide(MADE, Passed(), NOW + 660).state == "expired"


class Clock:
    def __init__(self):
        self.at = NOW

    def now(self):
        return self.at


class Station:
    def __init__(self):
        self.said, self.answer, self.fault = [], "Accepted", None

    async def command(self, station, command):
        self.said.append(command)
        if self.fault:
            raise self.fault
        return CommandResult(self.answer, accepted=self.answer == "Accepted")


@pytest.fixture
async def house(database):
    await database.write(two_stations)
    tokens = TokenStore(database)
    await tokens.save_group(NODE, Group("FLEET"), NOW)
    await tokens.save_many(NODE, [Token("CARD1", group="FLEET"), Token("CARD2", group="FLEET"), Token("CARD3")], NOW)
    station, clock = Station(), Clock()
    return Reservations(ReservationDatabase(database), station.command, clock), station, clock


async def test_it_is_asked_of_the_station_and_used_by_a_token_of_its_group(house):
    desk, station, _ = house
    made = await desk.make(NODE, "P1", Shown("card1"), NOW + 600, evse=1)
    assert (made.state, station.said[0].group, station.said[0].reservation) == ("made", "FLEET", made.number)
    await desk.started("P1", 1, "t0", "CARD3", None)
    await desk.started("P1", 2, "t1", "CARD2", None)
    assert (await desk.find(NODE, made.number)).state == "made"
    await desk.started("P1", 1, "t2", "card2", None)
    found = await desk.find(NODE, made.number)
    assert (found.state, found.ocpp_transaction) == ("used", "t2")
    again = await desk.make(NODE, "P1", Shown("card1"), NOW + 600, evse=1)
    await desk.started("P1", 0, "t3", "card1", None)
    assert (await desk.find(NODE, again.number)).state == "used"


async def test_a_start_that_names_its_reservation_uses_that_one(house):
    desk, _, _ = house
    first = await desk.make(NODE, "P1", Shown("CARD1"), NOW + 600)
    second = await desk.make(NODE, "P1", Shown("CARD1"), NOW + 600, connector_type="cCCS2")
    await desk.started("P1", 1, "t", "CARD1", second.number)
    assert [r.state for r in await desk.page(NODE)] == ["used", "made"]
    assert first.number < second.number
    await desk.ended("P2", first.number, "Expired")
    assert (await desk.find(NODE, first.number)).state == "made"


@pytest.mark.parametrize("word", ["Occupied", "Faulted", "Rejected", "Unavailable"])
async def test_a_refusal_is_kept_with_the_stations_word(house, word):
    desk, station, _ = house
    station.answer = word
    made = await desk.make(NODE, "P1", Shown("CARD1"), NOW + 600, evse=1)
    assert (made.state, made.reason) == ("refused", word)


async def test_a_station_that_is_away_reserves_nothing(house):
    desk, station, _ = house
    station.fault = PileUnreachable("away")
    with pytest.raises(PileUnreachable):
        await desk.make(NODE, "P1", Shown("CARD1"), NOW + 600)
    assert [r.state for r in await desk.page(NODE)] == ["refused"]


async def test_staff_give_it_up(house):
    desk, station, _ = house
    made = await desk.make(NODE, "P1", Shown("CARD1"), NOW + 600)
    station.answer = "Rejected"
    assert (await desk.cancel(NODE, made.number, "the driver called")).reason == "the driver called"
    assert isinstance(station.said[-1], CancelReservation)
    with pytest.raises(Conflict):
        await desk.cancel(NODE, made.number)


async def test_time_passes_and_other_tenants_see_nothing(house):
    desk, _, clock = house
    made = await desk.make(NODE, "P1", Shown("CARD1"), NOW + 600)
    clock.at = NOW + 700
    await desk.expire()
    assert (await desk.find(NODE, made.number)).state == "expired"
    other = replace(NODE, tenant="other")
    with pytest.raises(NotFound):
        await desk.find(other, made.number)
    with pytest.raises(NotFound):
        await desk.make(other, "P1", Shown("CARD1"), clock.at + 600)
    with pytest.raises(InputInvalid):
        await desk.make(NODE, "P1", Shown("CARD1"), NOW)
