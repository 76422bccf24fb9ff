"""One-time addresses: only as they were made."""

import pytest

from sunpile.basics.errors import Forbidden
from sunpile.fleet.uploads import Ticket, read_token, shown_name, token

SECRET = b"s" * 32
TICKET = Ticket("SP*1|x", "up", "SecurityLog", 100, "ab" * 12)


def test_a_token_says_what_was_put_in_and_fits_a_url() -> None:
    text = token(SECRET, TICKET)
    assert read_token(SECRET, text, "up", 99) == TICKET
    assert len(text) < 250
    assert not set(text) & set("/?#+% ")


@pytest.mark.parametrize("fault", ["late", "other purpose", "other secret", "bit", "no tag", "junk", "cut"])
def test_anything_else_is_refused_alike(fault: str) -> None:
    text = token(SECRET, TICKET)
    cases = {
        "late": (SECRET, text, "up", 100),
        "other purpose": (SECRET, text, "down", 1),
        "other secret": (b"t" * 32, text, "up", 1),
        "bit": (SECRET, ("A" if text[0] != "A" else "B") + text[1:], "up", 1),
        "no tag": (SECRET, text.partition(".")[0], "up", 1),
        "junk": (SECRET, "../../etc/passwd", "up", 1),
        "cut": (SECRET, text[:-1], "up", 1),
    }
    with pytest.raises(Forbidden) as refused:
        read_token(*cases[fault])  # type: ignore[arg-type]
    assert refused.value.detail == "this address is not valid, or no longer"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\log.zip", "log.zip"),
        ("..", "file"),
        ("a\r\nb", "a_b"),
        ("é" * 300, "_"),
    ],
)
def test_a_name_is_only_shown(given: str, kept: str) -> None:
    assert shown_name(given) == kept
