"""A charging station: boots, tells its state, charges cars, sends its meter, obeys commands."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sunpile.basics.hashing import keccak256
from sunpile.town.cars import Visit
from sunpile.town.evse import Evse, share
from sunpile.town.link import CallFailed, Link
from sunpile.town.scheduler import Phase, Scheduler
from sunpile.town.speech import Charge, Dialect, Message, Nameplate, Payload

MINUTE = 60


@dataclass
class PileSettings:
    """What a management system may change."""

    heartbeat_s: int = 900
    sample_s: int = 300
    aligned_s: int = 900
    """0 = no clock-aligned values."""


OnMoment = Callable[[str, Visit, str], None]
"""Told (station, visit, what) with what = plugged, begun, metered or ended, after the messages of it are answered."""


def _ignore(station: str, visit: Visit, what: str) -> None:
    pass


class Pile:
    """One station. Its own actions run one after the other under its name in the scheduler."""

    def __init__(
        self,
        station: str,
        plate: Nameplate,
        dialect: Dialect,
        evses: list[Evse],
        max_w: int,
        scheduler: Scheduler,
        settings: PileSettings,
    ) -> None:
        self.station, self.plate, self.dialect, self.evses, self.max_w = station, plate, dialect, evses, max_w
        self.scheduler, self.settings = scheduler, settings
        self.link: Link | None = None
        self.on_moment: OnMoment = _ignore
        self.charges = 0
        """Transactions begun."""
        self._spoke = 0
        self._timers = 0
        self._queue: set[asyncio.Task[None]] = set()

    def connect(self, link: Link) -> None:
        """Use `link` from now on and boot."""
        self.link = link
        link.on_reconnect = self._states
        link.open()
        self.scheduler.soon(Phase.PILE, self.station, lambda t: self.boot(t))

    def expect(self, visit: Visit) -> None:
        """A car will come."""
        self._at(visit.arrive, lambda t: self._arrive(visit, t))
        self._at(visit.depart, lambda t: self._depart(visit, t))

    # -- speaking -----------------------------------------------------------------------------------------------------

    async def say(self, message: Message | None, then: Callable[[Payload], None] | None = None) -> None:
        """Send a message. With a waiting clock return when it is answered, else queue it."""
        if message is None or self.link is None:
            return
        self._spoke = self.scheduler.now
        telling = asyncio.create_task(self._tell(self.link, message, then))
        if self.scheduler.waits:
            await telling
        else:
            self._queue.add(telling)
            telling.add_done_callback(self._queue.discard)

    async def _tell(self, link: Link, message: Message, then: Callable[[Payload], None] | None) -> None:
        action, build = message
        try:
            answer = await link.call(action, build)
        except CallFailed:
            return
        if then:
            then(answer)

    async def _state(self, evse: Evse, state: str, when: int) -> None:
        if evse.state != state:
            evse.state = state
            await self.say(self.dialect.status(evse.number, state, when))

    def _states(self) -> list[tuple[str, Payload]]:
        now = self.scheduler.now
        self.dialect.forget()
        told = [self.dialect.status(evse.number, evse.state, now) for evse in self.evses]
        return [(action, build()) for action, build in filter(None, told)]

    def _at(self, when: int, action: Callable[[int], Awaitable[None]]) -> None:
        self.scheduler.at(when, Phase.PILE, self.station, action)

    # -- boot, heartbeat, clock-aligned values ----------------------------------------------------------------------

    async def boot(self, when: int, reset: bool = False) -> None:
        """BootNotification, again until it is accepted; then states and timers."""
        await self.say(self.dialect.boot(self.plate, reset), lambda answer: self._booted(answer, reset))

    def _booted(self, answer: Payload, reset: bool) -> None:
        now = self.scheduler.now
        interval = int(answer.get("interval", 0))
        if answer.get("status") != "Accepted":
            self._at(now + max(interval, MINUTE), lambda t: self.boot(t, reset))
            return
        if interval:
            self.settings.heartbeat_s = interval
        self._at(now, self._greet)
        self.restart_timers()

    async def _greet(self, when: int) -> None:
        for evse in self.evses:
            evse.state = "" if evse.state == "Available" else evse.state
            await self._state(evse, evse.state or "Available", when)

    def restart_timers(self) -> None:
        """Heartbeat and clock-aligned values at the intervals that hold now."""
        self._timers += 1
        self._schedule_heartbeat(self._timers)
        self._schedule_aligned(self._timers)

    def _schedule_heartbeat(self, timers: int) -> None:
        due = -(-(self._spoke + self.settings.heartbeat_s) // MINUTE) * MINUTE
        self._at(max(due, self.scheduler.now + 1), lambda t: self._heartbeat(t, timers))

    async def _heartbeat(self, when: int, timers: int) -> None:
        if timers == self._timers:
            # OCPP lets a station skip it when it has said something else in the meantime.
            if when - self._spoke >= self.settings.heartbeat_s:
                await self.say(self.dialect.heartbeat())
            self._schedule_heartbeat(timers)

    def _schedule_aligned(self, timers: int) -> None:
        if length := self.settings.aligned_s:
            self._at((self.scheduler.now // length + 1) * length, lambda t: self._aligned(t, timers))

    async def _aligned(self, when: int, timers: int) -> None:
        if timers != self._timers:
            return
        for evse in self.evses:
            await self.meter(evse, when, "Sample.Clock")
        self._schedule_aligned(timers)

    async def meter(self, evse: Evse, when: int, context: str) -> None:
        """Send what the meter of `evse` shows."""
        measure, charge, car = evse.measure(when, context), evse.charge, evse.car
        if charge is None:
            await self.say(self.dialect.idle(evse.number, measure, self.plate))
        else:
            told = self.dialect.during(charge, measure, self.plate)
            await self.say(told, lambda _: self._moment(car, "metered"))

    def _moment(self, car: Visit | None, what: str) -> None:
        if car:
            self.on_moment(self.station, car, what)

    # -- cars ---------------------------------------------------------------------------------------------------------

    async def _arrive(self, visit: Visit, when: int) -> None:
        evse = self.evses[visit.evse - 1]
        if evse.car or not evse.available:
            return
        evse.plug(visit, when)
        await self._state(evse, "Preparing", when)
        self._moment(visit, "plugged")

    async def card(self, evse: Evse, id_token: str, when: int) -> None:
        """Somebody holds a card to the reader: ask, then begin."""
        answers: list[Payload] = []
        asking = self.say(self.dialect.authorise(id_token), answers.append)
        await asking
        if not self.scheduler.waits and self.link and self.link.up:
            for _ in range(50):
                if answers:
                    break
                await asyncio.sleep(0.02)
        # Offline, a station lets people charge and tells later (LocalAuthorizeOffline).
        offline = not self.scheduler.waits and not answers
        if offline or (answers and self.dialect.accepted(answers[0])):
            await self.begin(evse, id_token, when)

    async def begin(self, evse: Evse, id_token: str, when: int, remote_start_id: int | None = None) -> None:
        """Begin a transaction with the car that stands there."""
        car = evse.car
        if car is None or evse.charge:
            return
        self.charges += 1
        local_id = keccak256(f"{self.station}/{self.plate.serial}/{self.charges}".encode()).hex()[:32]
        charge = Charge(evse.number, id_token, local_id, evse.measure(when, "Transaction.Begin"), remote_start_id)
        evse.charge = charge
        await self.say(self.dialect.begin(charge, self.plate), lambda answer: self._begun(evse, charge, answer))
        await self.refresh(when)
        await self._state(evse, "Charging" if evse.power_w else "SuspendedEVSE", when)
        self._at(when + self.settings.sample_s, lambda t: self._sample(evse, charge, t))

    def _begun(self, evse: Evse, charge: Charge, answer: Payload) -> None:
        self.dialect.begun(charge, answer)
        if self.dialect.accepted(answer):
            self._moment(evse.car, "begun")
        else:
            self._at(self.scheduler.now, lambda t: self.stop(evse, charge, "DeAuthorized", t))

    async def _sample(self, evse: Evse, charge: Charge, when: int) -> None:
        if evse.charge is not charge:
            return
        if not self.settings.aligned_s or when % self.settings.aligned_s:
            await self.meter(evse, when, "Sample.Periodic")
        self._at(when + self.settings.sample_s, lambda t: self._sample(evse, charge, t))

    async def refresh(self, when: int) -> None:
        """Give each car the power that limits, station and car allow now, and come back when that changes."""
        granted = share([evse.wish(when) for evse in self.evses], self.max_w)
        for evse, watts in zip(self.evses, granted, strict=True):
            if watts != evse.power_w or evse.limits.profiles:
                before = evse.power_w
                evse.set_power(when, watts)
                if evse.charge and before and not watts:
                    await self._paused(evse, when)
            if (again := evse.next_change(when)) is not None:
                change = evse.change
                self._at(again, lambda t, e=evse, c=change: self._changed(e, c, t))

    async def _changed(self, evse: Evse, change: int, when: int) -> None:
        if evse.change == change:
            await self.refresh(when)

    async def _paused(self, evse: Evse, when: int) -> None:
        await self._state(evse, "SuspendedEV" if evse.full(when) else "SuspendedEVSE", when)
        if evse.charge and self.dialect.subprotocol != "ocpp1.6":
            await self.meter(evse, when, "Other")

    async def stop(self, evse: Evse, charge: Charge, reason: str, when: int) -> None:
        """End a transaction."""
        if evse.charge is not charge:
            return
        measure, car = evse.measure(when, "Transaction.End"), evse.car
        evse.charge = None
        evse.limits.end_transaction()
        await self.refresh(when)
        await self._state(evse, "Finishing", when)
        await self.say(self.dialect.end(charge, measure, reason, self.plate), lambda _: self._moment(car, "ended"))

    async def _depart(self, visit: Visit, when: int) -> None:
        evse = self.evses[visit.evse - 1]
        if evse.car is not visit:
            return
        if evse.charge:
            await self.stop(evse, evse.charge, "Local", when)
        evse.car = None
        await self._state(evse, "Available" if evse.available else "Unavailable", when)

    async def reboot(self, when: int, reason: str) -> None:
        """Stop everything, hang up and start again."""
        for evse in self.evses:
            if evse.charge:
                await self.stop(evse, evse.charge, reason, when)
        if self.link:
            await self.link.close()
            self.link.open()
        await self.boot(when, reset=True)
