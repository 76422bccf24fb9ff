"""What staff decides on a session that is held, and how a final record is corrected: pure, as `session.decide`.

A record is never changed. A held session that staff releases gets its first record; one that has a record already is
corrected by a credit record that takes the old one back, and a new one beside it. Each decision is kept with who made
it, when and why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sunpile.basics.errors import Conflict, InputInvalid, NotFound
from sunpile.basics.ids import SessionId
from sunpile.basics.units import Nano, Wh, money
from sunpile.sessions.cdr import Cdr, close_record, credit_record
from sunpile.sessions.model import Pile, Session
from sunpile.sessions.ports import Decision, Desk, Ruled
from sunpile.sessions.register import Register, plausible_wh
from sunpile.sessions.session import Turn, with_owed
from sunpile.sessions.signed import weigh
from sunpile.sessions.voucher import paid_of

RulingKind = Literal["registers", "zero", "signed", "hold"]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What staff decides on a session."""

    kind: RulingKind
    """registers: bill from `start_wh` to `end_wh`; zero: bill nothing; signed: as the signed values prove; hold:
    leave it held."""
    reason: str
    """Why, for the record and the audit log."""
    start_wh: Wh | None = None
    """Register at the start, for `registers` [Wh]."""
    end_wh: Wh | None = None
    """Register at the end, for `registers` [Wh]."""
    ended_at: int | None = None
    """When it ended, for one whose stop never came [Unix s]; None: at its last register."""

    def __post_init__(self) -> None:
        if not 3 <= len(self.reason.strip()) <= 500:
            raise InputInvalid("a decision needs a reason of 3 to 500 characters")
        if (self.kind == "registers") != (self.start_wh is not None and self.end_wh is not None):
            raise InputInvalid("both registers are given to bill by registers, and only then")


def review(turn: Turn, name: SessionId, ruling: Ruling, actor: str) -> Decision:
    """Decide on a held session.

    Raises
    ------
    NotFound, Conflict, InputInvalid
        if there is none, it is not held, or the ruling bills what the pile cannot have passed.
    """
    session = _known(turn.desk, name)
    if session.state != "held":
        raise Conflict(f"the session is {session.state}, not held")
    if ruling.kind == "hold":
        return Decision(rulings=(_ruled(session, ruling, None, actor, turn.now),))
    done, register = _billed(turn, session, ruling)
    cdr = close_record(done, register, turn.rules, turn.now, turn.cost(done, register))
    return Decision(sessions=(done,), cdrs=(cdr,), rulings=(_ruled(session, ruling, done.wh, actor, turn.now),))


def correct(turn: Turn, name: SessionId, ruling: Ruling, actor: str) -> Decision:
    """Take the newest record of an ended session back by a credit record, and make a new one.

    Raises
    ------
    NotFound, Conflict, InputInvalid
        if there is no record to correct, or the ruling bills what the pile cannot have passed.
    """
    session = _known(turn.desk, name)
    if ruling.kind == "hold":
        raise InputInvalid("a record is corrected by registers, signed values or zero")
    if session.state != "ended":
        raise Conflict(f"the session is {session.state}: it has no final record")
    records = turn.desk.records_of(name)
    if not records:
        raise Conflict("the session has no record")
    old = standing(records)
    done, register = _billed(turn, session, ruling)
    credits = (credit_record(old, turn.now, ruling.reason),) if old is not None else ()
    number = 1 + sum(not one.credit for one in records)
    new = close_record(done, register, turn.rules, turn.now, turn.cost(done, register), number=number)
    ruled = _ruled(session, ruling, done.wh, actor, turn.now, kind="correct")
    return Decision(sessions=(done,), cdrs=(*credits, new), rulings=(ruled,))


def standing(records: Sequence[Cdr]) -> Cdr | None:
    """The record of a session that has not been taken back."""
    taken_back = {record.credit_reference_id for record in records if record.credit}
    return next((record for record in records if not record.credit and record.id not in taken_back), None)


def _known(desk: Desk, name: SessionId) -> Session:
    session = desk.by_id(name)
    if session is None:
        raise NotFound("there is no such session")
    return session


def _billed(turn: Turn, session: Session, ruling: Ruling) -> tuple[Session, Register]:
    """The session as `ruling` bills it, and a straight line of its energy."""
    start = session.started_at
    end = ruling.ended_at if ruling.ended_at is not None else session.ended_at or max(session.last_at, start)
    if not start <= end <= turn.now:
        if ruling.ended_at is None and ruling.kind == "zero":
            end = start
        else:
            raise InputInvalid("the end lies before the start, or in the future; give `ended_at`")
    first, last = _registers(turn, session._replace(ended_at=end), ruling)
    pile = turn.desk.pile(session.station, session.evse)
    _must_be_possible(pile, last - first, end - start)
    register = Register((start, max(end, start + 1)), (0, last - first), (first, last), 1, ())
    done = session._replace(
        state="ended",
        ended_at=end,
        start_wh=Wh(first),
        end_wh=Wh(last),
        wh=Wh(last - first),
        held_reason=None,
        waits_since=None,
        late_since=None,
        doubts=session.doubts | {"decided by staff"},
    )
    return _paid(turn.desk, done, session), register


def _registers(turn: Turn, session: Session, ruling: Ruling) -> tuple[int, int]:
    if ruling.kind == "zero":
        known = session.start_wh or 0
        return known, known
    if ruling.kind == "signed":
        proof = weigh(session, turn.desk.signed_values(session.session))
        if proof.pair is None or proof.hold is not None:
            raise Conflict(f"the signed values prove nothing: {proof.hold or proof.doubt or 'there are none'}")
        first = proof.pair.begin.register_milli // 1000
        return first, first + proof.pair.wh
    assert ruling.start_wh is not None
    assert ruling.end_wh is not None
    if not 0 <= ruling.start_wh <= ruling.end_wh < 1 << 53:
        raise InputInvalid("the registers must rise from the start to the end")
    return ruling.start_wh, ruling.end_wh


def _must_be_possible(pile: Pile | None, wh: int, seconds: int) -> None:
    if wh == 0:
        return
    if pile is None:
        raise Conflict("the EVSE is not registered: register it, or bill zero")
    most = plausible_wh(pile.max_w, seconds)
    if wh > most:
        raise InputInvalid(f"the pile cannot have passed {wh} Wh in {seconds} s: at most {most} Wh", most=most)


def _paid(desk: Desk, done: Session, before: Session) -> Session:
    owed = money(done.wh, done.price) if done.pays else Nano(0)
    channel = desk.channel(done.channel) if done.channel else None
    paid = min(paid_of(with_owed(channel, before, owed), owed), owed) if channel is not None else done.paid
    return done._replace(owed=owed, paid=Nano(paid))


def _ruled(session: Session, ruling: Ruling, wh: Wh | None, actor: str, now: int, kind: str | None = None) -> Ruled:
    return Ruled(
        session=session.session,
        kind=kind or ruling.kind,
        start_wh=ruling.start_wh,
        end_wh=ruling.end_wh,
        wh=wh,
        actor=actor,
        reason=ruling.reason.strip(),
        at=now,
    )
