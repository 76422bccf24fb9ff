"""Participants that misbehave, for tests of a node: what they send, and what a good node answers."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from sunpile.basics.ids import PointId
from sunpile.basics.keys import Key
from sunpile.basics.reading import Reading
from sunpile.basics.typed_data import Domain
from sunpile.basics.units import Wh
from sunpile.town.signing import hexed

Batch = list[dict[str, Any]]


FORM = {
    "FormationViolation",
    "OccurenceConstraintViolation",
    "PropertyConstraintViolation",
    "ProtocolError",
    "TypeConstraintViolation",
}
"""CALLERROR codes of 1.6 for a payload that is not as the schema says."""
UNKNOWN = {"NotImplemented", "NotSupported"}
"""CALLERROR codes for an action that is not known."""


@dataclass(frozen=True, slots=True)
class WrongFrame:
    """A call of a 1.6 station that is wrong, and the CALLERROR codes that are right."""

    name: str
    action: str
    payload: object
    codes: set[str]

    @property
    def frame(self) -> str:
        """As it goes over the wire."""
        return json.dumps([2, "wrong-1", self.action, self.payload])


_STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
WRONG_FRAMES = (
    WrongFrame("an action nobody knows", "Teleport", {}, UNKNOWN),
    WrongFrame("a member is missing", "StatusNotification", {"connectorId": 1}, FORM),
    WrongFrame("text for a number", "StatusNotification", _STATUS | {"connectorId": "one"}, FORM),
    WrongFrame("a word that is not in the list", "StatusNotification", _STATUS | {"status": "Lovely"}, FORM),
    WrongFrame("a member nobody knows", "Heartbeat", {"mood": "fine"}, FORM),
    WrongFrame("a payload that is a list", "Heartbeat", [], FORM),
)


async def open_socket(url: str, station: str, password: str) -> ClientConnection:
    """A bare 1.6 socket under a station's name."""
    secret = base64.b64encode(f"{station}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {secret}"}
    return await connect(
        f"{url.rstrip('/')}/{station}", subprotocols=[Subprotocol("ocpp1.6")], additional_headers=headers
    )


async def answer_to(socket: ClientConnection, frame: str) -> list[Any] | None:
    """Send a raw frame and return what comes back; None if the node hangs up."""
    try:
        await socket.send(frame)
        answer: list[Any] = json.loads(await socket.recv())
        return answer
    except ConnectionClosed:
        return None


def forged(domain: Domain, point: int, interval: int, wh: int, key: Key | None = None) -> dict[str, Any]:
    """A reading signed by a key that is not the point's."""
    reading = Reading(PointId(point), interval, Wh(wh), bytes(32)).sign(domain, key or Key.from_seed("a thief"))
    return {
        "point": point,
        "interval": interval,
        "wh": wh,
        "salt": hexed(bytes(32)),
        "signature": hexed(reading.signature),
    }


def replayed(batch: Batch) -> Batch:
    """The same readings for the next interval, with the old signatures."""
    return [{**reading, "interval": reading["interval"] + 1} for reading in batch]


def one_more_wh(batch: Batch) -> Batch:
    """Readings with a Wh more than was signed."""
    return [{**reading, "wh": reading["wh"] + 1} for reading in batch]


def twice_differing(key: Key, domain: Domain, point: int, interval: int, wh: int) -> Batch:
    """Two readings of one interval, both validly signed, that do not agree."""
    return [forged(domain, point, interval, wh, key), forged(domain, point, interval, wh + 1, key)]


def silent(points: set[int]) -> Callable[[Batch], Batch]:
    """For `PushingMeters.tamper`: these meters say nothing."""
    return lambda batch: [reading for reading in batch if reading["point"] not in points]
