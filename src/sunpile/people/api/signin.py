"""Routes of signing in and out, and of one's own passkeys."""

from dataclasses import dataclass
from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, StringConstraints
from starlette.responses import HTMLResponse, RedirectResponse
from webauthn import base64url_to_bytes
from webauthn.helpers import bytes_to_base64url

from sunpile.basics.errors import InputInvalid, Unauthorised
from sunpile.identity.model import ABSOLUTE_S, FLOW_S
from sunpile.identity.signin import Asked, SignedIn, SignIn
from sunpile.people.api.access import anyone
from sunpile.people.api.bodies import Body
from sunpile.people.api.staff import AnyStaff, SomebodyPresent, cookie_name, signing_in

FLOW_COOKIE = "sunpile_flow"
HOME = "/console"
Secret = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{20,128}$")]
Label = Annotated[str, StringConstraints(max_length=64)]


class InvitationBody(Body):
    """A one-time invitation."""

    invitation: Secret


class AnswerBody(Body):
    """What the browser's `navigator.credentials` gave, as JSON."""

    flow: Secret
    answer: dict[str, Any] = Field(max_length=16)


class RegisterBody(AnswerBody):
    """A passkey that was made."""

    label: Label = ""


class InvitedBody(RegisterBody):
    """A passkey that was made with an invitation."""

    invitation: Secret


@dataclass(frozen=True, slots=True)
class Me:
    """Who asks."""

    tenant: str
    """For whom."""
    actor: str
    """`staff:<id>`, `key:<id>` or `node`."""
    permissions: list[str]
    """What the actor may do."""


@dataclass(frozen=True, slots=True)
class Welcome:
    """Somebody who signed in."""

    staff: str
    """Id."""
    name: str
    """As colleagues see it."""
    role: str
    """What it may do."""


@dataclass(frozen=True, slots=True)
class PasskeyCard:
    """One of one's own passkeys."""

    credential: str
    """Its id, base64url."""
    label: str
    """As its owner calls it."""
    created_at: int
    """Unix s."""
    last_used_at: int | None
    """Unix s."""


def router(sign_in: SignIn) -> APIRouter:
    """Routes over `sign_in`."""
    routes = APIRouter(prefix="/api", tags=["sign-in"])
    _outside(routes, sign_in)
    _provider(routes, sign_in)
    _inside(routes, sign_in)
    return routes


def _outside(routes: APIRouter, sign_in: SignIn) -> None:
    guard = [Depends(signing_in)]

    @routes.get("/signin", dependencies=[Depends(anyone)])
    async def ways() -> dict[str, bool]:
        """How one can sign in here."""
        return {"passkey": True, "oidc": sign_in.with_oidc}

    @routes.post("/signin/passkey/options", dependencies=guard)
    async def passkey_options() -> Asked:
        """Begin to sign in by a passkey."""
        return await sign_in.ask_passkey()

    @routes.post("/signin/passkey", dependencies=guard)
    async def passkey(request: Request, response: Response, body: AnswerBody) -> Welcome:
        """Sign in by a passkey."""
        return _welcome(request, response, await sign_in.by_passkey(body.flow, body.answer))

    @routes.post("/signin/invitation/options", dependencies=guard)
    async def invitation_options(body: InvitationBody) -> Asked:
        """Begin to register a passkey with an invitation."""
        return await sign_in.ask_invited(body.invitation)

    @routes.post("/signin/invitation", dependencies=guard, status_code=201)
    async def invitation(request: Request, response: Response, body: InvitedBody) -> Welcome:
        """Register a passkey with an invitation, which is used up, and sign in."""
        signed = await sign_in.by_invitation(body.invitation, body.flow, body.answer, body.label)
        return _welcome(request, response, signed)


def _provider(routes: APIRouter, sign_in: SignIn) -> None:
    guard = [Depends(signing_in)]

    @routes.get("/signin/oidc", dependencies=guard)
    async def oidc(request: Request) -> RedirectResponse:
        """Go to the operator's OpenID provider."""
        url, binding = await sign_in.ask_provider()
        answer = RedirectResponse(url, 303)
        # Lax, as the way back begins at the provider's page. It opens nothing by itself.
        answer.set_cookie(
            FLOW_COOKIE,
            binding,
            max_age=FLOW_S,
            path="/api/signin/oidc",
            httponly=True,
            secure=request.url.scheme == "https",
            samesite="lax",
        )
        return answer

    @routes.get("/signin/oidc/callback", dependencies=guard)
    async def callback(
        request: Request,
        state: Annotated[str, Query(max_length=128)] = "",
        code: Annotated[str, Query(max_length=4096)] = "",
        error: Annotated[str, Query(max_length=128)] = "",
    ) -> HTMLResponse:
        """Back from the provider."""
        if error:
            raise Unauthorised(f"the provider did not sign you in: {error}")
        if not code:
            raise InputInvalid("the provider sent no code")
        signed = await sign_in.by_provider(state, code, request.cookies.get(FLOW_COOKIE, ""))
        # A page that goes on by itself, no redirect: a redirect of another site's page would not carry the cookie.
        home = escape(HOME, quote=True)
        page = f'<!doctype html><meta http-equiv="refresh" content="0;url={home}"><a href="{home}">sunpile</a>'
        answer = HTMLResponse(page)
        answer.delete_cookie(FLOW_COOKIE, path="/api/signin/oidc")
        _welcome(request, answer, signed)
        return answer


def _inside(routes: APIRouter, sign_in: SignIn) -> None:
    @routes.get("/me")
    async def me(scope: AnyStaff) -> Me:
        """Who asks, and what they may do."""
        return Me(scope.tenant, scope.actor, sorted(scope.permissions))

    @routes.post("/signin/out", status_code=204)
    async def out(present: SomebodyPresent, request: Request, response: Response) -> None:
        """End this session."""
        await sign_in.sign_out(present.session)
        response.delete_cookie(cookie_name(request), path="/")

    @routes.post("/me/step-up/options")
    async def step_up_options(present: SomebodyPresent) -> Asked:
        """Begin to show a passkey again."""
        return await sign_in.ask_step_up(present.session, present.member)

    @routes.post("/me/step-up", status_code=204)
    async def step_up(present: SomebodyPresent, body: AnswerBody) -> None:
        """A passkey was shown again: approvals and changes of staff go through for some minutes."""
        await sign_in.step_up(present.session, body.flow, body.answer)

    @routes.get("/me/passkeys")
    async def own_passkeys(present: SomebodyPresent) -> list[PasskeyCard]:
        """One's own passkeys."""
        found = await sign_in.passkeys(present.member)
        return [
            PasskeyCard(bytes_to_base64url(key.credential), key.label, key.created_at, key.last_used_at)
            for key in found
        ]

    @routes.post("/me/passkeys/options")
    async def register_options(present: SomebodyPresent) -> Asked:
        """Begin to register another passkey."""
        return await sign_in.ask_register(present.session, present.member)

    @routes.post("/me/passkeys", status_code=201)
    async def register(present: SomebodyPresent, body: RegisterBody) -> None:
        """Register another passkey."""
        await sign_in.register(present.session, body.flow, body.answer, body.label)

    @routes.delete("/me/passkeys/{credential}", status_code=204)
    async def remove(present: SomebodyPresent, credential: str) -> None:
        """Take one of one's own passkeys away."""
        try:
            raw = base64url_to_bytes(credential)
        except ValueError as fault:
            raise InputInvalid("that is no passkey's id") from fault
        await sign_in.remove_passkey(present.session, present.member, raw)


def _welcome(request: Request, response: Response, signed: SignedIn) -> Welcome:
    response.set_cookie(
        cookie_name(request),
        signed.cookie,
        max_age=ABSOLUTE_S,
        path="/",
        httponly=True,
        secure=request.url.scheme == "https",
        samesite="strict",
    )
    return Welcome(signed.member.staff, signed.member.name, signed.member.role)
