"""Alerts open when something lasts, close when it is gone for good, and are quiet in maintenance."""

from dataclasses import replace

from sunpile.fleet.alerts import DEFAULTS, Alert, Finding, Outcome, Rule, happened, key_of, looked

FAULT = Finding("t", "SP", "faulted", "EVSE 1", 0, "GroundFailure")
RULES = {"t": (Rule("f", "faulted", 3, hold_s=60, clear_s=100, escalate_s=1000), Rule("s", "security", 2, clear_s=500))}


class Board:
    """Alerts as a store would keep them."""

    def __init__(self) -> None:
        self.alerts: dict[tuple[str, ...], Alert] = {}
        self.news: list[tuple[int, str]] = []

    def _keep(self, outcome: Outcome, now: int) -> None:
        for alert in outcome.save:
            self.alerts[key_of(alert)] = replace(alert, alert=str(key_of(alert)))
        self.alerts = {key: one for key, one in self.alerts.items() if one.alert not in outcome.drop}
        self.news += [(now, what) for what, _ in outcome.news]
        self.alerts = {key: one for key, one in self.alerts.items() if one.state != "closed"}

    def look(self, now: int, *findings: Finding, quiet: tuple[str, ...] = ()) -> "Board":
        self._keep(looked(RULES, self.alerts.values(), findings, {"faulted"}, quiet, now), now)
        return self

    def happen(self, now: int, *findings: Finding, quiet: tuple[str, ...] = ()) -> "Board":
        self._keep(happened(RULES, self.alerts.values(), findings, quiet, now), now)
        return self


def test_an_alert_opens_only_when_its_cause_lasts() -> None:
    assert Board().look(0, FAULT).look(59, FAULT).news == []
    assert Board().look(0, FAULT).look(60, FAULT).look(90, FAULT).news == [(60, "opened")]
    assert Board().look(0, FAULT).look(30).look(61, FAULT).alerts.popitem()[1].state == "pending"


def test_a_flapping_cause_is_one_alert_and_closes_when_it_is_gone_for_long_enough() -> None:
    board = Board().look(0, FAULT).look(60, FAULT)
    for moment in range(100, 1000, 100):
        board.look(moment).look(moment + 50, FAULT)
    assert board.news == [(60, "opened")]
    assert board.look(960).look(1059).look(1060).news[1:] == [(1060, "closed")]


def test_what_nobody_acknowledges_escalates_once() -> None:
    board = Board().look(0, FAULT).look(60, FAULT).look(1000, FAULT).look(2000, FAULT)
    assert board.news == [(60, "opened"), (1000, "escalated")]
    (alert,) = board.alerts.values()
    assert (alert.severity, alert.escalated) == (2, True)
    seen = Board().look(0, FAULT).look(60, FAULT)
    seen.alerts = {key: replace(one, state="acknowledged") for key, one in seen.alerts.items()}
    assert seen.look(1000, FAULT).news == [(60, "opened")]


def test_a_station_in_maintenance_opens_nothing_and_closes_nothing() -> None:
    assert Board().look(0, FAULT, quiet=("SP",)).look(99, FAULT, quiet=("SP",)).alerts == {}
    board = Board().look(0, FAULT).look(60, FAULT).look(61, quiet=("SP",)).look(9999, quiet=("SP",))
    assert len(board.alerts) == 1
    event = Finding("t", "SP", "security", "TamperDetectionActivated", 0, "")
    assert Board().happen(0, event, quiet=("SP",)).alerts == {}


def test_what_happens_again_is_counted_and_closes_when_it_stays_away() -> None:
    event = Finding("t", "SP", "security", "TamperDetectionActivated", 0, "lid")
    board = Board().happen(0, event).happen(10, event, event)
    (alert,) = board.alerts.values()
    assert (alert.count, alert.last_at, board.news) == (3, 10, [(0, "opened")])
    assert board.look(509).look(510).news == [(0, "opened"), (510, "closed")]
    over = Board().happen(0, event).happen(5, event._replace(cleared=True))
    assert over.news == [(0, "opened"), (5, "closed")]


def test_kinds_that_were_not_looked_for_stay() -> None:
    board = Board().look(0, FAULT).look(60, FAULT)
    outcome = looked(RULES, board.alerts.values(), (), {"drift"}, (), 9999)
    assert outcome == Outcome()


def test_thresholds_are_held_against_in_the_sense_of_each_kind() -> None:
    def opens(kind: str, value: int) -> bool:
        finding = Finding("x", "SP", kind, "", value, "")
        rules = {"x": [replace(rule, hold_s=0, enabled=True) for rule in DEFAULTS]}
        return bool(looked(rules, (), [finding], {kind}, (), 0).news or happened(rules, (), [finding], (), 0).news)

    assert [opens("offline", 600), opens("offline", 601)] == [False, True]
    assert [opens("monitor", 4), opens("monitor", 3)] == [False, True]
    assert [opens("certificate", 30), opens("certificate", 29)] == [False, True]
    assert [opens("no-energy", 2), opens("no-energy", 3)] == [False, True]


def test_a_rule_of_one_site_leaves_the_others_alone() -> None:
    rules = {"t": (Rule("f", "faulted", site="mill"), Rule("g", "faulted", tag="dc"))}
    assert not looked(rules, (), [FAULT], {"faulted"}, (), 0).news
    assert len(looked(rules, (), [FAULT._replace(site="mill", tags=("dc",))], {"faulted"}, (), 0).news) == 2
