"""`sunpile doctor`: why a pile, an inverter, a member, the database or the chain cannot be reached, in plain words."""

import asyncio
import socket
import time

import httpx2
from sqlalchemy import select

from sunpile.basics.errors import ProgramMissing, SunpileError
from sunpile.chain.engine.program import find_anvil
from sunpile.chain.rpc import Rpc
from sunpile.people.cli.commands import Finding
from sunpile.settings import NodeSettings
from sunpile.store.database import Database
from sunpile.store.schema import current_revision, head_revision
from sunpile.store.tables import devices, refused_attempts, stations
from sunpile.wiring.folder import Folder

SILENT_SECONDS = 900
REFUSED = {
    "unknown station": (
        "no pile of this identity is registered",
        "sunpile pile add IDENTITY, or correct the pile's identity",
    ),
    "wrong password": ("the password is wrong", "type the password of `sunpile pile add` into the pile's menu again"),
    "no credentials": ("it sent no password", "switch basic authentication (security profile 1) on in its menu"),
    "other identity": ("its user name is not its identity", "type the identity as user name, or leave that empty"),
}
"""Reason a pile was turned away -> (in plain words, what to do)."""


async def examine(settings: NodeSettings, folder: Folder) -> list[Finding]:
    """Everything a node depends on, one finding each."""
    found = [_store(settings, folder), _engine(settings)]
    node, now = await _node(settings)
    found += [node, await _chain(settings)]
    found += await asyncio.gather(*(_member(seat, url) for seat, url in enumerate(settings.members)))
    found.append(_port(settings.host, settings.ocpp_port))
    try:
        database = Database(folder.database_url(settings.database))
    except SunpileError:
        return found
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
    url = f"http://{settings.host}:{settings.http_port}"
    try:
        async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
            now = int((await client.get(f"{url}/api/info")).raise_for_status().json()["now"])
    except (httpx2.HTTPError, ValueError, KeyError) as fault:
        said = f"nothing answers as a node at {url} ({type(fault).__name__})"
        return Finding("node", False, said, f"sunpile node --folder {settings.folder}"), int(time.time())
    return Finding("node", True, f"it answers at {url}"), now


async def _chain(settings: NodeSettings) -> Finding:
    url = settings.rpc_url if settings.engine == "rpc" else f"http://{settings.host}:{settings.http_port}/rpc"
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


def _port(host: str, port: int) -> Finding:
    with socket.socket() as sock:
        sock.settimeout(2)
        if sock.connect_ex((host, port)) == 0:
            return Finding("door for piles", True, f"port {port} on {host} is open")
    remedy = "start the node; if piles are on another machine, set `host` to an address they reach"
    return Finding("door for piles", False, f"nobody listens on {host}:{port}", remedy)


async def _piles(database: Database, now: int) -> list[Finding]:
    refused = select(refused_attempts).order_by(refused_attempts.c.at.desc()).limit(20)
    known, attempts = await database.read(lambda c: (c.execute(select(stations)).all(), c.execute(refused).all()))
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
    seen: set[str] = set()
    for attempt in attempts:
        if attempt.station not in seen:
            seen.add(attempt.station)
            words, remedy = REFUSED.get(attempt.reason, (attempt.reason, "see the log of the node"))
            found.append(Finding(f"pile {attempt.station!r}", False, f"it was turned away: {words}", remedy))
    return found


async def _devices(database: Database) -> list[Finding]:
    found: list[Finding] = []
    for device in await database.read(lambda c: c.execute(select(devices)).all()):
        name = f"{device.kind} at {device.host}:{device.port} unit {device.unit}"
        if device.last_error:
            found.append(Finding(name, False, device.last_error, "check address, port and unit, and that Modbus is on"))
        elif device.last_seen is None:
            found.append(Finding(name, False, "it was never read", "start the node"))
        else:
            found.append(Finding(name, True, "it answers"))
    return found
