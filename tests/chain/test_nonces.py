"""The submitter's core: what is done about each nonce."""

from dataclasses import replace

from sunpile.chain.nonces import (
    Account,
    Attempt,
    Bump,
    Close,
    Doubt,
    Heal,
    Looked,
    Outcome,
    Renumber,
    Resend,
    Rules,
    State,
    Submission,
    decide,
    numbers,
)

RULES = Rules(retention=None, patience=3)
NOW = 1_700_000_000


def attempt(name: str = "first", fee: int = 100, at: int = NOW, head: int = 10) -> Attempt:
    return Attempt(b"raw " + name.encode(), name.encode(), fee, 10, at, head)


def sent(nonce: int, *attempts: Attempt, state: State = State.SENT) -> Submission:
    return Submission("0xme", nonce, f"effect {nonce}", "0xto", b"", 1, state, attempts or (attempt(),), NOW)


def account(*submissions: Submission) -> Account:
    top = max((item.nonce for item in submissions), default=-1)
    return Account("0xme", top + 1, {item.nonce: item for item in submissions})


def looked(next_nonce: int, head: int = 10, final: int | None = None, now: int = NOW, **found: int) -> Looked:
    final = head if final is None else final
    outcomes = {name.encode(): Outcome(name.encode(), block, True) for name, block in found.items()}
    return Looked(next_nonce, next_nonce, head, final, outcomes, 50, 5, now)


def test_a_receipt_in_a_final_block_ends_it() -> None:
    item = sent(4)
    assert decide(account(item), looked(5, first=9), RULES) == [Close(item, b"first")]


def test_a_receipt_that_is_not_final_yet_is_waited_for() -> None:
    assert decide(account(sent(4)), looked(5, head=10, final=8, first=9), RULES) == []


def test_the_receipt_of_any_attempt_counts() -> None:
    item = sent(4, attempt("first"), attempt("second"), attempt("third"))
    assert decide(account(item), looked(5, second=9), RULES) == [Close(item, b"second")]


def test_what_was_saved_and_perhaps_not_sent_is_sent_as_it_was_signed() -> None:
    item = sent(4, state=State.UNSTARTED)
    assert decide(account(item), looked(4), RULES) == [Resend(item)]


def test_a_used_nonce_without_a_receipt_is_renumbered_only_after_patience() -> None:
    item, state = sent(4), account(sent(4))
    assert decide(state, looked(5, head=10), RULES) == []
    assert decide(state, looked(5, head=12), RULES) == []
    assert decide(state, looked(5, head=13), RULES) == [Renumber(item)]


def test_a_receipt_that_turns_up_late_still_wins() -> None:
    item, state = sent(4), account(sent(4))
    decide(state, looked(5, head=10), RULES)
    assert decide(state, looked(5, head=13, first=10), RULES) == [Close(item, b"first")]
    assert state.missing_since == {}


def test_a_used_nonce_is_never_renumbered_when_the_chain_forgets_receipts() -> None:
    rules = Rules(retention=64, patience=0)
    item, state = sent(4), account(sent(4))
    assert decide(state, looked(5, head=80), rules) == []
    assert decide(state, looked(5, head=80), rules) == [Doubt(item)]


def test_a_lost_effect_below_the_chains_nonce_is_not_taken_for_a_gap() -> None:
    assert decide(account(), looked(5), RULES) == []


def test_a_gap_is_healed() -> None:
    state = account(sent(6), sent(7))
    assert [effect for effect in decide(state, looked(4), RULES) if isinstance(effect, Heal)] == [Heal(4), Heal(5)]


def test_a_waiting_transaction_is_sent_again_and_then_dearer() -> None:
    item = sent(4)
    assert decide(account(item), looked(4, now=NOW + 11), RULES) == [Resend(item)]
    (bump,) = decide(account(item), looked(4, now=NOW + 31), RULES)
    assert isinstance(bump, Bump)
    assert bump.max_fee >= 110
    assert bump.tip >= 11


def test_a_free_transaction_never_gets_a_fee() -> None:
    item = sent(4, attempt(fee=0))
    assert decide(account(item), looked(4, now=NOW + 500), RULES) == [Resend(item)]


def test_a_key_that_somebody_else_used_goes_on_after_it() -> None:
    state = account(sent(4))
    assert list(numbers(state, 2, chain_next=9)) == [9, 10]
    assert list(numbers(state, 2, chain_next=3)) == [5, 6]


def test_states_are_not_changed_by_deciding() -> None:
    state = account(sent(4), sent(5))
    before = replace(state, open=dict(state.open))
    decide(state, looked(6, first=9), RULES)
    assert state.open == before.open
