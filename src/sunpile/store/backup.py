"""Backup and restore: one file that any sunpile of the same or a newer release reads, from SQLite to PostgreSQL too.

The file is a zip of one JSON-lines member per table and a manifest with the schema and a row count per table. Rows are
read in one transaction, so the backup is one moment. It is written beside its place and renamed when it is complete.
"""

import base64
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, insert, select, text

from sunpile.basics.errors import Conflict, InputInvalid
from sunpile.store.every_table import metadata
from sunpile.store.samples import DAY_S, make_days
from sunpile.store.schema import current_revision, upgrade
from sunpile.store.upkeep_tables import samples

MANIFEST = "manifest.json"
CHUNK = 500


def backup(engine: Engine, path: Path) -> dict[str, int]:
    """Write every table to `path`; rows per table."""
    partial = path.with_suffix(path.suffix + ".partial")
    counts: dict[str, int] = {}
    with engine.connect() as connection, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        for table in metadata.sorted_tables:
            with archive.open(f"{table.name}.jsonl", "w") as member:
                counts[table.name] = 0
                for row in connection.execute(select(table)).mappings():
                    member.write(json.dumps({key: _out(value) for key, value in row.items()}).encode() + b"\n")
                    counts[table.name] += 1
        archive.writestr(MANIFEST, json.dumps({"schema": current_revision(engine), "rows": counts}, indent=1))
    with partial.open("rb+") as written:
        os.fsync(written.fileno())
    partial.rename(path)
    return counts


def restore(engine: Engine, path: Path) -> dict[str, int]:
    """Fill an empty database from a backup; rows per table.

    Raises
    ------
    Conflict
        if the database holds rows already.
    InputInvalid
        if the file is no backup, or not complete.
    """
    upgrade(engine)
    try:
        with zipfile.ZipFile(path) as archive, engine.begin() as connection:
            manifest = json.loads(archive.read(MANIFEST))
            _refuse_filled(connection)
            for table in metadata.sorted_tables:
                _fill(connection, archive, table, manifest["rows"].get(table.name, 0))
                _count_on(connection, table)
            return manifest["rows"]
    except (zipfile.BadZipFile, KeyError, FileNotFoundError, ValueError) as fault:
        raise InputInvalid(f"{path.name} is not a complete sunpile backup: {fault}") from fault


def _refuse_filled(connection: Connection) -> None:
    for table in metadata.sorted_tables:
        if connection.execute(select(func.count()).select_from(table)).scalar_one():
            raise Conflict(f"the database is not empty: table {table.name} has rows; restore into a new one")


def _fill(connection: Connection, archive: zipfile.ZipFile, table: Table, expected: int) -> None:
    count = 0
    for chunk in _chunks(_rows(archive, table)):
        if table is samples:
            make_days(connection, {row["at"] // DAY_S for row in chunk})
        connection.execute(insert(table), chunk)
        count += len(chunk)
    if count != expected:
        raise InputInvalid(f"the backup's table {table.name} has {count} of {expected} rows")


def _count_on(connection: Connection, table: Table) -> None:
    """PostgreSQL numbers rows by a sequence of its own, which must go on behind the restored ones."""
    counted = table.autoincrement_column
    if connection.dialect.name == "postgresql" and counted is not None and counted.autoincrement is True:
        newest = select(func.coalesce(func.max(counted), 0) + 1).scalar_subquery()
        sequence = func.pg_get_serial_sequence(table.name, counted.name)
        connection.execute(select(func.setval(sequence, newest, False)))


def _rows(archive: zipfile.ZipFile, table: Table) -> Iterator[dict[str, Any]]:
    with archive.open(f"{table.name}.jsonl") as member:
        for line in member:
            yield {key: _in(value) for key, value in json.loads(line).items()}


def _chunks(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _out(value: object) -> object:
    return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _in(value: Any) -> Any:
    return base64.b64decode(str(value["b64"])) if isinstance(value, dict) else value  # pyright: ignore[reportUnknownArgumentType]
