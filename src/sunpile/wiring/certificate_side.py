"""Who stations are: the authority, certificates, passwords, profiles, contracts, joined here."""

import ssl
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter

from sunpile.basics.audit import Audit
from sunpile.chargers.certificates.authority import LocalAuthority
from sunpile.chargers.certificates.clients import ClientCertificates
from sunpile.chargers.certificates.contracts import Contracts
from sunpile.chargers.certificates.desk import CertificateDesk
from sunpile.chargers.certificates.fetching import AllowedFetcher
from sunpile.chargers.certificates.local_contracts import LocalContracts
from sunpile.chargers.certificates.passwords import Passwords
from sunpile.chargers.certificates.profiles import Profiles
from sunpile.chargers.certificates.security import SecurityEvents
from sunpile.chargers.certificates.servers import ServerCertificates
from sunpile.chargers.certificates.signing import Signing
from sunpile.chargers.certificates.status import CertificateStatus
from sunpile.chargers.certificates.upkeep import CertificateUpkeep, Parts
from sunpile.chargers.events import Booted, StationEvent
from sunpile.people.api import certificates, security
from sunpile.store.certificates import CertificateDatabase
from sunpile.store.security import SecurityDatabase
from sunpile.wiring.ears import Ears
from sunpile.wiring.ground import Ground
from sunpile.wiring.piles import PileCommands


@dataclass
class CertificateSide:
    """Certificates, passwords, profiles, contracts, security events."""

    ground: Ground
    store: CertificateDatabase
    secrets: SecurityDatabase
    upkeep: CertificateUpkeep
    passwords: Passwords
    profiles: Profiles
    contracts: LocalContracts
    desk: CertificateDesk
    clients: ClientCertificates
    servers: ServerCertificates
    audit: Audit

    @classmethod
    def open(
        cls,
        ground: Ground,
        commands: PileCommands,
        ears: Ears,
        audit: Audit,
        operator: str,
        names: Sequence[str],
        ocsp_hosts: Sequence[str] = (),
        old_suites: bool = False,
    ) -> "CertificateSide":
        """Join the parts; they hear stations through `ears`."""

        def operator_of(tenant: str) -> str:
            return operator

        changed, clock, folder = ground.hub.publish, ground.chores, ground.folder.path / "pki"
        store, secrets = CertificateDatabase(ground.database), SecurityDatabase(ground.database)
        authority = LocalAuthority(folder, operator_of)
        signing = Signing(authority, store, commands, clock, operator_of, changed)
        status = CertificateStatus(authority, store, store, AllowedFetcher(ocsp_hosts), clock)
        provider = LocalContracts(folder, operator_of, clock, trust=store)
        contracts = Contracts(provider, store, store, status, clock)
        desk = CertificateDesk(signing, status, contracts, SecurityEvents(secrets, clock, changed))
        upkeep = CertificateUpkeep(
            Parts(authority, store, store, commands, signing, audit, clock, dropped=commands.dropped)
        )

        def heard(event: StationEvent) -> None:
            if isinstance(event, Booted):
                desk.booted(event.station)

        ears.answer.append(desk.asked)
        ears.told.append(desk.told)
        ears.hear.append(heard)
        return cls(
            ground,
            store,
            secrets,
            upkeep,
            Passwords(store, secrets, commands, audit, clock, changed),
            Profiles(store, secrets, commands, audit, clock, changed),
            provider,
            desk,
            ClientCertificates(authority, store, operator_of, clock),
            ServerCertificates(authority, folder / "door", names, clock, store.tenants, old_suites),
            audit,
        )

    def routers(self) -> list[APIRouter]:
        """Their routes."""
        return [
            certificates.router(self.upkeep, self.store, self.ground.clock),
            certificates.stations_router(self.upkeep),
            certificates.authority_router(self.upkeep),
            certificates.secrets_router(self.passwords, self.profiles),
            certificates.contracts_router(self.contracts, self.audit),
            security.router(self.secrets),
        ]

    def jobs(self, door: ssl.SSLContext | None) -> dict[str, Coroutine[Any, Any, None]]:
        """What runs until the node stops."""
        jobs: dict[str, Coroutine[Any, Any, None]] = {"certificates": self.upkeep.run()}
        if door is not None:
            jobs["door"] = self.servers.run(door)
        return jobs
