"""Uptime and success: the formulas, second by second and visit by visit."""

import random

from sunpile.fleet.success import Attempt, by_model, by_reason, success
from sunpile.fleet.uptime import Span, StatusAt, uptime

PERIOD = Span(0, 1000)


def test_a_port_is_down_while_it_is_offline_or_says_so_and_planned_work_is_excluded() -> None:
    found = uptime(
        [Span(-50, 400), Span(500, 2000)],
        [StatusAt(-10, "Available"), StatusAt(300, "Faulted"), StatusAt(450, "Available")],
        [Span(350, 420)],
        PERIOD,
    )
    assert (found.offline_s, found.down_s, found.excluded_s) == (100, 150, 70)
    assert found.nevi_ppm == 870_000
    assert found.pcpr_ppm == 920_000


def test_never_connected_is_no_uptime_and_an_empty_period_holds_nothing_against_anybody() -> None:
    assert uptime([], [], [], PERIOD).nevi_ppm == 0
    assert uptime([], [], [], Span(5, 5)).nevi_ppm == 1_000_000


def test_uptime_is_what_counting_seconds_gives() -> None:
    dice = random.Random(7)
    for _ in range(200):
        spans = [Span(a, a + dice.randint(0, 40)) for a in (dice.randint(-20, 110) for _ in range(4))]
        work = [Span(a, a + dice.randint(0, 30)) for a in (dice.randint(-20, 110) for _ in range(2))]
        moments = sorted(dice.sample(range(-20, 110), 4))
        statuses = [StatusAt(at, dice.choice(("Available", "Faulted", "Unavailable", "Charging"))) for at in moments]
        period = Span(0, 100)
        up = said = 0
        for second in range(100):
            now = [status for at, status in statuses if at <= second]
            down = bool(now) and now[-1] in ("Faulted", "Unavailable")
            planned = any(begin <= second < end for begin, end in work)
            reached = any(begin <= second < end for begin, end in spans)
            up += (reached and not down) or planned
            said += not down or planned
        found = uptime(spans, statuses, work, period)
        assert (found.nevi_ppm, found.pcpr_ppm) == (up * 10_000, said * 10_000)


def attempt(token: str, begun: int, wh: int, reason: str = "EVDisconnected", model: str = "M") -> Attempt:
    return Attempt("SP", model, token, begun, begun + 60, wh, reason)


def test_a_second_try_soon_after_is_the_same_visit() -> None:
    tries = [attempt("A", 0, 0, "EVCommunicationError"), attempt("A", 120, 5000), attempt("B", 130, 9000)]
    (row,) = success(tries, by_model)
    assert (row.visits, row.first_try, row.succeeded, row.attempts) == (2, 1, 2, 3)
    assert (row.first_try_ppm, row.success_ppm) == (500_000, 1_000_000)


def test_a_try_much_later_after_success_or_of_nobody_known_is_a_visit_of_its_own() -> None:
    tries = [attempt("A", 0, 0), attempt("A", 5000, 100), attempt("A", 5100, 100), attempt("", 0, 0), attempt("", 1, 0)]
    (row,) = success(tries, by_model)
    assert (row.visits, row.succeeded) == (5, 2)


def test_the_worst_group_comes_first() -> None:
    tries = [attempt("A", 0, 900, "Local"), attempt("B", 0, 0, "GroundFault")]
    assert [row.group for row in success(tries, by_reason)] == ["GroundFault", "Local"]
