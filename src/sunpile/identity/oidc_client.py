"""Asks an OpenID provider: discovery, its keys, and the exchange of a code. Only the operator's settings name it."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from sunpile.basics.errors import Unauthorised, Unreachable
from sunpile.identity.oidc import OidcSettings, authorize_url, check_id_token

TIMEOUT_S = 10.0
ANSWER_MAX = 1 << 20
KEPT_S = 3_600
"""How long discovery and keys are kept [s]."""
RELOAD_S = 60
"""Keys are asked for again, for a token none of them fits, at most so often [s]."""


class OidcClient:
    """`ports.Provider` over HTTP."""

    def __init__(self, settings: OidcSettings, now: Callable[[], int]) -> None:
        settings.check()
        self._settings, self._now = settings, now
        self._found: Mapping[str, Any] = {}
        self._keys: KeySet | None = None
        self._found_at = self._keys_at = 0

    async def authorize_url(self, state: str, nonce: str, challenge: str) -> str:
        """See `Provider.authorize_url`."""
        found = await self._discovery()
        return authorize_url(str(found["authorization_endpoint"]), self._settings, state, nonce, challenge)

    async def claims(self, code: str, verifier: str, nonce: str, now: int) -> Mapping[str, Any]:
        """See `Provider.claims`."""
        found = await self._discovery()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._settings.redirect_uri,
            "code_verifier": verifier,
            "client_id": self._settings.client_id,
        }
        if self._settings.client_secret:
            form["client_secret"] = self._settings.client_secret
        status, answer = await self._ask("POST", str(found["token_endpoint"]), form)
        token = answer.get("id_token")
        if status != 200 or not isinstance(token, str):
            raise Unauthorised(f"the provider does not take this sign-in: {answer.get('error', status)}")
        try:
            return check_id_token(token, await self._key_set(reload=False), self._settings, nonce, now)
        except Unauthorised:
            if self._now() < self._keys_at + RELOAD_S:
                raise
            # The provider may have new keys.
            return check_id_token(token, await self._key_set(reload=True), self._settings, nonce, now)

    async def _discovery(self) -> Mapping[str, Any]:
        if not self._found or self._now() > self._found_at + KEPT_S:
            where = self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
            status, found = await self._ask("GET", where)
            names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            if status != 200 or any(not isinstance(found.get(name), str) for name in names):
                raise Unreachable(f"the OpenID provider at {self._settings.issuer} does not describe itself")
            if found.get("issuer") != self._settings.issuer:
                raise Unreachable(f"the OpenID provider calls itself {found.get('issuer')!r}, settings say another")
            self._found, self._found_at = found, self._now()
        return self._found

    async def _key_set(self, reload: bool) -> KeySet:
        if self._keys is None or reload or self._now() > self._keys_at + KEPT_S:
            status, answer = await self._ask("GET", str((await self._discovery())["jwks_uri"]))
            try:
                self._keys = KeySet.import_key_set(cast("Any", answer))
            except (JoseError, ValueError, KeyError, TypeError) as fault:
                raise Unreachable(f"the OpenID provider's keys cannot be read ({status})") from fault
            self._keys_at = self._now()
        return self._keys

    async def _ask(self, method: str, url: str, form: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        try:
            async with httpx2.AsyncClient(timeout=TIMEOUT_S, trust_env=False, follow_redirects=False) as client:
                answer = await client.request(method, url, data=form)
                if len(answer.content) > ANSWER_MAX:
                    raise Unreachable("the OpenID provider's answer is too long")
                content = answer.json()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as fault:
            raise Unreachable(f"the OpenID provider at {self._settings.issuer} cannot be reached: {fault}") from fault
        return answer.status_code, cast("dict[str, Any]", content) if isinstance(content, dict) else {}
