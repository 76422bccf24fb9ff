"""Messages on stations' displays: which are wanted, what a station accepted, what it has.

`plan` compares what is wanted with what the station accepted, and, once it has been read back, with what it has: what
is missing or differs is set, what is ours and no longer wanted is cleared. Messages staff did not make here stay.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, cast

from sunpile.basics.audit import Audit, NoAudit
from sunpile.basics.errors import InputInvalid, SunpileError
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import StationId
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.chargers.commands import (
    ClearDisplayMessage,
    Command,
    CommandResult,
    GetDisplayMessages,
    SetDisplayMessage,
)
from sunpile.chargers.commands.command import record
from sunpile.chargers.notices import ReportPart

PRIORITIES = ("AlwaysFront", "InFront", "NormalCycle")
STATES = ("Charging", "Faulted", "Idle", "Unavailable", "Suspended", "Discharging")
MESSAGES_MAX = 200
REQUESTS = 1 << 30
"""Numbers of our own requests for messages are from here on."""


@record
class WantedMessage:
    """A message that stations are to show."""

    id: int
    """Its number, 1 to 2147483647."""
    texts: dict[str, str]
    """Language (RFC 5646) to text; a station without translations (2.0.1) shows the first."""
    station: str | None = None
    """One station; none: all of the tenant."""
    priority: str = "NormalCycle"
    """AlwaysFront, InFront or NormalCycle."""
    state: str | None = None
    """Only while the station is in this state."""
    start_at: int | None = None
    """From when [Unix s]."""
    end_at: int | None = None
    """Until when [Unix s]."""

    def command(self, translations: bool) -> SetDisplayMessage:
        """As it is sent; `translations`: the station takes them (2.1)."""
        (language, text), *others = self.texts.items()
        return SetDisplayMessage(
            id=self.id,
            text=text,
            language=language,
            priority=cast("Any", self.priority),
            state=cast("Any", self.state),
            start_at=self.start_at,
            end_at=self.end_at,
            translations=dict(others[:4]) if translations and others else None,
        )

    def digest(self) -> bytes:
        """Name of its content."""
        return keccak256(json.dumps(asdict(self), sort_keys=True).encode())


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as a station took it."""

    id: int
    """Its number."""
    digest: bytes
    """Content it accepted."""
    status: str
    """Accepted, or why not."""


@dataclass(frozen=True, slots=True)
class DisplayPlan:
    """What to send."""

    set: tuple[WantedMessage, ...]
    """To be set or replaced."""
    clear: tuple[int, ...]
    """To be taken away."""


def check(message: WantedMessage) -> None:
    """Refuse a message no station could show.

    Raises
    ------
    InputInvalid
        saying what is wrong.
    """
    if not 1 <= message.id < 1 << 31 or message.priority not in PRIORITIES:
        raise InputInvalid("a message has a number of 31 bits and a priority of OCPP")
    if message.state is not None and message.state not in STATES:
        raise InputInvalid(f"a message is shown in one of the states {', '.join(STATES)}")
    if not message.texts or any(not 1 <= len(k) <= 8 or not 1 <= len(v) <= 512 for k, v in message.texts.items()):
        raise InputInvalid("a message has 1 to 512 letters in each language")
    if message.start_at is not None and message.end_at is not None and message.end_at <= message.start_at:
        raise InputInvalid("a message ends after it starts")


def plan(wanted: Sequence[WantedMessage], known: Sequence[Shown], has: Sequence[int] | None, now: int) -> DisplayPlan:
    """What to send. `has`: numbers the station says it has; None: not read back.

    What a station refused is not sent again until it changes.
    """
    before = {one.id: one for one in known}
    due = [one for one in wanted if one.end_at is None or one.end_at > now]
    to_set = [one for one in due if _missing(one, before.get(one.id), has)]
    ours = {one.id for one in known if one.status == "Accepted"}
    gone = ours - {one.id for one in due}
    if has is not None:
        gone &= set(has)
    return DisplayPlan(tuple(to_set), tuple(sorted(gone)))


def _missing(wanted: WantedMessage, known: Shown | None, has: Sequence[int] | None) -> bool:
    if known is None or known.digest != wanted.digest():
        return True
    return known.status == "Accepted" and has is not None and wanted.id not in has


class DisplayStore(Protocol):
    """Messages as they are kept. Each call returns when it is durable."""

    async def save(self, scope: Scope, message: WantedMessage, now: int) -> WantedMessage | None: ...
    async def remove(self, scope: Scope, message: int) -> WantedMessage: ...
    async def wanted(self, scope: Scope, station: str | None = None) -> Sequence[WantedMessage]:
        """All of the tenant, or those of one station; NotFound unless it is the tenant's."""
        ...

    async def known(self, station: str) -> Sequence[Shown]: ...
    async def keep(self, station: str, shown: Sequence[Shown], gone: Sequence[int], now: int) -> None: ...


class Displays:
    """Entry for display messages."""

    def __init__(
        self,
        store: DisplayStore,
        command: Callable[[StationId, Command], Any],
        clock: Clock,
        audit: Audit | None = None,
        translations: Callable[[str], bool] = lambda _station: False,
        changed: Callable[[str, Mapping[str, Any]], None] = lambda _kind, _data: None,
    ) -> None:
        """`translations(station)`: it speaks 2.1 and takes a message in several languages."""
        self.store, self._command, self._clock = store, command, clock
        self._audit, self._translations, self._changed = audit or NoAudit(), translations, changed
        self._read: dict[tuple[str, int], list[int]] = {}
        """Numbers a station has named so far, by station and request."""
        self._asked = 0
        self.has: dict[str, tuple[int, tuple[int, ...]]] = {}
        """When a station was last read, and the messages it has."""

    async def save(self, scope: Scope, message: WantedMessage) -> None:
        """Add or change a message; `apply` sends it."""
        check(message)
        before = await self.store.save(scope, message, self._clock.now())
        shown = asdict(before) if before is not None else None
        await self._audit.record(scope, "display.save", f"message:{message.id}", shown, asdict(message))

    async def remove(self, scope: Scope, message: int) -> None:
        """Forget a message; `apply` takes it off."""
        gone = await self.store.remove(scope, message)
        await self._audit.record(scope, "display.remove", f"message:{message}", asdict(gone), None)

    async def apply(self, scope: Scope, station: str) -> Sequence[Shown]:
        """Send a station what it lacks and take off what is not wanted; what it said to each."""
        wanted = await self.store.wanted(scope, station)
        known = await self.store.known(station)
        has = self.has.get(station)
        todo = plan(wanted, known, has[1] if has is not None else None, self._clock.now())
        shown: list[Shown] = []
        for message in todo.set:
            shown.append(Shown(message.id, message.digest(), await self._set(station, message)))
        gone = [number for number in todo.clear if await self._clear(station, number)]
        await self.store.keep(station, shown, gone, self._clock.now())
        self.has.pop(station, None)
        after = {"set": {one.id: one.status for one in shown}, "cleared": gone}
        if shown or gone:
            await self._audit.record(scope, "display.apply", f"station:{station}", None, after)
        return shown

    async def _set(self, station: str, message: WantedMessage) -> str:
        command = message.command(self._translations(station))
        result: CommandResult = await self._command(StationId(station), command)
        if result.status == "LanguageNotSupported" and command.language is not None:
            others = [
                WantedMessage(
                    message.id,
                    {k: v},
                    message.station,
                    message.priority,
                    message.state,
                    message.start_at,
                    message.end_at,
                )
                for k, v in list(message.texts.items())[1:]
            ]
            for other in others:
                result = await self._command(StationId(station), other.command(False))
                if result.accepted:
                    break
        return result.status

    async def _clear(self, station: str, number: int) -> bool:
        result: CommandResult = await self._command(StationId(station), ClearDisplayMessage(number))
        return result.accepted or result.status == "Unknown"

    async def read(self, scope: Scope, station: str) -> CommandResult:
        """Ask a station which messages it has; they come by `told`."""
        await self.store.wanted(scope, station)
        self._asked += 1
        request = REQUESTS + self._asked % REQUESTS
        self._read[station, request] = []
        try:
            result: CommandResult = await self._command(StationId(station), GetDisplayMessages(request))
        except SunpileError:
            self._read.pop((station, request), None)
            raise
        if not result.accepted:
            # Unknown means: none at all.
            self._read.pop((station, request), None)
            if result.status == "Unknown":
                self.has[station] = (self._clock.now(), ())
        return result

    async def told(self, part: ReportPart) -> bool:
        """A `ReportPart` of messages; True if it was asked for here."""
        place = (str(part.station), part.request)
        found = self._read.get(place)
        if part.report != "messages" or found is None:
            return False
        found += [row["id"] for row in part.rows if isinstance(row.get("id"), int)][: MESSAGES_MAX - len(found)]
        if part.last:
            del self._read[place]
            self.has[place[0]] = (self._clock.now(), tuple(found))
            await self._tell_drift(place[0], found)
        return True

    async def _tell_drift(self, station: str, found: Sequence[int]) -> None:
        ours = {one.id for one in await self.store.known(station) if one.status == "Accepted"}
        missing = sorted(ours - set(found))
        self._changed("display", {"station": station, "has": list(found), "missing": missing})
