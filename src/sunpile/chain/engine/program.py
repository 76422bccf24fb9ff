"""Starting anvil: finding it, its options, its end together with ours."""

import asyncio
import contextlib
import ctypes
import os
import platform
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from sunpile.basics.errors import ChainUnreachable, PortBusy, ProgramMissing

MISSING = "anvil is not installed: run `make setup` (or `npm install`) in the sunpile folder, or put anvil on the PATH"
START_TIMEOUT = 20.0
DEATH_SIGNAL = 1


def find_anvil(near: Path | None = None) -> Path:
    """The anvil program: of `node_modules` here or above, or on the PATH.

    Raises
    ------
    ProgramMissing
        with one sentence that says what to do.
    """
    if named := os.environ.get("SUNPILE_ANVIL"):
        if Path(named).is_file():
            return Path(named)
        raise ProgramMissing(f"SUNPILE_ANVIL names {named}, which is no file")
    system = {"linux": "linux", "darwin": "darwin", "win32": "win32"}.get(sys.platform, sys.platform)
    machine = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(
        platform.machine().lower()
    )
    starts = [near] if near else [Path.cwd(), Path(__file__).resolve().parent]
    for start in starts:
        for folder in (start, *start.parents):
            # The program itself, not the starter in `.bin`: a starter would stand between its end and ours.
            program = folder / "node_modules/@foundry-rs" / f"anvil-{system}-{machine}/bin/anvil"
            if program.is_file():
                return program
    found = None if near else shutil.which("anvil")
    if found is None:
        raise ProgramMissing(MISSING)
    return Path(found)


def options(chain_id: int, genesis_time: int, port: int, keep_blocks: int, state: Path | None) -> list[str]:
    """Command line: nothing mined by itself, no accounts, no fees, nothing spilled to the disk, loopback only."""
    fixed = [
        *("--host", "127.0.0.1", "--no-cors", "--accounts", "0", "--disable-default-create2-deployer"),
        *("--no-mining", "--order", "fifo", "--hardfork", "prague", "--gas-limit", "1000000000"),
        *("--block-base-fee-per-gas", "0", "--gas-price", "0", "--disable-min-priority-fee"),
        *("--prune-history", "--no-request-size-limit", "--quiet"),
    ]
    chosen = ["--chain-id", str(chain_id), "--timestamp", str(genesis_time), "--port", str(port)]
    chosen += ["--transaction-block-keeper", str(keep_blocks)]
    return [*fixed, *chosen, *(["--load-state", str(state)] if state else [])]


async def start_anvil(program: Path, arguments: list[str], port: int, log: Path) -> asyncio.subprocess.Process:
    """Start `program`, in a process group of its own, and return when it listens on `port`.

    Raises
    ------
    PortBusy
        if another program has the port.
    ChainUnreachable
        if it ends at once, or does not listen in time.
    """
    if port_taken(port):
        raise PortBusy(f"port {port} on 127.0.0.1 is taken by another program: free it, or set rpc_port = 0")
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            str(program),
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            preexec_fn=_end_with_parent(),
        )
    deadline = asyncio.get_running_loop().time() + START_TIMEOUT
    while not port_taken(port):
        if process.returncode is not None:
            raise _ended(log, port)
        if asyncio.get_running_loop().time() > deadline:
            await stop_anvil(process)
            raise ChainUnreachable(f"anvil did not listen on port {port} within {START_TIMEOUT:.0f} s")
        await asyncio.sleep(0.01)
    return process


async def stop_anvil(process: asyncio.subprocess.Process) -> None:
    """End it at once: the journal has everything."""
    if process.returncode is None:
        # Not process.kill(): it would take the exit code away from the loop that waits for it.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    await process.wait()


def free_port() -> int:
    """A loopback port nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def port_taken(port: int) -> bool:
    """True if somebody listens on loopback `port`."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _ended(log: Path, port: int) -> Exception:
    said = log.read_text(errors="replace").strip()
    if "in use" in said:
        return PortBusy(f"port {port} on 127.0.0.1 is taken by another program: free it, or set rpc_port = 0")
    return ChainUnreachable(
        f"anvil ended right after its start: {said.splitlines()[-1] if said else 'no reason given'}"
    )


def _end_with_parent() -> Callable[[], None] | None:
    """On Linux the kernel kills anvil when we die, however we die. Loaded before the fork: after it little is safe."""
    if sys.platform != "linux":
        return None
    control = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        control(DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return ask
