"""What was with stations: connections, statuses, what they told; and what is true of them now, for alerts."""

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, func, insert, select, update

from sunpile.basics.ids import StationId
from sunpile.basics.scope import Scope
from sunpile.chargers.events import StatusChanged
from sunpile.chargers.station import StationState
from sunpile.fleet.alerts import Finding
from sunpile.fleet.events import Told
from sunpile.fleet.success import Attempt
from sunpile.fleet.uptime import Span, StatusAt, joint
from sunpile.store.database import Database, insert_new
from sunpile.store.scoped import own_station, scoped
from sunpile.store.tables import connectors, facts, sessions, stations
from sunpile.store.upkeep_tables import (
    connection_spans,
    station_cards,
    station_deviations,
    station_events,
    status_history,
)

ALIVE = "upkeep.alive"
ALIVE_S = 60
"""How often the node notes that it is alive, if nothing else changes [s]."""
LOOK_BACK_S = 31 * 86_400
NAMES_AT_ONCE = 500
"""Stations named in one query: a statement takes only so many parameters."""


class History:
    """Connections, statuses and events of stations."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: dict[StationId, int] = {}
        self._alive_at = 0

    # -- connections ----------------------------------------------------------------------------------------------

    async def recover(self) -> None:
        """After a start: what was open ended when the node was last alive. For a node that has the store alone."""

        def work(connection: Connection) -> None:
            alive = connection.scalar(select(facts.c.value).where(facts.c.key == ALIVE))
            is_open = connection_spans.c.until.is_(None)
            ended = (
                func.max(connection_spans.c.since, int(alive or 0))
                if _lite(connection)
                else (func.greatest(connection_spans.c.since, int(alive or 0)))
            )
            connection.execute(update(connection_spans).where(is_open).values(until=ended))

        await self._database.write(work)

    async def look(self, states: Mapping[StationId, StationState], now: int) -> None:
        """Note who came and who went since the last look, and that the node is alive."""
        came: list[tuple[StationId, int]] = []
        went: list[StationId] = []
        for station, state in states.items():
            since = state.connected_at if state.connected else None
            if self._open.get(station) == since:
                continue
            if station in self._open:
                went.append(station)
            if since is not None:
                came.append((station, since))
        if not came and not went and now < self._alive_at + ALIVE_S:
            return
        self._alive_at = now

        def work(connection: Connection) -> None:
            table = connection_spans
            for station in went:
                again = next((since for name, since in came if name == station), now)
                which = (table.c.station == station) & table.c.until.is_(None)
                connection.execute(update(table).where(which).values(until=again))
            for station, since in came:
                connection.execute(insert_new(connection, table).values(station=station, since=since, until=None))
            connection.execute(delete(facts).where(facts.c.key == ALIVE))
            connection.execute(insert(facts).values(key=ALIVE, value=str(now)))

        await self._database.write(work)
        for station in went:
            self._open.pop(station, None)
        self._open.update(came)

    # -- statuses and events --------------------------------------------------------------------------------------

    async def status(self, event: StatusChanged, now: int) -> None:
        """Note a status; a time the pile cannot mean is ours."""
        at = event.at if now - 7 * 86_400 < event.at <= now + 60 else now
        code = event.error_code[:64] if event.error_code else None
        row = {"station": event.station, "evse": event.evse, "at": at, "status": event.status[:24], "error_code": code}
        await self._database.write(lambda connection: connection.execute(insert(status_history).values(row)))

    async def note(self, event: Told) -> None:
        """Keep what a station told."""
        row = {name: getattr(event, name) for name in event.__slots__}
        row |= {"detail": json.dumps(event.detail), "name": event.name[:160]}
        await self._database.write(lambda connection: connection.execute(insert(station_events).values(row)))

    async def events(self, scope: Scope, station: str, kind: str, limit: int, before: int | None) -> list[Told]:
        """What a station told, newest first. Raises `NotFound`."""
        table = station_events
        query = select(table).where(table.c.station == station)
        if kind:
            query = query.where(table.c.kind == kind)
        if before is not None:
            query = query.where(table.c.received_at < before)
        query = query.order_by(table.c.received_at.desc(), table.c.id.desc()).limit(limit)

        def work(connection: Connection) -> list[Told]:
            own_station(connection, scope, station)
            names = [name for name in Told.__slots__ if name != "detail"]
            rows = connection.execute(query).mappings()
            return [Told(**{name: row[name] for name in names}, detail=json.loads(row["detail"])) for row in rows]

        return await self._database.read(work)

    async def forget(self, before: int) -> int:
        """Forget what is older than `before` [Unix s]; the last status of each EVSE stays known to its connector."""
        old = (
            delete(station_events).where(station_events.c.received_at < before),
            delete(status_history).where(status_history.c.at < before),
            delete(connection_spans).where(connection_spans.c.until < before),
        )
        return await self._database.write(
            lambda connection: sum(connection.execute(statement).rowcount for statement in old)
        )

    # -- for reports ----------------------------------------------------------------------------------------------

    async def of_period(
        self, scope: Scope, period: Span
    ) -> Sequence[tuple[str, str, int, int, list[Span], list[StatusAt]]]:
        """(station, site, EVSE, registered at, connections, statuses) of every EVSE of the tenant."""
        return await self._database.read(lambda connection: _of_period(connection, scope, period))

    async def attempts(self, scope: Scope, period: Span) -> list[Attempt]:
        """Sessions of the tenant that ended in a period."""
        table = sessions.c
        query = (
            select(
                table.station, stations.c.vendor, stations.c.model, table.id_token, table.started_at, table.ended_at,
                table.wh, table.stop_reason, table.held_reason,
            )
            .join(stations, stations.c.station == table.station)
            .where(stations.c.tenant == scope.tenant, table.ended_at >= period.begin, table.ended_at < period.end)
        )  # fmt: skip
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [
            Attempt(
                row.station,
                " ".join(part for part in (row.vendor, row.model) if part) or "unknown",
                row.id_token or "",
                row.started_at,
                row.ended_at,
                row.wh,
                row.held_reason or row.stop_reason or "",
            )
            for row in rows
        ]

    # -- for alerts -----------------------------------------------------------------------------------------------

    async def findings(self, now: int) -> list[Finding]:
        """What is true of all tenants' stations: offline, faulted, many deviations."""
        return await self._database.read(lambda connection: _findings(connection, now))

    async def empty_sessions(self, since: int, now: int) -> list[Finding]:
        """EVSEs with a session that ended since then and gave nothing, with how many in a row."""
        return await self._database.read(lambda connection: _empty_sessions(connection, since, now))

    async def places(self, stations: Sequence[str]) -> dict[str, tuple[str, str, tuple[str, ...]]]:
        """(tenant, site, tags) of those of these stations that are known."""
        return await self._database.read(lambda connection: _places(connection, stations)) if stations else {}


def _lite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _of_period(
    connection: Connection, scope: Scope, period: Span
) -> list[tuple[str, str, int, int, list[Span], list[StatusAt]]]:
    spans: dict[str, list[Span]] = {}
    table = connection_spans.c
    query = scoped(connection_spans, scope, table.station, table.since, table.until).where(table.since < period.end)
    for row in connection.execute(query.where((table.until.is_(None)) | (table.until > period.begin))):
        spans.setdefault(row.station, []).append(Span(row.since, period.end if row.until is None else row.until))
    statuses: dict[tuple[str, int], list[StatusAt]] = {}
    history = status_history.c
    query = scoped(status_history, scope, history.station, history.evse, history.at, history.status)
    # The status at the period's begin is the last one before it; one that is older than this and still holds stands
    # with the connector.
    oldest = period.begin - LOOK_BACK_S
    query = query.where(history.at < period.end, history.at >= oldest).order_by(history.id)
    for row in connection.execute(query):
        statuses.setdefault((row.station, row.evse), []).append(StatusAt(row.at, row.status))
    last = scoped(
        connectors, scope, connectors.c.station, connectors.c.evse, connectors.c.status_at, connectors.c.status
    )
    for row in connection.execute(last.where(connectors.c.status_at < oldest)):
        statuses.setdefault((row.station, row.evse), []).append(StatusAt(row.status_at, row.status))
    rows = connection.execute(
        select(stations.c.station, station_cards.c.site, station_cards.c.created_at, connectors.c.evse)
        .join(connectors, connectors.c.station == stations.c.station)
        .outerjoin(station_cards, station_cards.c.station == stations.c.station)
        .where(stations.c.tenant == scope.tenant, connectors.c.evse > 0)
        .order_by(stations.c.station, connectors.c.evse)
    )
    return [
        (row.station, row.site or "", row.evse, row.created_at or 0, spans.get(row.station, []),
         joint(statuses.get((row.station, 0), []), statuses.get((row.station, row.evse), [])))
        for row in rows
    ]  # fmt: skip


def _places(connection: Connection, names: Sequence[str]) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    query = select(stations.c.station, stations.c.tenant, station_cards.c.site, station_cards.c.tags).outerjoin(
        station_cards, station_cards.c.station == stations.c.station
    )
    found: dict[str, tuple[str, str, tuple[str, ...]]] = {}
    for start in range(0, len(names), NAMES_AT_ONCE):
        some = stations.c.station.in_(names[start : start + NAMES_AT_ONCE])
        for row in connection.execute(query.where(some)):
            found[row.station] = (row.tenant, row.site or "", tuple(json.loads(row.tags or "[]")))
    return found


def _findings(connection: Connection, now: int) -> list[Finding]:
    found: list[tuple[str, str, str, int, str]] = []
    spans = connection_spans.c
    is_open = select(spans.station).where(spans.until.is_(None))
    last = select(spans.station, func.max(spans.until)).where(spans.station.not_in(is_open)).group_by(spans.station)
    for station, until in connection.execute(last):
        found.append((station, "offline", "", now - until, f"not connected since {until}"))
    table = connectors.c
    query = select(table.station, table.evse, table.error_code).where(table.status == "Faulted")
    for station, evse, code in connection.execute(query):
        found.append((station, "faulted", f"EVSE {evse}" if evse else "station", 0, code or "no error code"))
    counted = station_deviations.c
    query = select(counted.station, counted.deviation, counted.count).where(counted.last_at > now - 86_400)
    for station, deviation, count in connection.execute(query):
        found.append((station, "leniency", deviation, count, f"put up with {count} times"))
    places = _places(connection, sorted({one[0] for one in found}))
    return [
        Finding(places[station][0], station, kind, subject, value, detail, places[station][1], places[station][2])
        for station, kind, subject, value, detail in found
        if station in places
    ]


def _empty_sessions(connection: Connection, since: int, now: int) -> list[Finding]:
    table = sessions.c
    ended = select(table.station, table.evse).where(table.ended_at > since, table.ended_at <= now, table.wh <= 0)
    found: list[Finding] = []
    ended_at = connection.execute(ended.distinct()).all()
    places = _places(connection, sorted({station for station, _ in ended_at}))
    for station, evse in ended_at:
        here = (table.station == station) & (table.evse == evse)
        last = select(table.wh).where(here, table.ended_at <= now).order_by(table.ended_at.desc()).limit(20)
        row = 0
        for wh in connection.scalars(last):
            if wh > 0:
                break
            row += 1
        place = places.get(station)
        if place and row:
            words = f"{row} sessions in a row gave no energy"
            found.append(Finding(place[0], station, "no-energy", f"EVSE {evse}", row, words, place[1], place[2]))
    return found
