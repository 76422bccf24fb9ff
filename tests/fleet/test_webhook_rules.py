"""What a hook wants, how a delivery is signed, when it is tried again, and where a hook may go."""

import hashlib
import hmac

import pytest

from sunpile.basics.errors import InputInvalid
from sunpile.fleet.webhooks import (
    OVERLAP_S,
    WAITS_S,
    Delivery,
    Hook,
    Outcome,
    body_of,
    check_url,
    rotated,
    signature,
    tried,
)

HOOK = Hook("h", "t", "https://a.example/x", ("session", "alert.opened"), "s1")
DELIVERY = Delivery("d", "h", "t", "session.ended", "{}", 100)


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [("session.ended", True), ("session", True), ("sessions.x", False), ("alert.opened", True), ("alert", False)],
)
def test_hook_gets_what_it_asked_for(kind: str, wanted: bool) -> None:
    assert HOOK.wants(kind) is wanted
    assert Hook("h", "t", "", (), "s").wants(kind)
    assert not Hook("h", "t", "", (), "s", paused=True).wants(kind)


def test_signature_is_over_time_and_body_and_with_both_secrets_for_a_day() -> None:
    def right(secret: str, at: int) -> str:
        return hmac.new(secret.encode(), f"{at}.{{}}".encode(), hashlib.sha256).hexdigest()

    assert signature(HOOK, 5, "{}") == f"t=5,v1={right('s1', 5)}"
    both = rotated(HOOK, "s2", 1000)
    assert signature(both, 1001, "{}") == f"t=1001,v1={right('s2', 1001)},v1={right('s1', 1001)}"
    after = 1000 + OVERLAP_S
    assert signature(both, after, "{}") == f"t={after},v1={right('s2', after)}"


def test_delivery_is_tried_later_and_later_and_then_given_up() -> None:
    delivery, now, waits = DELIVERY, 1000, []
    while delivery.state == "waiting":
        delivery = tried(delivery, Outcome(None, "no answer"), now)
        waits.append(delivery.due_at - now)
        now = delivery.due_at
    assert tuple(waits[:-1]) == WAITS_S
    assert (delivery.state, delivery.attempts, delivery.last_fault) == ("given-up", len(WAITS_S) + 1, "no answer")


@pytest.mark.parametrize(
    ("status", "state"), [(200, "done"), (204, "done"), (302, "waiting"), (400, "waiting"), (410, "given-up")]
)
def test_answer_decides(status: int, state: str) -> None:
    assert tried(DELIVERY, Outcome(status), 1).state == state


def test_body_is_the_same_for_the_same_event() -> None:
    assert body_of("d", "k", "t", 1, {"b": 1, "a": 2}) == body_of("d", "k", "t", 1, {"a": 2, "b": 1})


@pytest.mark.parametrize(
    "url",
    ["http://a.example/", "ftp://a.example/", "https://", "https://u:p@a.example/", "https://a.example/#x",
     "https://a.example/ x", "https://a.example:99999/", "javascript:alert(1)", "https://[::1", "//a.example",
     "http://127.0.0.1:81/", "https://a.example/\r\nX: y"],
)  # fmt: skip
def test_url_that_is_none_for_a_webhook(url: str) -> None:
    with pytest.raises(InputInvalid):
        check_url(url, frozenset({"127.0.0.1:80"}))
    assert check_url("http://127.0.0.1/x", frozenset({"127.0.0.1:80"}))
