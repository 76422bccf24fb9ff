"""The real data the town runs on; `data/README.md` says where each file is from."""

import csv
from functools import cache
from importlib.resources import files


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """Rows of `data/NAME.csv` by column title."""
    text = (files("sunpile.town") / "data" / f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


@cache
def column(name: str, title: str) -> tuple[float, ...]:
    """One column of numbers."""
    return tuple(float(row[title]) for row in rows(name))
