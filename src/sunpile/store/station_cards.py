"""Station records for staff, by tenant: implements `fleet.station_desk.Cards`."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, exists, func, insert, or_, select, update

from sunpile.basics.errors import Conflict, NotFound
from sunpile.basics.scope import Scope
from sunpile.chargers.access import new_password
from sunpile.chargers.refusals import CURES
from sunpile.fleet.cards import Deviation, EvseCard, Refusal, StationCard, StationFilter, StationPage
from sunpile.store import every_table
from sunpile.store.chargers import register
from sunpile.store.database import Database
from sunpile.store.scoped import of_tenant, own_station
from sunpile.store.tables import connectors, refused_attempts, sessions, stations
from sunpile.store.upkeep_tables import connection_spans, station_cards, station_deviations

_STAYS = frozenset(("refused_attempts", "stations"))
"""What a removed station leaves: tries to connect are by whoever made them. What has a tenant stays with that one."""
_STATION = (
    "max_w",
    "security_profile",
    "registration",
    "vendor",
    "model",
    "serial",
    "firmware",
    "last_seen",
    "boot_at",
)
_CARD = ("name", "public_name", "site", "latitude", "longitude", "access_notes")
_TEXTS = ("name", "public_name", "site", "access_notes")


class StationCards:
    """`Cards` on the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, scope: Scope, wanted: StationFilter) -> StationPage:
        """See `Cards.page`."""

        def work(connection: Connection) -> StationPage:
            fitting = _base(scope, wanted)
            total = connection.scalar(select(func.count()).select_from(fitting.subquery())) or 0
            query = fitting.where(stations.c.station > wanted.after).order_by(stations.c.station)
            rows = connection.execute(query.limit(wanted.limit + 1)).mappings().all()
            cards = _cards(connection, rows[: wanted.limit])
            more = len(rows) > wanted.limit
            return StationPage(total, tuple(cards), cards[-1].station if more and cards else None)

        return await self._database.read(work)

    async def card(self, scope: Scope, station: str) -> StationCard:
        """See `Cards.card`."""

        def work(connection: Connection) -> list[StationCard]:
            query = _joined().where(stations.c.station == station, of_tenant(stations, scope))
            return _cards(connection, connection.execute(query).mappings().all())

        found = await self._database.read(work)
        if not found:
            raise NotFound(f"there is no station {station}")
        return found[0]

    async def add(self, scope: Scope, card: StationCard, evses: Sequence[int], at: int) -> str:
        """See `Cards.add`."""
        password, salt, hashed = new_password()
        row = _station_row(card) | {"station": card.station, "tenant": scope.tenant}
        row |= {"password_salt": salt, "password_hash": hashed}

        def work(connection: Connection) -> None:
            register(connection, row, [(evse, None) for evse in dict.fromkeys(evses)])
            connection.execute(insert(station_cards).values(station=card.station, created_at=at, **_card_row(card)))

        await self._database.write(work)
        return password

    async def save(self, scope: Scope, card: StationCard) -> None:
        """See `Cards.save`."""

        def work(connection: Connection) -> None:
            own_station(connection, scope, card.station)
            which = stations.c.station == card.station
            connection.execute(update(stations).where(which).values(_station_row(card)))
            change = update(station_cards).where(station_cards.c.station == card.station).values(_card_row(card))
            if connection.execute(change).rowcount == 0:
                connection.execute(insert(station_cards).values(station=card.station, **_card_row(card)))

        await self._database.write(work)

    async def remove(self, scope: Scope, station: str) -> None:
        """See `Cards.remove`."""

        def work(connection: Connection) -> None:
            own_station(connection, scope, station)
            if connection.execute(select(sessions.c.session).where(sessions.c.station == station).limit(1)).first():
                raise Conflict(
                    f"station {station} has sessions, whose records must stay: set its registration to Rejected instead"
                )
            # Whoever registers its identity next must not see what was before.
            point = select(connectors.c.point).where(connectors.c.station == station, connectors.c.point.is_not(None))
            if connection.execute(point).first():
                raise Conflict(f"station {station} is a metering point of the market: set its registration to Rejected")
            for table in reversed(every_table.metadata.sorted_tables):
                if "station" in table.c and "tenant" not in table.c and table.name not in _STAYS:
                    connection.execute(delete(table).where(table.c.station == station))
            connection.execute(delete(stations).where(stations.c.station == station))

        await self._database.write(work)

    async def refusals(self, scope: Scope, station: str | None, limit: int) -> Sequence[Refusal]:
        """See `Cards.refusals`. Identities nobody has registered are shown too: who typed one wrongly looks here."""
        table = refused_attempts
        columns = (table.c[name] for name in ("station", "at", "reason", "address", "offered", "tls"))
        query = select(*columns).order_by(table.c.id.desc()).limit(limit)
        if station is not None:
            query = query.where(table.c.station == station)
        foreign = exists().where(stations.c.station == table.c.station, stations.c.tenant != scope.tenant)
        rows = await self._database.read(lambda connection: connection.execute(query.where(~foreign)).all())
        return [
            Refusal(
                row.station, row.at, row.reason, row.address, row.offered, row.tls, *CURES.get(row.reason, ("", ""))
            )
            for row in rows
        ]

    async def deviations(self, scope: Scope, station: str) -> Sequence[Deviation]:
        """See `Cards.deviations`."""
        table = station_deviations
        query = select(table.c.deviation, table.c.count, table.c.last_at).where(table.c.station == station)

        def work(connection: Connection) -> list[Deviation]:
            own_station(connection, scope, station)
            return [Deviation(*row) for row in connection.execute(query.order_by(table.c.count.desc()))]

        return await self._database.read(work)


def has_tag(tag: str) -> ColumnElement[bool]:
    """The condition that a station's card has this tag, letter by letter: SQLite's LIKE knows no case."""
    tags = station_cards.c.tags
    return func.replace(tags, json.dumps(tag), "") != tags


def _joined() -> Select[Any]:
    open_span = exists().where(connection_spans.c.station == stations.c.station, connection_spans.c.until.is_(None))
    return select(
        stations.c.station,
        stations.c.ocpp_version,
        stations.c.leniency,
        *(stations.c[name] for name in _STATION),
        *(station_cards.c[name] for name in _CARD),
        station_cards.c.tags,
        open_span.label("connected"),
    ).outerjoin(station_cards, station_cards.c.station == stations.c.station)


def _base(scope: Scope, wanted: StationFilter) -> Select[Any]:
    query = _joined().where(of_tenant(stations, scope))
    if wanted.text:
        columns = [stations.c.station, station_cards.c.name, stations.c.vendor, stations.c.model, stations.c.serial]
        contains = [column.icontains(wanted.text, autoescape=True) for column in (*columns, station_cards.c.tags)]
        query = query.where(or_(*contains))
    if wanted.tag:
        query = query.where(has_tag(wanted.tag))
    equal = (
        (station_cards.c.site, wanted.site),
        (stations.c.model, wanted.model),
        (stations.c.ocpp_version, wanted.version),
        (stations.c.registration, wanted.registration),
    )
    for column, value in equal:
        if value:
            query = query.where(column == value)
    if wanted.status:
        here = (connectors.c.station == stations.c.station) & (connectors.c.status == wanted.status)
        query = query.where(exists().where(here))
    if wanted.connected is not None:
        span = (connection_spans.c.station == stations.c.station) & connection_spans.c.until.is_(None)
        query = query.where(exists().where(span) if wanted.connected else ~exists().where(span))
    return query


def _cards(connection: Connection, rows: Iterable[Any]) -> list[StationCard]:
    rows = list(rows)
    evses: defaultdict[str, list[EvseCard]] = defaultdict(list)
    table = connectors
    names = [row["station"] for row in rows]
    query = select(
        table.c.station,
        table.c.evse,
        table.c.point,
        table.c.price,
        table.c.status,
        table.c.error_code,
        table.c.status_at,
    )
    for row in connection.execute(query.where(table.c.station.in_(names)).order_by(table.c.station, table.c.evse)):
        evses[row.station].append(EvseCard(*row[1:]))
    return [_card(row, tuple(evses[row["station"]])) for row in rows]


def _card(row: Any, evses: tuple[EvseCard, ...]) -> StationCard:
    kept: dict[str, Any] = {name: row[name] for name in (*_STATION, *_CARD)}
    kept |= {name: kept[name] or "" for name in _TEXTS}
    return StationCard(
        station=row["station"],
        version=row["ocpp_version"],
        leniency=tuple(json.loads(row["leniency"])),
        tags=tuple(json.loads(row["tags"] or "[]")),
        connected=bool(row["connected"]),
        evses=evses,
        **kept,
    )


def _station_row(card: StationCard) -> dict[str, Any]:
    return {
        "max_w": card.max_w,
        "security_profile": card.security_profile,
        "registration": card.registration,
        "leniency": json.dumps(list(card.leniency)),
    }


def _card_row(card: StationCard) -> dict[str, Any]:
    return {name: getattr(card, name) for name in _CARD} | {"tags": json.dumps(list(card.tags))}
