"""Who there is: tenants, staff, passkeys, sessions, keys. Secrets appear as SHA-256; they are random, so unsalted."""

import hashlib
from dataclasses import dataclass

from sunpile.basics.scope import Permission
from sunpile.identity.roles import Role

IDLE_S = 1_800
"""A session nobody used for so long is over [s]."""
ABSOLUTE_S = 43_200
"""A session is over after so long, used or not [s]."""
FRESH_S = 300
"""How long after a passkey was shown approvals and staff's changes go through [s]."""
INVITE_S = 259_200
"""Life of an invitation [s]."""
FLOW_S = 300
"""Life of a sign-in that was begun [s]."""
TOUCH_S = 60
"""How often the last use is written down, at most [s]."""


def digest(secret: str) -> bytes:
    """What the store keeps of a secret."""
    return hashlib.sha256(secret.encode()).digest()


@dataclass(frozen=True, slots=True)
class Tenant:
    """An owner of stations, apart from all others."""

    tenant: str
    """Its id."""
    name: str
    """As people call it."""
    created_at: int = 0
    """Unix s."""


@dataclass(frozen=True, slots=True)
class StaffMember:
    """Somebody who works for a tenant. Nothing about the person is needed but a name to be told by."""

    staff: str
    """Id, random."""
    tenant: str
    """For whom."""
    name: str
    """As colleagues see it; a function will do."""
    role: Role
    """What it may do."""
    email: str = ""
    """Optional."""
    issuer: str = ""
    """OpenID provider; empty without one."""
    subject: str = ""
    """The provider's `sub`."""
    disabled: bool = False
    """True: signs in no more, and every session is refused."""
    created_at: int = 0
    """Unix s."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """A WebAuthn credential of somebody."""

    credential: bytes
    """Credential id."""
    staff: str
    """Whose."""
    public_key: bytes
    """COSE key."""
    sign_count: int
    """Last counter the authenticator gave; 0 = it has none."""
    label: str = ""
    """As its owner calls it."""
    created_at: int = 0
    """Unix s."""
    last_used_at: int | None = None
    """Unix s."""


@dataclass(frozen=True, slots=True)
class Invite:
    """A one-time permission to register a passkey."""

    hash: bytes
    """SHA-256 of the secret in the link."""
    staff: str
    """For whom."""
    expires_at: int
    """Unix s."""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser's session."""

    hash: bytes
    """SHA-256 of the cookie."""
    staff: str
    """Whose."""
    created_at: int
    """Unix s."""
    seen_at: int
    """Last use, to the minute [Unix s]."""
    fresh_at: int
    """When a passkey was last shown [Unix s]; 0 = never in this session."""

    def alive(self, now: int) -> bool:
        """True while neither idle nor too old at `now` [Unix s]."""
        return now < self.seen_at + IDLE_S and now < self.created_at + ABSOLUTE_S

    def fresh(self, now: int) -> bool:
        """True if a passkey was shown a short time before `now` [Unix s]."""
        return self.fresh_at > 0 and now < self.fresh_at + FRESH_S


@dataclass(frozen=True, slots=True)
class Flow:
    """A sign-in that was begun: used once, by the browser that began it."""

    hash: bytes
    """SHA-256 of the handle or `state`."""
    kind: str
    """oidc, passkey, register or stepup."""
    binding: bytes
    """SHA-256 of the browser's flow cookie, or of its session; empty where the answer itself is bound."""
    secret: str
    """The challenge or nonce, as base64url."""
    verifier: str
    """PKCE verifier; empty without."""
    subject: str
    """Staff it is for; empty = not known yet."""
    expires_at: int
    """Unix s."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of a program."""

    key: str
    """Id, random."""
    tenant: str
    """For whom."""
    label: str
    """What it is for."""
    permissions: frozenset[Permission]
    """What it may do; never more than its maker."""
    stations: frozenset[str]
    """Only routes that name one of these stations; empty = all routes."""
    per_minute: int
    """Requests a minute, at most."""
    expires_at: int | None
    """Unix s; None = never."""
    created_by: str
    """Actor."""
    created_at: int
    """Unix s."""
    last_used_at: int | None = None
    """Unix s, to the minute."""
    revoked_at: int | None = None
    """Unix s; None = good."""

    def good(self, now: int) -> bool:
        """True while neither revoked nor expired at `now` [Unix s]."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
