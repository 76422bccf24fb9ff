"""Write what comes over from another system: `Move` in one transaction, so that it comes whole or not at all.

Moving the same data twice changes nothing, and a later export brings what has been added since: a running session that
has ended, new tags, new stations. What staff has changed here is never written over.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, insert, select, update

from sunpile.basics.errors import NotFound
from sunpile.basics.scope import DEFAULT_TENANT
from sunpile.chargers.access import new_password
from sunpile.fleet.moving.model import Fleet, Moved, MovedReservation, MovedSession, MovedStation, Problem, Tally
from sunpile.fleet.moving.past import PastRules, as_session, guess_max_w, session_id
from sunpile.fleet.reservations import NUMBERS
from sunpile.identity.trail import Entry, canonical
from sunpile.sessions.cdr import Cdr
from sunpile.sessions.model import Session
from sunpile.sessions.tokens import Group, Token
from sunpile.store.audit import append
from sunpile.store.database import execute_many, insert_new
from sunpile.store.identity_tables import tenants
from sunpile.store.session_desk import write_session
from sunpile.store.tables import cdrs, connectors, registers, sessions, stations
from sunpile.store.token_tables import reservations, token_groups, tokens
from sunpile.store.tokens import LIMITS
from sunpile.store.upkeep_tables import station_cards

T = TypeVar("T")
ROWS = 5_000
"""Rows written at once."""
NAMES = 500
"""Names asked for at once."""
Progress = Callable[[str, int, int], None]
"""(what, done, of how many)"""


@dataclass(frozen=True, slots=True)
class MoveRules:
    """How a fleet is taken in."""

    tenant: str
    """Whose it becomes."""
    past: PastRules
    """How old sessions are judged and written."""
    max_w: int = 22_000
    """Largest power of a station of which the old system knows nothing [W]."""
    least_profile: int = 1
    """Stations whose security profile was lower are registered with this one: 1, or 2 (TLS)."""
    let_open: bool = False
    """Stations that had no password stay without one (security profile 0), whatever `least_profile` says."""
    dry_run: bool = False
    """Passwords are not told: the caller rolls back."""


class Move:
    """One move of one fleet. `run` on a connection in a transaction of the caller's."""

    def __init__(self, connection: Connection, fleet: Fleet, rules: MoveRules, progress: Progress) -> None:
        self._connection, self._fleet, self._rules, self._progress = connection, fleet, rules, progress
        self._problems: list[Problem] = list(fleet.problems)
        self._counts: dict[str, Counter[str]] = {}
        self._passwords: dict[str, str] = {}
        self._max_w: dict[str, int] = {}

    def run(self) -> Moved:
        """Write all that is not there yet.

        Raises
        ------
        NotFound
            if there is no such tenant.
        """
        fleet, rules = self._fleet, self._rules
        known = self._connection.scalar(select(tenants.c.tenant).where(tenants.c.tenant == rules.tenant))
        if known is None and rules.tenant != DEFAULT_TENANT:
            raise NotFound(f"there is no tenant {rules.tenant}; add it first: sunpile staff tenant")
        mine = self._stations()
        self._groups()
        self._tokens()
        self._sessions(mine)
        self._reservations(mine)
        for name, kind in (("stations", "station"), ("tokens", "tag"), ("sessions", "transaction")):
            self._count(name, "refused", sum(one.lost and one.kind == kind for one in fleet.problems))
        self._count("reservations", "refused", sum(one.lost and one.kind == "reservation" for one in fleet.problems))
        tallies = {name: _tally(found) for name, found in self._counts.items()}
        if any(one.moved or one.changed for one in tallies.values()):
            self._record(tallies)
        passwords = {} if rules.dry_run else self._passwords
        return Moved(fleet.source, rules.tenant, rules.dry_run, tallies, tuple(self._problems), fleet.left, passwords)

    def _count(self, name: str, what: str, number: int = 1) -> None:
        self._counts.setdefault(name, Counter())[what] += number

    def _trouble(self, kind: Any, which: object, why: str, lost: bool = False) -> None:
        self._problems.append(Problem(kind, str(which)[:255], why, lost))

    def _record(self, tallies: Mapping[str, Tally]) -> None:
        after = canonical({name: asdict(tally) for name, tally in tallies.items()})
        entry = Entry(
            self._rules.tenant, 0, self._rules.past.now, "node", "fleet.move", self._fleet.source, "null", after, "",
            b"", b"",
        )  # fmt: skip
        append(self._connection, entry)

    # -- stations -----------------------------------------------------------------------------------------------------

    def _stations(self) -> set[str]:
        """Write stations; returns those whose sessions may come."""
        fleet, mine = self._fleet, set[str]()
        known = self._owners(one.station for one in fleet.stations)
        guessed = guess_max_w(fleet.sessions, self._rules.max_w)
        self._count("stations", "moved", 0)
        for done, one in enumerate(fleet.stations, 1):
            tenant = known.get(one.station)
            if tenant is not None and tenant != self._rules.tenant:
                why = "its identity is taken by another tenant of this node: give the station a new one"
                self._trouble("station", one.station, why, lost=True)
                self._count("stations", "refused")
                continue
            mine.add(one.station)
            if tenant is None:
                self._add(one, guessed)
                known[one.station] = self._rules.tenant
            self._count("stations", "moved" if tenant is None else "known")
            self._progress("stations", done, len(fleet.stations))
        self._connectors([one for one in fleet.stations if one.station in mine])
        for name in _some(sorted(mine), NAMES):
            query = select(stations.c.station, stations.c.max_w).where(stations.c.station.in_(name))
            self._max_w |= {row.station: max(row.max_w, guessed.get(row.station, 0)) for row in self._execute(query)}
        return mine

    def _owners(self, names: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for some in _some(sorted(set(names)), NAMES):
            query = select(stations.c.station, stations.c.tenant).where(stations.c.station.in_(some))
            found |= {row.station: row.tenant for row in self._execute(query)}
        return found

    def _execute(self, statement: Any) -> Any:
        return self._connection.execute(statement)

    def _add(self, one: MovedStation, guessed: Mapping[str, int]) -> None:
        password, salt, hashed = new_password()
        max_w = one.max_w or guessed.get(one.station)
        if one.max_w is None:
            shown = "is not known: it was set to" if max_w is None else "was guessed from its sessions:"
            self._trouble("station", one.station, f"its largest power {shown} {max_w or self._rules.max_w} W")
        profile = self._profile(one)
        row = {
            "station": one.station,
            "tenant": self._rules.tenant,
            "password_salt": salt,
            "password_hash": hashed,
            "ocpp_version": one.version,
            "max_w": max_w or self._rules.max_w,
            "security_profile": profile,
            "registration": one.registration,
        }
        row |= {name: getattr(one, name) or None for name in ("vendor", "model", "serial", "firmware", "last_seen")}
        self._execute(insert(stations).values(row))
        card = {name: getattr(one, name) for name in ("station", "name", "site", "latitude", "longitude")}
        tags = json.dumps([f"moved from {self._fleet.source}"])
        now = self._rules.past.now
        self._execute(insert(station_cards).values(card | {"access_notes": one.notes, "tags": tags, "created_at": now}))
        self._passwords[one.station] = password

    def _profile(self, one: MovedStation) -> int:
        least = self._rules.least_profile
        if one.profile == 0 and self._rules.let_open:
            return 0
        if one.profile == 0:
            self._trouble("station", one.station, "it had no password: here it comes in only with its new one")
        if one.profile < 2 <= least:
            self._trouble("station", one.station, "it came without TLS: here it is registered for TLS (profile 2)")
        return max(one.profile, least)

    def _connectors(self, mine: Sequence[MovedStation]) -> None:
        known: set[tuple[str, int]] = set()
        for some in _some([one.station for one in mine], NAMES):
            query = select(connectors.c.station, connectors.c.evse).where(connectors.c.station.in_(some))
            known |= {(row.station, row.evse) for row in self._execute(query)}
        rows = [{"station": one.station, "evse": evse, "point": None} for one in mine for evse in one.evses]
        new = [row for row in rows if (row["station"], row["evse"]) not in known]
        self._insert(connectors, new)
        self._count("connectors", "moved", len(new))
        self._count("connectors", "known", len(rows) - len(new))

    def _insert(self, table: Any, rows: Sequence[dict[str, Any]], what: str = "") -> None:
        done = 0
        for some in _some(rows, ROWS):
            # Columns without a value are left out by none of them: all rows have the same names.
            execute_many(self._connection, insert(table), some)
            done += len(some)
            if what:
                self._progress(what, done, len(rows))

    # -- tokens -------------------------------------------------------------------------------------------------------

    def _groups(self) -> None:
        tenant, now = self._rules.tenant, self._rules.past.now
        query = select(token_groups.c.token_group).where(token_groups.c.tenant == tenant)
        known = set(self._connection.scalars(query))
        new = [one for one in self._fleet.groups if one.group not in known]
        self._insert(token_groups, [_group_row(tenant, one, now) for one in new])
        self._count("groups", "moved", len(new))
        self._count("groups", "known", len(self._fleet.groups) - len(new))

    def _tokens(self) -> None:
        tenant, now = self._rules.tenant, self._rules.past.now
        query = select(tokens).where(tokens.c.tenant == tenant)
        known = {row.token: row for row in self._execute(query)}
        new: list[dict[str, Any]] = []
        for one in self._fleet.tokens:
            row, before = _token_row(tenant, one, now), known.get(one.token)
            if before is None:
                new.append(row)
                continue
            names = ("status", "valid_until", "token_group", "limits")
            if any(row[name] != getattr(before, name) for name in names):
                self._trouble("tag", one.token, "it is here already and differs: it was left as it is here")
        self._insert(tokens, new, "tokens")
        self._count("tokens", "moved", len(new))
        self._count("tokens", "known", len(self._fleet.tokens) - len(new))

    # -- sessions -----------------------------------------------------------------------------------------------------

    def _sessions(self, mine: set[str]) -> None:
        known, taken = self._known(mine)
        self._count("sessions", "moved", 0)
        self._count("records", "moved", 0)
        new: list[tuple[Session, Cdr | None]] = []
        changed: list[tuple[Session, Cdr | None]] = []
        for one in self._fleet.sessions:
            if one.station not in mine:
                self._refuse(one, "its station has not come")
                continue
            name = session_id(self._fleet.source, one)
            before = known.get(name)
            if before is None and (one.station, one.transaction) in taken:
                self._refuse(one, "a session of its station here has its number already")
                continue
            if before is not None and not _goes_on(before, one):
                self._count("sessions", "known")
                continue
            written = as_session(one, self._max_w[one.station], self._rules.past)
            (new if before is None else changed).append(written)
            known[name] = ("", "")
            taken.add((one.station, one.transaction))
        self._insert(sessions, [write_session(session) for session, _ in new], "sessions")
        self._begins([session for session, _ in new if session.state == "active"])
        for session, _ in changed:
            which = sessions.c.session == session.session
            self._execute(update(sessions).where(which).values(write_session(session)))
        now = self._rules.past.now
        records = [_record_row(cdr, now) for _, cdr in (*new, *changed) if cdr is not None]
        self._insert(cdrs, records, "records")
        self._count("sessions", "moved", len(new))
        self._count("sessions", "changed", len(changed))
        self._count("records", "moved", len(records))
        for session, cdr in new:
            if cdr is None and session.state == "ended":
                why = ", ".join(sorted(session.doubts - {f"moved from {self._fleet.source}"}))
                self._trouble("transaction", session.ocpp_transaction, f"it came without a record: {why}")

    def _begins(self, running: Sequence[Session]) -> None:
        """The register at the begin of sessions that go on here: their energy is counted from it."""
        for one in running:
            row = {"station": one.station, "evse": one.evse, "at": one.started_at, "wh": one.start_wh}
            row |= {"taken_at": one.started_at, "received_at": self._rules.past.now, "kind": "begin"}
            self._execute(insert_new(self._connection, registers).values(row))

    def _refuse(self, one: MovedSession, why: str) -> None:
        self._trouble("transaction", one.transaction, why, lost=True)
        self._count("sessions", "refused")

    def _known(self, mine: set[str]) -> tuple[dict[str, tuple[str, str]], set[tuple[str, str]]]:
        """State and doubts of sessions that are here by id, and the (station, transaction) pairs that are taken."""
        known: dict[str, tuple[str, str]] = {}
        taken: set[tuple[str, str]] = set()
        for some in _some(sorted(mine), NAMES):
            columns = (sessions.c[name] for name in ("session", "state", "doubts", "station", "ocpp_transaction"))
            for row in self._execute(select(*columns).where(sessions.c.station.in_(some))):
                known[row.session] = (row.state, row.doubts)
                taken.add((row.station, row.ocpp_transaction))
        return known, taken

    # -- reservations -------------------------------------------------------------------------------------------------

    def _reservations(self, mine: set[str]) -> None:
        now, wanted = self._rules.past.now, self._fleet.reservations
        used: dict[int, str] = {}
        for some in _some(sorted({one.number for one in wanted}), NAMES):
            query = select(reservations.c.reservation, reservations.c.station)
            used |= {row[0]: row[1] for row in self._execute(query.where(reservations.c.reservation.in_(some)))}
        groups = {one.token: one.group for one in self._fleet.tokens}
        rows: list[dict[str, Any]] = []
        for one in wanted:
            why = None if one.station in mine else "its station has not come"
            why = why or ("it has expired meanwhile" if one.expires_at <= now else None)
            if used.get(one.number) == one.station and why is None:
                self._count("reservations", "known")
                continue
            if one.number in used or not 0 <= one.number < NUMBERS:
                why = why or "its number is taken here: cancel it at the station and reserve again"
            if why is not None:
                self._trouble("reservation", one.number, why, lost=True)
                self._count("reservations", "refused")
                continue
            used[one.number] = one.station
            rows.append(_reservation_row(self._rules.tenant, one, groups.get(one.token)))
        self._insert(reservations, rows)
        self._count("reservations", "moved", len(rows))


def _some(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """`items` in lists of at most `size`."""
    left = iter(items)
    while part := list(islice(left, size)):
        yield part


def _goes_on(before: tuple[str, str], now: MovedSession) -> bool:
    """True if a session that came without its end has one now, and nobody here has seen to it since."""
    state, doubts = before
    open_here = state == "active" or (state == "ended" and "no stop" in doubts.split(","))
    return now.ended_at is not None and open_here and "moved from" in doubts


def _tally(found: Mapping[str, int]) -> Tally:
    counts = {name: found.get(name, 0) for name in ("moved", "known", "changed", "refused")}
    return replace(Tally(**counts), found=sum(counts.values()))


def _group_row(tenant: str, group: Group, now: int) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "token_group": group.group,
        "status": group.status,
        "limits": LIMITS.dump_json(group.limits).decode(),
        "master_pass": group.master_pass,
        "changed_at": now,
    }


def _token_row(tenant: str, token: Token, now: int) -> dict[str, Any]:
    names = ("token", "kind", "driver", "parent", "status", "valid_from", "valid_until", "language", "priority")
    row = {name: getattr(token, name) for name in (*names, "rail", "notes")}
    limits = LIMITS.dump_json(token.limits).decode()
    return {"tenant": tenant, **row, "token_group": token.group, "limits": limits, "changed_at": now}


def _record_row(cdr: Cdr, now: int) -> dict[str, Any]:
    return {"cdr": cdr.id, "session": cdr.session_id, "body": cdr.to_json(), "created_at": now}


def _reservation_row(tenant: str, one: MovedReservation, group: str | None) -> dict[str, Any]:
    return {
        "reservation": one.number,
        "tenant": tenant,
        "station": one.station,
        "evse": one.evse,
        "connector_type": None,
        "token": one.token,
        "token_kind": "ISO14443",
        "token_group": group,
        "expires_at": one.expires_at,
        "state": "made",
        "reason": "",
        "ocpp_transaction": None,
        "made_at": one.made_at,
        "ended_at": None,
    }
