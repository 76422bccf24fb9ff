"""What became of a submission: the receipt, and how it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from sunpile.basics.ids import Address
from sunpile.chain.contracts import Log, log_of


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transaction in a final block."""

    hash: bytes
    block: int
    gas_used: int
    status: bool
    """False: the contract reverted."""
    logs: tuple[Log, ...] = ()
    created: Address | None = None
    """Address of the contract it made."""
    reason: str = ""
    """Why it reverted, in the contract's word."""


def receipt_of(answer: Mapping[str, Any], reason: str = "") -> Receipt:
    """A receipt as JSON-RPC tells it, or as it was kept."""
    created = answer.get("contractAddress")
    return Receipt(
        hash=bytes.fromhex(answer["transactionHash"][2:]),
        block=int(answer["blockNumber"], 16),
        gas_used=int(answer["gasUsed"], 16),
        status=int(answer["status"], 16) == 1,
        logs=tuple(log_of(item) for item in answer["logs"]),
        created=Address(created.lower()) if created else None,
        reason=reason,
    )


KEPT = ("transactionHash", "blockNumber", "blockHash", "gasUsed", "status", "contractAddress")
KEPT_OF_LOG = ("address", "topics", "data", "logIndex", "blockNumber", "blockHash", "transactionHash")


def kept(answer: Mapping[str, Any]) -> str:
    """JSON of what matters of a receipt."""
    logs = [{key: log[key] for key in KEPT_OF_LOG} for log in answer["logs"]]
    return orjson.dumps({**{key: answer.get(key) for key in KEPT}, "logs": logs}).decode()


def read_kept(text: str, reason: str = "") -> Receipt:
    """The receipt in `kept` JSON."""
    return receipt_of(orjson.loads(text), reason)
