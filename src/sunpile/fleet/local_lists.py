"""Local authorisation lists: which tokens a station may accept without asking, and how its list is brought in step.

`desired` makes the list from the tokens, `plan` says what to send after what the station last accepted. Versions rise
by one with each change the station accepts. Whenever what the station has is in doubt (it failed, lost its list, or
tells another version than we know) the whole list is sent.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from sunpile.basics.audit import Audit, NoAudit
from sunpile.basics.errors import Conflict, NotInDialect, SunpileError
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import StationId
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.chargers.commands import Command, CommandResult, GetLocalListVersion, ListEntry, SendLocalList
from sunpile.chargers.commands.authorisation import Token as CommandToken
from sunpile.chargers.values import is_visible
from sunpile.sessions.tokens import Group, Token, TokenLimits

Words = {"blocked": "Blocked", "expired": "Expired", "invalid": "Invalid"}
VERSION_MAX = (1 << 31) - 2


@dataclass(frozen=True, slots=True)
class Line:
    """One token of a list."""

    token: str
    """The token, upper case."""
    kind: str
    """Its kind."""
    status: str
    """AuthorizationStatus."""
    group: str | None
    """Group (parent) token."""
    expires_at: int | None
    """When it stops being valid [Unix s]."""

    def entry(self) -> ListEntry:
        """As a command says it."""
        return ListEntry(CommandToken(self.token, self.kind), self.status, self.group, self.expires_at)


@dataclass(frozen=True, slots=True)
class Known:
    """What a station last accepted."""

    version: int = 0
    """Version; 0: no list."""
    lines: tuple[Line, ...] = ()
    """Its lines, by token."""
    state: str = "none"
    """none, in step, drift, unsupported or failed."""
    reason: str = ""
    """Why, in words."""


@dataclass(frozen=True, slots=True)
class ListLimits:
    """What a station's settings say."""

    entries_max: int | None = None
    """Entries on its list at most (LocalAuthListMaxLength, LocalAuthListCtrlr.Entries)."""
    per_message: int | None = None
    """Entries in a message at most (SendLocalListMaxLength, ItemsPerMessage)."""
    token_max: int | None = None
    """Letters of a token and of a group at most (20 in OCPP 1.6)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send to a station, in order; empty if it is in step."""

    messages: tuple[SendLocalList, ...]
    """SendLocalList commands."""
    lines: tuple[Line, ...]
    """Its list once all are accepted."""
    left_out: int = 0
    """Tokens that did not fit."""


def desired(
    tokens: Iterable[Token], groups: Mapping[str, Group], station: str, site: str, now: int, limits: ListLimits
) -> tuple[tuple[Line, ...], int]:
    """The list a station should have, by token, and how many tokens did not fit.

    On it are tokens a station may judge alone: valid now, allowed here, with no limit that only we can count. A token
    that is blocked is on it too, so that a station's cache is overruled. Tokens that may charge go before those that
    may not when there is not room for all. What the station's version of OCPP cannot say does not fit either: it must
    not keep all others off the list.
    """
    found: list[Line] = []
    unsaid = 0
    by_id = {token.token: token for token in tokens}
    for token in by_id.values():
        group = groups.get(token.group) if token.group else None
        status = _status(token, by_id, group, now)
        if status is None or not _alone(token, by_id, group, station, site):
            continue
        if not _sayable(token.token, limits):
            unsaid += 1
            continue
        shown = token.group if token.group is not None and _sayable(token.group, limits) else None
        found.append(Line(token.token, token.kind, status, shown, token.valid_until))
    found.sort(key=lambda line: (line.status != "Accepted", line.token))
    room = len(found) if limits.entries_max is None else limits.entries_max
    return tuple(sorted(found[:room], key=lambda line: line.token)), unsaid + max(0, len(found) - room)


def _sayable(text: str, limits: ListLimits) -> bool:
    return is_visible(text) and (limits.token_max is None or len(text) <= limits.token_max)


def _status(token: Token, by_id: Mapping[str, Token], group: Group | None, now: int) -> str | None:
    statuses = {token.status, group.status if group else "accepted"}
    above, seen = token.parent, 0
    while above is not None and above in by_id and seen < 8:
        statuses.add(by_id[above].status)
        above, seen = by_id[above].parent, seen + 1
    for status, word in Words.items():
        if status in statuses:
            return word
    if token.valid_from is not None and now < token.valid_from:
        return None
    if token.valid_until is not None and now >= token.valid_until:
        return "Expired"
    # Whoever pays by an account must be asked for: only we know what is left in it.
    return None if token.rail == "prepaid" or token.driver is not None else "Accepted"


def _alone(token: Token, by_id: Mapping[str, Token], group: Group | None, station: str, site: str) -> bool:
    if group is not None and group.master_pass:
        return False
    limited = [token.limits, *([group.limits] if group else ())]
    if token.parent is not None and token.parent in by_id:
        limited.append(by_id[token.parent].limits)
    return all(_countable_here(limits, station, site) for limits in limited)


def _countable_here(limits: TokenLimits, station: str, site: str) -> bool:
    if (limits.wh_day, limits.wh_month, limits.nano_month, limits.credit) != (None,) * 4 or limits.windows:
        return False
    if limits.evses is not None or limits.evse_kinds is not None:
        return False
    if limits.stations is None and limits.sites is None:
        return True
    return station in (limits.stations or ()) or bool(site and site in (limits.sites or ()))


def plan(known: Known, wanted: Sequence[Line], left_out: int, limits: ListLimits, told: int | None = None) -> Plan:
    """What to send. `told`: the version the station says it has; None if it was not asked."""
    doubt = known.state != "in step" or (told is not None and told != known.version)
    before = {line.token: line for line in known.lines}
    after = {line.token: line for line in wanted}
    if not doubt and before == after:
        return Plan((), tuple(wanted), left_out)
    version = max(known.version, told or 0, 0) % VERSION_MAX
    changes = [line.entry() for token, line in after.items() if before.get(token) != line]
    changes += [
        ListEntry(CommandToken(line.token, line.kind), None) for token, line in before.items() if token not in after
    ]
    if doubt or len(changes) >= len(after):
        parts, first = _parts([line.entry() for line in wanted], limits.per_message), "Full"
    else:
        parts, first = _parts(changes, limits.per_message), "Differential"
    messages = [
        SendLocalList(version + place + 1, "Full" if first == "Full" and place == 0 else "Differential", part)
        for place, part in enumerate(parts)
    ]
    return Plan(tuple(messages), tuple(wanted), left_out)


def _parts(entries: list[ListEntry], size: int | None) -> list[list[ListEntry]]:
    size = size or max(1, len(entries))
    return [entries[at : at + size] for at in range(0, len(entries), size)] or [[]]


def digest(lines: Sequence[Line]) -> str:
    """A short name for the content of a list."""
    return keccak256(to_json(lines).encode()).hex()[:16]


def to_json(lines: Sequence[Line]) -> str:
    """Canonical JSON."""
    return json.dumps([asdict(line) for line in lines], sort_keys=True, separators=(",", ":"))


def from_json(text: str) -> tuple[Line, ...]:
    """Read what `to_json` wrote."""
    return tuple(Line(**line) for line in json.loads(text))


class ListStore(Protocol):
    """What stations last accepted."""

    async def known(self, station: str) -> Known: ...
    async def keep(self, station: str, known: Known, now: int) -> None: ...
    async def place(self, scope: Scope, station: str) -> str:
        """The station's site; NotFound unless it is the tenant's."""
        ...

    async def states(self, scope: Scope) -> Sequence[tuple[str, Known]]: ...


class TokenSource(Protocol):
    """Where tokens come from."""

    async def all(self, tenant: str) -> Sequence[Token]: ...
    async def groups_of(self, tenant: str) -> Sequence[Group]: ...


class LocalLists:
    """Entry: brings stations' lists in step. Sending goes through `command`; many stations go through a run."""

    def __init__(
        self,
        store: ListStore,
        tokens: TokenSource,
        command: Callable[[StationId, Command], Any],
        clock: Clock,
        audit: Audit | None = None,
        limits: Callable[[str], Awaitable[ListLimits]] | None = None,
        changed: Callable[[str, Mapping[str, Any]], None] = lambda _kind, _data: None,
    ) -> None:
        """`limits(station)` comes from the device model; without it stations are taken to have none."""
        self._store, self._tokens, self._command = store, tokens, command
        self._clock, self._audit, self._limits, self._changed = clock, audit or NoAudit(), limits, changed

    async def look(self, scope: Scope, station: str) -> tuple[Known, Plan]:
        """What a station has and what would be sent, without asking it."""
        known = await self._store.known(station)
        return known, await self._plan(scope, station, known, None)

    async def states(self, scope: Scope) -> Sequence[tuple[str, Known]]:
        """All stations that ever had a list."""
        return await self._store.states(scope)

    async def sync(self, scope: Scope, station: str, full: bool = False) -> Known:
        """Ask a station for its version, send what is missing, and keep what it accepted.

        Raises
        ------
        Conflict
            if the station does not know local lists.
        """
        await self._store.place(scope, station)
        known = await self._store.known(station)
        told = await self._version(scope, station, known)
        if full:
            known = Known(known.version, known.lines, "drift", "the whole list was asked for")
        todo = await self._plan(scope, station, known, told)
        if not todo.messages and known.state == "in step":
            return known
        after = await self._send(station, known, todo)
        if after.state == "failed" and todo.messages and todo.messages[0].update == "Differential":
            # What it has is not what we thought: the whole list puts it right.
            doubt = Known(after.version, known.lines, "drift", after.reason)
            after = await self._send(station, doubt, await self._plan(scope, station, doubt, None))
        await self._keep(scope, station, after)
        return after

    async def _version(self, scope: Scope, station: str, known: Known) -> int:
        try:
            result: CommandResult = await self._command(StationId(station), GetLocalListVersion())
        except NotInDialect as fault:
            await self._keep(scope, station, Known(0, (), "unsupported", fault.detail))
            raise Conflict("the station does not know local lists") from fault
        told = _number(result.data)
        if not result.accepted or told is None or told < 0:
            reason = result.reason or f"it answered {result.status}"
            await self._keep(scope, station, Known(0, (), "unsupported", reason))
            raise Conflict("the station does not know local lists")
        if told != known.version:
            self._changed("local_list.drift", {"station": station, "known": known.version, "told": told})
        return told

    async def _plan(self, scope: Scope, station: str, known: Known, told: int | None) -> Plan:
        site = await self._store.place(scope, station)
        limits = await self._limits(station) if self._limits is not None else ListLimits()
        groups = {group.group: group for group in await self._tokens.groups_of(scope.tenant)}
        tokens = await self._tokens.all(scope.tenant)
        wanted, left_out = desired(tokens, groups, station, site, self._clock.now(), limits)
        return plan(known, wanted, left_out, limits, told)

    async def _send(self, station: str, known: Known, todo: Plan) -> Known:
        version = known.version
        for message in todo.messages:
            try:
                result: CommandResult = await self._command(StationId(station), message)
            except SunpileError as fault:
                return Known(version, known.lines, "failed", fault.detail)
            if not result.accepted:
                state = "unsupported" if result.status in ("NotSupported", "NotImplemented") else "failed"
                return Known(version, known.lines, state, f"{result.status} {result.reason}".strip())
            version = message.version
        reason = f"{todo.left_out} tokens do not fit on the station's list" if todo.left_out else ""
        return Known(version, todo.lines, "in step", reason)

    async def _keep(self, scope: Scope, station: str, known: Known) -> None:
        await self._store.keep(station, known, self._clock.now())
        after = {"version": known.version, "state": known.state, "content": digest(known.lines)}
        await self._audit.record(scope, "local_list.sync", f"station:{station}", None, after, known.reason)
        self._changed("local_list", {"station": station, "state": known.state, "version": known.version})


def _number(data: Mapping[str, Any] | None) -> int | None:
    for key in ("versionNumber", "listVersion", "version"):
        value = (data or {}).get(key)
        if isinstance(value, int):
            return value
    return None
