"""Commands that do one thing and end: init, status, pile add, verify, reconcile, backup, restore, doctor."""

import asyncio
import json
import shutil
import tempfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2

from sunpile.basics.errors import ChainUnreachable, Conflict, InputInvalid, NotFound, SunpileError
from sunpile.basics.ids import Address
from sunpile.basics.pile import PILE, connector_number, text32
from sunpile.basics.typed_data import Domain
from sunpile.chain import load_abi
from sunpile.chain.wallet import ensure_key, load_key, read_password
from sunpile.people.cli.commands import Difference, Finding, InitReport, InitWish, PileAdd, Verdict
from sunpile.people.wishes import PileCard
from sunpile.settings import FILE, NodeSettings
from sunpile.settlement.receipt import receipt_from_json
from sunpile.settlement.verify import verify_receipt
from sunpile.store import backup as store_backup
from sunpile.store.database import open_engine
from sunpile.wiring import init as initial
from sunpile.wiring import node_client
from sunpile.wiring.clock import MachineClock
from sunpile.wiring.demo import open_books
from sunpile.wiring.doctor import examine
from sunpile.wiring.folder import Folder
from sunpile.wiring.node_rest import local_url, station_doors

MEMBER_PORT = 8500
FIRST_PORT = 8400
TLS_PORT = 8481
FOREVER = (1 << 40) - 1
ROWS = "rows.zip"
KEPT = ("keys", "pki", "files")
"""Folders that are copied as they are: keys, the certificate authority, files of stations."""
CHAIN_TRIES = 5


def init(wish: InitWish) -> InitReport:
    """Make a node's folder, the members' folders in it, and deploy the contracts."""
    folder = Folder(wish.folder)
    if wish.market != "on":
        return _init_stations(wish, folder)
    if not (wish.folder / FILE).exists():
        settings: dict[str, object] = {
            "engine": wish.engine,
            "rpc_url": wish.rpc_url,
            "database": wish.database,
            "currency": wish.currency,
            "interval_length": wish.interval_length,
            "genesis_time": int(time.time()),
            "sandbox": True,
            **_doors(wish),
        }
        ports = [MEMBER_PORT + seat for seat in range(wish.members)]
        new = initial.NewNode(wish.folder, settings, ports, f"http://127.0.0.1:{FIRST_PORT}")
        initial.make_folder(new)
    elif (wish.folder / "deployment.json").exists():
        raise Conflict(f"{wish.folder} is a node's folder already; choose another one with --folder")
    settings_read = NodeSettings.load(wish.folder)
    asyncio.run(initial.deploy(settings_read, folder, MachineClock()))
    members = tuple(folder.member(seat) for seat in range(len(settings_read.members)))
    return InitReport(wish.folder, wish.folder / FILE, folder.admin_token(), members)


def _doors(wish: InitWish) -> dict[str, object]:
    """How piles come in: with TLS, and without it only where that was wished for."""
    return {"ocpp_tls_port": TLS_PORT, "insecure_profiles": [1] if wish.plain else []}


def _init_stations(wish: InitWish, folder: Folder) -> InitReport:
    """A folder for charging stations alone: no keys, no chain."""
    settings = {"market": wish.market, "database": wish.database, "currency": wish.currency, **_doors(wish)}
    folder.create(settings, roles=())
    try:
        NodeSettings.load(wish.folder)
    except SunpileError:
        (wish.folder / FILE).unlink()
        raise
    return InitReport(wish.folder, wish.folder / FILE, folder.admin_token(), ())


def status(path: Path) -> Mapping[str, Any]:
    """What a running node says of itself."""
    settings = NodeSettings.load(path)
    url = local_url(settings)
    info = node_client.get(url, "/api/info")
    found: dict[str, Any] = {
        "page": settings.public_url or url,
        "time": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(info["now"])),
    }
    if settings.trades:
        intervals = node_client.get(url, "/api/intervals?limit=1")
        newest: dict[str, Any] = intervals[-1] if intervals else {}
        found |= {
            "zone": info["zone"],
            "engine": info["engine"],
            "operator": info["operator"],
            "last_interval": newest.get("interval", "none yet"),
            "last_price": newest.get("price", "none yet"),
            "contracts": ", ".join(f"{name} {address}" for name, address in info["contracts"].items()),
        }
    now: dict[str, Any] = node_client.get(url, "/api/overview", Folder(path).admin_token())
    found["stations"] = f"{now['stations']}, of them {now['connected']} connected"
    found["sessions_today"] = f"{now['sessions_today']}, {now['energy_today_wh']} Wh"
    found["doors"] = ", ".join(door.url for door in station_doors(settings)) or "none"
    return found


def pile_add(wish: PileAdd) -> PileCard:
    """Register a pile: a metering point for each EVSE, its plate on chain signed by the owner, and a password."""
    settings, folder = NodeSettings.load(wish.folder), Folder(wish.folder)
    _must_trade(settings, f"a station alone is added by: sunpile station add {wish.station}")
    url, token, deployment = local_url(settings), folder.admin_token(), folder.deployment()
    if wish.owner_key:
        password = wish.owner_key.with_name("password")
        owner = load_key(wish.owner_key, read_password(password))
    else:
        owner = ensure_key(folder.key_file("owner"), folder.password_file)
    cap = -(-wish.max_w * settings.interval_length // 3600) + 1
    points: list[int] = []
    for _ in range(wish.evses):
        body = {
            "kind": "pile",
            "zone": deployment.zone,
            "owner": owner.address,
            "meter_key": None,
            "cap_wh": cap,
            "parent": wish.parent,
            "label": f"{wish.station}-{len(points) + 1}",
        }
        points.append(int(node_client.post(url, "/api/admin/points", token, body)["point"]))
    domain = Domain("sunpile", deployment.chain_id, Address(deployment.addresses["Registry"].lower()))
    plate = {"place": text32(wish.place), "connector": connector_number(wish.connector), "model": text32(wish.model)}
    signed = [
        owner.sign(PILE.digest(domain, {"point": p, **plate, "price": wish.price, "nonce": 1, "deadline": FOREVER}))
        for p in points
    ]
    body = {
        "station": wish.station,
        "max_w": wish.max_w,
        "evses": [{"evse": number, "point": point} for number, point in enumerate(points, 1)],
        "place": wish.place,
        "connector": wish.connector,
        "model": wish.model,
        "price": wish.price,
        "owner": owner.address,
        "deadline": FOREVER,
        "signatures": ["0x" + signature.hex() for signature in signed],
    }
    card = node_client.post(url, "/api/admin/piles", token, body)
    return PileCard(card["url"], card["identity"], card["password"])


class HttpChain:
    """`settlement.ports.ChainView` over a JSON-RPC address: `eth_call` and `eth_getCode`, nothing else."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx2.Client(timeout=30.0, trust_env=False)

    def call(self, to: Address, data: bytes) -> bytes:
        """See `ChainView.call`."""
        return self._ask("eth_call", {"to": to, "data": "0x" + data.hex()}, "latest")

    def code(self, address: Address) -> bytes:
        """See `ChainView.code`."""
        return self._ask("eth_getCode", address, "latest")

    def _ask(self, method: str, *params: object) -> bytes:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        try:
            answer = self._client.post(self._url, json=request).json()
        except (httpx2.HTTPError, ValueError) as fault:
            raise ChainUnreachable(f"no chain answers at {self._url}: {type(fault).__name__}") from fault
        if "result" not in answer:
            raise ChainUnreachable(f"the chain at {self._url} answered: {answer.get('error', {}).get('message')}")
        return bytes.fromhex(answer["result"][2:])


def verify(path: Path, rpc_url: str) -> Verdict:
    """Check a receipt file against a chain."""
    try:
        source = json.loads(path.read_text())
    except (OSError, ValueError) as fault:
        raise InputInvalid(f"{path} cannot be read as a receipt: {fault}") from fault
    shipped = load_abi("EnergyMarket").immutables_of
    found = verify_receipt(receipt_from_json(source), HttpChain(rpc_url), shipped)
    lines = tuple(Finding(line.name, line.ok, line.text) for line in found.lines)
    return Verdict(lines, found.holds, found.sentence)


def reconcile(path: Path) -> tuple[Difference, ...]:
    """Compare store and chain of a running node."""
    settings, folder = NodeSettings.load(path), Folder(path)
    _must_trade(settings, "there is no chain to compare with")

    async def compare() -> tuple[Difference, ...]:
        async with open_books(settings, folder, f"{local_url(settings)}/rpc") as (_store, _reader, reconciler):
            return tuple(await reconciler.differences())

    return asyncio.run(compare())


def backup(path: Path, to: Path) -> Path:
    """Write rows, settings, keys, certificates, files, deployment and chain journal to one file."""
    settings, folder = NodeSettings.load(path), Folder(path)
    partial = to.with_suffix(to.suffix + ".partial")
    with tempfile.TemporaryDirectory() as scratch:
        rows = Path(scratch) / ROWS
        engine = open_engine(folder.database_url(settings.database))
        # The chain is copied first: what the rows know of it must be in the copy or come again.
        chain = _copy_chain(folder.chain, Path(scratch) / "chain")
        store_backup.backup(engine, rows)
        engine.dispose()
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(rows, ROWS)
            for name in (FILE, "admin.token", *(["deployment.json"] if settings.trades else [])):
                archive.write(path / name, name)
            for file in (file for part in KEPT for file in sorted((path / part).rglob("*")) if file.is_file()):
                archive.write(file, str(file.relative_to(path)))
            for file in chain:
                archive.write(file, f"chain/{file.name}")
    partial.chmod(0o600)
    partial.rename(to)
    return to


def _copy_chain(source: Path, to: Path) -> list[Path]:
    """A consistent copy of snapshot and journal files: taken again if a generation changed meanwhile."""
    to.mkdir()
    for _ in range(CHAIN_TRIES):
        before = sorted(file.name for file in source.glob("*") if file.suffix in (".gz", ".log", ".json"))
        copies: list[Path] = []
        try:
            for name in before:
                copies.append(Path(shutil.copy2(source / name, to / name)))
        except FileNotFoundError:
            continue
        if before == sorted(file.name for file in source.glob("*") if file.suffix in (".gz", ".log", ".json")):
            return copies
    raise Conflict("the chain's journal changed all the time; try the backup again")


def restore(backup_file: Path, path: Path) -> None:
    """Make a node's folder from a backup."""
    if path.exists() and any(path.iterdir()):
        raise Conflict(f"{path} is not empty; restore into a new folder")
    if not backup_file.exists():
        raise NotFound(f"there is no file {backup_file}")
    path.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(backup_file) as archive:
            for name in archive.namelist():
                if name.startswith("/") or ".." in Path(name).parts:
                    raise InputInvalid(f"{backup_file} holds a path that leads elsewhere: {name}")
            archive.extractall(path)
    except zipfile.BadZipFile as fault:
        raise InputInvalid(f"{backup_file} is no sunpile backup: {fault}") from fault
    secret = (file for part in KEPT for file in (path / part).rglob("*") if file.is_file())
    for private in [path / "admin.token", *secret]:
        private.chmod(0o600)
    settings = NodeSettings.load(path)
    engine = open_engine(Folder(path).database_url(settings.database))
    try:
        store_backup.restore(engine, path / ROWS)
    finally:
        engine.dispose()
        (path / ROWS).unlink(missing_ok=True)


def doctor(path: Path) -> tuple[Finding, ...]:
    """Look at everything that can be out of reach."""
    try:
        settings = NodeSettings.load(path)
    except SunpileError as fault:
        return (Finding("settings", False, fault.detail, "sunpile init --folder FOLDER makes a folder"),)
    return tuple(asyncio.run(examine(settings, Folder(path))))


def _must_trade(settings: NodeSettings, instead: str) -> None:
    if not settings.trades:
        raise Conflict(f"this node runs without a market: {instead}")
