"""What the API answers, and how it refuses."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.people.house import House
from tests.people.sample_day import DAY_START, LENGTH, OWNER, node_info

from sunpile.basics.ids import Address, PointId
from sunpile.basics.keys import Key
from sunpile.basics.reading import Reading
from sunpile.basics.typed_data import Domain
from sunpile.basics.units import Wh
from sunpile.people.api.access import RECEIPT_REQUEST
from sunpile.people.api.guard import HEADERS

NOON = DAY_START // LENGTH + 48
SIGNATURE = "0x" + "ab" * 65
HASH = "0x" + "cd" * 32
ADDRESS = "0x" + "ef" * 20
ORDER: dict[str, Any] = {
    "point": 1, "buy": 700, "sell": 1023, "max_wh": 5000, "until": 4294967295, "nonce": 1, "deadline": 2_000_000_000,
    "signature": SIGNATURE,
}  # fmt: skip
PILE: dict[str, Any] = {
    "station": "SP-900", "max_w": 11_000, "evses": [{"evse": 1, "point": 9}], "place": "Mill St 3",
    "connector": "sType2",
    "model": "Wall 11", "price": 300_000, "owner": ADDRESS, "signature": SIGNATURE,
}  # fmt: skip


def market_domain() -> Domain:
    info = node_info()
    return Domain("sunpile", info.chain_id, Address(info.contracts["EnergyMarket"]))


def test_info_names_chain_contracts_and_rpc(client: TestClient) -> None:
    body = client.get("/api/info").json()
    assert body["chain_id"] == 4242
    assert set(body["contracts"]) == {"SettlementToken", "Registry", "EnergyMarket", "Council", "Channels"}
    assert body["rpc"] == "http://testserver/rpc"


def test_intervals_come_oldest_first_and_page_back(client: TestClient) -> None:
    newest = client.get("/api/intervals?limit=4").json()
    assert [i["interval"] for i in newest] == [NOON + k for k in (12, 13, 14, 15)]
    earlier = client.get(f"/api/intervals?limit=2&before={newest[0]['interval']}").json()
    assert [i["interval"] for i in earlier] == [NOON + 10, NOON + 11]


def test_interval_tells_why_its_price_is_what_it_is(client: TestClient) -> None:
    body = client.get(f"/api/intervals/1/{NOON}").json()
    summary, why = body["summary"], body["why"]
    assert summary["low"] <= summary["price"] <= summary["high"]
    assert summary["volume_wh"] == min(why["wanted_wh"], why["offered_wh"])
    assert (
        sum(s["filled_wh"] for s in body["demand"])
        == sum(s["filled_wh"] for s in body["supply"])
        == summary["volume_wh"]
    )
    assert [s["price"] for s in body["demand"]] == sorted((s["price"] for s in body["demand"]), reverse=True)
    assert [s["price"] for s in body["supply"]] == sorted(s["price"] for s in body["supply"])
    assert 0 <= why["marginal_filled_wh"] <= why["marginal_wh"]
    assert body["batch"]["gas_per_row"] == body["batch"]["gas"] // body["batch"]["rows"]


def test_unknown_interval_is_a_problem(client: TestClient) -> None:
    answer = client.get("/api/intervals/1/5")
    assert answer.status_code == 404
    assert answer.json() == {
        "type": "urn:sunpile:problem:not-found", "title": "Not Found", "status": 404,
        "detail": "interval 5 of zone 1 has no batch",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("DELETE", "/api/town", 405, "method-not-allowed"),
        ("GET", "/api/town/", 404, "not-found"),
    ],
)
def test_unknown_path_and_method_are_problems(
    client: TestClient, method: str, path: str, status: int, code: str
) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["type"].endswith(code)


def test_fault_of_ours_is_told_in_one_sentence_without_a_trace(house: House, client: TestClient) -> None:
    async def broken(_limit: int) -> list[Any]:
        raise ValueError("secret detail")

    house.view.batches = broken  # type: ignore[method-assign]
    answer = client.get("/api/batches")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["type"] == "urn:sunpile:problem:internal"


@pytest.mark.parametrize("path", ["/", "/api/info", "/nowhere", "/static/app.js", "/receipt", "/metrics"])
def test_every_answer_carries_strict_headers(client: TestClient, path: str) -> None:
    answer = client.get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_large_body_is_refused_declared_or_not(client: TestClient) -> None:
    assert client.post("/rpc", content=b"x" * ((1 << 20) + 1)).status_code == 413
    chunks = (b"x" * 65_536 for _ in range(20))
    assert client.post("/rpc", content=chunks).status_code == 413


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1}, {"buy": 1001}, {"buy": -1}, {"buy": "700"}, {"buy": 700.0}, {"point": 0}, {"max_wh": 1 << 24},
        {"signature": "0x12"}, {"signature": SIGNATURE[2:]}, {"nonce": None}, {"point": True},
    ],
    ids=str,
)  # fmt: skip
def test_order_of_the_wrong_form_is_refused(house: House, client: TestClient, change: dict[str, Any]) -> None:
    answer = client.post("/api/orders", json={**ORDER, **change})
    assert answer.status_code == 400
    assert answer.json()["faults"]
    assert house.operations.asked == []


def test_order_and_deposit_reach_the_operations(house: House, client: TestClient) -> None:
    assert client.post("/api/orders", json=ORDER).status_code == 202
    deposit = {
        "point": 1,
        "from": ADDRESS,
        "amount": 5,
        "valid_after": 0,
        "valid_before": 9,
        "nonce": HASH,
        "signature": SIGNATURE,
    }
    assert client.post("/api/deposits", json=deposit).status_code == 202
    (_, order), (_, wish) = house.operations.asked
    assert (order.buy, order.sell, order.signature) == (700, 1023, bytes.fromhex("ab" * 65))
    assert (wish.sender, wish.nonce) == (ADDRESS, bytes.fromhex("cd" * 32))


def test_signed_readings_arrive_whole(house: House, client: TestClient) -> None:
    key = Key.from_seed("meter")
    signed = Reading(PointId(3), NOON, Wh(-250), bytes(range(32))).sign(market_domain(), key)
    sent = {
        "point": 3, "interval": NOON, "wh": -250, "salt": "0x" + bytes(range(32)).hex(),
        "signature": "0x" + signed.signature.hex(),
    }  # fmt: skip
    answer = client.post("/api/readings", json={"readings": [sent]})
    assert answer.json() == {"results": [{"point": 3, "interval": NOON, "status": "accepted", "reason": ""}]}
    assert house.operations.asked[0][1][0].signer(market_domain()) == key.address


def test_operator_registers_points_piles_and_tariffs(house: House, client: TestClient, admin: dict[str, str]) -> None:
    device = {"kind": "meter", "host": "10.0.0.7", "port": 502, "unit": 1, "max_w": 11_000}
    point = {"kind": "home", "zone": 1, "owner": ADDRESS.upper().replace("0X", "0x"), "cap_wh": 5000, "device": device}
    assert client.post("/api/admin/points", json=point, headers=admin).json() == {"point": 85}
    card = client.post("/api/admin/piles", json=PILE, headers=admin).json()
    assert card == {"url": "ws://127.0.0.1:8480/ocpp", "identity": "SP-900", "password": "correct horse battery"}
    tariff = {"from_interval": NOON, "retail": 300_000, "feed_in": 80_000}
    assert client.post("/api/admin/tariffs", json=tariff, headers=admin).status_code == 202
    assert house.operations.asked[0][1].owner == ADDRESS
    assert house.operations.asked[0][1].devices[0].host == "10.0.0.7"


def test_pile_needs_a_signature_for_each_evse(client: TestClient, admin: dict[str, str]) -> None:
    two = {**PILE, "evses": [{"evse": 1, "point": 9}, {"evse": 2, "point": 10}]}
    answer = client.post("/api/admin/piles", json=two, headers=admin)
    assert answer.status_code == 400
    assert "2 EVSEs need as many signatures" in answer.text


def test_driver_goes_from_account_to_voucher(house: House, client: TestClient, driver: dict[str, str]) -> None:
    assert client.post("/api/drivers", json={}).json() == {"driver": "driver-1", "api_key": "key-of-driver-1"}
    assert client.post("/api/drivers", json={"id_token": "CARD1"}).status_code == 401
    top_up = {"rail": "sandbox", "minor": 2500, "address": ADDRESS}
    assert client.post("/api/top-ups", json=top_up, headers=driver).json()["nano"] == 25_000_000_000
    assert client.get("/api/quote?station=SP-041").json()["price"] == 240_000
    channel = {
        "payer": ADDRESS, "signer": ADDRESS, "deposit": 10**10, "salt": HASH, "valid_after": 0, "valid_before": 9,
        "nonce": HASH, "signature": SIGNATURE,
    }  # fmt: skip
    assert client.post("/api/channels", json=channel, headers=driver).json() == {"channel": HASH}
    assert client.post("/api/sessions", json={"station": "SP-041"}, headers=driver).json()["status"] == "Accepted"
    voucher = {"cumulative": 264_000_000, "signature": SIGNATURE}
    assert client.post("/api/sessions/S0000/vouchers", json=voucher, headers=driver).json()["paid"] == 264_000_000
    assert client.get("/api/me/session", headers=driver).json()["due_cumulative"] == 264_000_000
    assert client.post("/api/sessions/S0000/stop", headers=driver).status_code == 202
    assert client.get("/api/sessions/S0000/receipt", headers=driver).status_code == 404
    assert house.operations.asked[-1] == ("remote_stop", ("driver-0", "S0000"))


def test_strangers_do_not_see_what_homes_use(client: TestClient, admin: dict[str, str]) -> None:
    seen = {p["point"]: p for p in client.get("/api/town").json()["points"]}
    known = {p["point"]: p for p in client.get("/api/town", headers=admin).json()["points"]}
    assert seen[1]["w"] is None
    assert seen[1]["label"] == ""
    assert known[1]["w"] is not None
    assert seen[60]["status"] == known[60]["status"] != ""


def receipt_request(key: Key, expires: int) -> dict[str, Any]:
    values = {"point": 3, "interval": NOON, "expires": expires}
    signature = key.sign(RECEIPT_REQUEST.digest(market_domain(), values))
    return {"params": {"expires": expires}, "headers": {"X-Sunpile-Signature": "0x" + signature.hex()}}


def test_full_receipt_goes_to_who_proves_the_points_key(client: TestClient, admin: dict[str, str]) -> None:
    path, now = f"/api/receipts/1/{NOON}/3", node_info().now
    assert client.get(path).status_code == 403
    assert client.get(path, headers=admin).json()["full"] is True
    assert client.get(path, **receipt_request(OWNER, now + 60)).json()["full"] is True
    assert client.get(path, **receipt_request(Key.from_seed("meter"), now + 60)).json()["full"] is True
    assert client.get(path, **receipt_request(Key.from_seed("thief"), now + 60)).status_code == 403
    assert client.get(path, **receipt_request(OWNER, now - 1)).status_code == 400
    assert client.get(path, **receipt_request(OWNER, now + 10**6)).status_code == 400


def test_strangers_get_no_receipt_of_a_home_nor_of_what_stands_behind_it(client: TestClient) -> None:
    homes, behind, public_pile, battery = (1, 3, 40), (41, 50), 60, 81
    for point in (*homes, *behind):
        assert client.get(f"/api/receipts/1/{NOON}/{point}").status_code == 403, point
    for point in (public_pile, battery):
        assert client.get(f"/api/receipts/1/{NOON}/{point}").json()["full"] is False


def test_metrics_are_prometheus_text_without_paths_of_people(client: TestClient) -> None:
    client.get("/api/receipts/1/5/77")
    text = client.get("/metrics").text
    assert "sunpile_intervals_settled 64.0" in text
    assert "sunpile_worse_off 0.0" in text
    assert 'route="/api/receipts/{zone}/{interval}/{point}"' in text
    assert "/77" not in text


def test_rpc_passes_bytes_through(client: TestClient) -> None:
    assert client.post("/rpc", content=b'{"id":1}').json()["result"] == "0x1092"


def test_openapi_describes_every_route(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    assert {"/api/town", "/api/readings", "/api/stream", "/rpc", "/metrics"} <= set(paths)
    assert all(item.get("summary") for path in paths.values() for item in path.values())
