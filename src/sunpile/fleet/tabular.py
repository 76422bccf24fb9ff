"""Rows as CSV and as JSON lines, for export. Pure.

A text that a spreadsheet would take for a formula is disarmed (ASVS 5.0 1.2.10), also behind a semicolon, which parts
cells in some languages.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Beginnings that a spreadsheet computes, in full width too."""


def csv_cell(value: object) -> str:
    """One cell (RFC 4180). A number stays a number, None is empty; a text that looks like a formula gets an `'`.

    >>> csv_cell("=1+1"), csv_cell(-5), csv_cell(None), csv_cell("a,b")
    ("'=1+1", '-5', '', '"a,b"')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    text = json.dumps(value, default=str) if isinstance(value, (list, tuple, dict)) else str(value)
    if text.lstrip(" ").startswith(FORMULA):
        text = "'" + text
    text = text.replace("\x00", "\ufffd")
    if any(mark in text for mark in ',"\r\n;'):
        return '"' + text.replace('"', '""') + '"'
    return text


def csv_text(names: Sequence[str], rows: Iterable[Mapping[str, Any]], head: bool = True) -> str:
    """Rows as CSV; columns in the order of `names`."""
    lines: list[Sequence[object]] = [names] if head else []
    lines += ([row.get(name) for name in names] for row in rows)
    return "".join(",".join(csv_cell(value) for value in line) + "\r\n" for line in lines)


def json_lines(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as JSON, one a line."""
    return "".join(json.dumps(dict(row), separators=(",", ":"), default=str) + "\n" for row in rows)
