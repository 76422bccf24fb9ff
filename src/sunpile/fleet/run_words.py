"""What stations' words mean for a run. Pure."""

import hashlib
from typing import Any

import orjson

from sunpile.basics.errors import InputInvalid, NotInDialect, PileUnreachable, SunpileError
from sunpile.chargers.commands import CommandResult
from sunpile.chargers.notices import Progress
from sunpile.fleet.firmware import FAILED as FIRMWARE_FAILED
from sunpile.fleet.run_events import Answered, Told
from sunpile.fleet.run_model import ItemState

DONE = frozenset({"Installed", "Published", "Uploaded"})
PUBLISH_FAILED = frozenset({"DownloadFailed", "InvalidChecksum", "PublishFailed"})
LOG_FAILED = frozenset({"UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation"})
FAILED = FIRMWARE_FAILED | PUBLISH_FAILED | LOG_FAILED | {"InvalidCertificate", "RevokedCertificate"}
DATA_MAX = 256 << 10
"""An answer larger than this is not kept whole [bytes]."""


def told(notice: Progress, at: int) -> Told | None:
    """What a station's progress means; None if it says nothing of the work."""
    if notice.status == "Idle":
        return None
    state: ItemState = "in progress"
    if notice.status in DONE:
        state = "done"
    elif notice.status in FAILED:
        state = "failed"
    return Told(at, notice.station, state, notice.status, notice.info)


def answered(station: str, attempt: int, at: int, result: CommandResult) -> Answered:
    """What a station's answer means."""
    data = result.data
    if data is not None and len(orjson.dumps(data)) > DATA_MAX:
        data = {"omitted": f"the answer is larger than {DATA_MAX} bytes; the message log has it"}
    state: ItemState = "accepted" if result.accepted else "rejected"
    return Answered(at, station, attempt, state, result.status, result.reason, data)


def not_answered(station: str, attempt: int, at: int, fault: Exception, asked: bool) -> Answered:
    """What it means that there is no answer; `asked` is True if the station may have got the question."""
    match fault:
        case PileUnreachable():
            return Answered(at, station, attempt, "timed out" if asked else "unreachable", reason=fault.detail)
        case NotInDialect():
            return Answered(at, station, attempt, "not in dialect", reason=fault.detail)
        case InputInvalid() | SunpileError():
            return Answered(at, station, attempt, "failed", reason=fault.detail)
        case _:
            return Answered(at, station, attempt, "failed", reason="something went wrong in this node; see its log")


def body_hash(*parts: Any) -> str:
    """Equal for the same wish, whatever the order of its members."""
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()
