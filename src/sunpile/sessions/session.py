"""One session's life: `decide(desk, event) -> Decision`, pure.

Every message is answered, also a wrong one: a pile repeats until it is. What is answered is not yet believed:
doubtful energy is kept and held, with its reason, until messages or a person clear it. A message is known by its
content id: the same one again gets the same answer, one with another body is an incident.

::

    active --stop--> waiting --all messages there--> ended (charge detail record)
       |                |
       +--no stop-------+--missing or implausible--> held --late stop--> ended
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sunpile.basics.ids import EvseId, IdToken, SessionId, StationId
from sunpile.basics.units import MicroPerKwh, Nano, Wh, money
from sunpile.chargers.events import (
    Authorisation,
    Booted,
    MeterRead,
    Sample,
    StationEvent,
    StatusChanged,
    TransactionAnswer,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.sessions.authorise import Place, verdict
from sunpile.sessions.bill import NoBill, advance, measure
from sunpile.sessions.cdr import close_record
from sunpile.sessions.model import Channel, Session, SessionRules, with_seq
from sunpile.sessions.ports import Decision, Desk, Message
from sunpile.sessions.register import RegisterSample, taken_at
from sunpile.sessions.voucher import is_late, paid_of, step_nano

_KINDS = {"Transaction.Begin": "begin", "Transaction.End": "end", "Sample.Clock": "clock"}


@dataclass(frozen=True, slots=True)
class Fresh:
    """Random ids drawn outside the core, for a session that this event may open."""

    session: SessionId
    """A session id never used before."""
    ocpp_transaction: int
    """A transaction number for OCPP 1.6, 31 bits, never used before."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One event's surroundings."""

    desk: Desk
    """What may be looked at."""
    now: int
    """When the event came in [Unix s]."""
    rules: SessionRules
    """Settings."""
    fresh: Fresh
    """Ids to use."""


@dataclass(frozen=True, slots=True)
class Review:
    """Patience is over for a session, perhaps."""

    session: SessionId
    """Which one."""


def decide(turn: Turn, event: StationEvent | Review) -> Decision:
    """What `event` changes. The same event again changes nothing."""
    match event:
        case TransactionStarted() | TransactionUpdated() | TransactionEnded():
            return _once(turn, event)
        case MeterRead():
            return _metered(turn, event)
        case StatusChanged():
            return _status_changed(turn, event)
        case Booted():
            return Decision()  # sessions outlive a reboot: the pile says itself how each goes on
        case Review():
            return _review(turn, event)


Transaction = TransactionStarted | TransactionUpdated | TransactionEnded


def _once(turn: Turn, event: Transaction) -> Decision:
    seen = turn.desk.seen(event.station, event.key)
    if seen is None:
        match event:
            case TransactionStarted():
                return _started(turn, event)
            case TransactionUpdated():
                return _updated(turn, event)
            case TransactionEnded():
                return _ended(turn, event)
    if seen.body_hash == event.body_hash:
        return Decision(answer=seen.answer)
    other = f"{event.key[:110]}#{event.body_hash[:8].hex()}"
    known = turn.desk.seen(event.station, other) is not None
    incident = None if known else Message(event.station, other, event.body_hash, held="same key, other body")
    return Decision(answer=seen.answer, message=incident)


def _started(turn: Turn, event: TransactionStarted) -> Decision:
    # OCPP 1.6 does not say whether a message was queued.
    offline = event.offline or event.ocpp_transaction is None
    samples, doubts = read_samples(turn, (event.sample,), "begin", offline)
    transaction = event.ocpp_transaction or str(turn.fresh.ocpp_transaction)
    known = turn.desk.by_transaction(event.station, transaction) if event.ocpp_transaction else None
    begin = samples[0] if samples else None
    started_at = begin.taken_at if begin else taken_at(event.at, turn.now)[0]
    session = known or _open(turn, event.station, event.evse, transaction, started_at)
    session = session._replace(
        begun=True,
        evse=event.evse,
        started_at=started_at,
        start_wh=begin.wh if begin else None,
        doubts=session.doubts | doubts,
    )
    if known is None or known.last_wh is None:
        session = session._replace(last_at=started_at, last_wh=session.start_wh)
    if event.ocpp_transaction is not None:
        session = session._replace(first_seq=event.seq_no, seqs=with_seq(session.seqs, event.seq_no))
    session, authorisation = _authorised(turn, session, event.id_token)
    session, others = _alone(turn, session)
    if known is not None:
        if known.evse != event.evse:
            # Messages that came before the start need not name the EVSE; theirs are its samples.
            samples = (*samples, *turn.desk.samples(event.station, known.evse, started_at, known.ended_at or turn.now))
        session = _progress(turn, session, samples)
    session = _money(turn, session, known)
    answer = TransactionAnswer(authorisation, transaction)
    return _closing(turn, (session, *others), samples, event, answer)


def _updated(turn: Turn, event: TransactionUpdated) -> Decision:
    known = turn.desk.by_transaction(event.station, event.ocpp_transaction)
    samples, doubts = read_samples(turn, event.samples, "sample", event.offline)
    at = taken_at(event.at, turn.now)[0]
    session = known or _unbegun(turn, event.station, event.evse, event.ocpp_transaction, at)
    session = session._replace(seqs=with_seq(session.seqs, event.seq_no), doubts=session.doubts | doubts)
    authorisation = None
    if event.id_token is not None:
        session, authorisation = _authorised(turn, session, event.id_token)
    session = _money(turn, _progress(turn, session, samples), known)
    return _closing(turn, (session,), samples, event, TransactionAnswer(authorisation, event.ocpp_transaction))


def _ended(turn: Turn, event: TransactionEnded) -> Decision:
    samples, doubts = read_samples(turn, event.samples, "sample", event.offline or event.evse is None)
    samples = _mark_end(samples)
    at = taken_at(event.at, turn.now)[0]
    known = turn.desk.by_transaction(event.station, event.ocpp_transaction)
    if known is None and event.evse is None:
        known = _owner_of_orphan(turn, event, samples, at)
        if known is None:
            return _orphan(turn, event)
        doubts = doubts | {"orphan stop"}
    if known is not None and known.state == "ended":
        held = Message(event.station, event.key, event.body_hash, held="ended before")
        return Decision(TransactionAnswer(None, event.ocpp_transaction), held)
    session = known or _unbegun(turn, event.station, event.evse or EvseId(0), event.ocpp_transaction, at)
    end = samples[-1] if samples else None
    session = session._replace(
        state="waiting",
        ended_at=end.taken_at if end else at,
        end_wh=end.wh if end else None,
        stop_reason=event.reason[:32],
        waits_since=turn.now,
        doubts=session.doubts | doubts,
    )
    if not session.begun or session.first_seq is not None:
        session = session._replace(last_seq=event.seq_no, seqs=with_seq(session.seqs, event.seq_no))
    authorisation = None
    if event.id_token is not None and session.driver is None:
        session, authorisation = _authorised(turn, session, event.id_token)
    session = _money(turn, _progress(turn, session, samples), known)
    answer = TransactionAnswer(authorisation, event.ocpp_transaction)
    return _closing(turn, (session,), samples, event, answer)


def _metered(turn: Turn, event: MeterRead) -> Decision:
    samples, doubts = read_samples(turn, event.samples, "sample", offline=True)
    kept = tuple((event.station, event.evse, sample) for sample in samples)
    if not samples or event.evse == 0:
        return Decision()
    known = _session_of(turn.desk, event)
    if known is None or known.state == "ended":
        return Decision(samples=kept)
    session = known._replace(doubts=known.doubts | doubts) if doubts else known
    session = _money(turn, _progress(turn, session, samples), known)
    if session.ended_at is None:
        return Decision(samples=kept, sessions=(session,))
    return replace(_close(turn, session, samples), samples=kept)


def _session_of(desk: Desk, event: MeterRead) -> Session | None:
    if event.ocpp_transaction is not None:
        named = desk.by_transaction(event.station, event.ocpp_transaction)
        # A number bound to another EVSE is not believed: the meter that spoke is this EVSE's.
        if named is not None and named.evse == event.evse:
            return named
    on_evse = [s for s in desk.open_sessions(event.station) if s.evse == event.evse]
    return max(on_evse, key=lambda s: (s.open, s.started_at), default=None)


def _status_changed(turn: Turn, event: StatusChanged) -> Decision:
    changed: list[Session] = []
    for session in turn.desk.open_sessions(event.station):
        if session.evse == event.evse and session.open:
            waits = turn.now if event.status == "Available" and event.at >= session.started_at else None
            if (waits is None) != (session.waits_since is None):
                changed.append(session._replace(waits_since=waits))
    return Decision(sessions=tuple(changed))


def _review(turn: Turn, event: Review) -> Decision:
    session = turn.desk.by_id(event.session)
    if session is None or session.state not in ("active", "waiting") or session.waits_since is None:
        return Decision()
    if turn.now - session.waits_since < turn.rules.patience_s:
        return Decision()
    if session.open:
        return Decision(sessions=(_held(session, "no stop"),))
    return _close(turn, session, (), patient=False)


# -- parts ------------------------------------------------------------------------------------------------------------


def read_samples(
    turn: Turn, samples: Iterable[Sample], kind: str, offline: bool
) -> tuple[tuple[RegisterSample, ...], frozenset[str]]:
    """Register samples in time order, and doubts about the pile's clock. `kind` is for those that do not say."""
    found: list[RegisterSample] = []
    doubts = set[str]()
    for sample in samples:
        taken, doubt = taken_at(sample.at, turn.now, offline)
        if doubt:
            doubts.add(doubt)
        if sample.register_wh is not None and sample.register_wh >= 0:
            own = "begin" if kind == "begin" else _KINDS.get(sample.context, kind)
            found.append(RegisterSample(sample.at, sample.register_wh, taken, turn.now, own, sample.held))
    return tuple(sorted(found, key=lambda s: (s.taken_at, s.kind == "end", s.wh))), frozenset(doubts)


def _mark_end(samples: tuple[RegisterSample, ...]) -> tuple[RegisterSample, ...]:
    if not samples or samples[-1].kind == "end":
        return samples
    return (*samples[:-1], replace(samples[-1], kind="end"))


def _open(turn: Turn, station: StationId, evse: EvseId, transaction: str, at: int) -> Session:
    pile = turn.desk.pile(station, evse)
    price = pile.price if pile else MicroPerKwh(0)
    return Session(turn.fresh.session, station, evse, transaction, price, started_at=at, last_at=at)


def _unbegun(turn: Turn, station: StationId, evse: EvseId, transaction: str, at: int) -> Session:
    """A numbered transaction whose start has not come yet."""
    return _open(turn, station, evse, transaction, at)._replace(begun=False, waits_since=turn.now)


def _authorised(turn: Turn, session: Session, id_token: IdToken | None) -> tuple[Session, Authorisation | None]:
    if id_token is None:
        return session, None
    needed = step_nano(session, turn.rules)
    place = Place(session.station, session.evse, turn.now)
    authorisation, payer = verdict(turn.desk, id_token, session.session, needed, place)
    if session.driver is not None or session.rail != "channel" or payer is None:
        return session._replace(id_token=session.id_token or id_token), authorisation
    by_channel = payer.driver is not None and payer.pays and payer.rail == "channel"
    channel = turn.desk.channel_of(payer.driver) if by_channel and payer.driver is not None else None
    found = session._replace(
        id_token=id_token,
        driver=payer.driver,
        pays=payer.pays,
        channel=channel.channel if channel else None,
        rail=payer.rail,
    )
    return found, authorisation


def _alone(turn: Turn, session: Session) -> tuple[Session, tuple[Session, ...]]:
    """One EVSE charges one car: of two running sessions the older one has lost its stop, or will bring it late."""
    others: list[Session] = []
    for other in turn.desk.open_sessions(session.station):
        if other.evse != session.evse or not other.open or other.session == session.session:
            continue
        if other.started_at <= session.started_at:
            others.append(_held(other, "no stop"))
        elif session.open:
            session = session._replace(state="waiting", waits_since=turn.now)
    return session, tuple(others)


def _held(session: Session, reason: str) -> Session:
    return session._replace(state="held", held_reason=reason, late_since=None)


def _progress(turn: Turn, session: Session, samples: Sequence[RegisterSample]) -> Session:
    pile = turn.desk.pile(session.station, session.evse)
    return advance(session, turn.desk, samples, pile) if pile and samples else session


def _money(turn: Turn, session: Session, before: Session | None) -> Session:
    """What the session owes by now, how much of it is paid, and whether a voucher is late."""
    owed = money(session.wh, session.price) if session.pays else Nano(0)
    paid = session.paid
    channel = turn.desk.channel(session.channel) if session.channel else None
    if channel is not None:
        channel = with_owed(channel, before, owed)
        paid = min(paid_of(channel, owed), owed)
    # This runs for every meter value, and a copy is its largest cost: none is made that changes nothing.
    if (owed, paid) != (session.owed, session.paid):
        session = session._replace(owed=owed, paid=paid)
    late_since = (session.late_since or turn.now) if is_late(channel, session, turn.rules) else None
    return session if late_since == session.late_since else session._replace(late_since=late_since)


def with_owed(channel: Channel, before: Session | None, owed: Nano) -> Channel:
    """The channel once a session that owes `owed` [nano] is kept in place of `before`."""
    known = before.owed if before is not None and before.channel == channel.channel else 0
    return channel._replace(owed=Nano(channel.owed - known + owed))


def _owner_of_orphan(turn: Turn, event: TransactionEnded, samples: Sequence[RegisterSample], at: int) -> Session | None:
    """The one running session of the station that a stop with an unknown number can belong to."""
    stop = samples[-1] if samples else None
    fits = [
        session
        for session in turn.desk.open_sessions(event.station)
        if session.open
        and session.started_at <= at
        and (event.id_token is None or session.id_token == event.id_token)
        and (stop is None or session.last_wh is None or stop.wh >= session.last_wh)
    ]
    return fits[0] if len(fits) == 1 else None


def _orphan(turn: Turn, event: TransactionEnded) -> Decision:
    place = Place(event.station, event.evse, turn.now)
    authorisation = verdict(turn.desk, event.id_token, None, 0, place)[0] if event.id_token else None
    answer = TransactionAnswer(authorisation, event.ocpp_transaction)
    return Decision(answer, Message(event.station, event.key, event.body_hash, held="orphan"))


def _closing(
    turn: Turn,
    sessions: tuple[Session, ...],
    samples: Sequence[RegisterSample],
    event: Transaction,
    answer: TransactionAnswer,
) -> Decision:
    """The decision on a transaction message; its session (the first) is closed if nothing is missing."""
    decision = _close(turn, sessions[0], samples)
    evse = sessions[0].evse
    return replace(
        decision,
        answer=answer,
        message=Message(event.station, event.key, event.body_hash),
        samples=tuple((event.station, evse, sample) for sample in samples),
        sessions=(*decision.sessions, *sessions[1:]),
    )


def _close(turn: Turn, session: Session, new: Sequence[RegisterSample], patient: bool = True) -> Decision:
    """Close an ended session, or say what it waits for; without patience, hold it."""
    if session.ended_at is None:
        return Decision(sessions=(session,))
    if not session.contiguous:
        reason = "gap in messages" if session.begun else "no start"
        return Decision(sessions=(session if patient else _held(session, reason),))
    pile = turn.desk.pile(session.station, session.evse)
    if pile is None:
        return Decision(sessions=(_held(session, "unknown evse"),))
    bill = measure(session, turn.desk, new, pile)
    # OCPP 1.6 does not number messages: what looks odd now may be explained by one that is still under way.
    waits = patient and session.first_seq is None
    if isinstance(bill, NoBill):
        missing = bill.reason == "no register at the end"
        if patient and (waits or missing):
            return Decision(sessions=(session,))
        # What was metered on the way is not trusted any more: nothing of it is billed.
        unbilled = _held(session, bill.reason)._replace(wh=Wh(0))
        return Decision(sessions=(_money(turn, unbilled, turn.desk.by_id(session.session)),))
    if bill.doubt and waits:
        return Decision(sessions=(session,))
    doubts = session.doubts | {bill.doubt} if bill.doubt else session.doubts
    done = session._replace(state="ended", wh=bill.wh, held_reason=None, waits_since=None, doubts=doubts)
    before = turn.desk.by_id(session.session)
    done = _money(turn, done, before)
    return Decision(sessions=(done,), cdrs=(close_record(done, bill.register, turn.rules, turn.now),))
