"""Operations for staff: the catalogue, runs over many stations, one station at a time.

A run's answer comes at once (202); how it goes on is told by `GET /api/runs/{run}` and by the live feed. With an
`Idempotency-Key` the same wish again is answered with the same run.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from pydantic import Field, StringConstraints, model_validator

from sunpile.fleet import run_model
from sunpile.fleet.catalogue import CATALOGUE, GROUPS, Operation, operation_named, schema, shown
from sunpile.fleet.examples import example, versions
from sunpile.fleet.run_ports import Filter, Selection
from sunpile.fleet.runner import ROWS_MAX, Runner, options_of
from sunpile.people.api.bodies import Body, StationText
from sunpile.people.api.staff import Approver, Operator, Reader

Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=128)]
Json = dict[str, Any]
Word = Annotated[str, StringConstraints(max_length=64)]
Limit = Annotated[int, Query(ge=1, le=500)]


class FilterBody(Body):
    """Stations by what is known of them; nothing named means all."""

    vendor: Word | None = None
    model: Word | None = None
    firmware: Word | None = None
    version: Word | None = None
    site: Word | None = None
    tag: Word | None = None


class RunBody(Body):
    """What to ask of whom, and how to go about it."""

    stations: Annotated[list[StationText], Field(min_length=1, max_length=50_000)] | None = None
    filter: FilterBody | None = None
    arguments: Json = Field(default_factory=dict[str, Any])
    options: Json = Field(default_factory=dict[str, Any])

    @model_validator(mode="after")
    def one_of_both(self) -> "RunBody":
        """Named stations, or a filter."""
        if (self.stations is None) == (self.filter is None):
            raise ValueError("give either stations or a filter ({} for all)")
        return self

    def selection(self) -> Selection:
        """Whom."""
        if self.filter is not None:
            return Selection(filter=Filter(**self.filter.model_dump()))
        return Selection(tuple(self.stations or ()))


class AskBody(Body):
    """What to ask one station."""

    arguments: Json = Field(default_factory=dict[str, Any])
    wait_s: Annotated[int, Field(ge=0, le=300)] = 60


def described(operation: Operation) -> Json:
    """An operation as forms and clients read it."""
    return {
        "name": operation.name,
        "title": operation.title,
        "title_zh": operation.title_zh,
        "group": operation.group,
        "group_title": GROUPS[operation.group][0],
        "group_title_zh": GROUPS[operation.group][1],
        "permission": operation.permission,
        "weight": operation.weight,
        "long": operation.ends,
        "numbered": operation.numbered,
        "versions": list(versions(operation.name)),
        "arguments": schema(operation.name),
        "example": example(operation.name),
    }


def run_shown(header: run_model.Header) -> Json:
    """A run as staff see it: without passwords."""
    operation = operation_named(header.operation)
    record = {name: getattr(header, name) for name in run_model.Header.__slots__ if name not in ("number", "tenant")}
    return record | {
        "title": operation.title,
        "title_zh": operation.title_zh,
        "arguments": shown(header.arguments),
        "options": asdict(header.options),
    }


def item_shown(item: run_model.Item) -> Json:
    """One station of a run."""
    return asdict(item)


def router(runner: Runner) -> APIRouter:
    """Routes over `runner`."""
    routes = APIRouter(prefix="/api", tags=["operations"])
    _catalogue(routes)
    _starting(routes, runner)
    _looking(routes, runner)
    _deciding(routes, runner)
    return routes


def _catalogue(routes: APIRouter) -> None:
    @routes.get("/operations")
    async def operations(scope: Reader) -> list[Json]:
        """Every operation with its titles, weight, versions and the JSON schema of its arguments."""
        return [
            described(operation) | {"allowed": operation.permission in scope.permissions} for operation in CATALOGUE
        ]

    @routes.get("/operations/{name}")
    async def operation(_scope: Reader, name: str) -> Json:
        """One operation."""
        return described(operation_named(name))


def _starting(routes: APIRouter, runner: Runner) -> None:
    @routes.post("/operations/{name}", status_code=202)
    async def start(scope: Operator, name: str, body: RunBody, key: Key = None) -> Json:
        """Start a run over stations; where much is at stake it waits for a second person."""
        header = await runner.start(scope, name, body.arguments, body.selection(), options_of(body.options), key)
        return run_shown(header)

    @routes.post("/stations/{station}/operations/{name}")
    async def ask(scope: Operator, station: StationText, name: str, body: AskBody, key: Key = None) -> Json:
        """Ask one station and wait for its answer, or for the end of a long command, at most `wait_s`."""
        header, item = await runner.ask(scope, station, name, body.arguments, body.wait_s, key)
        rows = list(await runner.rows(scope, header.run, station))
        return item_shown(item) | {"run": header.run, "run_state": header.state, "report": rows}


def _looking(routes: APIRouter, runner: Runner) -> None:
    @routes.get("/runs")
    async def runs(
        scope: Reader,
        limit: Limit = 50,
        before: Annotated[int | None, Query(ge=0)] = None,
        fleet: bool = False,
    ) -> list[Json]:
        """Runs, newest first; `fleet` leaves out those over one station."""
        return [run_shown(header) for header in await runner.headers(scope, limit, before, fleet)]

    @routes.get("/runs/{run}")
    async def run(
        scope: Reader,
        run: str,
        state: Annotated[str | None, Query(max_length=16)] = None,
        after: Annotated[str, Query(max_length=48)] = "",
        limit: Limit = 100,
    ) -> Json:
        """A run and a page of its stations, in order of identity, after that of `after`."""
        header = await runner.header(scope, run)
        items = await runner.items(scope, run, state, after, limit)
        following = items[-1].station if len(items) == limit else None
        return run_shown(header) | {"items": [item_shown(item) for item in items], "next": following}

    @routes.get("/runs/{run}/stations/{station}")
    async def item(
        scope: Reader, run: str, station: StationText, limit: Annotated[int, Query(ge=1, le=ROWS_MAX)] = ROWS_MAX
    ) -> Mapping[str, Any]:
        """One station of a run, with the rows of its report."""
        found = await runner.item(scope, run, station)
        return item_shown(found) | {"report": list(await runner.rows(scope, run, station, limit))}


def _deciding(routes: APIRouter, runner: Runner) -> None:
    @routes.post("/runs/{run}/begin", status_code=202)
    async def begin(scope: Operator, run: str) -> Json:
        """Carry a draft out."""
        return run_shown(await runner.begin(scope, run))

    @routes.post("/runs/{run}/approve", status_code=202)
    async def approve(scope: Approver, run: str) -> Json:
        """Give the second yes; never whoever started it."""
        return run_shown(await runner.approve(scope, run))

    @routes.post("/runs/{run}/cancel", status_code=202)
    async def cancel(scope: Operator, run: str) -> Json:
        """Ask no further station."""
        return run_shown(await runner.cancel(scope, run))

    @routes.post("/runs/{run}/retry", status_code=202)
    async def retry(scope: Operator, run: str) -> Json:
        """Ask those again that failed or were not reached."""
        return run_shown(await runner.retry(scope, run))
