"""Drivers without an account: scan, see the price, pay ahead, charge, pay for what was used.

Everything is kept before it is done, under the hold's id: `resume` after a start of the node does what was still to be
done. A 2.1 station ends the transaction at the limit itself; any other is stopped from here when the limit is reached.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sunpile.basics.audit import Audit, NoAudit
from sunpile.basics.errors import Conflict, Forbidden, InputInvalid, NotInDialect, SunpileError, TooMany, Unreachable
from sunpile.basics.ids import StationId
from sunpile.basics.jobs import goes_on
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.chargers.access import Buckets
from sunpile.chargers.commands import (
    Command,
    CommandResult,
    NotifyWebPaymentStarted,
    RemoteStart,
    RemoteStop,
    SetVariables,
)
from sunpile.chargers.commands.authorisation import Token as CommandToken
from sunpile.chargers.commands.provisioning import VariableName, VariableValue
from sunpile.chargers.events import (
    Authorisation,
    TransactionAnswer,
    TransactionEnded,
    TransactionLimit,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.fleet.costing import TariffBook
from sunpile.fleet.costs import cost
from sunpile.fleet.tariff_words import texts
from sunpile.fleet.web_passwords import WebSecret, read_ticket, signature, signed, step_of, ticket
from sunpile.sessions.prepayment import (
    ASKED_S,
    Authorised,
    Begun,
    Captured,
    Closed,
    Declined,
    Event,
    Hold,
    Passed,
    PrepaymentRail,
    RailAnswer,
    Released,
    StartAsked,
    StartRefused,
    Used,
    decide,
    hold_id,
    todo,
)

log = logging.getLogger(__name__)
ROUND_S = 15
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
NANO_MIN, NANO_MAX = 10**9, 500 * 10**9
FREE = ("Available", "Preparing", "Occupied", "Reserved")


@dataclass(frozen=True, slots=True)
class Place:
    """An EVSE as a driver stands in front of it."""

    tenant: str
    """Whose it is."""
    station: str
    """Charging station."""
    evse: int
    """EVSE number."""
    name: str
    """As drivers see it."""
    status: str
    """Status as the station says it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a driver sees first."""

    place: Place
    """Where."""
    texts: Mapping[str, str]
    """The price in words, by language, with tax."""
    currency: str
    """ISO 4217."""
    free: bool
    """It can be started now."""
    ticket: str
    """To be sent back with the payment; empty where the address was not good."""


class HoldStore(Protocol):
    """Holds, shared secrets and used passwords. Each call returns when it is durable."""

    async def place(self, station: str, evse: int) -> Place: ...
    async def make(self, hold: Hold, step: int | None, now: int) -> Hold:
        """Keep a new hold; the same id again gives back what is there. A password's step pays once (Conflict).

        At most one hold of an EVSE is open (Conflict).
        """
        ...

    async def find(self, hold: str) -> Hold: ...
    async def change(self, hold: str, decide: Callable[[Hold], Hold], now: int) -> tuple[Hold, Hold]:
        """Change one in one unit of work: (before, after). Its one-time token is good from authorised to its end."""
        ...

    async def open(self) -> Sequence[Hold]: ...
    async def by_token(self, station: str, token: str) -> Hold | None: ...
    async def by_transaction(self, station: str, ocpp_transaction: str) -> Hold | None: ...
    async def page(self, scope: Scope, limit: int) -> Sequence[Hold]: ...
    async def secret(self, station: str, evse: int) -> WebSecret | None: ...
    async def save_secret(self, scope: Scope, station: str, evse: int, secret: WebSecret, now: int) -> None: ...


class WalkUp:
    """Entry for drivers without an account."""

    def __init__(
        self,
        store: HoldStore,
        book: TariffBook,
        rail: PrepaymentRail,
        command: Callable[[StationId, Command], Any],
        clock: Clock,
        secret: bytes,
        address: Callable[[], str],
        audit: Audit | None = None,
        changed: Callable[[str, Mapping[str, Any]], None] = lambda _kind, _data: None,
    ) -> None:
        """`secret`: 32 bytes of the node, to sign addresses. `address()`: where drivers reach this node's pages."""
        self.store, self._book, self._rail, self._command = store, book, rail, command
        self._clock, self._secret, self._address = clock, secret, address
        self._audit, self._changed = audit or NoAudit(), changed
        self._wrong = Buckets(20, 0.2)
        self._work: set[asyncio.Task[None]] = set()
        self._locks: dict[str, asyncio.Lock] = {}

    # -- drivers ------------------------------------------------------------------------------------------------------

    def static_address(self, station: str, evse: int) -> str:
        """The address for a sticker."""
        return f"{self._address()}/pay/{station}/{evse}?s={signature(self._secret, 'static', station, evse)}"

    async def offer(self, station: str, evse: int, totp: str = "", sign: str = "", version: str = "v1") -> Offer:
        """The price, and a ticket to pay if the address is good.

        Raises
        ------
        Forbidden
            if the password is wrong or old, or the address is not signed.
        """
        place = await self.store.place(station, evse)
        tariff = await self._book.in_force(station, evse, None)
        step = await self._step(station, evse, totp, sign, version)
        now = self._clock.now()
        return Offer(
            place,
            texts(tariff),
            tariff.currency,
            place.status in FREE,
            ticket(self._secret, station, evse, step, now),
        )

    async def _step(self, station: str, evse: int, totp: str, sign: str, version: str) -> int | None:
        now = self._clock.now()
        if not self._wrong.allows(station, now):
            raise TooMany("too many wrong addresses for this pile; try again in a minute")
        if sign and signed(self._secret, sign, "static", station, evse):
            return None
        known = await self.store.secret(station, evse)
        step = step_of(known, totp, now) if known is not None and version == "v1" and totp else None
        if step is None:
            self._wrong.spend(station, now)
            raise Forbidden("this code is not good any more: scan the code on the pile again")
        return step

    async def begin(
        self,
        station: str,
        evse: int,
        given: str,
        nano: int,
        key: str,
        wh_max: int | None = None,
        s_max: int | None = None,
        language: str = "en",
    ) -> Hold:
        """Hold the money and start. `given` is the offer's ticket; the same `key` again is the same payment."""
        now = self._clock.now()
        good, step = read_ticket(self._secret, station, evse, given, now)
        if not good:
            raise Forbidden("the page was open too long: scan the code on the pile again")
        if not NANO_MIN <= nano <= NANO_MAX or not 0 < (wh_max or 1) < 10**6 or not 0 < (s_max or 1) <= 7 * 86_400:
            raise InputInvalid("the amount or the limit is out of range")
        place = await self.store.place(station, evse)
        tariff = await self._book.in_force(station, evse, None)
        name = hold_id(station, evse, nano, key)
        token = "".join(secrets.choice(ALPHABET) for _ in range(20))
        hold = Hold(name, place.tenant, station, evse, token, nano, tariff.currency, now, now + ASKED_S)
        if place.status not in FREE:
            raise Conflict("the pile is not free")
        hold = await self.store.make(replace(hold, wh_max=wh_max, s_max=s_max, language=language), step, now)
        await self._notify(hold)
        return await self.go_on(hold.hold)

    async def _notify(self, hold: Hold) -> None:
        # Older stations do not know it, and nothing depends on it.
        with contextlib.suppress(SunpileError):
            await self._command(StationId(hold.station), NotifyWebPaymentStarted(hold.evse, ASKED_S))

    async def find(self, hold: str) -> Hold:
        """A payment, by its id, which nobody can guess."""
        return await self.store.find(hold)

    async def page(self, scope: Scope, limit: int = 100) -> Sequence[Hold]:
        """Payments of the tenant, newest first."""
        return await self.store.page(scope, limit)

    # -- what follows from the state ----------------------------------------------------------------------------------

    async def go_on(self, name: str) -> Hold:
        """Do what is to be done for a hold, until something else has to happen first. One at a time for each."""
        async with self._locks.setdefault(name, asyncio.Lock()):
            hold = await self.store.find(name)
            while (next_ := todo(hold)) is not None:
                before = hold
                try:
                    hold = await getattr(self, f"_{next_}")(hold)
                except Unreachable as fault:
                    log.warning("payment %s waits: %s", name, fault.detail)
                    break
                if hold.state == before.state:
                    break
        if not hold.open:
            self._locks.pop(name, None)
        return hold

    async def _authorise(self, hold: Hold) -> Hold:
        answer = await self._rail.authorise(hold)
        if answer.status == "pending":
            return hold
        held = answer.status == "authorised"
        return await self._event(hold, Authorised(answer.payment) if held else Declined(answer.reason or "declined"))

    async def _start(self, hold: Hold) -> Hold:
        # Kept first: after a crash it is not asked again, and either a car comes or the money goes back.
        hold = await self._event(hold, StartAsked())
        wish = RemoteStart(CommandToken(hold.token, "DirectPayment"), evse=hold.evse)
        try:
            result: CommandResult = await self._command(StationId(hold.station), wish)
        except SunpileError as fault:
            return await self._event(hold, StartRefused(fault.code))
        return hold if result.accepted else await self._event(hold, StartRefused(result.status))

    async def _stop(self, hold: Hold) -> Hold:
        if hold.ocpp_transaction is not None:
            await self._command(StationId(hold.station), RemoteStop(hold.ocpp_transaction))
        return hold

    async def _capture(self, hold: Hold) -> Hold:
        await self._rail.capture(hold, hold.taken_nano)
        return await self._event(hold, Captured())

    async def _release(self, hold: Hold) -> Hold:
        await self._rail.cancel(hold)
        return await self._event(hold, Released())

    async def _event(self, hold: Hold, event: Event) -> Hold:
        now = self._clock.now()
        before, after = await self.store.change(hold.hold, lambda known: decide(known, event, now), now)
        if before != after:
            data = {"hold": after.hold, "station": after.station, "evse": after.evse, "state": after.state}
            self._changed("payment", data)
        return after

    # -- what stations say --------------------------------------------------------------------------------------------

    def authorised(self, hold: Hold, answer: Authorisation) -> Authorisation:
        """An accepted Authorize with the transaction's limits (2.1)."""
        return replace(answer, limit=limit_of(hold)) if answer.status == "Accepted" else answer

    async def answer(
        self, event: TransactionStarted | TransactionUpdated | TransactionEnded, answer: TransactionAnswer
    ) -> TransactionAnswer:
        """The answer to a transaction's event with its limits (2.1); the hold moves on."""
        if isinstance(event, TransactionStarted | TransactionUpdated) and event.id_token is not None:
            hold = await self.store.by_token(event.station, event.id_token)
            if hold is None:
                return answer
            hold = await self._event(hold, Begun(answer.ocpp_transaction))
            if answer.authorisation is None or answer.authorisation.status == "Accepted":
                return replace(answer, limit=limit_of(hold))
        if isinstance(event, TransactionEnded):
            hold = await self.store.by_transaction(event.station, answer.ocpp_transaction)
            if hold is not None:
                # Not now: the answer must not wait for a payment service.
                task = asyncio.create_task(self.look_after(hold))
                self._work.add(task)
                task.add_done_callback(self._work.discard)
        return answer

    async def run(self) -> None:
        """Until cancelled: go on with every open payment. The first round is what a restart left over."""
        while True:
            with self._clock.work(), goes_on("payments"):
                for hold in await self.store.open():
                    with goes_on(f"payment {hold.hold}"):
                        await self.look_after(hold)
            await self._clock.sleep_until(self._clock.now() // ROUND_S * ROUND_S + ROUND_S)

    async def look_after(self, hold: Hold) -> None:
        """One round for one payment."""
        try:
            if hold.state in ("charging", "stopping") and hold.ocpp_transaction is not None:
                await self._charge(hold)
            await self._event(hold, Passed())
            await self.go_on(hold.hold)
        except SunpileError as fault:
            log.warning("payment %s waits: %s", hold.hold, fault.detail)

    async def _charge(self, hold: Hold) -> None:
        found = await self._book.costed(hold.station, hold.ocpp_transaction or "")
        if found is None:
            return
        reckoned, slices = cost(found.tariff, found.usage), found.usage.slices
        if found.closed:
            await self._event(hold, Closed(reckoned.nano, reckoned.wh))
            return
        seconds = slices[-1].end - slices[0].start if slices else 0
        await self._event(hold, Used(reckoned.nano, reckoned.wh, seconds))

    # -- staff --------------------------------------------------------------------------------------------------------

    async def enable(self, scope: Scope, station: str, evse: int, validity_s: int = 60, length: int = 10) -> str:
        """Give a 2.1 station the secret and the address of its dynamic QR codes (C25); its status.

        `evse` 0: one display for all. The secret is kept before it is sent, and never shown.
        """
        if not 6 <= validity_s <= 3600 or not 6 <= length <= 32:
            raise InputInvalid("a password is good for 6 to 3600 s and has 6 to 32 letters")
        known = WebSecret(secrets.token_urlsafe(24), validity_s, length)
        await self.store.save_secret(scope, station, evse, known, self._clock.now())
        template = f"{self._address()}/pay/{{chargingStationId}}/{{evse}}?v={{version}}&totp={{totp}}"
        wanted = {
            "URLTemplate": template,
            "TOTPVersion": "v1",
            "ValidityTime": str(validity_s),
            "Length": str(length),
            "SharedSecret": known.secret,
            "Enabled": "true",
        }
        values = [
            VariableValue(VariableName(name, "WebPaymentsCtrlr", evse=evse or None), value)
            for name, value in wanted.items()
        ]
        try:
            result: CommandResult = await self._command(StationId(station), SetVariables(values))
        except NotInDialect:
            raise Conflict("this station has no dynamic QR codes; use the address for a sticker") from None
        after = {"validity_s": validity_s, "length": length, "status": result.status}
        await self._audit.record(scope, "web_payment.enable", f"station:{station}/{evse}", None, after)
        return result.status


def limit_of(hold: Hold) -> TransactionLimit:
    """The limits of what a hold pays for."""
    return TransactionLimit(cost_nano=hold.nano, energy_wh=hold.wh_max, time_s=hold.s_max)


class SandboxRail:
    """A `PrepaymentRail` without money, for first steps and tests: amounts that end in .13 are declined."""

    def __init__(self) -> None:
        self.log: list[tuple[str, str, int]] = []
        """(what, hold, nano) in the order it was asked for."""

    async def authorise(self, hold: Hold) -> RailAnswer:
        """See `PrepaymentRail.authorise`."""
        self.log.append(("authorise", hold.hold, hold.nano))
        if hold.nano % 10**9 == 130_000_000:
            return RailAnswer("declined", reason="declined by the sandbox")
        return RailAnswer("authorised", f"sandbox-{hold.hold[:16]}")

    async def capture(self, hold: Hold, nano: int) -> None:
        """See `PrepaymentRail.capture`."""
        self.log.append(("capture", hold.hold, nano))

    async def cancel(self, hold: Hold) -> None:
        """See `PrepaymentRail.cancel`."""
        self.log.append(("cancel", hold.hold, 0))
