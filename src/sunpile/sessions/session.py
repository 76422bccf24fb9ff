"""One session's life: `decide(desk, event) -> Decision`, pure.

Every message is answered, also a wrong one: a pile repeats until it is. What is answered is not yet believed:
doubtful energy is kept and held, with its reason, until messages or a person clear it. A message is known by its
content id: the same one again gets the same answer, one with another body is an incident.

::

    active --stop--> waiting --all messages there--> ended (charge detail record)
       |                |
       +--no stop-------+--missing or implausible--> held --late stop--> ended
"""

import json
from collections.abc import Sequence
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
    TransactionDetails,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from sunpile.sessions.authorise import Place, place_of, verdict
from sunpile.sessions.bill import Bill, NoBill, advance, measure
from sunpile.sessions.cdr import close_record
from sunpile.sessions.model import Channel, Session, SessionRules, with_seq
from sunpile.sessions.ports import Decision, Desk, Message
from sunpile.sessions.readings import mark_end, read_samples
from sunpile.sessions.register import Register, RegisterSample, plausible_wh, taken_at
from sunpile.sessions.signed import SignedValue, agrees, judge, newest, weigh
from sunpile.sessions.voucher import is_late, paid_of, step_nano

RESUMABLE = ("no stop", "silent")
"""Held only because nothing was heard: a message of now lets such a session go on."""
FRESH_S = 900
"""A message of now is no older than this [s]."""


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

    def cost(self, session: Session, register: Register) -> Nano | None:
        """What a closed session costs by its tariff; None: by its energy, as vouchers pay for it."""
        if session.rail == "channel" or not session.pays:
            return None
        return self.desk.cost(session, register)


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
            return _booted(turn, event)
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
    if not isinstance(event, TransactionStarted):
        again = _numbered_anew(turn, event)
        if again is not None:
            return again
    other = f"{event.key[:110]}#{event.body_hash[:8].hex()}"
    known = turn.desk.seen(event.station, other) is not None
    incident = None if known else _kept(event, "same key, other body", other)
    return Decision(answer=seen.answer, message=incident)


def _numbered_anew(turn: Turn, event: TransactionUpdated | TransactionEnded) -> Decision | None:
    """The decision on a message whose number was used before a reset of the station; None: it is another case.

    A station that takes a transaction up again may count from 0 once more. What is newer than all that was metered
    is no repetition; from then on the numbers of this transaction prove nothing.
    """
    known = turn.desk.by_transaction(event.station, event.ocpp_transaction)
    if known is None or not event.key.startswith(f"{event.ocpp_transaction}/"):
        return None
    again = replace(event, key=f"{event.key[:110]}@{event.at}")
    seen = turn.desk.seen(event.station, again.key)
    if seen is not None:
        return Decision(answer=seen.answer) if seen.body_hash == event.body_hash else None
    if known.ended_at is not None or event.at <= known.last_at or not _counts_again(known, event):
        return None
    act = _updated if isinstance(again, TransactionUpdated) else _ended
    return act(turn, again, True)  # pyright: ignore[reportArgumentType]


def _counts_again(session: Session, event: TransactionUpdated | TransactionEnded) -> bool:
    # An end that bears the number of the last update is an end all the same.
    last = event.seq_no - 1 if isinstance(event, TransactionEnded) else event.seq_no
    return session.first_seq is None or any(last < high for _, high in session.seqs)


def _kept(event: Transaction, why: str, key: str | None = None) -> Message:
    """A message that moves no money, with what it said."""
    samples = (event.sample,) if isinstance(event, TransactionStarted) else event.samples
    said = {
        "kind": type(event).__name__.removeprefix("Transaction").lower(),
        "transaction": event.ocpp_transaction,
        "evse": event.evse,
        "id_token": event.id_token,
        "at": event.at,
        "seq_no": event.seq_no,
        "reason": event.reason if isinstance(event, TransactionEnded) else None,
        "registers": [[sample.at, sample.register_wh] for sample in samples if sample.register_wh is not None],
    }
    return Message(event.station, key or event.key, event.body_hash, held=why, detail=json.dumps(said))


def _after_the_end(turn: Turn, event: Transaction, session: Session, samples: Sequence[RegisterSample]) -> Decision:
    """A message of a session whose record is final: kept and shown, its registers with those of the meter."""
    authorisation = None
    if event.id_token is not None:
        place = place_of(session, event.id_token, turn.now)
        authorisation = verdict(turn.desk, event.id_token, session.session, 0, place)[0]
    kept = tuple((event.station, session.evse, sample) for sample in samples)
    answer = TransactionAnswer(authorisation, session.ocpp_transaction)
    return Decision(answer, _kept(event, "ended before"), kept)


def _started(turn: Turn, event: TransactionStarted) -> Decision:
    # OCPP 1.6 does not say whether a message was queued.
    offline = event.offline or event.ocpp_transaction is None
    samples, doubts = read_samples(turn.now, (event.sample,), "begin", offline)
    transaction = event.ocpp_transaction or str(turn.fresh.ocpp_transaction)
    known = turn.desk.by_transaction(event.station, transaction) if event.ocpp_transaction else None
    if known is not None and known.state == "ended":
        return _after_the_end(turn, event, known, samples)
    begin = samples[0] if samples else None
    started_at = begin.taken_at if begin else taken_at(event.at, turn.now)[0]
    session = known or _open(turn, event.station, event.evse, transaction, started_at)
    session = session._replace(
        begun=True,
        evse=event.evse or session.evse,
        started_at=started_at,
        start_wh=begin.wh if begin else session.start_wh,
        doubts=session.doubts | doubts,
    )
    session = _named(session, event.details)
    if known is None or known.last_wh is None:
        session = session._replace(last_at=started_at, last_wh=session.start_wh)
    if event.ocpp_transaction is not None:
        session = session._replace(first_seq=event.seq_no, seqs=with_seq(session.seqs, event.seq_no))
    session, authorisation = _authorised(turn, session, event.id_token)
    session, others = _alone(turn, session)
    if known is not None:
        if known.evse != session.evse:
            # Messages that came before the start need not name the EVSE; theirs are its samples.
            samples = (*samples, *turn.desk.samples(event.station, known.evse, started_at, known.ended_at or turn.now))
        session = _progress(turn, session, samples)
    session, signed = _signed(turn, session, event.samples or (event.sample,))
    session = _money(turn, session, known)
    answer = TransactionAnswer(authorisation, transaction)
    return _closing(turn, (session, *others), samples, event, answer, signed)


def _updated(turn: Turn, event: TransactionUpdated, anew: bool = False) -> Decision:
    known = turn.desk.by_transaction(event.station, event.ocpp_transaction)
    samples, doubts = read_samples(turn.now, event.samples, "sample", event.offline)
    at = taken_at(event.at, turn.now)[0]
    if known is not None and known.state == "ended":
        return _after_the_end(turn, event, known, samples)
    session = known or _unbegun(turn, event.station, event.evse, event.ocpp_transaction, at)
    session, others = _located(turn, session, event.evse, samples)
    session = session._replace(doubts=session.doubts | doubts)
    session = _unnumbered(session) if anew else session._replace(seqs=with_seq(session.seqs, event.seq_no))
    session = _goes_on(turn, session, at, event.details.resumed)
    authorisation = None
    if event.id_token is not None:
        session, authorisation = _authorised(turn, _named(session, event.details), event.id_token)
    session, signed = _signed(turn, session, event.samples)
    session = _money(turn, _progress(turn, session, samples), known)
    answer = TransactionAnswer(authorisation, event.ocpp_transaction)
    return _closing(turn, (session, *others), samples, event, answer, signed)


def _ended(turn: Turn, event: TransactionEnded, anew: bool = False) -> Decision:
    samples, doubts = read_samples(turn.now, event.samples, "sample", event.offline or event.evse is None)
    samples = mark_end(samples)
    at = taken_at(event.at, turn.now)[0]
    known = turn.desk.by_transaction(event.station, event.ocpp_transaction)
    if known is None and event.evse is None:
        known = _owner_of_orphan(turn, event, samples, at)
        if known is None:
            return _orphan(turn, event)
        doubts = doubts | {"orphan stop"}
    if known is not None and known.state == "ended":
        return _after_the_end(turn, event, known, samples)
    session = known or _unbegun(turn, event.station, event.evse or EvseId(0), event.ocpp_transaction, at)
    session, others = _located(turn, session, event.evse or EvseId(0), samples)
    end = samples[-1] if samples else None
    session = session._replace(
        state="waiting",
        ended_at=end.taken_at if end else at,
        end_wh=end.wh if end else None,
        stop_reason=event.reason[:32],
        waits_since=turn.now,
        doubts=session.doubts | doubts,
    )
    if anew:
        session = _unnumbered(session)
    elif not session.begun or session.first_seq is not None:
        session = session._replace(last_seq=event.seq_no, seqs=with_seq(session.seqs, event.seq_no))
    authorisation = None
    if event.id_token is not None and session.driver is None:
        session, authorisation = _authorised(turn, session, event.id_token)
    session, signed = _signed(turn, session, event.samples)
    session = _money(turn, _progress(turn, session, samples), known)
    answer = TransactionAnswer(authorisation, event.ocpp_transaction)
    return _closing(turn, (session, *others), samples, event, answer, signed)


def _metered(turn: Turn, event: MeterRead) -> Decision:
    samples, doubts = read_samples(turn.now, event.samples, "sample", offline=True)
    kept = tuple((event.station, event.evse, sample) for sample in samples)
    proves = any(sample.signed is not None for sample in event.samples)
    if not (samples or proves) or event.evse == 0:
        return Decision()
    known = _session_of(turn.desk, event)
    if known is None:
        return Decision(samples=kept)
    if known.state == "ended":
        return Decision(samples=kept, signed=_signed(turn, known, event.samples)[1] if proves else ())
    session = known if doubts <= known.doubts else known._replace(doubts=known.doubts | doubts)
    if samples and event.ocpp_transaction is not None and (session.waits_since or session.state == "held"):
        session = _goes_on(turn, session, samples[-1].taken_at)
    session, signed = _signed(turn, session, event.samples) if proves else (session, ())
    session = _money(turn, _progress(turn, session, samples), known)
    if session.ended_at is None:
        return Decision(samples=kept, sessions=(session,), signed=signed)
    return replace(_close(turn, session, samples, signed=signed), samples=kept, signed=signed)


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


def _booted(turn: Turn, event: Booted) -> Decision:
    """Sessions outlive a reboot: the pile says itself how each goes on, by its stop or by taking it up again."""
    if event.reason == "Triggered":
        return Decision()  # it was only asked who it is
    changed = [
        session._replace(waits_since=session.waits_since or turn.now, doubts=session.doubts | {"station restarted"})
        for session in turn.desk.open_sessions(event.station)
        if session.open and session.begun
    ]
    return Decision(sessions=tuple(changed))


def _goes_on(turn: Turn, session: Session, at: int, resumed: bool = False) -> Session:
    """A session that was thought lost, if a message of it says that it runs `at` this moment."""
    if session.ended_at is not None or not session.begun:
        return session
    if resumed:
        session = session._replace(doubts=session.doubts | {"resumed"})
    if not resumed and turn.now - at > FRESH_S:
        return session
    if session.open:
        return session._replace(waits_since=None) if session.waits_since is not None else session
    if session.state != "held" or session.held_reason not in RESUMABLE:
        return session
    taken = [s for s in turn.desk.open_sessions(session.station) if s.evse == session.evse and s.open]
    return session if taken else session._replace(state="active", held_reason=None, waits_since=None)


def _unnumbered(session: Session) -> Session:
    return session._replace(first_seq=None, last_seq=None, doubts=session.doubts | {"numbered anew"})


def _signed(turn: Turn, session: Session, samples: Sequence[Sample]) -> tuple[Session, tuple[SignedValue, ...]]:
    """The session with a note of its signed values, and these, checked with the key registered for its EVSE."""
    proofs = [sample for sample in samples if sample.signed is not None]
    if not proofs:
        return session, ()
    key = turn.desk.meter_key(session.station, session.evse, turn.now)
    values: list[SignedValue] = []
    for sample in proofs:
        value = judge(session, sample, key, turn.now)
        values.append(replace(value, session=turn.desk.signed_by(value.digest) or session.session))
    return session._replace(signed=True), tuple(values)


def _review(turn: Turn, event: Review) -> Decision:
    session = turn.desk.by_id(event.session)
    if session is None or session.state not in ("active", "waiting"):
        return Decision()
    if session.open and turn.now - max(session.last_at, session.started_at) >= turn.rules.silence_s:
        return Decision(sessions=(_held(session, "silent"),))
    if session.waits_since is None:
        return Decision()
    if turn.now - session.waits_since < turn.rules.patience_s:
        return Decision()
    if session.open:
        return Decision(sessions=(_held(session, "no stop"),))
    return _close(turn, session, (), patient=False)


# -- parts ------------------------------------------------------------------------------------------------------------


def _open(turn: Turn, station: StationId, evse: EvseId, transaction: str, at: int) -> Session:
    pile = turn.desk.pile(station, evse)
    price = pile.price if pile else MicroPerKwh(0)
    return Session(turn.fresh.session, station, evse, transaction, price, started_at=at, last_at=at)


def _unbegun(turn: Turn, station: StationId, evse: EvseId, transaction: str, at: int) -> Session:
    """A numbered transaction whose start has not come yet."""
    return _open(turn, station, evse, transaction, at)._replace(begun=False, waits_since=turn.now)


def _named(session: Session, told: TransactionDetails) -> Session:
    """The session after its driver has shown a token, perhaps when it already ran."""
    return session._replace(
        token_kind=session.token_kind or told.token_kind,
        remote_start=session.remote_start if told.remote_start_id is None else told.remote_start_id,
        reservation=session.reservation if told.reservation is None else told.reservation,
    )


def _located(
    turn: Turn, session: Session, evse: EvseId, samples: Sequence[RegisterSample]
) -> tuple[Session, tuple[Session, ...]]:
    """The session after a message that may be the first to name its EVSE, and others that this ends.

    A driver may be let in before the plug says where (E03): until then nothing flows, and the register begins there.
    """
    begin = next((sample for sample in samples if sample.kind == "begin"), None)
    if begin is not None and session.start_wh is None:
        session = session._replace(start_wh=begin.wh, last_wh=session.last_wh or begin.wh)
    if session.evse or not evse:
        return session, ()
    pile = turn.desk.pile(session.station, evse)
    session = session._replace(evse=evse, price=pile.price if pile else session.price)
    return _alone(turn, session)


def _authorised(turn: Turn, session: Session, id_token: IdToken | None) -> tuple[Session, Authorisation | None]:
    if id_token is None:
        return session, None
    needed = step_nano(session, turn.rules)
    place = place_of(session, id_token, turn.now)
    authorisation, payer = verdict(turn.desk, id_token, session.session, needed, place)
    if session.authorised != "Accepted":
        # A token shown later, to stop, says nothing about who was let in.
        session = session._replace(authorised=authorisation.status, parent=authorisation.parent)
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
    return Decision(answer, _kept(event, "orphan"))


def _closing(
    turn: Turn,
    sessions: tuple[Session, ...],
    samples: Sequence[RegisterSample],
    event: Transaction,
    answer: TransactionAnswer,
    signed: tuple[SignedValue, ...] = (),
) -> Decision:
    """The decision on a transaction message; its session (the first) is closed if nothing is missing."""
    decision = _close(turn, sessions[0], samples, signed=signed)
    evse = sessions[0].evse
    return replace(
        decision,
        answer=answer,
        message=Message(event.station, event.key, event.body_hash),
        samples=tuple((event.station, evse, sample) for sample in samples),
        sessions=(*decision.sessions, *sessions[1:]),
        signed=signed,
    )


def _close(
    turn: Turn,
    session: Session,
    new: Sequence[RegisterSample],
    patient: bool = True,
    signed: Sequence[SignedValue] = (),
) -> Decision:
    """Close an ended session, or say what it waits for; without patience, hold it."""
    if session.ended_at is None:
        return Decision(sessions=(session,))
    if not session.contiguous:
        reason = "gap in messages" if session.begun else "no start"
        return Decision(sessions=(session if patient else _held(session, reason),))
    pile = turn.desk.pile(session.station, session.evse)
    if pile is None:
        # Who was let in and never plugged in has used nothing: there is nothing to bill and nothing to decide.
        nobody = not session.evse and session.end_wh is None and not new
        empty = session._replace(state="ended", wh=Wh(0), held_reason=None, waits_since=None)
        return Decision(sessions=(empty if nobody else _held(session, "unknown evse"),))
    bill = measure(session, turn.desk, new, pile)
    bill, worth, note = _proven(turn, session, bill, signed)
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
    doubts = session.doubts | {doubt for doubt in (bill.doubt, note) if doubt}
    done = session._replace(state="ended", wh=bill.wh, held_reason=None, waits_since=None, doubts=doubts)
    before = turn.desk.by_id(session.session)
    done = _money(turn, done, before)
    record = close_record(done, bill.register, turn.rules, turn.now, turn.cost(done, bill.register), worth)
    return Decision(sessions=(done._replace(owed=record.total_cost),), cdrs=(record,))


def _proven(
    turn: Turn, session: Session, bill: Bill | NoBill, new: Sequence[SignedValue]
) -> tuple[Bill | NoBill, str, str | None]:
    """The bill after the signed values have been weighed, what they are worth, and what was odd about them."""
    if not session.signed:
        return bill, "", None
    values = (*turn.desk.signed_values(session.session), *new)
    proof, worth = weigh(session, values), newest(values)
    if proof.hold is not None:
        return NoBill(proof.hold), worth, None
    if proof.wh is None or proof.pair is None:
        if isinstance(bill, Bill) and proof.doubt == "signed values incomplete":
            bill = replace(bill, doubt=bill.doubt or proof.doubt)  # the other half may be under way
        return bill, worth, proof.doubt
    assert session.ended_at is not None
    if isinstance(bill, NoBill):
        if not bill.reason.startswith("no register"):
            return bill, worth, None
        # The protocol brought no number, the meter's own signed ones do.
        first = proof.pair.begin.register_milli // 1000
        times = (session.started_at, max(session.ended_at, session.started_at + 1))
        line = Register(times, (0, proof.wh), (first, first + proof.wh), 1, ())
        pile = turn.desk.pile(session.station, session.evse)
        most = plausible_wh(pile.max_w, session.ended_at - session.started_at) if pile is not None else 0
        possible = proof.wh <= most
        return Bill(proof.wh, line, None) if possible else NoBill("above the pile's power"), worth, proof.doubt
    if not agrees(proof.wh, bill.wh):
        return NoBill("signed value differs"), worth, None
    return replace(bill, wh=proof.wh), worth, proof.doubt
