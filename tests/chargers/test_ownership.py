"""Which process has a station: the newest connection at any door, as long as its door lives."""

from sunpile.chargers.ownership import LEASE_S, Owner, claim, releases, route, superseded

HERE, THERE = Owner("me", 3, 100), Owner("other", 3, 100)


def test_a_command_goes_to_the_door_of_the_newest_connection() -> None:
    assert route(HERE, "me", 3, 100) == "here"
    assert route(HERE, "me", None, 100) == "nowhere"
    assert route(THERE, "me", None, 100 + LEASE_S) == "there"
    assert route(THERE, "me", None, 101 + LEASE_S) == "nowhere"
    assert route(Owner("", 3, 100), "me", None, 100) == "nowhere"
    assert route(None, "me", None, 100) == "nowhere"


def test_a_newer_connection_wins_and_a_late_close_changes_nothing() -> None:
    assert claim(None, "me") == (1, None)
    assert claim(THERE, "me") == (4, "other")
    assert claim(HERE, "me") == (4, None)
    assert superseded(3, 4)
    assert not superseded(4, 4)
    assert not superseded(None, 4)
    assert releases(HERE, "me", 3)
    assert not releases(HERE, "me", 2)
    assert not releases(THERE, "me", 3)
