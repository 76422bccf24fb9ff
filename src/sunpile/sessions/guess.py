"""A guess at what went wrong with a held session's registers, for whoever decides on it. It never bills by itself."""

from dataclasses import dataclass

from sunpile.basics.units import Watt, Wh
from sunpile.sessions.model import Session
from sunpile.sessions.register import RegisterSample, plausible_wh


@dataclass(frozen=True, slots=True)
class Guess:
    """One reading of the registers that would make sense."""

    kind: str
    """unit, begin relative, end relative or end by next start."""
    start_wh: Wh
    """Register at the start, as it would have to be [Wh]."""
    end_wh: Wh
    """Register at the end [Wh]."""

    @property
    def wh(self) -> Wh:
        """Energy it would bill [Wh]."""
        return Wh(self.end_wh - self.start_wh)


def guesses(
    session: Session, max_w: Watt | int, earlier: RegisterSample | None, later: RegisterSample | None
) -> tuple[Guess, ...]:
    """What may have happened; `earlier` and `later` are the EVSE's registers next to the session."""
    start, end = session.start_wh, session.end_wh if session.ended_at is not None else None
    until = session.ended_at if session.ended_at is not None else session.last_at
    most = plausible_wh(max_w, max(until - session.started_at, 0))
    found: list[Guess] = []
    if start is not None and end is not None:
        found += _units(start, end, most)
        if start > end:
            found += _fit("end relative", 0, end, most)
    if end is not None and earlier is not None and earlier.wh != start:
        found += _fit("begin relative", earlier.wh, end, plausible_wh(max_w, until - earlier.taken_at))
    if session.ended_at is None and start is not None and later is not None:
        found += _fit("end by next start", start, later.wh, plausible_wh(max_w, later.taken_at - session.started_at))
    return tuple(dict.fromkeys(found))


def _units(start: int, end: int, most: int) -> list[Guess]:
    if 0 <= end - start <= most or 0 in (start, end):
        return []
    return [
        *_fit("unit", start, end * 1000, most),
        *_fit("unit", start, end // 1000, most),
        *_fit("unit", start * 1000, end, most),
        *(_fit("unit", start // 1000, end // 1000, most) if start >= 1000 else []),
    ]


def _fit(kind: str, start: int, end: int, most: int) -> list[Guess]:
    return [Guess(kind, Wh(start), Wh(end))] if 0 <= end - start <= most else []
