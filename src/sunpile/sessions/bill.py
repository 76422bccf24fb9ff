"""From register samples to the energy of one session: live while it charges, exact when it has ended."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sunpile.basics.units import Wh
from sunpile.sessions.model import Pile, Session
from sunpile.sessions.ports import Desk
from sunpile.sessions.register import Register, RegisterSample, energy_between, plausible_wh, trust

CONTEXT_S = 7200
"""Samples this much before or after a session help where its own start or end brought no register [s]."""


@dataclass(frozen=True, slots=True)
class Bill:
    """The metered energy of an ended session."""

    wh: Wh
    """Energy [Wh]."""
    register: Register
    """The trusted register it was read from."""
    doubt: str | None
    """What was odd although the energy is trusted: more samples may still explain it."""


@dataclass(frozen=True, slots=True)
class NoBill:
    """The energy is not trusted: kept, and not billed."""

    reason: str
    """Why."""


def measure(session: Session, desk: Desk, new: Iterable[RegisterSample], pile: Pile) -> Bill | NoBill:
    """Energy of an ended session from all its samples; the order in which they came does not matter."""
    assert session.ended_at is not None
    if session.ended_at < session.started_at:
        return NoBill("clock ran back")
    register = trust(window(session, desk, new), pile.max_w)
    if any(_is_end(held.sample, session) and held.reason != "went back" for held in register.held):
        return NoBill("end implausible")
    if not register.times or register.times[0] > session.started_at:
        return NoBill("no register at the start")
    energy = energy_between(register, session.started_at, session.ended_at)
    if energy is None:
        return NoBill("no register at the end")
    if energy > plausible_wh(pile.max_w, session.ended_at - session.started_at):
        return NoBill("above the pile's power")
    doubt = "meter reset" if register.epochs > 1 else "samples held" if register.held else None
    return Bill(energy, register, doubt)


def window(session: Session, desk: Desk, new: Iterable[RegisterSample]) -> Sequence[RegisterSample]:
    """The samples that matter for a session: stored and new ones."""
    since = session.started_at - (CONTEXT_S if session.start_wh is None else 0)
    until = (session.ended_at or 1 << 40) + (CONTEXT_S if session.end_wh is None else 0)
    stored = desk.samples(session.station, session.evse, since, until)
    return (*stored, *(sample for sample in new if since <= sample.taken_at <= until))


def _is_end(sample: RegisterSample, session: Session) -> bool:
    return sample.taken_at == session.ended_at and sample.wh == session.end_wh


def advance(session: Session, desk: Desk, new: Sequence[RegisterSample], pile: Pile) -> Session:
    """The running session after new samples.

    In order and plausible, they are simply added; otherwise everything is judged anew.
    """
    wh, last_at, last_wh = session.wh, session.last_at, session.last_wh
    for sample in sorted(new, key=lambda s: (s.taken_at, s.wh)):
        if last_wh is not None and sample.taken_at >= last_at:
            rise = sample.wh - last_wh
            if 0 <= rise <= plausible_wh(pile.max_w, sample.taken_at - last_at):
                wh, last_at, last_wh = Wh(wh + rise), sample.taken_at, sample.wh
                continue
        return _advance_slowly(session, desk, new, pile)
    return session._replace(wh=wh, last_at=last_at, last_wh=last_wh)


def _advance_slowly(session: Session, desk: Desk, new: Sequence[RegisterSample], pile: Pile) -> Session:
    register = trust(window(session, desk, new), pile.max_w)
    if not register.times or register.times[-1] < session.started_at:
        return session
    energy = energy_between(register, session.started_at, register.times[-1])
    return session._replace(wh=energy or Wh(0), last_at=register.times[-1], last_wh=Wh(register.values[-1]))
