"""The reader finds SunSpec maps, scales what it reads, and says in one sentence why a device cannot be read."""

import pytest

from solar.devices import model_registers, serving, sunspec_map
from sunpile.basics.errors import InverterUnreachable
from sunpile.basics.ids import PointId
from sunpile.basics.units import Watt
from sunpile.solar.modbus import ModbusReader
from sunpile.solar.models import layout, plan
from sunpile.solar.plant import Device, Kind

COMMON = model_registers(1)
INVERTER = model_registers(103, W=512, W_SF=1, WH=123_456, WH_SF=1)
METER = model_registers(203, W=-1500, W_SF=0, TotWhImp=70_000, TotWhExp=1_234_567, TotWh_SF=-1)
BATTERY = model_registers(802, SoC=635, SoC_SF=-1)


def device(port: int, kind: Kind, unit: int = 1) -> Device:
    return Device("1-0", PointId(1), kind, "127.0.0.1", port, unit, Watt(10_000))


@pytest.fixture
async def reader():
    reader = ModbusReader()
    yield reader
    await reader.close()


async def test_a_meter_is_read_with_its_scale_factors(reader: ModbusReader):
    async with serving({1: sunspec_map(COMMON, INVERTER, METER)}) as port:
        sample = await reader.read(device(port, "meter"), 900)
    assert (sample.at, sample.w, sample.imported.wh(), sample.exported.wh()) == (900, -1500, 7_000, 123_456)


async def test_an_inverter_in_the_same_unit_is_read_as_itself(reader: ModbusReader):
    async with serving({1: sunspec_map(COMMON, INVERTER, METER)}) as port:
        sample = await reader.read(device(port, "inverter"), 900)
    assert (sample.w, sample.imported.wh(), sample.exported.wh()) == (5120, 0, 1_234_560)


@pytest.mark.parametrize("model", [101, 102, 111, 113])
async def test_other_inverter_models_are_read_too(reader: ModbusReader, model: int):
    values = {"W": 512, "WH": 7_000} | ({} if model > 110 else {"W_SF": 1, "WH_SF": 0})
    async with serving({1: sunspec_map(COMMON, model_registers(model, **values))}) as port:
        sample = await reader.read(device(port, "inverter"), 0)
    assert (sample.w, sample.exported.wh()) == (512 if model > 110 else 5120, 7_000)


async def test_a_battery_shows_its_state_of_charge(reader: ModbusReader):
    async with serving({1: sunspec_map(COMMON, BATTERY, METER)}) as port:
        sample = await reader.read(device(port, "battery"), 0)
    assert (sample.soc_permille, sample.w) == (635, -1500)


async def test_a_value_the_device_does_not_have_is_not_taken_for_a_number(reader: ModbusReader):
    blind = model_registers(203, TotWhImp=1, TotWhExp=2, TotWh_SF=0)
    async with serving({1: sunspec_map(COMMON, model_registers(802, SoC_SF=0), blind)}) as port:
        sample = await reader.read(device(port, "battery"), 0)
    assert (sample.w, sample.soc_permille) == (0, None)


@pytest.mark.parametrize("base", [0, 50_000])
async def test_a_map_may_begin_elsewhere(reader: ModbusReader, base: int):
    async with serving({1: sunspec_map(COMMON, METER)}, base) as port:
        assert (await reader.read(device(port, "meter"), 0)).w == -1500


async def test_a_meter_needs_one_request():
    blocks = plan("meter", [])
    assert blocks is None
    assert layout(203)["TotWhImp"].offset == 46
    assert layout(802)["SoC"].offset == 11


async def test_a_closed_port_is_told_in_one_sentence(reader: ModbusReader):
    async with serving({1: sunspec_map(COMMON)}) as port:
        pass
    with pytest.raises(InverterUnreachable, match=r"nothing answers at 127\.0\.0\.1:\d+"):
        await reader.read(device(port, "meter"), 0)


async def test_a_unit_that_is_not_there_is_told(reader: ModbusReader):
    async with serving({1: sunspec_map(COMMON, METER)}) as port:
        with pytest.raises(InverterUnreachable, match="there is no unit 9 behind"):
            await reader.read(device(port, "meter", 9), 0)


async def test_a_device_without_sunspec_is_told(reader: ModbusReader):
    async with serving({1: [1, 2, 3, 4]}) as port:
        with pytest.raises(InverterUnreachable, match="shows no SunSpec map"):
            await reader.read(device(port, "meter"), 0)


async def test_a_device_of_another_kind_is_told(reader: ModbusReader):
    async with serving({1: sunspec_map(COMMON, INVERTER)}) as port:
        with pytest.raises(InverterUnreachable, match="is no meter: it has only the SunSpec models 1, 103"):
            await reader.read(device(port, "meter"), 0)


async def test_a_device_that_comes_back_is_read_again(reader: ModbusReader):
    async with serving({1: sunspec_map(COMMON, METER)}) as port:
        await reader.read(device(port, "meter"), 0)
    with pytest.raises(InverterUnreachable):
        await reader.read(device(port, "meter"), 1)
