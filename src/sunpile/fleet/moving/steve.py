"""SteVe's tables (releases 3.4 to 3.15) as a `Fleet`.

Names changed over the years and all of them are read: the place of a station moved from `charge_box` to `address`,
a user's tag from `user` to `user_ocpp_tag`, `connector` became `evse`, and a tag's `blocked` and `in_transaction`
columns went away: a tag that may have 0 active transactions is blocked, below 0 any number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sunpile.basics.errors import InputInvalid
from sunpile.fleet.moving.dump import Dump, Row
from sunpile.fleet.moving.model import Fleet, MovedReservation, MovedSession, MovedStation
from sunpile.fleet.moving.past import mark_running
from sunpile.fleet.moving.values import millionths, register, seconds, text, whole
from sunpile.sessions.tokens import Group, Token, TokenLimits, plain

SOURCE = "SteVe"
TABLES = (
    *("address", "charge_box", "connector", "evse", "ocpp_tag", "reservation"),
    *("transaction_start", "transaction_stop", "transaction_stop_failed", "user", "user_ocpp_tag"),
)
"""What is read."""
LEFT = {
    "connector_meter_value": "values between begin and end of past sessions stay in the dump: keep it with the records",
    "connector_status": "stations say how they are when they connect",
    "charging_profile": "profiles stay in the stations; limits are set anew as sites, or as charging profiles",
    "charging_schedule_period": "see charging_profile",
    "connector_charging_profile": "see charging_profile",
    "settings": "settings of SteVe itself",
    "web_user": "staff sign in anew, with passkeys: sunpile staff invite",
    "certificate": "certificates of stations are issued anew",
    "charge_box_certificate": "certificates of stations are issued anew",
    "charge_box_security_event": "security events of the past stay in the dump",
}
"""What is not, and why."""
_ID_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-_=+|@.")


def read_steve(dump: Dump, names: bool = False) -> Fleet:
    """All that can be moved of a dump; with `names` also people's names, as notes of their tokens.

    Raises
    ------
    InputInvalid
        if it is a dump of something else.
    """
    if "charge_box" not in dump.columns and not dump.rows["charge_box"]:
        raise InputInvalid("this is no dump of SteVe: it has no table charge_box")
    fleet = Fleet(SOURCE, read={name: len(rows) for name, rows in dump.rows.items() if rows})
    there = {*dump.columns, *dump.counted}
    fleet.left = {name: LEFT.get(name, "not part of a fleet") for name in dump.counted}
    if not dump.complete:
        fleet.trouble("dump", "last line", "the dump does not say that it is complete: was it cut off?")
    if not dump.utc and "transaction_start" in there:
        fleet.trouble("dump", "times", "the dump does not say that its times are UTC; they were read as UTC")
    _stations(fleet, dump.rows)
    _tags(fleet, dump.rows, _owners(dump.rows) if names else {})
    if dump.rows["user"] and not names:
        fleet.left["user"] = "names of people are not kept here; --names writes them into their tokens' notes"
    plugs = _plugs(dump.rows)
    _sessions(fleet, dump.rows, plugs)
    _reservations(fleet, dump.rows, plugs)
    return fleet


def _str(row: Row, name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


# -- stations -----------------------------------------------------------------------------------------------------


def good_identity(fleet: Fleet, station: str) -> bool:
    """True if a station may be called so; otherwise the problem is noted."""
    if not 1 <= len(station) <= 48:
        fleet.trouble("station", station, "its identity has more than 48 letters, or none", lost=True)
    elif not set(station) <= _ID_LETTERS:
        why = "its identity has other letters than A-Z a-z 0-9 * - _ = + | @ . : give the station a new one"
        fleet.trouble("station", station, why, lost=True)
    else:
        return True
    return False


def _plugs(rows: Mapping[str, Sequence[Row]]) -> dict[str, tuple[str, int]]:
    """(station, EVSE) by primary key, of `connector` or of `evse` that took its place."""
    found: dict[str, tuple[str, int]] = {}
    for row in (*rows["connector"], *rows["evse"]):
        key = _str(row, "connector_pk") or _str(row, "evse_pk")
        number = whole(row.get("connector_id", row.get("evse_id")))
        if key and number is not None:
            found[key] = (_str(row, "charge_box_id"), number)
    return found


def _stations(fleet: Fleet, rows: Mapping[str, Sequence[Row]]) -> None:
    numbers: dict[str, set[int]] = {}
    for station, number in _plugs(rows).values():
        numbers.setdefault(station, set()).add(number)
    places = {_str(row, "address_pk"): row for row in rows["address"]}
    for row in rows["charge_box"]:
        station = _str(row, "charge_box_id")
        if not good_identity(fleet, station):
            continue
        evses = sorted(number for number in numbers.get(station, ()) if 1 <= number <= 1000)
        if not evses:
            fleet.trouble("station", station, "it has told of no connector yet: it was given connector 1")
            evses = [1]
        fleet.stations.append(_station(fleet, row, tuple(evses), places.get(_str(row, "address_pk"), {})))


def _station(fleet: Fleet, row: Row, evses: tuple[int, ...], place: Row) -> MovedStation:
    station, spoken = _str(row, "charge_box_id"), _str(row, "ocpp_protocol")
    version = {"ocpp1.6J": "1.6", "ocpp2.0.1J": "2.0.1", "ocpp2.0.1": "2.0.1"}.get(spoken)
    if version is None and spoken:
        why = f"it last spoke {text(spoken, 16)}: sunpile speaks OCPP-J 1.6, 2.0.1 and 2.1; set the station to JSON"
        fleet.trouble("station", station, why)
    registration = _str(row, "registration_status") or "Accepted"
    if registration not in ("Accepted", "Pending", "Rejected"):
        fleet.trouble("station", station, f"its registration {text(registration, 20)} is unknown: it is Pending here")
        registration = "Pending"
    return MovedStation(
        station=station,
        evses=evses,
        version=version,
        vendor=text(row.get("charge_point_vendor"), 64),
        model=text(row.get("charge_point_model"), 64),
        serial=text(row.get("charge_point_serial_number") or row.get("charge_box_serial_number"), 64),
        firmware=text(row.get("fw_version"), 64),
        last_seen=seconds(row.get("last_heartbeat_timestamp")),
        registration=registration,
        profile=_profile(fleet, row),
        name=text(row.get("description"), 128),
        site=_site(place),
        latitude=millionths(place.get("latitude") or row.get("location_latitude"), 90),
        longitude=millionths(place.get("longitude") or row.get("location_longitude"), 180),
        notes=text(row.get("note"), 2000),
    )


def _profile(fleet: Fleet, row: Row) -> int:
    """The security profile; SteVe before 3.12 knew none, and a station without a password is in profile 0."""
    profile = whole(row.get("security_profile")) or 0
    if profile == 0 and _str(row, "auth_password"):
        return 1
    if profile == 3:
        why = "its client certificate is SteVe's: it comes over TLS with its new password, then gets one of ours"
        fleet.trouble("station", _str(row, "charge_box_id"), why)
        return 2
    return profile if profile in (0, 1, 2) else 1


def _site(place: Row) -> str:
    street = f"{_str(place, 'street')} {_str(place, 'house_number')}".strip()
    town = f"{_str(place, 'zip_code')} {_str(place, 'city')}".strip()
    return text(", ".join(part for part in (street, town) if part), 64)


# -- tags ---------------------------------------------------------------------------------------------------------


def _tags(fleet: Fleet, rows: Mapping[str, Sequence[Row]], owners: Mapping[str, str]) -> None:
    parents: dict[str, None] = {}
    known: set[str] = set()
    for row in rows["ocpp_tag"]:
        tag, parent = _str(row, "id_tag"), _str(row, "parent_id_tag") or None
        name = plain(tag)
        if name in known:
            fleet.trouble("tag", tag, "it differs from another only in small and capital letters", lost=True)
            continue
        if parent is not None and not (len(parent) <= 255 and parent.isprintable()):
            fleet.trouble("tag", tag, "the id of its parent cannot be one of a group: it stands alone here")
            parent = None
        try:
            fleet.tokens.append(_token(fleet, row, name, parent, owners.get(_str(row, "ocpp_tag_pk"), "")))
        except InputInvalid as fault:
            fleet.trouble("tag", tag, fault.detail, lost=True)
            continue
        known.add(name)
        if parent is not None:
            parents[parent] = None
    fleet.groups = [Group(parent) for parent in parents]


def _token(fleet: Fleet, row: Row, name: str, parent: str | None, owner: str) -> Token:
    most = whole(row.get("max_active_transaction_count", "1"))
    blocked = most == 0 or _str(row, "blocked") == "1"
    until = _expiry(fleet, row, name)
    if most is None:
        fleet.trouble("tag", name, "its most active transactions cannot be read: one here")
        most = 1
    return Token(
        token=name,
        group=parent,
        status="blocked" if blocked else "accepted",
        valid_until=until,
        limits=TokenLimits(concurrent=most if most > 0 else None),
        notes="; ".join(part for part in (owner, text(row.get("note"), 1000)) if part),
    )


def _expiry(fleet: Fleet, row: Row, name: str) -> int | None:
    if row.get("expiry_date") is None:
        return None
    until = seconds(row["expiry_date"])
    if until is None:
        fleet.trouble("tag", name, "its expiry cannot be read: it has expired here")
        return 0
    return until


def _owners(rows: Mapping[str, Sequence[Row]]) -> dict[str, str]:
    """Names of people by their tags' primary keys."""
    names = {
        _str(row, "user_pk"): text(f"{_str(row, 'first_name')} {_str(row, 'last_name')}", 200) for row in rows["user"]
    }
    owners = {_str(row, "ocpp_tag_pk"): names[_str(row, "user_pk")] for row in rows["user"] if row.get("ocpp_tag_pk")}
    for row in rows["user_ocpp_tag"]:
        owners[_str(row, "ocpp_tag_pk")] = names.get(_str(row, "user_pk"), "")
    return owners


# -- transactions -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Stop:
    row: Row
    doubts: frozenset[str]


def _stops(rows: Mapping[str, Sequence[Row]]) -> dict[str, _Stop]:
    """The newest stop of each transaction, as SteVe takes it; where there is none, one that SteVe refused."""
    found: dict[str, _Stop] = {}
    for row in rows["transaction_stop"]:
        key = _str(row, "transaction_pk")
        known = found.get(key)
        if known is None:
            found[key] = _Stop(row, frozenset())
            continue
        newer = _str(row, "event_timestamp") > _str(known.row, "event_timestamp")
        found[key] = _Stop(row if newer else known.row, frozenset({"several stops"}))
    refused: dict[str, Row] = {}
    for row in rows["transaction_stop_failed"]:
        key = _str(row, "transaction_pk")
        if key and key not in found:
            refused[key] = row
    return found | {key: _Stop(row, frozenset({"stop refused by SteVe"})) for key, row in refused.items()}


def _sessions(fleet: Fleet, rows: Mapping[str, Sequence[Row]], plugs: Mapping[str, tuple[str, int]]) -> None:
    stops, names = _stops(rows), {one.station for one in fleet.stations}
    begun: set[str] = set()
    newest = max((one.last_seen or 0 for one in fleet.stations), default=0)
    for row in rows["transaction_start"]:
        key = _str(row, "transaction_pk")
        begun.add(key)
        station, evse = plugs.get(_str(row, "connector_pk") or _str(row, "evse_pk"), ("", 0))
        started = seconds(row.get("start_timestamp")) or seconds(row.get("event_timestamp"))
        if station not in names:
            fleet.trouble("transaction", key, "its connector or its station is not in the dump, or has not come", True)
        elif started is None:
            fleet.trouble("transaction", key, "its begin has no time that can be read", lost=True)
        else:
            moved = _session(row, stops.get(key), MovedSession(station, evse, key, started))
            newest = max(newest, moved.ended_at or moved.started_at)
            fleet.sessions.append(moved)
    for key in (key for key in stops if key not in begun):
        fleet.trouble("transaction", key, "it has a stop but no start", lost=True)
    running = mark_running(fleet.sessions, newest)
    fleet.sessions = [
        replace(one, running=True) if (one.station, one.transaction) in running else one for one in fleet.sessions
    ]


def _session(row: Row, stop: _Stop | None, moved: MovedSession) -> MovedSession:
    token, start_wh = _str(row, "id_tag") or None, register(row.get("start_value"))
    if stop is None:
        return replace(moved, token=token, start_wh=start_wh)
    doubts = set(stop.doubts)
    if _str(stop.row, "event_actor") == "manual":
        doubts.add("stopped by hand in SteVe")
    ended = seconds(stop.row.get("stop_timestamp")) or seconds(stop.row.get("event_timestamp"))
    # `replace` is slow, and there may be a million of these.
    return MovedSession(
        station=moved.station,
        evse=moved.evse,
        transaction=moved.transaction,
        started_at=moved.started_at,
        token=token,
        ended_at=ended,
        start_wh=start_wh,
        end_wh=register(stop.row.get("stop_value")),
        stop_reason=text(stop.row.get("stop_reason"), 32) or None,
        doubts=frozenset(doubts),
    )


# -- reservations -------------------------------------------------------------------------------------------------


def _reservations(fleet: Fleet, rows: Mapping[str, Sequence[Row]], plugs: Mapping[str, tuple[str, int]]) -> None:
    names, past = {one.station for one in fleet.stations}, 0
    for row in rows["reservation"]:
        key, status = _str(row, "reservation_pk"), _str(row, "status").upper()
        if status not in ("ACCEPTED", "WAITING"):
            past += 1
            continue
        station, evse = plugs.get(_str(row, "connector_pk") or _str(row, "evse_pk"), ("", 0))
        number, until = whole(key), seconds(row.get("expiry_datetime"))
        if station not in names or number is None or until is None:
            fleet.trouble("reservation", key, "its station has not come, or its expiry cannot be read", lost=True)
        elif status == "WAITING":
            fleet.trouble("reservation", key, "the station had not answered yet: reserve again", lost=True)
        else:
            made = seconds(row.get("start_datetime")) or until
            moved = MovedReservation(number, station, plain(_str(row, "id_tag")), until, made, evse or None)
            fleet.reservations.append(moved)
    if past:
        fleet.left["reservation"] = f"{past} that were used, cancelled or have expired stay in the dump"
