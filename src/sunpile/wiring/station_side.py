"""The part of a node that runs charging stations: complete without a market and without a chain."""

import ssl
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter

from sunpile.basics.ids import Address
from sunpile.basics.typed_data import Domain
from sunpile.chargers import Csms, Plan, tls
from sunpile.chargers.server import Door
from sunpile.control.ports import Energy
from sunpile.fleet.alerts import Finding
from sunpile.fleet.walk_up import SandboxRail
from sunpile.people.api import sessions as session_routes
from sunpile.people.console import pages as console
from sunpile.sessions.guessing import Guessing
from sunpile.sessions.model import Session, SessionRules
from sunpile.sessions.office import Office
from sunpile.sessions.ports import ChannelChain, SourceMixes
from sunpile.sessions.receipt import Co2Factors
from sunpile.sessions.service import Sessions
from sunpile.store.audit import AuditDatabase
from sunpile.store.session_archive import SessionArchiveStore
from sunpile.store.station_limits import StationLimits
from sunpile.wiring.announce import Announcer
from sunpile.wiring.certificate_side import CertificateSide
from sunpile.wiring.doors import Doors
from sunpile.wiring.ears import Ears
from sunpile.wiring.energy import NoMarket
from sunpile.wiring.fleet_side import FleetSide
from sunpile.wiring.ground import Ground
from sunpile.wiring.piles import PileCommands, PileInbox
from sunpile.wiring.staff_side import StaffSide
from sunpile.wiring.token_side import TokenSide


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
    office: Office
    fleet: FleetSide
    tokens: TokenSide
    staff: StaffSide
    certificates: CertificateSide
    announcer: Announcer
    commands: PileCommands
    ears: Ears
    _door: ssl.SSLContext | None = None

    @classmethod
    def open(
        cls, ground: Ground, interval_length: int, payment: Payment | None, energy: Energy | None = None
    ) -> "StationSide":
        """Join the parts; nothing listens yet."""
        commands, ears = PileCommands(), Ears()
        commands.most = StationLimits(ground.database).items
        audit = AuditDatabase(ground.database, ground.clock, ground.hub.publish)
        secret = ground.folder.secret("addresses")
        staff = StaffSide.open(ground, audit)
        announcer = Announcer(staff.hooks.emit, staff.hooks.emit_of, staff.hooks.listening)
        ears.hear.append(announcer.heard)
        ears.told.append(announcer.told)
        ground.stations.seen = announcer.connected
        sessions = _sessions(ground, commands, interval_length, payment, announcer)
        archive = SessionArchiveStore(ground.database)
        office = Office(ground.sessions, archive, ground.clock, sessions.rules, audit, sessions.changed)
        fleet = FleetSide.open(
            ground, commands, ears, audit, energy or NoMarket(), secret, staff.hooks.emit, announcer.changed
        )

        def guessed(station: str, why: str) -> None:
            found = Finding("", station, "token-guessing", "", 0, why)
            announcer.later(lambda: fleet.upkeep.upkeep.happened(found))

        sessions.guessing = Guessing(alert=guessed)
        rail = SandboxRail() if ground.settings.sandbox else None
        tokens = TokenSide.open(ground, commands, ears, audit, ground.url, rail)
        settings = ground.settings
        names = settings.server_names or [settings.host]
        certificates = CertificateSide.open(
            ground,
            commands,
            ears,
            audit,
            settings.operator_name,
            names,
            settings.ocsp_hosts,
            settings.old_tls_suites,
        )
        inbox = PileInbox(sessions, ground.stations, ground.board, ground.clock, ears, certificates.desk)
        plan = Plan(clock_aligned_s=interval_length, sample_s=settings.sample_interval)
        commands.csms = csms = Csms(
            ground.stations,
            inbox,
            ground.clock,
            plan,
            insecure=settings.insecure_profiles,
            certificates=certificates.clients,
        )
        return cls(ground, csms, sessions, office, fleet, tokens, staff, certificates, announcer, commands, ears)

    def join(self, doors: Doors) -> None:
        """Be one of several processes."""
        self.commands.doors = doors
        doors.join(self.csms, self.ears)

    def routers(self) -> list[APIRouter]:
        """Routes of staff, and of who pays without an account."""
        parts = (self.fleet, self.tokens, self.staff, self.certificates)
        own = [session_routes.router(self.office), console.router(self.ground.settings.trades)]
        return [*own, *(router for part in parts for router in part.routers())]

    async def start(self) -> None:
        """Listen for piles: with TLS, and without it only where settings say so."""
        await self.staff.start()
        await self.announcer.recover(self.ground.sessions)
        settings, doors = self.ground.settings, list[Door]()
        if settings.insecure_profiles:
            doors.append(Door(settings.host, settings.ocpp_port))
        if settings.ocpp_tls_port is not None:
            self._door = tls.context(await self.certificates.servers.plan(), self.csms.handshake_failed)
            doors.append(Door(settings.host, settings.ocpp_tls_port, self._door))
        await self.csms.open(*doors)

    def jobs(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What runs until the node stops."""
        own = {"sessions": self.sessions.run(), "announcements": self.announcer.run()}
        return own | self.fleet.jobs() | self.tokens.jobs() | self.staff.jobs() | self.certificates.jobs(self._door)

    async def stop(self) -> None:
        """Close every socket and write what waits."""
        await self.csms.stop()
        await self.announcer.flush()
        await self.ground.stations.flush()
        await self.fleet.stop()


def _sessions(
    ground: Ground, commands: PileCommands, interval_length: int, payment: Payment | None, announcer: Announcer
) -> Sessions:
    settings, hub = ground.settings, ground.hub

    def changed(session: Session) -> None:
        announcer.session(session)
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
        queues=commands,
    )
