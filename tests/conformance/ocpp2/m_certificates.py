"""Certificates on stations, their state, and contracts of cars (block M)."""

import asyncio
import base64
import itertools
import re
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp

from conformance import papers
from conformance.ocpp2.a_doors import serial_of
from conformance.ocpp2.states import operate, refused
from conformance.ocpp16.acts import done, rejected
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

BOTH = ("2.0.1", "2.1")
ALGORITHMS: dict[str, hashes.HashAlgorithm] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}
_cars = itertools.count(1)


def hash_of(certificate: x509.Certificate, issuer: x509.Certificate, algorithm: str = "SHA256") -> dict[str, str]:
    """CertificateHashData of a certificate."""

    def digest(content: bytes) -> str:
        made = hashes.Hash(ALGORITHMS[algorithm])
        made.update(content)
        return made.finalize().hex()

    point = issuer.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)  # type: ignore[call-arg]
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": digest(certificate.issuer.public_bytes()),
        "issuerKeyHash": digest(point),
        "serialNumber": format(certificate.serial_number, "x"),
    }


async def staff(scene: Scene, action: str, path: str, body: Any, answer: Payload) -> tuple[Payload, Any]:
    """Have the operator use a route of the station; what the server sent, and what the operator sees."""
    asking = asyncio.create_task(
        scene.operator.post(f"/api/stations/{scene.station.identity}/certificates/{path}", body)
    )
    wanted = asyncio.create_task(scene.station.expect(action))
    await asyncio.wait({asking, wanted}, return_when=asyncio.FIRST_COMPLETED)
    assert wanted.done(), f"the server asked nothing: {await asking}"
    request = await wanted
    await request.answer(answer)
    return request.payload, await asking


def new_root(name: str) -> x509.Certificate:
    """A root of somebody's."""
    return papers.certificate(papers.new_key(), name)


# -- installing -------------------------------------------------------------------------------------------------------


async def install(scene: Scene, kind: str, root: x509.Certificate, status: str = "Accepted") -> None:
    """CertificateInstalled: the server must send exactly this certificate; the operator sees the answer."""
    body = {"kind": kind, "pem": papers.pem(root)}
    sent, seen = await staff(scene, "InstallCertificate", "install", body, {"status": status})
    assert sent == {"certificateType": kind, "certificate": papers.pem(root)}
    assert (seen["status"], seen["accepted"]) == (status, status == "Accepted"), seen


@case("TC_M_01_CSMS", *BOTH, basis="part 6")
async def install_csms_root(scene: Scene) -> None:
    await scene.booted()
    # The root by which the station is to know us.
    text = await scene.operator.text("/api/authority/root.pem")
    await install(scene, "CSMSRootCertificate", papers.loaded(text)[0])


@case("TC_M_02_CSMS", *BOTH, basis="part 6")
async def install_manufacturer_root(scene: Scene) -> None:
    await scene.booted()
    await install(scene, "ManufacturerRootCertificate", new_root("Maker"))


@case("TC_M_03_CSMS", *BOTH, basis="M05; schema of InstallCertificate")
async def install_v2g_root(scene: Scene) -> None:
    await scene.booted()
    await install(scene, "V2GRootCertificate", new_root("V2G"))


@case("TC_M_04_CSMS", *BOTH, basis="M05; schema of InstallCertificate")
async def install_mo_root(scene: Scene) -> None:
    await scene.booted()
    await install(scene, "MORootCertificate", new_root("MO"))


@case("TC_M_101_CSMS", "2.1", basis="M05 of 2.1; schema of InstallCertificate")
async def install_oem_root(scene: Scene) -> None:
    await scene.booted()
    await install(scene, "OEMRootCertificate", new_root("OEM"))


@case("TC_M_05_CSMS", *BOTH, basis="part 6")
async def install_failed(scene: Scene) -> None:
    await scene.booted()
    await install(scene, "CSMSRootCertificate", new_root("Lost"), "Failed")
    await install(scene, "CSMSRootCertificate", new_root("Lost"), "Rejected")
    # What is no root, or no certificate at all, is not even sent.
    key = papers.new_key()
    root = papers.certificate(key, "Root")
    leaf = papers.certificate(papers.new_key(), "Leaf", root, key)
    path = f"/api/stations/{scene.station.identity}/certificates/install"
    for pem in (papers.pem(leaf), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        body = {"kind": "CSMSRootCertificate", "pem": pem}
        assert (await refused(scene.operator.post(path, body))).status == 400
    assert [name for name, _ in scene.station.heard].count("InstallCertificate") == 2


# -- reading ----------------------------------------------------------------------------------------------------------


def chain_row(kind: str, algorithm: str = "SHA256", root: x509.Certificate | None = None) -> Payload:
    """One certificate a station has; a V2G chain with one below it."""
    root = root or new_root(kind)
    row: Payload = {"certificateType": kind, "certificateHashData": hash_of(root, root, algorithm)}
    if kind == "V2GCertificateChain":
        row["childCertificateHashData"] = [hash_of(new_root("Sub"), root, algorithm)]
    return row


async def installed(scene: Scene, *kinds: str, answer: list[Payload] | None = None) -> dict[str, Any]:
    """GetInstalledCertificates: the server must ask for exactly these kinds; what the operator sees."""
    found = {"status": "Accepted", "certificateHashDataChain": answer} if answer else {"status": "NotFound"}
    wish = {"kinds": list(kinds)} if kinds else {}
    sent, told = await operate(scene, "get-installed-certificates", "GetInstalledCertificateIds", found, **wish)
    assert sent == ({"certificateType": list(kinds)} if kinds else {})
    return told


async def of_kinds(scene: Scene, *kinds: str) -> None:
    """The operator asks for certificates of these kinds, and sees them."""
    await scene.booted()
    answer = [chain_row(kind) for kind in kinds]
    told = await installed(scene, *kinds, answer=answer)
    done(told)
    assert told["data"]["certificateHashDataChain"] == answer


READ = "M03; schema of GetInstalledCertificateIds"


@case("TC_M_12_CSMS", *BOTH, basis=READ)
async def csms_roots(scene: Scene) -> None:
    await of_kinds(scene, "CSMSRootCertificate")


@case("TC_M_13_CSMS", *BOTH, basis="part 6")
async def manufacturer_roots(scene: Scene) -> None:
    await of_kinds(scene, "ManufacturerRootCertificate")


@case("TC_M_14_CSMS", *BOTH, basis=READ)
async def v2g_roots(scene: Scene) -> None:
    await of_kinds(scene, "V2GRootCertificate")


@case("TC_M_15_CSMS", *BOTH, basis=READ)
async def v2g_chains(scene: Scene) -> None:
    await of_kinds(scene, "V2GCertificateChain")


@case("TC_M_16_CSMS", *BOTH, basis=READ)
async def mo_roots(scene: Scene) -> None:
    await of_kinds(scene, "MORootCertificate")


@case("TC_M_17_CSMS", *BOTH, basis=READ)
async def two_kinds(scene: Scene) -> None:
    await of_kinds(scene, "CSMSRootCertificate", "ManufacturerRootCertificate")


KINDS = (
    "V2GRootCertificate",
    "MORootCertificate",
    "CSMSRootCertificate",
    "V2GCertificateChain",
    "ManufacturerRootCertificate",
)


@case("TC_M_18_CSMS", *BOTH, basis="part 6")
async def all_kinds(scene: Scene) -> None:
    await scene.booted()
    answer = [chain_row(kind) for kind in KINDS]
    told = await installed(scene, answer=answer)
    done(told)
    assert told["data"]["certificateHashDataChain"] == answer
    # The same beside what should be there: the operator's own root is, the others nobody knows.
    own = papers.loaded(await scene.operator.text("/api/authority/root.pem"))[0]
    answer[2] = chain_row("CSMSRootCertificate", root=own)
    found = {"status": "Accepted", "certificateHashDataChain": answer}
    sent, seen = await staff(scene, "GetInstalledCertificateIds", "list", None, found)
    assert sent == {}
    known = [row["kind"] for row in seen["installed"] if row["fingerprint"]]
    assert known == ["CSMSRootCertificate"]
    assert len(seen["installed"]) == 6
    assert seen["strange"] == 5


@case("TC_M_19_CSMS", *BOTH, basis="part 6")
async def none_found(scene: Scene) -> None:
    await scene.booted()
    told = await installed(scene, "ManufacturerRootCertificate")
    rejected(told, "NotFound")
    assert told["data"] is None


# -- deleting ---------------------------------------------------------------------------------------------------------


async def delete(scene: Scene, algorithm: str, status: str) -> None:
    """Installed, read back, deleted by the hash data the station gave, as it gave it."""
    root = new_root("Old")
    await install(scene, "CSMSRootCertificate", root)
    row = chain_row("CSMSRootCertificate", algorithm, root)
    told = await installed(scene, "CSMSRootCertificate", answer=[row])
    data = told["data"]["certificateHashDataChain"][0]["certificateHashData"]
    assert data == row["certificateHashData"]
    sent, seen = await staff(scene, "DeleteCertificate", "delete", data, {"status": status})
    assert sent == {"certificateHashData": row["certificateHashData"]}
    assert (seen["status"], seen["accepted"]) == (status, status == "Accepted")


@case("TC_M_20_CSMS", *BOTH, basis="part 6")
async def delete_a_certificate(scene: Scene) -> None:
    await scene.booted()
    for algorithm in ALGORITHMS:
        await delete(scene, algorithm, "Accepted")
    # Some stations write hashes in capitals: they get them back as they wrote them.
    data = {name: value.upper() for name, value in chain_row("CSMSRootCertificate")["certificateHashData"].items()}
    sent, _ = await staff(scene, "DeleteCertificate", "delete", data, {"status": "Accepted"})
    assert sent == {"certificateHashData": data}
    # The root by which the station knows us goes only if the operator is sure.
    own = papers.loaded(await scene.operator.text("/api/authority/root.pem"))[0]
    path = f"/api/stations/{scene.station.identity}/certificates/delete"
    assert (await refused(scene.operator.post(path, hash_of(own, own)))).status == 409


@case("TC_M_21_CSMS", *BOTH, basis="part 6")
async def delete_failed(scene: Scene) -> None:
    await scene.booted()
    await delete(scene, "SHA256", "Failed")
    await delete(scene, "SHA256", "NotFound")


# -- the state of certificates ----------------------------------------------------------------------------------------


@case("TC_M_24_CSMS", *BOTH, basis="M06; schema of GetCertificateStatus; RFC 6960")
async def certificate_status(scene: Scene) -> None:
    await scene.booted()
    key = papers.new_key()
    body = {"csr": papers.request(key, serial_of(scene.station.identity)), "use": "V2GCertificate"}
    path = f"/api/stations/{scene.station.identity}/certificates/sign"
    made = await scene.operator.post(path, body)
    leaf, issuer = papers.loaded(made["chain"])[:2]
    asked = {"ocspRequestData": hash_of(leaf, issuer) | {"responderURL": responder(leaf)}}
    for word in (ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED):
        answer = await scene.station.call("GetCertificateStatus", asked)
        assert answer["status"] == "Accepted", answer
        told = ocsp.load_der_ocsp_response(base64.b64decode(answer["ocspResult"]))
        assert told.response_status == ocsp.OCSPResponseStatus.SUCCESSFUL
        assert (told.serial_number, told.certificate_status) == (leaf.serial_number, word)
        await scene.operator.post(f"/api/certificates/{made['fingerprint']}/revoke", {"reason": "superseded"})
    # Of a certificate nobody knows there is nothing to be said.
    stranger = new_root("Stranger")
    asked = {"ocspRequestData": hash_of(stranger, stranger) | {"responderURL": "http://ocsp.example"}}
    answer = await scene.station.call("GetCertificateStatus", asked)
    assert answer["status"] == "Failed"
    assert "ocspResult" not in answer


def responder(leaf: x509.Certificate) -> str:
    """The OCSP responder a certificate names, or any."""
    try:
        found = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return "http://ocsp.example"
    return next((str(one.access_location.value) for one in found), "http://ocsp.example")


# -- contracts of cars ------------------------------------------------------------------------------------------------

CONTRACT = "schema of Get15118EVCertificate; the car's message as XML in place of EXI"
SCHEMA_2, SCHEMA_20 = "urn:iso:15118:2:2013:MsgDef", "urn:iso:std:iso:15118:-20:CommonMessages"


async def new_contract(scene: Scene) -> tuple[str, str, str]:
    """A contract the operator made; eMAID, provisioning id, chain."""
    number = next(_cars)
    stamp = int(datetime.now().timestamp() * 10) % 100_000
    emaid, car = f"NLSUNC{stamp:05d}{number:03d}", f"PCID{stamp}{number}"
    made = await scene.operator.post("/api/contracts", {"emaid": emaid, "provisioning": car})
    return emaid, car, made["chain"]


def message(**fields: str) -> str:
    """A car's message, base64."""
    text = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return base64.b64encode(f"<Body>{text}</Body>".encode()).decode()


def der(certificate: x509.Certificate) -> str:
    """A certificate in a car's message."""
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


async def ev_certificate(scene: Scene, action: str, exi: str, **more: Any) -> Payload:
    """A car asks through its station; the server's answer."""
    payload = {"iso15118SchemaVersion": SCHEMA_2, "action": action, "exiRequest": exi} | more
    return await scene.station.call("Get15118EVCertificate", payload)


def brings(answer: Payload, emaid: str, chain: str) -> None:
    """Fail unless the answer holds this contract and its certificate."""
    assert answer["status"] == "Accepted", answer
    text = base64.b64decode(answer["exiResponse"]).decode()
    assert re.findall(r"<eMAID>([^<]*)<", text) == [emaid]
    assert der(papers.loaded(chain)[0]) in text


@case("TC_M_26_CSMS", *BOTH, basis="M01; " + CONTRACT)
async def contract_installed(scene: Scene) -> None:
    await scene.booted()
    emaid, car, chain = await new_contract(scene)
    key = papers.new_key()
    exi = message(OEMProvisioningCert=der(papers.certificate(key, car)))
    brings(await ev_certificate(scene, "Install", exi), emaid, chain)
    await no_contract(scene)


async def no_contract(scene: Scene) -> None:
    """Cars without a contract, and messages that are none, get nothing."""
    stranger = message(OEMProvisioningCert=der(papers.certificate(papers.new_key(), "NOBODY")))
    for exi in (stranger, base64.b64encode(b"\x80\x9a\x02").decode(), "no base64"):
        answer = await ev_certificate(scene, "Install", exi)
        assert (answer["status"], answer["exiResponse"]) == ("Failed", "")


@case("TC_M_28_CSMS", *BOTH, basis="M02; " + CONTRACT)
async def contract_updated(scene: Scene) -> None:
    await scene.booted()
    emaid, _, chain = await new_contract(scene)
    exi = message(Certificate=der(papers.loaded(chain)[0]), eMAID=emaid)
    brings(await ev_certificate(scene, "Update", exi), emaid, chain)
    # Not with another's certificate, and not once it is cancelled.
    other = message(Certificate=der(papers.certificate(papers.new_key(), emaid)), eMAID=emaid)
    assert (await ev_certificate(scene, "Update", other))["status"] == "Failed"
    await scene.operator.post(f"/api/contracts/{emaid}/cancel")
    assert (await ev_certificate(scene, "Update", exi))["status"] == "Failed"


@case("TC_M_100_CSMS", "2.1", basis="M01 of 2.1; " + CONTRACT)
async def contract_installed_20(scene: Scene) -> None:
    await scene.booted()
    emaid, car, chain = await new_contract(scene)
    exi = message(OEMProvisioningCert=der(papers.certificate(papers.new_key(), car)))
    more = {"iso15118SchemaVersion": SCHEMA_20, "maximumContractCertificateChains": 2, "prioritizedEMAIDs": [emaid]}
    answer = await ev_certificate(scene, "Install", exi, **more)
    brings(answer, emaid, chain)
    assert answer["remainingContracts"] == 0
    await no_contract(scene)
