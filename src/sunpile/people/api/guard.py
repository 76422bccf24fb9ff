"""The outermost layer: headers that keep a browser strict, a limit on bodies, and no traceback ever leaves."""

import time
from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sunpile.people.api import problems
from sunpile.people.api.metrics import Metrics

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


UPLOADS, IMAGES = "/files/up/", "/api/firmware/images"
"""What takes files: below the first, and just the second. They go to the disk as they come, and what takes them counts.
A body of JSON is read whole before anybody is asked who he is, so nothing else may be without a limit."""


class BodyTooLarge(Exception):
    """The body went past the limit while it was read."""


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, body_limit: int, metrics: Metrics) -> None:
        self.app = app
        self.body_limit = body_limit
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status, seen = time.perf_counter(), 0, 0
        streamed = scope["path"] == IMAGES or scope["path"].startswith(UPLOADS)

        async def guarded_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith(("/api", "/rpc", "/metrics")):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        async def guarded_receive() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.body_limit and not streamed:
                raise BodyTooLarge
            return message

        try:
            if _declared_length(scope["headers"]) > self.body_limit and not streamed:
                raise BodyTooLarge
            await self.app(scope, guarded_receive, guarded_send)
        except BodyTooLarge:
            if not status:
                detail = f"the body is larger than {self.body_limit} bytes"
                await problems.problem(413, "body-too-large", detail)(scope, receive, guarded_send)
        except Exception as error:
            if status:
                raise
            await problems.of_accident(error)(scope, receive, guarded_send)
        finally:
            self.metrics.request(scope, status or 500, time.perf_counter() - started)


def _declared_length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    for name, value in headers:
        if name == b"content-length":
            return int(value) if value.isdigit() else 1 << 62
    return 0
