"""Modbus TCP: one connection to each gateway, maps found once, requests one after the other."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusException

from sunpile.basics.errors import InverterUnreachable
from sunpile.solar.models import END, MARKER, Block, Plan, decode, plan
from sunpile.solar.plant import Device, Sample

BASES = (40_000, 0, 50_000)
"""Where a SunSpec map may begin, in the order of habit."""
TIMEOUT_S = 3.0
"""Real seconds to wait for a device."""
NOBODY = (ExcCodes.GATEWAY_PATH_UNAVIABLE, ExcCodes.GATEWAY_NO_RESPONSE)
"""How a gateway says that nobody is behind it."""
MODELS_MOST = 60
"""Models of one map; more is a broken one."""


@dataclass
class _Line:
    """A connection to one gateway, with what is known of the units behind it."""

    host: str
    port: int
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    client: AsyncModbusTcpClient | None = None
    maps: dict[int, list[Block]] = field(default_factory=dict[int, list[Block]])
    """Blocks by unit."""

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    async def connect(self) -> AsyncModbusTcpClient:
        if self.client is not None and self.client.connected:
            return self.client
        self.drop()
        client = AsyncModbusTcpClient(self.host, port=self.port, timeout=TIMEOUT_S, retries=1, reconnect_delay=0)
        if not await client.connect():
            client.close()
            raise InverterUnreachable(
                f"nothing answers at {self.name}: is the address right, the device on, and its Modbus TCP switched on?"
            )
        self.client = client
        return client

    def drop(self) -> None:
        if self.client is not None:
            self.client.close()
        self.client = None

    async def registers(self, unit: int, address: int, count: int) -> list[int]:
        """Holding registers of a unit."""
        client = await self.connect()
        try:
            answer: Any = await client.read_holding_registers(address, count=count, device_id=unit)
        except (ModbusException, OSError) as fault:
            self.drop()
            raise InverterUnreachable(
                f"unit {unit} at {self.name} does not answer: is its Modbus unit id {unit}?"
            ) from fault
        if answer.isError() and answer.exception_code in NOBODY:
            self.drop()
            raise InverterUnreachable(f"there is no unit {unit} behind {self.name}: check its Modbus unit id")
        if answer.isError():
            raise InverterUnreachable(f"unit {unit} at {self.name} refuses register {address}: {answer}")
        return [int(word) for word in answer.registers]

    async def find_map(self, unit: int) -> list[Block]:
        """The models of a unit, in order."""
        if unit not in self.maps:
            for base in BASES:
                if await self._marked(unit, base):
                    self.maps[unit] = await self._walk(unit, base + 2)
                    break
            else:
                raise InverterUnreachable(
                    f"unit {unit} at {self.name} answers but shows no SunSpec map: switch SunSpec on in the device"
                )
        return self.maps[unit]

    async def _marked(self, unit: int, base: int) -> bool:
        try:
            return tuple(await self.registers(unit, base, 2)) == MARKER
        except InverterUnreachable:
            # A refused register is an answer; a silent unit has lost its connection and is not asked again.
            if self.client is None:
                raise
            return False

    async def _walk(self, unit: int, address: int) -> list[Block]:
        blocks: list[Block] = []
        while len(blocks) < MODELS_MOST:
            model, length = await self.registers(unit, address, 2)
            if model == END:
                return blocks
            blocks.append(Block(model, address, length))
            address += 2 + length
        raise InverterUnreachable(f"the SunSpec map of unit {unit} at {self.name} does not end")


class ModbusReader:
    """Implements `DeviceReader` with pymodbus."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, int], _Line] = {}
        self._plans: dict[Device, Plan] = {}

    def _line(self, device: Device) -> _Line:
        return self._lines.setdefault((device.host, device.port), _Line(device.host, device.port))

    async def read(self, device: Device, at: int) -> Sample:
        """See `DeviceReader.read`."""
        line = self._line(device)
        async with line.lock:
            wanted = self._plans.get(device) or await self._plan(line, device)
            words: dict[int, int] = {}
            for address, count in wanted.requests:
                words.update(enumerate(await line.registers(device.unit, address, count), address))
        sample = decode(device.kind, wanted, words, at)
        if sample is None:
            raise InverterUnreachable(f"unit {device.unit} at {line.name} has no energy registers")
        return sample

    async def _plan(self, line: _Line, device: Device) -> Plan:
        blocks = await line.find_map(device.unit)
        found = plan(device.kind, blocks)
        if found is None:
            models = ", ".join(str(block.model) for block in blocks)
            raise InverterUnreachable(
                f"unit {device.unit} at {line.name} is no {device.kind}: it has only the SunSpec models {models}"
            )
        self._plans[device] = found
        return found

    async def close(self) -> None:
        """Hang up everywhere."""
        for line in self._lines.values():
            line.drop()
