"""OpenID Connect, authorization code with PKCE: what claims must say, and what they make of somebody."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from sunpile.basics.errors import Forbidden, SettingInvalid, Unauthorised
from sunpile.basics.scope import DEFAULT_TENANT
from sunpile.identity.roles import ROLES, Role

ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
"""No `none`, and no HMAC: its key would be the client's secret."""
LEEWAY_S = 30
"""By how much clocks may differ [s]."""


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """The operator's OpenID provider; only settings name it."""

    issuer: str
    """Its URL, as in its tokens' `iss`."""
    client_id: str
    """What it calls this node."""
    redirect_uri: str
    """`<public_url>/api/signin/oidc/callback`."""
    client_secret: str = field(default="", repr=False)
    """Empty for a public client: PKCE alone."""
    scopes: str = "openid"
    """Asked of it; add `email` or `profile` only where they are wanted."""
    role_claim: str = "roles"
    """Claim that holds a role or a list of roles or groups; dots go into objects."""
    roles: Mapping[str, Role] = field(default_factory=dict[str, Role])
    """Claim's word to role; empty = roles are called as here."""
    tenant_claim: str = ""
    """Claim that names the tenant; empty = all belong to `tenant`."""
    tenants: Mapping[str, str] = field(default_factory=dict[str, str])
    """Claim's word to tenant; one that is not listed is refused."""
    tenant: str = DEFAULT_TENANT
    """Tenant where no claim names one."""
    name_claim: str = ""
    """Claim to show colleagues; empty = none: staff are called by a random id until a manager names them."""

    def check(self) -> None:
        """Refuse what cannot be safe.

        Raises
        ------
        SettingInvalid
            if the issuer is neither https nor this machine.
        """
        parts = urlsplit(self.issuer)
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
            raise SettingInvalid("oidc_issuer", self.issuer, "an https URL (http only for this machine)")


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who somebody is according to the provider."""

    subject: str
    """Its `sub`."""
    tenant: str
    """For whom."""
    role: Role
    """The role with the most permissions that was claimed."""
    name: str
    """To be shown; may be empty."""
    proven_at: int
    """When it was asked who it is [Unix s]; 0 = the provider does not say."""


def pkce_challenge(verifier: str) -> str:
    """S256 of RFC 7636."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def authorize_url(endpoint: str, settings: OidcSettings, state: str, nonce: str, challenge: str) -> str:
    """Where the browser goes to sign in."""
    query = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": settings.redirect_uri,
        "scope": settings.scopes,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return endpoint + ("&" if "?" in endpoint else "?") + urlencode(query)


def check_id_token(token: str, keys: KeySet, settings: OidcSettings, nonce: str, now: int) -> Mapping[str, Any]:
    """The claims of an ID token (OpenID Connect Core 3.1.3.7).

    Raises
    ------
    Unauthorised
        if it is not signed by the provider, not for us, not of this sign-in, or not valid now.
    """
    try:
        found = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
        rules = jwt.JWTClaimsRegistry(
            now=now,
            leeway=LEEWAY_S,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        rules.validate(found.claims)
    except (JoseError, ValueError, TypeError, KeyError) as fault:
        raise Unauthorised(f"the provider's ID token is not accepted: {fault}") from fault
    claims: Mapping[str, Any] = found.claims
    audience = claims["aud"]
    if isinstance(audience, list) and len(cast("list[Any]", audience)) > 1 and claims.get("azp") != settings.client_id:
        raise Unauthorised("the provider's ID token is for several, and not first for us")
    return claims


def claimed(settings: OidcSettings, claims: Mapping[str, Any]) -> Claimed:
    """What claims make of somebody.

    Raises
    ------
    Forbidden
        if they give no role or no tenant here.
    """
    words = _words(_at(claims, settings.role_claim))
    known = dict(settings.roles)
    if not known:
        for role in ROLES:
            known[role] = role
    roles: list[Role] = [known[word] for word in words if word in known]
    if not roles:
        raise Forbidden("the provider gives you no role here; ask whoever runs it")
    tenant = settings.tenant
    if settings.tenant_claim:
        found = [
            settings.tenants[word] for word in _words(_at(claims, settings.tenant_claim)) if word in settings.tenants
        ]
        if len(set(found)) != 1:
            raise Forbidden("the provider names no one tenant of yours here; ask whoever runs it")
        tenant = found[0]
    # More than one role: the one that may do most.
    role = max(roles, key=_reach)
    name = str(_at(claims, settings.name_claim) or "")[:128] if settings.name_claim else ""
    proven = claims.get("auth_time")
    return Claimed(str(claims["sub"])[:255], tenant, role, name, proven if isinstance(proven, int) else 0)


def _reach(role: Role) -> int:
    return len(ROLES[role])


def _at(claims: Mapping[str, Any], path: str) -> object:
    value: object = claims
    for part in path.split("."):
        value = cast("Mapping[str, object]", value).get(part) if isinstance(value, Mapping) else None
    return value


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [word for word in cast("list[object]", value) if isinstance(word, str)] if isinstance(value, list) else []
