"""Tokens, local lists, reservations, tariffs, displays, payment without an account: joined beside the piles' door."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter

from sunpile.basics.audit import Audit
from sunpile.basics.ids import StationId
from sunpile.chargers.events import (
    Authorisation,
    TransactionAnswer,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.chargers.notices import AuthorisationAsked, Notice, ReportPart, ReservationEnded
from sunpile.fleet.costing import Costing
from sunpile.fleet.display import Displays
from sunpile.fleet.groups import TokenDesk
from sunpile.fleet.local_lists import LocalLists
from sunpile.fleet.payment_questions import PaymentQuestions, VatBook
from sunpile.fleet.reservations import Reservations
from sunpile.fleet.walk_up import WalkUp
from sunpile.people.api import battery_swaps, display, reservations, tariffs, tokens, walk_up
from sunpile.sessions.prepayment import PrepaymentRail
from sunpile.store.display import DisplayDatabase
from sunpile.store.holds import HoldDatabase
from sunpile.store.local_lists import ListDatabase
from sunpile.store.payments import PaymentDatabase
from sunpile.store.reservations import ReservationDatabase
from sunpile.store.station_limits import StationLimits
from sunpile.store.tariffs import TariffStore
from sunpile.store.tokens import TokenStore
from sunpile.wiring.ears import Ears
from sunpile.wiring.ground import Ground
from sunpile.wiring.piles import PileCommands

LETS_IN = ("Authorized", "RemoteStart")
"""Triggers of events by which a running transaction gets its driver; a token shown to stop uses nothing up."""


@dataclass
class TokenSide:
    """Who may charge, what it costs, and how strangers pay."""

    desk: TokenDesk
    lists: LocalLists
    reservations: Reservations
    costing: Costing
    displays: Displays
    questions: PaymentQuestions
    walk_up: WalkUp | None
    """None where no rail is given."""
    prices: TariffStore
    payments: PaymentDatabase

    @classmethod
    def open(
        cls,
        ground: Ground,
        commands: PileCommands,
        ears: Ears,
        audit: Audit,
        address: Callable[[], str],
        rail: PrepaymentRail | None = None,
        vat: VatBook | None = None,
    ) -> "TokenSide":
        """Join the parts; they hear stations through `ears`. `address()`: where drivers reach the node's pages."""

        def translations(station: str) -> bool:
            state = commands.state(StationId(station))
            return state is not None and state.version == "2.1"

        changed, database, clock, command = ground.hub.publish, ground.database, ground.chores, commands.command
        book, prices = TokenStore(database), TariffStore(database, ground.settings.currency)
        limits = StationLimits(database)
        # Addresses on stickers stay good as long as the node keeps its folder.
        secret = ground.folder.secret("stickers")
        payments = PaymentDatabase(database)
        side = cls(
            TokenDesk(book, clock, audit),
            LocalLists(ListDatabase(database), book, command, clock, audit, limits.lists, changed),
            Reservations(ReservationDatabase(database), command, clock, audit, changed),
            Costing(prices, command, clock, audit, limits.tariffs, changed),
            Displays(DisplayDatabase(database), command, clock, audit, translations, changed),
            PaymentQuestions(payments, clock, address, vat, changed),
            None,
            prices,
            payments,
        )
        if rail is not None:
            holds = HoldDatabase(database)
            side.walk_up = WalkUp(holds, prices, rail, command, clock, secret, address, audit, changed)
        ears.told.append(side.told)
        ears.answer.append(side.questions.asked)
        ears.on_authorise.append(side.authorised)
        ears.on_transaction.append(side.answer)
        return side

    # -- what stations say --------------------------------------------------------------------------------------------

    async def authorised(self, asked: AuthorisationAsked, answer: Authorisation) -> Authorisation:
        """`StationInbox.authorise` after the sessions' own answer: with price, tariff and limits."""
        answer = await self.costing.authorised(asked.station, asked.id_token, answer)
        if self.walk_up is not None and answer.status == "Accepted" and asked.kind == "DirectPayment":
            hold = await self.walk_up.store.by_token(asked.station, asked.id_token)
            answer = self.walk_up.authorised(hold, answer) if hold is not None else answer
        return answer

    async def answer(
        self, event: TransactionStarted | TransactionUpdated | TransactionEnded, answer: TransactionAnswer
    ) -> TransactionAnswer:
        """`StationInbox.started`, `updated` and `ended` after the sessions' own answer: with cost and limits."""
        if not isinstance(event, TransactionEnded):
            await self._reservation(event, answer.ocpp_transaction)
        answer = await self.costing.answer(event, answer)
        return await self.walk_up.answer(event, answer) if self.walk_up is not None else answer

    async def _reservation(self, event: TransactionStarted | TransactionUpdated, ocpp_transaction: str) -> None:
        """Who starts, or is let in after plugging in, uses the reservation up."""
        token = str(event.id_token) if event.id_token is not None else None
        number = event.details.reservation
        if isinstance(event, TransactionUpdated) and number is None and event.details.trigger not in LETS_IN:
            return
        await self.reservations.started(event.station, event.evse, ocpp_transaction, token, number)

    async def told(self, notice: Notice) -> None:
        """Reservations that ended, messages that were read back."""
        if isinstance(notice, ReservationEnded):
            await self.reservations.ended(notice.station, notice.reservation, notice.status)
        elif isinstance(notice, ReportPart):
            await self.displays.told(notice)

    # -- the node -----------------------------------------------------------------------------------------------------

    def routers(self) -> list[APIRouter]:
        """Their routes."""
        found = [
            tokens.router(self.desk, self.lists),
            reservations.router(self.reservations),
            tariffs.router(self.costing, self.prices.cost),
            display.router(self.displays),
            battery_swaps.router(self.payments),
        ]
        if self.walk_up is None:
            return found
        return [*found, walk_up.router(self.walk_up, self.payments.by_receipt, self.payments.page)]

    def jobs(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What runs until the node stops."""
        found: dict[str, Coroutine[Any, Any, None]] = {
            "costs": self.costing.run(),
            "reservations": self.reservations.run(),
        }
        if self.walk_up is not None:
            found["payments"] = self.walk_up.run()
        return found
