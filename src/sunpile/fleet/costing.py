"""Costs of sessions as they run: which tariff holds, what it comes to, who is told.

The tariff of a session is the one in force when it began, kept with it as it was then. The station is told the final
cost with the answer to its last message, and the running cost by CostUpdated where its OCPP version has that. A
station that reckons itself (2.1) is held against our reckoning.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sunpile.basics.audit import Audit, NoAudit
from sunpile.basics.errors import InputInvalid, NotInDialect, SunpileError
from sunpile.basics.ids import StationId
from sunpile.basics.jobs import goes_on
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.chargers.commands import (
    ChangeTransactionTariff,
    ClearTariffs,
    Command,
    CommandResult,
    CostUpdated,
    GetTariffs,
    SetDefaultTariff,
)
from sunpile.chargers.events import (
    Authorisation,
    Message,
    TransactionAnswer,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.fleet.costs import Cost, Usage, cost
from sunpile.fleet.tariff_words import differences, text, to_ocpp
from sunpile.fleet.tariffs import CENT, Tariff, TariffSupport, check

log = logging.getLogger(__name__)
RUNNING_S = 60
"""Between two rounds of running costs [s]."""
BEGUN_MAX = 20_000
"""Most transactions of which is remembered that a first cost was told."""


@dataclass(frozen=True, slots=True)
class Costed:
    """A session, its tariff, and what it has used."""

    session: str
    """The session."""
    station: str
    """Charging station."""
    evse: int
    """EVSE number."""
    ocpp_transaction: str
    """OCPP transaction."""
    tariff: Tariff
    """In force when it began."""
    usage: Usage
    """What was metered."""
    closed: bool
    """Its record is closed: the cost is final."""
    sent_nano: int | None = None
    """What the station was last told [nano]."""
    fixed: bool = True
    """Its tariff was kept before."""


@dataclass(frozen=True, slots=True)
class TariffUse:
    """Where a tariff holds; the narrowest place wins: token, group, EVSE, station, tenant."""

    scope: str
    """token, group, evse, station or tenant."""
    object: str
    """Token, group, `station/evse`, station; empty for the tenant."""
    tariff: str
    """The tariff's id."""


class TariffBook(Protocol):
    """Tariffs and costs as they are kept. Each call returns when it is durable."""

    async def save(self, scope: Scope, tariff: Tariff, now: int) -> Tariff | None: ...
    async def find(self, scope: Scope, tariff: str) -> Tariff: ...
    async def all(self, scope: Scope) -> Sequence[Tariff]: ...
    async def remove(self, scope: Scope, tariff: str) -> Tariff: ...
    async def use(self, scope: Scope, use: TariffUse, now: int) -> None: ...
    async def unuse(self, scope: Scope, use: TariffUse) -> None: ...
    async def uses(self, scope: Scope) -> Sequence[TariffUse]: ...
    async def must_own(self, scope: Scope, station: str) -> None:
        """Raise NotFound unless the station is the tenant's."""
        ...

    async def in_force(self, station: str, evse: int | None, token: str | None) -> Tariff:
        """The tariff for a start here; the EVSE's own price where nothing else is said."""
        ...

    async def costed(self, station: str, ocpp_transaction: str) -> Costed | None:
        """A session with its tariff, which is fixed by this if it was not."""
        ...

    async def running(self) -> Sequence[Costed]:
        """Those under way."""
        ...

    async def keep(
        self, session: str, nano: int, final: bool, difference: str | None, sent: int | None, now: int
    ) -> None:
        """Keep what a session costs by now; None leaves what is there."""
        ...


class Costing:
    """Entry for tariffs and costs."""

    def __init__(
        self,
        book: TariffBook,
        command: Callable[[StationId, Command], Any],
        clock: Clock,
        audit: Audit | None = None,
        support: Callable[[str], Any] | None = None,
        changed: Callable[[str, Mapping[str, Any]], None] = lambda _kind, _data: None,
    ) -> None:
        """`command` is `Csms.command`; `support(station)` awaits a `TariffSupport`, from the device model."""
        self.book, self.clock, self.changed = book, clock, changed
        self._command, self._audit, self._support = command, audit or NoAudit(), support
        self._silent: set[tuple[str, str]] = set()
        """Stations and transactions that cannot be told a running cost."""
        self._begun: dict[tuple[str, str], None] = {}
        """Those that were told the first one."""
        self._work: set[asyncio.Task[None]] = set()

    # -- what stations hear -----------------------------------------------------------------------------------------

    async def answer(
        self, event: TransactionStarted | TransactionUpdated | TransactionEnded, answer: TransactionAnswer
    ) -> TransactionAnswer:
        """The answer to a transaction's event with its cost, where there is one to tell.

        Only starts, drivers let in and ends are looked at here: a running cost is sent by itself, so that meter values
        stay cheap.
        """
        details = event.details.cost
        if isinstance(event, TransactionUpdated) and details is None and event.id_token is None:
            self._first(event)
            return answer
        try:
            found = await self.book.costed(event.station, answer.ocpp_transaction)
            if found is None or (details is None and not isinstance(event, TransactionEnded)):
                return answer
            reckoned = cost(found.tariff, found.usage)
            await self._keep(found, reckoned, details)
        except Exception:
            # The session itself is durable by now: a fault in its cost must not keep the station from its answer.
            log.exception("the cost of a session at %s could not be reckoned", event.station)
            return answer
        if isinstance(event, TransactionEnded):
            return replace(answer, total_cost_nano=reckoned.nano)
        return answer

    def _first(self, event: TransactionUpdated) -> None:
        """Tell the first running cost at once, not only with the next round; the answer does not wait for it."""
        place = (event.station, event.ocpp_transaction)
        if place in self._begun or not event.details.trigger.startswith("MeterValue"):
            return
        self._begun[place] = None
        if len(self._begun) > BEGUN_MAX:
            del self._begun[next(iter(self._begun))]
        task = asyncio.create_task(self._tell_first(event.station, event.ocpp_transaction))
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _tell_first(self, station: str, ocpp_transaction: str) -> None:
        try:
            found = await self.book.costed(station, ocpp_transaction)
            if found is not None and not found.closed:
                await self._tell_one(found)
        except SunpileError:
            log.exception("the running cost of a session at %s could not be told", station)

    async def _keep(self, found: Costed, reckoned: Cost, details: Mapping[str, Any] | None) -> None:
        differs: str | None = None
        if details is not None:
            said = differences(reckoned, found.tariff, details, max(CENT, found.tariff.step_nano))
            differs = "; ".join(said)
            if said:
                self.changed("cost.difference", {"session": found.session, "station": found.station, "said": said})
        await self.book.keep(found.session, reckoned.nano, found.closed, differs, None, self.clock.now())

    async def authorised(self, station: str, token: str, answer: Authorisation) -> Authorisation:
        """An accepted Authorize with the driver's tariff (2.1) and the price as a personal message (2.0.1)."""
        if answer.status != "Accepted":
            return answer
        tariff = await self.book.in_force(station, None, token)
        if not tariff.energy and not tariff.fixed and not tariff.charging_time:
            return answer
        language = "zh-Hans" if any(known.startswith("zh") for known in answer.languages) else "en"
        message = answer.message or Message(text(tariff, language)[:512], language)
        try:
            said = to_ocpp(tariff, await self.support(station))
        except InputInvalid:
            said = None  # the station cannot take it: the driver reads it all the same
        return replace(answer, message=message, tariff=said)

    async def support(self, station: str) -> TariffSupport:
        """What a station's device model says of tariffs."""
        return await self._support(station) if self._support is not None else TariffSupport()

    # -- running cost -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled: tell stations the running cost of their sessions."""
        while True:
            with self.clock.work(), goes_on("running costs"):
                await self.tell()
            await self.clock.sleep_until(self.clock.now() // RUNNING_S * RUNNING_S + RUNNING_S)

    async def tell(self) -> None:
        """One round."""
        for found in await self.book.running():
            with goes_on(f"the cost of session {found.session}"):
                await self._tell_one(found)
            await asyncio.sleep(0)

    async def _tell_one(self, found: Costed) -> None:
        reckoned = cost(found.tariff, found.usage)
        place = (found.station, found.ocpp_transaction)
        if reckoned.nano == found.sent_nano:
            return
        told = place not in self._silent and await self._tell(found, reckoned.nano)
        await self.book.keep(
            found.session, reckoned.nano, False, None, reckoned.nano if told else None, self.clock.now()
        )
        self.changed("cost", {"session": found.session, "nano": reckoned.nano})

    async def _tell(self, found: Costed, nano: int) -> bool:
        try:
            result = await self._command(StationId(found.station), CostUpdated(found.ocpp_transaction, nano))
        except NotInDialect:
            self._silent.add((found.station, found.ocpp_transaction))
            return False
        except SunpileError:
            return False
        if result.status in ("NotImplemented", "NotSupported"):
            self._silent.add((found.station, found.ocpp_transaction))
        return result.accepted

    # -- what staff want ----------------------------------------------------------------------------------------------

    async def save(self, scope: Scope, tariff: Tariff) -> None:
        """Add or change a tariff. Sessions under way keep the one they began with."""
        check(tariff)
        before = await self.book.save(scope, tariff, self.clock.now())
        await self._audit.record(scope, "tariff.save", f"tariff:{tariff.id}", _shown(before), _shown(tariff))

    async def remove(self, scope: Scope, tariff: str) -> None:
        """Forget a tariff that is used nowhere."""
        gone = await self.book.remove(scope, tariff)
        await self._audit.record(scope, "tariff.remove", f"tariff:{tariff}", _shown(gone), None)

    async def use(self, scope: Scope, use: TariffUse) -> None:
        """Let a tariff hold somewhere."""
        if use.scope not in ("token", "group", "evse", "station", "tenant"):
            raise InputInvalid("a tariff holds for a token, group, evse, station or tenant")
        await self.book.find(scope, use.tariff)
        if use.scope in ("station", "evse"):
            await self.book.must_own(scope, use.object.rpartition("/")[0] if use.scope == "evse" else use.object)
        await self.book.use(scope, use, self.clock.now())
        await self._audit.record(scope, "tariff.use", f"{use.scope}:{use.object}", None, {"tariff": use.tariff})

    async def unuse(self, scope: Scope, use: TariffUse) -> None:
        """Let it hold there no longer."""
        await self.book.unuse(scope, use)
        await self._audit.record(scope, "tariff.unuse", f"{use.scope}:{use.object}", {"tariff": use.tariff}, None)

    async def install(self, scope: Scope, station: str, evse: int, tariff: str | None = None) -> CommandResult:
        """Give a 2.1 station its default tariff: the one named, or the one in force there."""
        await self.book.must_own(scope, station)
        wanted = await (self.book.find(scope, tariff) if tariff else self.book.in_force(station, evse or None, None))
        said = to_ocpp(wanted, await self.support(station))
        result: CommandResult = await self._command(StationId(station), SetDefaultTariff(evse, said))
        after = {"tariff": wanted.id, "status": result.status}
        await self._audit.record(scope, "tariff.install", f"station:{station}/{evse}", None, after)
        return result

    async def installed(self, scope: Scope, station: str, evse: int = 0) -> CommandResult:
        """Which tariffs a 2.1 station has."""
        await self.book.must_own(scope, station)
        return await self._command(StationId(station), GetTariffs(evse))

    async def clear(
        self, scope: Scope, station: str, evse: int | None = None, tariffs: list[str] | None = None
    ) -> CommandResult:
        """Take tariffs off a 2.1 station."""
        await self.book.must_own(scope, station)
        result: CommandResult = await self._command(StationId(station), ClearTariffs(tariffs, evse))
        await self._audit.record(scope, "tariff.clear", f"station:{station}", None, {"status": result.status})
        return result

    async def change(self, scope: Scope, station: str, ocpp_transaction: str, tariff: str) -> CommandResult:
        """Change the tariff of a running transaction at a 2.1 station."""
        await self.book.must_own(scope, station)
        wanted = await self.book.find(scope, tariff)
        said = to_ocpp(wanted, await self.support(station))
        result: CommandResult = await self._command(StationId(station), ChangeTransactionTariff(ocpp_transaction, said))
        after = {"tariff": tariff, "status": result.status}
        await self._audit.record(scope, "tariff.change", f"transaction:{station}/{ocpp_transaction}", None, after)
        return result


def _shown(tariff: Tariff | None) -> dict[str, Any] | None:
    return None if tariff is None else to_ocpp(tariff) | {"step": tariff.step_nano, "timeZone": tariff.time_zone}
