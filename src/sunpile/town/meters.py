"""The town's meters: Modbus servers that a node polls, and meters that sign and push their readings."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from sunpile.basics.errors import PortBusy
from sunpile.town.registers import BASE, Shape, Values, image

UNITS = 200
"""Devices behind one port (Modbus knows 247)."""


@dataclass(frozen=True, slots=True)
class ModbusDevice:
    """One device in a map, with its values at the moment of asking."""

    shape: Shape
    read: Callable[[], Values]


class ModbusPark:
    """All devices that answer Modbus TCP, as units behind as few ports as need be."""

    def __init__(self) -> None:
        self._devices: list[ModbusDevice] = []
        self._servers: list[ModbusTcpServer] = []
        self.ports: list[int] = []
        """Ports it listens on."""
        self.reads = 0
        """Requests answered."""

    def add(self, device: ModbusDevice) -> int:
        """Add a device before `start`; returns its number, which `address` turns into a port and a unit."""
        self._devices.append(device)
        return len(self._devices) - 1

    def address(self, number: int) -> tuple[int, int]:
        """Port and unit id of device `number`."""
        return self.ports[number // UNITS], number % UNITS + 1

    async def start(self, host: str = "127.0.0.1") -> None:
        """Listen on free ports.

        Raises
        ------
        PortBusy
            if that does not work.
        """
        for first in range(0, len(self._devices), UNITS):
            group = [self._unit(i + 1, device) for i, device in enumerate(self._devices[first : first + UNITS])]
            server = ModbusTcpServer([_nobody(), *group], address=(host, 0))
            await server.serve_forever(background=True)
            listening: Any = server.transport
            if listening is None:
                raise PortBusy(f"no Modbus server can listen on {host}")
            self._servers.append(server)
            self.ports.append(int(listening.sockets[0].getsockname()[1]))

    async def stop(self) -> None:
        """Hang up."""
        for server in self._servers:
            with contextlib.suppress(asyncio.CancelledError):
                await server.shutdown()

    def _unit(self, unit: int, device: ModbusDevice) -> SimDevice:
        async def refresh(
            _function: int, start: int, _address: int, _count: int, current: list[int], written: object
        ) -> ExcCodes | None:
            if written is not None:
                return ExcCodes.ILLEGAL_FUNCTION
            self.reads += 1
            current[BASE - start :] = image(device.shape, device.read())
            return None

        values = image(device.shape, device.read())
        return SimDevice(id=unit, simdata=[SimData(BASE, values=values, datatype=DataType.REGISTERS)], action=refresh)


def _nobody() -> SimDevice:
    """Answers for every unit that is not there, as a gateway does."""

    async def refuse(*_asked: object) -> ExcCodes:
        return ExcCodes.GATEWAY_NO_RESPONSE

    return SimDevice(id=0, simdata=[SimData(BASE, values=[0], datatype=DataType.REGISTERS)], action=refuse)
