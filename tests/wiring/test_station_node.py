"""A node with `market = off` from its folder to its backup, by the commands a person types."""

import asyncio
from pathlib import Path

import pytest

from sunpile.basics.errors import Conflict
from sunpile.people.cli.commands import InitWish, PileAdd
from sunpile.settings import NodeSettings
from sunpile.wiring import upkeep
from sunpile.wiring.demo import free_ports
from sunpile.wiring.node import open_node
from sunpile.wiring.node_rest import NodeOfFolder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, port in zip(("HTTP_PORT", "OCPP_TLS_PORT"), free_ports(2), strict=True):
        monkeypatch.setenv(f"SUNPILE_{name}", str(port))
    path = tmp_path / "node"
    upkeep.init(InitWish(path, "anvil", "", "", "EUR", 900, 4, market="off"))
    return path


async def test_a_folder_is_made_a_station_added_looked_at_and_backed_up(folder: Path, tmp_path: Path) -> None:
    node, rest = await open_node(NodeSettings.load(folder)), NodeOfFolder()
    await node.start()
    try:
        made = await asyncio.to_thread(rest.post, folder, "/api/stations", {"station": "CP-1"})
        root = await asyncio.to_thread(rest.get, folder, "/api/authority/root.pem")
        status = await asyncio.to_thread(upkeep.status, folder)
        written = await asyncio.to_thread(upkeep.backup, folder, tmp_path / "backup.zip")
    finally:
        await node.stop()
    assert made["password"]
    assert made["security_profile"] == 2, "a station of a node with TLS alone is let in by TLS alone"
    assert status["stations"] == "1, of them 0 connected"
    assert status["doors"].startswith("wss://")
    upkeep.restore(written, tmp_path / "again")
    again = await open_node(NodeSettings.load(tmp_path / "again"))
    await again.start()
    try:
        page = await asyncio.to_thread(rest.get, tmp_path / "again", "/api/stations")
        same = await asyncio.to_thread(rest.get, tmp_path / "again", "/api/authority/root.pem")
    finally:
        await again.stop()
    assert [one["station"] for one in page["stations"]] == ["CP-1"]
    assert same == root, "stations trust the authority that was backed up"


def test_what_needs_a_market_says_what_to_do_without_one(folder: Path) -> None:
    with pytest.raises(Conflict, match="sunpile station add CP-1"):
        upkeep.pile_add(PileAdd(folder, "CP-1", 11_000, 1, "", "sType2", "", 0, None, 0))
    with pytest.raises(Conflict, match="without a market"):
        upkeep.reconcile(folder)
