"""`sunpile doctor`: why a pile, an inverter, a member, the database or the chain cannot be reached, in plain words."""

import asyncio
import socket
import time

import httpx2

from sunpile.basics.errors import ProgramMissing, SunpileError
from sunpile.chain.engine.program import find_anvil
from sunpile.chain.rpc import Rpc
from sunpile.chargers.refusals import CURES
from sunpile.people.cli.commands import Finding
from sunpile.settings import NodeSettings
from sunpile.store import look
from sunpile.store.database import Database
from sunpile.store.schema import current_revision, head_revision
from sunpile.wiring.folder import Folder
from sunpile.wiring.node_rest import local_url

LOCAL = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where a node that listens on all addresses is reached from its own machine."""

SILENT_SECONDS = 900


async def examine(settings: NodeSettings, folder: Folder) -> list[Finding]:
    """Everything a node depends on, one finding each."""
    found = [_store(settings, folder)]
    node, now = await _node(settings)
    found.append(node)
    if settings.trades:
        found += [_engine(settings), await _chain(settings)]
        found += await asyncio.gather(*(_member(seat, url) for seat, url in enumerate(settings.members)))
    found += _doors(settings)
    if not found[0].ok:
        return found  # There are no tables to look at yet, or not those of this release.
    database = Database(folder.database_url(settings.database))
    try:
        found += await _piles(database, now)
        found += await _devices(database)
    finally:
        database.close()
    return found


def _store(settings: NodeSettings, folder: Folder) -> Finding:
    try:
        database = Database(folder.database_url(settings.database))
    except SunpileError as fault:
        return Finding("database", False, fault.detail, "check `database` in sunpile.toml and that the server runs")
    try:
        current, newest = current_revision(database.engine), head_revision()
    finally:
        database.close()
    if current != newest:
        return Finding(
            "database", False, f"it has schema {current}, this release wants {newest}", "start the node once"
        )
    return Finding("database", True, f"it answers and has schema {current}")


def _engine(settings: NodeSettings) -> Finding:
    if settings.engine == "rpc":
        return Finding("engine", True, f"the chain is run by others at {settings.rpc_url}")
    try:
        return Finding("engine", True, f"anvil is at {find_anvil()}")
    except ProgramMissing as fault:
        return Finding("engine", False, fault.detail, "npm install in the project's folder")


async def _node(settings: NodeSettings) -> tuple[Finding, int]:
    """Whether it answers, and its time, which a simulated town moves; without a node the machine's [Unix s]."""
    url = local_url(settings)
    try:
        async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
            now = int((await client.get(f"{url}/api/info")).raise_for_status().json()["now"])
    except (httpx2.HTTPError, ValueError, KeyError) as fault:
        said = f"nothing answers as a node at {url} ({type(fault).__name__})"
        return Finding("node", False, said, f"sunpile node --folder {settings.folder}"), int(time.time())
    return Finding("node", True, f"it answers at {url}"), now


async def _chain(settings: NodeSettings) -> Finding:
    url = settings.rpc_url if settings.engine == "rpc" else f"{local_url(settings)}/rpc"
    rpc = Rpc(url)
    try:
        chain_id = int(await rpc.call("eth_chainId"), 16)
        height = int(await rpc.call("eth_blockNumber"), 16)
    except SunpileError as fault:
        return Finding("chain", False, fault.detail, "start the node, or check `rpc_url` in sunpile.toml")
    finally:
        await rpc.close()
    if chain_id != settings.chain_id:
        said = f"it is chain {chain_id}, the settings say {settings.chain_id}"
        return Finding("chain", False, said, "set `chain_id` in sunpile.toml to the chain that is meant")
    return Finding("chain", True, f"chain {chain_id} is at block {height}")


async def _member(seat: int, url: str) -> Finding:
    try:
        async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
            address = (await client.get(f"{url}/health")).json()["address"]
    except (httpx2.HTTPError, ValueError, KeyError) as fault:
        said = f"nothing answers at {url} ({type(fault).__name__})"
        return Finding(f"member {seat}", False, said, f"sunpile member --folder .../members/{seat}")
    return Finding(f"member {seat}", True, f"{address} answers at {url}")


def _doors(settings: NodeSettings) -> list[Finding]:
    """The doors for piles that settings ask for."""
    found: list[Finding] = []
    if settings.ocpp_tls_port is not None:
        found.append(_port("door for piles, with TLS", settings.host, settings.ocpp_tls_port))
    if settings.insecure_profiles:
        found.append(_port("door for piles, without TLS", settings.host, settings.ocpp_port))
    if not found:
        remedy = "set ocpp_tls_port, or insecure_profiles for a private network, in sunpile.toml"
        found.append(Finding("door for piles", False, "the settings open no door for piles", remedy))
    return found


def _port(name: str, host: str, port: int) -> Finding:
    own = LOCAL.get(host, host)
    with socket.socket(socket.AF_INET6 if ":" in own else socket.AF_INET) as sock:
        sock.settimeout(2)
        if sock.connect_ex((own, port)) == 0:
            return Finding(name, True, f"port {port} on {host} is open")
    remedy = "start the node; if piles are on another machine, set `host` to an address they reach"
    return Finding(name, False, f"nobody listens on {host}:{port}", remedy)


async def _piles(database: Database, now: int) -> list[Finding]:
    known, attempts = await look.known_stations(database), await look.newest_refusals(database)
    found: list[Finding] = []
    for station in known:
        name = f"pile {station.station}"
        if station.last_seen is None:
            found.append(
                Finding(name, False, "it has never connected", "compare URL, identity and password in its menu")
            )
        elif now - station.last_seen > SILENT_SECONDS:
            when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(station.last_seen))
            found.append(Finding(name, False, f"silent since {when}", "check its power and its network"))
        else:
            found.append(Finding(name, True, f"connected, OCPP {station.ocpp_version}"))
    came = {station.station: station.last_seen or 0 for station in known}
    told: set[str] = set()
    for attempt in attempts:
        if attempt.station not in told and attempt.at >= came.get(attempt.station, 0):
            told.add(attempt.station)
            words, remedy = in_words(attempt.reason)
            found.append(Finding(f"pile {attempt.station!r}", False, f"it was turned away: {words}", remedy))
    return found


def in_words(reason: str) -> tuple[str, str]:
    """Why a pile was turned away, and what to do."""
    if reason not in CURES:
        return reason, "see the log of the node"
    words, _, remedy = CURES[reason].en.partition(". ")
    return words[0].lower() + words[1:], remedy


async def _devices(database: Database) -> list[Finding]:
    found: list[Finding] = []
    for device in await look.polled_devices(database):
        name = f"{device.kind} at {device.host}:{device.port} unit {device.unit}"
        if device.last_error:
            found.append(Finding(name, False, device.last_error, "check address, port and unit, and that Modbus is on"))
        elif device.last_seen is None:
            found.append(Finding(name, False, "it was never read", "start the node"))
        else:
            found.append(Finding(name, True, "it answers"))
    return found
