"""What the roofs' chapter needs from others."""

from collections.abc import Sequence
from typing import Protocol

from sunpile.basics.ids import PointId
from sunpile.solar.plant import Device, RegisterRecord, Sample


class DeviceReader(Protocol):
    """Asks a device for its registers."""

    async def read(self, device: Device, at: int) -> Sample:
        """What it shows now, as of `at`.

        Raises
        ------
        InverterUnreachable
            with one sentence that says what to check.
        """
        ...

    async def close(self) -> None: ...


class RegisterBook(Protocol):
    """Keeps devices and their registers. Each call returns when it is durable."""

    async def devices(self) -> list[Device]: ...
    async def keep(self, records: Sequence[RegisterRecord], missed: Sequence[tuple[str, int, str]]) -> None:
        """Keep one poll: records once per (device, time), and (device, time, reason) of those that did not answer."""
        ...

    async def newest(self) -> dict[str, tuple[RegisterRecord | None, RegisterRecord | None]]:
        """Of each device the newest trusted record, and the newest held one."""
        ...

    async def around(self, point: PointId | None, begin: int, end: int) -> dict[Device, list[RegisterRecord]]:
        """Records of the devices of `point` (None = all) from `begin` to `end` [Unix s], with trusted neighbours."""
        ...
