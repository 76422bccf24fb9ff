"""Tariffs from the real day-ahead prices, hour by hour: 0 <= feed-in <= retail <= retail cap."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sunpile.basics.tariff import Tariff
from sunpile.basics.units import MicroPerKwh
from sunpile.town.tables import rows

ADDERS = 150_000
"""Taxes, network and supplier on top of the day-ahead price [micro/kWh]."""
MARGIN = 20_000
"""What the supplier keeps of the day-ahead price when it buys [micro/kWh]."""
FEE = 4_000
"""Fee of each side on matched energy [micro/kWh]."""


@dataclass(frozen=True, slots=True)
class PublishedTariff:
    """A tariff and the interval from which on it holds."""

    from_interval: int
    tariff: Tariff


def tariff(day_ahead: int, retail_cap: int) -> Tariff:
    """The tariff of an hour whose day-ahead price is `day_ahead` [micro/kWh, may be negative]."""
    retail = min(retail_cap, max(0, day_ahead) + ADDERS)
    feed_in = min(retail, max(0, day_ahead - MARGIN))
    return Tariff(MicroPerKwh(retail), MicroPerKwh(feed_in), MicroPerKwh(FEE), MicroPerKwh(FEE))


def day_ahead(hour_begin: int) -> int:
    """Day-ahead price of the hour that starts at `hour_begin` [Unix s]; a missing hour has its predecessor's."""
    wanted = datetime.fromtimestamp(hour_begin, UTC).strftime("%Y-%m-%dT%H:%MZ")
    price: int | None = None
    for row in rows("day-ahead-prices-nl-2022-2023"):
        if row["start_utc"] > wanted:
            break
        price = int(row["price_micro_eur_per_kwh"])
    if price is None:
        raise ValueError(f"no day-ahead price at {wanted}")
    return price


def published(begin: int, end: int, shift: int, length: int, retail_cap: int) -> list[PublishedTariff]:
    """Tariffs from `begin` to `end` [Unix s] for intervals of `length`, with the prices of `shift` seconds earlier."""
    out: list[PublishedTariff] = []
    interval = begin // length
    while interval * length < end:
        source = interval * length - shift
        now = tariff(day_ahead(source // 3600 * 3600), retail_cap)
        if not out or out[-1].tariff != now:
            out.append(PublishedTariff(interval, now))
        interval += 1
    return out
