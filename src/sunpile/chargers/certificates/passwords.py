"""Changing a station's password without ever locking it out (A01).

The new one is accepted beside the old one from before it is sent. The station's answer says which of them stays; if
the answer is lost, both do, until the station comes with one of them. Only salted hashes are kept, and the password
itself is nowhere but in the command.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sunpile.basics.audit import Audit
from sunpile.basics.errors import Conflict, SunpileError
from sunpile.basics.ids import StationId
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.chargers.access import new_password
from sunpile.chargers.certificates.ports import Commands, OwnStations, SecretStore
from sunpile.chargers.commands import CommandResult, SetVariables, VariableName, VariableValue

OUTSTANDING_MAX = 5
"""Passwords that may be on their way: each is one more that opens the door."""

State = Literal["sent", "unsure", "taken", "kept"]
"""sent: both are good; unsure: both are good, for the answer is lost; taken: the new one; kept: the old one."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The station was not reached, or did not answer in time."""

    why: str
    """A sentence."""


Event = CommandResult | NoAnswer
Effect = Literal["adopt", "withdraw"]
"""adopt: only the new one is good from now on; withdraw: only the old one."""


def decide(state: State, event: Event) -> tuple[State, tuple[Effect, ...]]:
    """The next state of one change of password, and what to do."""
    if state in ("taken", "kept"):
        return state, ()
    match event:
        case NoAnswer():
            return "unsure", ()
        case CommandResult(status="RebootRequired"):
            return "unsure", ()  # It uses the old one until it restarts.
        case CommandResult(accepted=True):
            return "taken", ("adopt",)  # A01.FR.03
        case CommandResult():
            return "kept", ("withdraw",)  # A01.FR.04


def command(version: str, password: str) -> SetVariables:
    """What sets a password in a version."""
    name = (
        VariableName("AuthorizationKey")
        if version == "1.6"
        else VariableName("BasicAuthPassword", component="SecurityCtrlr")
    )
    return SetVariables([VariableValue(name, password)])


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of a change of password."""

    state: State
    """sent, unsure, taken or kept."""
    sentence: str
    """For the operator."""


SENTENCES = {
    "taken": "the station took its new password; the old one no longer works",
    "kept": "the station refused the new password; the old one stays",
    "unsure": "the station has not said that it uses the new password yet: both work until it connects with one",
}


class Passwords:
    """Gives stations new passwords."""

    def __init__(
        self,
        stations: OwnStations,
        secrets: SecretStore,
        commands: Commands,
        audit: Audit,
        clock: Clock,
        changed: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self._stations, self._secrets, self._commands = stations, secrets, commands
        self._audit, self._clock, self._changed = audit, clock, changed

    async def rotate(self, scope: Scope, station: str, reason: str = "") -> Changed:
        """Give a station of the scope's tenant a new random password.

        Raises
        ------
        NotFound
            if the tenant has no such station.
        Conflict
            if too many changes wait for the station already.
        """
        facts = await self._stations.own_station(scope, station)
        if await self._secrets.outstanding(facts.station) >= OUTSTANDING_MAX:
            raise Conflict(f"{OUTSTANDING_MAX} passwords wait for station {station} already: let it connect first")
        password, salt, hashed = new_password()
        number = await self._secrets.offer(facts.station, salt, hashed, self._clock.now())
        event: Event
        try:
            event = await self._commands.command(facts.station, command(facts.version, password))
        except SunpileError as fault:
            event = NoAnswer(fault.detail)
        state, effects = decide("sent", event)
        await self._carry_out(facts.station, number, effects)
        said = event.why if isinstance(event, NoAnswer) else event.status
        await self._audit.record(
            scope, "station.password", f"station:{station}", None, {"state": state, "answer": said}, reason
        )
        self._changed("password", {"station": station, "state": state})
        return Changed(state, f"{SENTENCES[state]} ({said})")

    async def _carry_out(self, station: StationId, number: int, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            await (self._secrets.adopt if effect == "adopt" else self._secrets.withdraw)(station, number)
