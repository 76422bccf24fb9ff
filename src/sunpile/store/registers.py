"""Meter registers in SQL, and what they tell the market of an interval."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from sunpile.basics.ids import EvseId, StationId
from sunpile.basics.interval import Interval
from sunpile.basics.units import Wh
from sunpile.sessions.model import Pile
from sunpile.sessions.register import RegisterSample, report_wh, trust
from sunpile.store.tables import register_borders, registers

CONTEXT_S = 7200
"""Samples this much before and after an interval are judged with it [s]."""
_COLUMNS = (
    registers.c.at,
    registers.c.wh,
    registers.c.taken_at,
    registers.c.received_at,
    registers.c.kind,
    registers.c.held,
)
_WINDOW_OF = select(*_COLUMNS).where(
    registers.c.station == bindparam("station"),
    registers.c.evse == bindparam("evse"),
    registers.c.taken_at >= bindparam("since"),
    registers.c.taken_at <= bindparam("until"),
)
Place = tuple[StationId, EvseId]


def sample_row(station: StationId, evse: EvseId, sample: RegisterSample) -> dict[str, Any]:
    """A sample as a row."""
    return {
        "station": station,
        "evse": evse,
        "at": sample.at,
        "wh": sample.wh,
        "taken_at": sample.taken_at,
        "received_at": sample.received_at,
        "kind": sample.kind,
        "held": sample.held,
    }


def load_samples(
    connection: Connection, station: StationId, evse: EvseId, since: int, until: int
) -> Sequence[RegisterSample]:
    """Samples of one EVSE with `since <= taken_at <= until` [Unix s]."""
    values = {"station": station, "evse": evse, "since": since, "until": until}
    return [RegisterSample(*row) for row in connection.execute(_WINDOW_OF, values)]


def report_interval(connection: Connection, piles: Iterable[Pile], interval: Interval) -> dict[Place, Wh | None]:
    """Energy of each pile in `interval`, None while not known. What has been reported once stays."""
    samples = _window(connection, interval.start - CONTEXT_S, interval.end + CONTEXT_S)
    starts, ends = _borders(connection, interval.start), _borders(connection, interval.end)
    found: dict[Place, Wh | None] = {}
    new: list[dict[str, Any]] = []
    for pile in piles:
        place = (pile.station, pile.evse)
        start, end = starts.get(place), ends.get(place)
        if end is not None and end.energy is not None:
            found[place] = Wh(end.energy)
            continue
        known = _with_edges(connection, place, samples.get(place, []), interval)
        border = start.wh if start is not None else None
        report = report_wh(trust(known, pile.max_w), interval, border, end.wh if end is not None else None, pile.max_w)
        found[place] = report.wh if report else None
        if report is None:
            continue
        if start is None:
            new.append(_border_row(place, interval.start, report.start, None))
        if end is None:
            new.append(_border_row(place, interval.end, report.end, report.wh))
        else:
            which = (register_borders.c.station == pile.station) & (register_borders.c.evse == pile.evse)
            at_end = register_borders.c.at == interval.end
            connection.execute(update(register_borders).where(which & at_end).values(energy=report.wh))
    if new:
        connection.execute(insert(register_borders), new)
    return found


def _window(connection: Connection, since: int, until: int) -> dict[Place, list[RegisterSample]]:
    query = select(registers.c.station, registers.c.evse, *_COLUMNS).where(
        registers.c.taken_at >= since, registers.c.taken_at <= until
    )
    found: dict[Place, list[RegisterSample]] = defaultdict(list)
    for station, evse, *values in connection.execute(query):
        found[StationId(station), EvseId(evse)].append(RegisterSample(*values))
    return found


def _with_edges(
    connection: Connection, place: Place, samples: list[RegisterSample], interval: Interval
) -> list[RegisterSample]:
    """The samples, and the nearest one outside the window on a side that has none (a pile that was away)."""
    which = (registers.c.station == place[0]) & (registers.c.evse == place[1]) & registers.c.held.is_(None)
    query, taken = select(*_COLUMNS).where(which).limit(1), registers.c.taken_at
    edges: list[RegisterSample] = []
    if not any(sample.taken_at <= interval.start for sample in samples):
        before = query.where(taken <= interval.start).order_by(taken.desc())
        edges += [RegisterSample(*row) for row in connection.execute(before)]
    if not any(sample.taken_at >= interval.end for sample in samples):
        after = query.where(taken >= interval.end).order_by(taken)
        edges += [RegisterSample(*row) for row in connection.execute(after)]
    return [*samples, *edges]


def _borders(connection: Connection, at: int) -> dict[Place, Row[Any]]:
    rows = connection.execute(select(register_borders).where(register_borders.c.at == at))
    return {(StationId(row.station), EvseId(row.evse)): row for row in rows}


def _border_row(place: Place, at: int, wh: int, energy: int | None) -> dict[str, Any]:
    return {"station": place[0], "evse": place[1], "at": at, "wh": wh, "energy": energy}
