"""A mobility operator of the node's own: contracts for cars under its own root. Implements `ContractProvider`.

It makes real contract chains and seals the contract's private key for the car's provisioning certificate as ISO 15118-2
wants ([V2G2-815] to [V2G2-818]). What it does not have is an EXI codec: `Messages` is the port for one. The one here
reads and writes the same messages as XML text, unsigned, for tests and simulated cars.
"""

import asyncio
import base64
import json
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from xml.etree import ElementTree

from cryptography import x509
from cryptography.hazmat.primitives import hashes as digests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sunpile.basics.errors import Conflict, InputInvalid, NotFound
from sunpile.basics.ports import Clock
from sunpile.basics.secret_files import write_private
from sunpile.chargers.certificates import hashes, names
from sunpile.chargers.certificates.contracts import EvCertificate, EvCertificateAsked
from sunpile.chargers.certificates.hierarchy import Hierarchy, key_usage
from sunpile.chargers.certificates.ports import TrustStore

CONTRACT_LIFE_S = 2 * 365 * 86_400
EMAID = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[A-Z0-9]{9}")
NAMESPACE = "urn:iso:15118:2:2013:MsgBody"


@dataclass(frozen=True, slots=True)
class CarRequest:
    """What a car asks, read from its message."""

    action: str
    """Install or Update."""
    emaid: str
    """The contract to renew; empty with Install."""
    certificate: bytes
    """DER: the provisioning certificate (Install), or the contract certificate (Update)."""


@dataclass(frozen=True, slots=True)
class CarAnswer:
    """What it is given."""

    emaid: str
    """The contract."""
    chain: tuple[bytes, ...]
    """DER, leaf first, without the root."""
    sealed_key: bytes
    """The contract's private key for this car alone: IV and AES-CBC-128 of it."""
    public: bytes
    """Our half of the key agreement: an uncompressed point."""


class Messages(Protocol):
    """Reads a car's message and writes the answer in its ISO 15118 version: where an EXI codec goes."""

    def read(self, asked: EvCertificateAsked) -> CarRequest: ...
    def write(self, asked: EvCertificateAsked, answer: CarAnswer) -> bytes: ...


class LocalContracts:
    """Contracts in the node's folder: for each one file of mode 0600."""

    def __init__(
        self,
        folder: Path,
        operator: Callable[[str], str],
        clock: Clock,
        messages: "Messages | None" = None,
        password: bytes | None = None,
        trust: TrustStore | None = None,
    ) -> None:
        """`trust`: where chains are remembered, so that stations may ask about them by hash data."""
        self._folder, self._operator, self._clock, self._trust = folder, operator, clock, trust
        self._messages, self._password = messages or XmlMessages(), password
        self._open: dict[str, Hierarchy] = {}

    async def issue(self, tenant: str, emaid: str, provisioning: str) -> str:
        """A contract for the car with the provisioning certificate id (PCID); returns its chain, PEM.

        Raises
        ------
        InputInvalid
            if the eMAID is malformed.
        Conflict
            if the contract exists.
        """
        bare = names.emaid(emaid)
        if not EMAID.fullmatch(bare):
            raise InputInvalid("an eMAID has a country, a provider of 3 and an instance of 9 letters or digits")
        found = await self._hierarchy(tenant)
        chain = await asyncio.to_thread(self._make, tenant, found, bare, provisioning)
        if self._trust is not None:
            leaf = names.pem(names.load_chain(chain)[0])
            issuer = names.pem(found.issuer)
            await self._trust.remember(tenant, [(leaf, issuer), (issuer, found.root_pem)], self._clock.now())
        return chain

    async def cancel(self, tenant: str, emaid: str) -> None:
        """Revoke a contract's certificate.

        Raises
        ------
        NotFound
            if there is no such contract.
        """
        self._contract(tenant, names.emaid(emaid))
        (self._place(tenant) / f"{names.emaid(emaid)}.revoked").touch(mode=0o600)

    async def roots(self, tenant: str) -> Sequence[str]:
        """See `ContractProvider.roots`."""
        found = await self._hierarchy(tenant)
        return [found.root_pem, *(names.pem(root) for root in found.roots)]

    async def revoked(self, tenant: str, serial: str, issuer: str) -> bool | None:
        """See `ContractProvider.revoked`."""
        found = await self._hierarchy(tenant)
        if issuer == hashes.fingerprint(found.root):
            return False
        if issuer not in [hashes.fingerprint(signer.certificate) for signer in found.signers]:
            return None
        for path in self._place(tenant).glob("*.json"):
            leaf = names.load_pem(json.loads(path.read_text())["chain"])
            if hashes.serial_text(leaf) == serial:
                return path.with_suffix(".revoked").exists()
        return True  # Its issuer never made it, or forgot it.

    async def ev_certificate(self, tenant: str, asked: EvCertificateAsked) -> EvCertificate:
        """See `ContractProvider.ev_certificate`."""
        car = self._messages.read(asked)
        try:
            shown = x509.load_der_x509_certificate(car.certificate)
            name, key = names.common_name(shown.subject), shown.public_key()
        except ValueError as fault:
            raise InputInvalid("the car's certificate cannot be read") from fault
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise InputInvalid("the car's key is not on the curve P-256, on which ISO 15118-2 seals a contract's key")
        contract = self._by_provisioning(tenant, name) if car.action == "Install" else self._contract(tenant, car.emaid)
        if car.action == "Update" and shown != names.load_pem(contract["chain"]):
            raise NotFound("the car does not show the certificate of the contract it wants renewed")
        if (self._place(tenant) / f"{contract['emaid']}.revoked").exists():
            raise NotFound("the contract is cancelled")
        sealed, public = seal(int(contract["key"], 16), key)
        der = tuple(one.public_bytes(Encoding.DER) for one in names.load_chain(contract["chain"]))
        return EvCertificate(self._messages.write(asked, CarAnswer(contract["emaid"], der, sealed, public)))

    def _make(self, tenant: str, found: Hierarchy, emaid: str, provisioning: str) -> str:
        now, key = self._clock.now(), ec.generate_private_key(ec.SECP256R1())
        builder = (
            found.builder(names.subject(self._operator(tenant), emaid), key.public_key(), now)
            .not_valid_after(datetime.fromtimestamp(now + CONTRACT_LIFE_S, UTC))
            .add_extension(key_usage(digital_signature=True, key_agreement=True), critical=True)
        )
        chain = names.pem(found.sign(builder)) + found.above
        secret = key.private_numbers().private_value
        content = {"emaid": emaid, "provisioning": provisioning, "chain": chain, "key": format(secret, "064x")}
        try:
            write_private(self._place(tenant) / f"{emaid}.json", json.dumps(content).encode())
        except FileExistsError as fault:
            raise Conflict(f"there is a contract {emaid} already") from fault
        return chain

    async def _hierarchy(self, tenant: str) -> Hierarchy:
        if tenant not in self._open:
            folder = self._folder / Hierarchy.place(tenant) / "mo"
            operator, now = self._operator(tenant), self._clock.now()
            self._open[tenant] = await asyncio.to_thread(
                Hierarchy.open, folder, "ecdsa", operator, "mo", self._password, now
            )
        return self._open[tenant]

    def _place(self, tenant: str) -> Path:
        return self._folder / Hierarchy.place(tenant) / "contracts"

    def _contract(self, tenant: str, emaid: str) -> dict[str, Any]:
        path = self._place(tenant) / f"{emaid}.json"
        if not EMAID.fullmatch(emaid) or not path.exists():
            raise NotFound("there is no such contract")
        return json.loads(path.read_text())

    def _by_provisioning(self, tenant: str, provisioning: str) -> dict[str, Any]:
        for path in sorted(self._place(tenant).glob("*.json")):
            contract = json.loads(path.read_text())
            if contract["provisioning"] == provisioning:
                return contract
        raise NotFound(f"there is no contract for the car {provisioning}")


def seal(secret: int, car: ec.EllipticCurvePublicKey) -> tuple[bytes, bytes]:
    """A contract's private key so that only the car with that key can open it, and our half of the agreement."""
    ours, iv = ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(16)
    cipher = Cipher(algorithms.AES128(session_key(ours, car)), modes.CBC(iv)).encryptor()
    sealed = iv + cipher.update(secret.to_bytes(32, "big")) + cipher.finalize()
    return sealed, ours.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def session_key(ours: ec.EllipticCurvePrivateKey, theirs: ec.EllipticCurvePublicKey) -> bytes:
    """The key both sides derive: ECDH, then the concatenation KDF with algorithm 1, party U and party V."""
    return ConcatKDFHash(digests.SHA256(), 16, b"\x01UV").derive(ours.exchange(ec.ECDH(), theirs))


class XmlMessages:
    """`Messages` as XML text, for simulated cars."""

    def read(self, asked: EvCertificateAsked) -> CarRequest:
        """See `Messages.read`."""
        if asked.message[:1] == b"\x80":
            raise InputInvalid("the car's request is EXI, for which this node has no codec; set a contract provider")
        if b"<!" in asked.message or not asked.message.strip().startswith(b"<"):
            raise InputInvalid("the car's request is no XML message")
        try:
            root = ElementTree.fromstring(asked.message)
            found = {element.tag.rpartition("}")[2]: element.text or "" for element in root.iter()}
            field = "OEMProvisioningCert" if asked.action == "Install" else "Certificate"
            certificate = base64.b64decode(found[field], validate=True)
        except (ElementTree.ParseError, KeyError, ValueError) as fault:
            raise InputInvalid("the car's request holds no certificate") from fault
        return CarRequest(asked.action, names.emaid(found.get("eMAID", "")), certificate)

    def write(self, asked: EvCertificateAsked, answer: CarAnswer) -> bytes:
        """See `Messages.write`."""
        kind = "CertificateInstallationRes" if asked.action == "Install" else "CertificateUpdateRes"
        root = ElementTree.Element(kind, {"xmlns": NAMESPACE})
        ElementTree.SubElement(root, "ResponseCode").text = "OK"
        chain = ElementTree.SubElement(root, "ContractSignatureCertChain")
        ElementTree.SubElement(chain, "Certificate").text = base64.b64encode(answer.chain[0]).decode()
        for one in answer.chain[1:]:
            ElementTree.SubElement(chain, "SubCertificate").text = base64.b64encode(one).decode()
        for name, value in (
            ("ContractSignatureEncryptedPrivateKey", answer.sealed_key),
            ("DHpublickey", answer.public),
        ):
            ElementTree.SubElement(root, name).text = base64.b64encode(value).decode()
        ElementTree.SubElement(root, "eMAID").text = answer.emaid
        return ElementTree.tostring(root)
