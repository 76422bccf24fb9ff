"""Raising a station's security profile (A05). It is never lowered, neither over OCPP nor by what a station shows.

The station is told its new profile and has to come back with it. Until it does, the old one is still good, for a
station that cannot connect falls back (A05.FR.08); once it did, the old one is good no more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sunpile.basics.audit import Audit
from sunpile.basics.errors import Conflict, InputInvalid, SunpileError
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.chargers.certificates.ports import Commands, OwnStations, ProfileStore
from sunpile.chargers.commands import (
    Command,
    CommandResult,
    Reset,
    SetNetworkProfile,
    SetVariables,
    VariableName,
    VariableValue,
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator wants."""

    profile: int
    """The new security profile."""
    url: str = ""
    """Where the station finds us with it, without its identity (2.x)."""
    slot: int = 1
    """Configuration slot for it (2.x)."""
    priority: tuple[int, ...] = ()
    """Slots to be tried after it (2.x)."""
    ocpp: Literal["OCPP16", "OCPP20", "OCPP201", "OCPP21"] = "OCPP20"
    """OCPP version in the network profile; stations of 2.0.1 know themselves as OCPP20."""
    interface: Literal["Wired0", "Wired1", "Wired2", "Wired3", "Wireless0", "Wireless1", "Wireless2", "Wireless3"] = (
        "Wired0"
    )
    """Network interface (2.x)."""
    timeout_s: int = 30
    """Message timeout [s] (2.x)."""
    restart: bool = True
    """Restart the station at the end, so that it connects anew (2.x)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the station."""

    version: str
    """OCPP version of its last connection."""
    profile: int
    """Its profile now."""
    root_installed: bool
    """It has said that our root is installed."""
    certified: bool
    """It took a certificate of ours that is still good."""


def refusal(facts: Facts, wish: Wish) -> str | None:
    """Why the profile is not raised, in a sentence, or None."""
    if wish.profile <= facts.profile:
        return f"the station has security profile {facts.profile}; it can only be raised, never lowered or repeated"
    if wish.profile >= 2 and not facts.root_installed:
        return "the station has not said that our root certificate is installed: install it and list what is there"
    if wish.profile == 3 and not facts.certified:
        return "the station has no certificate of ours that it accepted: renew its certificate first"
    if facts.version != "1.6" and not wish.url:
        return "a station of OCPP 2.x needs the address it finds us at with the new profile"
    return None


@dataclass(frozen=True, slots=True)
class Climb:
    """An upgrade under way: which step is next."""

    steps: tuple[Command, ...]
    """What is still to be said."""
    failed: str = ""
    """Why it stopped."""


def begin(facts: Facts, wish: Wish) -> Climb:
    """The steps for a station."""
    if facts.version == "1.6":
        return Climb((SetVariables([VariableValue(VariableName("SecurityProfile"), str(wish.profile))]),))
    order = ",".join(str(slot) for slot in dict.fromkeys((wish.slot, *wish.priority)))
    name = VariableName("NetworkConfigurationPriority", component="OCPPCommCtrlr")
    network = SetNetworkProfile(
        slot=wish.slot,
        url=wish.url,
        security_profile=wish.profile,
        version=wish.ocpp,
        interface=wish.interface,
        timeout_s=wish.timeout_s,
    )
    steps: tuple[Command, ...] = (network, SetVariables([VariableValue(name, order)]))
    return Climb((*steps, Reset("OnIdle")) if wish.restart else steps)


def decide(climb: Climb, event: CommandResult | SunpileError) -> Climb:
    """What is left after the answer to the first step."""
    if isinstance(event, SunpileError):
        return Climb((), event.detail)
    if not event.accepted:
        said = " ".join(part for part in (event.status, event.reason) if part)
        return Climb((), f"the station answered {said} to {type(climb.steps[0]).__name__}")
    return Climb(climb.steps[1:])


@dataclass(frozen=True, slots=True)
class Raised:
    """What became of it."""

    state: Literal["expected", "refused"]
    """expected: it has to come back with the new profile; refused: everything is as it was."""
    sentence: str
    """For the operator."""


class Profiles:
    """Raises security profiles."""

    def __init__(
        self,
        stations: OwnStations,
        store: ProfileStore,
        commands: Commands,
        audit: Audit,
        clock: Clock,
        changed: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self._stations, self._store, self._commands = stations, store, commands
        self._audit, self._clock, self._changed = audit, clock, changed

    async def upgrade(self, scope: Scope, station: str, wish: Wish, sure: bool = False, reason: str = "") -> Raised:
        """Tell a station its new profile. `sure` skips the check of what is installed, for who knows better.

        Raises
        ------
        NotFound
            if the tenant has no such station.
        Conflict
            if the profile may not be raised now.
        """
        if not 1 <= wish.profile <= 3:
            raise InputInvalid("a security profile is 1, 2 or 3")
        facts = await self._stations.own_station(scope, station)
        now = self._clock.now()
        present = await self._store.profile(facts.station)
        root, certified = await self._store.prepared(facts.station, now)
        known = Facts(facts.version, present, root or sure, certified or sure)
        why = refusal(known, wish)
        if why is not None:
            raise Conflict(why)
        await self._store.expect(facts.station, wish.profile, now)
        climb = begin(known, wish)
        while climb.steps:
            try:
                event: CommandResult | SunpileError = await self._commands.command(facts.station, climb.steps[0])
            except SunpileError as fault:
                event = fault
            climb = decide(climb, event)
        if climb.failed:
            await self._store.expect(facts.station, None, now)
        state: Literal["expected", "refused"] = "refused" if climb.failed else "expected"
        before, after = {"profile": present}, {"profile": wish.profile, "state": state, "answer": climb.failed}
        await self._audit.record(scope, "station.profile", f"station:{station}", before, after, reason)
        self._changed("profile", {"station": station, "state": state, "profile": wish.profile})
        told = f"the station has to come back with profile {wish.profile}; until then it may use {present}"
        return Raised(state, climb.failed or told)
