"""Files that come from stations and go to them: kept once by content, reached by one-time URLs, forgotten in time."""

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from sunpile.basics.audit import Audit
from sunpile.basics.errors import Conflict, Forbidden, NotFound
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.fleet.upkeep_ports import Changed, Runs
from sunpile.fleet.uploads import LIFE_S, Ticket, read_token, shown_name, token

FileKind = Literal["firmware", "log", "report"]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is kept."""

    file: str
    """Its id."""
    kind: FileKind
    """firmware, log or report."""
    station: str
    """Whose log; empty for others."""
    name: str
    """As shown."""
    size: int
    """Bytes."""
    sha256: str
    """Of its content, hex."""
    at: int
    """When it came [Unix s]."""
    detail: dict[str, Any] = field(default_factory=dict[str, Any])
    """MD5, version, signature, which log ..."""


@dataclass(frozen=True, slots=True)
class Content:
    """What was received."""

    sha256: str
    """Hex."""
    md5: str
    """Hex; only for OCPP's PublishFirmware, which wants it."""
    size: int
    """Bytes."""
    name: str = ""
    """Name given in a form, if it came as one."""


@dataclass(frozen=True, slots=True)
class FileLimits:
    """How large and how long."""

    firmware_bytes: int = 512 << 20
    """Largest firmware image [bytes]."""
    log_bytes: int = 128 << 20
    """Largest log a station may bring [bytes]."""
    life_s: int = LIFE_S
    """A URL lives so long [s]."""


class Disk(Protocol):
    """Where contents lie, by their SHA-256."""

    async def receive(self, stream: AsyncIterator[bytes], limit: int, form: str | None = None) -> Content:
        """Keep what comes; with `form`, the boundary of a multipart form, its first file.

        Raises
        ------
        TooLarge
            if it is more than `limit` bytes.
        InputInvalid
            if a form holds no file.
        """
        ...

    def path(self, sha256: str) -> Path: ...
    async def remove(self, sha256: str) -> None: ...


class FileBook(Protocol):
    """What is known of files; what takes a scope sees its tenant only."""

    async def add(self, tenant: str, file: StoredFile) -> None: ...
    async def listing(self, scope: Scope, kind: str, station: str, limit: int) -> Sequence[StoredFile]: ...
    async def get(self, scope: Scope, file: str) -> StoredFile: ...
    async def find(self, file: str) -> StoredFile | None: ...
    async def detail(self, scope: Scope, file: str, detail: dict[str, Any]) -> None: ...
    async def remove(self, scope: Scope, file: str) -> bool:
        """Forget it; True if nothing else has its content."""
        ...

    async def forget(self, kinds: Sequence[str], before: int) -> Sequence[str]:
        """Forget old ones; contents that nothing has any more."""
        ...

    async def tenant_of(self, station: str) -> str | None: ...
    async def issue(self, ticket: Ticket, at: int) -> None: ...
    async def use(self, ticket: Ticket, at: int) -> bool:
        """True the first time, and only for a ticket that was issued just so."""
        ...

    async def used(self, ticket: Ticket) -> bool: ...
    async def unuse(self, ticket: Ticket) -> None: ...


class Files:
    """The service."""

    def __init__(
        self,
        book: FileBook,
        disk: Disk,
        runs: Runs,
        audit: Audit,
        clock: Clock,
        secret: bytes,
        base_url: Callable[[], str],
        changed: Changed,
        limits: FileLimits | None = None,
    ) -> None:
        self._book, self._disk, self._runs, self._audit, self._clock = book, disk, runs, audit, clock
        self._secret, self._base_url, self._changed = secret, base_url, changed
        self.limits = limits or FileLimits()

    # -- one-time URLs --------------------------------------------------------------------------------------------

    async def offer(self, station: str, purpose: Literal["up", "down"], subject: str, begins: int = 0) -> str:
        """A URL for one station, one use, from now (or `begins` [Unix s]) for minutes."""
        now = self._clock.now()
        expires = max(now, begins) + self.limits.life_s
        ticket = Ticket(station, purpose, subject, expires, secrets.token_hex(12))
        await self._book.issue(ticket, now)
        return f"{self._base_url().rstrip('/')}/files/{purpose}/{token(self._secret, ticket)}"

    async def fetch(self, text: str, user: str | None, resumes: bool, peek: bool = False) -> tuple[StoredFile, Path]:
        """The file a station may fetch. Going on in the middle is still the same use; only to look is none.

        Raises
        ------
        Forbidden
            if the address is not valid, used up, or another station's.
        """
        ticket = self._admit(text, "down", user)
        file = await self._book.find(ticket.subject)
        if file is None or not self._disk.path(file.sha256).is_file():
            raise Forbidden("this address is not valid, or no longer")
        fresh = not await self._book.used(ticket) if peek else await self._book.use(ticket, self._clock.now())
        if not fresh and not resumes:
            raise Forbidden("this address was used before")
        return file, self._disk.path(file.sha256)

    async def bring(
        self, text: str, user: str | None, stream: AsyncIterator[bytes], name: str, form: str | None
    ) -> StoredFile:
        """Keep what a station brings. What breaks off may be tried again until the address is too old.

        Raises
        ------
        Forbidden
            if the address is not valid, used up, or another station's.
        TooLarge
            if it is too much.
        """
        ticket = self._admit(text, "up", user)
        tenant = await self._book.tenant_of(ticket.station)
        if tenant is None or not await self._book.use(ticket, self._clock.now()):
            raise Forbidden("this address was used before, or is no longer valid")
        try:
            content = await self._disk.receive(stream, self.limits.log_bytes, form)
        except BaseException:
            await self._book.unuse(ticket)
            raise
        shown = shown_name(content.name or name or f"{ticket.station}.log")
        detail = {"log": ticket.subject, "md5": content.md5}
        file = StoredFile(
            secrets.token_hex(8), "log", ticket.station, shown, content.size, content.sha256, self._clock.now(), detail
        )
        await self._book.add(tenant, file)
        self._changed("file", {"station": ticket.station, "file": file.file, "kind": "log"})
        return file

    def _admit(self, text: str, purpose: Literal["up", "down"], user: str | None) -> Ticket:
        ticket = read_token(self._secret, text, purpose, self._clock.now())
        if user is not None and user != ticket.station:
            raise Forbidden("this address is another station's")
        return ticket

    # -- staff ----------------------------------------------------------------------------------------------------

    async def ask_log(
        self,
        scope: Scope,
        station: str,
        kind: str,
        oldest: int | None = None,
        latest: int | None = None,
        by: Literal["GetLog", "GetDiagnostics"] = "GetLog",
    ) -> str:
        """Have a station bring a log; the run's id. `by`: see `GetLog.by`.

        Raises
        ------
        NotFound
            if the tenant has no such station.
        """
        scope.need("operate")
        if await self._book.tenant_of(station) != scope.tenant:
            raise NotFound(f"there is no station {station}")
        url = await self.offer(station, "up", kind)
        span = {"oldest": oldest, "latest": latest}
        arguments = {"kind": kind, "url": url, "by": by} | {name: at for name, at in span.items() if at is not None}
        return await self._runs.start(scope, "get-log", arguments, [station])

    async def listing(self, scope: Scope, kind: str, station: str, limit: int) -> Sequence[StoredFile]:
        """Files of the tenant, newest first."""
        return await self._book.listing(scope, kind, station, limit)

    async def open(self, scope: Scope, file: str) -> tuple[StoredFile, Path]:
        """A file of the tenant, for staff.

        Raises
        ------
        NotFound
            if there is none, or its content is gone.
        """
        found = await self._book.get(scope, file)
        path = self._disk.path(found.sha256)
        if not path.is_file():
            raise NotFound(f"the content of file {file} is gone")
        return found, path

    async def keep(
        self, scope: Scope, kind: FileKind, name: str, stream: AsyncIterator[bytes], detail: dict[str, Any]
    ) -> StoredFile:
        """Keep a file that staff bring or the node makes.

        Raises
        ------
        TooLarge
            if it is too much.
        """
        content = await self._disk.receive(stream, self.limits.firmware_bytes)
        file = StoredFile(
            secrets.token_hex(8),
            kind,
            "",
            shown_name(name),
            content.size,
            content.sha256,
            self._clock.now(),
            {"md5": content.md5} | detail,
        )
        await self._book.add(scope.tenant, file)
        await self._audit.record(scope, f"file.{kind}", f"file:{file.file}", None, asdict(file))
        return file

    async def find(self, file: str) -> StoredFile | None:
        """A file, whoever asks: for services that have made sure of the tenant."""
        return await self._book.find(file)

    async def describe(self, scope: Scope, file: str, detail: dict[str, Any]) -> StoredFile:
        """Add to what is known of a file. Raises `NotFound`."""
        found = await self._book.get(scope, file)
        after = replace(found, detail=found.detail | detail)
        await self._book.detail(scope, file, after.detail)
        await self._audit.record(scope, "file.describe", f"file:{file}", found.detail, after.detail)
        return after

    async def remove(self, scope: Scope, file: str, busy: bool = False) -> None:
        """Forget a file and, if nothing else has it, its content.

        Raises
        ------
        NotFound
            if there is none.
        Conflict
            if something still needs it.
        """
        found = await self._book.get(scope, file)
        if busy:
            raise Conflict(f"file {file} is being sent to stations")
        if await self._book.remove(scope, file):
            await self._disk.remove(found.sha256)
        await self._audit.record(scope, "file.remove", f"file:{file}", asdict(found), None)

    async def forget(self, before: int) -> int:
        """Forget logs and reports older than `before` [Unix s]; contents that went."""
        gone = await self._book.forget(("log", "report"), before)
        for content in gone:
            await self._disk.remove(content)
        return len(gone)
