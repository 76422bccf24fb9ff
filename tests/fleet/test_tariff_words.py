"""A tariff said in OCPP 2.1 is valid by its schema, and a station's reckoning that differs from ours is named."""

import json
from importlib.resources import files

import pytest
from jsonschema import Draft4Validator, Draft6Validator

from sunpile.basics.errors import InputInvalid
from sunpile.fleet.costs import Slice, Usage, cost
from sunpile.fleet.tariff_words import amount, differences, text, texts, to_ocpp
from sunpile.fleet.tariffs import Price, Tariff, TariffSupport, Tax, When

NIGHT = Tariff(
    "night-2026",
    "EUR",
    energy=(Price(200_000, When(from_minute=1320, until_minute=1440, days=frozenset({0, 6}))), Price(400_000)),
    idle_time=(Price(0, When(max_idle_s=900)), Price(100_000)),
    fixed=(Price(500_000),),
    taxes=(Tax("VAT", 190_000), Tax("Local", 10_000, stack=1)),
    min_nano=10**9,
    max_nano=50 * 10**9,
    valid_from=1_770_000_000,
)
NOON = 1_772_625_600
USED = Usage((Slice(NOON, NOON + 3600, 10_000), Slice(NOON + 3600, NOON + 5400, 0)))


def schema(name):
    return json.loads((files("ocpp") / "v21" / "schemas" / f"{name}.json").read_text("utf-8-sig"))


@pytest.mark.parametrize("tariff", [NIGHT, Tariff("plain", "CNY", energy=(Price(1_200_000),)), Tariff("free", "EUR")])
def test_what_we_send_is_valid_by_the_schema_of_ocpp(tariff):
    request = {"evseId": 1, "tariff": to_ocpp(tariff)}
    known = schema("SetDefaultTariffRequest")
    validator = Draft4Validator if "draft-04" in known.get("$schema", "") else Draft6Validator
    validator(known).validate(request)


def test_the_words_are_those_of_ocpp():
    said = to_ocpp(NIGHT)
    assert said["energy"]["prices"] == [
        {
            "priceKwh": 0.2,
            "conditions": {"startTimeOfDay": "22:00", "endTimeOfDay": "00:00", "dayOfWeek": ["Monday", "Sunday"]},
        },
        {"priceKwh": 0.4},
    ]
    assert said["idleTime"]["prices"][0] == {"priceMinute": 0, "conditions": {"maxIdleTime": 900}}
    assert said["energy"]["taxRates"] == [{"type": "VAT", "tax": 19}, {"type": "Local", "tax": 1, "stack": 1}]
    assert said["minCost"]["exclTax"] == 1
    assert said["validFrom"] == "2026-02-02T02:40:00Z"
    assert {one["language"] for one in said["description"]} == {"en", "zh-Hans"}


@pytest.mark.parametrize(
    ("support", "words"),
    [
        (TariffSupport(max_elements=1), "1 prices for each part"),
        (TariffSupport(conditions=False), "no prices with conditions"),
        (TariffSupport(currency="CNY"), "reckons in CNY"),
    ],
)
def test_a_tariff_the_station_cannot_take_is_refused_before_it_is_sent(support, words):
    with pytest.raises(InputInvalid, match=words):
        to_ocpp(NIGHT, support)


def test_a_driver_reads_the_price_with_tax_in_two_languages():
    tariff = Tariff("T", "EUR", energy=(Price(500_000),), fixed=(Price(1_000_000),), taxes=(Tax("VAT", 200_000),))
    assert texts(tariff) == {
        "en": "0.60 EUR per kWh; 1.20 EUR per session; tax included",
        "zh-Hans": "每千瓦时 0.60 EUR；每次 1.20 EUR；含税",
    }
    assert text(Tariff("T", "EUR"), "en") == "free of charge"
    assert "0.24038 EUR per kWh from 22:00 to 00:00 on Mon, Sun" in text(NIGHT, "en")
    assert "otherwise 0.48076 EUR per kWh" in text(NIGHT, "en")
    assert amount(1_234_567_890, "EUR") == "1.234568 EUR"


def details(**changes):
    ours = cost(NIGHT, USED)
    total = {"exclTax": float(ours.net) / 1e9, "inclTax": float(ours.net + ours.tax) / 1e9}
    body = {
        "totalCost": {"currency": "EUR", "typeOfCost": "NormalCost", "total": total, "energy": {"exclTax": 4.0}},
        "totalUsage": {"energy": 10_000, "chargingTime": 5400, "idleTime": 1800},
    }
    body["totalCost"] |= changes.get("totalCost", {})
    body["totalUsage"] |= changes.get("totalUsage", {})
    return body | {key: value for key, value in changes.items() if not isinstance(value, dict)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, None),
        ({"totalCost": {"total": {"exclTax": 6.004}}}, None),
        ({"totalCost": {"total": {"exclTax": 5.9}}}, "total without tax 5.90 EUR and not 6.00 EUR"),
        ({"totalCost": {"energy": {"exclTax": 3.0}}}, "energy 3.00 EUR and not 4.00 EUR"),
        ({"totalCost": {"currency": "USD"}}, "currency USD and not EUR"),
        ({"totalUsage": {"energy": 11_000}}, "energy 11000 Wh and not 10000 Wh"),
        ({"failureToCalculate": True, "failureReason": "no meter"}, "could not reckon: no meter"),
    ],
)
def test_a_stations_own_reckoning_is_held_against_ours(change, words):
    found = differences(cost(NIGHT, USED), NIGHT, details(**change), tolerance_nano=10_000_000)
    assert (found == []) if words is None else any(words in one for one in found), found
