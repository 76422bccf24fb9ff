"""From register samples to the energy of one session: live while it charges, exact when it has ended."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sunpile.basics.units import Wh
from sunpile.sessions.model import Pile, Session
from sunpile.sessions.ports import Desk
from sunpile.sessions.register import Register, RegisterSample, energy_between, plausible_wh, trust

CONTEXT_S = 7200
"""Samples this much before or after a session help where its own start or end brought no register [s]."""

EARLIER_S = 86_400
"""How far back the register before a session is looked for [s]."""


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
    samples = window(session, desk, new)
    since = _plugged_at(session, samples)
    register = trust((sample for sample in samples if sample.taken_at >= since), pile.max_w)
    if any(_is_end(held.sample, session) and held.reason != "went back" for held in register.held):
        return NoBill("end implausible")
    if not register.times or register.times[0] > max(since, session.started_at):
        return NoBill("no register at the start")
    energy = energy_between(register, max(since, session.started_at), session.ended_at)
    if energy is None:
        return NoBill("no register at the end")
    if _slipped(session, desk, register, pile):
        return NoBill("unit mistake")
    if register.resets and register.resets[-1] == len(register.times) - 1 and register.values[-1] == session.end_wh:
        # What passed since the meter started again nobody has said.
        return NoBill("end on another register")
    if energy > plausible_wh(pile.max_w, session.ended_at - session.started_at):
        return NoBill("above the pile's power")
    return Bill(energy, register, _doubt(register))


def _plugged_at(session: Session, samples: Iterable[RegisterSample]) -> int:
    """From when the EVSE's register is this session's [Unix s]; 0: all of it.

    A driver let in before the plug says where has a start without a register; it comes with the plug, as a sample that
    says it is the transaction's first.
    """
    begins = [
        sample.taken_at
        for sample in samples
        if sample.kind == "begin" and sample.wh == session.start_wh and sample.taken_at >= session.started_at
    ]
    return min(begins, default=0)


def _doubt(register: Register) -> str | None:
    if register.epochs > 1:
        return "meter reset"
    if register.held:
        return "samples held"
    return "meter rollover" if register.rollovers else None


def _slipped(session: Session, desk: Desk, register: Register, pile: Pile) -> bool:
    """True if the meter seems to have changed between Wh and kWh within the session, or just before it."""
    pairs = [(place - 1, place) for place in register.resets]
    near = [
        (register.values[one], register.values[two], register.times[two] - register.times[one]) for one, two in pairs
    ]
    earlier = before_start(session, desk)
    if earlier is not None:
        near.append((earlier.wh, register.values[0], register.times[0] - earlier.taken_at))
    return any(is_slip(one, two, plausible_wh(pile.max_w, seconds)) for one, two, seconds in near)


def is_slip(before: int, after: int, most: int) -> bool:
    """True if the registers [Wh] follow each other, by at most `most` [Wh], once either is read as kWh.

    >>> is_slip(4_076_000, 4_076, 100), is_slip(4_076, 4_076_500, 600), is_slip(4_076_000, 0, 100)
    (True, True, False)
    """
    if before < 1000 and after < 1000:
        return False  # so near to zero, everything is a thousandth of something
    low, high = 1000 * after - before, after - 1000 * before
    # A register in kWh is rounded down: the other may be up to 1 kWh further.
    return after > 0 and -1000 < low <= most if after < before else before > 0 and -1000 < high <= most + 1000


def before_start(session: Session, desk: Desk) -> RegisterSample | None:
    """The last register of the EVSE before a session, if it is not old."""
    found = desk.samples(session.station, session.evse, session.started_at - EARLIER_S, session.started_at - 1)
    return max((sample for sample in found if not sample.held), key=lambda s: (s.taken_at, s.wh), default=None)


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
