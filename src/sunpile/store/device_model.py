"""What stations said of their settings, and templates, by tenant."""

import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Select, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from sunpile.basics.errors import Conflict, NotFound
from sunpile.basics.scope import Scope
from sunpile.chargers.commands import VariableValue
from sunpile.fleet.cards import StationCard
from sunpile.fleet.device_model import Variable, VariableKey, as_json
from sunpile.fleet.templates import Template, TemplateSelection
from sunpile.store.database import Database
from sunpile.store.scoped import own_station, scoped
from sunpile.store.tables import stations
from sunpile.store.upkeep_tables import config_templates, device_variables

log = logging.getLogger(__name__)
VARIABLES_MAX = 20_000
"""A station that tells of more is broken, or an attack."""
_KEYS = VariableKey._fields
_VALUES: TypeAdapter[tuple[VariableValue, ...]] = TypeAdapter(tuple[VariableValue, ...])


class DeviceModelStore:
    """`fleet.configuration.DeviceModels` on the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, station: str, variables: Sequence[Variable]) -> None:
        """Keep what a station said; an answer that does not say mutability or limits leaves what is known of them."""

        def work(connection: Connection) -> None:
            count = select(func.count()).where(device_variables.c.station == station)
            if (connection.scalar(count) or 0) > VARIABLES_MAX:
                log.warning("station %s tells of more than %d variables: no more are kept", station, VARIABLES_MAX)
                return
            for variable in variables:
                _keep(connection, station, variable)

        if variables:
            await self._database.write(work)

    async def of_station(self, scope: Scope, station: str) -> Sequence[Variable]:
        """What a station of the tenant last said. Raises `NotFound`."""

        def work(connection: Connection) -> list[Variable]:
            own_station(connection, scope, station)
            query = select(device_variables).where(device_variables.c.station == station)
            return [_variable(row) for row in connection.execute(query.order_by(*_columns())).mappings()]

        return await self._database.read(work)

    async def of_all(self, scope: Scope, names: Sequence[str]) -> dict[str, dict[VariableKey, Variable]]:
        """Variables with one of these names, by station, of all the tenant's stations."""
        query = scoped(device_variables, scope).where(device_variables.c.variable.in_(sorted(set(names))))

        def work(connection: Connection) -> dict[str, dict[VariableKey, Variable]]:
            held: defaultdict[str, dict[VariableKey, Variable]] = defaultdict(dict)
            for row in connection.execute(query).mappings():
                variable = _variable(row)
                held[row["station"]][variable.key] = variable
            return held

        return await self._database.read(work)

    async def kinds(self, scope: Scope) -> Sequence[StationCard]:
        """Every station of the tenant with what a template selects by."""
        query = _kinds(scope).order_by(stations.c.station)
        return await self._database.read(lambda connection: [_kind(row) for row in connection.execute(query)])

    async def kind(self, scope: Scope, station: str) -> StationCard:
        """One of them. Raises `NotFound`."""
        query = _kinds(scope).where(stations.c.station == station)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            raise NotFound(f"there is no station {station}")
        return _kind(row)

    # -- templates ------------------------------------------------------------------------------------------------

    async def tenants(self) -> Sequence[str]:
        """Tenants that have templates."""
        query = select(config_templates.c.tenant).distinct()
        return await self._database.read(lambda connection: list(connection.scalars(query)))

    async def templates(self, scope: Scope) -> Sequence[Template]:
        """All of the tenant's, by name."""
        query = scoped(config_templates, scope).order_by(config_templates.c.name)
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [_template(row) for row in rows]

    async def template(self, scope: Scope, template: str) -> Template:
        """One of the tenant's. Raises `NotFound`."""
        query = scoped(config_templates, scope).where(config_templates.c.template == template)
        row = await self._database.read(lambda connection: connection.execute(query).mappings().first())
        if row is None:
            raise NotFound(f"there is no template {template}")
        return _template(row)

    async def save_template(self, scope: Scope, template: Template) -> None:
        """Keep a new or changed one. Raises `Conflict` if another has its name, `NotFound` for a foreign station."""
        table = config_templates

        def work(connection: Connection) -> None:
            for station in template.stations:
                own_station(connection, scope, station)
            same = scoped(table, scope, table.c.template).where(table.c.name == template.name)
            if connection.execute(same.where(table.c.template != template.template)).first():
                raise Conflict(f"there is a template {template.name} already")
            row = {
                "name": template.name,
                "selection": json.dumps(asdict(template.selection)),
                "wanted": _VALUES.dump_json(template.values).decode(),
                "stations": json.dumps(list(template.stations)),
                "updated_at": template.updated_at,
            }
            mine = (table.c.template == template.template) & (table.c.tenant == scope.tenant)
            if connection.execute(table.update().where(mine).values(row)).rowcount == 0:
                connection.execute(table.insert().values(row | {"template": template.template, "tenant": scope.tenant}))

        await self._database.write(work)

    async def remove_template(self, scope: Scope, template: str) -> None:
        """Forget one. Raises `NotFound`."""
        table = config_templates
        statement = delete(table).where(table.c.template == template, table.c.tenant == scope.tenant)
        if await self._database.write(lambda connection: connection.execute(statement).rowcount) == 0:
            raise NotFound(f"there is no template {template}")


def _kinds(scope: Scope) -> Select[Any]:
    table = stations.c
    return scoped(stations, scope, table.station, table.vendor, table.model, table.firmware, table.ocpp_version)


def _kind(row: Any) -> StationCard:
    return StationCard(row.station, vendor=row.vendor, model=row.model, firmware=row.firmware, version=row.ocpp_version)


def _columns() -> list[Any]:
    return [device_variables.c[name] for name in _KEYS]


def _keep(connection: Connection, station: str, variable: Variable) -> None:
    said: dict[str, Any] = {"value": variable.value, "at": variable.at}
    if variable.mutability:
        said["mutability"] = variable.mutability
    if variable.characteristics:
        said["characteristics"] = as_json(variable.characteristics)
    module = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = module.insert(device_variables).values(station=station, **variable.key._asdict(), **said)
    connection.execute(row.on_conflict_do_update(index_elements=["station", *_KEYS], set_=said))


def _variable(row: Any) -> Variable:
    key = VariableKey(*(row[name] for name in _KEYS))
    characteristics = json.loads(row["characteristics"]) if row["characteristics"] else None
    return Variable(key, row["value"], row["mutability"], characteristics, row["at"])


def _template(row: Any) -> Template:
    return Template(
        row["template"],
        row["name"],
        TemplateSelection(**json.loads(row["selection"])),
        tuple(json.loads(row["stations"])),
        _VALUES.validate_json(row["wanted"]),
        row["updated_at"],
    )
