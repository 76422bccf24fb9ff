"""What mysqldump and mariadb-dump write, read strictly: the rows of the tables wanted, with their columns' names.

A general SQL parser takes minutes for the INSERT lines of a busy year, so these are read here, and the tests compare
every kind of value with what such a parser makes of it. A dump may be larger than memory: give a `mmap`.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import pairwise
from mmap import mmap

from sunpile.basics.errors import InputInvalid

Value = str | bytes | None
"""Numbers stay text; bytes are binary literals."""
Row = dict[str, Value]
VALUE_MAX = 1 << 20
"""No value of a charging system's table is longer [bytes]."""
ROWS_MAX = 20_000_000
"""Rows wanted of one dump, in all."""
_CHUNK = 1 << 20

_BLANK = re.compile(rb"\s*+")
_QUOTED = rb"'(?:[^'\\]++|\\.|'')*+'"
_SKIP = re.compile(
    rb"(?>(?:[^;'\"`/\-#]++|"
    + _QUOTED
    + rb"|\"(?:[^\"\\]++|\\.|\"\")*+\"|`[^`]*+`|/\*(?:[^*]++|\*(?!/))*+\*/|--\s[^\n]*+|/(?!\*)|[\-#])*+);",
    re.DOTALL,
)
"""A statement up to its end. Nothing in it goes back, so what is hostile takes no longer than what is honest."""
_COMMENT = re.compile(rb"--(?:[ \t][^\n]*+)?(?:\n|\Z)|#[^\n]*+(?:\n|\Z)|/\*.*?\*/\s*+;?", re.DOTALL)
_DELIMITER = re.compile(rb"DELIMITER[ \t]+(\S+)[^\n]*+\n", re.IGNORECASE)
_NAME = rb"(?:`[^`]*`\.)?`([^`]+)`"
_INSERT = re.compile(rb"(?:INSERT(?:\s+IGNORE)?|REPLACE)\s+INTO\s+" + _NAME + rb"\s*(\([^()]*\))?\s*VALUES\s*", re.I)
_CREATE = re.compile(rb"CREATE TABLE(?: IF NOT EXISTS)?\s+" + _NAME + rb"\s*\(", re.I)
_COLUMN = re.compile(rb"^\s*`([^`]+)`\s", re.MULTILINE)
_COLUMNS = re.compile(rb"`([^`]+)`")
_VALUE = re.compile(
    rb"\s*+(?:(NULL)|(-?\d++(?:\.\d*+)?(?:[eE][+-]?\d++)?)|(?:_\w++\s*+)?('(?:[^'\\]++|\\.|'')*+')|(?:0x([0-9A-Fa-f]++)))"
    rb"\s*+([,)])",
    re.DOTALL,
)
_NEXT = re.compile(rb"\s*+([,;])")
_ESCAPE = re.compile(rb"\\(.)|''", re.DOTALL)
_ESCAPED = {b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a", b"%": b"\\%", b"_": b"\\_"}
_UTC = re.compile(rb"TIME_ZONE\s*=\s*'\+00:00'", re.I)
_COMPLETE = re.compile(rb"-- Dump completed")


@dataclass(slots=True)
class Dump:
    """What is known of a dump besides its rows."""

    rows: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    """Rows of each table that was wanted."""
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Columns of each table, as CREATE TABLE names them."""
    counted: dict[str, int] = field(default_factory=dict[str, int])
    """INSERT statements of tables that were not wanted."""
    utc: bool = False
    """It says that its time stamps are UTC."""
    complete: bool = False
    """Its last line says that it is whole."""


def read_dump(data: bytes | mmap, wanted: Collection[str]) -> Dump:
    """Read a dump: the rows of the tables `wanted`.

    Raises
    ------
    InputInvalid
        with the line, if it is no dump, is cut off, or a line is broken.
    """
    _check_kind(data)
    dump = Dump(rows={name: [] for name in wanted})
    place, end = 0, len(data)
    while (place := _after(_BLANK, data, place)) < end:
        place = _statement(data, place, dump, wanted)
    tail = data[-4096:] if end > 4096 else data[:]
    dump.complete = _COMPLETE.search(tail) is not None
    if not dump.columns and not any(dump.rows.values()) and not dump.counted:
        raise InputInvalid("this is no SQL dump: it has neither CREATE TABLE nor INSERT INTO")
    return dump


def _check_kind(data: bytes | mmap) -> None:
    start = data[:4]
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputInvalid("the dump is UTF-16, as PowerShell's > writes it; use mysqldump --result-file=FILE instead")
    if start[:2] == b"\x1f\x8b" or start == b"PK\x03\x04":
        raise InputInvalid("the dump is compressed; unpack it first")
    if start[:4] == b"PGDM":
        raise InputInvalid("this is a dump of PostgreSQL; SteVe keeps its data in MySQL or MariaDB")


def _after(pattern: re.Pattern[bytes], data: bytes | mmap, place: int) -> int:
    found = pattern.match(data, place)
    return found.end() if found else place


def _statement(data: bytes | mmap, place: int, dump: Dump, wanted: Collection[str]) -> int:
    """Read what begins at `place`; returns where it ends."""
    if comment := _COMMENT.match(data, place):
        dump.utc = dump.utc or _UTC.search(comment.group(0)[:200]) is not None
        return comment.end()
    if delimiter := _DELIMITER.match(data, place):
        back = re.compile(rb"^DELIMITER[ \t]+;[^\n]*+(?:\n|\Z)", re.MULTILINE | re.I)
        end = back.search(data, delimiter.end())
        if end is None:
            raise _broken(data, place, "a trigger or procedure that does not end")
        return end.end()
    if insert := _INSERT.match(data, place):
        name = _text(data, insert.group(1), place)
        if name in wanted:
            return _rows(data, insert, name, dump)
        dump.counted[name] = dump.counted.get(name, 0) + 1
    skipped = _SKIP.match(data, place)
    if skipped is None:
        raise _broken(data, place, "a statement that does not end: was the dump cut off?")
    if create := _CREATE.match(data, place):
        body = data[create.end() : skipped.end()]
        columns = tuple(_text(data, found, place) for found in _COLUMN.findall(body))
        dump.columns[_text(data, create.group(1), place)] = columns
    elif skipped.end() - place < 200:
        dump.utc = dump.utc or _UTC.search(skipped.group(0)) is not None
    return skipped.end()


def _rows(data: bytes | mmap, insert: re.Match[bytes], name: str, dump: Dump) -> int:
    place = insert.end()
    columns = dump.columns.get(name, ())
    if insert.group(2):
        columns = tuple(_text(data, found, place) for found in _COLUMNS.findall(insert.group(2)))
    if not columns:
        raise _broken(data, place, f"rows of {name} without the names of its columns: dump with the tables' structure")
    rows, total = dump.rows[name], sum(map(len, dump.rows.values()))
    while True:
        values, place = _row(data, place, len(columns), name)
        rows.append(dict(zip(columns, values, strict=True)))
        total += 1
        if total > ROWS_MAX:
            raise InputInvalid(f"the dump has more than {ROWS_MAX} rows of charging data; dump less, see --where")
        after = _NEXT.match(data, place)
        if after is None:
            raise _broken(data, place, f"neither , nor ; behind a row of {name}")
        place = after.end()
        if after.group(1) == b";":
            return place


def _row(data: bytes | mmap, place: int, width: int, name: str) -> tuple[list[Value], int]:
    start = place = _after(_BLANK, data, place)
    if data[place : place + 1] != b"(":
        raise _broken(data, place, f"a row of {name} does not begin with (")
    place += 1
    values: list[Value] = []
    match = _VALUE.match
    while found := match(data, place):
        null, number, text, binary, after = found.groups()
        place = found.end()
        if text is not None:
            values.append(_unquoted(data, text, start))
        elif number is not None:
            values.append(number.decode())
        else:
            values.append(None if null else bytes.fromhex(binary.decode().zfill(len(binary) + len(binary) % 2)))
        if after == b")":
            break
        if len(values) > width:
            break
    else:
        raise _broken(data, place, f"a value of {name} that cannot be read")
    if len(values) != width:
        raise _broken(data, start, f"a row of {name} with {len(values)} values, its table has {width} columns")
    return values, place


def _unquoted(data: bytes | mmap, literal: bytes, place: int) -> str:
    if len(literal) > VALUE_MAX:
        raise _broken(data, place, f"a value of {len(literal)} bytes, more than {VALUE_MAX}")
    text = literal[1:-1]
    if b"\\" in text or b"'" in text:
        text = _ESCAPE.sub(_escaped, text)
    return _text(data, text, place)


def _escaped(found: re.Match[bytes]) -> bytes:
    letter = found.group(1)
    return b"'" if letter is None else _ESCAPED.get(letter, letter)


def _text(data: bytes | mmap, raw: bytes, place: int) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as fault:
        told = "text that is not UTF-8; dump with --default-character-set=utf8mb4"
        raise _broken(data, place, told) from fault


def _broken(data: bytes | mmap, place: int, what: str) -> InputInvalid:
    borders = [*range(0, place, _CHUNK), place]
    line = 1 + sum(data[first:last].count(b"\n") for first, last in pairwise(borders))
    return InputInvalid(f"line {line} of the dump has {what}", line=line)
