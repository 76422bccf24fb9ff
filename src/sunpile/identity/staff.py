"""Managers' work: tenants, staff, invitations, API keys. What changes is audited, without secrets."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sunpile.basics.audit import Audit
from sunpile.basics.errors import Forbidden, InputInvalid
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Permission, Scope
from sunpile.identity.model import INVITE_S, ApiKey, Invite, StaffMember, Tenant, digest
from sunpile.identity.ports import IdentityStore
from sunpile.identity.roles import ROLES, Role

KEY_PREFIX = "sk_"


def new_secret() -> str:
    """32 random bytes as text."""
    return secrets.token_urlsafe(32)


def new_id() -> str:
    """A random id."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Invited:
    """A one-time link."""

    staff: str
    """For whom."""
    secret: str
    """The link's secret, shown only here."""
    expires_at: int
    """Unix s."""


@dataclass(frozen=True, slots=True)
class KeyMade:
    """A new API key."""

    key: ApiKey
    """Its record."""
    secret: str
    """What the program sends as `Bearer`, shown only here."""


@dataclass(frozen=True, slots=True)
class KeyWish:
    """A key to make."""

    label: str
    """What it is for."""
    permissions: frozenset[Permission]
    """What it may do."""
    stations: frozenset[str] = frozenset()
    """Only these; empty = all."""
    per_minute: int = 600
    """Requests a minute."""
    expires_at: int | None = None
    """Unix s."""


class Team:
    """Staff and keys of a tenant, as managers see them."""

    def __init__(self, store: IdentityStore, audit: Audit, clock: Clock, ids: Callable[[], str] = new_id) -> None:
        self._store, self._audit, self._clock, self._ids = store, audit, clock, ids

    # -- tenants: the node only ---------------------------------------------------------------------------------------

    async def tenants(self) -> Sequence[Tenant]:
        """All tenants."""
        return await self._store.tenants()

    async def add_tenant(self, scope: Scope, tenant: str, name: str) -> Tenant:
        """A new tenant, without staff yet."""
        made = Tenant(tenant, name, self._clock.now())
        await self._store.add_tenant(made)
        await self._audit.record(replace(scope, tenant=tenant), "tenant.add", f"tenant:{tenant}", None, asdict(made))
        return made

    # -- staff --------------------------------------------------------------------------------------------------------

    async def staff(self, scope: Scope) -> Sequence[StaffMember]:
        """Everybody of the tenant."""
        return await self._store.staff(scope)

    async def member(self, scope: Scope, staff: str) -> StaffMember:
        """Somebody of the tenant."""
        return await self._store.member(scope, staff)

    async def invite(self, scope: Scope, name: str, role: Role, email: str = "") -> Invited:
        """A new member, who registers a passkey by a one-time link."""
        self._no_more(scope, role)
        member = StaffMember(self._ids(), scope.tenant, name, role, email, created_at=self._clock.now())
        await self._store.add_staff(member)
        await self._audit.record(scope, "staff.add", f"staff:{member.staff}", None, _facts(member))
        return await self._link(scope, member)

    async def invite_again(self, scope: Scope, staff: str) -> Invited:
        """Another link for somebody who lost every passkey, or never used the first."""
        member = await self._store.member(scope, staff)
        self._no_more(scope, member.role)
        if member.disabled:
            raise InputInvalid("this account is disabled; enable it first")
        return await self._link(scope, member)

    async def change(self, scope: Scope, staff: str, changes: dict[str, Any], reason: str = "") -> StaffMember:
        """Change name, role, e-mail, or whether somebody is disabled."""
        before = await self._store.member(scope, staff)
        after = replace(before, **changes)
        # Whoever may less neither makes such a one, nor disables or demotes one.
        self._no_more(scope, before.role)
        self._no_more(scope, after.role)
        if scope.actor == f"staff:{staff}" and (after.disabled or after.role != before.role):
            raise Forbidden("nobody changes the role of their own account, or disables it")
        await self._store.save_staff(scope, after)
        await self._audit.record(scope, "staff.change", f"staff:{staff}", _facts(before), _facts(after), reason)
        return after

    async def sign_out(self, scope: Scope, staff: str, reason: str = "") -> None:
        """End every session of somebody."""
        await self._store.member(scope, staff)
        await self._store.end_sessions(staff)
        await self._audit.record(scope, "staff.sign-out", f"staff:{staff}", None, None, reason)

    async def _link(self, scope: Scope, member: StaffMember) -> Invited:
        secret, until = new_secret(), self._clock.now() + INVITE_S
        await self._store.add_invite(Invite(digest(secret), member.staff, until))
        await self._audit.record(scope, "staff.invite", f"staff:{member.staff}", None, {"expires_at": until})
        return Invited(member.staff, secret, until)

    def _no_more(self, scope: Scope, role: Role) -> None:
        if not ROLES[role] <= scope.permissions:
            raise Forbidden("nobody gives more than they may do themselves")

    # -- keys ---------------------------------------------------------------------------------------------------------

    async def keys(self, scope: Scope) -> Sequence[ApiKey]:
        """Keys of the tenant."""
        return await self._store.keys(scope)

    async def make_key(self, scope: Scope, wish: KeyWish) -> KeyMade:
        """A key, whose secret is shown only in this answer."""
        now = self._clock.now()
        if not wish.permissions or not wish.permissions <= scope.permissions:
            raise Forbidden("a key may do something, and never more than its maker")
        if wish.expires_at is not None and wish.expires_at <= now:
            raise InputInvalid("the key would have expired already")
        secret = KEY_PREFIX + new_secret()
        key = ApiKey(
            self._ids(),
            scope.tenant,
            wish.label,
            wish.permissions,
            wish.stations,
            wish.per_minute,
            wish.expires_at,
            scope.person,
            now,
        )
        await self._store.add_key(key, digest(secret))
        await self._audit.record(scope, "key.add", f"key:{key.key}", None, asdict(key))
        return KeyMade(key, secret)

    async def revoke_key(self, scope: Scope, key: str, reason: str = "") -> None:
        """A key that opens nothing from now on."""
        before = await self._store.revoke_key(scope, key, self._clock.now())
        await self._audit.record(scope, "key.revoke", f"key:{key}", asdict(before), None, reason)


def _facts(member: StaffMember) -> dict[str, Any]:
    """What the audit log keeps of somebody: no name and no e-mail, which could never be erased there."""
    return {"staff": member.staff, "role": member.role, "disabled": member.disabled}
