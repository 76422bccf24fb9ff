"""Certificates for staff: stations' certificates, the authority, roots, passwords, profiles, contracts."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, StringConstraints

from sunpile.basics.audit import Audit
from sunpile.basics.ports import Clock
from sunpile.chargers.certificates.authority import HIERARCHIES
from sunpile.chargers.certificates.local_contracts import LocalContracts
from sunpile.chargers.certificates.passwords import Passwords
from sunpile.chargers.certificates.ports import CertificateRecord
from sunpile.chargers.certificates.profiles import Profiles, Wish
from sunpile.chargers.certificates.upkeep import CertificateUpkeep, StaffStore
from sunpile.chargers.commands import CommandResult
from sunpile.chargers.commands.upkeep import RootKind
from sunpile.people.api.access import anyone
from sunpile.people.api.bodies import Body, StationText
from sunpile.people.api.staff import Configurer, Operator, Reader

Reason = Annotated[str, StringConstraints(max_length=500)]
Pem = Annotated[str, StringConstraints(min_length=1, max_length=50_000)]
Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Tenant = Annotated[str, StringConstraints(min_length=1, max_length=48)]
Use = Literal["ChargingStationCertificate", "V2GCertificate", "V2G20Certificate", "Combined"]
Emaid = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*-]{14,20}$")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{1,128}$")]
DAY_S = 86_400
OCSP_MAX = 4096


class InstallBody(Body):
    """A root certificate for a station."""

    kind: RootKind
    pem: Pem
    reason: Reason = ""


class HashBody(Body):
    """Which certificate, as the station names it."""

    hashAlgorithm: Literal["SHA256", "SHA384", "SHA512"]
    issuerNameHash: Hash
    issuerKeyHash: Hash
    serialNumber: Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{1,40}$")]
    sure: bool = Field(default=False, description="even if it belongs on every station")
    reason: Reason = ""

    def data(self) -> dict[str, str]:
        """OCPP CertificateHashData."""
        return self.model_dump(exclude={"sure", "reason"})


class RenewBody(Body):
    """Which of a station's certificates to renew."""

    use: Use = "ChargingStationCertificate"
    reason: Reason = ""


class SignBody(Body):
    """A certificate signing request, by hand."""

    csr: Pem
    use: Use = "ChargingStationCertificate"
    send: bool = Field(default=False, description="send the certificate to the station")
    reason: Reason = ""


class RevokeBody(Body):
    """Why a certificate is revoked."""

    reason: Literal["unspecified", "key_compromise", "superseded", "cessation_of_operation", "affiliation_changed"]
    note: Reason = ""


class RootBody(Body):
    """A root of others to be trusted."""

    kind: RootKind
    pem: Pem
    wanted: bool = Field(default=True, description="belongs on every station")
    reason: Reason = ""


class ChainBody(Body):
    """A chain of others whose status stations may ask."""

    pem: Pem


class RotateBody(Body):
    """Which root to renew."""

    hierarchy: Literal["csms", "csms-rsa", "v2g"] = "csms"
    reason: Reason = ""


class PasswordBody(Body):
    """Why a station gets a new password."""

    reason: Reason = ""


class ProfileBody(Body):
    """A higher security profile for a station."""

    profile: Annotated[int, Field(ge=1, le=3)]
    url: Annotated[str, StringConstraints(max_length=512)] = ""
    slot: Annotated[int, Field(ge=0, le=99)] = 1
    priority: Annotated[list[Annotated[int, Field(ge=0, le=99)]], Field(max_length=8)] = Field(
        default_factory=list[int]
    )
    ocpp: Literal["OCPP16", "OCPP20", "OCPP201", "OCPP21"] = "OCPP20"
    interface: Literal["Wired0", "Wired1", "Wired2", "Wired3", "Wireless0", "Wireless1", "Wireless2", "Wireless3"] = (
        "Wired0"
    )
    timeout_s: Annotated[int, Field(ge=1, le=3600)] = 30
    restart: bool = True
    sure: bool = Field(default=False, description="whatever the station said is installed")
    reason: Reason = ""

    def wish(self) -> Wish:
        """What is wanted."""
        values: dict[str, Any] = self.model_dump(exclude={"sure", "reason", "priority"})
        return Wish(priority=tuple(self.priority), **values)


class ContractBody(Body):
    """A contract for a car, by the local operator."""

    emaid: Emaid
    provisioning: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(
        description="id in the car's provisioning certificate (PCID)"
    )


def router(upkeep: CertificateUpkeep, store: StaffStore, clock: Clock) -> APIRouter:
    """Routes over certificates."""
    routes = APIRouter(prefix="/api", tags=["certificates"])

    @routes.get("/certificates")
    async def listed(
        scope: Reader,
        station: Annotated[str | None, Query(max_length=48)] = None,
        state: Literal["issued", "accepted", "rejected", "revoked"] | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> list[dict[str, Any]]:
        """Certificates, newest first."""
        return [_shown(one) for one in await store.listed(scope, station, state, None, limit)]

    @routes.get("/certificates/expiring")
    async def expiring(scope: Reader, days: Annotated[int, Query(ge=0, le=3650)] = 30) -> list[dict[str, Any]]:
        """Stations' newest certificates that end within so many days, soonest first."""
        return [_shown(one) for one in await store.newest(scope.tenant, clock.now() + days * DAY_S)]

    @routes.get("/certificates/refused")
    async def refused(
        scope: Reader, station: Annotated[str | None, Query(max_length=48)] = None
    ) -> list[dict[str, Any]]:
        """Requests that were not signed, newest first, each with why."""
        return list(await store.refusals(scope, station))

    @routes.get("/certificates/{fingerprint}")
    async def one(scope: Reader, fingerprint: Fingerprint) -> dict[str, Any]:
        """A certificate with its chain."""
        found = await store.one(scope, fingerprint)
        return _shown(found) | {"chain": found.chain}

    @routes.post("/certificates/{fingerprint}/revoke")
    async def revoke(scope: Configurer, fingerprint: Fingerprint, body: RevokeBody) -> dict[str, Any]:
        """Revoke a certificate; its station is disconnected."""
        return _shown(await upkeep.revoke(scope, fingerprint, body.reason, body.note))

    return routes


def stations_router(upkeep: CertificateUpkeep) -> APIRouter:
    """Routes over what is installed on stations."""
    routes = APIRouter(prefix="/api", tags=["certificates"])

    @routes.post("/stations/{station}/certificates/list")
    async def installed(scope: Operator, station: StationText) -> dict[str, Any]:
        """Ask a station what is installed and compare it with what should be."""
        found = await upkeep.installed(scope, station)
        missing = [asdict(root) for root in found.missing]
        return {"installed": [asdict(one) for one in found.installed], "missing": missing, "strange": found.strange}

    @routes.post("/stations/{station}/certificates/install")
    async def install(scope: Configurer, station: StationText, body: InstallBody) -> CommandResult:
        """Install a root certificate on a station."""
        return await upkeep.install(scope, station, body.kind, body.pem, body.reason)

    @routes.post("/stations/{station}/certificates/delete")
    async def delete(scope: Configurer, station: StationText, body: HashBody) -> CommandResult:
        """Remove a certificate from a station."""
        return await upkeep.delete(scope, station, body.data(), body.sure, body.reason)

    @routes.post("/stations/{station}/certificates/renew")
    async def renew(scope: Configurer, station: StationText, body: RenewBody) -> CommandResult:
        """Have a station ask for a new certificate."""
        return await upkeep.renew(scope, station, body.use, body.reason)

    @routes.post("/stations/{station}/certificates/sign", status_code=201)
    async def sign(scope: Configurer, station: StationText, body: SignBody) -> dict[str, Any]:
        """Sign an uploaded request for a station; refused as the station's own would be."""
        made = await upkeep.sign_by_hand(scope, station, body.csr, body.use, body.send, body.reason)
        return _shown(made) | {"chain": made.chain}

    return routes


def authority_router(upkeep: CertificateUpkeep) -> APIRouter:
    """Routes over the authority and the roots, with those that stations and their clients may use."""
    routes = APIRouter(prefix="/api", tags=["certificates"])

    @routes.get("/authority")
    async def authority(scope: Reader) -> dict[str, Any]:
        """The authority and every root that is trusted."""
        return {"hierarchies": list(HIERARCHIES), "roots": [asdict(root) for root in await upkeep.roots(scope)]}

    @routes.get("/authority/root.pem")
    async def root(scope: Reader, hierarchy: Literal["csms", "csms-rsa", "v2g"] = "csms") -> Response:
        """The root certificate to install on stations."""
        pem = await upkeep.root_pem(scope, hierarchy)
        return Response(pem, media_type="application/x-pem-file")

    @routes.post("/authority/rotate", status_code=201)
    async def rotate(scope: Configurer, body: RotateBody) -> dict[str, str]:
        """Make a new root: as it is, and as signed by the old one."""
        new, cross = await upkeep.rotate_root(scope, body.hierarchy, body.reason)
        return {"root": new, "signed_by_old": cross}

    @routes.post("/authority/roots", status_code=201)
    async def trust(scope: Configurer, body: RootBody) -> dict[str, Any]:
        """Trust a root of others."""
        return asdict(await upkeep.trust_root(scope, body.kind, body.pem, body.wanted, body.reason))

    @routes.delete("/authority/roots/{kind}/{fingerprint}")
    async def distrust(scope: Configurer, kind: RootKind, fingerprint: Fingerprint) -> dict[str, bool]:
        """Trust a root of others no more."""
        return {"removed": await upkeep.distrust_root(scope, kind, fingerprint)}

    @routes.post("/authority/chains", status_code=201)
    async def know(scope: Configurer, body: ChainBody) -> dict[str, int]:
        """Remember a chain of others, so that stations may ask its status."""
        return {"certificates": await upkeep.know(scope, body.pem)}

    @routes.get("/authority/{tenant}/{hierarchy}/crl", dependencies=[Depends(anyone)])
    async def crl(tenant: Tenant, hierarchy: Literal["csms", "v2g"]) -> Response:
        """The list of revoked certificates."""
        return Response(await upkeep.crl(tenant, hierarchy), media_type="application/pkix-crl")

    @routes.post("/authority/{tenant}/ocsp", dependencies=[Depends(anyone)])
    async def ocsp(tenant: Tenant, request: Request) -> Response:
        """The authority's OCSP responder (RFC 6960)."""
        body = (await request.body())[:OCSP_MAX]
        return Response(await upkeep.answer_ocsp(tenant, body), media_type="application/ocsp-response")

    return routes


def secrets_router(passwords: Passwords, profiles: Profiles) -> APIRouter:
    """Routes over passwords and security profiles of stations."""
    routes = APIRouter(prefix="/api", tags=["certificates"])

    @routes.post("/stations/{station}/password")
    async def rotate(scope: Configurer, station: StationText, body: PasswordBody) -> dict[str, str]:
        """Give a station a new random password, over OCPP; nobody sees it."""
        changed = await passwords.rotate(scope, station, body.reason)
        return {"state": changed.state, "sentence": changed.sentence}

    @routes.post("/stations/{station}/profile")
    async def upgrade(scope: Configurer, station: StationText, body: ProfileBody) -> dict[str, str]:
        """Raise a station's security profile; it is never lowered."""
        raised = await profiles.upgrade(scope, station, body.wish(), body.sure, body.reason)
        return {"state": raised.state, "sentence": raised.sentence}

    return routes


def contracts_router(contracts: LocalContracts, audit: Audit) -> APIRouter:
    """Routes over the contracts of the local operator."""
    routes = APIRouter(prefix="/api", tags=["certificates"])

    @routes.post("/contracts", status_code=201)
    async def issue(scope: Configurer, body: ContractBody) -> dict[str, str]:
        """Make a contract certificate for a car, which fetches it through a station."""
        chain = await contracts.issue(scope.tenant, body.emaid, body.provisioning)
        await audit.record(scope, "contract.issue", f"contract:{body.emaid}", None, body.model_dump())
        return {"chain": chain}

    @routes.post("/contracts/{emaid}/cancel")
    async def cancel(scope: Configurer, emaid: Emaid) -> dict[str, str]:
        """Revoke a contract's certificate."""
        await contracts.cancel(scope.tenant, emaid)
        await audit.record(scope, "contract.cancel", f"contract:{emaid}")
        return {"status": "revoked"}

    return routes


def _shown(record: CertificateRecord) -> dict[str, Any]:
    return {name: value for name, value in asdict(record).items() if name not in ("chain", "tenant")}
