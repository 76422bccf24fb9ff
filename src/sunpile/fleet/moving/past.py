"""Old sessions as records of this house: closed, never billed, each with what is doubtful about it.

A record (CDR) is made only where times and registers can be true: what another system let through is not made final
here. Nothing is owed for any of them: their price is 0, whatever was paid there.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sunpile.basics.ids import EvseId, IdToken, SessionId, StationId
from sunpile.basics.interval import Interval
from sunpile.basics.units import MicroPerKwh, Nano, Wh
from sunpile.fleet.moving.model import MovedSession
from sunpile.sessions.cdr import Cdr, Period
from sunpile.sessions.model import Session
from sunpile.sessions.register import SKEW_S, plausible_wh

FIRST_S = 1_262_304_000
"""2010-01-01: before it no station spoke OCPP 1.x [Unix s]."""
LONG_S = 30 * 86_400
"""A session longer than this is noted [s]."""
MEAN_FROM_S = 600
"""A shorter session says nothing of a station's power [s]."""
WITNESSES = 3
"""So many sessions must show a power before it is believed."""
SIZES_W = (3_700, 7_400, 11_000, 22_000, 43_000, 50_000, 75_000, 100_000, 150_000, 200_000, 250_000, 300_000, 400_000)
"""Usual sizes of stations [W]; the last is the most that one may be taken for."""
TOKEN_MAX = 36
"""Letters of a session's token."""


@dataclass(frozen=True, slots=True)
class PastRules:
    """What old sessions are judged and written by."""

    source: str
    """The system they come from."""
    now: int
    """Time of the move [Unix s]."""
    interval_length: int
    """Length of the zone's intervals [s]."""
    currency: str
    """ISO 4217."""


def session_id(source: str, moved: MovedSession) -> SessionId:
    """The same session gets the same id in every move."""
    parts = (source, moved.station, moved.transaction)
    return SessionId(hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24])


def guess_max_w(sessions: Iterable[MovedSession], least: int) -> dict[str, int]:
    """Stations that past sessions show to be stronger than `least` [W], with the usual size that fits them.

    A few wrong sessions do not count: three must show it, and only up to `SIZES_W`.
    """
    means: defaultdict[str, list[int]] = defaultdict(list)
    for one in sessions:
        if one.ended_at is None or one.start_wh is None or one.end_wh is None:
            continue
        length, energy = one.ended_at - one.started_at, one.end_wh - one.start_wh
        if length >= MEAN_FROM_S and energy > plausible_wh(least, length):
            means[one.station].append(energy * 3600 // length)
    found: dict[str, int] = {}
    for station, shown in means.items():
        believed = sorted(mean for mean in shown if mean <= SIZES_W[-1])
        if len(believed) >= WITNESSES:
            # The third from the top: two sessions with a wrong register prove nothing.
            mean = believed[-WITNESSES]
            found[station] = next(size for size in SIZES_W if size >= mean)
    return {station: size for station, size in found.items() if size > least}


def judge(moved: MovedSession, max_w: int, now: int) -> tuple[frozenset[str], bool]:
    """What is doubtful about a session, and whether its energy can be true."""
    doubts = set(moved.doubts)
    bad: set[str] = set()
    start, end = moved.started_at, moved.ended_at
    if end is None:
        bad.add("no stop")
        end = start
    if start < FIRST_S:
        bad.add("clock never set")
    if end > now + SKEW_S:
        bad.add("clock ahead")
    if end < start:
        bad.add("clock ran back")
    if moved.start_wh is None:
        bad.add("no register at the start")
    if moved.end_wh is None and moved.ended_at is not None:
        bad.add("no register at the end")
    if moved.start_wh is not None and moved.end_wh is not None and end >= start:
        energy = moved.end_wh - moved.start_wh
        if energy < 0:
            bad.add("end on another register")
        elif energy > plausible_wh(max_w, end - start):
            bad.add("above the pile's power")
    if moved.evse == 0:
        doubts.add("unknown evse")
    if end - start > LONG_S:
        doubts.add("longer than 30 days")
    return frozenset(doubts | bad), not bad


def as_session(moved: MovedSession, max_w: int, rules: PastRules) -> tuple[Session, Cdr | None]:
    """A session of the old system and, where it can be true, its record."""
    doubts, true = judge(moved, max_w, rules.now)
    running = moved.running and moved.ended_at is None
    doubts = (doubts - {"no stop"} if running else doubts) | {f"moved from {rules.source}"}
    end = None if running else max(moved.started_at, moved.ended_at or moved.started_at)
    wh = (moved.end_wh or 0) - (moved.start_wh or 0) if true else 0
    token = moved.token if moved.token and len(moved.token) <= TOKEN_MAX and moved.token.isprintable() else None
    session = Session(
        session=session_id(rules.source, moved),
        station=StationId(moved.station),
        evse=EvseId(moved.evse),
        ocpp_transaction=moved.transaction[:48],
        price=MicroPerKwh(0),
        started_at=moved.started_at,
        last_at=end if end is not None else moved.started_at,
        state="active" if running else "ended",
        pays=False,
        id_token=IdToken(token) if token is not None else None,
        ended_at=end,
        start_wh=Wh(moved.start_wh) if moved.start_wh is not None else None,
        end_wh=Wh(moved.end_wh) if moved.end_wh is not None else None,
        last_wh=Wh(moved.start_wh) if running and moved.start_wh is not None else None,
        wh=Wh(wh),
        stop_reason=moved.stop_reason[:32] if moved.stop_reason else None,
        doubts=doubts,
        rail="contract",
        token_kind=moved.token_kind[:32],
    )
    return session, _record(session, moved, rules) if true and not running else None


def _record(session: Session, moved: MovedSession, rules: PastRules) -> Cdr:
    assert session.ended_at is not None
    start = session.started_at
    # The old system kept no register at our borders of intervals, so all of it stands in the first.
    whole = (Period(Interval.at(start, rules.interval_length).index, start, session.wh),) if session.wh else ()
    return Cdr(
        id=session.session,
        session_id=session.session,
        start_date_time=start,
        end_date_time=session.ended_at,
        cdr_token=moved.token,
        auth_method="AUTH_REQUEST",
        location_id=session.station,
        evse_uid=session.evse,
        currency=rules.currency,
        price=MicroPerKwh(0),
        charging_periods=whole,
        total_energy=session.wh,
        total_cost=Nano(0),
        total_time=session.ended_at - start,
        interval_length=rules.interval_length,
        meter_start=session.start_wh,
        meter_stop=session.end_wh,
        last_updated=rules.now,
        remark=",".join(sorted(session.doubts)),
    )


def mark_running(sessions: Sequence[MovedSession], newest: int, within_s: int = 86_400) -> set[tuple[str, str]]:
    """Which sessions without an end were under way at `newest` [Unix s], the data's own last moment.

    The last of its EVSE, and begun within a day: other systems keep sessions open for ever whose stop never came.
    Returns (station, transaction) pairs.
    """
    last: dict[tuple[str, int], MovedSession] = {}
    for one in sessions:
        known = last.get((one.station, one.evse))
        if known is None or (one.started_at, len(one.transaction), one.transaction) > (
            known.started_at,
            len(known.transaction),
            known.transaction,
        ):
            last[one.station, one.evse] = one
    return {
        (one.station, one.transaction)
        for one in last.values()
        if one.ended_at is None and one.start_wh is not None and newest - within_s <= one.started_at <= newest + SKEW_S
    }
