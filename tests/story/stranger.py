"""Recompute a run's prices, fills, bills and money from its CSV files. Imports nothing of sunpile.

    python tests/story/stranger.py DIR

Prints every line that does not come out the same and ends with exit code 1 if there is one.
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path

Row = dict[str, int | str]


def read(folder: Path, name: str) -> list[Row]:
    with (folder / f"{name}.csv").open() as file:
        return [
            {key: value if key == "digest" else int(value) for key, value in row.items()}
            for row in csv.DictReader(file)
        ]


def order_at(orders: dict[int, list[Row]], point: int, interval: int) -> Row | None:
    for order in orders.get(point, []):
        if order["from_interval"] <= interval <= order["until_interval"]:
            return order
    return None


def equilibrium(low: int, high: int, buys: list[tuple[int, int]], sells: list[tuple[int, int]]) -> int:
    """Floor of the middle of all prices at which nobody with a strictly better limit is left out: by definition."""
    edges = sorted({low, high, *(p for p, _ in buys), *(p for p, _ in sells)})
    candidates = sorted({q for p in edges for q in (p - 1, p, p + 1) if low <= q <= high})

    def holds(price: int) -> bool:
        better_buyers = sum(wh for limit, wh in buys if limit > price)
        better_sellers = sum(wh for limit, wh in sells if limit < price)
        demand = sum(wh for limit, wh in buys if limit >= price)
        supply = sum(wh for limit, wh in sells if limit <= price)
        return better_buyers <= supply and better_sellers <= demand

    good = [price for price in candidates if holds(price)]
    return (good[0] + good[-1]) // 2


def shares(rows: list[tuple[int, int, int]], price: int, volume: int, better: int) -> dict[int, int]:
    """Fill of each point: strictly better rows whole, rows at the price pro rata by cumulative floors."""
    fills: dict[int, int] = {}
    strict = sum(wh for limit, _, wh in rows if limit * better > price * better)
    marginal = [(point, wh) for limit, point, wh in rows if limit == price]
    total, run = sum(wh for _, wh in marginal), 0
    left = volume - strict
    for limit, point, wh in rows:
        if limit * better > price * better:
            fills[point] = wh
    for point, wh in marginal:
        fills[point] = left * (run + wh) // total - left * run // total
        run += wh
    return fills


def check(folder: Path) -> list[str]:
    tables = {name: read(folder, name) for name in ("readings", "tariffs", "orders", "batches", "bills", "balances")}
    orders: dict[int, list[Row]] = defaultdict(list)
    for order in tables["orders"]:
        orders[order["point"]].append(order)
    tariffs = {(row["zone"], row["interval"]): row for row in tables["tariffs"]}
    readings: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in tables["readings"]:
        readings[row["zone"], row["interval"]].append(row)
    bills = {
        (row["zone"], row["interval"], row["point"], row["grid_wh"] + row["matched_wh"]): row for row in tables["bills"]
    }
    wrong: list[str] = []
    expected = 0
    for batch in tables["batches"]:
        place = (batch["zone"], batch["interval"])
        rows = [row for row in readings[place] if not row["late"]]
        expected += len(rows)
        wrong += check_batch(batch, rows, tariffs[place], orders, bills)
    for place, rows in readings.items():
        late = [row for row in rows if row["late"]]
        expected += len(late)
        wrong += [line for row in late for line in check_late(row, tariffs[place], bills)]
    if expected != len(tables["bills"]):
        wrong.append(f"{expected} rows but {len(tables['bills'])} bills")
    return wrong


def check_batch(batch: Row, rows: list[Row], tariff: Row, orders: dict[int, list[Row]], bills: dict) -> list[str]:
    low, high = tariff["feed_in"] + tariff["sell_fee"], tariff["retail"] - tariff["buy_fee"]
    interval = batch["interval"]
    buys: list[tuple[int, int, int, int]] = []
    sells: list[tuple[int, int, int, int]] = []
    for row in rows:
        order = order_at(orders, row["point"], interval)
        wh, buying = abs(row["wh"]), row["wh"] > 0
        per_mille = -1 if order is None else order["buy_permille" if buying else "sell_permille"]
        if low <= high and order is not None and per_mille >= 0 and wh <= order["max_wh"]:
            limit = low + (high - low) * per_mille // 1000
            (buys if buying else sells).append((per_mille, limit, row["point"], wh))
    buys.sort(key=lambda row: (-row[0], row[2]))
    sells.sort(key=lambda row: (row[0], row[2]))
    price = volume = 0
    fills: dict[int, int] = {}
    if low <= high:
        price = equilibrium(low, high, [(b[1], b[3]) for b in buys], [(s[1], s[3]) for s in sells])
        volume = min(sum(b[3] for b in buys if b[1] >= price), sum(s[3] for s in sells if s[1] <= price))
        fills = shares([b[1:] for b in buys], price, volume, 1) | shares([s[1:] for s in sells], price, volume, -1)
    wrong: list[str] = []
    if (price, volume) != (batch["price"], batch["volume_wh"]):
        wrong.append(f"interval {interval}: price {batch['price']} volume {batch['volume_wh']}, found {price} {volume}")
    for row in rows:
        matched, buying = fills.get(row["point"], 0), row["wh"] > 0
        grid = abs(row["wh"]) - matched
        paid = price + tariff["buy_fee"] if buying else price - tariff["sell_fee"]
        money = matched * paid + grid * (tariff["retail"] if buying else tariff["feed_in"])
        sign = 1 if buying else -1
        wrong += compare(batch["zone"], row, sign * matched, sign * grid, -sign * money, bills)
        alone = -sign * abs(row["wh"]) * (tariff["retail"] if buying else tariff["feed_in"])
        if -sign * money < alone:
            wrong.append(f"interval {interval} point {row['point']}: worse off than with the grid")
    return wrong


def check_late(row: Row, tariff: Row, bills: dict) -> list[str]:
    price = tariff["retail"] if row["wh"] > 0 else tariff["feed_in"]
    return compare(row["zone"], row, 0, row["wh"], -row["wh"] * price, bills)


def compare(zone: int, row: Row, matched: int, grid: int, nano: int, bills: dict) -> list[str]:
    bill = bills.get((zone, row["interval"], row["point"], row["wh"]))
    found = None if bill is None else (bill["matched_wh"], bill["grid_wh"], bill["nano"])
    if found != (matched, grid, nano):
        return [f"interval {row['interval']} point {row['point']}: bill {found}, found {(matched, grid, nano)}"]
    return []


if __name__ == "__main__":
    faults = check(Path(sys.argv[1]))
    print("\n".join(faults) or "every price, fill and bill comes out the same")
    sys.exit(bool(faults))
