"""What staff do with tokens, groups and the policy: change, record, carry over as a table."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol, cast

from sunpile.basics.audit import Audit, NoAudit
from sunpile.basics.errors import InputInvalid
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.sessions.tokens import KINDS, STATUSES, Group, Token, TokenLimits, TokenPolicy, Use, plain, zone

COLUMNS = ("token", "kind", "status", "group", "parent", "driver", "valid_from", "valid_until", "language", "notes")
ROWS_MAX = 100_000


class TokenBook(Protocol):
    """Tokens as they are kept. Each call returns when it is durable."""

    async def save_many(self, scope: Scope, wanted: Sequence[Token], now: int) -> list[Token | None]: ...
    async def find(self, scope: Scope, token: str) -> Token: ...
    async def remove(self, scope: Scope, token: str) -> Token: ...
    async def page(
        self, scope: Scope, after: str = "", limit: int = 100, search: str = "", status: str | None = None
    ) -> list[Token]: ...
    async def all(self, tenant: str) -> list[Token]: ...
    async def save_group(self, scope: Scope, group: Group, now: int) -> Group | None: ...
    async def groups(self, scope: Scope) -> list[Group]: ...
    async def remove_group(self, scope: Scope, group: str) -> Group: ...
    async def policy(self, scope: Scope) -> TokenPolicy: ...
    async def set_policy(self, scope: Scope, policy: TokenPolicy, now: int) -> TokenPolicy: ...
    async def use(self, scope: Scope, token: str, now: int) -> Use: ...


class TokenDesk:
    """Entry for staff."""

    def __init__(self, book: TokenBook, clock: Clock, audit: Audit | None = None) -> None:
        self.book, self._clock, self._audit = book, clock, audit or NoAudit()

    async def save(self, scope: Scope, token: Token, reason: str = "") -> Token:
        """Add or change a token."""
        (before,) = await self.book.save_many(scope, [token], self._clock.now())
        await self._record(scope, "token.save", token.token, before, token, reason)
        return token

    async def remove(self, scope: Scope, token: str, reason: str = "") -> None:
        """Forget a token."""
        gone = await self.book.remove(scope, token)
        await self._record(scope, "token.remove", gone.token, gone, None, reason)

    async def use(self, scope: Scope, token: str) -> Use:
        """What a token has used by now."""
        await self.book.find(scope, token)
        return await self.book.use(scope, token, self._clock.now())

    async def save_group(self, scope: Scope, group: Group, reason: str = "") -> Group:
        """Add or change a group."""
        if not 1 <= len(group.group) <= 255 or not group.group.isprintable() or group.status not in STATUSES:
            raise InputInvalid("a group has an id of 1 to 255 printable letters and a status we know")
        before = await self.book.save_group(scope, group, self._clock.now())
        await self._audit.record(scope, "group.save", f"group:{group.group}", _shown(before), _shown(group), reason)
        return group

    async def remove_group(self, scope: Scope, group: str, reason: str = "") -> None:
        """Forget a group without tokens."""
        gone = await self.book.remove_group(scope, group)
        await self._audit.record(scope, "group.remove", f"group:{group}", _shown(gone), None, reason)

    async def set_policy(self, scope: Scope, policy: TokenPolicy, reason: str = "") -> TokenPolicy:
        """Say what happens to unknown tokens, and which time is local."""
        if policy.unknown not in ("refuse", "accept"):
            raise InputInvalid("unknown tokens are refused or accepted")
        zone(policy.time_zone)
        before = await self.book.set_policy(scope, policy, self._clock.now())
        await self._audit.record(scope, "tokens.policy", "tokens", asdict(before), asdict(policy), reason)
        return policy

    async def rows(self, scope: Scope) -> list[dict[str, object]]:
        """Every token as a row of `COLUMNS`."""
        return [{name: getattr(token, name) for name in COLUMNS} for token in await self.book.all(scope.tenant)]

    async def take_in(self, scope: Scope, text: str) -> int:
        """Add or change tokens from a table with `COLUMNS`, all or none; limits of known ones stay. How many.

        Raises
        ------
        InputInvalid
            naming the first row that is wrong, without its token.
        """
        known = {token.token: token for token in await self.book.all(scope.tenant)}
        found = read_table(text, known)
        await self.book.save_many(scope, found, self._clock.now())
        await self._audit.record(scope, "token.import", "tokens", None, {"count": len(found)})
        return len(found)

    async def _record(
        self, scope: Scope, action: str, token: str, before: Token | None, after: Token | None, reason: str
    ) -> None:
        await self._audit.record(scope, action, f"token:{token}", _shown(before), _shown(after), reason)


def read_table(text: str, known: Mapping[str, Token]) -> list[Token]:
    """Tokens of a CSV table. A cell disarmed for spreadsheets (a leading `'`) is read as it was."""
    rows = csv.DictReader(io.StringIO(text))
    names = [name.strip() for name in rows.fieldnames or ()]
    if "token" not in names or set(names) - set(COLUMNS):
        raise InputInvalid(f"the table's columns are of {', '.join(COLUMNS)}, with token among them")
    found: dict[str, Token] = {}
    try:
        for number, row in enumerate(rows, start=2):
            if number > ROWS_MAX:
                raise InputInvalid(f"a table has at most {ROWS_MAX} rows")
            token = _from_row({str(k).strip(): _armed(v) for k, v in row.items() if isinstance(v, str)}, number, known)
            if token.token in found:
                raise InputInvalid(f"row {number}: the token stands in the table twice")
            found[token.token] = token
    except csv.Error as fault:
        raise InputInvalid(f"row {rows.line_num} is no CSV") from fault
    return list(found.values())


def _from_row(row: Mapping[str, str], number: int, known: Mapping[str, Token]) -> Token:
    name = plain(row["token"])
    limits = known[name].limits if name in known else TokenLimits(concurrent=1)
    kind, status = row.get("kind") or "ISO14443", (row.get("status") or "accepted").lower()
    if kind not in KINDS or status not in STATUSES:
        raise InputInvalid(f"row {number}: the kind or the status is not one we know")
    try:
        return Token(
            name,
            kind,
            row.get("driver") or None,
            row.get("group") or None,
            row.get("parent") or None,
            status,
            _moment(row.get("valid_from")),
            _moment(row.get("valid_until")),
            limits,
            row.get("language", "")[:8],
            notes=row.get("notes", ""),
        )
    except (InputInvalid, ValueError) as fault:
        why = fault.detail if isinstance(fault, InputInvalid) else "a time is no number"
        raise InputInvalid(f"row {number}: {why}") from fault


def _armed(value: str) -> str:
    value = value.strip()
    return value[1:] if value.startswith("'") else value


def _moment(text: str | None) -> int | None:
    return int(text) if text else None


def _shown(what: Token | Group | None) -> dict[str, Any] | None:
    """For the audit log: what differs from the plainest one."""
    if what is None:
        return None
    body = asdict(what)
    body["limits"] = {key: _plain(value) for key, value in body["limits"].items() if value not in (None, ())}
    return body


def _plain(value: object) -> object:
    return sorted(map(str, cast("frozenset[object]", value))) if isinstance(value, frozenset) else value
