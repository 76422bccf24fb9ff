"""What counts as a session that succeeded."""

import pytest

from sessions.talk import T0
from sunpile.sessions.model import Session
from sunpile.sessions.outcome import outcome

GOOD = Session(
    "s1", "P1", 1, "1", 300_000, T0, T0, state="ended", driver="d1", id_token="CARD1", authorised="Accepted",
    ended_at=T0 + 3600, wh=5000, stop_reason="Local",
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "success", "step"),
    [
        ({}, True, None),
        ({"stop_reason": "EVDisconnected"}, True, None),
        ({"stop_reason": None}, True, None),
        ({"authorised": None, "driver": None, "id_token": None}, True, None),
        ({"state": "active", "ended_at": None}, None, None),
        ({"state": "waiting"}, None, None),
        ({"begun": False}, False, "plugged in"),
        ({"authorised": "Invalid", "driver": None, "wh": 0}, False, "authorised"),
        ({"stop_reason": "DeAuthorized"}, False, "authorised"),
        ({"wh": 0}, False, "energy"),
        ({"wh": 0, "ended_at": T0 + 30}, False, "started"),
        ({"wh": 0, "state": "held", "held_reason": "end implausible"}, False, "energy"),
        ({"state": "held", "held_reason": "no stop", "ended_at": None}, False, "ended normally"),
        ({"stop_reason": "GroundFault"}, False, "ended normally"),
        ({"stop_reason": "EmergencyStop"}, False, "ended normally"),
    ],
)
def test_what_counts(change, success, step):
    found = outcome(GOOD._replace(**change))
    assert (found.success, found.failed_at) == (success, step)
    assert bool(found.reasons) == (success is False)
