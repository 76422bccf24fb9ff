"""Configuration for staff: what a station has, templates, drift, and applying a template."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from sunpile.chargers.commands import VariableValue
from sunpile.fleet.configuration import Configuration
from sunpile.fleet.device_model import VariableView, view_of
from sunpile.fleet.templates import Drift, Template, TemplateSelection
from sunpile.people.api.bodies import Body, StationText
from sunpile.people.api.staff import Configurer, Operator, Reader

Word = Annotated[str, StringConstraints(max_length=64)]


class SelectionBody(Body):
    """Which stations a template is for; what is empty does not matter."""

    vendor: Word = ""
    model: Word = ""
    firmware: Annotated[Word, Field(description="`1.4*` is all that begin with 1.4")] = ""
    version: Word = ""


class TemplateBody(Body):
    """A template."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    selection: SelectionBody = SelectionBody()
    stations: list[StationText] = Field(default_factory=list[str], max_length=10_000)
    values: list[VariableValue] = Field(min_length=1, max_length=500)
    reason: Annotated[str, StringConstraints(max_length=500)] = ""

    def template(self, name: str) -> Template:
        """The record, with this id."""
        selection = TemplateSelection(**self.selection.model_dump())
        return Template(name, self.name, selection, tuple(self.stations), tuple(self.values))


class ApplyBody(Body):
    """To whom and how."""

    stations: list[StationText] = Field(default_factory=list[str], max_length=10_000)
    options: dict[str, Any] = Field(default_factory=dict[str, Any], description="options of a run")


def router(service: Configuration) -> APIRouter:
    """Routes over the service."""
    routes = APIRouter(prefix="/api", tags=["configuration"])
    _stations(routes, service)
    _templates(routes, service)
    return routes


def _stations(routes: APIRouter, service: Configuration) -> None:
    @routes.get("/stations/{station}/variables")
    async def variables(
        scope: Reader, station: str, text: Annotated[str, Query(max_length=64)] = ""
    ) -> list[VariableView]:
        """What a station last told of its settings, and when."""
        found = await service.variables(scope, station)
        return [view_of(one) for one in found if text.casefold() in one.key.label.casefold()]

    @routes.post("/stations/{station}/variables/refresh", status_code=202)
    async def refresh(scope: Operator, station: str) -> dict[str, str]:
        """Have a station tell everything again."""
        return {"run": await service.refresh(scope, station)}

    @routes.get("/stations/{station}/drift")
    async def drift_of(scope: Reader, station: str) -> list[Drift]:
        """A station beside every template that is for it."""
        return await service.drift_of(scope, station)


def _templates(routes: APIRouter, service: Configuration) -> None:
    @routes.get("/templates")
    async def listing(scope: Reader) -> list[Template]:
        """All templates."""
        return list(await service.templates(scope))

    @routes.post("/templates", status_code=201)
    async def add(scope: Configurer, body: TemplateBody) -> Template:
        """A new template."""
        return await service.save(scope, body.template(""), body.reason)

    @routes.put("/templates/{template}")
    async def change(scope: Configurer, template: str, body: TemplateBody) -> Template:
        """Change a template; stations are not touched before it is applied."""
        return await service.save(scope, body.template(template), body.reason)

    @routes.delete("/templates/{template}", status_code=204)
    async def remove(scope: Configurer, template: str) -> None:
        """Forget a template; what stations have stays."""
        await service.remove(scope, template)

    @routes.get("/templates/{template}/drift")
    async def drift(scope: Reader, template: str) -> list[Drift]:
        """Every station the template is for beside it, those that differ most first."""
        return await service.drift(scope, template)

    @routes.post("/templates/{template}/apply", status_code=202)
    async def apply(scope: Configurer, template: str, body: ApplyBody) -> dict[str, list[str]]:
        """Send what differs or is unread."""
        return {"runs": await service.apply(scope, template, body.stations, body.options)}
