"""Block C, payment at the station: prepaid cards and payment terminals (OCPP 2.1)."""

import itertools
from typing import Any

from conformance.ocpp2.i_costs import NANO, at_station, cost_of, tariff
from conformance.ocpp2.i_tariffs import details
from conformance.ocpp2.states import Visit, authorize, id_token, moment, new_token, operate
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

CARD = "DirectPayment"
VISIT_COST = 1.5
"""What a visit's 100 Wh cost by the tariff of these cases."""
_payments = itertools.count(1)


# -- prepaid cards ----------------------------------------------------------------------------------------------------


@case("TC_C_103_CSMS", "2.1", basis="C17 prepaid card; E16; schema of TransactionEventResponse (transactionLimit)")
async def prepaid(scene: Scene) -> None:
    await at_station(scene, await tariff(scene))
    await scene.booted()
    visit = Visit(scene, await new_token(scene, limits={"credit": 20 * NANO}))
    answer = await visit.authorise()
    assert answer["transactionLimit"] == {"maxCost": 20}, answer
    await visit.charge()
    answer = await visit.unplug()
    assert answer["totalCost"] == VISIT_COST, answer
    await visit.is_over("EVDisconnected")
    # The next visit may cost no more than what is left.
    again = Visit(scene, visit.token, wh=visit.wh, begin_wh=visit.wh, ago_s=100)
    answer = await again.authorise()
    assert answer["transactionLimit"] == {"maxCost": 20 - VISIT_COST}, answer


@case("TC_C_104_CSMS", "2.1", basis="C17 prepaid card without credit: NoCredit; schema of AuthorizeResponse")
async def prepaid_and_empty(scene: Scene) -> None:
    await at_station(scene, await tariff(scene))
    await scene.booted()
    await authorize(scene, await new_token(scene, limits={"credit": 0}), "NoCredit")
    # And one whose credit has just been used up.
    visit = Visit(scene, await new_token(scene, limits={"credit": NANO}))
    await visit.charge()
    await visit.unplug()
    await authorize(scene, visit.token, "NoCredit")
    # Nor does a transaction begin by it.
    again = Visit(scene, visit.token, wh=visit.wh, begin_wh=visit.wh, ago_s=100)
    answer = await again.event("Authorized", token=again.token)
    assert answer["idTokenInfo"]["status"] == "NoCredit", answer


# -- payment terminals ------------------------------------------------------------------------------------------------


def at_terminal(scene: Scene, evse: int = 1) -> Visit:
    """A driver with a payment card that the terminal has authorised: the server has never heard of it."""
    return Visit(scene, f"PSP-{scene.station.identity}-{next(_payments)}", evse, CARD)


async def paid_visit(scene: Scene) -> Visit:
    """A driver who has charged, and has unplugged."""
    await at_station(scene, await tariff(scene))
    await scene.booted()
    visit = at_terminal(scene)
    await visit.charge()
    await visit.is_active(id_token=visit.token, authorised="Accepted", token_kind=CARD)
    answer = await visit.unplug()
    assert answer["totalCost"] == VISIT_COST, answer
    await visit.is_over("EVDisconnected")
    return visit


async def settle(visit: Visit, status: str, amount: float, **more: Any) -> Payload:
    """Tell how the terminal's payment ended. The operator sees it, also when it is told again."""
    told: Payload = {"pspRef": visit.token, "transactionId": visit.transaction, "status": status}
    told |= {"settlementAmount": amount, "settlementTime": moment(), **more}
    answer = await visit.scene.station.call("NotifySettlement", told)
    assert await visit.scene.station.call("NotifySettlement", told) == answer
    rows = await visit.scene.operator.get("/api/payments/settlements?limit=500")
    (row,) = [row for row in rows if row["station"] == visit.scene.station.identity]
    seen = {name: row[name] for name in ("payment", "status", "nano", "ocpp_transaction")}
    wanted = {"payment": visit.token, "status": status, "nano": int(amount * NANO)}
    assert seen == wanted | {"ocpp_transaction": visit.transaction}, row
    return answer


@case("TC_C_108_CSMS", "2.1", basis="C18; schema of VatNumberValidation; forms of the EU's VAT numbers")
async def vat_numbers(scene: Scene) -> None:
    await scene.booted()
    for number, evse, status in (("NL123456789B01", 1, "Accepted"), ("DE123456789", None, "Accepted"),
                                 ("NL12", 2, "Rejected"), ("nonsense", None, "Rejected")):  # fmt: skip
        asked: Payload = {"vatNumber": number} | ({"evseId": evse} if evse else {})
        answer = await scene.station.call("VatNumberValidation", asked)
        assert (answer["vatNumber"], answer["status"], answer.get("evseId")) == (number, status, evse), answer
        assert ("statusInfo" in answer) == (status == "Rejected"), answer


@case("TC_C_113_CSMS", "2.1", basis="C20 cancelled after the start; schemas of TransactionEvent and NotifySettlement")
async def cancelled(scene: Scene) -> None:
    await scene.booted()
    visit = at_terminal(scene)
    answer = await visit.authorise()
    assert answer["idTokenInfo"]["status"] == "Accepted"
    await visit.plug_in()
    await visit.is_active(id_token=visit.token)
    answer = await visit.event("StopAuthorized", "EVConnected", "Local", ends=True, token=visit.token)
    assert answer["idTokenInfo"]["status"] == "Accepted", answer
    assert answer.get("totalCost", 0) == 0, answer
    await visit.is_over("Local", wh=0)
    assert await settle(visit, "Canceled", 0) == {}


@case("TC_C_118_CSMS", "2.1", basis="C21 settled by the station; schema of NotifySettlement: receiptId, receiptUrl")
async def settled_by_station(scene: Scene) -> None:
    visit = await paid_visit(scene)
    answer = await settle(visit, "Settled", VISIT_COST)
    assert answer["receiptUrl"].endswith(answer["receiptId"]), answer
    page = await scene.operator.text("/receipts/" + answer["receiptId"])
    assert visit.token in page or "1.5" in page, page
    # A station with a receipt of its own is given no other.
    own = await scene.station.call("NotifySettlement", {
        "pspRef": "OTHER", "status": "Settled", "settlementAmount": 1, "settlementTime": moment(), "receiptId": "R-1",
        "receiptUrl": "https://receipts.example/R-1",
    })  # fmt: skip
    assert own == {}


@case("TC_C_119_CSMS", "2.1", basis="C22 settlement failed; schema of NotifySettlement")
async def settlement_failed(scene: Scene) -> None:
    visit = await paid_visit(scene)
    assert await settle(visit, "Failed", VISIT_COST, statusInfo="no answer of the payment service") == {}


@case("TC_C_120_CSMS", "2.1", basis="C22 settlement rejected; schema of NotifySettlement")
async def settlement_rejected(scene: Scene) -> None:
    visit = await paid_visit(scene)
    assert await settle(visit, "Rejected", VISIT_COST, statusInfo="card declined") == {}


# -- a terminal beside the stations -----------------------------------------------------------------------------------


async def started_from_terminal(scene: Scene) -> Visit:
    """The terminal has the server start the charge."""
    await at_station(scene, await tariff(scene))
    await scene.booted()
    visit = at_terminal(scene)
    await visit.plug_in()
    token = {"id": visit.token, "kind": CARD}
    accepted = {"status": "Accepted", "transactionId": visit.transaction}
    sent, seen = await operate(scene, "remote-start", "RequestStartTransaction", accepted, token=token, evse=1)
    assert (sent["idToken"], sent["evseId"]) == (id_token(visit.token, CARD), 1), sent
    assert seen["status"] == "Accepted", seen
    answer = await visit.event("RemoteStart", token=visit.token, info={"remoteStartId": sent["remoteStartId"]})
    assert answer["idTokenInfo"]["status"] == "Accepted", answer
    visit.accepted = True
    await visit.charge()
    await visit.is_active(id_token=visit.token, token_kind=CARD, remote_start=sent["remoteStartId"])
    return visit


@case("TC_C_125_CSMS", "2.1", basis="C24 with I03; schemas of RequestStartTransaction and TransactionEventResponse")
async def stand_alone_central(scene: Scene) -> None:
    visit = await started_from_terminal(scene)
    answer = await visit.unplug()
    assert answer["totalCost"] == VISIT_COST, answer
    await visit.is_over("EVDisconnected")
    found = await cost_of(scene, visit)
    assert (found["nano"], found["final"]) == (int(VISIT_COST * NANO), True), found


@case(
    "TC_C_126_CSMS", "2.1", basis="C24 with I12; schemas of RequestStartTransaction and TransactionEvent: costDetails"
)
async def stand_alone_local(scene: Scene) -> None:
    visit = await started_from_terminal(scene)
    await visit.event("RunningCost", costDetails=details(1.0, 50))
    await visit.event("ChargingStateChanged", "EVConnected")
    answer = await visit.unplug(costDetails=details(VISIT_COST, visit.wh - visit.begin_wh))
    assert answer["totalCost"] == VISIT_COST, answer
    await visit.is_over("EVDisconnected")
    found = await cost_of(scene, visit)
    assert (found["nano"], found["final"], bool(found["difference"])) == (int(VISIT_COST * NANO), True, False), found
