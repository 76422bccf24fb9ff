"""Reservations of a connector or of the whole station."""

import asyncio
import time
from typing import Any

import pytest

from conformance.node import ServerRefused
from conformance.ocpp16.acts import (
    asked,
    authorize,
    card,
    charging,
    moment,
    rejected,
    running,
    seen,
    session,
    start,
    stop,
    unplugged,
)
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

LIFE_S = 3600


async def reserve(
    scene: Scene, tag: str, status: str, connector: int | None = 1, life_s: int = LIFE_S, **more: Any
) -> tuple[Payload, dict[str, Any]]:
    """Have the operator reserve for a token; what was sent, and the reservation as he sees it."""
    until_then = int(time.time()) + life_s
    wish = {"station": scene.station.identity, "token": tag, "kind": "ISO14443", "expires_at": until_then}
    if connector:
        wish["evse"] = connector
    asking = asyncio.create_task(scene.operator.post("/api/reservations", wish))
    request = await scene.station.expect("ReserveNow")
    sent = {"connectorId": connector or 0, "expiryDate": moment(until_then), "idTag": tag} | more
    assert request.payload == sent | {"reservationId": request.payload["reservationId"]}
    await request.answer({"status": status})
    made = await asking
    assert (made["number"], made["token"], made["evse"]) == (request.payload["reservationId"], tag, connector)
    assert await look(scene, made["number"]) == made
    return request.payload, made


async def look(scene: Scene, number: int) -> dict[str, Any]:
    """A reservation as the operator sees it."""
    found = await scene.operator.get(f"/api/reservations/{number}")
    listed = await scene.operator.get(f"/api/reservations?station={scene.station.identity}")
    assert found in listed
    return found


async def refuses(scene: Scene, status: str, connector_status: str) -> None:
    """A station that does not reserve, and why."""
    await scene.booted()
    tag = await card(scene)
    if connector_status != "Available":
        await scene.status(1, connector_status, "OtherError" if connector_status == "Faulted" else "NoError")
    _, made = await reserve(scene, tag, status)
    assert (made["state"], made["reason"]) == ("refused", status)
    assert (await seen(scene, 1))[0] == connector_status
    # The same as a bare operation.
    then = int(time.time()) + LIFE_S
    told = await asked(
        scene,
        "reserve-now",
        "ReserveNow",
        {"connectorId": 1, "expiryDate": moment(then), "idTag": tag, "reservationId": 7},
        {"status": status},
        reservation=7,
        token={"id": tag},
        expires_at=then,
        evse=1,
    )
    rejected(told, status)


@case("TC_046_CSMS", "1.6", basis="1.6 ed. 2 sections 3.11, 4.8, 5.13, 6.37, 6.45, 7.7; schema")
async def used_by_its_token(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    sent, made = await reserve(scene, tag, "Accepted")
    assert made["state"] == "made"
    await scene.status(1, "Reserved")
    assert await seen(scene, 1) == ("Reserved", None)
    assert (await authorize(scene, tag))["status"] == "Accepted"
    await scene.status(1, "Preparing")
    answer = await start(scene, tag, reservationId=sent["reservationId"])
    assert answer["idTagInfo"]["status"] == "Accepted"
    await scene.status(1, "Charging")
    found = await look(scene, made["number"])
    assert (found["state"], found["ocpp_transaction"]) == ("used", str(answer["transactionId"]))
    assert (await session(scene, answer["transactionId"]))["reservation"] == made["number"]
    assert await running(scene, 1) == str(answer["transactionId"])
    await stop(scene, answer["transactionId"], idTag=tag)
    await unplugged(scene)
    # What has been used cannot be given up any more.
    with pytest.raises(ServerRefused) as refused:
        await scene.operator.delete(f"/api/reservations/{made['number']}")
    assert refused.value.status == 409


@case("TC_047_CSMS", "1.6", basis="1.6 ed. 2 sections 3.11, 4.9, 5.13, 6.37, 7.7; schema")
async def expires(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    _, made = await reserve(scene, tag, "Accepted", life_s=2)
    assert made["state"] == "made"
    await scene.status(1, "Reserved")
    assert await seen(scene, 1) == ("Reserved", None)
    # OCPP 1.6 has no word for an expired reservation: the connector becomes Available again (5.13).
    await scene.status(1, "Available")
    assert await seen(scene, 1) == ("Available", None)
    # Then everybody may charge there, and the reservation is not taken for used.
    await charging(scene, await card(scene, "B"))
    assert (await look(scene, made["number"]))["ocpp_transaction"] is None
    # None can be made that has expired before it begins.
    wish = {"station": scene.station.identity, "token": tag, "evse": 1, "expires_at": int(time.time()) - 1}
    with pytest.raises(ServerRefused) as refused:
        await scene.operator.post("/api/reservations", wish)
    assert refused.value.status == 400


@case("TC_048_1_CSMS", "1.6", basis="1.6 ed. 2 sections 5.13, 6.38, 7.40; schema")
async def faulted(scene: Scene) -> None:
    await refuses(scene, "Faulted", "Faulted")


@case("TC_048_2_CSMS", "1.6", basis="1.6 ed. 2 sections 5.13, 6.38, 7.40; schema")
async def occupied(scene: Scene) -> None:
    await refuses(scene, "Occupied", "Preparing")


@case("TC_048_3_CSMS", "1.6", basis="1.6 ed. 2 sections 5.2, 5.13, 6.38, 7.40; schema")
async def unavailable(scene: Scene) -> None:
    await refuses(scene, "Unavailable", "Unavailable")


@case("TC_048_4_CSMS", "1.6", basis="1.6 ed. 2 sections 5.13, 6.38, 7.40; schema")
async def refused(scene: Scene) -> None:
    await refuses(scene, "Rejected", "Available")


@case("TC_049_CSMS", "1.6", basis="1.6 ed. 2 sections 3.8, 5.13, 6.37, 9.3.1; schema")
async def whole_station(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    sent, made = await reserve(scene, tag, "Accepted", connector=None)
    assert (sent["connectorId"], made["state"]) == (0, "made")
    assert (await authorize(scene, tag))["status"] == "Accepted"
    await scene.status(2, "Preparing")
    answer = await start(scene, tag, connector=2, reservationId=sent["reservationId"])
    assert answer["idTagInfo"]["status"] == "Accepted"
    await scene.status(2, "Charging")
    found = await look(scene, made["number"])
    assert (found["state"], found["ocpp_transaction"]) == ("used", str(answer["transactionId"]))


async def cancel(scene: Scene, number: int, status: str) -> dict[str, Any]:
    """Have the operator give a reservation up; the reservation as he sees it."""
    asking = asyncio.create_task(scene.operator.delete(f"/api/reservations/{number}"))
    request = await scene.station.expect("CancelReservation")
    assert request.payload == {"reservationId": number}
    await request.answer({"status": status})
    return await asking


@case("TC_051_CSMS", "1.6", basis="1.6 ed. 2 sections 3.11, 5.1, 6.5, 7.5; schema")
async def given_up(scene: Scene) -> None:
    await scene.booted()
    tag = await card(scene)
    _, made = await reserve(scene, tag, "Accepted")
    await scene.status(1, "Reserved")
    ended = await cancel(scene, made["number"], "Accepted")
    assert ended["state"] == "cancelled"
    await scene.status(1, "Available")
    assert await look(scene, made["number"]) == ended
    assert await seen(scene, 1) == ("Available", None)


@case("TC_052_CSMS", "1.6", basis="1.6 ed. 2 sections 5.1, 6.6, 7.5; schema")
async def unknown_to_the_station(scene: Scene) -> None:
    await scene.booted()
    told = await asked(
        scene, "cancel-reservation", "CancelReservation", {"reservationId": 99}, {"status": "Rejected"}, reservation=99
    )
    rejected(told)
    # One that only the server still knew keeps nothing any more.
    _, made = await reserve(scene, await card(scene), "Accepted")
    assert (await cancel(scene, made["number"], "Rejected"))["state"] == "cancelled"


@case("TC_053_CSMS", "1.6", basis="1.6 ed. 2 sections 3.10, 3.11, 4.8, 5.13, 6.37, 7.27; errata 4.12; schema")
async def used_by_another_of_its_group(scene: Scene) -> None:
    await scene.booted()
    group = f"G{scene.station.identity}"
    await scene.operator.put(f"/api/token-groups/{group}", {})
    reserving, other = await card(scene, "A", group=group), await card(scene, "B", group=group)
    sent, made = await reserve(scene, reserving, "Accepted", parentIdTag=group)
    await scene.status(1, "Reserved")
    # A stranger's token does not show the group, so the station goes on keeping the connector.
    assert "parentIdTag" not in await authorize(scene, await card(scene, "C"))
    assert await authorize(scene, other) == {"status": "Accepted", "parentIdTag": group}
    await scene.status(1, "Preparing")
    answer = await start(scene, other, reservationId=sent["reservationId"])
    assert answer["idTagInfo"] == {"status": "Accepted", "parentIdTag": group}
    await scene.status(1, "Charging")
    found = await look(scene, made["number"])
    assert (found["state"], found["ocpp_transaction"]) == ("used", str(answer["transactionId"]))
    # Any token of the group may stop what another has started (3.10).
    told = await stop(scene, answer["transactionId"], idTag=reserving)
    assert told["idTagInfo"] == {"status": "Accepted", "parentIdTag": group}
    await unplugged(scene)
    assert (await session(scene, answer["transactionId"]))["id_token"] == other
