"""The part of a node that runs charging stations: complete without a market and without a chain."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter

from sunpile.basics.ids import Address
from sunpile.basics.typed_data import Domain
from sunpile.chargers import Csms, Plan
from sunpile.control.ports import Energy
from sunpile.sessions.model import Session, SessionRules
from sunpile.sessions.ports import ChannelChain, SourceMixes
from sunpile.sessions.receipt import Co2Factors
from sunpile.sessions.service import Sessions
from sunpile.wiring.ears import Ears
from sunpile.wiring.energy import NoMarket
from sunpile.wiring.fleet_side import FleetSide
from sunpile.wiring.ground import Ground
from sunpile.wiring.piles import PileCommands, PileInbox

DAY_S = 86_400
FRAMES_KEPT_S = 30 * DAY_S
"""How long the raw talk with piles is kept, to look into a fault."""


@dataclass(frozen=True)
class Payment:
    """How drivers pay through the chain; a node without one has none of it."""

    domain: Domain
    """Of the `Channels` contract."""
    payee: Address
    """Whom channels pay."""
    chain: ChannelChain
    mixes: SourceMixes
    """Where the energy of an interval came from."""


@dataclass
class StationSide:
    """The piles' door, sessions, and what an operator does with many stations."""

    ground: Ground
    csms: Csms
    sessions: Sessions
    fleet: FleetSide

    @classmethod
    def open(
        cls, ground: Ground, interval_length: int, payment: Payment | None, energy: Energy | None = None
    ) -> "StationSide":
        """Join the parts; nothing listens yet."""
        commands, ears = PileCommands(), Ears()
        sessions = _sessions(ground, commands, interval_length, payment)
        fleet = FleetSide.open(ground, commands, ears, energy or NoMarket())
        inbox = PileInbox(sessions, ground.stations, ground.board, ground.clock, ears)
        plan = Plan(clock_aligned_s=interval_length, sample_s=ground.settings.sample_interval)
        commands.csms = csms = Csms(ground.stations, inbox, ground.clock, plan, insecure=(1,))
        return cls(ground, csms, sessions, fleet)

    def routers(self) -> list[APIRouter]:
        """Routes of staff."""
        return self.fleet.routers()

    async def start(self) -> None:
        """Listen for piles."""
        await self.csms.start(self.ground.settings.host, self.ground.settings.ocpp_port)

    def jobs(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What runs until the node stops."""
        return {"sessions": self.sessions.run(), "forgetting": self._forget()} | self.fleet.jobs()

    async def _forget(self) -> None:
        clock = self.ground.clock
        while True:
            with clock.work():
                await self.ground.stations.forget(clock.now() - FRAMES_KEPT_S)
            await clock.sleep_until(clock.now() + DAY_S)

    async def stop(self) -> None:
        """Close every socket and write what waits."""
        await self.csms.stop()
        await self.ground.stations.flush()


def _sessions(ground: Ground, commands: PileCommands, interval_length: int, payment: Payment | None) -> Sessions:
    settings, hub = ground.settings, ground.hub

    def changed(session: Session) -> None:
        hub.publish(
            "session",
            {"session": session.session, "station": session.station, "evse": session.evse, "state": session.state}
            | {"wh": session.wh, "owed": session.owed, "paid": session.paid},
        )

    return Sessions(
        ground.sessions,
        commands,
        ground.clock,
        domain=payment.domain if payment else None,
        payee=payment.payee if payment else None,
        chain=payment.chain if payment else None,
        mixes=payment.mixes if payment else None,
        rules=SessionRules(interval_length=interval_length, currency=settings.currency),
        factors=Co2Factors(grid=settings.co2_grid),
        changed=changed,
    )
