"""What many commands are given, and how it is read: the node's folder, --json, JSON in a word or a file."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from sunpile.basics.errors import InputInvalid

Folder = Annotated[Path, typer.Option("--folder", "-f", envvar="SUNPILE_FOLDER", help="The node's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
HERE = Path("data")


def text_of(text: str) -> str:
    """What was given, or what a file holds that is named after an @."""
    return Path(text[1:]).read_text() if text.startswith("@") else text


def json_of(text: str) -> Any:
    """JSON, or what a file holds that is named after an @.

    Raises
    ------
    InputInvalid
        if it is no JSON.
    """
    try:
        return json.loads(text_of(text))
    except ValueError as fault:
        raise InputInvalid(f"{text[:40]!r} is no JSON: {fault}") from None


def plain(value: Any) -> str:
    """JSON of plain records, for programs and people."""
    return json.dumps(value, default=str, indent=2, ensure_ascii=False)
