"""How a pile's plate is written on chain: what its owner signs (EIP-712 `Pile`, domain contract `Registry`)."""

from sunpile.basics.errors import InputInvalid
from sunpile.basics.typed_data import Struct

PILE = Struct(
    "Pile",
    (
        ("point", "uint32"),
        ("place", "bytes32"),
        ("connector", "uint8"),
        ("model", "bytes32"),
        ("price", "uint64"),
        ("nonce", "uint64"),
        ("deadline", "uint64"),
    ),
)
"""The owner's signature over one EVSE of a pile. The first one of a point has nonce 1."""

CONNECTORS = (
    "cCCS1",
    "cCCS2",
    "cG105",
    "cTesla",
    "cType1",
    "cType2",
    "s309-1P-16A",
    "s309-1P-32A",
    "s309-3P-16A",
    "s309-3P-32A",
    "sBS1361",
    "sCEE-7-7",
    "sType2",
    "sType3",
    "Other1PhMax16A",
    "Other1PhOver16A",
    "Other3Ph",
    "Pan",
    "wInductive",
    "wResonant",
    "Undetermined",
    "Unknown",
)
"""OCPP 2.0.1 ConnectorEnumType in its order; on chain the number counts from 1."""


def connector_number(name: str) -> int:
    """Number of a connector type on chain.

    Raises
    ------
    InputInvalid
        if OCPP knows no such connector.
    """
    if name not in CONNECTORS:
        raise InputInvalid(f"connector {name!r} is not one of {', '.join(CONNECTORS)}")
    return CONNECTORS.index(name) + 1


def text32(text: str) -> bytes:
    """Up to 32 bytes of UTF-8 text as a `bytes32`, zeros behind.

    Raises
    ------
    InputInvalid
        if the text is longer.
    """
    raw = text.encode()
    if len(raw) > 32:
        raise InputInvalid(f"{text!r} is longer than 32 bytes")
    return raw.ljust(32, b"\0")
