"""The raw message log as people read it: what a frame is, and which answer belongs to which call. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

KINDS = {2: "call", 3: "result", 4: "error", 5: "result-error", 6: "send"}
"""Message types of OCPP-J; 5 and 6 are of 2.1."""


class RawFrame(NamedTuple):
    """A frame as it is kept."""

    id: int
    """Its number in the log."""
    station: str
    """Whose."""
    at: int
    """When it passed here [Unix s]."""
    incoming: bool
    """From the station."""
    frame: str
    """As it was on the wire."""


@dataclass(frozen=True, slots=True)
class FrameView:
    """A frame, read."""

    id: int
    """Its number in the log."""
    at: int
    """When it passed here [Unix s]."""
    incoming: bool
    """True: from the station; false: from us."""
    kind: str
    """call, result, error, result-error, send, or invalid if it is no OCPP frame."""
    message_id: str
    """By which call and answer belong together."""
    action: str
    """Of a call; of an answer that of its call, if that is in sight."""
    answers: int | None
    """Number of the call this answers, if it is in sight."""
    frame: str
    """As it was on the wire."""


@dataclass(frozen=True, slots=True)
class FrameQuery:
    """Which frames to show."""

    station: str
    """Whose."""
    since: int | None = None
    """Not before [Unix s]."""
    until: int | None = None
    """Before [Unix s]."""
    incoming: bool | None = None
    """From the station, or from us."""
    action: str = ""
    """Calls of this action, and their answers."""
    text: str = ""
    """With this text in it."""
    message_id: str = ""
    """The call and answer of this id."""
    before: int | None = None
    """With a smaller number: the last one of the page before."""
    limit: int = 100
    """At most so many."""


@dataclass(frozen=True, slots=True)
class FramePage:
    """Frames, newest first."""

    frames: tuple[FrameView, ...]
    """Them."""
    next: int | None
    """`before` of the next page; None: there is none."""


def read_frame(raw: RawFrame) -> FrameView:
    """What kind of frame it is."""
    kind, message_id, action = "invalid", "", ""
    try:
        found: Any = json.loads(raw.frame)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, list) and len(cast("list[Any]", found)) >= 3:
        parts = cast("list[Any]", found)
        if isinstance(parts[0], int) and parts[0] in KINDS and isinstance(parts[1], str):
            kind, message_id = KINDS[parts[0]], parts[1]
            action = parts[2] if kind in ("call", "send") and isinstance(parts[2], str) else ""
    return FrameView(raw.id, raw.at, raw.incoming, kind, message_id, action, None, raw.frame)


def paired(frames: Sequence[FrameView]) -> list[FrameView]:
    """`frames`, oldest first, with each answer told which call it answers: the last of its id from the other side."""
    calls: dict[tuple[bool, str], FrameView] = {}
    told: list[FrameView] = []
    for frame in frames:
        if frame.kind == "call":
            calls[frame.incoming, frame.message_id] = frame
        elif frame.kind in ("result", "error", "result-error"):
            # A result error goes the way of the call: it answers the answer.
            side = frame.incoming if frame.kind == "result-error" else not frame.incoming
            call = calls.get((side, frame.message_id))
            if call is not None:
                frame = replace(frame, answers=call.id, action=call.action)
        told.append(frame)
    return told


def fits(frame: FrameView, query: FrameQuery) -> bool:
    """True if a paired frame is wanted."""
    return (
        (not query.action or frame.action == query.action)
        and (not query.message_id or frame.message_id == query.message_id)
        and (query.incoming is None or frame.incoming == query.incoming)
        and query.text.casefold() in frame.frame.casefold()
    )
