"""A meter that signs its values, with a key of its own."""

import json
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVES = {
    "secp256r1": ec.SECP256R1(),
    "secp256k1": ec.SECP256K1(),
    "secp384r1": ec.SECP384R1(),
    "brainpoolP256r1": ec.BrainpoolP256R1(),
    "brainpool384r1": ec.BrainpoolP384R1(),
}


class SigningMeter:
    """Makes OCMF texts."""

    def __init__(self, curve="secp256r1", serial="M1"):
        self.curve, self.serial, self.page = curve, serial, 0
        self.private = ec.generate_private_key(CURVES[curve])

    @property
    def key(self):
        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo).hex()

    def reading(self, at, wh, mark, **more):
        time = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S,000+0000 S")
        return {"TM": time, "TX": mark, "RV": wh / 1000, "RI": "1-b:1.8.0", "RU": "kWh", "ST": "G"} | more

    def record(self, *readings, token=None, **more):
        self.page += 1
        body = {"FV": "1.0", "PG": f"T{self.page}", "MS": self.serial, "IS": token is not None, "ID": token or ""}
        payload = json.dumps(body | {"RD": list(readings)} | more, separators=(",", ":"))
        return self.seal(payload)

    def seal(self, payload):
        signature = self.private.sign(payload.encode(), ec.ECDSA(hashes.SHA256())).hex()
        return f'OCMF|{payload}|{{"SA":"ECDSA-{self.curve}-SHA256","SD":"{signature}"}}'

    def whole(self, begin, end, **more):
        """One record with both ends: (time, Wh) each."""
        return self.record(self.reading(*begin, "B"), self.reading(*end, "E"), **more)
