"""Configuration of stations: what each told, what templates want, and bringing the two together."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol

from sunpile.basics.audit import Audit
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.chargers.commands import Command, CommandResult
from sunpile.chargers.notices import Notice, ReportPart
from sunpile.fleet.alerts import Finding
from sunpile.fleet.cards import StationCard
from sunpile.fleet.catalogue import refuse_secrets
from sunpile.fleet.device_model import Variable, VariableKey, newest, of_answer, of_report
from sunpile.fleet.templates import Drift, Template, batches, covered, drift, wrong_values
from sunpile.fleet.upkeep_ports import Runs


class DeviceModels(Protocol):
    """Where it is kept; what takes a scope sees its tenant only."""

    async def keep(self, station: str, variables: Sequence[Variable]) -> None: ...
    async def of_station(self, scope: Scope, station: str) -> Sequence[Variable]: ...
    async def of_all(self, scope: Scope, names: Sequence[str]) -> Mapping[str, Mapping[VariableKey, Variable]]: ...
    async def kinds(self, scope: Scope) -> Sequence[StationCard]: ...
    async def kind(self, scope: Scope, station: str) -> StationCard: ...
    async def tenants(self) -> Sequence[str]:
        """Those that have templates."""
        ...

    async def templates(self, scope: Scope) -> Sequence[Template]: ...
    async def template(self, scope: Scope, template: str) -> Template: ...
    async def save_template(self, scope: Scope, template: Template) -> None: ...
    async def remove_template(self, scope: Scope, template: str) -> None: ...


class Configuration:
    """The service."""

    def __init__(self, models: DeviceModels, runs: Runs, audit: Audit, clock: Clock) -> None:
        self._models, self._runs, self._audit, self._clock = models, runs, audit, clock

    # -- what stations say ----------------------------------------------------------------------------------------

    async def told(self, notice: Notice) -> None:
        """A part of a report of variables is kept."""
        if isinstance(notice, ReportPart) and notice.report == "variables":
            await self._models.keep(notice.station, of_report(notice, self._clock.now()))

    async def answered(self, station: str, command: Command, result: CommandResult) -> None:
        """An answer to GetVariables or SetVariables is kept."""
        await self._models.keep(station, of_answer(command, result, self._clock.now()))

    async def variables(self, scope: Scope, station: str) -> Sequence[Variable]:
        """All a station has told."""
        return await self._models.of_station(scope, station)

    async def refresh(self, scope: Scope, station: str) -> str:
        """Have a station tell everything again; the run's id."""
        # 1.6 tells all keys if none is named; 2.x sends a report.
        if (await self._models.kind(scope, station)).version == "1.6":
            return await self._runs.start(scope, "get-variables", {"names": []}, [station])
        return await self._runs.start(scope, "get-report", {}, [station])

    # -- templates ------------------------------------------------------------------------------------------------

    async def templates(self, scope: Scope) -> Sequence[Template]:
        """All of the tenant's."""
        return await self._models.templates(scope)

    async def save(self, scope: Scope, template: Template, reason: str = "") -> Template:
        """Keep a new one (empty id), or a changed one.

        Raises
        ------
        NotFound
            if it has an id nobody knows, or names a station nobody knows.
        Conflict
            if another has its name.
        InputInvalid
            if it would give every station one secret.
        """
        scope.need("configure")
        refuse_secrets(template.values)
        before = asdict(await self._models.template(scope, template.template)) if template.template else None
        kept = replace(template, template=template.template or secrets.token_hex(8), updated_at=self._clock.now())
        await self._models.save_template(scope, kept)
        await self._audit.record(scope, "template.save", f"template:{kept.template}", before, asdict(kept), reason)
        return kept

    async def remove(self, scope: Scope, template: str) -> None:
        """Forget one; what stations have stays.

        Raises
        ------
        NotFound
            if there is none.
        """
        scope.need("configure")
        before = asdict(await self._models.template(scope, template))
        await self._models.remove_template(scope, template)
        await self._audit.record(scope, "template.remove", f"template:{template}", before, None)

    async def drift(self, scope: Scope, template: str) -> list[Drift]:
        """Every station a template is for beside it, those that differ most first.

        Raises
        ------
        NotFound
            if there is no such template.
        """
        wanted, cards, held = await self._look(scope, template)
        found = [drift(wanted, card.station, held.get(card.station, {})) for card in cards]
        return sorted(found, key=lambda one: (-one.differs, -one.unread, one.station))

    async def drift_of(self, scope: Scope, station: str) -> list[Drift]:
        """A station beside every template that is for it."""
        held = newest(await self._models.of_station(scope, station))
        card = await self._models.kind(scope, station)
        templates = await self._models.templates(scope)
        return [drift(template, station, held) for template in templates if template.covers(card)]

    async def findings(self) -> list[Finding]:
        """Stations of all tenants that differ from a template, for alerts."""
        found: list[Finding] = []
        for tenant in await self._models.tenants():
            scope = Scope(tenant, "node", frozenset(("read",)))
            for template in await self._models.templates(scope):
                for one in await self.drift(scope, template.template):
                    if one.differs:
                        words = f"{one.differs} settings differ from template {template.name}"
                        found.append(Finding(tenant, one.station, "drift", template.name, one.differs, words))
        return found

    async def apply(
        self, scope: Scope, template: str, stations: Sequence[str] = (), options: Mapping[str, Any] | None = None
    ) -> list[str]:
        """Send what differs or is unread to the stations a template is for (or to these of them); the runs' ids.

        Raises
        ------
        NotFound
            if there is no such template.
        """
        scope.need("configure")
        wanted, cards, held = await self._look(scope, template)
        names = [card.station for card in cards if not stations or card.station in stations]
        differing = {name: wrong_values(wanted, held.get(name, {})) for name in names}
        runs: list[str] = []
        for command, group in batches(differing):
            runs.append(await self._runs.start(scope, "set-variables", asdict(command), group, options))
        return runs

    async def _look(
        self, scope: Scope, template: str
    ) -> tuple[Template, list[StationCard], Mapping[str, Mapping[VariableKey, Variable]]]:
        wanted = await self._models.template(scope, template)
        cards = covered(wanted, await self._models.kinds(scope))
        held = await self._models.of_all(scope, [value.name.variable for value in wanted.values])
        return wanted, cards, held
