"""Routes of managers: staff, invitations, API keys, the audit log; and of whoever runs the node: tenants."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Query
from pydantic import Field, StringConstraints
from starlette.responses import Response

from sunpile.basics.scope import NODE, Permission, Scope
from sunpile.fleet.tabular import csv_text
from sunpile.identity.model import ApiKey, StaffMember, Tenant
from sunpile.identity.ports import AuditSearch
from sunpile.identity.roles import Role
from sunpile.identity.staff import Invited, KeyWish, Team
from sunpile.identity.trail import Entry, Verdict
from sunpile.people.api.access import admin
from sunpile.people.api.bodies import Body, StationText, UnixTime
from sunpile.people.api.staff import Manager

Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Email = Annotated[str, StringConstraints(pattern=r"^$|^[^@\s]{1,64}@[^@\s]{1,189}$")]
Reason = Annotated[str, StringConstraints(max_length=500)]
TenantId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")]
AUDIT_COLUMNS = ("number", "at", "actor", "action", "object", "before", "after", "reason", "hash")


class AuditReader(Protocol):
    """The read side of the audit log."""

    async def search(self, scope: Scope, wanted: AuditSearch) -> Sequence[Entry]: ...
    async def verify(self, scope: Scope) -> Verdict: ...


class StaffBody(Body):
    """Somebody new."""

    name: Name
    role: Role
    email: Email = ""


class StaffChangeBody(Body):
    """What to change; what is left out stays."""

    name: Name | None = None
    role: Role | None = None
    email: Email | None = None
    disabled: bool | None = None
    reason: Reason = ""


class KeyBody(Body):
    """An API key to make."""

    label: Name
    permissions: Annotated[list[Permission], Field(min_length=1, max_length=5)]
    stations: list[StationText] = Field(default_factory=list[str], max_length=1000)
    per_minute: Annotated[int, Field(ge=1, le=60_000)] = 600
    expires_at: UnixTime | None = None


class TenantBody(Body):
    """A tenant to add."""

    tenant: TenantId
    name: Name


@dataclass(frozen=True, slots=True)
class InvitationMade:
    """A one-time link for somebody."""

    staff: str
    """For whom."""
    link: str
    """Where to register a passkey; shown only here."""
    expires_at: int
    """Unix s."""


@dataclass(frozen=True, slots=True)
class KeyShown:
    """A new key."""

    key: str
    """Its id."""
    secret: str
    """What the program sends as `Bearer`; shown only here."""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One record of the audit log, as JSON."""

    number: int
    """From 1, without gaps."""
    at: int
    """Unix s."""
    actor: str
    """Who."""
    action: str
    """What."""
    object: str
    """On what."""
    before: str
    """JSON."""
    after: str
    """JSON."""
    reason: str
    """Why."""
    hash: str
    """Hex."""


def router(team: Team, audit: AuditReader, origin: str, page: str = "/sign-in") -> APIRouter:
    """Routes over `team`; links lead to `page` at `origin`."""
    routes = APIRouter(prefix="/api", tags=["team"])

    def made(invited: Invited) -> InvitationMade:
        # Behind `#`, so that it stands in no log of a server.
        return InvitationMade(invited.staff, f"{origin}{page}#invitation={invited.secret}", invited.expires_at)

    @routes.get("/staff")
    async def staff(scope: Manager) -> list[StaffMember]:
        """Everybody of the tenant."""
        return list(await team.staff(scope))

    @routes.post("/staff", status_code=201)
    async def invite(scope: Manager, body: StaffBody) -> InvitationMade:
        """Somebody new, who registers a passkey by a one-time link."""
        return made(await team.invite(scope, body.name, body.role, body.email))

    @routes.patch("/staff/{staff}")
    async def change(scope: Manager, staff: str, body: StaffChangeBody) -> StaffMember:
        """Change name, role or e-mail, disable or enable."""
        given = body.model_dump(exclude_unset=True, exclude={"reason"})
        return await team.change(scope, staff, {k: v for k, v in given.items() if v is not None}, body.reason)

    @routes.post("/staff/{staff}/invitation", status_code=201)
    async def again(scope: Manager, staff: str) -> InvitationMade:
        """Another one-time link for somebody."""
        return made(await team.invite_again(scope, staff))

    @routes.post("/staff/{staff}/sign-out", status_code=204)
    async def sign_out(scope: Manager, staff: str) -> None:
        """End every session of somebody."""
        await team.sign_out(scope, staff)

    @routes.post("/tenants/{tenant}/staff", status_code=201, dependencies=[Depends(admin)])
    async def first_of_tenant(tenant: TenantId, body: StaffBody) -> InvitationMade:
        """Somebody new for a tenant: how its first manager comes in. Only whoever runs the node."""
        return made(await team.invite(replace(NODE, tenant=tenant), body.name, body.role, body.email))

    _keys(routes, team)
    _audit(routes, audit)
    return routes


def _keys(routes: APIRouter, team: Team) -> None:
    @routes.get("/keys")
    async def keys(scope: Manager) -> list[ApiKey]:
        """API keys of the tenant, without their secrets."""
        return list(await team.keys(scope))

    @routes.post("/keys", status_code=201)
    async def make(scope: Manager, body: KeyBody) -> KeyShown:
        """A key; its secret is shown only in this answer."""
        wish = KeyWish(
            body.label, frozenset(body.permissions), frozenset(body.stations), body.per_minute, body.expires_at
        )
        found = await team.make_key(scope, wish)
        return KeyShown(found.key.key, found.secret)

    @routes.delete("/keys/{key}", status_code=204)
    async def revoke(scope: Manager, key: str, reason: Annotated[str, Query(max_length=500)] = "") -> None:
        """A key that opens nothing from now on."""
        await team.revoke_key(scope, key, reason)

    @routes.get("/tenants", dependencies=[Depends(admin)])
    async def tenants() -> list[Tenant]:
        """All tenants. Only whoever runs the node."""
        return list(await team.tenants())

    @routes.post("/tenants", status_code=201, dependencies=[Depends(admin)])
    async def add_tenant(body: TenantBody) -> Tenant:
        """A new tenant. Only whoever runs the node."""
        return await team.add_tenant(NODE, body.tenant, body.name)


def _search(
    actor: Annotated[str | None, Query(max_length=64)] = None,
    action: Annotated[str | None, Query(max_length=64)] = None,
    object: Annotated[str | None, Query(max_length=255)] = None,
    since: Annotated[int | None, Query(ge=0)] = None,
    until: Annotated[int | None, Query(ge=0)] = None,
    before: Annotated[int | None, Query(ge=1)] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
) -> AuditSearch:
    return AuditSearch(actor, action, object, since, until, before, limit)


Wanted = Annotated[AuditSearch, Depends(_search)]


def _audit(routes: APIRouter, audit: AuditReader) -> None:
    @routes.get("/audit")
    async def records(scope: Manager, wanted: Wanted) -> list[AuditRecord]:
        """Records that fit, newest first; the next page by `before`."""
        return [_record(entry) for entry in await audit.search(scope, wanted)]

    @routes.get("/audit/verify")
    async def verify(scope: Manager) -> Verdict:
        """Follow the whole chain of records: is any changed or missing?"""
        return await audit.verify(scope)

    @routes.get("/audit.csv", response_class=Response)
    async def export(scope: Manager, wanted: Wanted) -> Response:
        """The same for a spreadsheet."""
        found = [_record(entry) for entry in await audit.search(scope, wanted)]
        text = csv_text(AUDIT_COLUMNS, [asdict(record) for record in found])
        headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def _record(entry: Entry) -> AuditRecord:
    texts = (entry.actor, entry.action, entry.object, entry.before, entry.after, entry.reason)
    return AuditRecord(entry.number, entry.at, *texts, entry.hash.hex())
