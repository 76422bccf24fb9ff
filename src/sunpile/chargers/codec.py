"""OCPP-J frames: strict in what comes in, minimal in what goes out. No socket, no clock.

`Codec.decode` gives a `Call`, a `Result`, a `CallFault`, in 2.1 also a `Send` or a `ResultFault`, or a `Stray` (a
broken answer or SEND, which may itself not be answered), or raises `FrameInvalid` with the version's CALLERROR code.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import orjson

from sunpile.basics.errors import FrameInvalid
from sunpile.chargers.validation import CODES, Fault, Version, actions, first_fault, sends

MAX_BYTES = 64 * 1024
MAX_DEPTH = 16
MAX_ID = 36
NO_ID = "-1"
CALL, RESULT, ERROR, RESULT_ERROR, SEND = 2, 3, 4, 5, 6
Mend = Callable[[str, dict[str, Any], bool], dict[str, Any] | None]
"""What a station's leniencies make of a message ("MeterValuesRequest"), its payload and whether that is valid as it is;
None if they do not help."""


@dataclass(frozen=True, slots=True)
class Call:
    """A valid request of the pile."""

    id: str
    action: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """A CALLRESULT; its payload is checked against the action it answers by `check_result`."""

    id: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CallFault:
    """A CALLERROR of the pile."""

    id: str
    code: str
    description: str


@dataclass(frozen=True, slots=True)
class Send:
    """A valid message that is never answered (2.1)."""

    id: str
    action: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ResultFault:
    """A CALLRESULTERROR of the pile: it could not use our answer to its call `id` (2.1)."""

    id: str
    code: str
    description: str


@dataclass(frozen=True, slots=True)
class Stray:
    """A broken answer or SEND: counted and dropped, for neither is answered by an error."""

    reason: str


Frame = Call | Result | CallFault | Send | ResultFault | Stray


class Codec:
    """Frames of one OCPP version."""

    def __init__(self, version: Version, mend: Mend | None = None) -> None:
        self.version: Version = version
        self._actions = actions(version)
        self._sends = sends(version)
        self._mend = mend

    def fault(self, fault: Fault, detail: str = "", message_id: str = NO_ID) -> FrameInvalid:
        """The error to raise for `fault` in this version's spelling."""
        return FrameInvalid(CODES[self.version][fault], detail or fault.value, message_id)

    def decode(self, text: str | bytes) -> Frame:
        """The message in `text`.

        Raises
        ------
        FrameInvalid
            if it must be answered with a CALLERROR.
        """
        if len(text) > MAX_BYTES:
            raise self.fault(Fault.RPC, "frame is larger than 64 KiB")
        try:
            parsed: Any = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise self.fault(Fault.RPC, "frame is not valid JSON") from None
        if not isinstance(parsed, list) or not parsed:
            raise self.fault(Fault.RPC, "frame is not a JSON array")
        message = cast(list[Any], parsed)
        _refuse_hostile(self, text, message)
        kind = message[0]
        if kind in (RESULT, ERROR):
            return _answer(message)
        if self._sends and kind in (RESULT_ERROR, SEND):
            return _answer(message) if kind == RESULT_ERROR else self._send(message)
        message_id = _readable_id(message)
        if not isinstance(kind, int) or isinstance(kind, bool):
            raise self.fault(Fault.RPC, "message type is not an integer", message_id)
        if kind != CALL:
            raise self.fault(Fault.MESSAGE_TYPE, "", message_id)
        return self._call(message, message_id)

    def _call(self, message: list[Any], message_id: str) -> Call:
        if len(message) != 4:
            raise self.fault(Fault.RPC, "a call has four elements", message_id)
        if message_id == NO_ID:
            raise self.fault(Fault.RPC, "message id is not a string of 1 to 36 characters")
        action, payload = message[2], message[3]
        if not isinstance(action, str):
            raise self.fault(Fault.RPC, "action is not a string", message_id)
        if action not in self._actions:
            raise self.fault(Fault.UNKNOWN_ACTION, "", message_id)
        if payload is None:
            payload = {}
        if not isinstance(payload, dict):
            raise self.fault(Fault.FORMAT, "", message_id)
        broken = first_fault(self.version, action + "Request", payload)
        if self._mend is not None:
            mended = self._mend(action + "Request", cast(dict[str, Any], payload), broken is None)
            if mended is not None:
                return Call(message_id, action, mended)
        if broken:
            raise self.fault(broken[0], broken[1], message_id)
        return Call(message_id, action, cast(dict[str, Any], payload))

    def _send(self, message: list[Any]) -> Send | Stray:
        """A SEND is never answered, not even by an error (part 4, 4.2.4): what is wrong with it is only counted."""
        if len(message) != 4 or _readable_id(message) == NO_ID:
            return Stray("a SEND has four elements, the second a string of 1 to 36 characters")
        action, payload = message[2], message[3]
        if not isinstance(action, str) or action not in self._sends or not isinstance(payload, dict):
            return Stray("no such SEND")
        broken = first_fault(self.version, action + "Request", payload)
        return Stray(broken[1]) if broken else Send(message[1], action, cast(dict[str, Any], payload))

    def check_result(self, message_id: str, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """The payload that answers our `action`.

        Raises
        ------
        FrameInvalid
            if it breaks its schema.
        """
        broken = first_fault(self.version, action + "Response", payload)
        if broken is None:
            return payload
        mended = self._mend(action + "Response", payload, False) if self._mend else None
        if mended is None:
            raise self.fault(broken[0], broken[1], message_id)
        return mended

    @property
    def ids_outlive_sockets(self) -> bool:
        """True where ids are a station's own over all its sockets, and a retried call may keep its id (2.1)."""
        return self.version == "2.1"

    def call(self, message_id: str, action: str, payload: dict[str, Any]) -> str:
        """A CALL on the wire."""
        return orjson.dumps([CALL, message_id, action, payload]).decode()

    def result(self, message_id: str, payload: dict[str, Any]) -> str:
        """A CALLRESULT on the wire."""
        return orjson.dumps([RESULT, message_id, payload]).decode()

    def error(self, fault: FrameInvalid) -> str:
        """A CALLERROR on the wire."""
        return orjson.dumps([ERROR, fault.message_id, fault.ocpp_code, fault.detail[:255], {}]).decode()

    def result_error(self, fault: FrameInvalid) -> str | None:
        """A CALLRESULTERROR on the wire; None in a version that has none."""
        if not self._sends:
            return None
        return orjson.dumps([RESULT_ERROR, fault.message_id, fault.ocpp_code, fault.detail[:255], {}]).decode()


def _readable_id(message: list[Any]) -> str:
    if len(message) > 1 and isinstance(message[1], str) and 0 < len(message[1]) <= MAX_ID:
        return message[1]
    return NO_ID


def _answer(message: list[Any]) -> Frame:
    message_id = _readable_id(message)
    if message[0] == RESULT:
        payload = message[2] if len(message) == 3 else None
        if payload is None and len(message) == 3:
            payload = {}
        if not isinstance(payload, dict):
            return Stray("a result has three elements, the last an object")
        return Result(message_id, cast(dict[str, Any], payload))
    if len(message) < 3 or not isinstance(message[2], str):
        return Stray("an error has five elements, the third a string")
    description = message[3] if len(message) > 3 and isinstance(message[3], str) else ""
    kind = CallFault if message[0] == ERROR else ResultFault
    return kind(message_id, message[2][:64], description[:255])


def _refuse_hostile(codec: Codec, text: str | bytes, message: list[Any]) -> None:
    """Depth and NUL characters, looked for only where a cheap count says they could be."""
    brace, bracket, nul = ("{", "[", "\\u0000") if isinstance(text, str) else (b"{", b"[", b"\\u0000")
    deep = text.count(brace) + text.count(bracket) > MAX_DEPTH  # type: ignore[arg-type]
    if not deep and nul not in text:  # type: ignore[operator]
        return
    level: list[Any] = [message]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            inner = cast(list[Any], item if isinstance(item, list) else [*item, *item.values()])
            for value in inner:
                if isinstance(value, list | dict):
                    below.append(value)
                elif isinstance(value, str) and "\x00" in value:
                    raise codec.fault(Fault.PROPERTY, "a string holds a NUL character", _readable_id(message))
        if not below:
            return
        level = below
    raise codec.fault(Fault.RPC, f"frame is nested deeper than {MAX_DEPTH}", _readable_id(message))
