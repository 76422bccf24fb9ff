"""Block C, contracts: cars that say themselves who pays (ISO 15118)."""

import itertools
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from conformance import papers
from conformance.ocpp2.states import new_token
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

BOTH = ("2.0.1", "2.1")
RESPONDER = "https://ocsp.example"


@dataclass
class Contract:
    """A contract of the operator's own."""

    emaid: str
    chain: str
    root: x509.Certificate

    def ask(self) -> Payload:
        """An Authorize without a certificate."""
        return {"idToken": {"idToken": self.emaid, "type": "eMAID"}}

    def by_hashes(self) -> Payload:
        """An Authorize of a station that has checked the chain itself."""
        chain = [*papers.loaded(self.chain), self.root]
        rows = [hash_data(lower, upper) for lower, upper in itertools.pairwise(chain)]
        return self.ask() | {"iso15118CertificateHashData": rows}

    def by_chain(self) -> Payload:
        """An Authorize of a station that leaves it to the server."""
        return self.ask() | {"certificate": self.chain}


def hash_data(lower: x509.Certificate, upper: x509.Certificate) -> Payload:
    """OCSPRequestData of a certificate."""
    point = upper.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)  # type: ignore[call-arg]
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": sha256(lower.issuer.public_bytes()),
        "issuerKeyHash": sha256(point),
        "serialNumber": format(lower.serial_number, "x"),
        "responderURL": RESPONDER,
    }


def sha256(content: bytes) -> str:
    """Hex."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(content)
    return digest.finalize().hex()


async def contract(scene: Scene) -> Contract:
    """Have the operator make a contract, and let its eMAID charge."""
    await scene.booted()
    number = scene.station.identity.removeprefix("CASE-").zfill(9)[-9:]
    emaid = f"DESUN{number}"
    made = await scene.operator.post("/api/contracts", {"emaid": emaid, "provisioning": f"PCID{number}"})
    await new_token(scene, emaid, kind="eMAID")
    place = scene.node.folder / "pki" / "default" / "mo" / "root-1.pem"
    return Contract(emaid, made["chain"], x509.load_pem_x509_certificate(place.read_bytes()))


async def answered(scene: Scene, payload: Payload, status: str, certificate: str | None) -> None:
    """Fail unless the answer has this status of the token and this one of the certificate."""
    answer: dict[str, Any] = await scene.station.call("Authorize", payload)
    assert (answer["idTokenInfo"]["status"], answer.get("certificateStatus")) == (status, certificate), answer


@case("TC_C_50_CSMS", *BOTH, basis="C07.FR.04, .14 of the errata; schema of Authorize: iso15118CertificateHashData")
async def checked_by_the_station(scene: Scene) -> None:
    own = await contract(scene)
    await answered(scene, own.by_hashes(), "Accepted", "Accepted")


@case("TC_C_51_CSMS", *BOTH, basis="C07.FR.13, .14, .16, .17 of the errata; schema of Authorize")
async def checked_by_the_station_and_refused(scene: Scene) -> None:
    own = await contract(scene)
    # Nobody knows this certificate (C07.FR.17).
    strange = own.by_hashes()
    strange["iso15118CertificateHashData"][0]["serialNumber"] = "4711"
    await answered(scene, strange, "Invalid", "CertChainError")
    # The certificate is good, but its contract is not (C07.FR.13, FR.14).
    for wish, status in (("blocked", "Blocked"), ("expired", "Expired"), ("invalid", "Invalid")):
        await new_token(scene, own.emaid, kind="eMAID", status=wish)
        await answered(scene, own.by_hashes(), status, "ContractCancelled")
    elsewhere = {"stations": ["ELSEWHERE"]}
    await new_token(scene, own.emaid, kind="eMAID", limits=elsewhere)
    await answered(scene, own.by_hashes(), "NotAtThisLocation", "Accepted")
    # It is revoked (C07.FR.16).
    await new_token(scene, own.emaid, kind="eMAID")
    await scene.operator.post(f"/api/contracts/{own.emaid}/cancel")
    await answered(scene, own.by_hashes(), "Invalid", "CertificateRevoked")


@case("TC_C_52_CSMS", *BOTH, basis="C07.FR.04, .06, .14, .17 of the errata; schema of Authorize: certificate")
async def checked_here(scene: Scene) -> None:
    own = await contract(scene)
    await answered(scene, own.by_chain(), "Accepted", "Accepted")
    # The bad side: a chain of somebody else's root, and one of another contract.
    key = papers.new_key()
    other = papers.certificate(key, own.emaid)
    await answered(scene, own.ask() | {"certificate": papers.pem(other)}, "Invalid", "CertChainError")
    stolen = f"{own.emaid[:5]}999999999"
    await new_token(scene, stolen, kind="eMAID")
    payload = own.by_chain() | {"idToken": {"idToken": stolen, "type": "eMAID"}}
    await answered(scene, payload, "Invalid", "CertChainError")
