"""Who tries many tokens is slowed down; who charges every day is not."""

import os
import random

from sunpile.sessions.guessing import Guessing, GuessLimits

TAGS = 100_000 if os.environ.get("SUNPILE_SOAK") else 3_000


def attempt(guessing, station, token, now, known=()):
    if not guessing.allows(station, token, now):
        return "limited"
    if token in known:
        guessing.accepted(station, token)
        return "accepted"
    guessing.refused(station, token, now)
    return "refused"


def test_a_station_that_guesses_is_limited_after_n_and_one_alert_is_raised():
    alerts = []
    guessing = Guessing(GuessLimits(per_station=20), lambda *alert: alerts.append(alert))
    draw = random.Random(7)
    answers = [attempt(guessing, "P1", f"{draw.getrandbits(32):08X}", 1000 + n // 1000) for n in range(TAGS)]
    looked_up = answers.count("refused")
    assert looked_up <= 20 + (TAGS // 1000) * 2 / 60 + 1
    assert answers[:20] == ["refused"] * 20
    assert answers[20] == "limited"
    assert [station for station, _ in alerts] == ["P1"]
    assert guessing.limited == TAGS - looked_up


def test_who_charged_there_before_still_charges_while_the_station_is_limited():
    guessing = Guessing(GuessLimits(per_station=3))
    assert attempt(guessing, "P1", "mine", 0, {"mine"}) == "accepted"
    for n in range(5):
        attempt(guessing, "P1", f"GUESS{n}", 0)
    assert attempt(guessing, "P1", "GUESS9", 0, {"GUESS9"}) == "limited"
    assert attempt(guessing, "P1", "mine", 0, {"mine"}) == "accepted"
    assert attempt(guessing, "P2", "GUESS9", 0, {"GUESS9"}) == "accepted"


def test_one_token_tried_at_many_stations_is_limited_everywhere():
    guessing = Guessing(GuessLimits(per_token=4))
    answers = [attempt(guessing, f"P{n}", "cafe" if n % 2 else "CAFE", 0) for n in range(8)]
    assert answers == ["refused"] * 4 + ["limited"] * 4


def test_time_gives_attempts_back():
    guessing = Guessing(GuessLimits(per_station=1, station_per_minute=1))
    assert [attempt(guessing, "P1", f"A{n}", now) for n, now in enumerate((0, 0, 61))] == [
        "refused",
        "limited",
        "refused",
    ]


def test_no_alert_names_a_token():
    alerts = []
    guessing = Guessing(GuessLimits(per_token=1), lambda *alert: alerts.append(" ".join(alert)))
    for n in range(3):
        attempt(guessing, f"P{n}", "04A1B2C3", 0)
    assert alerts
    assert all("04A1B2C3" not in alert for alert in alerts)
