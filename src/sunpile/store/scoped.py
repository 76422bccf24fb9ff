"""The one place where rows are cut down to a tenant: every query that serves staff begins with `scoped`.

A table either has a `tenant` column of its own, or a `station` whose record says whose it is. A table with neither
cannot be asked on behalf of staff at all.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, Table, exists, select

from sunpile.basics.errors import NotFound
from sunpile.basics.scope import Scope
from sunpile.store.tables import stations


def of_tenant(source: FromClause, scope: Scope) -> ColumnElement[bool]:
    """The condition that a row of `source` belongs to the scope's tenant."""
    columns = source.c
    if "tenant" in columns:
        return columns.tenant == scope.tenant
    if "station" in columns:
        record = stations.alias("whose")
        return exists().where(record.c.station == columns.station, record.c.tenant == scope.tenant)
    raise TypeError(f"rows of {source.description} belong to no tenant")


def scoped(table: Table, scope: Scope, *columns: ColumnElement[Any]) -> Select[Any]:
    """SELECT `columns` (all, if none are named) FROM `table`, its rows of the scope's tenant only."""
    query = select(*columns).select_from(table) if columns else select(table)
    return query.where(of_tenant(table, scope))


def own_station(connection: Connection, scope: Scope, station: str) -> None:
    """Go on only if `station` is the tenant's.

    Raises
    ------
    NotFound
        if it is unknown or another tenant's: the answer is the same.
    """
    query = scoped(stations, scope, stations.c.station).where(stations.c.station == station)
    if connection.scalar(query) is None:
        raise NotFound(f"there is no station {station}")


def tenant_of(connection: Connection, station: str) -> str | None:
    """Whose a station is; None if it is unknown."""
    return connection.scalar(select(stations.c.tenant).where(stations.c.station == station))
