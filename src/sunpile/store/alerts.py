"""Alerts, their rules, and maintenance windows, by tenant."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update

from sunpile.basics.errors import NotFound
from sunpile.basics.hashing import keccak256
from sunpile.basics.scope import Scope
from sunpile.fleet.alerts import Alert, Outcome, Rule
from sunpile.fleet.maintenance import Window
from sunpile.store.database import Database
from sunpile.store.scoped import own_station, scoped
from sunpile.store.tables import stations
from sunpile.store.upkeep_tables import alert_rules, alerts, maintenance_windows, station_cards

_ALERT = Alert.__slots__
_WINDOW = Window.__slots__


class AlertStore:
    """`fleet.alarm.AlertBook` on the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def alive(self) -> Sequence[Alert]:
        """All that are not closed, of all tenants."""
        query = select(*(alerts.c[name] for name in _ALERT)).where(alerts.c.state != "closed")
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Alert(*row) for row in rows]

    async def keep(self, outcome: Outcome) -> None:
        """Keep what follows."""

        def work(connection: Connection) -> None:
            for alert in outcome.save:
                row = asdict(alert)
                change = update(alerts).where(alerts.c.alert == alert.alert).values(row)
                if connection.execute(change).rowcount == 0:
                    connection.execute(insert(alerts).values(row))
            if outcome.drop:
                connection.execute(delete(alerts).where(alerts.c.alert.in_(outcome.drop)))

        if outcome.save or outcome.drop:
            await self._database.write(work)

    async def listing(self, scope: Scope, state: str, station: str, limit: int) -> Sequence[Alert]:
        """Alerts of the tenant, newest first; an empty state is all that need somebody."""
        query = scoped(alerts, scope, *(alerts.c[name] for name in _ALERT))
        query = query.where(alerts.c.state.in_((state,) if state else ("open", "acknowledged")))
        if station:
            query = query.where(alerts.c.station == station)
        query = query.order_by(alerts.c.opened_at.desc(), alerts.c.alert).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Alert(*row) for row in rows]

    async def of_station(self, scope: Scope, station: str) -> Sequence[dict[str, Any]]:
        """Open alerts of a station, for its page."""
        return [asdict(alert) for alert in await self.listing(scope, "", station, 50)]

    async def get(self, scope: Scope, alert: str) -> Alert:
        """One of the tenant's. Raises `NotFound`."""
        query = scoped(alerts, scope, *(alerts.c[name] for name in _ALERT)).where(
            alerts.c.alert == alert, alerts.c.state != "pending"
        )
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            raise NotFound(f"there is no alert {alert}")
        return Alert(*row)

    async def forget(self, before: int) -> int:
        """Forget closed ones older than `before` [Unix s]."""
        old = delete(alerts).where(alerts.c.state == "closed", alerts.c.closed_at < before)
        return await self._database.write(lambda connection: connection.execute(old).rowcount)

    # -- rules ----------------------------------------------------------------------------------------------------

    async def rules(self) -> dict[str, list[Rule]]:
        """What tenants have changed or added, by tenant."""
        rows = await self._database.read(
            lambda connection: connection.execute(select(alert_rules.c.tenant, alert_rules.c.body)).all()
        )
        found: dict[str, list[Rule]] = {}
        for row in rows:
            found.setdefault(row.tenant, []).append(Rule(**json.loads(row.body)))
        return found

    async def save_rule(self, scope: Scope, rule: Rule, at: int) -> None:
        """Keep a rule of the tenant."""
        name = _rule_key(scope, rule.rule)
        row = {"rule": name, "tenant": scope.tenant, "body": json.dumps(asdict(rule)), "updated_at": at}

        def work(connection: Connection) -> None:
            connection.execute(delete(alert_rules).where(alert_rules.c.rule == name))
            connection.execute(insert(alert_rules).values(row))

        await self._database.write(work)

    async def remove_rule(self, scope: Scope, rule: str) -> None:
        """Forget what the tenant changed of a rule; it is as it was at first. Raises `NotFound`."""
        statement = delete(alert_rules).where(alert_rules.c.rule == _rule_key(scope, rule))
        if await self._database.write(lambda connection: connection.execute(statement).rowcount) == 0:
            raise NotFound(f"rule {rule} has not been changed")

    # -- maintenance ----------------------------------------------------------------------------------------------

    async def add_window(self, scope: Scope, window: Window) -> None:
        """Keep a window. Raises `NotFound` for a foreign station."""

        def work(connection: Connection) -> None:
            if window.station:
                own_station(connection, scope, window.station)
            connection.execute(insert(maintenance_windows).values(asdict(window)))

        await self._database.write(work)

    async def windows(self, scope: Scope, since: int) -> Sequence[Window]:
        """Windows of the tenant that end after `since` [Unix s], the earliest first."""
        table = maintenance_windows
        query = scoped(table, scope, *(table.c[name] for name in _WINDOW)).where(table.c.ends > since)
        rows = await self._database.read(lambda connection: connection.execute(query.order_by(table.c.begins)).all())
        return [Window(*row) for row in rows]

    async def due_windows(self, now: int) -> Sequence[Window]:
        """Windows of all tenants that run, or should begin or end."""
        table = maintenance_windows
        due = or_(table.c.phase == "begun", (table.c.phase == "planned") & (table.c.begins <= now))
        query = select(*(table.c[name] for name in _WINDOW)).where(due)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Window(*row) for row in rows]

    async def save_window(self, window: Window) -> None:
        """Keep a change."""
        which = maintenance_windows.c.window == window.window
        change = update(maintenance_windows).where(which).values(asdict(window))
        await self._database.write(lambda connection: connection.execute(change))

    async def remove_window(self, scope: Scope, window: str) -> None:
        """Forget one that has not begun. Raises `NotFound`."""
        table = maintenance_windows
        which = (table.c.window == window) & (table.c.tenant == scope.tenant) & (table.c.phase == "planned")
        if await self._database.write(lambda connection: connection.execute(delete(table).where(which)).rowcount) == 0:
            raise NotFound(f"there is no planned maintenance {window}")

    async def stations_of(self, window: Window) -> Sequence[str]:
        """Stations a window is about."""
        if window.station:
            return [window.station]
        query = (
            select(stations.c.station)
            .join(station_cards, station_cards.c.station == stations.c.station)
            .where(stations.c.tenant == window.tenant, station_cards.c.site == window.site)
            .order_by(stations.c.station)
        )
        return await self._database.read(lambda connection: list(connection.scalars(query)))


def _rule_key(scope: Scope, rule: str) -> str:
    """The row of a tenant's rule; of a long name its hash, so that no two share a row."""
    name = f"{scope.tenant}/{rule}"
    return name if len(name) <= 48 else keccak256(name.encode()).hex()[:48]
