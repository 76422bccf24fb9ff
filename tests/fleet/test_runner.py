"""The service: runs over a real store with scripted stations, killed and started again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.fleet.parts import ANNA, BERT, NOT_IN_16, OTHER, Rig, make_store

from sunpile.basics.errors import Conflict, Forbidden, InputInvalid, NotFound, TooMany
from sunpile.basics.ids import StationId
from sunpile.basics.scope import Scope
from sunpile.chargers.commands import CommandResult, GetReport, Reset, SetNetworkProfile
from sunpile.chargers.notices import Progress, ReportPart
from sunpile.fleet.run_model import Options, Rules
from sunpile.fleet.run_ports import Filter, Selection
from sunpile.fleet.runner import PlainRunner

ALL = Selection(filter=Filter())
S0 = StationId("S0")


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(make_store(tmp_path / "node.db"))
    yield made
    await made.kill()


async def test_a_fleet_run_asks_every_station_of_the_tenant_once_and_keeps_each_answer(rig: Rig) -> None:
    rig.go()
    rig.stations.answers |= {
        "S1": CommandResult("Rejected", accepted=False, reason="Busy: charging"),
        "S2": NOT_IN_16,
        "S3": InputInvalid("too long"),
    }
    rig.stations.away.add("S4")
    header = await rig.runner.start(ANNA, "get-report", {}, ALL)
    for station in ("S0", "S5"):
        await asyncio.sleep(0.02)
        item = await rig.runner.item(ANNA, header.run, station)
        part = ReportPart(StationId(station), "variables", header.number + item.attempt, 0, True, ({"a": 1},))
        await rig.runner.told(part)
    header = await rig.ended(header.run)
    items = {item.station: item for item in await rig.runner.items(ANNA, header.run, None, "", 100)}
    assert {name: item.state for name, item in items.items()} == {
        "S0": "done", "S1": "rejected", "S2": "not in dialect", "S3": "failed", "S4": "unreachable", "S5": "done",
    }  # fmt: skip
    assert (items["S1"].status, items["S1"].reason) == ("Rejected", "Busy: charging")
    assert await rig.runner.rows(ANNA, header.run, "S0") == [{"a": 1}]
    assert [rig.stations.times(f"S{n}") for n in range(6)] == [1, 1, 1, 1, 0, 1]
    assert header.counts == {"done": 2, "rejected": 1, "not in dialect": 1, "failed": 1, "unreachable": 1}
    numbers = {command.request for _, command in rig.stations.asked if isinstance(command, GetReport)}
    assert numbers == {header.number + 1}
    assert rig.told[-1]["state"] == "done"
    assert rig.audit.records[0][:3] == ("staff:anna", "run.start", f"run:{header.run}")


async def test_killed_in_the_middle_it_goes_on_without_asking_twice_for_what_was_answered(rig: Rig) -> None:
    rig.stations.silent |= {"S2", "S3"}
    header = await rig.runner.start(ANNA, "get-variables", {"names": []}, ALL, Options(in_flight=4))
    rig.go()
    while len(rig.stations.asked) < 6:
        await asyncio.sleep(0.005)
    await rig.kill()
    rig.stations.silent.clear()
    rig.open()
    rig.go()
    header = await rig.ended(header.run)
    assert header.counts == {"done": 6}
    assert [rig.stations.times(f"S{n}") for n in range(6)] == [1, 1, 2, 2, 1, 1]


async def test_killed_while_a_restart_is_under_way_it_is_not_sent_again(rig: Rig) -> None:
    rig.stations.silent.add("S0")
    header = await rig.runner.start(ANNA, "reset", {}, Selection(("S0",)))
    while not rig.stations.asked:
        await asyncio.sleep(0.002)
    await rig.kill()
    rig.open()
    rig.go()
    await rig.ended(header.run)
    item = await rig.runner.item(ANNA, header.run, "S0")
    assert item.state == "timed out"
    assert "look at the station" in item.reason
    assert rig.stations.times("S0") == 1
    rig.stations.silent.clear()
    await rig.runner.retry(ANNA, header.run)
    assert (await rig.ended(header.run)).counts == {"done": 1}


async def test_in_flight_limit_holds(rig: Rig) -> None:
    rig.go()
    header = await rig.runner.start(ANNA, "get-variables", {"names": []}, ALL, Options(in_flight=2))
    await rig.ended(header.run)
    assert rig.stations.most_at_once <= 2


async def test_dangerous_ones_wait_for_another_person(rig: Rig) -> None:
    rig.go()
    header = await rig.runner.start(ANNA, "reset", {"kind": "Immediate"}, ALL)
    assert header.state == "waiting for approval"
    with pytest.raises(Forbidden):
        await rig.runner.approve(ANNA, header.run)
    with pytest.raises(Forbidden):
        await rig.runner.approve(Scope("default", "staff:c", frozenset({"operate"})), header.run)
    with pytest.raises(NotFound):
        await rig.runner.approve(OTHER, header.run)
    assert rig.stations.asked == []
    await rig.runner.approve(BERT, header.run)
    assert (await rig.ended(header.run)).counts == {"done": 6}
    assert {command for _, command in rig.stations.asked} == {Reset("Immediate")}
    assert [record[:2] for record in rig.audit.records] == [("staff:anna", "run.ask"), ("staff:bert", "run.approve")]


async def test_nobody_gives_the_second_yes_to_what_their_own_key_began(rig: Rig) -> None:
    key = Scope("default", "key:7", ANNA.permissions, ANNA.actor)
    header = await rig.runner.start(key, "reset", {"kind": "Immediate"}, ALL)
    assert header.actor == "key:7 by staff:anna"
    for one in (key, ANNA, Scope("default", "key:8", ANNA.permissions, ANNA.actor)):
        with pytest.raises(Forbidden):
            await rig.runner.approve(one, header.run)
    assert (await rig.runner.approve(BERT, header.run)).state == "running"


async def test_waiting_for_approval_outlives_a_restart(rig: Rig) -> None:
    header = await rig.runner.start(ANNA, "reset", {}, ALL)
    await rig.kill()
    rig.open()
    rig.go()
    await rig.runner.approve(BERT, header.run)
    assert (await rig.ended(header.run)).counts == {"done": 6}


async def test_a_draft_asks_nobody_until_it_begins(rig: Rig) -> None:
    rig.go()
    header = await rig.runner.start(ANNA, "clear-cache", {}, ALL, Options(draft=True))
    await asyncio.sleep(0.01)
    assert (header.state, rig.stations.asked) == ("draft", [])
    await rig.runner.begin(ANNA, header.run)
    assert (await rig.ended(header.run)).counts == {"done": 6}


async def test_cancel_asks_no_further_station(rig: Rig) -> None:
    rig.stations.silent |= {f"S{n}" for n in range(6)}
    rig.go()
    header = await rig.runner.start(ANNA, "clear-cache", {}, ALL, Options(in_flight=1))
    header = await rig.runner.cancel(ANNA, header.run)
    assert header.state == "cancelled"
    assert header.counts == {"sent": 1, "cancelled": 5}
    with pytest.raises(Conflict):
        await rig.runner.cancel(ANNA, header.run)


async def test_other_tenants_stations_and_runs_do_not_exist(rig: Rig) -> None:
    with pytest.raises(NotFound, match="X0"):
        await rig.runner.start(ANNA, "clear-cache", {}, Selection(("S0", "X0")))
    with pytest.raises(NotFound):
        await rig.runner.ask(OTHER, "S0", "clear-cache", {})
    header = await rig.runner.start(ANNA, "clear-cache", {}, Selection(("S0",)))
    for look in (rig.runner.header(OTHER, header.run), rig.runner.items(OTHER, header.run, None, "", 9),
                 rig.runner.rows(OTHER, header.run, "S0"), rig.runner.cancel(OTHER, header.run),
                 rig.runner.item(OTHER, header.run, "S0")):  # fmt: skip
        with pytest.raises(NotFound):
            await look
    assert await rig.runner.headers(OTHER, 10, None, fleet=False) == []


async def test_ask_waits_for_the_answer_and_gives_up_waiting_in_time(rig: Rig) -> None:
    rig.go()
    header, item = await rig.runner.ask(ANNA, "S0", "get-composite-schedule", {"evse": 1, "duration_s": 60})
    assert (header.state, item.state, item.status) == ("done", "done", "Accepted")
    rig.stations.silent.add("S1")
    header, item = await rig.runner.ask(ANNA, "S1", "clear-cache", {}, seconds=0.01)
    assert (header.state, item.state) == ("running", "sent")


async def test_a_spent_budget_is_refused_also_after_a_restart(tmp_path: Path) -> None:
    rig = Rig(make_store(tmp_path / "node.db"), Rules(budget_per_hour=2))
    rig.clock.runs = False
    for _ in range(2):
        await rig.runner.ask(ANNA, "S0", "clear-cache", {})
    for _ in range(2):
        with pytest.raises(TooMany):
            await rig.runner.ask(ANNA, "S0", "clear-cache", {})
        await rig.kill()
        rig.open()
    rig.clock.time += 3600
    await rig.runner.ask(ANNA, "S0", "clear-cache", {})
    await rig.kill()


async def test_firmware_is_followed_by_its_number_or_without_one(rig: Rig) -> None:
    rig.go()
    arguments = {"url": "https://x/f.bin", "retrieve_at": rig.clock.now()}
    header = await rig.runner.start(ANNA, "update-firmware", arguments, Selection(("S0",)))
    await asyncio.sleep(0.01)
    await rig.runner.told(Progress(S0, "firmware", 1, "InstallationFailed"))
    await rig.runner.told(Progress(S0, "log", header.number + 1, "UploadFailure"))
    await rig.runner.told(Progress(S0, "firmware", None, "Downloading"))
    assert (await rig.runner.item(ANNA, header.run, "S0")).status == "Downloading"
    await rig.runner.told(Progress(S0, "firmware", None, "Idle"))
    await rig.runner.told(Progress(S0, "firmware", header.number + 1, "Installed"))
    item = await rig.runner.item(ANNA, header.run, "S0")
    assert (item.state, item.status) == ("done", "Installed")


async def test_what_a_station_drops_for_a_newer_request_has_ended(rig: Rig) -> None:
    rig.go()
    arguments = {"url": "https://x/f.bin", "retrieve_at": rig.clock.now()}
    first = await rig.runner.start(ANNA, "update-firmware", arguments, Selection(("S0",)))
    await asyncio.sleep(0.01)
    rig.stations.answers["S0"] = CommandResult("AcceptedCanceled", True)
    second = await rig.runner.start(ANNA, "update-firmware", arguments, Selection(("S0",)))
    await rig.ended(first.run)
    item = await rig.runner.item(ANNA, first.run, "S0")
    assert (item.state, item.status) == ("failed", "AcceptedCanceled")
    assert (await rig.runner.item(ANNA, second.run, "S0")).state == "accepted"


async def test_one_that_is_away_is_asked_as_soon_as_it_connects(rig: Rig) -> None:
    rig.stations.away.add("S0")
    header = await rig.runner.start(ANNA, "clear-cache", {}, Selection(("S0",)), Options(offline="wait"))
    await asyncio.sleep(0.02)
    assert (await rig.runner.item(ANNA, header.run, "S0")).state == "waiting"
    rig.stations.away.clear()
    await rig.runner.connected("S0")
    assert (await rig.ended(header.run)).counts == {"done": 1}


async def test_the_same_key_is_the_same_run_and_another_wish_is_refused(rig: Rig) -> None:
    first = await rig.runner.start(ANNA, "clear-cache", {}, ALL, key="k1")
    again = await rig.runner.start(ANNA, "clear-cache", {}, ALL, key="k1")
    assert again.run == first.run
    with pytest.raises(Conflict):
        await rig.runner.start(ANNA, "clear-cache", {}, Selection(("S0",)), key="k1")


async def test_filters_find_stations_by_what_is_known(rig: Rig) -> None:
    header = await rig.runner.start(
        ANNA, "clear-cache", {}, Selection(filter=Filter(vendor="Odd")), Options(draft=True)
    )
    names = [item.station for item in await rig.runner.items(ANNA, header.run, None, "", 9)]
    assert names == ["S1", "S3", "S5"]
    with pytest.raises(InputInvalid, match="no station"):
        await rig.runner.start(ANNA, "clear-cache", {}, Selection(filter=Filter(site="nowhere")))


async def test_permission_of_the_operation_is_needed(rig: Rig) -> None:
    operator = Scope("default", "staff:o", frozenset({"read", "operate"}))
    with pytest.raises(Forbidden):
        await rig.runner.start(operator, "set-variables", {"values": []}, ALL)


async def test_the_audit_log_and_the_answer_hold_no_password(rig: Rig) -> None:
    arguments = {"slot": 1, "url": "wss://x", "security_profile": 2, "password": "s3cret"}
    await rig.runner.ask(ANNA, "S0", "set-network-profile", arguments)
    assert "s3cret" not in str(rig.audit.records)
    command = rig.stations.asked[0][1]
    assert isinstance(command, SetNetworkProfile)
    assert command.password == "s3cret"


async def test_a_store_that_fails_once_loses_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    save, failed = rig.store.save, 0

    async def sometimes(*arguments: object) -> None:
        nonlocal failed
        failed += 1
        if failed in (1, 4):
            raise OSError("disk")
        await save(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(rig.store, "save", sometimes)
    rig.go()
    run = (await rig.runner.start(ANNA, "clear-cache", {}, ALL, Options(in_flight=2))).run
    assert (await rig.ended(run)).counts == {"done": 6}
    kept, items = await rig.store.load(ANNA, run)
    assert kept.state == "done"
    assert {item.state for item in items} == {"done"}


async def test_plain_start_gives_the_id_and_names_a_wrong_option(rig: Rig) -> None:
    plain = PlainRunner(rig.runner)
    run = await plain.start(ANNA, "clear-cache", {}, ["S0"], {"per_second": 5})
    assert (await rig.runner.header(ANNA, run)).options.per_second == 5
    with pytest.raises(InputInvalid, match="options.per_second"):
        await plain.start(ANNA, "clear-cache", {}, ["S0"], {"per_second": 0})
