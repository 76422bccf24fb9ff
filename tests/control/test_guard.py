"""Limits as they are sent: never a moment above a fuse, whatever is lost, late or refused."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from sunpile.basics.ids import EvseId, StationId
from sunpile.control.allot import safe_shares
from sunpile.control.guard import (
    VALID_S,
    Answered,
    Away,
    CarCame,
    CarLeft,
    Event,
    Looked,
    SetLimit,
    SiteState,
    decide,
)
from sunpile.control.site import Car, Conditions, Fuse, FuseId, Outlet, Site, Wiring

MAIN = FuseId("main")


def outlet(number: int) -> Outlet:
    return Outlet(StationId(f"P{number}"), EvseId(1))


def street(count: int, limit: int) -> Site:
    wirings = tuple(Wiring(outlet(number), MAIN) for number in range(count))
    return Site("street", (Fuse(MAIN, (limit, limit, limit)),), wirings)


def at(now: int) -> Conditions:
    return Conditions(now, {})


def settle(state: SiteState, event: Event, now: int) -> tuple[SiteState, dict[Outlet, int]]:
    """Let `event` happen and every station accept at once, until nothing is left to say; the limits that hold then."""
    state, sent = decide(state, event, at(now))
    while sent:
        state, more = decide(state, Answered(sent[0].outlet, True), at(now))
        sent = [*sent[1:], *more]
    return state, {outlet: limit.ma for outlet, limit in state.held.items()}


def test_a_car_that_comes_waits_for_its_share() -> None:
    state, limits = settle(SiteState(street(2, 32_000)), Looked(), 0)
    assert limits == {outlet(0): 0, outlet(1): 0}
    state, limits = settle(state, CarCame(Car(outlet(0), 1)), 1)
    assert limits == {outlet(0): 32_000, outlet(1): 0}


def test_a_second_car_waits_until_the_first_has_accepted_less() -> None:
    state, _ = settle(SiteState(street(2, 32_000)), CarCame(Car(outlet(0), 0)), 0)
    state, sent = decide(state, CarCame(Car(outlet(1), 2)), at(2))
    assert [(effect.outlet, effect.ma) for effect in sent] == [(outlet(0), 16_000)]
    state, sent = decide(state, Answered(outlet(0), True), at(3))
    assert [(effect.outlet, effect.ma) for effect in sent] == [(outlet(1), 16_000)]


def test_what_a_leaving_car_had_goes_to_the_others() -> None:
    state, _ = settle(SiteState(street(2, 32_000)), CarCame(Car(outlet(0), 0)), 0)
    state, limits = settle(state, CarCame(Car(outlet(1), 1)), 1)
    assert limits == {outlet(0): 16_000, outlet(1): 16_000}
    _, limits = settle(state, CarLeft(outlet(0)), 10)
    assert limits == {outlet(0): 0, outlet(1): 32_000}


def test_a_refused_fall_keeps_the_room_taken() -> None:
    state, _ = settle(SiteState(street(2, 32_000)), CarCame(Car(outlet(0), 0)), 0)
    state, _ = decide(state, CarCame(Car(outlet(1), 1)), at(1))
    _, sent = decide(state, Answered(outlet(0), False), at(2))
    assert [effect.outlet for effect in sent] == [outlet(0)], "it is asked again, and the other one gets nothing yet"


def test_a_limit_is_said_again_before_it_runs_out() -> None:
    state, _ = settle(SiteState(street(2, 32_000)), CarCame(Car(outlet(0), 0)), 0)
    assert decide(state, Looked(), at(VALID_S - 301))[1] == []
    again = decide(state, Looked(), at(VALID_S - 299))[1]
    assert [effect.outlet for effect in again] == [outlet(0)]


def test_a_high_limit_never_outlasts_the_low_one_it_leans_on() -> None:
    state, _ = settle(SiteState(street(2, 32_000)), Looked(), 0)
    state, sent = decide(state, CarCame(Car(outlet(0), 1400)), at(1400))
    assert [(effect.outlet, effect.valid_s) for effect in sent if effect.ma] == [(outlet(0), 400)]


class Pile:
    """A station as it behaves: what it was told last, and its default when that has run out."""

    def __init__(self, safe: int) -> None:
        self.safe, self.ma, self.until = safe, 0, -1

    def draws(self, now: int) -> int:
        """The most it lets a car draw."""
        return self.ma if self.until > now else self.safe

    def takes(self, ma: int, until: int) -> None:
        """It accepts a limit."""
        self.ma, self.until = ma, until


class World:
    """Stations, and messages on their way to them: some late, some refused, some lost on either way."""

    def __init__(self, seed: int, count: int, limit: int) -> None:
        self.chance, self.limit, self.now = random.Random(seed), limit, 0
        self.state = SiteState(street(count, limit))
        safe = safe_shares(self.state.site, {})
        self.piles = {outlet(number): Pile(safe[outlet(number)]) for number in range(count)}
        self.under_way: list[tuple[SetLimit, int]] = []

    def event(self) -> Event:
        """What happens next."""
        where = self.chance.choice(list(self.piles))
        match self.chance.randrange(6):
            case 0 if where not in self.state.cars:
                return CarCame(Car(where, self.now, want_ma=self.chance.randrange(4_000, 40_000)))
            case 1:
                return CarLeft(where)
            case 2:
                return self.connection(where, self.chance.random() < 0.5)
            case 3 | 4 if self.under_way:
                effect, until = self.under_way.pop(0)
                accepted = self.chance.choice([True, True, False, None])
                if accepted or (accepted is None and self.chance.random() < 0.5):
                    self.piles[effect.outlet].takes(effect.ma, until)
                return Answered(effect.outlet, accepted)
        return Looked()

    def connection(self, where: Outlet, lost: bool) -> Event:
        """A connection goes, with what was on its way, or comes."""
        for effect, until in self.under_way:
            if lost and effect.outlet == where and self.chance.random() < 0.5:
                self.piles[where].takes(effect.ma, until)
        if lost:
            self.under_way = [item for item in self.under_way if item[0].outlet != where]
        return Away(where, lost)

    def step(self) -> None:
        """Some time, one event, and the look at the fuse: now, and later if the node vanished now."""
        self.now += self.chance.choice([0, 1, 30, 400, 1000])
        self.state, sent = decide(self.state, self.event(), at(self.now))
        self.under_way += [(effect, self.now + effect.valid_s) for effect in sent]
        for moment in range(self.now, self.now + 2_001, 100):
            assert sum(pile.draws(moment) for pile in self.piles.values()) <= self.limit


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(6_000, 90_000))
def test_no_fuse_is_ever_overloaded_whatever_gets_lost(seed: int, count: int, limit: int) -> None:
    world = World(seed, count, limit)
    for _ in range(80):
        world.step()


def test_an_outlet_of_another_site_changes_nothing() -> None:
    state, _ = settle(SiteState(street(1, 32_000)), Looked(), 0)
    assert decide(state, CarCame(Car(outlet(9), 0)), at(0)) == (state, [])


def test_a_station_that_is_away_counts_with_what_it_may_draw() -> None:
    state, _ = settle(SiteState(street(2, 32_000)), CarCame(Car(outlet(0), 0)), 0)
    state, limits = settle(state, Away(outlet(0), True), 1)
    state, limits = settle(state, CarCame(Car(outlet(1), 2)), 2)
    assert limits == {outlet(0): 32_000, outlet(1): 0}
    _, limits = settle(state, Looked(), VALID_S + 1)
    assert limits[outlet(1)] == 16_000, "the other one's limit has run out: it draws its safe share"
