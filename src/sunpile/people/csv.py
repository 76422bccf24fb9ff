"""CSV for spreadsheets: a text that a spreadsheet would take for a formula is disarmed (ASVS 5.0 1.2.10)."""

from collections.abc import Iterable, Sequence

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Beginnings that a spreadsheet computes, in full width too."""


def csv_cell(value: object) -> str:
    """One cell (RFC 4180). A number stays a number, None is empty; a text that looks like a formula gets an `'`."""
    if value is None:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    if text.lstrip(" ").startswith(FORMULA):
        text = "'" + text
    text = text.replace("\x00", "\ufffd")
    if any(mark in text for mark in ',"\r\n;'):
        return '"' + text.replace('"', '""') + '"'
    return text


def csv_line(values: Iterable[object]) -> str:
    """A line with its end."""
    return ",".join(csv_cell(value) for value in values) + "\r\n"


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A whole file."""
    return csv_line(header) + "".join(csv_line(row) for row in rows)
