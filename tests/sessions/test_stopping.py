"""Who may stop a running session: who was let in, the group, a master pass; nobody else."""

from types import SimpleNamespace

import pytest

from sessions.memory import MemoryDesk, Story, pile
from sessions.talk import T0, ended, started, updated
from sunpile.sessions.authorise import stopped_by
from sunpile.sessions.tokens import Asked, Facts, Group, Shown, Token, decide_authorisation

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
    asked = Asked("P1", 0, stopping=stopped_by(running(), token.token))
    assert decide_authorisation(Facts(token, group), asked).status == status


def test_without_a_group_only_who_was_let_in_stops() -> None:
    assert stopped_by(running(None), "CARD2") == "card1"


@pytest.mark.parametrize(("authorised", "token"), [(None, None), ("Blocked", "card1"), ("Accepted", None)])
def test_where_nobody_was_let_in_a_token_starts(authorised: str | None, token: str | None) -> None:
    assert stopped_by(SimpleNamespace(authorised=authorised, id_token=token, parent=None), "CARD2") is None


class Tokens(MemoryDesk):
    """A desk whose operator keeps tokens."""

    def __init__(self, *known: Token) -> None:
        super().__init__([pile()])
        self.known = {token.token: token for token in known}

    def shown(self, id_token: str, station: str, evse: int | None, at: int, this: str | None) -> Shown:
        token = self.known.get(id_token)
        group = {"FLEET": FLEET, "GUARDS": GUARDS}.get(token.group or "") if token else None
        return Shown(Facts(token, group), Asked(station, at, evse))


def answers(desk: Tokens, *, by: str) -> list[str]:
    """What is said to `by`, shown while CARD1's session runs, and again in a message after its end."""
    story = Story(desk)
    story.tell(started("t", 0, T0, 1000), T0)
    first = story.tell(updated("t", 1, T0 + 60, 1100, tag=by), T0 + 60)
    story.tell(ended("t", 2, T0 + 600, 2000), T0 + 600)
    late = story.tell(updated("t", 3, T0 + 60, 1100, tag=by), T0 + 700)
    return [one.answer.authorisation.status for one in (first, late)]


def test_the_answer_is_the_same_after_the_end() -> None:
    desk = (
        Token("CARD1", group="FLEET"),
        Token("CARD2", group="FLEET"),
        Token("CARD3"),
        Token("CARD9", group="GUARDS"),
    )
    assert answers(Tokens(*desk), by="CARD2") == ["Accepted"] * 2
    assert answers(Tokens(*desk), by="CARD9") == ["Accepted"] * 2
    assert answers(Tokens(*desk), by="CARD3") == ["Invalid"] * 2
