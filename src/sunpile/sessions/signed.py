"""What signed meter values say of a session: judged when they come, and weighed when it ends.

The signed register wins over the number of the protocol. Where the two differ by more than rounding, or a signature is
not by the key registered for the EVSE, the session is held. Without a registered key a signed value is only kept.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sunpile.basics.errors import InputInvalid
from sunpile.basics.ids import EvseId, SessionId, StationId
from sunpile.basics.units import Wh
from sunpile.chargers.events import Sample
from sunpile.sessions import ocmf
from sunpile.sessions.model import Session
from sunpile.sessions.register import SKEW_S

TOLERANCE_WH = 20
"""Signed and protocol energy may differ this much by rounding at both ends [Wh]."""
TOLERANCE_PERCENT = 1
"""... or by this share of the signed energy, whichever is more: values of one moment are read one after the other."""


@dataclass(frozen=True, slots=True)
class SignedValue:
    """A signed meter value, kept with its session as it came."""

    digest: str
    """SHA-256 of station and text, hex: the same text comes once."""
    session: SessionId
    """The session."""
    station: StationId
    """Charging station."""
    evse: EvseId
    """EVSE number."""
    text: str
    """What was signed, with its signature."""
    encoding: str
    """Format as the station names it; may be empty."""
    sent_key: str | None
    """Public key that came with it: compared, never trusted."""
    verdict: ocmf.Verdict
    """valid, invalid, no key or unverified."""
    key: str | None
    """Registered public key it was checked with."""
    key_differs: bool
    """The key sent is not the one registered."""
    received_at: int
    """Our time [Unix s]."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What all signed values of a session say together."""

    wh: Wh | None
    """Energy proven [Wh]."""
    pair: ocmf.Pair | None
    """Its begin and end."""
    hold: str | None
    """Why no money may move."""
    doubt: str | None
    """What is odd, or missing."""


def judge(session: Session, sample: Sample, key: str | None, now: int) -> SignedValue:
    """A signed value that came with `session`, checked with the registered `key`."""
    assert sample.signed is not None
    text = ocmf.text_of(sample.signed)
    differs = key is not None and sample.signed_key is not None and not ocmf.same_key(key, sample.signed_key)
    return SignedValue(
        digest=hashlib.sha256(f"{session.station}\n{text}".encode()).hexdigest(),
        session=session.session,
        station=session.station,
        evse=session.evse,
        text=text,
        encoding=(sample.signed_encoding or "")[:50],
        sent_key=sample.signed_key,
        verdict=_verdict(text, key),
        key=key,
        key_differs=differs,
        received_at=now,
    )


def _verdict(text: str, key: str | None) -> ocmf.Verdict:
    if not ocmf.is_ocmf(text):
        return "unverified"
    try:
        record = ocmf.parse(text)
    except InputInvalid:
        return "unverified"
    if key is None:
        return "no key"
    return "valid" if ocmf.verify(record, key) else "invalid"


def weigh(session: Session, values: Iterable[SignedValue]) -> Proof:
    """What the signed values of an ended session prove."""
    known = list({value.digest: value for value in values}.values())
    if any(value.session != session.session for value in known):
        return Proof(None, None, "signed value of another session", None)
    if any(value.verdict == "invalid" for value in known):
        return Proof(None, None, "signature invalid", None)
    doubt = "other key sent" if any(value.key_differs for value in known) else None
    records = [ocmf.parse(value.text) for value in known if value.verdict == "valid"]
    if not records:
        return Proof(None, None, None, "signed but not verified")
    pair = ocmf.pair_of(records)
    if pair is None:
        return Proof(None, None, None, "signed values incomplete")
    if not _of_this_session(session, pair):
        return Proof(None, None, "signed for another time", None)
    tokens = {record.token.upper() for record in records if record.token}
    if session.id_token is not None and tokens and session.id_token.upper() not in tokens:
        doubt = "signed for another token"
    return Proof(pair.wh, pair, None, doubt)


def agrees(proven: int, metered: int) -> bool:
    """True if signed and protocol energy [Wh] are the same but for rounding.

    >>> agrees(10_000, 10_099), agrees(100, 119), agrees(10_000, 10_101)
    (True, True, False)
    """
    return abs(proven - metered) <= max(TOLERANCE_WH, proven * TOLERANCE_PERCENT // 100)


def _of_this_session(session: Session, pair: ocmf.Pair) -> bool:
    """An old pair must not be shown again. A meter whose clock nobody set counts only what time passed."""
    assert session.ended_at is not None
    lasted = pair.end.at - pair.begin.at
    if not (pair.begin.synchronised and pair.end.synchronised):
        return abs(lasted - (session.ended_at - session.started_at)) <= 2 * SKEW_S
    near = abs(pair.begin.at - session.started_at) <= SKEW_S and abs(pair.end.at - session.ended_at) <= SKEW_S
    # A station whose clock is off was bounded by the time of receipt: its meter's own clock is the better one.
    return near or bool(session.doubts & {"clock ahead", "clock never set", "clock behind"})


def newest(values: Sequence[SignedValue]) -> str:
    """One word for the record: the best verdict there is, or the worst if one is invalid."""
    order: tuple[ocmf.Verdict, ...] = ("invalid", "valid", "no key", "unverified")
    found = {value.verdict for value in values}
    return next((verdict for verdict in order if verdict in found), "")
