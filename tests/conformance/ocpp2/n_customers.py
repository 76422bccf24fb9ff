"""What stations hold of customers (block N: N09, N10)."""

from typing import Any

from conformance.ocpp2.states import id_token, moment, new_token, operate, until
from conformance.ocpp16.acts import done, rejected
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

HASHES = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "a" * 64,
    "issuerKeyHash": "b" * 64,
    "serialNumber": "1234abcd",
}


async def wished(
    scene: Scene, report: bool, clear: bool, parts: tuple[str, ...], whose: Payload, **arguments: Any
) -> dict[str, Any]:
    """The operator asks; the server must send exactly that; the station reports `parts`. What the operator sees."""
    await scene.booted()
    told = scene.ask("get-customer-information", report=report, clear=clear, **arguments)
    request = await scene.station.expect("CustomerInformation")
    number = request.payload["requestId"]
    assert request.payload == {"requestId": number, "report": report, "clear": clear} | whose, request.payload
    await request.answer({"status": "Accepted"})
    for place, data in enumerate(parts):
        payload = {"data": data, "seqNo": place, "generatedAt": moment(), "requestId": number}
        payload["tbc"] = place < len(parts) - 1
        assert await scene.station.call("NotifyCustomerInformation", payload) == {}
    return await told


async def of_token(scene: Scene, report: bool, clear: bool, *parts: str) -> dict[str, Any]:
    """As `wished`, for a driver's token."""
    whose = {"idToken": id_token("CUSTOMER01")}
    return await wished(scene, report, clear, parts, whose, token={"id": "CUSTOMER01", "kind": "ISO14443"})


def reported(told: dict[str, Any], *parts: str) -> None:
    """Fail unless the operator sees just these parts."""
    done(told)
    assert [row["data"] for row in told["report"]] == list(parts), told


@case("TC_N_27_CSMS", "2.0.1", "2.1", basis="part 6")
async def get_with_data(scene: Scene) -> None:
    parts = ("name: A. Driver", " tokens: CUSTOMER01")
    reported(await of_token(scene, True, False, *parts), *parts)


@case("TC_N_28_CSMS", "2.0.1", "2.1", basis="part 6")
async def get_without_data(scene: Scene) -> None:
    reported(await of_token(scene, True, False, ""), "")


@case("TC_N_29_CSMS", "2.0.1", "2.1", basis="part 6")
async def get_not_accepted(scene: Scene) -> None:
    await scene.booted()
    sent, told = await operate(
        scene,
        "get-customer-information",
        "CustomerInformation",
        {"status": "Rejected"},
        report=True,
        clear=False,
        token={"id": "CUSTOMER01", "kind": "ISO14443"},
    )
    assert (sent["report"], sent["idToken"]) == (True, id_token("CUSTOMER01"))
    rejected(told)
    assert told["report"] == []


@case("TC_N_30_CSMS", "2.0.1", "2.1", basis="part 6")
async def clear_and_report_data(scene: Scene) -> None:
    reported(await of_token(scene, True, True, "name: A. Driver"), "name: A. Driver")


@case("TC_N_31_CSMS", "2.0.1", "2.1", basis="part 6")
async def clear_and_report_without_data(scene: Scene) -> None:
    reported(await of_token(scene, True, True, ""), "")


@case("TC_N_32_CSMS", "2.0.1", "2.1", basis="part 6")
async def clear_without_report(scene: Scene) -> None:
    # No report is asked for, so its answer is all there is to wait for.
    reported(await of_token(scene, False, True))


@case("TC_N_62_CSMS", "2.0.1", "2.1", basis="part 6")
async def clear_by_customer_identifier(scene: Scene) -> None:
    whose = {"customerIdentifier": "OpenChargeAlliance"}
    told = await wished(scene, True, True, ("gone",), whose, customer="OpenChargeAlliance")
    reported(told, "gone")


@case("TC_N_63_CSMS", "2.0.1", "2.1", basis="N10; schema of CustomerInformation")
async def clear_by_certificate(scene: Scene) -> None:
    whose = {"customerCertificate": HASHES}
    reported(await wished(scene, True, True, ("gone",), whose, certificate=HASHES), "gone")


@case("TC_N_46_CSMS", "2.0.1", "2.1", basis="N10 with D01; schemas of CustomerInformation and SendLocalList")
async def clear_and_update_the_local_list(scene: Scene) -> None:
    await scene.booted()
    token = await new_token(scene)
    entry = {"token": {"id": token, "kind": "ISO14443"}}
    sent, told = await operate(
        scene, "send-local-list", "SendLocalList", {"status": "Accepted"}, version=1, update="Full", entries=[entry]
    )
    assert sent["localAuthorizationList"][0]["idToken"] == id_token(token)
    done(told)
    # The station is to forget the customer; the list it keeps is ours to change.
    sent, told = await operate(
        scene,
        "get-customer-information",
        "CustomerInformation",
        {"status": "Accepted"},
        report=False,
        clear=True,
        token=entry["token"],
    )
    assert (sent["report"], sent["clear"], sent["idToken"]) == (False, True, id_token(token))
    done(told)
    sent, told = await operate(
        scene,
        "send-local-list",
        "SendLocalList",
        {"status": "Accepted"},
        version=2,
        update="Differential",
        entries=[entry | {"status": None}],
    )
    wanted = {
        "versionNumber": 2,
        "updateType": "Differential",
        "localAuthorizationList": [{"idToken": id_token(token)}],
    }
    assert sent == wanted
    done(told)
    # The same wish over all of the operator's stations, from the desk for such wishes.
    wish = {"stations": [scene.station.identity], "token": token, "token_kind": "ISO14443", "erase": True}
    number = (await scene.operator.post("/api/customer-wishes", wish))["request"]
    request = await scene.station.expect("CustomerInformation")
    assert request.payload == {"requestId": number, "report": False, "clear": True, "idToken": id_token(token)}
    await request.answer({"status": "Accepted"})
    (part,) = await until(
        lambda: scene.operator.get(f"/api/customer-wishes/{number}"), lambda rows: rows and rows[0]["complete"]
    )
    assert (part["station"], part["erase"], part["status"]) == (scene.station.identity, True, "Accepted")
