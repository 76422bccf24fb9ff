"""Charging profiles that the operator sets, clears, reads (block K: K01, K05, K08 to K10)."""

from typing import Any

from conformance.ocpp2.l_firmware import seconds
from conformance.ocpp2.states import Visit, charging, new_token, operate, refused, unix
from conformance.ocpp16.acts import done, rejected
from conformance.registry import case
from conformance.scene import Scene, now
from conformance.station import Payload

SET = "schema of SetChargingProfile"


def schedule(*limits: int, unit: str = "W", **more: Any) -> dict[str, Any]:
    """A schedule whose limits change every hour, as the operator writes it."""
    periods = [{"start_s": 3600 * place, "limit": limit} for place, limit in enumerate(limits)]
    return {"periods": periods, "unit": unit} | more


def profile(number: int = 5, *limits: int, **more: Any) -> dict[str, Any]:
    """A profile, as the operator writes it."""
    wish: dict[str, Any] = {"id": number, "stack_level": 1, "purpose": "TxDefaultProfile"}
    return wish | {"schedules": [schedule(*(limits or (11_000, 6_000)))]} | more


def sent_profile(wish: dict[str, Any], sent: Payload) -> None:
    """Fail unless the server sent this profile, all of it and nothing else."""
    names = {
        "id": "id",
        "stackLevel": "stack_level",
        "chargingProfilePurpose": "purpose",
        "recurrencyKind": "recurrency",
        "transactionId": "transaction",
    }
    assert {field: wish[name] for field, name in names.items() if name in wish} == {
        field: value for field, value in sent.items() if field in names
    }
    for field, name in (("validFrom", "valid_from"), ("validTo", "valid_to")):
        assert (seconds(sent[field]) if field in sent else None) == wish.get(name)
    started = any("start" in one for one in wish["schedules"])
    assert sent["chargingProfileKind"] == wish.get("kind", "Absolute" if started else "Relative")
    more = wish.get("more", {})
    assert {key: sent[key] for key in more} == more
    assert len(sent["chargingSchedule"]) == len(wish["schedules"])
    for one, asked in zip(sent["chargingSchedule"], wish["schedules"], strict=True):
        sent_schedule(asked, one)


def sent_schedule(wish: dict[str, Any], sent: Payload) -> None:
    """Fail unless the server sent this schedule."""
    scale = 1000 if wish["unit"] == "A" else 1
    amounts = {"limit": "limit", "setpoint": "setpoint", "dischargeLimit": "discharge_limit"}
    wanted: list[Payload] = []
    for period in wish["periods"]:
        row: Payload = {"startPeriod": period["start_s"]} | period.get("more", {})
        row |= {field: period[name] / scale for field, name in amounts.items() if name in period}
        row |= {"operationMode": period["operation_mode"]} if "operation_mode" in period else {}
        row |= {"numberPhases": period["phases"]} if "phases" in period else {}
        wanted.append(row)
    assert sent["chargingSchedulePeriod"] == wanted, sent
    assert sent["chargingRateUnit"] == wish["unit"]
    assert sent.get("duration") == wish.get("duration_s")
    assert (seconds(sent["startSchedule"]) if "startSchedule" in sent else None) == wish.get("start")
    more = wish.get("more", {})
    assert {key: sent[key] for key in more} == more


async def set_profile(scene: Scene, evse: int, wish: dict[str, Any], status: str = "Accepted") -> Payload:
    """The operator sets a profile; the server must send exactly that; the station answers `status`."""
    sent, told = await operate(
        scene, "set-charging-profile", "SetChargingProfile", {"status": status}, evse=evse, profile=wish
    )
    assert set(sent) == {"evseId", "chargingProfile"}
    assert sent["evseId"] == evse
    sent_profile(wish, sent["chargingProfile"])
    if status == "Accepted":
        done(told)
    else:
        rejected(told, status)
    return sent["chargingProfile"]


async def not_sent(scene: Scene, operation: str, **arguments: Any) -> str:
    """The operator's wish is refused before anything is sent; why."""
    before = len(scene.station.heard)
    told = await scene.ask(operation, **arguments)
    assert told["state"] in ("failed", "not in dialect"), told
    assert [name for name, _ in scene.station.heard[before:] if name != "SetVariables"] == []
    return told["reason"]


@case("TC_K_01_CSMS", "2.0.1", "2.1", basis="K01; " + SET)
async def default_profile_of_an_evse(scene: Scene) -> None:
    await scene.booted()
    await set_profile(scene, 1, profile())
    await set_profile(
        scene, 2, profile(6, schedules=[schedule(16_000, 10_500, unit="A", start=unix(), duration_s=7200)])
    )
    # The limit that follows from it is the same by our book and by the station.
    path = f"/api/stations/{scene.station.identity}/composite?evse=1&duration_s=3600"
    answer = {"evseId": 1, "duration": 3600, "scheduleStart": now(), "chargingRateUnit": "W"}
    answer["chargingSchedulePeriod"] = [{"startPeriod": 0, "limit": 11_000}]
    scene.station.habits["GetCompositeSchedule"] = {"status": "Accepted", "schedule": answer}
    compared = await scene.operator.get(path)
    assert compared["status"] == "Accepted"
    # Periods that do not rise, and limits below nothing, are not even sent.
    wrong = schedule(11_000, 6_000)
    wrong["periods"][1]["start_s"] = 0
    await not_sent(scene, "set-charging-profile", evse=1, profile=profile(5, schedules=[wrong]))
    await not_sent(scene, "set-charging-profile", evse=1, profile=profile(5, -1))


@case("TC_K_02_CSMS", "2.0.1", "2.1", basis="K01; " + SET)
async def profile_without_its_transaction(scene: Scene) -> None:
    await scene.booted()
    wish = profile(7, purpose="TxProfile", transaction="no-such-transaction")
    await set_profile(scene, 1, wish, "Rejected")
    # Without a transaction, or for the station as a whole, it is none.
    assert "transaction" in await not_sent(
        scene, "set-charging-profile", evse=1, profile=profile(7, purpose="TxProfile")
    )
    assert "EVSE" in await not_sent(scene, "set-charging-profile", evse=0, profile=wish)


@case("TC_K_03_CSMS", "2.0.1", "2.1", basis="K01; " + SET)
async def profile_of_the_station(scene: Scene) -> None:
    await scene.booted()
    wish = profile(8, purpose="ChargingStationMaxProfile", schedules=[schedule(22_000, start=unix())])
    await set_profile(scene, 0, wish)
    # It is for the whole station and belongs to no transaction.
    assert "EVSE 0" in await not_sent(scene, "set-charging-profile", evse=1, profile=wish)
    relative = profile(8, purpose="ChargingStationMaxProfile")
    assert "when it starts" in await not_sent(scene, "set-charging-profile", evse=0, profile=relative)


@case("TC_K_04_CSMS", "2.0.1", "2.1", basis="K01; " + SET)
async def replace_a_profile(scene: Scene) -> None:
    await scene.booted()
    first = await set_profile(scene, 1, profile(9, 11_000))
    second = await set_profile(scene, 1, profile(9, 6_000))
    assert first["id"] == second["id"]
    assert await ours(scene, 1) == [6_000]


async def ours(scene: Scene, evse: int) -> list[int | None]:
    """The limits at an EVSE for the next hour, by the operator's own book."""
    scene.station.habits["GetCompositeSchedule"] = {"status": "Rejected"}
    path = f"/api/stations/{scene.station.identity}/composite?evse={evse}&duration_s=3000"
    return [stretch["limit"] for stretch in (await scene.operator.get(path))["ours"]]


@case("TC_K_10_CSMS", "2.0.1", "2.1", basis="K01; " + SET)
async def default_profile_of_all(scene: Scene) -> None:
    await scene.booted()
    await set_profile(scene, 0, profile(10))
    assert await ours(scene, 1) == await ours(scene, 2) == [11_000]


@case("TC_K_15_CSMS", "2.0.1", "2.1", basis="K01; " + SET + "; part 4 4.3 (CALLERROR)")
async def not_supported(scene: Scene) -> None:
    await scene.booted()
    told = scene.ask("set-charging-profile", evse=1, profile=profile())
    request = await scene.station.expect("SetChargingProfile")
    await request.refuse("NotSupported", "no smart charging")
    seen = await told
    assert (seen["state"], seen["status"]) == ("rejected", "NotSupported"), seen
    assert "no smart charging" in seen["reason"]
    assert await ours(scene, 1) == [None]


@case("TC_K_19_CSMS", "2.0.1", "2.1", basis="K01; " + SET)
async def recurring_profile(scene: Scene) -> None:
    await scene.booted()
    for recurrency, day_s in (("Daily", 86_400), ("Weekly", 604_800)):
        one = schedule(11_000, 6_000, start=unix(), duration_s=day_s)
        wish = profile(11, schedules=[one], kind="Recurring", recurrency=recurrency)
        await set_profile(scene, 1, wish | {"valid_from": unix(), "valid_to": unix(2_000_000)})
    assert "Daily or Weekly" in await not_sent(
        scene, "set-charging-profile", evse=1, profile=profile(11, schedules=[one], kind="Recurring")
    )


@case("TC_K_60_CSMS", "2.0.1", "2.1", basis="K01; " + SET)
async def profile_of_a_transaction(scene: Scene) -> None:
    visit = await charging(scene)
    await set_profile(scene, 1, profile(12, 7_000, purpose="TxProfile", transaction=visit.transaction))
    await visit.unplug()
    await visit.is_over("EVDisconnected")


@case("TC_K_37_CSMS", "2.0.1", "2.1", basis="F01, F02, K05; schema of RequestStartTransaction")
async def start_with_a_profile(scene: Scene) -> None:
    await scene.booted()
    token = await new_token(scene)
    wish = profile(13, 9_000, purpose="TxProfile")
    sent, told = await operate(
        scene,
        "remote-start",
        "RequestStartTransaction",
        {"status": "Accepted"},
        token={"id": token, "kind": "ISO14443"},
        evse=1,
        profile=wish,
    )
    sent_profile(wish, sent["chargingProfile"])
    assert "transactionId" not in sent["chargingProfile"]
    assert sent["idToken"] == {"idToken": token, "type": "ISO14443"}
    assert sent["evseId"] == 1
    done(told)
    visit = Visit(scene, token, accepted=True)
    visit.plugged = True
    answer = await visit.event("RemoteStart", info={"remoteStartId": sent["remoteStartId"]}, token=token)
    assert answer["idTokenInfo"]["status"] == "Accepted"
    await visit.event("ChargingStateChanged", "Charging")
    await visit.is_active()
    # With a start goes a TxProfile that names no transaction.
    for other in (profile(13), wish | {"transaction": visit.transaction}):
        await not_sent(scene, "remote-start", token={"id": token, "kind": "ISO14443"}, evse=1, profile=other)


# -- clearing ---------------------------------------------------------------------------------------------------------


async def cleared(scene: Scene, wanted: Payload, status: str, **arguments: Any) -> None:
    """The operator clears profiles; the server must send exactly `wanted`; he sees `status`."""
    answer = {"status": status}
    sent, told = await operate(scene, "clear-charging-profile", "ClearChargingProfile", answer, **arguments)
    assert sent == wanted, sent
    if status == "Accepted":
        done(told)
    else:
        rejected(told, status)


CLEAR = "K10; schema of ClearChargingProfile"


@case("TC_K_05_CSMS", "2.0.1", "2.1", basis=CLEAR)
async def clear_by_id(scene: Scene) -> None:
    await scene.booted()
    await set_profile(scene, 1, profile(14))
    await cleared(scene, {"chargingProfileId": 14}, "Accepted", profile=14)
    assert await ours(scene, 1) == [None]


@case("TC_K_06_CSMS", "2.0.1", "2.1", basis=CLEAR)
async def clear_by_criteria(scene: Scene) -> None:
    await scene.booted()
    await set_profile(scene, 1, profile(15))
    await set_profile(scene, 1, profile(16, 4_000, stack_level=2))
    criteria = {"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 2}
    await cleared(scene, {"chargingProfileCriteria": criteria}, "Accepted", purpose="TxDefaultProfile", stack_level=2)
    # Only that one is gone.
    assert await ours(scene, 1) == [11_000]
    criteria |= {"evseId": 1}
    await cleared(
        scene, {"chargingProfileCriteria": criteria}, "Unknown", purpose="TxDefaultProfile", stack_level=2, evse=1
    )


@case("TC_K_08_CSMS", "2.0.1", "2.1", basis=CLEAR)
async def clear_without_any(scene: Scene) -> None:
    await scene.booted()
    await cleared(scene, {"chargingProfileId": 99}, "Unknown", profile=99)


# -- reading ----------------------------------------------------------------------------------------------------------

GET = "K09; schemas of GetChargingProfiles and ReportChargingProfiles"


def installed(number: int, **more: Any) -> Payload:
    """A profile as a station reports it."""
    periods = [{"startPeriod": 0, "limit": 6_000.0}]
    one = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": periods}
    found = {"id": number, "stackLevel": 1, "chargingProfilePurpose": "TxDefaultProfile"}
    return found | {"chargingProfileKind": "Relative", "chargingSchedule": [one]} | more


async def read(scene: Scene, wanted: Payload, at: int = 1, **arguments: Any) -> None:
    """The operator asks for profiles; the server must send exactly `wanted`; he sees both parts of the report."""
    told = scene.ask("get-charging-profiles", **arguments)
    request = await scene.station.expect("GetChargingProfiles")
    number = request.payload["requestId"]
    assert request.payload == {"requestId": number} | wanted, request.payload
    await request.answer({"status": "Accepted"})
    place = {"requestId": number, "evseId": at, "chargingLimitSource": "CSO"}
    for part in (1, 2):
        payload = place | {"chargingProfile": [installed(part)], "tbc": part == 1}
        assert await scene.station.call("ReportChargingProfiles", payload) == {}
    seen = await told
    done(seen)
    del place["requestId"]
    assert seen["report"] == [place | {"chargingProfile": installed(part)} for part in (1, 2)], seen


@case("TC_K_29_CSMS", "2.0.1", "2.1", basis=GET)
async def profiles_of_the_station(scene: Scene) -> None:
    await scene.booted()
    await read(scene, {"evseId": 0, "chargingProfile": {}}, at=0, evse=0)


@case("TC_K_30_CSMS", "2.0.1", "2.1", basis=GET)
async def profiles_of_an_evse(scene: Scene) -> None:
    await scene.booted()
    await read(scene, {"evseId": 1, "chargingProfile": {}}, evse=1)


@case("TC_K_31_CSMS", "2.0.1", "2.1", basis=GET)
async def profiles_of_all(scene: Scene) -> None:
    await scene.booted()
    await read(scene, {"chargingProfile": {}})
    answer = {"status": "NoProfiles"}
    sent, told = await operate(scene, "get-charging-profiles", "GetChargingProfiles", answer)
    assert sent["chargingProfile"] == {}
    rejected(told, "NoProfiles")


@case("TC_K_32_CSMS", "2.0.1", "2.1", basis=GET)
async def profiles_by_id(scene: Scene) -> None:
    await scene.booted()
    await read(scene, {"chargingProfile": {"chargingProfileId": [1]}}, profiles=[1])
    await read(scene, {"chargingProfile": {"chargingProfileId": [1, 2]}}, profiles=[1, 2])


@case("TC_K_33_CSMS", "2.0.1", "2.1", basis=GET)
async def profiles_by_level(scene: Scene) -> None:
    await scene.booted()
    await read(scene, {"evseId": 1, "chargingProfile": {"stackLevel": 1}}, evse=1, stack_level=1)


@case("TC_K_34_CSMS", "2.0.1", "2.1", basis=GET)
async def profiles_by_source(scene: Scene) -> None:
    await scene.booted()
    sources = ["CSO", "EMS"]
    await read(scene, {"evseId": 1, "chargingProfile": {"chargingLimitSource": sources}}, evse=1, sources=sources)


@case("TC_K_35_CSMS", "2.0.1", "2.1", basis=GET)
async def profiles_by_purpose(scene: Scene) -> None:
    await scene.booted()
    for purpose in ("TxDefaultProfile", "ChargingStationExternalConstraints"):
        wanted = {"evseId": 1, "chargingProfile": {"chargingProfilePurpose": purpose}}
        await read(scene, wanted, evse=1, purpose=purpose)


@case("TC_K_36_CSMS", "2.0.1", "2.1", basis=GET)
async def profiles_by_purpose_and_level(scene: Scene) -> None:
    await scene.booted()
    criteria = {"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 1}
    wanted = {"evseId": 1, "chargingProfile": criteria}
    await read(scene, wanted, evse=1, purpose="TxDefaultProfile", stack_level=1)


# -- the composite schedule -------------------------------------------------------------------------------------------


async def composite(scene: Scene, evse: int) -> None:
    """The operator asks for the composite schedule; he sees it, and what the station refuses."""
    await scene.booted()
    for unit in (None, "A", "W"):
        found = {"evseId": evse, "duration": 300, "scheduleStart": now(), "chargingRateUnit": unit or "W"}
        found["chargingSchedulePeriod"] = [{"startPeriod": 0, "limit": 16.0}]
        answer = {"status": "Accepted", "schedule": found}
        wish = {"evse": evse, "duration_s": 300} | ({"unit": unit} if unit else {})
        sent, told = await operate(scene, "get-composite-schedule", "GetCompositeSchedule", answer, **wish)
        assert sent == {"evseId": evse, "duration": 300} | ({"chargingRateUnit": unit} if unit else {})
        done(told)
        assert told["data"]["schedule"] == found
    answer = {"status": "Rejected"}
    _, told = await operate(scene, "get-composite-schedule", "GetCompositeSchedule", answer, evse=evse, duration_s=300)
    rejected(told)
    assert (await refused(scene.ask("get-composite-schedule", evse=evse, duration_s=0))).status == 400


@case("TC_K_43_CSMS", "2.0.1", "2.1", basis="K08; schema of GetCompositeSchedule")
async def composite_of_an_evse(scene: Scene) -> None:
    await composite(scene, 1)


@case("TC_K_44_CSMS", "2.0.1", "2.1", basis="K08; schema of GetCompositeSchedule")
async def composite_of_the_station(scene: Scene) -> None:
    await composite(scene, 0)
