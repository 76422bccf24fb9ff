"""The running node of a folder as commands ask it: its address from the settings, its token from the folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sunpile.people.cli.node_api import StationDoor

if TYPE_CHECKING:
    from sunpile.settings import NodeSettings

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
"""Where a node that listens on all addresses is reached from its own machine."""


class NodeOfFolder:
    """`people.cli.rest.RestApi`. What it needs is imported when a node is asked: other commands start without."""

    def get(self, folder: Path, path: str) -> Any:
        """See `RestApi`."""
        return self.ask(folder, "GET", path, None)

    def post(self, folder: Path, path: str, body: Mapping[str, Any]) -> Any:
        """See `RestApi`."""
        return self.ask(folder, "POST", path, body)

    def ask(self, folder: Path, method: str, path: str, body: Mapping[str, Any] | list[Any] | bytes | None) -> Any:
        """See `RestApi`."""
        from sunpile.settings import NodeSettings
        from sunpile.wiring import node_client
        from sunpile.wiring.folder import Folder

        settings = NodeSettings.load(folder)
        return node_client.ask(method, local_url(settings), path, Folder(folder).admin_token(), body)

    def doors(self, folder: Path) -> Sequence[StationDoor]:
        """See `RestApi`."""
        from sunpile.settings import NodeSettings

        return station_doors(NodeSettings.load(folder))


def local_url(settings: "NodeSettings") -> str:
    """The node's HTTP side from its own machine, whatever stands before it for others."""
    host = ANY_ADDRESS.get(settings.host, f"[{settings.host}]" if ":" in settings.host else settings.host)
    return f"http://{host}:{settings.http_port}"


def station_doors(settings: "NodeSettings") -> list[StationDoor]:
    """Where stations connect: with TLS first."""
    from sunpile.wiring.serving import shown_host

    named = [name for name in settings.server_names if "*" not in name]
    host = named[0] if named else shown_host(settings.host)
    doors: list[StationDoor] = []
    if settings.ocpp_tls_port is not None:
        doors.append(StationDoor(f"wss://{host}:{settings.ocpp_tls_port}/ocpp", (2, 3)))
    if settings.insecure_profiles:
        plain = tuple(sorted(settings.insecure_profiles, reverse=True))
        doors.append(StationDoor(f"ws://{host}:{settings.ocpp_port}/ocpp", plain))
    return doors
