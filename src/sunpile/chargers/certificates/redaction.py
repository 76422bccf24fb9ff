"""Secrets leave no trace in the raw message log (A01.FR.09): what is kept of a frame has stars in their place. Pure."""

from typing import Any, cast

import orjson

VARIABLES = frozenset(
    {"basicauthpassword", "authorizationkey", "sharedsecret", "apnpassword", "apnsimpin", "vpnpassword", "vpnkey"}
)
"""In small letters: OCPP compares names without regard to case."""
FIELDS = frozenset({"basicAuthPassword", "apnPassword", "simPin"})
STARS = "***"


def is_secret(name: str) -> bool:
    """True if a variable or key of this name, perhaps with an instance behind it, holds a secret."""
    return name.partition("[")[0].strip().lower() in VARIABLES


def redacted(frame: str) -> str:
    """`frame` without secrets; the same text if it has none."""
    # Written out, not a loop: every frame comes by here, and nearly none holds a secret.
    low = frame.lower()
    if not (
        "password" in low or "authorizationkey" in low or "sharedsecret" in low or "simpin" in low or "vpnkey" in low
    ):
        return frame
    try:
        whole = orjson.loads(frame)
    except orjson.JSONDecodeError:
        return frame
    return orjson.dumps(whole).decode() if _hide(whole) else frame


def _hide(value: Any) -> bool:
    """Put stars into `value` where secrets are; True if there were any."""
    if isinstance(value, list):
        return sum(_hide(one) for one in cast("list[Any]", value)) > 0  # Not `any`, which would stop at the first.
    if not isinstance(value, dict):
        return False
    fields, hidden = cast("dict[str, Any]", value), False
    secret = FIELDS & fields.keys()
    variable = fields.get("variable")
    name = fields.get("key") or (cast("dict[str, Any]", variable).get("name") if isinstance(variable, dict) else None)
    if isinstance(name, str) and is_secret(name):
        secret |= {"value", "attributeValue"} & fields.keys()
    vpn = fields.get("vpn")
    if isinstance(vpn, dict):
        inner = cast("dict[str, Any]", vpn)
        for one in {"password", "key"} & inner.keys():
            inner[one], hidden = STARS, True
    for one in secret:
        fields[one], hidden = STARS, True
    return sum(_hide(inner) for inner in fields.values()) > 0 or hidden
