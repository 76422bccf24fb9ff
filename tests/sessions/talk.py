"""Messages of piles, short to write."""

from sunpile.basics.hashing import keccak256
from sunpile.chargers.events import (
    MeterRead,
    Sample,
    StatusChanged,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)

T0 = 1_700_000_000 // 900 * 900
"""A moment at an interval's start."""


def body(*parts):
    return keccak256(repr(parts).encode())


def start16(at, wh, tag="CARD1", evse=1, station="P1", said=""):
    key = f"start/{evse}/{tag}/{at}/{wh}"
    sample = Sample(at, wh, context="Transaction.Begin")
    return TransactionStarted(station, evse, key, body(key, said), None, tag, None, at, sample, False, 0)


def stop16(transaction, at, wh, tag=None, station="P1", reason="Local"):
    key = f"stop/{transaction}"
    end = (Sample(at, wh, context="Transaction.End"),)
    hashed = body(key, at, wh, reason)
    return TransactionEnded(station, None, key, hashed, str(transaction), tag, at, end, reason, False, 0)


def meter(at, wh, evse=1, station="P1", transaction=None, context="Sample.Periodic"):
    return MeterRead(station, evse, transaction, (Sample(at, wh, context=context),))


def clock(at, wh, evse=1, station="P1"):
    return meter(at, wh, evse, station, context="Sample.Clock")


def started(transaction, seq, at, wh, tag="CARD1", evse=1, station="P1", offline=True):
    sample = Sample(at, wh, context="Transaction.Begin")
    key = f"{transaction}/{seq}"
    return TransactionStarted(station, evse, key, body(key, wh), transaction, tag, None, at, sample, offline, seq)


def updated(transaction, seq, at, wh, tag=None, evse=1, station="P1", offline=True):
    key = f"{transaction}/{seq}"
    samples = () if wh is None else (Sample(at, wh),)
    return TransactionUpdated(station, evse, key, body(key, wh), transaction, tag, at, samples, offline, seq)


def ended(transaction, seq, at, wh, evse=1, station="P1", offline=True, reason="EVDisconnected"):
    key = f"{transaction}/{seq}"
    samples = () if wh is None else (Sample(at, wh, context="Transaction.End"),)
    return TransactionEnded(station, evse, key, body(key, wh), transaction, None, at, samples, reason, offline, seq)


def status(at, word, evse=1, station="P1"):
    return StatusChanged(station, evse, word, None, at)
