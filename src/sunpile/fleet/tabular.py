"""Rows as CSV and as JSON lines, for export. Pure."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: object) -> str:
    """A CSV cell: a text that a spreadsheet would take for a formula gets an apostrophe in front.

    >>> cell("=1+1"), cell(-5), cell(None)
    ("'=1+1", '-5', '')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return "'" + value if value.startswith(_FORMULA) else value
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, default=str)
    return str(value)


def csv_text(names: Sequence[str], rows: Iterable[Mapping[str, Any]], head: bool = True) -> str:
    """Rows as CSV (RFC 4180); columns in the order of `names`."""
    text = io.StringIO()
    writer = csv.writer(text)
    if head:
        writer.writerow(names)
    writer.writerows([cell(row.get(name)) for name in names] for row in rows)
    return text.getvalue()


def json_lines(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as JSON, one a line."""
    return "".join(json.dumps(dict(row), separators=(",", ":"), default=str) + "\n" for row in rows)
