"""What stations ask about payment is answered by the schema, and kept once."""

import json
from dataclasses import replace
from importlib.resources import files

import pytest
from jsonschema import Draft6Validator
from tests.store.test_tokens import two_stations

from sunpile.basics.errors import NotFound, Unreachable
from sunpile.basics.scope import NODE
from sunpile.chargers.notices import Question
from sunpile.fleet.payment_questions import Company, PaymentQuestions, read_vat
from sunpile.store.payments import PaymentDatabase

NOW = 1_772_625_600
PAID = {
    "pspRef": "PSP-1",
    "status": "Settled",
    "settlementAmount": 12.34,
    "settlementTime": "2026-03-04T12:00:00Z",
    "transactionId": "t",
}


class Clock:
    def now(self):
        return NOW


class Book:
    """A register of VAT numbers with one company; away for numbers that end in 0."""

    async def company(self, country, number):
        if number.endswith("0"):
            raise Unreachable("away")
        return Company("Example Ltd", "1 Quay", "Hamburg", "20457") if number == "123456789" else None


@pytest.fixture
async def house(database):
    await database.write(two_stations)
    ledger = PaymentDatabase(database)
    return PaymentQuestions(ledger, Clock(), lambda: "https://node.test", Book()), ledger


async def ask(house, action, payload):
    answer = await house[0].asked(Question("P1", action, payload))
    text = (files("ocpp") / "v21" / "schemas" / f"{action}Response.json").read_text("utf-8-sig")
    Draft6Validator(json.loads(text)).validate(answer)
    return answer


async def test_a_settlement_without_a_receipt_gets_ours_and_is_kept_once(house):
    first = await ask(house, "NotifySettlement", PAID)
    assert first["receiptUrl"] == f"https://node.test/receipts/{first['receiptId']}"
    assert await ask(house, "NotifySettlement", PAID) == first
    (kept,) = await house[1].page(NODE)
    assert (kept["nano"], kept["ocpp_transaction"], kept["settled_at"]) == (12_340_000_000, "t", NOW)


@pytest.mark.parametrize("more", [{"receiptId": "R1"}, {"status": "Failed"}, {"status": "Rejected"}])
async def test_who_has_a_receipt_or_no_settlement_gets_none(house, more):
    assert await ask(house, "NotifySettlement", PAID | more) == {}
    assert len(await house[1].page(NODE)) == 1


async def test_only_a_number_of_ours_opens_a_receipt(house):
    ours = (await ask(house, "NotifySettlement", PAID))["receiptId"]
    for own in ("R1", ours):
        await ask(house, "NotifySettlement", PAID | {"pspRef": f"other-{own[:2]}", "receiptId": own})
    assert await house[1].by_receipt("R1") is None
    assert (await house[1].by_receipt(ours)).payment == PAID["pspRef"]


@pytest.mark.parametrize(
    ("number", "status", "reason"),
    [
        ("DE123456789", "Accepted", None),
        ("DE987654321", "Rejected", "NotFound"),
        ("DE98765432", "Rejected", "InvalidFormat"),
        ("XX1", "Rejected", "InvalidFormat"),
        ("DE111111110", "Rejected", "NotAvailable"),
    ],
)
async def test_vat_numbers(house, number, status, reason):
    answer = await ask(house, "VatNumberValidation", {"vatNumber": number, "evseId": 2})
    assert (answer["vatNumber"], answer["status"], answer["evseId"]) == (number, status, 2)
    assert answer.get("statusInfo", {}).get("reasonCode") == reason
    assert ("company" in answer) == (status == "Accepted")


@pytest.mark.parametrize("good", ["ATU12345678", "NL123456789B01", "FR 1A 123456789", "gr123456789", "ESX1234567X"])
def test_forms_of_vat_numbers(good):
    assert read_vat(good) is not None


@pytest.mark.parametrize("bad", ["", "DE", "DE12345678９", "AT12345678", "NL1", "US123456789", "DE1234567890"])
def test_what_has_no_countrys_form_is_refused(bad):
    assert read_vat(bad) is None


async def test_a_battery_swap_is_kept_and_other_questions_are_left(house):
    battery = {"evseId": 1, "serialNumber": "B1", "soC": 10.0, "soH": 99.0}
    swap = {
        "requestId": 7,
        "eventType": "BatteryIn",
        "idToken": {"idToken": "card1", "type": "ISO14443"},
        "batteryData": [battery],
    }
    assert await ask(house, "BatterySwap", swap) == {}
    assert await house[0].asked(Question("P1", "DataTransfer", {})) is None


async def test_staff_see_the_swaps_of_their_own_stations_newest_first(house):
    battery = {"evseId": 1, "serialNumber": "B1", "soC": 10.0, "soH": 99.0}
    swap = {"requestId": 7, "idToken": {"idToken": "card1", "type": "ISO14443"}, "batteryData": [battery]}
    for event in ("BatteryIn", "BatteryOut"):
        await ask(house, "BatterySwap", swap | {"eventType": event})
    found = await house[1].swaps(NODE, "P1")
    assert [(one["event"], one["request"], one["token"]) for one in found] == [
        ("BatteryOut", 7, "CARD1"),
        ("BatteryIn", 7, "CARD1"),
    ]
    assert found[0]["batteries"] == [battery]
    with pytest.raises(NotFound):
        await house[1].swaps(replace(NODE, tenant="other"), "P1")
