"""Plug and charge: a contract's chain, its revocation and its eMAID decide; a car gets its key sealed for it."""

import base64
from xml.etree import ElementTree

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding

from chargers.certificates.fakes import STATION, House
from chargers.certificates.people import NOW, certificate, new_key, pem
from sunpile.basics.errors import Conflict, InputInvalid, NotFound
from sunpile.basics.ids import IdToken
from sunpile.chargers.certificates.hashes import hash_data
from sunpile.chargers.certificates.local_contracts import session_key
from sunpile.chargers.certificates.names import emaid, load_chain, load_pem
from sunpile.chargers.certificates.ports import Root
from sunpile.chargers.events import Authorisation
from sunpile.chargers.notices import AuthorisationAsked, Question

EMAID = "DE-SUN-C00000001"
BARE = "DESUNC00000001"


async def answer(house: House, chain: str | None, token: str, hashes=(), own="Accepted") -> Authorisation:
    asked = AuthorisationAsked(STATION, IdToken(token), "eMAID", chain, tuple(hashes))
    return await house.desk.authorise_contract(asked, Authorisation(own, parent="G1"))


async def status(house: House, chain: str | None = None, token: str = BARE, hashes=()) -> str | None:
    return (await answer(house, chain, token, hashes)).certificate_status


async def test_a_contract_of_the_local_operator_is_accepted_in_any_spelling_of_its_emaid(house: House) -> None:
    chain = await house.provider.issue("default", EMAID, "PCID1")
    assert await status(house, chain) == "Accepted"
    assert await status(house, chain, "de-sun-c00000001-x") == "Accepted"
    assert await status(house) is None
    assert emaid("DE*SUN*C00000001") == emaid("DESUNC000000014") == BARE


async def test_the_contracts_state_decides_after_the_chain(house: House) -> None:
    chain = await house.provider.issue("default", EMAID, "PCID1")
    for word in ("Blocked", "Expired", "Invalid", "Unknown"):
        said = await answer(house, chain, BARE, own=word)
        assert (said.status, said.certificate_status) == (word, "ContractCancelled")
    said = await answer(house, chain, BARE, own="ConcurrentTx")
    assert (said.status, said.certificate_status) == ("ConcurrentTx", "Accepted"), "C07.FR.14"


async def test_a_good_token_with_a_bad_certificate_is_no_good_and_says_nothing_else(house: House) -> None:
    chain = await house.provider.issue("default", EMAID, "PCID1")
    assert await answer(house, "junk", BARE) == Authorisation("Invalid", certificate_status="CertChainError")
    house.clock.at = NOW + 3 * 365 * 86_400
    assert await answer(house, chain, BARE) == Authorisation("Expired", certificate_status="CertificateExpired")
    assert await answer(house, None, BARE) == Authorisation("Accepted", parent="G1")


async def test_time_revocation_and_a_foreign_root_are_told_apart(house: House) -> None:
    chain = await house.provider.issue("default", EMAID, "PCID1")
    house.clock.at = NOW + 3 * 365 * 86_400
    assert await status(house, chain) == "CertificateExpired"
    house.clock.at = NOW
    await house.provider.cancel("default", EMAID)
    assert await status(house, chain) == "CertificateRevoked"
    root, key = certificate("Stranger", ca=True)
    leaf, _ = certificate(BARE, issuer=root, issuer_key=key)
    assert await status(house, pem(leaf)) == "CertChainError"
    assert await status(house, "no chain") == "CertChainError"
    house.store.roots_.append(("other", Root("MORootCertificate", "f", pem(root), True, 0)))
    assert await status(house, pem(leaf)) == "CertChainError", "another tenant's trust is not ours"
    house.store.roots_.append(("default", Root("MORootCertificate", "f", pem(root), True, 0)))
    assert await status(house, pem(leaf)) == "Accepted"


async def test_a_tampered_chain_or_one_of_another_contract_is_not_accepted(house: House) -> None:
    chain = await house.provider.issue("default", EMAID, "PCID1")
    assert await status(house, chain, "DESUNC00000002") == "CertChainError"
    leaf, issuer = load_chain(chain)
    der = bytearray(leaf.public_bytes(Encoding.DER))
    der[der.index(BARE.encode()) + 13] = ord("9")
    forged = "-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(bytes(der)).decode() + "-----END CERTIFICATE-----\n"
    assert load_pem(forged).subject != leaf.subject
    assert await status(house, forged + pem(issuer), "DESUNC00000009") == "CertChainError"
    assert await status(house, pem(leaf)) == "CertChainError", "its intermediate is missing"


async def test_by_hash_data_only_what_is_known_and_good_is_accepted(house: House) -> None:
    leaf, issuer = load_chain(await house.provider.issue("default", EMAID, "PCID1"))
    root = load_pem((await house.provider.roots("default"))[0])
    given = [hash_data(leaf, issuer) | {"responderURL": "http://127.0.0.1/"}, hash_data(issuer, root)]
    assert await status(house, hashes=given) == "Accepted"
    await house.provider.cancel("default", EMAID)
    assert await status(house, hashes=given) == "CertificateRevoked"
    assert await status(house, hashes=[given[0] | {"serialNumber": "abc"}]) == "CertChainError"
    assert await status(house, hashes=[hash_data(leaf, root)]) == "CertChainError"
    assert await status(house, hashes=[{"hashAlgorithm": "MD5"}]) == "CertChainError"
    assert house.fetches.urls == []


async def test_a_chain_that_names_a_responder_is_only_as_good_as_its_word(house: House) -> None:
    root, key = certificate("MO Root", ca=True)
    house.store.roots_.append(("default", Root("MORootCertificate", "f", pem(root), True, 0)))
    leaf, _ = certificate(BARE, issuer=root, issuer_key=key, ocsp_url="http://ocsp.example/")
    assert await status(house, pem(leaf)) == "CertChainError"
    from chargers.certificates.test_status import answer_by

    house.clock.at += 61
    der = answer_by(key, leaf, root).public_bytes(Encoding.DER)
    house.fetches.answers["http://ocsp.example/"] = lambda body: der
    assert await status(house, pem(leaf)) == "Accepted"


# -- a car's certificate ------------------------------------------------------------------------------------------


def car_message(kind: str, certificate_der: bytes, emaid: str = "") -> str:
    text = f"<{kind}><eMAID>{emaid}</eMAID>"
    field = "OEMProvisioningCert" if kind == "CertificateInstallationReq" else "Certificate"
    text += f"<{field}>{base64.b64encode(certificate_der).decode()}</{field}></{kind}>"
    return base64.b64encode(text.encode()).decode()


async def ask(house: House, message: str, action: str = "Install", station: str = STATION):
    payload = {"iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": action, "exiRequest": message}
    return await house.desk.asked(Question(station, "Get15118EVCertificate", payload))


async def test_a_car_gets_its_contract_sealed_so_that_only_it_can_open_the_key(house: House) -> None:
    chain = await house.provider.issue("default", EMAID, "PCID1")
    car_key = new_key()
    provisioning, _ = certificate("PCID1", key=car_key)
    told = await ask(house, car_message("CertificateInstallationReq", provisioning.public_bytes(Encoding.DER)))
    assert told is not None
    assert told["status"] == "Accepted"
    found = ElementTree.fromstring(base64.b64decode(told["exiResponse"]))
    parts = {element.tag.rpartition("}")[2]: element.text or "" for element in found.iter()}
    assert parts["eMAID"] == BARE
    leaf = load_chain(chain)[0]
    assert base64.b64decode(parts["Certificate"]) == leaf.public_bytes(Encoding.DER)
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), base64.b64decode(parts["DHpublickey"]))
    sealed = base64.b64decode(parts["ContractSignatureEncryptedPrivateKey"])
    assert len(sealed) == 48
    opener = Cipher(algorithms.AES128(session_key(car_key, public)), modes.CBC(sealed[:16])).decryptor()
    secret = int.from_bytes(opener.update(sealed[16:]) + opener.finalize(), "big")
    assert ec.derive_private_key(secret, ec.SECP256R1()).public_key() == leaf.public_key()


async def test_a_car_renews_only_the_contract_whose_certificate_it_shows(house: House) -> None:
    leaf = load_chain(await house.provider.issue("default", EMAID, "PCID1"))[0]
    good = car_message("CertificateUpdateReq", leaf.public_bytes(Encoding.DER), EMAID)
    told = await ask(house, good, "Update", "CS-2")
    assert told is not None
    assert (told["status"], told["remainingContracts"]) == ("Accepted", 0)
    other, _ = certificate(BARE)
    bad = await ask(house, car_message("CertificateUpdateReq", other.public_bytes(Encoding.DER), EMAID), "Update")
    assert bad is not None
    assert bad["status"] == "Failed"
    await house.provider.cancel("default", EMAID)
    gone = await ask(house, good, "Update")
    assert gone is not None
    assert "cancelled" in gone["statusInfo"]["additionalInfo"]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("%%%", "base64"),
        (base64.b64encode(b"\x80\x98\x02").decode(), "codec"),
        (base64.b64encode(b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>").decode(), "XML"),
        (base64.b64encode(b"<a>").decode(), "certificate"),
    ],
)
async def test_a_request_that_cannot_be_read_fails_with_a_reason(house: House, message: str, why: str) -> None:
    told = await ask(house, message)
    assert told is not None
    assert (told["status"], told["exiResponse"]) == ("Failed", "")
    assert why in told["statusInfo"]["additionalInfo"]


async def test_contracts_are_per_tenant_and_once(house: House) -> None:
    await house.provider.issue("default", EMAID, "PCID1")
    with pytest.raises(Conflict):
        await house.provider.issue("default", EMAID, "PCID2")
    with pytest.raises(InputInvalid):
        await house.provider.issue("default", "../../x", "PCID2")
    with pytest.raises(NotFound):
        await house.provider.cancel("other", EMAID)
    provisioning, _ = certificate("PCID1")
    message = car_message("CertificateInstallationReq", provisioning.public_bytes(Encoding.DER))
    told = await ask(house, message, station="CS-X")
    assert told is not None
    assert told["status"] == "Failed"
