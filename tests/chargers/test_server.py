"""The server on real sockets: who comes in, who takes over, and what a hostile pile can not do."""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator
from statistics import median
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from chargers.fakes import PASSWORD, Book, Inbox, StillClock, basic, pile
from sunpile.basics.errors import PileUnreachable, PortBusy
from sunpile.basics.ids import StationId
from sunpile.chargers import Csms, Limits
from sunpile.chargers.commands import ChangeAvailability, RemoteStart, RemoteStop, Reset, Token, TriggerMessage
from sunpile.chargers.events import Booted, MeterRead

SOAK = os.environ.get("SUNPILE_SOAK") == "1"
P1 = StationId("P1")
BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
FAST = Limits(call_timeout_s=0.3, refusal_s=0.02, per_address=10_000, per_station=10_000)


class Ground:
    """A server with its stand-ins."""

    def __init__(self, limits: Limits) -> None:
        self.book, self.inbox, self.clock = Book("P1", "P2"), Inbox(), StillClock()
        self.csms = Csms(self.book, self.inbox, self.clock, limits=limits, insecure=(1,))

    @property
    def port(self) -> int:
        return self.csms.port


@contextlib.asynccontextmanager
async def ground_with(limits: Limits) -> AsyncIterator[Ground]:
    ground = Ground(limits)
    await ground.csms.start("127.0.0.1", 0)
    try:
        yield ground
    finally:
        await ground.csms.stop()
        assert ground.clock.working == 0


@pytest.fixture
async def ground() -> AsyncIterator[Ground]:
    async with ground_with(FAST) as made:
        yield made


async def knock(port: int, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
    """Try to connect; status, headers and body of the refusal, or 101."""
    try:
        async with websockets.connect(
            f"ws://127.0.0.1:{port}{path}",
            subprotocols=[websockets.Subprotocol("ocpp1.6")],
            additional_headers=headers,
            compression=None,
        ):
            return 101, {}, b""
    except websockets.InvalidStatus as refused:
        response = refused.response
        return response.status_code, dict(response.headers.raw_items()), response.body or b""


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


class TestAdmission:
    async def test_the_right_password_opens(self, ground: Ground) -> None:
        async with pile(ground.port, "P1") as p:
            assert p.socket.subprotocol == "ocpp1.6"
            assert p.socket.protocol.extensions == []
            await until(lambda: ground.csms.stations)
            assert ground.csms.stations[P1].connected
        await until(lambda: not ground.csms.stations[P1].connected)

    async def test_the_password_may_come_as_twenty_raw_bytes_or_in_small_letters(self, ground: Ground) -> None:
        for password in (bytes.fromhex(PASSWORD), PASSWORD.lower()):
            async with pile(ground.port, "P1", password=password) as p:
                assert (await p.call("Heartbeat", {}))[0] == 3

    REFUSED = (
        ("P1", None),
        ("P1", basic("P1", "F" * 40)),
        ("P1", basic("P1", "")),
        ("P1", basic("P1", PASSWORD + "0")),
        ("P1", basic("P2")),
        ("P1", basic("")),
        ("P9", basic("P9")),
        ("P9", None),
        ("p1", basic("p1")),
        ("", basic("")),
        ("P1%00", basic("P1\x00")),
        ("P1/x", basic("P1/x")),
        ("x" * 500, basic("x" * 500)),
        ("%27%20OR%201=1--", basic("' OR 1=1--")),
        ("P1", {"Authorization": "Basic ???"}),
        ("P1", {"Authorization": "Bearer " + PASSWORD}),
        ("P1", {"Authorization": "Basic"}),
    )

    @pytest.mark.parametrize(("station", "headers"), REFUSED)
    async def test_a_refusal_says_nothing(self, ground: Ground, station: str, headers: dict[str, str] | None) -> None:
        wrong = await knock(ground.port, "/ocpp/P1", basic("P1", "0" * 40))
        answer = await knock(ground.port, f"/ocpp/{station}", headers)
        assert answer[0] == 401
        assert {k: v for k, v in answer[1].items() if k != "Date"} == {k: v for k, v in wrong[1].items() if k != "Date"}
        assert answer[2] == wrong[2]
        assert len(ground.book.refusals) == 2
        assert ground.book.looked_up in (2, 3)
        assert ground.inbox.events == []

    async def test_every_refusal_is_recorded_with_its_reason(self, ground: Ground) -> None:
        for station, headers in (
            ("P1", None),
            ("P1", basic("P2")),
            ("P9", basic("P9")),
            ("P1", basic("P1", "0" * 40)),
        ):
            await knock(ground.port, f"/ocpp/{station}", headers)
        assert ground.book.refusals == [
            ("P1", "no credentials"),
            ("P1", "other identity"),
            ("P9", "unknown station"),
            ("P1", "wrong password"),
        ]

    async def test_time_does_not_tell_an_unknown_station_from_a_wrong_password(self) -> None:
        async with ground_with(Limits(refusal_s=0.05, per_address=10_000, per_station=10_000)) as ground:
            spent: dict[str, list[float]] = {"P1": [], "P9": []}
            for _ in range(200 if SOAK else 12):
                for station, times in spent.items():
                    began = time.perf_counter()
                    await knock(ground.port, f"/ocpp/{station}", basic(station, "0" * 40))
                    times.append(time.perf_counter() - began)
            assert min(min(times) for times in spent.values()) >= 0.05
            assert abs(median(spent["P1"]) - median(spent["P9"])) < 0.02

    async def test_two_authorization_headers_are_none(self, ground: Ground) -> None:
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with websockets.connect(
                f"ws://127.0.0.1:{ground.port}/ocpp/P1",
                additional_headers=[*basic("P1", "0" * 40).items(), *basic("P1").items()],
            ):
                pass
        assert refused.value.response.status_code == 401

    async def test_another_path_is_not_found(self, ground: Ground) -> None:
        for path in ("/", "/ocpp", "/P1", "/../ocpp/P1"):
            assert (await knock(ground.port, path, basic("P1")))[0] == 404

    async def test_who_fails_too_often_is_told_to_wait_before_anything_is_looked_up(self) -> None:
        async with ground_with(Limits(refusal_s=0, per_station=3, per_station_refill=0)) as ground:
            statuses = [(await knock(ground.port, "/ocpp/P1", basic("P1", "0" * 40)))[0] for _ in range(6)]
            assert statuses == [401, 401, 401, 429, 429, 429]
            assert ground.book.looked_up == 3
            assert (await knock(ground.port, "/ocpp/P2", basic("P2")))[0] == 101
            assert ground.csms.counters.limited == 3

    async def test_an_address_that_tries_many_stations_is_limited_too(self) -> None:
        async with ground_with(Limits(refusal_s=0, per_address=5, per_address_refill=0)) as ground:
            statuses = [(await knock(ground.port, f"/ocpp/X{n}", basic(f"X{n}")))[0] for n in range(8)]
            assert statuses == [401] * 5 + [429] * 3

    async def test_honest_reconnects_are_never_limited(self) -> None:
        async with ground_with(Limits(per_address=1, per_station=1)) as ground:
            for _ in range(20):
                assert (await knock(ground.port, "/ocpp/P1", basic("P1")))[0] == 101

    async def test_a_taken_port_is_named(self, ground: Ground) -> None:
        with pytest.raises(PortBusy, match=str(ground.port)):
            await Csms(ground.book, ground.inbox, ground.clock).start("127.0.0.1", ground.port)


class TestVersions:
    @pytest.mark.parametrize(
        ("offered", "chosen", "state"),
        [
            ("ocpp1.6", "ocpp1.6", "1.6"),
            ("ocpp2.0.1", "ocpp2.0.1", "2.0.1"),
            ("ocpp2.0.1,ocpp1.6", "ocpp2.0.1", "2.0.1"),
            ("ocpp1.6,ocpp2.0.1", "ocpp1.6", "1.6"),
            ("ocpp2.2,ocpp1.5,ocpp2.0.1", "ocpp2.0.1", "2.0.1"),
            ("ocpp2.1,ocpp2.0.1", "ocpp2.1", "2.1"),
        ],
    )
    async def test_the_pile_chooses_by_its_order(self, ground: Ground, offered: str, chosen: str, state: str) -> None:
        async with pile(ground.port, "P1", offered) as p:
            assert p.socket.subprotocol == chosen
            assert (await p.call("Heartbeat", {}))[0] == 3
            assert ground.csms.stations[P1].version == state
            assert ("connected", "P1", state) in ground.book.events

    @pytest.mark.parametrize("offered", [["ocpp1.5"], ["OCPP1.6"], None])
    async def test_no_common_version_is_a_handshake_without_one_and_a_close(
        self, ground: Ground, offered: list[Any] | None
    ) -> None:
        async with websockets.connect(
            f"ws://127.0.0.1:{ground.port}/ocpp/P1", subprotocols=offered, additional_headers=basic("P1")
        ) as socket:
            assert socket.subprotocol is None
            with pytest.raises(websockets.ConnectionClosedError):
                await socket.recv()
            assert socket.close_code == 1002
        assert P1 not in ground.csms.stations


class TestTakeover:
    async def test_the_newest_authenticated_connection_wins(self, ground: Ground) -> None:
        async with pile(ground.port, "P1") as old:
            await old.call("Heartbeat", {})
            async with pile(ground.port, "P1") as new:
                new.answers["Reset"] = {"status": "Accepted"}
                assert (await new.call("Heartbeat", {}))[0] == 3
                await old.socket.wait_closed()
                assert old.socket.close_code == 4001
                assert ground.csms.stations[P1].connected
                assert (await ground.csms.command(P1, Reset())).accepted
                assert new.received == [("Reset", {"type": "Soft"})]
                assert old.received == []

    async def test_who_has_no_key_changes_nothing(self, ground: Ground) -> None:
        async with pile(ground.port, "P1") as victim:
            victim.answers["Reset"] = {"status": "Accepted"}
            for _ in range(1000 if SOAK else 20):
                assert (await knock(ground.port, "/ocpp/P1", basic("P1", "0" * 40)))[0] == 401
            assert (await victim.call("Heartbeat", {}))[0] == 3
            assert (await ground.csms.command(P1, Reset())).accepted
            assert ground.csms.counters.takeovers == 0

    async def test_late_frames_of_the_old_connection_are_dropped(self, ground: Ground) -> None:
        hold = asyncio.Event()
        ground.inbox.before = lambda event: hold.wait()
        async with pile(ground.port, "P1") as old:
            await old.socket.send(json.dumps([2, "a", "BootNotification", BOOT]))
            await old.socket.send(json.dumps([2, "b", "BootNotification", BOOT | {"chargePointModel": "late"}]))
            await until(lambda: ground.clock.working)
            async with pile(ground.port, "P1") as new:
                await until(lambda: ground.csms.counters.takeovers)
                hold.set()
                assert (await new.call("Heartbeat", {}))[0] == 3
                await old.socket.wait_closed()
                await until(lambda: ground.csms.counters.stale_frames == 1)
                assert [event.model for event in ground.inbox.events] == ["M"]
                assert ground.csms.stations[P1].connected

    async def test_an_operation_waiting_on_the_old_connection_fails_at_once(self, ground: Ground) -> None:
        async with pile(ground.port, "P1") as old:
            await old.call("Heartbeat", {})
            waiting = asyncio.create_task(ground.csms.command(P1, Reset()))
            await old.until_received(1)
            async with pile(ground.port, "P1"):
                with pytest.raises(PileUnreachable, match="took over"):
                    await waiting

    async def test_two_piles_do_not_meet(self, ground: Ground) -> None:
        async with pile(ground.port, "P1") as one, pile(ground.port, "P2") as two:
            await asyncio.gather(one.call("BootNotification", BOOT), two.call("BootNotification", BOOT))
            assert {event.station for event in ground.inbox.events if isinstance(event, Booted)} == {"P1", "P2"}
            assert ground.csms.counters.takeovers == 0


class TestCalls:
    async def test_an_answer_waits_until_the_inbox_is_durable(self, ground: Ground) -> None:
        durable = asyncio.Event()
        ground.inbox.before = lambda event: durable.wait()
        async with pile(ground.port, "P1") as p:
            answer = asyncio.create_task(p.call("BootNotification", BOOT))
            await asyncio.sleep(0.05)
            assert not answer.done()
            assert ground.clock.working == 1
            durable.set()
            assert (await answer)[2]["status"] == "Accepted"

    async def test_a_handler_may_call_the_pile_and_wait(self, ground: Ground) -> None:
        async def ask(event: Any) -> None:
            if isinstance(event, MeterRead):
                result = await ground.csms.command(P1, TriggerMessage("StatusNotification", 1))
                ground.inbox.events.append(result.status)

        ground.inbox.before = ask
        async with pile(ground.port, "P1") as p:
            p.answers["TriggerMessage"] = {"status": "NotImplemented"}
            value = {"timestamp": "2023-11-14T22:13:20Z", "sampledValue": [{"value": "1"}]}
            answer = await p.call("MeterValues", {"connectorId": 1, "meterValue": [value]})
            assert answer[0] == 3
            assert ground.inbox.events[0] == "NotImplemented"

    async def test_calls_to_a_pile_go_one_at_a_time_in_order(self, ground: Ground) -> None:
        async with pile(ground.port, "P1") as p:
            await p.call("Heartbeat", {})
            first = asyncio.create_task(ground.csms.command(P1, RemoteStop("1")))
            second = asyncio.create_task(ground.csms.command(P1, RemoteStop("2")))
            await p.until_received(1)
            await asyncio.sleep(0.05)
            assert p.received == [("RemoteStopTransaction", {"transactionId": 1})]
            with pytest.raises(PileUnreachable, match="in time"):
                await first
            p.answers["RemoteStopTransaction"] = {"status": "Accepted"}
            await p.until_received(2)
            with contextlib.suppress(PileUnreachable):
                await second

    async def test_answers_are_typed(self, ground: Ground) -> None:
        async with pile(ground.port, "P1") as p:
            await p.call("Heartbeat", {})
            p.answers["RemoteStartTransaction"] = {"status": "Rejected"}
            result = await ground.csms.command(P1, RemoteStart(Token("tag"), 1, 1))
            assert (result.status, result.accepted) == ("Rejected", False)
            p.answers["Reset"] = ["NotSupported", "cannot", {}]  # type: ignore[assignment]
            result = await ground.csms.command(P1, Reset())
            assert (result.status, result.accepted) == ("NotSupported", False)
            p.answers["Reset"] = {"status": "Perhaps"}
            result = await ground.csms.command(P1, Reset())
            assert (result.status, result.accepted) == ("FormatViolation", False)
            p.answers["ChangeAvailability"] = {"status": "Scheduled"}
            assert (await ground.csms.command(P1, ChangeAvailability(operative=False))).accepted

    async def test_a_pile_that_is_not_there_is_unreachable(self, ground: Ground) -> None:
        with pytest.raises(PileUnreachable, match="P1"):
            await ground.csms.command(P1, Reset())
        async with pile(ground.port, "P1") as p:
            await p.call("Heartbeat", {})
            waiting = asyncio.create_task(ground.csms.command(P1, Reset()))
            await p.until_received(1)
            await p.socket.close()
            with pytest.raises(PileUnreachable, match="hung up"):
                await waiting

    async def test_what_came_before_a_hang_up_is_still_acted_on(self, ground: Ground) -> None:
        async with pile(ground.port, "P1") as p:
            await p.socket.send(json.dumps([2, "a", "BootNotification", BOOT]))
        await until(lambda: ground.inbox.events)

    async def test_a_failing_inbox_is_an_internal_error_and_nothing_more(self, ground: Ground) -> None:
        def fail(event: Any) -> None:
            raise RuntimeError("disk full")

        ground.inbox.before = fail
        async with pile(ground.port, "P1") as p:
            answer = await p.call("BootNotification", BOOT)
            assert answer[2:4] == ["InternalError", "could not be processed"]
            ground.inbox.before = None
            assert (await p.call("BootNotification", BOOT))[0] == 3


class TestHostilePiles:
    async def test_an_oversize_frame_closes_with_1009(self, ground: Ground) -> None:
        async with pile(ground.port, "P1") as p, pile(ground.port, "P2") as other:
            await p.socket.send("x" * (70 * 1024))
            await p.socket.wait_closed()
            assert p.socket.close_code == 1009
            assert (await other.call("Heartbeat", {}))[0] == 3

    async def test_a_deflate_bomb_closes_with_1009(self, ground: Ground) -> None:
        url = f"ws://127.0.0.1:{ground.port}/ocpp/P1"
        offered = [websockets.Subprotocol("ocpp1.6")]
        async with websockets.connect(url, subprotocols=offered, additional_headers=basic("P1")) as socket:
            assert [extension.name for extension in socket.protocol.extensions] == ["permessage-deflate"]
            await socket.send('[2,"a","Heartbeat",{}]')
            assert json.loads(await socket.recv())[0] == 3
            await socket.send("x" * 50_000_000)
            await socket.wait_closed()
            assert socket.close_code == 1009

    @pytest.mark.parametrize(("version", "code"), [("ocpp1.6", "GenericError"), ("ocpp2.0.1", "RpcFrameworkError")])
    async def test_a_message_id_counts_once(self, ground: Ground, version: str, code: str) -> None:
        async with pile(ground.port, "P1", version) as p:
            assert (await p.call("Heartbeat", {}, "same"))[0] == 3
            answer = await p.call("Heartbeat", {}, "same")
            assert answer[:3] == [4, "same", code]
            assert ground.csms.counters.duplicate_ids == 1
        async with pile(ground.port, "P1", version) as p:
            assert (await p.call("Heartbeat", {}, "same"))[0] == 3

    async def test_stray_answers_are_counted_and_dropped(self, ground: Ground) -> None:
        count = 100_000 if SOAK else 2_000
        async with pile(ground.port, "P1") as p:
            for number in range(count):
                await p.socket.send(json.dumps([3, f"x{number}", {}]) if number % 2 else '[4,"y","GenericError","",{}]')
            assert (await p.call("Heartbeat", {}))[0] == 3
            assert ground.csms.counters.unsolicited_results == count

    async def test_an_answer_comes_once(self, ground: Ground) -> None:
        async with pile(ground.port, "P1") as p:
            await p.call("Heartbeat", {})
            p.answers["Reset"] = {"status": "Accepted"}
            assert (await ground.csms.command(P1, Reset())).accepted
            text = next(text for _, incoming, text in ground.book.frames if incoming and text.startswith("[3"))
            await p.socket.send(text)
            await p.call("Heartbeat", {})
            assert ground.csms.counters.unsolicited_results == 1

    async def test_wrong_frames_are_answered_and_reach_nobody(self, ground: Ground) -> None:
        async with pile(ground.port, "P1", "ocpp2.0.1") as p:
            for text in ("{", "[]", '{"a":1}', "null", "[2]", b"\x00\x01"):
                assert (await p.raw(text))[:3] == [4, "-1", "RpcFrameworkError"]
            assert (await p.raw('[9,"m9"]', "m9"))[2] == "MessageTypeNotSupported"
            assert (await p.call("Reset", {"type": "OnIdle"}))[2] == "NotSupported"
            assert ground.inbox.events == []
            assert (await p.call("Heartbeat", {}))[0] == 3

    async def test_a_pile_that_sends_without_waiting_is_held_to_its_queue(self) -> None:
        limits = Limits(calls_queued=4)
        async with ground_with(limits) as ground:
            hold = asyncio.Event()
            ground.inbox.before = lambda event: hold.wait()
            async with pile(ground.port, "P1") as p:
                calls = [asyncio.create_task(p.call("BootNotification", BOOT)) for _ in range(20)]
                await until(lambda: ground.csms.counters.bad_frames)
                hold.set()
                kinds = [(await call)[0] for call in calls]
                assert kinds.count(3) == len(ground.inbox.events)
                assert 4 <= kinds.count(3) <= 6

    async def test_a_fuzzed_pile_disturbs_no_other(self, ground: Ground) -> None:
        junk = ["", "[", '[2,"m","MeterValues",{}]', "9" * 4000, '[2,"m","x",null]', '[3,"a",{}]', "\u2603", "[[[[[[[["]
        async with pile(ground.port, "P1") as bad, pile(ground.port, "P2") as good:
            for number in range(20_000 if SOAK else 400):
                await bad.socket.send(junk[number % len(junk)])
                if number % 20 == 0:
                    assert (await good.call("Heartbeat", {}))[0] == 3
            assert (await bad.call("Heartbeat", {}))[0] == 3
            assert ground.csms.counters.failures == 0

    async def test_every_frame_is_in_the_log_as_it_was(self, ground: Ground) -> None:
        async with pile(ground.port, "P1") as p:
            await p.socket.send(' [2, "m1", "Heartbeat", {}]')
            await until(lambda: len(ground.book.frames) == 2)
        assert ground.book.frames[0] == ("P1", True, ' [2, "m1", "Heartbeat", {}]')
        assert ground.book.frames[1][:2] == ("P1", False)

    async def test_half_open_sockets_are_found_by_pings(self) -> None:
        async with ground_with(Limits(ping_s=0.1, close_s=0.1)) as ground:
            socket: ClientConnection
            async with pile(ground.port, "P1") as p:
                await p.call("Heartbeat", {})
                socket = p.socket
                socket.transport.pause_reading()
                await until(lambda: not ground.csms.stations[P1].connected)
                socket.transport.abort()
