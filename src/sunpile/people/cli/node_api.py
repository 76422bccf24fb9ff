"""The running node as commands ask it: its HTTP API, with the token in its folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class NodeApi(Protocol):
    """The running node's HTTP API, with the token in its folder."""

    def get(self, folder: Path, path: str) -> Any:
        """Answer to a GET."""
        ...

    def post(self, folder: Path, path: str, body: Mapping[str, Any]) -> Any:
        """Answer to a POST."""
        ...


@dataclass(frozen=True, slots=True)
class StationDoor:
    """A door stations come in by."""

    url: str
    """OCPP URL without the identity: ws:// or wss://."""
    profiles: tuple[int, ...]
    """Security profiles it lets in."""


class RestApi(NodeApi, Protocol):
    """The running node's HTTP API with every method, and what its folder says of the piles' doors."""

    def ask(self, folder: Path, method: str, path: str, body: Mapping[str, Any] | list[Any] | bytes | None) -> Any:
        """The answer: JSON, text if it is none, None if it is empty."""
        ...

    def doors(self, folder: Path) -> Sequence[StationDoor]:
        """Where stations connect, the best first."""
        ...
