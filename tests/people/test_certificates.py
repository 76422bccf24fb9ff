"""Certificates over HTTP: who may, what comes back, and what a stranger gets."""

import re
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from fastapi.testclient import TestClient

from chargers.certificates.fakes import House
from chargers.certificates.people import NOW, certificate, csr, pem
from people.fakes import FakeOperations, FakeRpc
from sunpile.basics.scope import Scope
from sunpile.chargers.certificates.hashes import hash_data
from sunpile.chargers.certificates.names import load_chain, load_pem
from sunpile.chargers.certificates.ports import SecurityRecord
from sunpile.chargers.commands import CommandResult
from sunpile.people import console, create_app
from sunpile.people.api import certificates, security
from sunpile.people.feed import EventHub
from sunpile.people.ports import ApiSettings

TOKEN = "a-token-of-the-node"


class Events:
    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    async def listed(self, scope: Scope, *filters: Any) -> list[SecurityRecord]:
        self.asked.append((scope.tenant, *filters))
        return [SecurityRecord(7, "CS-1", NOW, NOW, "ResetOrReboot", "", True)]


class Site:
    def __init__(self, folder: Path) -> None:
        self.house, self.events = House(folder), Events()
        house = self.house
        routers = (
            certificates.router(house.upkeep, house.store, house.clock),  # type: ignore[arg-type]
            certificates.stations_router(house.upkeep),
            certificates.authority_router(house.upkeep),
            certificates.secrets_router(house.passwords, house.profiles),
            certificates.contracts_router(house.provider, house.audits),
            security.router(self.events),
        )
        app = create_app(None, FakeOperations(), FakeRpc(), EventHub(), ApiSettings(TOKEN), routers)  # type: ignore[arg-type]
        self.client = TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"})
        self.stranger = TestClient(app)
        self.paths = [
            (method, route.path)
            for router in routers
            for route in router.routes
            for method in route.methods  # type: ignore[attr-defined]
        ]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def columns(declared: str) -> set[str]:
    """Columns that the console declares in a line of its own."""
    text = (Path(console.__file__).parent / "static" / "declared" / "access.js").read_text("utf-8")
    [line] = re.findall(declared, text)
    return set(re.findall(r"[\[ ]'(\w+)'", line))


def test_a_certificate_is_signed_by_hand_seen_and_revoked(site: Site) -> None:
    made = site.client.post("/api/stations/CS-1/certificates/sign", json={"csr": csr()})
    assert made.status_code == 201
    fingerprint = made.json()["fingerprint"]
    assert load_chain(made.json()["chain"])
    assert [one["fingerprint"] for one in site.client.get("/api/certificates").json()] == [fingerprint]
    assert site.client.get(f"/api/certificates/{fingerprint}").json()["chain"] == made.json()["chain"]
    assert site.client.get("/api/certificates/expiring").json() == []
    [shown] = site.client.get("/api/certificates/expiring?days=91").json()
    assert columns("const CERTIFICATE = (.*)") <= set(shown), "the console shows what there is"
    gone = site.client.post(f"/api/certificates/{fingerprint}/revoke", json={"reason": "superseded"})
    assert (gone.json()["state"], site.house.dropped) == ("revoked", ["CS-1"])
    bad = site.client.post(f"/api/certificates/{fingerprint}/revoke", json={"reason": "because"})
    assert bad.status_code == 400


def test_a_refused_request_says_why_and_is_listed(site: Site) -> None:
    bad = site.client.post("/api/stations/CS-1/certificates/sign", json={"csr": csr(name="SN-0002")})
    assert bad.status_code == 400
    assert "SN-0001" in bad.json()["detail"]
    assert bad.json()["refusal"] == "WrongCommonName"
    [shown] = site.client.get("/api/certificates/refused").json()
    assert shown["code"] == "WrongCommonName"
    assert columns("/api/certificates/refused'.*columns: (.*)") <= {*shown, "station"}


def test_roots_are_installed_compared_and_deleted(site: Site) -> None:
    root = site.client.get("/api/authority/root.pem").text
    answer = site.client.post(
        "/api/stations/CS-1/certificates/install", json={"kind": "CSMSRootCertificate", "pem": root}
    )
    assert answer.json() == {"status": "Accepted", "accepted": True, "reason": "", "data": None}
    data = hash_data(load_pem(root), load_pem(root))
    site.house.stations.answers["GetInstalledCertificates"] = CommandResult(
        "Accepted",
        True,
        data={"certificateHashDataChain": [{"certificateType": "CSMSRootCertificate", "certificateHashData": data}]},
    )
    found = site.client.post("/api/stations/CS-1/certificates/list").json()
    assert (found["missing"], found["strange"], found["installed"][0]["wanted"]) == ([], 0, True)
    assert site.client.post("/api/stations/CS-1/certificates/delete", json=data).status_code == 409
    assert site.client.post("/api/stations/CS-1/certificates/delete", json=data | {"sure": True}).status_code == 200


def test_the_authority_is_shown_rotated_and_told_whom_else_to_trust(site: Site) -> None:
    mo, _ = certificate("MO Root", ca=True)
    trusted = site.client.post("/api/authority/roots", json={"kind": "MORootCertificate", "pem": pem(mo)})
    assert trusted.status_code == 201
    roots = site.client.get("/api/authority").json()["roots"]
    assert {root["kind"] for root in roots} == {"CSMSRootCertificate", "V2GRootCertificate", "MORootCertificate"}
    rotated = site.client.post("/api/authority/rotate", json={}).json()
    assert load_pem(rotated["root"]).public_key() == load_pem(rotated["signed_by_old"]).public_key()
    assert site.client.post("/api/authority/chains", json={"pem": pem(mo)}).json() == {"certificates": 1}


def test_anyone_may_ask_whether_a_certificate_is_revoked_but_makes_no_authority_by_asking(
    site: Site, tmp_path: Path
) -> None:
    made = site.client.post("/api/stations/CS-1/certificates/sign", json={"csr": csr()}).json()
    leaf, issuer = load_chain(made["chain"])
    asked = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, hashes.SHA1()).build().public_bytes(Encoding.DER)

    def status() -> ocsp.OCSPCertStatus:
        answer = site.stranger.post("/api/authority/default/ocsp", content=asked)
        return ocsp.load_der_ocsp_response(answer.content).certificate_status

    assert status() is ocsp.OCSPCertStatus.GOOD
    site.client.post(f"/api/certificates/{made['fingerprint']}/revoke", json={"reason": "superseded"})
    assert status() is ocsp.OCSPCertStatus.REVOKED
    listed = x509.load_der_x509_crl(site.stranger.get("/api/authority/default/csms/crl").content)
    assert [one.serial_number for one in listed] == [leaf.serial_number]
    assert site.stranger.get("/api/authority/nobody/csms/crl").status_code == 404
    answer = site.stranger.post("/api/authority/nobody/ocsp", content=asked)
    assert ocsp.load_der_ocsp_response(answer.content).response_status is ocsp.OCSPResponseStatus.UNAUTHORIZED
    assert [path.name for path in (tmp_path / "pki").iterdir()] == ["default"]


def test_passwords_and_profiles_are_changed_and_no_password_comes_back(site: Site) -> None:
    changed = site.client.post("/api/stations/CS-1/password", json={})
    assert changed.json()["state"] == "taken"
    [(_, command)] = site.house.stations.asked
    assert command.values[0].value not in changed.text  # type: ignore[attr-defined]
    raised = site.client.post("/api/stations/CS-1/profile", json={"profile": 2, "url": "wss://node.example/ocpp"})
    assert raised.json()["state"] == "expected"
    assert site.client.post("/api/stations/CS-1/profile", json={"profile": 1, "url": "wss://x"}).status_code == 409


def test_a_contract_is_made_once_and_cancelled(site: Site) -> None:
    body = {"emaid": "DE-SUN-C00000001", "provisioning": "PCID1"}
    assert site.client.post("/api/contracts", json=body).status_code == 201
    assert site.client.post("/api/contracts", json=body).status_code == 409
    assert site.client.post("/api/contracts/DE-SUN-C00000001/cancel").json() == {"status": "revoked"}
    assert site.client.post("/api/contracts/DE-SUN-C00000002/cancel").status_code == 404
    assert [row[1:3] for row in site.house.audits.rows] == [
        ("contract.issue", "contract:DE-SUN-C00000001"),
        ("contract.cancel", "contract:DE-SUN-C00000001"),
    ]


def test_security_events_are_filtered(site: Site) -> None:
    found = site.client.get("/api/security-events?station=CS-1&critical=true&since=5&limit=10")
    assert found.json()[0]["kind"] == "ResetOrReboot"
    assert site.events.asked == [("default", "CS-1", None, True, 5, None, None, 10)]


def test_without_credentials_only_revocation_is_told(site: Site) -> None:
    for method, path in site.paths:
        path = path.replace("{station}", "CS-1").replace("{fingerprint}", "a" * 64)
        path = path.replace("{kind}", "MORootCertificate").replace("{emaid}", "DESUNC00000001")
        path = path.replace("{tenant}", "default").replace("{hierarchy}", "csms")
        status = site.stranger.request(method, path, json={}).status_code
        assert (status == 401) == (not path.endswith(("/ocsp", "/crl"))), (method, path, status)
