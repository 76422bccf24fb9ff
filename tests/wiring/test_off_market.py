"""`market = off`: stations alone, without chain, keys or Node.js."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from sunpile.basics.errors import SunpileError
from sunpile.people.cli.commands import InitWish
from sunpile.settings import NodeSettings
from sunpile.wiring import chain_side
from sunpile.wiring.node import open_node
from sunpile.wiring.upkeep import init


def wish(folder: Path, market: str = "off") -> InitWish:
    return InitWish(folder, "anvil", "", "", "EUR", 900, 4, market)


async def test_a_node_for_stations_needs_no_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "node"

    def no_engine(*_: object) -> None:
        raise AssertionError("the chain's engine was asked for")

    monkeypatch.setattr(chain_side, "open_engine", no_engine)
    init_report = init(wish(folder))
    assert init_report.members == ()
    assert not list((folder / "keys").glob("*.json")) if (folder / "keys").exists() else True
    node = await open_node(NodeSettings.load(folder, http_port=0))
    assert node.market is None
    client = TestClient(node.serving._server.config.app, raise_server_exceptions=False)
    assert client.get("/api/info").json()["engine"] == "none"
    for path in ("/api/intervals", "/api/town", "/receipt"):
        assert client.get(path).status_code == 404
    assert client.post("/rpc", json={}).status_code == 409
    admin = {"Authorization": f"Bearer {init_report.admin_token}"}
    assert client.get("/api/stations", headers=admin).status_code == 200
    node.ground.database.close()


def test_a_wrong_word_for_market_is_named(tmp_path: Path) -> None:
    with pytest.raises(SunpileError, match="market"):
        init(wish(tmp_path / "node", "maybe"))
