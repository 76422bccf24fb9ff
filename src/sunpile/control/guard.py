"""The decision of a site: what happened -> which limits to send. Pure.

Every outlet has a limit, an idle one 0, so that a car that comes waits for its share instead of taking one. Each limit
runs out; then the station falls back to its safe share, and all safe shares fit together. So the node may vanish at any
moment, and three rules keep every fuse whole meanwhile (a test plays lost, late and refused messages against them):

- Until a station has answered, the larger of its old and new limit counts: a rise is sent only into room that is there.
- Limits below the safe share last twice as long as those above it, and none above outlasts one below on which it leans.
- A station that is away, or whose low limit runs out soon, counts with no less than its safe share.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sunpile.control.allot import allot, safe_shares
from sunpile.control.site import Car, Conditions, FuseId, Outlet, Phases, Site, load_of

T = TypeVar("T")
VALID_S = 900
"""How long a limit above the safe share holds without being said again [s]; one below it holds twice as long."""
RENEW_S = 300
"""A limit above the safe share is said again when it has less than this left [s]; one below it after half its life."""
STEP_MA = 1_000
"""A rise below this is not worth a message, unless it reaches what the car wants."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit a station has accepted."""

    ma: int
    """[mA for each phase]."""
    until: int
    """When it runs out [Unix s]."""


@dataclass(frozen=True, slots=True)
class SiteState:
    """What is known of a site now."""

    site: Site
    cars: Mapping[Outlet, Car] = field(default_factory=dict[Outlet, Car])
    """Cars that are plugged in and may charge."""
    held: Mapping[Outlet, Limit] = field(default_factory=dict[Outlet, Limit])
    """What each station has accepted."""
    asked: Mapping[Outlet, Limit] = field(default_factory=dict[Outlet, Limit])
    """What has been sent and not answered."""
    away: frozenset[Outlet] = frozenset()
    """Outlets whose station is not connected."""
    worst_base: Mapping[FuseId, Phases] = field(default_factory=dict[FuseId, Phases])
    """The most that other loads may take, for the safe shares [mA]."""


@dataclass(frozen=True, slots=True)
class CarCame:
    """A car began, or is known better than before."""

    car: Car


@dataclass(frozen=True, slots=True)
class CarLeft:
    """The outlet is free."""

    outlet: Outlet


@dataclass(frozen=True, slots=True)
class Answered:
    """A station answered a limit, or did not: `accepted` is None where nobody knows whether it got it."""

    outlet: Outlet
    accepted: bool | None


@dataclass(frozen=True, slots=True)
class Away:
    """A station's connection is gone, or back."""

    outlet: Outlet
    away: bool


@dataclass(frozen=True, slots=True)
class Looked:
    """Time has passed: what the site is given now."""


Event = CarCame | CarLeft | Answered | Away | Looked


@dataclass(frozen=True, slots=True)
class SetLimit:
    """Send a limit for the car at an outlet."""

    outlet: Outlet
    ma: int
    """[mA for each phase]; 0: do not charge."""
    valid_s: int
    """How long it holds without being said again [s]."""


def decide(state: SiteState, event: Event, given: Conditions) -> tuple[SiteState, list[SetLimit]]:
    """The state after `event` under `given`, and what to send; falls come first."""
    safe = safe_shares(state.site, state.worst_base)
    look = _Look(_apply(state, event, safe), safe, given)
    targets = look.targets()
    effects: list[SetLimit] = []
    for rising in (False, True):
        for outlet, target in targets.items():
            if (target > look.committed(outlet)) != rising or not look.worth_saying(outlet, target):
                continue
            if rising and not look.fits(outlet, target):
                continue
            effect = SetLimit(outlet, target, look.valid_s(outlet, target))
            effects.append(effect)
            asked = {**look.state.asked, outlet: Limit(target, given.now + effect.valid_s)}
            look = replace(look, state=replace(look.state, asked=asked))
    return look.state, effects


def moved(state: SiteState, site: Site, worst_base: Mapping[FuseId, Phases]) -> SiteState:
    """The state under a changed site: what is known of an outlet stays with it, also what it was just sent."""
    return SiteState(
        site,
        _of(site, state.cars),
        _of(site, state.held),
        _of(site, state.asked),
        frozenset(outlet for outlet in state.away if outlet in site.by_outlet),
        worst_base,
    )


def _of(site: Site, items: Mapping[Outlet, T]) -> dict[Outlet, T]:
    return {outlet: item for outlet, item in items.items() if outlet in site.by_outlet}


def _apply(state: SiteState, event: Event, safe: Mapping[Outlet, int]) -> SiteState:
    match event:
        case CarCame(car):
            if car.outlet not in state.site.by_outlet:
                return state
            return replace(state, cars={**state.cars, car.outlet: car})
        case CarLeft(outlet):
            return replace(state, cars=_without(state.cars, outlet))
        case Answered(outlet, _) if outlet not in state.site.by_outlet:
            return state  # it was taken out of the site meanwhile
        case Answered(outlet, None):
            return _doubtful(state, outlet, safe[outlet])
        case Answered(outlet, accepted):
            waiting = state.asked.get(outlet)
            held = {**state.held, outlet: waiting} if accepted and waiting is not None else state.held
            return replace(state, asked=_without(state.asked, outlet), held=held)
        case Away(outlet, True):
            return _doubtful(replace(state, away=state.away | {outlet}), outlet, safe[outlet])
        case Away(outlet, _):
            return replace(state, away=state.away - {outlet})
        case Looked():
            return state


def _doubtful(state: SiteState, outlet: Outlet, safe: int) -> SiteState:
    """Nobody knows whether the station has the old limit or the new one: the worse is taken to hold."""
    asked, held = state.asked.get(outlet), state.held.get(outlet)
    if asked is None:
        return state
    rest = replace(state, asked=_without(state.asked, outlet))
    if held is None:
        # Its safe share may hold as well as the new limit.
        return replace(rest, held={**state.held, outlet: asked}) if asked.ma >= safe else rest
    ma = max(asked.ma, held.ma)
    until = max(asked.until, held.until) if ma >= safe else min(asked.until, held.until)
    return replace(rest, held={**state.held, outlet: Limit(ma, until)})


def _without(items: Mapping[Outlet, T], outlet: Outlet) -> dict[Outlet, T]:
    return {key: value for key, value in items.items() if key != outlet}


@dataclass(frozen=True, slots=True)
class _Look:
    """A state seen at one moment."""

    state: SiteState
    safe: Mapping[Outlet, int]
    given: Conditions

    def targets(self) -> dict[Outlet, int]:
        """What each outlet that can be asked shall have."""
        site, away = self.state.site, self.state.away
        base: dict[FuseId, Phases] = dict(self.given.base)
        for outlet in away:
            # Who cannot be asked is a load like any other.
            self._add(outlet, self.committed(outlet), base)
        here = [car for outlet, car in self.state.cars.items() if outlet not in away]
        shares = allot(site, here, replace(self.given, base=base))
        return {outlet: shares.get(outlet, 0) for outlet in site.by_outlet if outlet not in away}

    def committed(self, outlet: Outlet) -> int:
        """The most a car at `outlet` may draw by what its station has been told [mA]."""
        held, asked, safe = self.state.held.get(outlet), self.state.asked.get(outlet), self.safe[outlet]
        if held is None or held.until <= self.given.now:
            counted = safe
        elif outlet in self.state.away or held.until - self.given.now < RENEW_S:
            counted = max(held.ma, safe)
        else:
            counted = held.ma
        return max(counted, asked.ma) if asked is not None else counted

    def worth_saying(self, outlet: Outlet, target: int) -> bool:
        """True if the target is new, or what is held runs out; one message at a time for each outlet."""
        held = self.state.held.get(outlet)
        if outlet in self.state.asked:
            return False
        if held is None or held.until - self.given.now < (RENEW_S if held.ma > self.safe[outlet] else VALID_S):
            return True
        return target < held.ma or self._rise_matters(outlet, target, held.ma)

    def _rise_matters(self, outlet: Outlet, target: int, before: int) -> bool:
        car = self.state.cars.get(outlet)
        top = self.state.site.most_ma(car) if car is not None else 0
        return target > before and (target - before >= STEP_MA or target == top or before == 0)

    def fits(self, outlet: Outlet, ma: int) -> bool:
        """True if every fuse bears `ma` at `outlet` beside what all others may draw at this moment."""
        site = self.state.site
        through: dict[FuseId, Phases] = dict(self.given.base)
        for other in site.by_outlet:
            self._add(other, ma if other == outlet else self.committed(other), through)
        limits = {fuse.fuse: fuse.limit for fuse in site.fuses}
        return all(
            now <= limit
            for fuse in site.paths[site.by_outlet[outlet].fuse]
            for now, limit in zip(through[fuse], limits[fuse], strict=True)
        )

    def valid_s(self, outlet: Outlet, ma: int) -> int:
        """How long a limit may hold: one above the safe share no longer than those below on which it leans."""
        if ma <= self.safe[outlet]:
            return 2 * VALID_S
        lows = [
            held.until - self.given.now
            for other, held in self.state.held.items()
            if other != outlet and self.committed(other) < self.safe[other]
        ]
        return min([VALID_S, *lows])

    def _add(self, outlet: Outlet, ma: int, base: dict[FuseId, Phases]) -> None:
        wiring = self.state.site.by_outlet[outlet]
        load = load_of(wiring, self.state.cars.get(outlet), ma)
        for fuse in self.state.site.paths[wiring.fuse]:
            before = base.get(fuse, (0, 0, 0))
            base[fuse] = (before[0] + load[0], before[1] + load[1], before[2] + load[2])
