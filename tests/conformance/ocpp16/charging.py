"""Charging sessions: plugged in or identified first, remote, refused, offline, with a power failure."""

import time
from typing import Any

from conformance.ocpp16.acts import (
    METER_START,
    METER_STOP,
    SESSION_S,
    asked,
    authorize,
    away,
    billed,
    card,
    charging,
    done,
    metered,
    moment,
    page,
    rejected,
    running,
    seen,
    session,
    sessions,
    start,
    stop,
    unplugged,
    until,
)
from conformance.registry import case
from conformance.scene import Scene


@case("TC_003_CSMS", "1.6", basis="1.6 ed. 2 sections 3.6, 4.1, 4.7 to 4.10, 7.7; errata 3.14; schema")
async def plugged_in_first(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    transaction = await charging(scene, tag)
    await metered(scene, transaction, 3000)
    under_way = await session(scene, transaction)
    assert (under_way["wh"], under_way["id_token"], under_way["evse"]) == (2000, tag, 1)
    assert await seen(scene, 1) == ("Charging", None)
    # Its token may do nothing else meanwhile: only a start is told so, and the token itself is still good (7.2).
    assert (await authorize(scene, tag))["status"] == "Accepted"
    second = await start(scene, tag, connector=2)
    assert second["idTagInfo"]["status"] == "ConcurrentTx"
    await stop(scene, second["transactionId"], reason="DeAuthorized", meterStop=METER_START)
    answer = await stop(scene, transaction, idTag=tag, reason="Local")
    assert answer["idTagInfo"]["status"] == "Accepted"
    await unplugged(scene)
    await billed(scene, transaction, "Local", tag)


@case("TC_004_1_CSMS", "1.6", basis="1.6 ed. 2 sections 4.1, 4.8 to 4.10, 7.7; schema")
async def identified_first(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    assert (await authorize(scene, tag))["status"] == "Accepted"
    assert await sessions(scene) == []
    await scene.status(1, "Preparing")
    assert await seen(scene, 1) == ("Preparing", None)
    answer = await start(scene, tag)
    assert answer["idTagInfo"]["status"] == "Accepted"
    await scene.status(1, "Charging")
    transaction = answer["transactionId"]
    assert await running(scene, 1) == str(transaction)
    assert (await stop(scene, transaction, idTag=tag))["idTagInfo"]["status"] == "Accepted"
    await unplugged(scene)
    await billed(scene, transaction, "Local", tag)  # A stop without a reason is a local one (6.49).


@case("TC_004_2_CSMS", "1.6", basis="1.6 ed. 2 sections 4.1, 4.9, 7.7, 9.1.6; errata 3.76; schema")
async def identified_first_but_never_plugged_in(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    assert (await authorize(scene, tag))["status"] == "Accepted"
    await scene.status(1, "Preparing")
    await scene.status(1, "Available")
    assert await seen(scene, 1) == ("Available", None)
    assert await sessions(scene) == []
    # Nothing is left behind: the same token charges at once elsewhere.
    transaction = await charging(scene, tag, connector=2)
    assert (await session(scene, transaction))["evse"] == 2


@case("TC_005_1_CSMS", "1.6", basis="1.6 ed. 2 sections 3.6, 4.9, 4.10, 7.36, 9.1.23; schema")
async def car_side_disconnected(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    transaction = await charging(scene, tag)
    await scene.status(1, "SuspendedEV")
    assert await seen(scene, 1) == ("SuspendedEV", None)
    # Nobody showed a token: there is nobody to tell about one (6.50).
    assert await stop(scene, transaction, reason="EVDisconnected") == {}
    await unplugged(scene)
    await billed(scene, transaction, "EVDisconnected", tag)


@case("TC_007_CSMS", "1.6", basis="1.6 ed. 2 sections 3.5.1, 4.8, 9.1.2, 9.1.13; schema")
async def cached_id(scene: Scene) -> None:
    await scene.booted()
    last = 4_000_000_000
    group = f"G{scene.station.identity}"
    await scene.operator.put(f"/api/token-groups/{group}", {})
    tag = await card(scene, group=group, valid_until=last)
    told = await authorize(scene, tag)
    assert told == {"status": "Accepted", "parentIdTag": group, "expiryDate": moment(last)}
    # The station has it in its cache now: the next start comes without an Authorize, and is checked all the same.
    await scene.status(1, "Preparing")
    answer = await start(scene, tag)
    assert answer["idTagInfo"] == told
    await scene.status(1, "Charging")
    transaction = answer["transactionId"]
    assert await stop(scene, transaction, idTag=tag) == {"idTagInfo": told}
    await unplugged(scene)
    await billed(scene, transaction, "Local", tag)


async def refused(scene: Scene, status: str, tag: str) -> None:
    """A token that may not charge: refused when shown, refused when a station starts with it all the same."""
    await scene.status(1, "Preparing")
    assert (await authorize(scene, tag))["status"] == status
    assert await sessions(scene) == []
    await scene.status(1, "Available")
    answer = await start(scene, tag)
    assert answer["idTagInfo"]["status"] == status
    # What happened is kept and shown as what it was, and the station ends it for want of authorisation.
    assert (await session(scene, answer["transactionId"]))["authorised"] == status
    await stop(scene, answer["transactionId"], reason="DeAuthorized", meterStop=METER_START)
    found = await session(scene, answer["transactionId"])
    assert (found["wh"], found["outcome"]["success"], found["outcome"]["failed_at"]) == (0, False, "authorised")


@case("TC_023_1_CSMS", "1.6", basis="1.6 ed. 2 sections 4.1, 4.8, 7.2, 7.36; errata 3.5, 3.17; schema")
async def token_invalid(scene: Scene) -> None:
    await scene.booted()
    await refused(scene, "Invalid", await card(scene, status="invalid"))
    # One that nobody registered is no better.
    assert (await authorize(scene, f"N{scene.station.identity}"))["status"] == "Invalid"


@case("TC_023_2_CSMS", "1.6", basis="1.6 ed. 2 sections 4.1, 4.8, 7.2; schema")
async def token_expired(scene: Scene) -> None:
    await scene.booted()
    past = int(time.time()) - 86_400
    tag = await card(scene, valid_until=past)
    assert await authorize(scene, tag) == {"status": "Expired", "expiryDate": moment(past)}
    await refused(scene, "Expired", tag)
    assert (await authorize(scene, await card(scene, "B", status="expired")))["status"] == "Expired"


@case("TC_023_3_CSMS", "1.6", basis="1.6 ed. 2 sections 4.1, 4.8, 7.2; schema")
async def token_blocked(scene: Scene) -> None:
    await scene.booted()
    await refused(scene, "Blocked", await card(scene, status="blocked"))


@case("TC_024_CSMS", "1.6", basis="1.6 ed. 2 sections 4.9, 7.6, 7.7; schema")
async def lock_failure(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    await scene.status(1, "Preparing")
    assert (await authorize(scene, tag))["status"] == "Accepted"
    await scene.status(1, "Faulted", "ConnectorLockFailure")
    assert await seen(scene, 1) == ("Faulted", "ConnectorLockFailure")
    assert await seen(scene, 2) == ("Available", None)
    assert await sessions(scene) == []
    await scene.status(1, "Available")
    assert await seen(scene, 1) == ("Available", None)


async def remote_start(scene: Scene, tag: str, status: str = "Accepted") -> dict[str, Any]:
    """Have the operator start a token at connector 1; what he sees."""
    sent = {"idTag": tag, "connectorId": 1}
    return await asked(
        scene,
        "remote-start",
        "RemoteStartTransaction",
        sent,
        {"status": status},
        token={"id": tag, "kind": "ISO14443"},
        evse=1,
    )


@case("TC_010_CSMS", "1.6", basis="1.6 ed. 2 sections 4.1, 4.8, 5.11, 6.33, 9.1.3; errata 3.32; schema")
async def remote_start_of_a_plugged_in_car(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    await scene.status(1, "Preparing")
    done(await remote_start(scene, tag))
    # With AuthorizeRemoteTxRequests it asks first, as for a token shown.
    assert (await authorize(scene, tag))["status"] == "Accepted"
    answer = await start(scene, tag)
    assert answer["idTagInfo"]["status"] == "Accepted"
    await scene.status(1, "Charging")
    assert await running(scene, 1) == str(answer["transactionId"])


@case("TC_011_1_CSMS", "1.6", basis="1.6 ed. 2 sections 4.1, 4.8, 5.11, 6.33, 9.1.3; schema")
async def remote_start_before_plugging_in(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    done(await remote_start(scene, tag))
    assert await sessions(scene) == []
    assert (await authorize(scene, tag))["status"] == "Accepted"
    await scene.status(1, "Preparing")
    answer = await start(scene, tag)
    assert answer["idTagInfo"]["status"] == "Accepted"
    await scene.status(1, "Charging")
    assert await running(scene, 1) == str(answer["transactionId"])


@case("TC_011_2_CSMS", "1.6", basis="1.6 ed. 2 sections 4.9, 5.11, 9.1.6; errata 3.76; schema")
async def remote_start_but_never_plugged_in(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    done(await remote_start(scene, tag))
    assert (await authorize(scene, tag))["status"] == "Accepted"
    await scene.status(1, "Preparing")
    await scene.status(1, "Available")
    assert await seen(scene, 1) == ("Available", None)
    assert await sessions(scene) == []


@case("TC_026_CSMS", "1.6", basis="1.6 ed. 2 sections 5.11, 6.33, 6.34, 7.39; schema")
async def remote_start_rejected(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    transaction = await charging(scene, tag)
    rejected(await remote_start(scene, tag, "Rejected"))
    # Without a connector the station would choose one (6.33).
    told = await asked(
        scene, "remote-start", "RemoteStartTransaction", {"idTag": tag}, {"status": "Rejected"}, token={"id": tag}
    )
    rejected(told)
    assert [row["ocpp_transaction"] for row in await sessions(scene)] == [str(transaction)]


@case("TC_012_CSMS", "1.6", basis="1.6 ed. 2 sections 4.10, 5.12, 6.35, 7.36; errata 3.33; schema")
async def remote_stop(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    transaction = await charging(scene, tag)
    sent = {"transactionId": transaction}
    told = await asked(
        scene,
        "remote-stop",
        "RemoteStopTransaction",
        sent,
        {"status": "Accepted"},
        transaction=str(transaction),
    )
    done(told)
    # Accepted says that it will stop; it goes on until the station says that it has.
    assert (await session(scene, transaction))["state"] == "active"
    assert await stop(scene, transaction, reason="Remote") == {}
    await unplugged(scene)
    await billed(scene, transaction, "Remote", tag)


@case("TC_028_CSMS", "1.6", basis="1.6 ed. 2 sections 5.12, 6.36, 7.39; schema")
async def remote_stop_rejected(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    transaction = await charging(scene, tag)
    told = await asked(
        scene,
        "remote-stop",
        "RemoteStopTransaction",
        {"transactionId": transaction + 1},
        {"status": "Rejected"},
        transaction=str(transaction + 1),
    )
    rejected(told)
    assert (await session(scene, transaction))["state"] == "active"
    assert await running(scene, 1) == str(transaction)


@case("TC_018_1_CSMS", "1.6", basis="1.6 ed. 2 sections 4.10, 5.18, 7.36, 7.46; schema")
async def unlock_with_session(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    transaction = await charging(scene, tag)
    told = scene.ask("unlock-connector", evse=1)
    request = await scene.station.expect("UnlockConnector")
    assert request.payload == {"connectorId": 1}
    # The station ends the transaction first, and may say so before it answers (5.18).
    assert await stop(scene, transaction, reason="UnlockCommand") == {}
    await request.answer({"status": "Unlocked"})
    done(await told, "Unlocked")
    await unplugged(scene)
    await billed(scene, transaction, "UnlockCommand", tag)


async def dark(scene: Scene, powered: bool) -> None:
    """Lose the connection; come back, after a boot if power was gone too."""
    await scene.station.drop()
    await until(lambda: away(scene), "a lost connection")
    if powered:
        await scene.station.connect()
    else:
        await scene.booted("PowerUp")
    assert (await page(scene))["live"]["connected"]


@case("TC_032_1_CSMS", "1.6", basis="1.6 ed. 2 sections 3.7, 4.2, 4.10, 7.36; errata 4.10; schema")
async def power_failure(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    transaction = await charging(scene, tag)
    await dark(scene, powered=False)
    assert (await session(scene, transaction))["state"] == "active"
    assert await stop(scene, transaction, at=int(time.time()) - 300, reason="PowerLoss") == {}
    await unplugged(scene)
    await billed(scene, transaction, "PowerLoss", tag, "station restarted")
    assert (await session(scene, transaction))["outcome"]["failed_at"] == "ended normally"


@case("TC_037_1_CSMS", "1.6", basis="1.6 ed. 2 sections 3.5, 3.7, 4.8, 9.1.12; errata 3.18; schema")
async def offline_start_of_a_valid_token(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    await dark(scene, powered=True)
    begun = int(time.time()) - SESSION_S
    answer = await start(scene, tag, at=begun)
    assert answer["idTagInfo"]["status"] == "Accepted"
    await scene.status(1, "Charging")
    transaction = answer["transactionId"]
    found = await session(scene, transaction)
    assert (found["state"], found["started_at"], found["authorised"]) == ("active", begun, "Accepted")
    # The answer got lost: the same message again is the same transaction (3.7.1).
    assert (await start(scene, tag, at=begun))["transactionId"] == transaction
    assert len(await sessions(scene)) == 1
    await stop(scene, transaction, idTag=tag)
    await unplugged(scene)
    await billed(scene, transaction, "Local", tag)


@case("TC_037_3_CSMS", "1.6", basis="1.6 ed. 2 sections 3.5.4, 4.8, 4.10, 7.36, 9.1.24; errata 3.17; schema")
async def offline_start_of_an_invalid_token(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene, status="invalid")
    await dark(scene, powered=True)
    answer = await start(scene, tag)
    assert answer["idTagInfo"]["status"] == "Invalid"
    transaction = answer["transactionId"]
    await scene.status(1, "SuspendedEVSE")
    assert await stop(scene, transaction, reason="DeAuthorized") == {}
    await unplugged(scene)
    found = await session(scene, transaction)
    assert (found["stop_reason"], found["authorised"], found["driver"]) == ("DeAuthorized", "Invalid", None)
    # Energy that flowed is shown to its last Wh, whoever took it.
    assert (found["state"], found["wh"]) == ("ended", METER_STOP - METER_START)
    assert (found["outcome"]["success"], found["outcome"]["failed_at"]) == (False, "authorised")


@case("TC_039_CSMS", "1.6", basis="1.6 ed. 2 sections 3.5, 3.7, 4.8, 4.10; errata 3.18; schema")
async def offline_transaction(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    await dark(scene, powered=True)
    begun = int(time.time()) - 7200
    answer = await start(scene, tag, at=begun)
    transaction = answer["transactionId"]
    await metered(scene, transaction, 3000, at=begun + 1200)
    ended = begun + 3600
    assert (await stop(scene, transaction, at=ended, idTag=tag))["idTagInfo"]["status"] == "Accepted"
    found = await session(scene, transaction)
    assert (found["started_at"], found["ended_at"]) == (begun, ended)
    await billed(scene, transaction, "Local", tag)
