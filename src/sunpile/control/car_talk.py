"""`CarTalk`: cars that talk ISO 15118 say what they need, and are offered what their site can give (K15 to K20).

Only a site under control makes offers; elsewhere a car is told that none will come, and goes on without waiting.
"""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from sunpile.basics.errors import SunpileError, Unreachable
from sunpile.basics.ids import EvseId, StationId
from sunpile.basics.ports import Clock
from sunpile.chargers.commands import (
    AllowEnergyTransfer,
    ClearChargingProfile,
    Command,
    CommandResult,
    Profile,
    SetChargingProfile,
)
from sunpile.chargers.events import TransactionAnswer, TransactionEnded, TransactionStarted, TransactionUpdated
from sunpile.chargers.notices import Answer, CarSchedule, Notice, Question
from sunpile.chargers.values import unix_time
from sunpile.control.car_needs import OFFER_ID, OFFERS_MAX, CarNeeds, exceeds, offer, read_needs
from sunpile.control.ports import Stations
from sunpile.control.profile_book import InstalledProfiles, Transactions
from sunpile.control.service import SiteControl
from sunpile.control.site import Outlet

AFTER_ANSWER_S = 0.02
"""The offer follows the answer to the car's needs, never precedes it [s, real time]."""
log = logging.getLogger("sunpile.control")


class CarTalk:
    """What cars at all stations have said; it lasts as long as their transactions."""

    def __init__(
        self,
        control: SiteControl,
        stations: Stations,
        transactions: Transactions,
        installed: InstalledProfiles,
        clock: Clock,
    ) -> None:
        self._control, self._stations, self._transactions, self._clock = control, stations, transactions, clock
        self._installed = installed
        self._clean: set[Outlet] = set()
        """Outlets that keep no offer of an earlier run of this node."""
        self._needs: dict[Outlet, CarNeeds] = {}
        self._modes: dict[tuple[StationId, str], frozenset[str]] = {}
        self._said: dict[Outlet, tuple[CarNeeds, int]] = {}
        """For which needs a car was last offered what limit [mA]."""
        self._turns: dict[Outlet, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        control.offer = self.follow

    # -- which energy a transaction may use ---------------------------------------------------------------------------

    async def transaction(
        self, event: TransactionStarted | TransactionUpdated | TransactionEnded, answer: TransactionAnswer
    ) -> TransactionAnswer:
        """Keep what the answer to a transaction's event allows, and forget what has ended."""
        place = (event.station, answer.ocpp_transaction)
        if isinstance(event, TransactionEnded):
            self._modes.pop(place, None)
            gone = [o for o, n in self._needs.items() if (o.station, n.transaction) == place]
            for outlet in gone:
                del self._needs[outlet]
                self._said.pop(outlet, None)
        elif answer.authorisation is not None and answer.authorisation.energy_transfer:
            self._modes[place] = frozenset(answer.authorisation.energy_transfer)
        return answer

    async def commanded(self, station: StationId, command: Command, result: CommandResult) -> None:
        """Staff allowed other modes."""
        if isinstance(command, AllowEnergyTransfer) and result.accepted:
            self._modes[station, command.transaction] = frozenset(command.modes)

    # -- what a car needs ---------------------------------------------------------------------------------------------

    async def asked(self, question: Question) -> Answer | None:
        """NotifyEVChargingNeeds."""
        if question.action != "NotifyEVChargingNeeds":
            return None
        payload = question.payload
        outlet = Outlet(question.station, EvseId(payload["evseId"]))
        running = self._transactions.running(outlet.station, outlet.evse)
        if running is None:
            return {"status": "Rejected", "statusInfo": {"reasonCode": "NoTransaction"}}
        modes = self._modes.get((outlet.station, running[0]))
        if modes and payload["chargingNeeds"]["requestedEnergyTransfer"] not in modes:
            return {"status": "Rejected", "statusInfo": {"reasonCode": "NotAllowed"}}
        if self._control.limit_of(outlet) is None:
            return {"status": "NoChargingProfile"}
        departs = payload["chargingNeeds"].get("departureTime")
        needs = read_needs(payload, running[0], None if departs is None else unix_time(departs))
        self._spawn(self._hear(outlet, needs))
        return {"status": "Accepted"}

    async def told(self, notice: Notice) -> None:
        """NotifyEVChargingSchedule: a car that means to draw more than its outlet may is offered anew (K16)."""
        if not isinstance(notice, CarSchedule):
            return
        outlet = Outlet(notice.station, notice.evse)
        needs, limit = self._needs.get(outlet), self._control.limit_of(outlet)
        if needs is None or limit is None or not exceeds(notice.schedule, limit[0], limit[1]):
            return
        if needs.offers >= OFFERS_MAX:
            log.warning("the car at EVSE %d of %s keeps to no offer", outlet.evse, outlet.station)
            return
        self._spawn(self._hear(outlet, replace(needs, offers=needs.offers + 1)))

    async def follow(self, outlet: Outlet, ma: int, valid_s: int) -> bool | None:
        """A new limit of the outlet: the car's own profile says it too. As `SiteControl.offer`."""
        async with self._turn(outlet):
            needs, limit = self._needs.get(outlet), self._control.limit_of(outlet)
            if needs is None or limit is None:
                return await self._forget_old(outlet)
            running = self._transactions.running(outlet.station, outlet.evse)
            if running is None or running[0] != needs.transaction:
                del self._needs[outlet]
                return True
            return await self._say(outlet, needs, offer(needs, limit[0], ma, self._clock.now(), valid_s), ma)

    async def _hear(self, outlet: Outlet, needs: CarNeeds) -> None:
        await asyncio.sleep(AFTER_ANSWER_S)
        self._needs[outlet] = needs
        follows = self._control.needs(outlet, needs)
        if follows and not self._turn(outlet).locked():
            return  # A limit is on its way, and what follows it is an offer for these needs.
        async with self._turn(outlet):
            limit = self._control.limit_of(outlet)
            if limit is not None and self._said.get(outlet) != (needs, limit[1]):
                wiring, ma, valid_s = limit
                await self._say(outlet, needs, offer(needs, wiring, ma, self._clock.now(), valid_s), ma)

    async def _forget_old(self, outlet: Outlet) -> bool | None:
        """Take back what an earlier run of this node offered: it would stand before the outlet's new limit."""
        if outlet in self._clean:
            return True
        number, now = OFFER_ID + outlet.evse, self._clock.now()
        for item in await self._installed.of(outlet.station):
            if item.profile.id == number and (item.profile.valid_to or now) > now:
                try:
                    result = await self._stations.command(outlet.station, ClearChargingProfile(number))
                except Unreachable:
                    return None
                if not result.accepted and result.status != "Unknown":
                    return False
        self._clean.add(outlet)
        return True

    async def _say(self, outlet: Outlet, needs: CarNeeds, profile: Profile, ma: int) -> bool | None:
        self._said[outlet] = (needs, ma)
        self._clean.add(outlet)
        try:
            return (await self._stations.command(outlet.station, SetChargingProfile(outlet.evse, profile))).accepted
        except Unreachable:
            return None
        except SunpileError as refusal:
            log.warning("%s takes no offer for its car: %s", outlet.station, refusal.detail)
            return False

    def _turn(self, outlet: Outlet) -> asyncio.Lock:
        return self._turns.setdefault(outlet, asyncio.Lock())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
