"""Whoever cannot connect finds the reason and the cure; whatever is odd about a station has words."""

import asyncio
import re
from pathlib import Path

import pytest
import websockets

import sunpile.chargers
from chargers.fakes import basic, pile
from chargers.test_server import FAST, P1, Ground, ground, ground_with, knock, until  # noqa: F401
from sunpile.basics.errors import PileUnreachable
from sunpile.chargers import Limits
from sunpile.chargers.certificates.clients import REASONS
from sunpile.chargers.commands import Reset
from sunpile.chargers.events import MeterRead
from sunpile.chargers.refusals import CURES, REMARKS
from sunpile.chargers.station import REMARKS_MAX, StationState, remarked
from sunpile.chargers.tls import REASONS as TLS_REASONS

SOURCES = "\n".join(file.read_text() for file in Path(sunpile.chargers.__file__).parent.glob("*.py"))
START = {"connectorId": 1, "idTag": "tag", "meterStart": 0, "timestamp": "2023-11-14T22:13:20Z"}


def test_every_reason_has_a_sentence_and_a_cure_in_both_languages() -> None:
    for code, words in (CURES | REMARKS).items():
        assert len(code) <= 32
        assert words.en.endswith(".")
        assert words.zh.endswith("。")
        assert re.search("[\u4e00-\u9fff]", words.zh)
    for words in CURES.values():
        assert words.en.count(". ") >= 1, words
    assert set(REASONS) <= set(CURES)
    assert set(TLS_REASONS.values()) <= set(CURES)


def test_every_remark_made_has_words_and_every_word_is_used() -> None:
    made = set(re.findall(r'emark\((?:station, )?"([a-z-]+)"', SOURCES)) | {"clock-wrong", "lenient", "quarantined"}
    assert made == set(REMARKS)


def test_remarks_are_one_of_a_kind_and_bounded() -> None:
    state = StationState(P1)
    for number in range(100):
        state = remarked(state, f"code {number % 30}", number)
    assert len(state.remarks) == REMARKS_MAX
    state = remarked(state, "code 9", 200)
    assert (state.remarks[-1].at, state.remarks[-1].code) == (200, "code 9")
    assert state.remarks[-1].times >= 2


@pytest.mark.parametrize("path", ["/", "/ocpp", "/OCPP/P1", "/webServices/ocpp/P1", "/ocpp16/P1"])
async def test_a_wrong_path_is_written_down(ground: Ground, path: str) -> None:  # noqa: F811
    assert (await knock(ground.port, path, basic("P1")))[0] == 404
    facts = ground.book.refused_facts[-1]
    assert (facts.station, facts.reason, facts.address, facts.offered) == (path, "wrong path", "127.0.0.1", "ocpp1.6")


async def test_a_flood_of_wrong_paths_is_not_a_flood_of_records(ground: Ground) -> None:  # noqa: F811
    for _ in range(20):
        await knock(ground.port, "/", basic("P1"))
    assert len(ground.book.refusals) == 3


@pytest.mark.parametrize(
    "first", [b"POST /ocpp/P1 HTTP/1.1\r\n\r\n", b"\x00\x01", b"SSH-2.0-x\r\n", b"PRI * HTTP/2.0\r\n"]
)
async def test_what_is_no_websocket_is_written_down(ground: Ground, first: bytes) -> None:  # noqa: F811
    _, writer = await asyncio.open_connection("127.0.0.1", ground.port)
    writer.write(first)
    await until(lambda: ground.book.refusals)
    writer.close()
    assert ground.book.refusals[0] == ("", "not a WebSocket")


@pytest.mark.parametrize(
    ("offered", "reason"),
    [(None, "no subprotocol"), (["ocpp1.5"], "unknown version"), (["soap", "mqtt"], "unknown version")],
)
async def test_a_version_nobody_speaks_is_written_down(
    ground: Ground,  # noqa: F811
    offered: list[str] | None,
    reason: str,
) -> None:
    url = f"ws://127.0.0.1:{ground.port}/ocpp/P1"
    async with websockets.connect(url, subprotocols=offered, additional_headers=basic("P1")) as socket:  # type: ignore[arg-type]
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
    facts = ground.book.refused_facts[-1]
    assert (facts.station, facts.reason, facts.offered) == ("P1", reason, ", ".join(offered or []))


async def test_who_is_limited_is_written_down_once() -> None:
    async with ground_with(Limits(refusal_s=0.0, per_station=2, per_station_refill=0.0)) as g:
        for _ in range(8):
            await knock(g.port, "/ocpp/P1", basic("P1", "0" * 40))
        reasons = [reason for _, reason in g.book.refusals]
        assert reasons == ["wrong password"] * 2 + ["rate limited"] * 3


class TestRemarks:
    async def test_a_station_that_goes_silent_in_a_command(self, ground: Ground) -> None:  # noqa: F811
        async with pile(ground.port, "P1") as p:
            p.answers["Reset"] = None
            await until(lambda: ground.csms.live(P1))
            waiting = asyncio.create_task(ground.csms.command(P1, Reset("Immediate")))
            await p.until_received(1)
            live = ground.csms.live(P1)
            assert live is not None
            assert live.calls_pending == 1
            with pytest.raises(PileUnreachable):
                await waiting
            assert [remark.code for remark in ground.csms.stations[P1].remarks] == ["silent-in-command"]

    async def test_a_station_that_speaks_of_anothers_transaction(self, ground: Ground) -> None:  # noqa: F811
        async with pile(ground.port, "P1") as p, pile(ground.port, "P2") as other:
            number = (await other.call("StartTransaction", START))[2]["transactionId"]
            stop = {"meterStop": 1, "timestamp": START["timestamp"], "transactionId": number}
            assert (await p.call("StopTransaction", stop))[0] == 3
            assert [remark.code for remark in ground.csms.stations[P1].remarks] == ["other-stations-transaction"]
            assert str(number) in ground.csms.stations[ground.book.records["P2"].station].transactions

    async def test_a_station_that_floods(self) -> None:
        limits = Limits(calls_queued=2, refusal_s=0.0)
        go = asyncio.Event()
        async with ground_with(limits) as g, pile(g.port, "P1") as p:

            async def wait(event: object) -> None:
                if isinstance(event, MeterRead):
                    await go.wait()

            g.inbox.before = wait
            sample = {"timestamp": START["timestamp"], "sampledValue": [{"value": "5"}]}
            for number in range(6):
                frame = f'[2,"f{number}","MeterValues",{{"connectorId":1,"meterValue":[{_json(sample)}]}}]'
                await p.socket.send(frame)
            await until(lambda: g.csms.stations[P1].remarks)
            assert "flood" in {remark.code for remark in g.csms.stations[P1].remarks}
            go.set()

    async def test_a_wrong_clock_is_seen_and_an_old_message_is_not_a_wrong_clock(self, ground: Ground) -> None:  # noqa: F811
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
        async with pile(ground.port, "P1") as p:
            await p.call("StatusNotification", status | {"timestamp": "2023-11-14T22:23:20Z"})
            assert ground.csms.stations[P1].clock_skew_s == 600
            assert [remark.code for remark in ground.csms.stations[P1].remarks] == ["clock-wrong"]
        async with pile(ground.port, "P2") as p:
            await p.call("StatusNotification", status | {"timestamp": "2023-10-01T00:00:00Z"})
            assert ground.csms.stations[ground.book.records["P2"].station].remarks == ()


def _json(value: object) -> str:
    import json

    return json.dumps(value)


async def test_a_station_that_is_no_longer_registered_is_hung_up_on(ground: Ground) -> None:  # noqa: F811
    async with pile(ground.port, "P1") as p:
        await until(lambda: ground.csms.live(P1))
        del ground.book.records["P1"]
        await ground.csms.changed(P1)
        await until(lambda: p.socket.close_code == 4003)


async def test_a_station_whose_registration_is_changed_keeps_its_connection(ground: Ground) -> None:  # noqa: F811
    async with pile(ground.port, "P1") as p:
        await until(lambda: ground.csms.live(P1))
        ground.book.change("P1", registration="Pending")
        await ground.csms.changed(P1)
        boot = {"chargePointVendor": "V", "chargePointModel": "M"}
        assert (await p.call("BootNotification", boot))[2]["status"] == "Pending"
        ground.book.change("P1", registration="Accepted")
        await ground.csms.changed(P1)
        assert (await p.call("BootNotification", boot))[2]["status"] == "Accepted"


async def test_a_station_that_has_to_come_in_otherwise_is_hung_up_on(ground: Ground) -> None:  # noqa: F811
    async with pile(ground.port, "P1") as p:
        await until(lambda: ground.csms.live(P1))
        ground.book.change("P1", next_profile=2)
        await ground.csms.changed(P1)
        assert ground.csms.live(P1)
        ground.book.change("P1", security_profile=2, next_profile=None)
        await ground.csms.changed(P1)
        await until(lambda: p.socket.close_code == 4001)
