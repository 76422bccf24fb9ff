"""What identity needs: a store, and an OpenID provider to ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sunpile.basics.scope import Scope
from sunpile.identity.model import ApiKey, Flow, Invite, Passkey, Session, StaffMember, Tenant


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """Which records of the audit log."""

    actor: str | None = None
    """Exactly this actor."""
    action: str | None = None
    """Actions that begin so."""
    object: str | None = None
    """Exactly this object."""
    since: int | None = None
    """Not before [Unix s]."""
    until: int | None = None
    """Before [Unix s]."""
    before: int | None = None
    """Only numbers below: the next page."""
    limit: int = 100
    """At most so many."""


class IdentityStore(Protocol):
    """Where identity is kept. What takes a scope sees its tenant only; the rest serves sign-in, before there is one."""

    async def add_tenant(self, tenant: Tenant) -> None:
        """Raises `Conflict` if it is there."""
        ...

    async def tenants(self) -> Sequence[Tenant]: ...
    async def add_staff(self, member: StaffMember) -> None:
        """Raises `Conflict` if that subject of that issuer is there, `NotFound` without its tenant."""
        ...

    async def staff(self, scope: Scope) -> Sequence[StaffMember]: ...
    async def member(self, scope: Scope, staff_id: str) -> StaffMember:
        """Raises `NotFound`."""
        ...

    async def save_staff(self, scope: Scope, member: StaffMember) -> None:
        """Keep name, role, e-mail and whether it is disabled; disabling ends every session."""
        ...

    async def by_id(self, staff_id: str) -> StaffMember | None: ...
    async def by_subject(self, issuer: str, subject: str) -> StaffMember | None: ...
    async def add_invite(self, invite: Invite) -> None: ...
    async def invited(self, hashed: bytes, now: int) -> StaffMember | None:
        """Whom a good invitation is for; it stays good."""
        ...

    async def add_passkey(self, passkey: Passkey, invite: bytes | None, now: int) -> None:
        """Keep a passkey and, in the same step, use up the invitation. `Unauthorised` if that is no longer good."""
        ...

    async def passkey(self, credential: bytes) -> Passkey | None: ...
    async def passkeys(self, staff_id: str) -> Sequence[Passkey]: ...
    async def passkey_used(self, credential: bytes, before: int, after: int, now: int) -> bool:
        """Move the counter from `before` to `after`; False if somebody was faster."""
        ...

    async def remove_passkey(self, staff_id: str, credential: bytes) -> bool: ...
    async def add_session(self, session: Session) -> None: ...
    async def session(self, hashed: bytes) -> tuple[Session, StaffMember] | None: ...
    async def save_session(self, session: Session) -> None:
        """Keep when it was last seen and fresh."""
        ...

    async def end_session(self, hashed: bytes) -> None: ...
    async def end_sessions(self, staff_id: str) -> None: ...
    async def add_flow(self, flow: Flow) -> None: ...
    async def take_flow(self, hashed: bytes) -> Flow | None:
        """The flow, which is gone then: a second taker gets None."""
        ...

    async def add_key(self, key: ApiKey, hashed: bytes) -> None: ...
    async def keys(self, scope: Scope) -> Sequence[ApiKey]: ...
    async def key_of(self, hashed: bytes) -> ApiKey | None: ...
    async def key_used(self, key: str, now: int) -> None: ...
    async def revoke_key(self, scope: Scope, key: str, now: int) -> ApiKey:
        """The key as it was. Raises `NotFound`."""
        ...

    async def forget(self, now: int) -> None:
        """Delete invitations, flows and sessions that are over."""
        ...


class Provider(Protocol):
    """The operator's OpenID provider."""

    async def authorize_url(self, state: str, nonce: str, challenge: str) -> str:
        """Where the browser goes. Raises `Unreachable`."""
        ...

    async def claims(self, code: str, verifier: str, nonce: str, now: int) -> Mapping[str, Any]:
        """Redeem `code`; the claims of its ID token, checked. Raises `Unauthorised`, `Unreachable`."""
        ...
