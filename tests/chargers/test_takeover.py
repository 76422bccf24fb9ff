"""When takeovers become a quarrel, and what the door does then."""

import contextlib

from chargers.fakes import basic, pile
from chargers.test_server import P1, Ground, ground, knock, until  # noqa: F401
from sunpile.chargers.notices import SecurityEvent
from sunpile.chargers.takeover import QUARANTINE_S, STATIONS_MAX, WINDOW_S, Quarrels, Takeovers, rule


def test_a_bad_link_may_take_over_three_times_in_a_minute() -> None:
    history = Takeovers()
    for second in range(3):
        history, refused, _ = rule(history, 1000 + second, "10.0.0.1", "10.0.0.1")
        assert not refused
    history, refused, began = rule(history, 1003, "10.0.0.1", "10.0.0.1")
    assert (refused, began) == (True, True)
    assert history.until == 1003 + QUARANTINE_S
    assert rule(history, 1004, "10.0.0.1", "10.0.0.1")[1:] == (True, False)
    assert not rule(history, history.until, "10.0.0.1", "10.0.0.1").refused


def test_slow_takeovers_are_never_a_quarrel() -> None:
    history = Takeovers()
    for number in range(100):
        history, refused, _ = rule(history, number * (WINDOW_S // 3 + 1), "a", "b" if number == 50 else "a")
        assert not refused
    assert len(history.recent) <= 3


def test_a_station_may_move_to_another_address_and_back() -> None:
    history, refused, _ = rule(Takeovers(), 0, "lan", "mobile")
    assert not refused
    assert not rule(history, 1, "mobile", "lan").refused


def test_two_devices_in_turns_are_a_quarrel_sooner() -> None:
    history, _, _ = rule(Takeovers(), 0, "a", "b")
    history, _, _ = rule(history, 1, "b", "a")
    assert rule(history, 2, "a", "b").refused


def test_histories_are_bounded() -> None:
    quarrels = Quarrels()
    for number in range(STATIONS_MAX + 10):
        quarrels.rule(f"S{number}", 0, "a", "a")  # type: ignore[arg-type]
    assert len(quarrels._of) == STATIONS_MAX


async def test_the_later_of_two_is_kept_out_and_the_operator_is_told(ground: Ground) -> None:  # noqa: F811
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(4):
            kept = await stack.enter_async_context(pile(ground.port, "P1"))
            await until(lambda: ground.csms.live(P1))
        status, headers, _ = await knock(ground.port, "/ocpp/P1", basic("P1"))
        assert (status, headers["Retry-After"]) == (503, str(QUARANTINE_S))
        assert (await knock(ground.port, "/ocpp/P1", basic("P1", "0" * 40)))[0] == 401
        assert (await kept.call("Heartbeat", {}))[0] == 3
        assert ground.csms.counters.takeovers == 3
        assert ground.csms.counters.quarantined == 1
        assert [e.kind for e in ground.inbox.events if isinstance(e, SecurityEvent)] == ["ConnectionQuarantined"]
        assert ("P1", "quarantined") in ground.book.refusals
        assert {remark.code for remark in ground.csms.stations[P1].remarks} == {"taken-over", "quarantined"}
        async with pile(ground.port, "P2") as other:
            assert (await other.call("Heartbeat", {}))[0] == 3
        ground.clock.time += QUARANTINE_S
        async with pile(ground.port, "P1") as newest:
            assert (await newest.call("Heartbeat", {}))[0] == 3


async def test_a_station_in_quarantine_gets_in_once_the_other_is_gone(ground: Ground) -> None:  # noqa: F811
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(4):
            await stack.enter_async_context(pile(ground.port, "P1"))
            await until(lambda: ground.csms.live(P1))
        assert (await knock(ground.port, "/ocpp/P1", basic("P1")))[0] == 503
    await until(lambda: ground.csms.live(P1) is None)
    async with pile(ground.port, "P1") as p:
        assert (await p.call("Heartbeat", {}))[0] == 3
