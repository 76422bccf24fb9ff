"""Two languages: which one a reader wants, and its words."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import cast

from starlette.requests import Request

LANGUAGES = {"en": "English", "zh-Hans": "中文"}
COOKIE = "sunpile-lang"
FOLDER = Path(__file__).parent / "static" / "locales"


@cache
def words(language: str) -> Mapping[str, str]:
    """All words of a language, by key."""
    return cast("Mapping[str, str]", json.loads((FOLDER / f"{language}.json").read_text("utf-8")))


def known(tag: str) -> str | None:
    """Our language for a tag like zh-CN, None if we do not speak it."""
    base = tag.strip().lower().split("-")[0]
    return {"en": "en", "zh": "zh-Hans"}.get(base)


def accepted(header: str) -> str | None:
    """The best language of an Accept-Language header."""
    best: tuple[float, str] | None = None
    for part in header.split(",")[:20]:
        tag, _, quality = part.partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        language = known(tag)
        if language and weight > 0 and (best is None or weight > best[0]):
            best = (weight, language)
    return best[1] if best else None


def language_of(request: Request) -> str:
    """The address says it, else the cookie, else the browser, else English."""
    return (
        known(request.query_params.get("lang", ""))
        or known(request.cookies.get(COOKIE, ""))
        or accepted(request.headers.get("accept-language", ""))
        or "en"
    )
