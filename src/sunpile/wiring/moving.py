"""`sunpile move`: read another system's files, and write them to the database of a node that is stopped."""

import mmap
import socket
import time
from pathlib import Path

from sunpile.basics.errors import Conflict, InputInvalid, NotFound
from sunpile.fleet.moving import citrineos, steve
from sunpile.fleet.moving.dump import read_dump
from sunpile.fleet.moving.export import Fields, read_export
from sunpile.fleet.moving.model import Fleet, Moved
from sunpile.fleet.moving.past import PastRules
from sunpile.people.cli.commands import Progress
from sunpile.people.cli.moving import MoveWish
from sunpile.settings import NodeSettings
from sunpile.store.database import open_engine
from sunpile.store.moving import Move, MoveRules
from sunpile.store.schema import upgrade
from sunpile.wiring.folder import Folder
from sunpile.wiring.ground import usual_profile

FILE_MAX = 1 << 30
"""Largest file of an export [bytes]; a dump may be larger."""
DOOR_S = 0.5


def move(wish: MoveWish, progress: Progress) -> Moved:
    """Read, write and report.

    Raises
    ------
    Conflict
        if the node of the folder runs.
    NotFound
        if there is no such file or tenant.
    InputInvalid
        if the files are not what they should be.
    """
    settings, folder = NodeSettings.load(wish.folder), Folder(wish.folder)
    _must_be_stopped(settings)
    progress.say(f"Reading {wish.path} ...")
    fleet = _read(wish)
    past = PastRules(fleet.source, int(time.time()), settings.interval_length, settings.currency)
    profile = wish.profile or usual_profile(settings)
    rules = MoveRules(wish.tenant, past, wish.max_w, profile, wish.let_open, wish.dry_run)
    engine = open_engine(folder.database_url(settings.database))
    try:
        upgrade(engine)
        with engine.connect() as connection, connection.begin() as transaction:
            report = Move(connection, fleet, rules, lambda what, done, total: progress.step(done, total, what)).run()
            if wish.dry_run:
                transaction.rollback()
    finally:
        engine.dispose()
    return report


def _must_be_stopped(settings: NodeSettings) -> None:
    """A node keeps what it knows in memory, and its writer must be the only one."""
    doors = (settings.http_port, settings.ocpp_port, settings.ocpp_tls_port or 0)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    for port in doors:
        if port == 0:
            continue
        try:
            with socket.create_connection((host, port), DOOR_S):
                raise Conflict(f"something answers at {host}:{port}: stop the node of {settings.folder} first")
        except OSError:
            continue


def _read(wish: MoveWish) -> Fleet:
    if wish.source == "citrineos":
        return citrineos.read_citrineos(_exported(wish.path), wish.source_tenant)
    if not wish.path.is_file():
        raise NotFound(f"there is no file {wish.path}")
    if wish.path.stat().st_size == 0:
        raise InputInvalid(f"{wish.path} is empty")
    with wish.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return steve.read_steve(read_dump(data, steve.TABLES), wish.names)


def _exported(path: Path) -> dict[str, list[Fields]]:
    if not path.is_dir():
        raise NotFound(f"there is no folder {path}")
    tables: dict[str, list[Fields]] = {}
    for file in sorted(path.iterdir()):
        if file.suffix.lower() not in (".json", ".csv"):
            continue
        if file.stat().st_size > FILE_MAX:
            raise InputInvalid(f"{file} is larger than {FILE_MAX >> 20} MiB; export it in parts")
        for name, rows in read_export(file.name, file.read_bytes()).items():
            if name in tables:
                raise InputInvalid(f"{file} brings {name} a second time; keep one of both")
            tables[name] = rows
    return tables
