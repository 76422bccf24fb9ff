"""OCPP 2.1 on sockets: ids of a station over all its sockets, answers replayed, SEND and CALLRESULTERROR."""

import asyncio
import json

import pytest

from chargers.fakes import pile
from chargers.test_server import P1, Ground, ground, until  # noqa: F401
from sunpile.chargers.codec import Call
from sunpile.chargers.commands import Reset
from sunpile.chargers.connection import CallRefused
from sunpile.chargers.events import Booted
from sunpile.chargers.notices import MonitorEvent
from sunpile.chargers.replay import ANSWER_MAX, CALLS_REMEMBERED, AnswerMemory, mark

BOOT = {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}
BOOT_OTHER = {"reason": "PowerUp", "chargingStation": {"model": "M2", "vendorName": "V"}}
TIME = "2023-11-14T22:13:20Z"


def boots(ground: Ground) -> int:  # noqa: F811
    return sum(isinstance(event, Booted) for event in ground.inbox.events)


async def test_a_retry_on_the_next_socket_gets_the_answer_of_the_first(ground: Ground) -> None:  # noqa: F811
    async with pile(ground.port, "P1", "ocpp2.1") as p:
        first = await p.call("BootNotification", BOOT, "b1")
        ground.clock.time += 100
        assert await p.call("BootNotification", dict(reversed(BOOT.items())), "b1") == first
    await until(lambda: ground.csms.live(P1) is None)
    async with pile(ground.port, "P1", "ocpp2.1") as p:
        assert await p.call("BootNotification", BOOT, "b1") == first
        assert (await p.call("BootNotification", BOOT, "b2"))[2]["currentTime"] != first[2]["currentTime"]
    assert boots(ground) == 2
    assert ground.csms.counters.replayed == 2


async def test_a_retry_while_the_first_is_still_at_work_waits_for_its_answer(ground: Ground) -> None:  # noqa: F811
    go = asyncio.Event()

    async def wait(event: object) -> None:
        if isinstance(event, Booted):
            await go.wait()

    ground.inbox.before = wait
    async with pile(ground.port, "P1", "ocpp2.1") as old:
        await old.socket.send(json.dumps([2, "b1", "BootNotification", BOOT]))
        await until(lambda: ground.csms.counters.calls_in)
        async with pile(ground.port, "P1", "ocpp2.1") as new:
            retry = asyncio.create_task(new.call("BootNotification", BOOT, "b1"))
            await asyncio.sleep(0.05)
            assert not retry.done()
            go.set()
            assert (await retry)[2]["status"] == "Accepted"
    assert boots(ground) == 1


async def test_an_id_used_for_another_message_is_refused(ground: Ground) -> None:  # noqa: F811
    async with pile(ground.port, "P1", "ocpp2.1") as p, pile(ground.port, "P2", "ocpp2.1") as other:
        await p.call("BootNotification", BOOT, "b1")
        assert (await p.call("BootNotification", BOOT_OTHER, "b1"))[:3] == [4, "b1", "RpcFrameworkError"]
        assert (await other.call("BootNotification", BOOT_OTHER, "b1"))[0] == 3
        assert [remark.code for remark in ground.csms.stations[P1].remarks] == ["message-id-reused", "bad-frame"]


async def test_an_id_that_may_be_used_again_does_not_bring_another_messages_answer(ground: Ground) -> None:  # noqa: F811
    ground.book.change("P1", leniency=frozenset({"message-ids-reused"}))
    async with pile(ground.port, "P1", "ocpp2.1") as p:
        assert "currentTime" in (await p.call("BootNotification", BOOT, "b1"))[2]
        status = {"timestamp": TIME, "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
        for _ in range(2):
            assert await p.call("StatusNotification", status, "b1") == [3, "b1", {}]
    assert (boots(ground), ground.csms.counters.replayed) == (1, 1)


async def test_a_call_that_failed_may_be_tried_again(ground: Ground) -> None:  # noqa: F811
    def fail(event: object) -> None:
        raise RuntimeError("the store is gone")

    async with pile(ground.port, "P1", "ocpp2.1") as p:
        ground.inbox.before = fail
        assert (await p.call("BootNotification", BOOT, "b1"))[2] == "InternalError"
        ground.inbox.before = None
        assert (await p.call("BootNotification", BOOT, "b1"))[0] == 3


async def test_before_2_1_ids_are_the_sockets_own(ground: Ground) -> None:  # noqa: F811
    async with pile(ground.port, "P1", "ocpp2.0.1") as p:
        assert (await p.call("BootNotification", BOOT, "b1"))[0] == 3
        assert (await p.call("BootNotification", BOOT, "b1"))[:3] == [4, "b1", "RpcFrameworkError"]
    async with pile(ground.port, "P1", "ocpp2.0.1") as p:
        assert (await p.call("BootNotification", BOOT, "b1"))[0] == 3


def test_the_memory_of_answers_is_bounded() -> None:
    memory = AnswerMemory()
    for number in range(CALLS_REMEMBERED * 3):
        call = Call(str(number), "Heartbeat", {})
        memory.begin(call)
        memory.settle(call, "x" * (ANSWER_MAX if number % 2 else ANSWER_MAX + 1))
    assert len(memory._answers) <= CALLS_REMEMBERED
    assert memory.known(Call("1", "Heartbeat", {})) is None
    assert memory.known(Call(str(CALLS_REMEMBERED * 3 - 1), "Heartbeat", {})) is not None
    assert memory.known(Call(str(CALLS_REMEMBERED * 3 - 2), "Heartbeat", {})) is None


async def test_a_call_that_takes_anothers_id_lets_go_who_waited_and_keeps_its_own_answer() -> None:
    memory, older, newer = AnswerMemory(), Call("1", "Heartbeat", {}), Call("1", "Authorize", {})
    waited = memory.begin(older)
    memory.begin(newer)
    assert await asyncio.wait_for(waited.wait(), 1) is None
    memory.settle(older, "old")
    memory.settle(newer, "new")
    known = memory.known(newer)
    assert (known and known.text) == "new"


def test_the_order_of_fields_does_not_matter_and_every_value_does() -> None:
    assert mark(Call("a", "X", {"a": 1, "b": 2})) == mark(Call("b", "X", {"b": 2, "a": 1}))
    assert mark(Call("a", "X", {"a": 1})) != mark(Call("a", "X", {"a": 2}))
    assert mark(Call("a", "X", {"a": 1})) != mark(Call("a", "Y", {"a": 1}))


async def test_a_message_without_answer_is_acted_on_and_not_answered(ground: Ground) -> None:  # noqa: F811
    stream = {"id": 7, "pending": 0, "basetime": TIME, "data": [{"t": 0, "v": "230.4"}, {"t": 1.5, "v": "230.2"}]}
    async with pile(ground.port, "P1", "ocpp2.1") as p:
        for frame in (
            [6, "s1", "NotifyPeriodicEventStream", stream],
            [6, "s2", "NotifyPeriodicEventStream", {"id": 7}],
            [6, "s3", "Fly", {}],
        ):
            await p.socket.send(json.dumps(frame))
        assert (await p.call("Heartbeat", {}))[0] == 3
    told = [event for event in ground.inbox.events if isinstance(event, MonitorEvent)]
    assert [(event.monitor, event.value) for event in told] == [(7, "230.4"), (7, "230.2")]
    sent = [json.loads(frame) for _, incoming, frame in ground.book.frames if not incoming]
    assert [frame[1] for frame in sent] == ["m1"]
    assert ground.csms.counters.sends_in == 1


@pytest.mark.parametrize(("version", "told"), [("ocpp2.1", 1), ("ocpp2.0.1", 0)])
async def test_an_answer_we_cannot_use_is_told_to_the_station(
    ground: Ground,  # noqa: F811
    version: str,
    told: int,
) -> None:
    async with pile(ground.port, "P1", version) as p:
        p.answers["Reset"] = {"status": "Perhaps"}
        await until(lambda: ground.csms.live(P1))
        result = await ground.csms.command(P1, Reset("Immediate"))
        assert (result.status, result.accepted) == ("FormatViolation", False)
        await p.call("Heartbeat", {})
    sent = [json.loads(frame) for _, incoming, frame in ground.book.frames if not incoming]
    errors = [frame for frame in sent if frame[0] == 5]
    assert len(errors) == told
    if told:
        asked = next(frame for frame in sent if frame[0] == 2)
        assert errors[0][1:3] == [asked[1], "PropertyConstraintViolation"]


async def test_a_station_that_cannot_use_our_answer_is_heard(ground: Ground) -> None:  # noqa: F811
    async with pile(ground.port, "P1", "ocpp2.1") as p:
        await p.call("Heartbeat", {}, "h1")
        await p.socket.send('[5,"h1","FormatViolation","currentTime?",{}]')
        assert (await p.call("Heartbeat", {}))[0] == 3
        assert ground.csms.counters.result_faults == 1
        assert [remark.code for remark in ground.csms.stations[P1].remarks] == ["answer-not-understood"]


def test_a_refused_call_is_an_error_of_the_programs_own_kind() -> None:
    assert CallRefused("X", "y").status == 502
