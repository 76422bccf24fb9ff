"""Whose key opens a receipt is asked of the chain: one that its owner took back opens nothing."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient
from tests.chain.ground import StillClock
from tests.people.fakes import FakeOperations, FakeRpc
from tests.people.house import ADMIN, write_day
from tests.people.sample_day import node_info

from sunpile.basics.ids import Address
from sunpile.basics.keys import Key
from sunpile.basics.typed_data import Domain
from sunpile.people import create_app
from sunpile.people.api.access import RECEIPT_REQUEST
from sunpile.people.board import PowerBoard
from sunpile.people.feed import EventHub
from sunpile.people.ports import ApiSettings
from sunpile.store.database import Database
from sunpile.wiring.view import NodeView

OWNER, FRESH, STOLEN = (Key.from_seed(name) for name in ("someone", "fresh", "meter"))
"""The store of the sample day still has the meter's old key."""
POINT = 3


async def call_many(_rpc: object, reads: Sequence[tuple[str, str, tuple[int, ...]]]) -> list[str]:
    assert [(function, args[0]) for _, function, args in reads] == [("ownerOf", POINT), ("meterKeyAt", POINT)]
    return [OWNER.address, FRESH.address]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    file = write_day(tmp_path / "day.db", 4)
    database, hub, info = Database(f"sqlite:///{file}"), EventHub(), node_info(4)
    chain = SimpleNamespace(
        clock=StillClock(info.now),
        contracts=SimpleNamespace(call_many=call_many),
        engine=SimpleNamespace(rpc=None),
    )
    view = NodeView(database, PowerBoard(hub), lambda: info, cast("Any", chain), 900)
    with TestClient(create_app(view, FakeOperations(), FakeRpc(), hub, ApiSettings(ADMIN))) as found:
        yield found
    database.close()


def test_only_keys_that_hold_on_chain_open_a_receipt(client: TestClient) -> None:
    info = node_info(4)
    values = {"point": POINT, "interval": 7, "expires": info.now + 60}
    domain = Domain("sunpile", info.chain_id, Address(info.contracts["EnergyMarket"]))
    statuses: list[int] = []
    for key in (OWNER, FRESH, STOLEN):
        signature = "0x" + key.sign(RECEIPT_REQUEST.digest(domain, values)).hex()
        answer = client.get(
            f"/api/receipts/1/7/{POINT}",
            params={"expires": values["expires"]},
            headers={"X-Sunpile-Signature": signature},
        )
        statuses.append(answer.status_code)
    assert statuses == [200, 200, 403]
