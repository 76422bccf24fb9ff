"""Devices that answer Modbus for tests, built from pysunspec2's models, not from the code that reads them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from sunspec2 import device as sunspec_device


def model_registers(model: int, **values: int) -> list[int]:
    """Registers of a model, what is not given not implemented; written by pysunspec2."""
    made = sunspec_device.Model(model)
    for name, value in values.items():
        getattr(made, name).value = value
    raw: bytes = made.get_mb()
    registers = [int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2)]
    registers[0], registers[1] = model, len(registers) - 2
    return registers


def sunspec_map(*models: list[int]) -> list[int]:
    """`SunS`, models, end."""
    return [0x5375, 0x6E53, *(word for model in models for word in model), 0xFFFF, 0]


@asynccontextmanager
async def serving(units: dict[int, list[int]], base: int = 40_000) -> AsyncIterator[int]:
    """A gateway on a free port. A unit's list may be changed while it runs."""

    def unit(number: int, registers: list[int]) -> SimDevice:
        async def refresh(_f: int, _s: int, _a: int, _c: int, current: list[int], _w: Any) -> None:
            current[:] = registers

        data = SimData(base, values=list(registers), datatype=DataType.REGISTERS)
        return SimDevice(id=number, simdata=[data], action=refresh)

    async def nobody(*_asked: Any) -> ExcCodes:
        return ExcCodes.GATEWAY_NO_RESPONSE

    empty = SimDevice(id=0, simdata=[SimData(base, values=[0] * 4, datatype=DataType.REGISTERS)], action=nobody)
    server = ModbusTcpServer([empty, *(unit(*item) for item in units.items())], address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    listening: Any = server.transport
    yield listening.sockets[0].getsockname()[1]
    await server.shutdown()
