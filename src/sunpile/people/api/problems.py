"""Every error leaves as `application/problem+json` (RFC 9457): the error tree, bad form, unknown paths, accidents."""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sunpile.basics.errors import SunpileError

log = logging.getLogger(__name__)
TYPE_PREFIX = "urn:sunpile:problem:"


def problem(
    status: int,
    code: str,
    detail: str,
    facts: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document. `facts` become members of their own; what JSON does not know becomes text."""
    body: dict[str, object] = {key: value for key, value in (facts or {}).items() if value is not None}
    body |= {"type": TYPE_PREFIX + code, "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Response(json.dumps(body, default=str), status, headers, media_type="application/problem+json")


def of_error(error: SunpileError) -> Response:
    """The problem document of an expected error."""
    headers = {"WWW-Authenticate": 'Bearer realm="sunpile"'} if error.status == 401 else None
    if error.status == 429 and "retry_after" in error.facts:
        headers = {"Retry-After": str(error.facts["retry_after"])}
    return problem(error.status, error.code, error.detail, error.facts, headers)


def of_validation(error: RequestValidationError) -> Response:
    """The problem document of a body or query of the wrong form: each fault with its place."""
    found = cast("list[dict[str, Any]]", list(error.errors()))
    faults = [{"at": ".".join(str(part) for part in fault["loc"]), "fault": str(fault["msg"])} for fault in found]
    first = faults[0]
    return problem(400, "input-invalid", f"{first['at']}: {first['fault']}", {"faults": faults[:20]})


def of_http(error: HTTPException) -> Response:
    """The problem document of a path or method that does not exist."""
    code = HTTPStatus(error.status_code).name.lower().replace("_", "-")
    return problem(error.status_code, code, str(error.detail), None, error.headers)


def of_accident(error: Exception) -> Response:
    """The problem document of a fault of ours: logged whole, told in one sentence."""
    log.error("unexpected error", exc_info=error)
    return problem(500, "internal", "something went wrong in this node; its log says what")


def install(app: FastAPI) -> None:
    """Answer errors of `app` this way."""

    async def on_error(_request: Request, error: Exception) -> Response:
        if isinstance(error, SunpileError):
            return of_error(error)
        if isinstance(error, RequestValidationError):
            return of_validation(error)
        if isinstance(error, HTTPException):
            return of_http(error)
        return of_accident(error)

    for kind in (SunpileError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, on_error)
