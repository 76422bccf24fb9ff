"""Smart charging: profiles set, composed and cleared."""

import time
from typing import Any

from conformance.ocpp16.acts import (
    SESSION_S,
    asked,
    authorize,
    card,
    charging,
    done,
    moment,
    rejected,
    session,
    start,
)
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

PERIODS = [{"start_s": 0, "limit": 6_000}, {"start_s": 600, "limit": 10_500, "phases": 1}]
SENT_PERIODS = [{"startPeriod": 0, "limit": 6}, {"startPeriod": 600, "limit": 10.5, "numberPhases": 1}]
"""Limits in mA, and as they go out: in A with one decimal."""


async def put(
    scene: Scene, connector: int, profile: dict[str, Any], sent: Payload, status: str = "Accepted"
) -> dict[str, Any]:
    """Have the operator set a profile; what he sees."""
    return await asked(
        scene,
        "set-charging-profile",
        "SetChargingProfile",
        {"connectorId": connector, "csChargingProfiles": sent},
        {"status": status},
        evse=connector,
        profile=profile,
    )


def default(number: int = 1, at: int = 0, limit: int = 11_000, level: int = 0) -> tuple[dict[str, Any], Payload]:
    """A TxDefaultProfile with one limit [W] from `at` [Unix s], as the operator gives it and as it must go out."""
    schedule = {"periods": [{"start_s": 0, "limit": limit}], "unit": "W", "start": at, "duration_s": 86_400}
    said = {
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        "startSchedule": moment(at),
        "duration": 86_400,
    }
    return {"id": number, "purpose": "TxDefaultProfile", "stack_level": level, "schedules": [schedule]}, {
        "chargingProfileId": number,
        "stackLevel": level,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": said,
    }


@case("TC_056_CSMS", "1.6", basis="1.6 ed. 2 sections 3.13.1, 5.16.4, 6.43, 7.8 to 7.14; errata 3.45, 3.53; schema")
async def default_profile(scene: Scene) -> None:
    await scene.booted()
    at = int(time.time())
    schedule = {"periods": PERIODS, "unit": "A", "start": at, "duration_s": 86_400, "min_rate": 6_000}
    profile = {
        "id": 158,
        "purpose": "TxDefaultProfile",
        "stack_level": 2,
        "kind": "Recurring",
        "recurrency": "Daily",
        "valid_from": at,
        "valid_to": at + 30 * 86_400,
        "schedules": [schedule],
    }
    sent = {
        "chargingProfileId": 158,
        "stackLevel": 2,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Recurring",
        "recurrencyKind": "Daily",
        "validFrom": moment(at),
        "validTo": moment(at + 30 * 86_400),
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": SENT_PERIODS,
            "startSchedule": moment(at),
            "duration": 86_400,
            "minChargingRate": 6,
        },
    }
    done(await put(scene, 0, profile, sent))
    done(await put(scene, 1, *default(159, at)))
    rejected(await put(scene, 1, *default(160, at), "Rejected"))
    rejected(await put(scene, 1, *default(160, at), "NotSupported"), "NotSupported")
    # The first period starts at 0; a schedule that does not is never sent (errata 3.45).
    late = profile | {"schedules": [schedule | {"periods": PERIODS[1:]}]}
    told = await scene.ask("set-charging-profile", evse=0, profile=late)
    assert told["state"] == "failed"
    assert "start at 0" in told["reason"]


def of_transaction(transaction: int | None) -> tuple[dict[str, Any], Payload]:
    """A TxProfile from the start of its transaction, as the operator gives it and as it must go out."""
    named = {} if transaction is None else {"transaction": str(transaction)}
    number = {} if transaction is None else {"transactionId": transaction}
    profile = {"id": 7, "purpose": "TxProfile", "stack_level": 1, "schedules": [{"periods": PERIODS, "unit": "A"}]}
    return profile | named, number | {
        "chargingProfileId": 7,
        "stackLevel": 1,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": SENT_PERIODS},
    }


@case("TC_057_CSMS", "1.6", basis="1.6 ed. 2 sections 3.13.1, 5.16.3, 6.43, 7.8 to 7.14; errata 3.39, 3.65; schema")
async def profile_of_a_transaction(scene: Scene) -> None:
    await scene.booted()
    transaction = await charging(scene, await card(scene))
    profile, sent = of_transaction(transaction)
    done(await put(scene, 1, profile, sent))
    rejected(await put(scene, 1, profile, sent, "Rejected"))
    # It is for one transaction on one connector (7.8, 7.10).
    for connector, wrong in ((0, profile), (1, of_transaction(None)[0])):
        told = await scene.ask("set-charging-profile", evse=connector, profile=wrong)
        assert told["state"] == "failed"
        assert "name both" in told["reason"]


@case("TC_059_CSMS", "1.6", basis="1.6 ed. 2 sections 4.8, 5.11, 5.16.2, 6.33, 7.8 to 7.14; errata 3.41; schema")
async def remote_start_with_a_profile(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    profile, sent = of_transaction(None)
    told = await asked(
        scene,
        "remote-start",
        "RemoteStartTransaction",
        {"idTag": tag, "connectorId": 1, "chargingProfile": sent},
        {"status": "Accepted"},
        token={"id": tag},
        evse=1,
        profile=profile,
    )
    done(told)
    assert (await authorize(scene, tag))["status"] == "Accepted"
    await scene.status(1, "Preparing")
    assert (await start(scene, tag))["idTagInfo"]["status"] == "Accepted"
    await scene.status(1, "Charging")
    # Only a TxProfile may go with it, and it cannot name a transaction yet (5.11, errata 3.41).
    for wrong in (of_transaction(5)[0], default()[0]):
        told = await scene.ask("remote-start", token={"id": tag}, evse=2, profile=wrong)
        assert told["state"] == "failed"
        assert "TxProfile that names no transaction" in told["reason"]


@case(
    "TC_066_CSMS", "1.6", basis="1.6 ed. 2 sections 3.13.2, 3.13.3, 5.7, 6.21, 6.22, 7.26; errata 3.28 to 3.30; schema"
)
async def composite_schedule(scene: Scene) -> None:
    await scene.booted()
    transaction = await charging(scene, await card(scene))
    at = int(time.time()) - SESSION_S
    whole, said = default(1, at, 30_000)
    most = {"purpose": "ChargingStationMaxProfile"}
    done(await put(scene, 0, whole | most, said | {"chargingProfilePurpose": "ChargePointMaxProfile"}))
    done(await put(scene, 0, *default(2, at, 11_000)))
    # From its start on 6 A, after an hour 10 A; the transaction began half an hour ago.
    profile, sent = of_transaction(transaction)
    profile["schedules"] = [
        {"periods": [{"start_s": 0, "limit": 6_000}, {"start_s": 3600, "limit": 10_000}], "unit": "A"}
    ]
    sent["chargingSchedule"]["chargingSchedulePeriod"] = [
        {"startPeriod": 0, "limit": 6},
        {"startPeriod": 3600, "limit": 10},
    ]
    done(await put(scene, 1, profile, sent))
    begins = int(time.time())
    change = (await session(scene, transaction))["started_at"] + 3600 - begins
    schedule = {"duration": 3600, "startSchedule": moment(begins), "chargingRateUnit": "A"}
    periods = [{"startPeriod": 0, "limit": 6}, {"startPeriod": change, "limit": 10}]
    answer = {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": moment(begins),
        "chargingSchedule": schedule | {"chargingSchedulePeriod": periods},
    }
    told = await asked(
        scene,
        "get-composite-schedule",
        "GetCompositeSchedule",
        {"connectorId": 1, "duration": 3600, "chargingRateUnit": "A"},
        answer,
        evse=1,
        duration_s=3600,
        unit="A",
    )
    done(told)
    assert told["data"]["schedule"]["chargingSchedulePeriod"] == periods
    # The node reckons the same from what the station accepted, and would say where the station differs.
    scene.station.habits["GetCompositeSchedule"] = answer
    path = f"/api/stations/{scene.station.identity}/composite?evse=1&duration_s=3600&unit=A"
    found = await scene.operator.get(path)
    assert [stretch["limit"] for stretch in found["ours"]] == [6_000, 10_000]
    assert (found["ours"], found["differences"]) == (found["theirs"], [])
    periods[1]["limit"] = 16
    assert len((await scene.operator.get(path))["differences"]) == 1
    rejected(
        await asked(
            scene,
            "get-composite-schedule",
            "GetCompositeSchedule",
            {"connectorId": 9, "duration": 60},
            {"status": "Rejected"},
            evse=9,
            duration_s=60,
        )
    )


@case("TC_067_CSMS", "1.6", basis="1.6 ed. 2 sections 5.5, 6.13, 6.14, 7.21; errata 3.25, 3.26, 4.11; schema")
async def clear_profiles(scene: Scene) -> None:
    await scene.booted()
    at = int(time.time())
    done(await put(scene, 1, *default(11, at)))
    done(await put(scene, 1, *default(12, at, level=1)))
    assert await limit(scene) == [11_000]
    done(await clear(scene, {"id": 12}, profile=12))
    done(
        await clear(
            scene,
            {"connectorId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0},
            evse=1,
            purpose="TxDefaultProfile",
            stack_level=0,
        )
    )
    assert await limit(scene) == [None]
    done(await clear(scene, {}))
    told = await clear(scene, {"id": 13}, "Unknown", profile=13)
    rejected(told, "Unknown")


async def clear(scene: Scene, sent: Payload, status: str = "Accepted", **arguments: Any) -> dict[str, Any]:
    """Have the operator clear profiles; what he sees."""
    return await asked(scene, "clear-charging-profile", "ClearChargingProfile", sent, {"status": status}, **arguments)


async def limit(scene: Scene) -> list[int | None]:
    """What the operator sees limiting connector 1 for the next hour, by the profiles the station accepted."""
    scene.station.habits["GetCompositeSchedule"] = {"status": "Rejected"}
    found = await scene.operator.get(f"/api/stations/{scene.station.identity}/composite?evse=1&duration_s=3600")
    return [stretch["limit"] for stretch in found["ours"]]
