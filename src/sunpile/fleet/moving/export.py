"""Exported tables: `psql \\copy ... csv header`, rows of JSON, or the answer of a GraphQL query (Hasura)."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any, cast

import orjson

from sunpile.basics.errors import InputInvalid

Fields = dict[str, Any]
FIELD_MAX = 1 << 20
"""No field of a row is longer [letters]."""
ROWS_MAX = 5_000_000
"""Rows of one file."""


def read_export(name: str, content: bytes) -> dict[str, list[Fields]]:
    """Rows by table of one file, `Table.json` or `Table.csv`. A GraphQL answer may hold several tables.

    Raises
    ------
    InputInvalid
        naming file and line.
    """
    table, _, kind = name.rpartition(".")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputInvalid(f"{name} is UTF-16; export it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise InputInvalid(f"{name} is not UTF-8: byte {fault.start}") from fault
    found = {table: _csv(name, text)} if kind.lower() == "csv" else _json(name, table, text)
    for rows in found.values():
        if len(rows) > ROWS_MAX:
            raise InputInvalid(f"{name} has more than {ROWS_MAX} rows")
    return found


def _csv(name: str, text: str) -> list[Fields]:
    csv.field_size_limit(FIELD_MAX)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Fields] = []
    try:
        header = next(reader, None)
        if header is None:
            return []
        if "" in header or len(set(header)) != len(header):
            raise InputInvalid(f"{name} has no line with the names of its columns; export it with: csv header")
        for values in reader:
            if len(values) != len(header):
                where = f"line {reader.line_num} of {name}"
                raise InputInvalid(f"{where} has {len(values)} fields, the first line names {len(header)}")
            # psql writes NULL as nothing, and an empty text as "".
            rows.append({key: value if value != "" else None for key, value in zip(header, values, strict=True)})
    except csv.Error as fault:
        raise InputInvalid(f"line {reader.line_num} of {name} is no CSV: {fault}") from fault
    return rows


def _json(name: str, table: str, text: str) -> dict[str, list[Fields]]:
    try:
        value: Any = orjson.loads(text)
    except orjson.JSONDecodeError as fault:
        if "depth" in str(fault):
            raise InputInvalid(f"{name} is nested too deeply") from fault
        lines = text.splitlines()
        if len(lines) > 1 and lines[0].lstrip().startswith("{"):
            return {table: _lines(name, lines)}
        raise InputInvalid(f"{name} is no JSON: {fault}") from fault
    if isinstance(value, dict):
        answer = cast("dict[str, Any]", value)
        if "errors" in answer:
            raise InputInvalid(f"{name} is an answer with errors: {str(answer['errors'])[:200]}")
        data: Any = answer.get("data", answer)
        if isinstance(data, dict) and data and all(isinstance(rows, list) for rows in cast("Fields", data).values()):
            tables = cast("Mapping[str, list[Any]]", data)
            return {key: _checked(name, rows) for key, rows in tables.items()}
        return {table: _checked(name, [answer])}
    if value is None:
        return {table: []}
    return {table: _checked(name, cast("list[Any]", value) if isinstance(value, list) else [value])}


def _lines(name: str, lines: Iterable[str]) -> list[Fields]:
    rows: list[Any] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            rows.append(orjson.loads(line))
        except (ValueError, RecursionError) as fault:
            raise InputInvalid(f"line {number} of {name} is no JSON: {fault}") from fault
    return _checked(name, rows)


def _checked(name: str, rows: Iterable[Any]) -> list[Fields]:
    found: list[Fields] = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InputInvalid(f"row {number} of {name} is no object with the names of its columns")
        found.append(cast("Fields", row))
    return found
