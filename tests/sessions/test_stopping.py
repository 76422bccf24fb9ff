"""Who may stop a running session: who was let in, the group, a master pass; nobody else."""

from types import SimpleNamespace

import pytest

from sunpile.sessions.session import _whose
from sunpile.sessions.tokens import Asked, Facts, Group, Token, decide_authorisation

FLEET, GUARDS = Group("FLEET"), Group("GUARDS", master_pass=True)
OWNER = Token("CARD1", group="FLEET", status="blocked")


def running(parent: str | None = "FLEET") -> SimpleNamespace:
    return SimpleNamespace(authorised="Accepted", id_token="card1", parent=parent)


@pytest.mark.parametrize(
    ("token", "group", "status"),
    [
        (OWNER, FLEET, "Accepted"),
        (Token("CARD2", group="FLEET"), FLEET, "Accepted"),
        (Token("CARD3"), None, "Invalid"),
        (Token("CARD9", group="GUARDS"), GUARDS, "Accepted"),
        (Token("CARD8", group="GUARDS", status="blocked"), GUARDS, "Blocked"),
    ],
)
def test_a_token_shown_to_a_running_session(token: Token, group: Group | None, status: str) -> None:
    asked = Asked("P1", 0, stopping=_whose(running(), token.token))
    assert decide_authorisation(Facts(token, group), asked).status == status


def test_without_a_group_only_who_was_let_in_stops() -> None:
    assert _whose(running(None), "CARD2") == "card1"


@pytest.mark.parametrize(("authorised", "token"), [(None, None), ("Blocked", "card1"), ("Accepted", None)])
def test_where_nobody_was_let_in_a_token_starts(authorised: str | None, token: str | None) -> None:
    assert _whose(SimpleNamespace(authorised=authorised, id_token=token, parent=None), "CARD2") is None
