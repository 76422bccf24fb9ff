"""Numbers as people read them: kWh, prices, money, times. Whole integers come in, text goes out."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

SYMBOLS = {"EUR": "€", "CNY": "¥", "USD": "$", "GBP": "£"}


def _decimal(value: int, places: int, shown: int) -> str:
    """`value` / 10^places with `shown` decimals, rounded half away from zero, without floats."""
    step = 10 ** (places - shown)
    rounded = (abs(value) + step // 2) // step
    whole, part = divmod(rounded, 10**shown)
    sign = "−" if value < 0 and rounded else ""
    return f"{sign}{whole:,}.{part:0{shown}d}" if shown else f"{sign}{whole:,}"


@dataclass(frozen=True, slots=True)
class Figures:
    """Formats of one language and time zone."""

    language: str
    """Language tag."""
    time_zone: str
    """IANA name."""

    def kwh(self, wh: int) -> str:
        """Energy [Wh] as kWh."""
        return f"{_decimal(abs(wh), 3, 3)} kWh"

    def price(self, micro: int, currency: str) -> str:
        """A price [micro/kWh] with its currency."""
        return f"{SYMBOLS.get(currency, currency)}{_decimal(micro, 6, 4)}/kWh"

    def money(self, nano: int, currency: str, sign: bool = False) -> str:
        """An amount [nano] with its currency."""
        text = _decimal(nano, 9, 4)
        lead = "+" if sign and nano > 0 else ""
        symbol = SYMBOLS.get(currency, currency + " ")
        return f"{text[0]}{symbol}{text[1:]}" if text.startswith("−") else f"{lead}{symbol}{text}"

    def when(self, start: int, end: int) -> str:
        """An interval as people say it."""
        first = datetime.fromtimestamp(start, ZoneInfo(self.time_zone))
        last = datetime.fromtimestamp(end, ZoneInfo(self.time_zone))
        day = f"{first.year}年{first.month}月{first.day}日" if self.language == "zh-Hans" else f"{first:%-d %B %Y}"
        return f"{day}, {first:%H:%M}–{last:%H:%M}" if self.language == "en" else f"{day} {first:%H:%M}–{last:%H:%M}"
