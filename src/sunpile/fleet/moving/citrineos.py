"""CitrineOS's tables (releases 1.5 to 1.8, and what comes after) as a `Fleet`.

Names changed here too: a token's id stood in `IdTokens` and `IdTokenInfos` until 1.6 and stands in `Authorizations`
now; a transaction's EVSE was `evseDatabaseId` and is `evseId`; a station's identity was its `id`, the `stationId` of
other tables, and becomes `ocppConnectionName`. All are read.
"""

import json
import struct
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from sunpile.basics.errors import InputInvalid
from sunpile.fleet.moving.export import Fields
from sunpile.fleet.moving.model import Fleet, MovedReservation, MovedSession, MovedStation
from sunpile.fleet.moving.past import mark_running
from sunpile.fleet.moving.steve import good_identity
from sunpile.fleet.moving.values import exact, millionths, register, seconds, text, whole
from sunpile.sessions.tokens import KINDS, Group, Token, TokenLimits, plain

SOURCE = "CitrineOS"
TABLES = (
    *("ChargingStations", "Evses", "EvseTypes", "Connectors", "Locations", "Reservations"),
    *("Authorizations", "IdTokens", "IdTokenInfos"),
    *("Transactions", "StartTransactions", "StopTransactions", "TransactionEvents", "MeterValues"),
)
"""What is read."""
LEFT = {
    "Boots": "stations boot anew",
    "Certificates": "certificates of stations are issued anew",
    "ChargingProfiles": "profiles stay in the stations; limits are set anew as sites, or as charging profiles",
    "OCPPMessages": "the message log of the past stays in the export",
    "Tariffs": "prices are set anew: nothing is billed by a price nobody here has looked at",
    "VariableAttributes": "the device model is read from the stations when they connect",
}
"""What is not, and why."""
_VERSIONS = {"ocpp1.6": "1.6", "ocpp2.0.1": "2.0.1", "ocpp2.1": "2.1"}
_STATUS = {"Accepted": "accepted", "Blocked": "blocked", "Expired": "expired", "Invalid": "invalid"}
_ANEW = ("ConcurrentTx", "NoCredit", "NotAllowedTypeEVSE", "NotAtThisLocation", "NotAtThisTime")
Tables = Mapping[str, Sequence[Fields]]


def read_citrineos(exported: Tables, source_tenant: str | None = None) -> Fleet:
    """All that can be moved of exported tables, of one of their tenants.

    Raises
    ------
    InputInvalid
        if it is an export of something else, or of several tenants and none was named.
    """
    by_name = {name.lower(): rows for name, rows in exported.items()}
    if "chargingstations" not in by_name:
        raise InputInvalid("there is no ChargingStations.json or ChargingStations.csv: nothing could be moved")
    tables = {name: by_name.get(name.lower(), ()) for name in TABLES}
    tenants = sorted({str(row["tenantId"]) for row in tables["ChargingStations"] if row.get("tenantId") is not None})
    if source_tenant is None and len(tenants) > 1:
        raise InputInvalid(
            f"the stations are of {len(tenants)} tenants ({', '.join(tenants[:9])}): name one with --source-tenant"
        )
    chosen = source_tenant or (tenants[0] if tenants else None)
    if chosen is not None:
        tables = {name: [row for row in rows if _of(row, chosen)] for name, rows in tables.items()}
    tables = _with_identities(tables)
    fleet = Fleet(SOURCE, read={name: len(rows) for name, rows in tables.items() if rows})
    known = {name.lower() for name in TABLES}
    fleet.left = {name: LEFT.get(name, "not part of a fleet") for name in exported if name.lower() not in known}
    for name in ("Connectors", "Authorizations", "Transactions"):
        if name.lower() not in by_name:
            fleet.trouble("dump", name, f"there is no file {name}: nothing of it has come")
    _stations(fleet, tables)
    ids = _tokens(fleet, tables)
    _Sessions(fleet, tables, ids).read()
    _reservations(fleet, tables)
    return fleet


def _of(row: Fields, tenant: str) -> bool:
    return row.get("tenantId") is None or str(row["tenantId"]) == tenant


def _with_identities(tables: Tables) -> Tables:
    """Tables whose `stationId`, and a station's `id`, is the identity, also where those are numbers by now."""
    names = {
        str(row["id"]): str(row["ocppConnectionName"])
        for row in tables["ChargingStations"]
        if row.get("ocppConnectionName") is not None and row.get("id") is not None
    }
    if not names:
        return tables

    def named(row: Fields) -> Fields:
        own, station = row.get("ocppConnectionName"), row.get("stationId")
        if own is None and station is None:
            return row
        return row | {"stationId": str(own) if own is not None else names.get(str(station), str(station))}

    found = {name: [named(row) for row in rows] for name, rows in tables.items()}
    found["ChargingStations"] = [row | {"id": row.get("stationId")} for row in found["ChargingStations"]]
    return found


def _flag(value: object) -> bool:
    """A boolean as JSON or CSV has it."""
    return value is True or (isinstance(value, str) and value.lower() in ("t", "true", "1"))


def _key(row: Fields, *names: str) -> str:
    """The first of these columns that holds something, as text."""
    return next((str(row[name]) for name in names if row.get(name) is not None), "")


def _nested(value: object) -> Any:
    """A JSON column: in a CSV file it is text."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value


# -- stations -----------------------------------------------------------------------------------------------------


def _stations(fleet: Fleet, tables: Tables) -> None:
    evses: defaultdict[str, set[int]] = defaultdict(set)
    plugs: defaultdict[str, set[int]] = defaultdict(set)
    power: defaultdict[str, int] = defaultdict(int)
    for row in tables["Evses"]:
        number = whole(row.get("evseTypeId"))
        if number is not None and not _flag(row.get("removed")):
            evses[_key(row, "stationId")].add(number)
    for row in tables["Connectors"]:
        station, number = _key(row, "stationId"), whole(row.get("connectorId"))
        if number is not None:
            plugs[station].add(number)
        power[station] = max(power[station], whole(row.get("maximumPowerWatts")) or 0)
    places = {_key(row, "id"): row for row in tables["Locations"]}
    for row in tables["ChargingStations"]:
        station = _key(row, "id")
        if not good_identity(fleet, station):
            continue
        version = _VERSIONS.get(_key(row, "protocol"))
        told = plugs[station] if version == "1.6" else evses[station] or plugs[station]
        numbers = tuple(sorted(number for number in told if 1 <= number <= 1000))
        if not numbers:
            fleet.trouble("station", station, "it has told of no EVSE yet: it was given EVSE 1")
        place = places.get(_key(row, "locationId"), {})
        longitude, latitude = _point(row.get("coordinates")) or _point(place.get("coordinates")) or (None, None)
        fleet.stations.append(
            MovedStation(
                station=station,
                evses=numbers or (1,),
                version=version,
                vendor=text(row.get("chargePointVendor"), 64),
                model=text(row.get("chargePointModel"), 64),
                serial=text(_key(row, "chargePointSerialNumber", "chargeBoxSerialNumber"), 64),
                firmware=text(row.get("firmwareVersion"), 64),
                last_seen=seconds(row.get("latestOcppMessageTimestamp")),
                max_w=power[station] if 0 < power[station] < 1 << 31 else None,
                site=text(place.get("name"), 64),
                latitude=millionths(latitude, 90),
                longitude=millionths(longitude, 180),
                notes=text(row.get("floorLevel") and f"floor {row['floorLevel']}", 200),
            )
        )


def _point(value: object) -> tuple[object, object] | None:
    """Longitude and latitude of a point: GeoJSON, or the hex of PostGIS (EWKB, little-endian)."""
    shape = _nested(value)
    if isinstance(shape, dict):
        pair = cast("Fields", shape).get("coordinates")
        if not isinstance(pair, list):
            return None
        numbers = cast("list[object]", pair)
        return (numbers[0], numbers[1]) if len(numbers) >= 2 else None
    if not isinstance(value, str) or len(value) > 100:
        return None
    try:
        raw = bytes.fromhex(value)
    except ValueError:
        return None
    if len(raw) < 21 or raw[0] != 1 or int.from_bytes(raw[1:5], "little") & 0xFF != 1:
        return None
    x, y = struct.unpack("<dd", raw[-16:])
    return x, y


# -- tokens -------------------------------------------------------------------------------------------------------


def _tokens(fleet: Fleet, tables: Tables) -> dict[str, tuple[str, str]]:
    """Read tokens; returns id and kind by primary key of `Authorizations`."""
    ids = {_key(row, "id"): (_key(row, "idToken"), _key(row, "type")) for row in tables["IdTokens"]}
    infos = {_key(row, "id"): row for row in tables["IdTokenInfos"]}
    named: dict[str, tuple[str, str]] = {}
    for row in tables["Authorizations"]:
        own = (_key(row, "idToken"), _key(row, "idTokenType", "type"))
        named[_key(row, "id")] = own if own[0] else ids.get(_key(row, "idTokenId"), ("", ""))
    known: set[str] = set()
    groups: dict[str, None] = {}
    for row in tables["Authorizations"]:
        token, kind = named[_key(row, "id")]
        info = row | infos.get(_key(row, "idTokenInfoId"), {})
        above = named.get(_key(info, "groupAuthorizationId")) or ids.get(_key(info, "groupIdTokenId")) or ("", "")
        above = above if above[0] else named.get(_key(info, "groupIdTokenId"), ("", ""))
        if plain(token) in known:
            fleet.trouble(
                "tag", token, "it is there twice, as another kind or in other letters: the first one came", True
            )
            continue
        try:
            fleet.tokens.append(_token(fleet, token, kind, above[0], info))
        except InputInvalid as fault:
            fleet.trouble("tag", token or f"authorization {_key(row, 'id')}", fault.detail, lost=True)
            continue
        known.add(plain(token))
        if above[0]:
            groups[above[0]] = None
    fleet.groups = [Group(name) for name in groups]
    return named


def _token(fleet: Fleet, token: str, kind: str, group: str, row: Fields) -> Token:
    said = _key(row, "status") or "Accepted"
    status = _STATUS.get(said, "accepted" if said in _ANEW else "invalid")
    if said in _ANEW:
        fleet.trouble("tag", token, f"{said} is decided here at each visit: the token itself is accepted")
    elif said not in _STATUS:
        fleet.trouble("tag", token, f"its status {text(said, 20)} is unknown: it is invalid here")
    limited = [name for name in ("allowedConnectorTypes", "disallowedEvseIdPrefixes") if _listed(row.get(name))]
    if limited and status == "accepted":
        why = "it was limited to connectors or EVSEs in a way unknown here: it is blocked until staff sets its limits"
        fleet.trouble("tag", token, why)
        status = "blocked"
    if _key(row, "realTimeAuth") not in ("", "Never"):
        fleet.trouble("tag", token, "it was asked for at another server each time: here its own status counts")
    until = seconds(row.get("cacheExpiryDateTime"))
    if until is None and row.get("cacheExpiryDateTime") is not None:
        fleet.trouble("tag", token, "its expiry cannot be read: it has expired here")
        until = 0
    priority = whole(row.get("chargingPriority")) or 0
    return Token(
        token=plain(token),
        kind=kind if kind in KINDS else "ISO14443",
        group=group or None,
        status=status,
        valid_until=until,
        limits=TokenLimits(concurrent=None if _flag(row.get("concurrentTransaction")) else 1),
        language=_key(row, "language1")[:8],
        priority=max(-9, min(9, priority)),
    )


def _listed(value: object) -> bool:
    """True if a list of texts holds something: JSON, or `{a,b}` of PostgreSQL."""
    return value not in (None, [], "{}", "[]", "")


# -- transactions -------------------------------------------------------------------------------------------------


class _Sessions:
    """Puts a transaction together from the tables that hold its parts."""

    def __init__(self, fleet: Fleet, tables: Tables, tokens: Mapping[str, tuple[str, str]]) -> None:
        self._fleet, self._tables, self._tokens = fleet, tables, tokens
        self._versions = {one.station: one.version for one in fleet.stations}
        self._ids = {_key(row, "id"): (_key(row, "idToken"), _key(row, "type")) for row in tables["IdTokens"]}
        self._starts = {_key(row, "transactionDatabaseId"): row for row in tables["StartTransactions"]}
        self._stops = {_key(row, "transactionDatabaseId"): row for row in tables["StopTransactions"]}
        self._plugs = {_key(row, "id"): whole(row.get("connectorId")) for row in tables["Connectors"]}
        self._evses = {_key(row, "id"): whole(row.get("evseTypeId")) for row in tables["Evses"]}
        types = (*tables["EvseTypes"], *(row for row in tables["Evses"] if row.get("databaseId") is not None))
        self._types = {_key(row, "databaseId"): whole(row.get("id")) for row in types}
        self._events: defaultdict[str, list[Fields]] = defaultdict(list)
        for row in tables["TransactionEvents"]:
            self._events[_key(row, "transactionDatabaseId")].append(row)
        self._values: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for row in tables["MeterValues"]:
            at, wh = seconds(row.get("timestamp")), energy_of(_nested(row.get("sampledValue")))
            if at is not None and wh is not None:
                self._values[_key(row, "transactionDatabaseId")].append((at, wh))

    def read(self) -> None:
        """Read all."""
        fleet = self._fleet
        newest = max((one.last_seen or 0 for one in fleet.stations), default=0)
        for row in self._tables["Transactions"]:
            moved = self._one(row)
            if moved is not None:
                newest = max(newest, moved.ended_at or moved.started_at)
                fleet.sessions.append(moved)
        running = mark_running(fleet.sessions, newest)
        fleet.sessions = [
            replace(one, running=True) if (one.station, one.transaction) in running else one for one in fleet.sessions
        ]

    def _one(self, row: Fields) -> MovedSession | None:
        key, station = _key(row, "id"), _key(row, "stationId")
        number = _key(row, "transactionId")
        if station not in self._versions:
            self._fleet.trouble("transaction", number or key, "its station is not in the export, or has not come", True)
            return None
        if not 1 <= len(number) <= 48 or not number.isprintable():
            self._fleet.trouble("transaction", key, "its id is empty, or no printable text of 48 letters", lost=True)
            return None
        start, stop, events = self._starts.get(key, {}), self._stops.get(key, {}), self._events[key]
        events.sort(key=lambda event: (seconds(event.get("timestamp")) or 0, whole(event.get("seqNo")) or 0))
        begun = [event for event in events if event.get("eventType") == "Started"]
        done = [event for event in events if event.get("eventType") == "Ended"]
        times = [row.get("startTime"), start.get("timestamp"), *(event.get("timestamp") for event in begun)]
        started = next((at for value in times if (at := seconds(value)) is not None), None)
        if started is None:
            self._fleet.trouble("transaction", number, "its begin has no time that can be read", lost=True)
            return None
        ends = [row.get("endTime"), stop.get("timestamp"), *(event.get("timestamp") for event in done)]
        ended = next((at for value in ends if (at := seconds(value)) is not None), None)
        still = _flag(row.get("isActive"))
        token, kind = self._token(row, start, events)
        first, last = self._registers(row, start, stop, key)
        reason = _key(row, "stoppedReason") or _key(stop, "reason")
        return MovedSession(
            station=station,
            evse=self._evse(row, start, events),
            transaction=number,
            started_at=started,
            token=token or None,
            token_kind=kind,
            ended_at=None if still else ended,
            start_wh=first,
            end_wh=None if still else last,
            stop_reason=text(reason, 32) or None,
        )

    def _evse(self, row: Fields, start: Fields, events: Sequence[Fields]) -> int:
        """EVSE number; 0 if it cannot be told."""
        found = [
            self._plugs.get(_key(start, "connectorDatabaseId")),
            self._plugs.get(_key(row, "connectorId")) if self._versions[_key(row, "stationId")] == "1.6" else None,
            self._evses.get(_key(row, "evseId")),
            self._types.get(_key(row, "evseDatabaseId")),
            *(self._types.get(_key(event, "evseId")) for event in events),
            self._plugs.get(_key(row, "connectorId")),
        ]
        return next((number for number in found if number), 0)

    def _token(self, row: Fields, start: Fields, events: Sequence[Fields]) -> tuple[str, str]:
        found = [
            *((_key(event, "idTokenValue"), _key(event, "idTokenType")) for event in events),
            self._tokens.get(_key(row, "authorizationId"), ("", "")),
            *(self._ids.get(_key(event, "idTokenId"), ("", "")) for event in events),
            self._ids.get(_key(start, "idTokenDatabaseId"), ("", "")),
        ]
        return next((pair for pair in found if pair[0]), ("", ""))

    def _registers(self, row: Fields, start: Fields, stop: Fields, key: str) -> tuple[int | None, int | None]:
        """Register at begin and end [Wh]: as told by the two messages of 1.6, by meter values, or by the sum kept."""
        first, last = register(start.get("meterStart")), register(stop.get("meterStop"))
        values = sorted(self._values[key])
        if first is None:
            first = values[0][1] if values else register(row.get("meterStart"), 1000)
        if last is None and len(values) > 1:
            last = values[-1][1]
        total = register(row.get("totalKwh"), 1000)
        if last is None and first is not None and total is not None:
            last = first + total
        if first is None and last is None and total is not None:
            # Energy without registers: the record says so much, and begins at 0.
            return 0, total
        return first, last


def energy_of(sampled: Any) -> int | None:
    """Energy.Active.Import.Register [Wh] among sampled values, of all phases together."""
    if not isinstance(sampled, list):
        return None
    for one in cast("list[Any]", sampled):
        if not isinstance(one, dict):
            continue
        value = cast("Fields", one)
        if value.get("measurand") not in (None, "Energy.Active.Import.Register") or value.get("phase") is not None:
            continue
        if value.get("location") not in (None, "Outlet"):
            continue
        told = value.get("unitOfMeasure")
        unit = cast("Fields", told) if isinstance(told, dict) else {"unit": value.get("unit")}
        power = whole(unit.get("multiplier") or 0)
        number = exact(value.get("value"))
        if number is None or power is None or not -6 <= power <= 9:
            continue
        return register(number.scaleb(power), 1000 if unit.get("unit") == "kWh" else 1)
    return None


# -- reservations -------------------------------------------------------------------------------------------------


def _reservations(fleet: Fleet, tables: Tables) -> None:
    names, past = {one.station for one in fleet.stations}, 0
    types = {_key(row, "databaseId"): whole(row.get("id")) for row in tables["EvseTypes"]}
    for row in tables["Reservations"]:
        if not _flag(row.get("isActive")):
            past += 1
            continue
        token: Any = _nested(row.get("idToken"))
        shown = _key(cast("Fields", token), "idToken") if isinstance(token, dict) else ""
        number, until, station = whole(row.get("id")), seconds(row.get("expiryDateTime")), _key(row, "stationId")
        if number is None or until is None or station not in names or not shown:
            fleet.trouble("reservation", _key(row, "id"), "its station, token or expiry cannot be read", lost=True)
            continue
        made = seconds(row.get("createdAt")) or until
        evse = types.get(_key(row, "evseId"))
        fleet.reservations.append(MovedReservation(number, station, plain(shown), until, made, evse))
    if past:
        fleet.left["Reservations"] = f"{past} that have ended stay in the export"
