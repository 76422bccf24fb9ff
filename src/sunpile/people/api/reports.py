"""Reports for staff: uptime, success, and those that make themselves."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import JSONResponse, Response

from sunpile.fleet.reports import Reports, Schedule, as_text
from sunpile.people.api.bodies import Body
from sunpile.people.api.staff import Configurer, Reader

When = Annotated[int, Query(ge=0, lt=1 << 62)]


class ScheduleBody(Body):
    """A report that makes itself."""

    report: str
    form: Literal["json", "csv"] = Field("csv", alias="format")
    cadence: Literal["daily", "weekly"] = "weekly"
    hour: Annotated[int, Field(ge=0, le=23)] = 6


def router(reports: Reports) -> APIRouter:
    """Routes over the service."""
    routes = APIRouter(prefix="/api", tags=["reports"])

    @routes.get("/reports")
    async def names(scope: Reader) -> list[str]:
        """Which reports there are."""
        return reports.names

    @routes.get("/reports/{report}")
    async def report(
        scope: Reader,
        report: str,
        since: When,
        until: When,
        form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
    ) -> Response:
        """A report over a period, as JSON or CSV."""
        rows: list[dict[str, Any]] = await reports.rows(scope, report, since, until)
        if form == "json":
            return JSONResponse(rows)
        headers = {"Content-Disposition": 'attachment; filename="report.csv"'}
        return Response(as_text(rows, "csv"), media_type="text/csv; charset=utf-8", headers=headers)

    @routes.get("/report-schedules")
    async def schedules(scope: Reader) -> list[Schedule]:
        """Reports that make themselves; what they made is under /api/files?kind=report."""
        return list(await reports.schedules(scope))

    @routes.post("/report-schedules", status_code=201)
    async def plan(scope: Configurer, body: ScheduleBody) -> Schedule:
        """Have a report make itself."""
        return await reports.plan(scope, body.report, body.form, body.cadence, body.hour)

    @routes.delete("/report-schedules/{schedule}", status_code=204)
    async def remove(scope: Configurer, schedule: str) -> None:
        """Make it no more."""
        await reports.remove(scope, schedule)

    return routes
