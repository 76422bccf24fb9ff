"""An OpenID provider over HTTP that signs tokens, and misbehaves where it is told to."""

import base64
import hmac
import json
import secrets
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import RSAKey

from sunpile.identity.oidc import pkce_challenge

CLIENT = "sunpile-node"


@dataclass
class FakeProvider:
    """What it says and to whom."""

    clock: Any
    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=lambda: {"sub": "person-1", "roles": ["operator"]})
    lie: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "a", "use": "sig"}))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def authorize(self, url: str) -> tuple[str, str]:
        """What the person's browser does there: a code and the state."""
        query = dict(pair.split("=", 1) for pair in url.partition("?")[2].split("&"))
        code = secrets.token_urlsafe(8)
        self.codes[code] = query
        return code, query["state"]

    def token(self, nonce: str) -> str:
        """The ID token, or something that looks like one."""
        now = self.clock.now()
        claims = {"iss": self.issuer, "aud": CLIENT, "nonce": nonce, "iat": now, "exp": now + 60} | self.claims
        claims |= {
            "nonce": {"nonce": "another"},
            "audience": {"aud": "another-client"},
            "several": {"aud": [CLIENT, "another-client"]},
            "expired": {"iat": now - 600, "exp": now - 300},
            "issuer": {"iss": "https://other.example"},
            "no-exp": {"exp": None},
        }.get(self.lie, {})
        claims = {name: value for name, value in claims.items() if value is not None}
        match self.lie:
            case "none":
                head, body = (_b64(json.dumps(part)) for part in ({"alg": "none"}, claims))
                return f"{head}.{body}."
            case "stranger":
                return jwt.encode({"alg": "RS256", "kid": "a"}, claims, RSAKey.generate_key(2048, {"kid": "a"}))
            case "hmac":
                # The public key, which everybody has, taken for a shared secret.
                signed = ".".join(_b64(json.dumps(part)) for part in ({"alg": "HS256", "kid": "a"}, claims))
                mac = hmac.new(self.key.as_pem(private=False), signed.encode(), "sha256").digest()
                return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
            case _:
                return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)


def _b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _app(provider: FakeProvider) -> FastAPI:
    app = FastAPI()

    @app.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, str]:
        base = provider.issuer
        named = "https://other.example" if provider.lie == "discovery" else base
        return {
            "issuer": named,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "jwks_uri": f"{base}/keys",
        }

    @app.get("/keys")
    async def keys() -> dict[str, Any]:
        return {"keys": [provider.key.as_dict(private=False)]}

    @app.post("/token")
    async def token(request: Request) -> JSONResponse:
        form = dict(parse_qsl((await request.body()).decode()))
        code, verifier, client_id = (form[name] for name in ("code", "code_verifier", "client_id"))
        asked = provider.codes.pop(code, None)
        fits = asked is not None and pkce_challenge(verifier) == asked["code_challenge"] and client_id == CLIENT
        if not fits or asked is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"id_token": provider.token(asked["nonce"]), "token_type": "Bearer", "access_token": "x"})

    return app


class Served:
    """The provider on a socket, in a thread of its own."""

    def __init__(self, provider: FakeProvider) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        provider.issuer = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(_app(provider), log_level="error"))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        """End it."""
        self._server.should_exit = True
        self._thread.join()
