"""Block H, reservations: made, used, ended, cancelled, refused."""

import asyncio
from datetime import datetime
from typing import Any

from conformance.ocpp2.states import (
    Visit,
    authorize,
    connector,
    id_token,
    new_token,
    refused,
    shows,
    unix,
)
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

BOTH = ("2.0.1", "2.1")
BASIS = "schemas of ReserveNow, CancelReservation, ReservationStatusUpdate"
LATER_S = 3600


async def reserve(scene: Scene, token: str, status: str = "Accepted", **where: Any) -> tuple[Payload, dict[str, Any]]:
    """Have the operator reserve; what the server sent, and the reservation as the operator sees it."""
    until = unix(LATER_S)
    wish = {"station": scene.station.identity, "token": token, "kind": "ISO14443", "expires_at": until} | where
    asked = asyncio.create_task(scene.operator.post("/api/reservations", wish))
    request = await scene.station.expect("ReserveNow")
    await request.answer({"status": status})
    made, sent = await asked, request.payload
    assert sent["idToken"] == id_token(token), sent
    assert sent["id"] == made["number"], sent
    assert datetime.fromisoformat(sent["expiryDateTime"]).timestamp() == until, sent
    return sent, made


async def state(scene: Scene, made: dict[str, Any]) -> tuple[str, str | None]:
    """A reservation's state, and the transaction that used it."""
    found = await scene.operator.get(f"/api/reservations/{made['number']}")
    return found["state"], found["ocpp_transaction"]


async def kept(scene: Scene, evse: int = 1) -> tuple[str, dict[str, Any]]:
    """Reserved: an EVSE is kept for a token."""
    await scene.booted()
    token = await new_token(scene)
    sent, made = await reserve(scene, token, evse=evse)
    assert sent["evseId"] == evse, sent
    assert "connectorType" not in sent, sent
    assert made["state"] == "made", made
    await connector(scene, evse, "Reserved")
    await shows(scene, evse, "Reserved")
    return token, made


async def come(scene: Scene, token: str, made: dict[str, Any], evse: int = 1) -> None:
    """The driver comes, plugs in and shows the token, which uses the reservation up."""
    visit = Visit(scene, token, evse)
    await visit.plug_in()
    await authorize(scene, token)
    assert await state(scene, made) == ("made", None)
    answer = await visit.event("Authorized", token=token, reservationId=made["number"])
    assert answer["idTokenInfo"]["status"] == "Accepted", answer
    assert await state(scene, made) == ("used", visit.transaction)
    await visit.is_active(reservation=made["number"], authorised="Accepted")


@case("TC_H_01_CSMS", *BOTH, basis=f"H01 reservation of an EVSE, H03 its use; {BASIS}")
async def an_evse(scene: Scene) -> None:
    token, made = await kept(scene)
    await come(scene, token, made)


@case("TC_H_07_CSMS", *BOTH, basis=f"H04 reservation that ends unused; {BASIS}")
async def nobody_comes(scene: Scene) -> None:
    _, made = await kept(scene)
    await connector(scene, 1, "Available")
    update = {"reservationId": made["number"], "reservationUpdateStatus": "Expired"}
    assert await scene.station.call("ReservationStatusUpdate", update) == {}
    assert await state(scene, made) == ("expired", None)
    await shows(scene, 1, "Available")


@case("TC_H_08_CSMS", *BOTH, basis=f"H01 reservation of any EVSE; {BASIS}")
async def any_evse(scene: Scene) -> None:
    await scene.booted()
    token = await new_token(scene)
    sent, made = await reserve(scene, token)
    assert not {"evseId", "connectorType"} & set(sent), sent
    assert made["state"] == "made", made
    visit = Visit(scene, token, 2)
    await authorize(scene, token)
    await visit.event("Authorized", token=token, reservationId=made["number"])
    assert await state(scene, made) == ("used", visit.transaction)


@case("TC_H_14_CSMS", *BOTH, basis=f"H01 as many reservations of any EVSE as there are EVSEs; {BASIS}")
async def every_evse(scene: Scene) -> None:
    await scene.booted()
    numbers = set[int]()
    for _ in (1, 2):
        sent, made = await reserve(scene, await new_token(scene))
        assert "evseId" not in sent, sent
        assert made["state"] == "made", made
        numbers.add(made["number"])
    assert len(numbers) == 2
    for evse in (1, 2):
        await connector(scene, evse, "Reserved")
        await shows(scene, evse, "Reserved")
    _, made = await reserve(scene, await new_token(scene), "Occupied")
    assert (made["state"], made["reason"]) == ("refused", "Occupied"), made


@case("TC_H_15_CSMS", *BOTH, basis=f"H01 reservation of a connector type; {BASIS}")
async def a_connector_type(scene: Scene) -> None:
    await scene.booted()
    token = await new_token(scene)
    sent, made = await reserve(scene, token, connector_type="cType2")
    assert sent["connectorType"] == "cType2", sent
    assert "evseId" not in sent, sent
    assert made["state"] == "made", made


@case("TC_H_17_CSMS", *BOTH, basis=f"H02 cancelling; {BASIS}")
async def cancelled(scene: Scene) -> None:
    _, made = await kept(scene)
    path = f"/api/reservations/{made['number']}"
    asked = asyncio.create_task(scene.operator.delete(path))
    request = await scene.station.expect("CancelReservation")
    assert request.payload == {"reservationId": made["number"]}
    await request.answer({"status": "Accepted"})
    assert (await asked)["state"] == "cancelled"
    await connector(scene, 1, "Available")
    await shows(scene, 1, "Available")
    assert (await refused(scene.operator.delete(path))).status == 409


@case("TC_H_19_CSMS", *BOTH, basis=f"H03 use by another token of the group (H03.FR.07); {BASIS}")
async def the_group_comes(scene: Scene) -> None:
    await scene.booted()
    group = f"GROUP-{scene.station.identity}"
    await scene.operator.put(f"/api/token-groups/{group}", {})
    first, second = [await new_token(scene, group=group) for _ in (1, 2)]
    sent, made = await reserve(scene, first, evse=1)
    assert sent["groupIdToken"] == {"idToken": group, "type": "Central"}, sent
    await connector(scene, 1, "Reserved")
    answer = await authorize(scene, second)
    assert answer["idTokenInfo"]["groupIdToken"] == {"idToken": group, "type": "Central"}, answer
    stranger = Visit(scene, await new_token(scene), 1)
    await stranger.event("Authorized", token=stranger.token)
    assert await state(scene, made) == ("made", None)
    await stranger.event("Deauthorized", reason="DeAuthorized", ends=True, values=[])
    await come(scene, second, made)


@case("TC_H_20_CSMS", *BOTH, basis=f"H01, H04 reservation that a fault takes away; {BASIS}")
async def faulted(scene: Scene) -> None:
    _, made = await kept(scene)
    await connector(scene, 1, "Faulted")
    update = {"reservationId": made["number"], "reservationUpdateStatus": "Removed"}
    assert await scene.station.call("ReservationStatusUpdate", update) == {}
    assert await state(scene, made) == ("cancelled", None)
    await shows(scene, 1, "Faulted")


@case("TC_H_22_CSMS", *BOTH, basis=f"H01 station that takes no reservations; {BASIS}")
async def rejected(scene: Scene) -> None:
    await scene.booted()
    for status in ("Rejected", "Unavailable", "Faulted"):
        _, made = await reserve(scene, await new_token(scene), status, evse=1)
        assert (made["state"], made["reason"]) == ("refused", status), made
