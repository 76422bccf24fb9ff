"""What a machine may lack: each time the node says one clear sentence and ends with an exit code."""

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

import sunpile
from sunpile.settings import NodeSettings
from sunpile.wiring import init
from sunpile.wiring.clock import MachineClock
from sunpile.wiring.demo import free_ports

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def folder(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    """A node's folder, deployed and never started."""
    path = tmp_path_factory.mktemp("node") / "data"
    http, ocpp, *members = free_ports(6)
    new = init.NewNode(
        path,
        {"http_port": http, "ocpp_port": ocpp, "insecure_profiles": [1]},
        members,
        f"http://127.0.0.1:{http}",
        True,
    )
    made = init.make_folder(new)
    await init.deploy(NodeSettings.load(path), made, MachineClock())
    yield path


async def end_of(folder: Path, cwd: Path | None = None, **env: str) -> str:
    """Start a node that cannot run; returns the one sentence it ended with."""
    return await sentence([sys.executable, "-m", "sunpile", "node", "--folder", str(folder)], cwd, **env)


async def sentence(command: list[str], cwd: Path | None = None, **env: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **env},
        cwd=cwd,
    )
    try:
        async with asyncio.timeout(120):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    said = (out + err).decode()
    if command[0] == "unshare" and not said.startswith("sunpile: "):
        pytest.skip(f"no file system of one's own can be mounted here: {said.strip()[:80]}")
    assert process.returncode == 1, (process.returncode, said)
    assert "Traceback" not in said, said
    sentences = [line for line in said.splitlines() if line.startswith("sunpile: ")]
    assert len(sentences) == 1, said
    return sentences[0].removeprefix("sunpile: ")


@pytest.mark.parametrize("door", ["http_port", "ocpp_port"])
async def test_a_port_that_is_taken_is_named(folder: Path, door: str) -> None:
    port = getattr(NodeSettings.load(folder), door)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        said = await end_of(folder)
    assert str(port) in said
    assert "taken" in said or "in use" in said


async def test_a_missing_chain_engine_says_how_to_get_it(folder: Path, tmp_path: Path) -> None:
    """A copy of the package that stands alone: no node_modules above it, no anvil on the PATH."""
    shutil.copytree(Path(sunpile.__file__).parent, tmp_path / "sunpile", ignore=shutil.ignore_patterns("__pycache__"))
    said = await end_of(folder, cwd=tmp_path, PYTHONPATH=str(tmp_path), PATH="/usr/bin:/bin", SUNPILE_ANVIL="")
    assert "anvil is not installed" in said
    assert "make setup" in said


@pytest.mark.parametrize("url", ["postgresql+psycopg://nobody@127.0.0.1:1/none", "sqlite:////nowhere/at/all.db"])
async def test_a_database_that_is_away_is_named(folder: Path, url: str) -> None:
    said = await end_of(folder, SUNPILE_DATABASE=url)
    assert "database" in said
    assert "cannot be reached" in said


@pytest.mark.parametrize("room", [0, 64])
async def test_a_full_disk_is_one_sentence(folder: Path, tmp_path: Path, room: int) -> None:
    """The node's folder on a small file system of its own: `room` KB are left, nothing or too little."""
    inside = f"""
        size=$(( $(du -sk {folder} | cut -f1) + {room} + 64 ))k
        mount -t tmpfs -o size=$size tmpfs {tmp_path} && cp -r {folder}/. {tmp_path} || exit 77
        head -c 100M /dev/zero > {tmp_path}/fill 2>/dev/null
        truncate -s -{room}K {tmp_path}/fill
        exec {sys.executable} -m sunpile node --folder {tmp_path}
    """
    said = await sentence(["unshare", "-Urm", "sh", "-c", inside])
    assert "no space left on" in said.lower(), said
