import pytest

from sunpile.basics.errors import SettingInvalid
from sunpile.basics.interval import check_length, settlement_deadline
from sunpile.basics.tariff import Tariff
from sunpile.basics.units import MicroPerKwh


@pytest.mark.parametrize("length", [0, 1, 4, 7, 1000, 1800])
def test_a_length_that_does_not_divide_a_quarter_hour_names_the_setting(length: int) -> None:
    with pytest.raises(SettingInvalid, match="interval_length"):
        check_length(length)


def test_the_deadline_is_an_hour_and_at_least_four_intervals() -> None:
    assert settlement_deadline(900) == 4
    assert settlement_deadline(60) == 60
    assert settlement_deadline(5) == 720


def test_a_limit_is_a_share_of_the_band_rounded_down() -> None:
    tariff = Tariff(MicroPerKwh(300_000), MicroPerKwh(80_000), MicroPerKwh(10_000), MicroPerKwh(5_000))
    assert (tariff.low, tariff.high) == (85_000, 290_000)
    assert [tariff.limit_price(limit) for limit in (0, 1, 500, 1000)] == [85_000, 85_205, 187_500, 290_000]
