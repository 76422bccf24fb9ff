"""Signed meter values in the Open Charge Metering Format: `OCMF|<payload>|<signature>`, parsed and verified.

The signature is over the payload's text as it came, so that text is never written anew. A key that came with a value
is no proof: whoever forges a value sends a key that fits. Only the key registered for the EVSE counts.
Formats that are not OCMF (Alfen, EDL) are kept as they are and called unverified.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any, Literal, cast

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from sunpile.basics.errors import InputInvalid
from sunpile.basics.units import Wh

TEXT_MAX = 16_384
"""Longest signed text that is read [characters]."""
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)[,.](\d{1,6})\s?([+-]\d\d:?\d\d|Z) ?([UISR])?")
_CURVES: dict[str, ec.EllipticCurve] = {
    "secp192r1": ec.SECP192R1(),
    "secp256r1": ec.SECP256R1(),
    "secp256k1": ec.SECP256K1(),
    "secp384r1": ec.SECP384R1(),
    "secp521r1": ec.SECP521R1(),
    "brainpool256r1": ec.BrainpoolP256R1(),
    "brainpoolp256r1": ec.BrainpoolP256R1(),
    "brainpool256r11": ec.BrainpoolP256R1(),  # the format's own document once had it this way
    "brainpool384r1": ec.BrainpoolP384R1(),
    "brainpoolp384r1": ec.BrainpoolP384R1(),
}
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_INHERITED = ("TM", "TX", "RV", "RI", "RU", "RT", "ST")
"""A reading that leaves one of these out has that of the reading before it."""
Verdict = Literal["valid", "invalid", "no key", "unverified"]
"""`unverified`: not OCMF, or not readable; kept as it came."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of an OCMF record."""

    at: int
    """Time of the meter [Unix s]."""
    synchronised: bool
    """The meter's clock was set by a trusted source."""
    mark: str
    """TX: B begin, C charging, X exception, E end, L R A P other ends, S suspended, T tariff change."""
    register_milli: int
    """Register [mWh], rounded down."""
    register: str
    """RI: which register (OBIS code)."""
    good: bool
    """ST is G and no error flag touches energy."""


@dataclass(frozen=True, slots=True)
class Record:
    """A parsed OCMF text."""

    payload: str
    """What is signed, as it came."""
    readings: tuple[Reading, ...]
    """In the order of the record."""
    serial: str
    """Serial number of the meter (MS), or of the gateway."""
    page: str
    """PG: T or F and a number that rises."""
    token: str | None
    """ID of who charges, if it was assigned (IS)."""
    algorithm: str
    """SA."""
    signature: bytes
    """SD, decoded: DER."""


def text_of(data: str) -> str:
    """The text of signed data as a station sends it: plain, in base64 (OCPP 2.x) or in hex."""
    data = data.strip()
    if data.startswith("OCMF|") or len(data) > 2 * TEXT_MAX:
        return data
    for decode in (bytes.fromhex, _base64):
        try:
            text = decode(data).decode()
        except (ValueError, binascii.Error):
            continue
        if text.isprintable() or text.startswith("OCMF|") or text.lstrip().startswith("<"):
            return text
    return data


def is_ocmf(text: str) -> bool:
    """True if `text` says it is OCMF."""
    return text.startswith("OCMF|")


def parse(text: str) -> Record:
    """An OCMF text in parts.

    Raises
    ------
    InputInvalid
        if it is not OCMF, or a field is missing or of the wrong form.
    """
    if not is_ocmf(text) or len(text) > TEXT_MAX:
        raise InputInvalid("signed value: not an OCMF text of a reasonable length")
    payload, signature = _split(text)
    body, sign = _object(payload), _object(signature)
    readings = _readings(body.get("RD"))
    if not readings:
        raise InputInvalid("signed value: it has no reading")
    return Record(
        payload=payload,
        readings=readings,
        serial=str(body.get("MS") or body.get("GS") or ""),
        page=str(body.get("PG", "")),
        token=str(body["ID"]) if body.get("IS") is True and body.get("ID") else None,
        algorithm=str(sign.get("SA", "ECDSA-secp256r1-SHA256")),
        signature=_signature(sign),
    )


def _split(text: str) -> tuple[str, str]:
    """Payload and signature. A payload's strings may hold the separator, so the last one before a brace counts."""
    place = text.rfind("|{")
    payload = text[5:place].strip()
    if place <= 5 or not payload.startswith("{"):
        raise InputInvalid("signed value: it has no payload or no signature")
    return payload, text[place + 1 :].strip()


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as fault:
        raise InputInvalid("signed value: a part is not JSON") from fault
    if not isinstance(found, dict):
        raise InputInvalid("signed value: a part is not a JSON object")
    return cast(dict[str, Any], found)


def _signature(sign: dict[str, Any]) -> bytes:
    text = str(sign.get("SD", ""))
    try:
        found = _base64(text) if sign.get("SE") == "base64" else bytes.fromhex(text)
    except (ValueError, binascii.Error) as fault:
        raise InputInvalid("signed value: the signature is not readable") from fault
    if not found:
        raise InputInvalid("signed value: it has no signature")
    return found


def _readings(rows: Any) -> tuple[Reading, ...]:
    if not isinstance(rows, list):
        raise InputInvalid("signed value: RD is not a list")
    before: dict[str, Any] = {}
    found: list[Reading] = []
    for row in cast(list[Any], rows):
        if not isinstance(row, dict):
            raise InputInvalid("signed value: a reading is not an object")
        whole = before | {name: value for name, value in cast(dict[str, Any], row).items() if value is not None}
        found.append(_reading(whole))
        before = {name: whole[name] for name in _INHERITED if name in whole}
    return tuple(found)


def _reading(row: dict[str, Any]) -> Reading:
    matched = _TIME.fullmatch(str(row.get("TM", "")).strip())
    if matched is None:
        raise InputInvalid("signed value: TM is no time")
    zone = matched[3].replace("Z", "+0000")
    try:
        at = int(datetime.fromisoformat(f"{matched[1]}{zone}").timestamp())
    except (ValueError, OverflowError) as fault:
        raise InputInvalid("signed value: TM is no time") from fault
    unit = str(row.get("RU", ""))
    if unit not in ("kWh", "Wh"):
        raise InputInvalid(f"signed value: a register in {unit[:10]!r} is no energy")
    try:
        value = Decimal(str(row["RV"])) * (1_000_000 if unit == "kWh" else 1000)
        milli = int(value.to_integral_value(ROUND_FLOOR))
    except (KeyError, InvalidOperation, ValueError, OverflowError) as fault:
        raise InputInvalid("signed value: RV is no number") from fault
    if not 0 <= milli < 1 << 63:
        raise InputInvalid("signed value: RV is out of range")
    good = row.get("ST", "G") == "G" and "E" not in str(row.get("EF") or "")
    mark, register = str(row.get("TX", "")), str(row.get("RI", ""))
    return Reading(at, matched[4] == "S", mark, milli, register, good)


def verify(record: Record, key: str) -> bool:
    """True if `record` was signed with the private half of `key` (see `read_key`)."""
    try:
        curve_name, hash_name = _algorithm(record.algorithm)
        public = read_key(key, curve_name)
        if not isinstance(public.curve, type(_CURVES[curve_name])):
            return False
        public.verify(record.signature, record.payload.encode(), ec.ECDSA(_HASHES[hash_name]))
    except (InvalidSignature, InputInvalid, UnsupportedAlgorithm):
        return False
    return True


def _algorithm(name: str) -> tuple[str, str]:
    parts = name.lower().split("-")
    if len(parts) != 3 or parts[0] != "ecdsa" or parts[1] not in _CURVES or parts[2] not in _HASHES:
        raise InputInvalid(f"signed value: the algorithm {name[:40]!r} is not supported")
    return parts[1], parts[2]


def read_key(text: str, curve: str = "secp256r1") -> ec.EllipticCurvePublicKey:
    """A public key: hex or base64 of a SubjectPublicKeyInfo or of a bare point, PEM, or OCPP's `oca:...` wrapping.

    Raises
    ------
    InputInvalid
        if it is none of these.
    """
    raw = _key_bytes(text)
    try:
        if raw[:1] == b"\x30":
            found = load_der_public_key(raw)
            if isinstance(found, ec.EllipticCurvePublicKey):
                return found
        else:
            return ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[curve], raw)
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise InputInvalid("the public key is not readable") from fault
    raise InputInvalid("the public key is not one of an elliptic curve")


def plain_key(text: str) -> str:
    """A public key in its one form, hex of the SubjectPublicKeyInfo, so that keys can be compared.

    Raises
    ------
    InputInvalid
        if it is no key.
    """
    return read_key(text).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo).hex()


def same_key(one: str, other: str) -> bool:
    """True if both are the same key, however they are written."""
    try:
        return plain_key(one) == plain_key(other)
    except InputInvalid:
        return False


def _key_bytes(text: str) -> bytes:
    text = text.strip()
    if text.startswith("-----BEGIN"):
        text = "".join(line for line in text.splitlines() if not line.startswith("-----"))
    for _ in range(2):
        # OCPP 2.x wraps the key once more: base64 of `oca:base16:asn1:<hex>`.
        if text.startswith("oca:"):
            text = text.rsplit(":", 1)[1]
        for decode in (bytes.fromhex, _base64):
            try:
                raw = decode(text)
            except (ValueError, binascii.Error):
                continue
            if not raw.startswith(b"oca:"):
                return raw
            text = raw.decode("ascii", "replace")
            break
        else:
            break
    raise InputInvalid("the public key is neither hex nor base64")


def _base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


@dataclass(frozen=True, slots=True)
class Pair:
    """Begin and end of a transaction, from one record or from two of the same meter."""

    begin: Reading
    """At its begin."""
    end: Reading
    """At its end."""

    @property
    def wh(self) -> Wh:
        """Energy [Wh], rounded down."""
        return Wh((self.end.register_milli - self.begin.register_milli) // 1000)


ENDS = frozenset("ELRAP")
"""Marks of TX that end a transaction."""


def pair_of(records: list[Record]) -> Pair | None:
    """The begin and the end in `records`, or None unless there is exactly one meter, register, begin and end."""
    if not records or len({record.serial for record in records}) != 1:
        return None
    readings = [reading for record in records for reading in record.readings]
    begins = {_plain(r) for r in readings if r.mark == "B"}
    ends = {_plain(r) for r in readings if r.mark in ENDS}
    pairs = [(b, e) for b in begins for e in ends if b.register == e.register]
    # A record may show other registers (export, loss-compensated) of the same moments: the first named one counts.
    first = next((r.register for r in readings if r.mark == "B"), None)
    pairs = [(b, e) for b, e in pairs if b.register == first]
    if len(pairs) != 1:
        return None
    begin, end = pairs[0]
    fits = begin.good and end.good and begin.at <= end.at and begin.register_milli <= end.register_milli
    return Pair(begin, end) if fits else None


def _plain(reading: Reading) -> Reading:
    """Any mark of an end counts the same: the same reading may come in two records."""
    return replace(reading, mark="E") if reading.mark in ENDS else reading
