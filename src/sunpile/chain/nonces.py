"""The submitter's core: what to do with the nonces of one key. Pure: no clock, socket, database or random.

A submission is saved with its signed bytes before it is sent, so after a crash the same bytes go out again and can
be mined once only. Every attempt is remembered, since any of them may be the one that is mined. A nonce is given up
only when the chain proves that it went to something else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

BUMP_PERCENT = 113
"""A replacement must offer at least a tenth more; with rounding."""
GAP_MAX = 100


class State(StrEnum):
    """Where a submission stands."""

    UNSTARTED = "unstarted"
    """Saved; it may or may not have been sent."""
    SENT = "sent"
    """The chain took it, or says it knows it."""
    MINED = "mined"
    """In a final block, and it did what it should."""
    FAILED = "failed"
    """In a final block, and the contract reverted."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One signed transaction."""

    raw: bytes
    hash: bytes
    max_fee: int
    """wei per gas."""
    tip: int
    """wei per gas."""
    at: int
    """Real Unix time [s] of signing: fees are bumped by waiting that people feel."""
    head: int
    """Newest block at that moment."""


@dataclass(frozen=True, slots=True)
class Submission:
    """An effect wanted on chain, and everything done for it."""

    sender: str
    """Address of the key that signs."""
    nonce: int
    """The sender's account nonce, saved before anything is sent."""
    content_id: str
    """Idempotency key of the effect."""
    to: str
    """Empty = create a contract."""
    data: bytes
    """Call data, or code to deploy."""
    gas_limit: int
    """Most gas it may use."""
    state: State
    attempts: tuple[Attempt, ...]
    created_at: int
    """Unix time [s]."""
    block: int | None = None
    """Number of the block it stands in."""
    gas_used: int | None = None
    """Gas it took."""
    reason: str | None = None
    """Why it failed, in the contract's word."""
    receipt: str | None = None
    """The receipt as JSON."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a receipt says of one attempt."""

    hash: bytes
    block: int
    succeeded: bool


@dataclass(frozen=True, slots=True)
class Looked:
    """Event: the chain was asked how things are."""

    next_nonce: int
    """The next nonce the newest block expects."""
    final_nonce: int
    """The same for the newest final block."""
    head: int
    """Newest block."""
    final: int
    """Newest final block."""
    outcomes: Mapping[bytes, Outcome]
    """Receipts that were found, by attempt."""
    max_fee: int
    tip: int
    now: int
    """Real Unix time [s]."""


@dataclass(frozen=True, slots=True)
class Close:
    """Effect: this attempt is in a final block."""

    submission: Submission
    hash: bytes


@dataclass(frozen=True, slots=True)
class Resend:
    """Effect: send the newest attempt's bytes again."""

    submission: Submission


@dataclass(frozen=True, slots=True)
class Bump:
    """Effect: sign again with the same nonce and a higher fee, save, send."""

    submission: Submission
    max_fee: int
    tip: int


@dataclass(frozen=True, slots=True)
class Renumber:
    """Effect: the nonce went to something else for certain; sign with the next free one, save, send."""

    submission: Submission


@dataclass(frozen=True, slots=True)
class Doubt:
    """Effect: the chain cannot tell any more what became of it; a person or the contract must."""

    submission: Submission


@dataclass(frozen=True, slots=True)
class Heal:
    """Effect: nothing of ours waits at this nonce and the chain waits for it: send what is saved there, or nothing."""

    nonce: int


Effect = Close | Resend | Bump | Renumber | Doubt | Heal


@dataclass
class Account:
    """State: the nonces of one key."""

    sender: str
    next_nonce: int = 0
    """Next nonce to give out."""
    open: dict[int, Submission] = field(default_factory=dict[int, Submission])
    """nonce -> what is not final yet."""
    missing_since: dict[int, int] = field(default_factory=dict[int, int])
    """nonce -> final block at which it was first seen used and without a receipt."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is known of the chain."""

    retention: int | None
    """Newest blocks whose receipts it keeps."""
    patience: int
    """Blocks until a missing receipt counts."""
    bump_after: int = 30
    """Seconds until a waiting transaction's fee is raised."""
    resend_after: int = 10
    """Seconds until a waiting transaction is sent again."""


def decide(account: Account, event: Looked, rules: Rules) -> list[Effect]:
    """What to do now. `account.missing_since` is brought up to date; everything else is the shell's to change."""
    effects: list[Effect] = []
    for nonce in sorted(account.open):
        effects += _decide_one(account, account.open[nonce], event, rules)
    if event.next_nonce < account.next_nonce:
        gaps = range(event.next_nonce, min(account.next_nonce, event.next_nonce + GAP_MAX))
        effects += [Heal(nonce) for nonce in gaps if nonce not in account.open]
    return effects


def _decide_one(account: Account, submission: Submission, event: Looked, rules: Rules) -> Sequence[Effect]:
    nonce, newest = submission.nonce, submission.attempts[-1]
    found = [event.outcomes[item.hash] for item in submission.attempts if item.hash in event.outcomes]
    if found:
        account.missing_since.pop(nonce, None)
        return [Close(submission, item.hash) for item in found if item.block <= event.final][:1]
    if nonce < event.final_nonce:
        return _missing(account, submission, event, rules)
    account.missing_since.pop(nonce, None)
    if nonce < event.next_nonce:
        return []
    if submission.state is State.UNSTARTED:
        return [Resend(submission)]
    waited = event.now - newest.at
    if newest.max_fee and waited >= rules.bump_after:
        fee = max(newest.max_fee * BUMP_PERCENT // 100 + 1, event.max_fee)
        return [Bump(submission, fee, min(fee, max(newest.tip * BUMP_PERCENT // 100 + 1, event.tip)))]
    if waited >= rules.resend_after:
        return [Resend(submission)]
    return []


def _missing(account: Account, submission: Submission, event: Looked, rules: Rules) -> list[Effect]:
    """The nonce is used up in a final block, and no attempt has a receipt."""
    seen = account.missing_since.get(submission.nonce)
    if seen is None:
        account.missing_since[submission.nonce] = event.final
        return []
    # A node may show a block a moment before its receipts: only time, in blocks, makes it certain.
    if event.final - seen < rules.patience:
        return []
    oldest = min(item.head for item in submission.attempts)
    if rules.retention is not None and event.head - oldest >= rules.retention:
        return [Doubt(submission)]
    return [Renumber(submission)]


def reopened(submission: Submission) -> Submission:
    """A submission that was final on a chain that has forgotten it (an older backup, a deep reorganisation)."""
    return replace(submission, state=State.UNSTARTED, block=None, gas_used=None, reason=None, receipt=None)


def numbers(account: Account, count: int, chain_next: int) -> Sequence[int]:
    """The next `count` nonces to give out; somebody else may have used the key meanwhile."""
    start = max(account.next_nonce, chain_next)
    return range(start, start + count)
