"""Files: stations fetch and bring them by one-time URLs, staff list, load and remove them.

An address is its own proof, so it wants no other credentials; if a station sends its Basic credentials all the same,
the name in them must be the address's station.
"""

from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field, StringConstraints
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, Response

from sunpile.basics.errors import InputInvalid
from sunpile.chargers.access import credentials
from sunpile.fleet.files import Files, StoredFile
from sunpile.people.api.access import signed
from sunpile.people.api.bodies import Body, UnixTime
from sunpile.people.api.staff import Configurer, Operator, Reader

BOUNDARY_MAX = 70


class LogBody(Body):
    """Which log to bring."""

    kind: Literal["DiagnosticsLog", "SecurityLog", "DataCollectorLog"] = "DiagnosticsLog"
    oldest: UnixTime | None = None
    latest: UnixTime | None = None
    by: Literal["GetLog", "GetDiagnostics"] = Field(
        default="GetLog", description="GetDiagnostics for a station of OCPP 1.6 without the security whitepaper"
    )


def router(files: Files) -> APIRouter:
    """Routes over the service."""
    routes = APIRouter(tags=["files"])
    _stations(routes, files)
    _staff(routes, files)
    return routes


def _stations(routes: APIRouter, files: Files) -> None:
    guard = [Depends(signed)]

    @routes.get("/files/down/{token}", dependencies=guard)
    @routes.head("/files/down/{token}", dependencies=guard)
    @routes.get("/files/down/{token}/{name}", dependencies=guard)
    @routes.head("/files/down/{token}/{name}", dependencies=guard)
    async def down(request: Request, token: str) -> FileResponse:
        """A station fetches a file: once, though it may go on in the middle (Range) of what broke off."""
        resumes = _resumes(request.headers.get("range", ""))
        file, path = await files.fetch(token, _user(request), resumes, peek=request.method == "HEAD")
        return _served(file, str(path))

    @routes.put("/files/up/{token}", status_code=201, dependencies=guard)
    @routes.post("/files/up/{token}", status_code=201, dependencies=guard)
    @routes.put("/files/up/{token}/{name:path}", status_code=201, dependencies=guard)
    @routes.post("/files/up/{token}/{name:path}", status_code=201, dependencies=guard)
    async def up(request: Request, token: str, name: str = "") -> Response:
        """A station brings a file: as the body, or as the first file of a form."""
        stream = whole(request.stream())
        await files.bring(token, _user(request), stream, name, _boundary(request.headers.get("content-type", "")))
        return Response(status_code=201)


def _staff(routes: APIRouter, files: Files) -> None:
    @routes.post("/api/stations/{station}/logs", status_code=202)
    async def ask(scope: Operator, station: str, body: LogBody) -> dict[str, str]:
        """Have a station bring a log into our own store."""
        return {"run": await files.ask_log(scope, station, body.kind, body.oldest, body.latest, body.by)}

    @routes.get("/api/files")
    async def listing(
        scope: Reader,
        kind: Annotated[str, Query(max_length=16)] = "",
        station: Annotated[str, Query(max_length=48)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> list[StoredFile]:
        """Files that are kept, newest first."""
        return list(await files.listing(scope, kind, station, limit))

    @routes.get("/api/files/{file}", response_class=FileResponse)
    async def load(scope: Reader, file: Annotated[str, StringConstraints(max_length=48)]) -> FileResponse:
        """The content of a file."""
        found, path = await files.open(scope, file)
        return _served(found, str(path))

    @routes.delete("/api/files/{file}", status_code=204)
    async def remove(scope: Configurer, file: str) -> None:
        """Forget a file."""
        await files.remove(scope, file)


def _served(file: StoredFile, path: str) -> FileResponse:
    # Never as a page: whatever a station brought is only ever saved.
    return FileResponse(path, media_type="application/octet-stream", filename=file.name)


def _user(request: Request) -> str | None:
    given = credentials(request.headers.get("authorization"))
    return None if given is None else given[0]


def _resumes(wanted: str) -> bool:
    """True if a Range header asks for what does not begin at the first byte."""
    begin = wanted.removeprefix("bytes=").partition("-")[0]
    return wanted.startswith("bytes=") and begin.isdigit() and int(begin) > 0


def _boundary(content_type: str) -> str | None:
    """Boundary of a multipart form; None if it is none."""
    kind, *parameters = content_type.split(";")
    if kind.strip().lower() != "multipart/form-data":
        return None
    for parameter in parameters:
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "boundary" and 0 < len(value.strip('"')) <= BOUNDARY_MAX:
            return value.strip('"')
    return ""


async def whole(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A body as it comes.

    Raises
    ------
    InputInvalid
        if it breaks off.
    """
    try:
        async for chunk in stream:
            yield chunk
    except ClientDisconnect:
        raise InputInvalid("the file broke off; nothing of it was kept") from None
