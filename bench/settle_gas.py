"""What a batch costs: gas of `EnergyMarket.settle` as a transaction of its own, and the size of the code.

The real Council of four with three signatures, fees on, every slot cold, 21,000 and call data included. The peer is
lemlab's clearing contract, the only one found that clears on chain: measured on Hardhat under Cancun rules with cold
storage, it ran out of memory at 400 orders and does not fit into a contract.
"""

import json
import sys
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:1] = [str(ROOT / "contracts"), str(ROOT / "contracts" / "tests")]
"""In place of this folder."""

import boa  # noqa: E402
import build  # noqa: E402
from busy import busy_batch  # noqa: E402
from conftest import NOW, deploy_at  # noqa: E402
from gas import transaction_gas  # noqa: E402
from roles import role  # noqa: E402
from stage import issue, stage  # noqa: E402

PER_ROW = "<= 6500"
LEMLAB_SMALL, LEMLAB_LARGE = 526_000, 1_320_000
"""lemlab, gas an order, pushed and cleared, at 10 and at 200 orders."""
LEMLAB_BATCH = 225_500_000
"""lemlab, gas of one clearing of 200 orders."""
LEMLAB_CODE = 55_325
"""lemlab, bytes of the contract."""


def settle_gas(rows: int, waiting: float = 0) -> int:
    """Gas of one batch."""
    deploy = partial(deploy_at, "gas")
    with boa.env.anchor():
        boa.env.timestamp = NOW
        hand = stage(deploy, issue(deploy))
        batch, arguments = busy_batch(hand, rows, waiting)
        used = transaction_gas(hand.market, "settle", *arguments, sender=role("relayer").address)
        hand.model.settle(batch)
        hand.check()
    return used


def figure(name: str, value: int, unit: str, goal: str, peer: str, peer_value: int) -> dict[str, object]:
    """One line of the table."""
    return {"name": name, "value": value, "unit": unit, "goal": goal, "peer": peer, "peer_value": peer_value}


def main() -> list[dict[str, object]]:
    """Measure and return the figures."""
    plain, waiting, large = settle_gas(400), settle_gas(400, 0.05), settle_gas(2_000)
    size = build.compile_contract(build.CONTRACTS / "EnergyMarket.vy")["deployed_size"]
    at_200, at_10 = "lemlab, 200 orders", "lemlab, 10 orders"
    return [
        figure("settle, 400 rows", -(-plain // 400), "gas a row", PER_ROW, at_200, LEMLAB_LARGE),
        figure("settle, 400 rows, 5% waiting orders", -(-waiting // 400), "gas a row", PER_ROW, at_10, LEMLAB_SMALL),
        figure("settle, 2,000 rows", large, "gas", "<= 16700000", at_200, LEMLAB_BATCH),
        figure("EnergyMarket code", size, "bytes", "<= 24576", "lemlab", LEMLAB_CODE),
    ]


if __name__ == "__main__":
    print(json.dumps(main(), indent=1))
