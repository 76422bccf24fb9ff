"""A town and a day for tests of the page: real clearing, real batches, a real store; only the weather is made up."""

import json
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert

from sunpile.basics.ids import Address, PointId, ZoneId
from sunpile.basics.keys import Key
from sunpile.basics.tariff import Tariff
from sunpile.basics.units import MicroPerKwh, PerMille, Wh
from sunpile.market import Book, StandingOrder, clear
from sunpile.people.reads import NodeInfo
from sunpile.settlement.archive import facts_to_json
from sunpile.settlement.batch import Batch, Header, Rows
from sunpile.settlement.bill import bills as bills_of
from sunpile.settlement.facts import ZoneFacts
from sunpile.settlement.wire import batch_to_json
from sunpile.store import tables

LENGTH = 900
DAY_START = 1_752_537_600  # 2025-07-15 00:00 UTC
ZONE = ZoneId(1)
HOMES, PILES, BATTERIES = 40, 40, 4
OWNER = Key.from_seed("owner of the town")


@dataclass(frozen=True)
class Place:
    """One point of the sample town."""

    point: int
    kind: str
    label: str
    x: int
    y: int
    parent: int = 0


def places() -> list[Place]:
    """40 homes, 40 piles (a quarter of them behind a home), 4 batteries."""
    dice = random.Random(5)
    found: list[Place] = []
    streets = [80, 240, 400, 560, 720, 880]
    for i in range(HOMES):
        x = streets[i % 6] + dice.choice((-45, 45)) + dice.randint(-12, 12)
        found.append(
            Place(
                i + 1,
                "home",
                f"{['Linden', 'Mill', 'Church', 'Rose', 'Park', 'Hill'][i % 6]} St {i // 6 * 2 + 1}",
                x,
                30 + (i // 6) * 150 + dice.randint(-30, 30),
            )
        )
    for i in range(PILES):
        point = HOMES + i + 1
        if i < 10:
            home = found[i * 4]
            found.append(Place(point, "pile", f"Wallbox {home.label}", home.x, home.y, home.point))
        else:
            x = streets[i % 6] + dice.choice((-60, 60)) + dice.randint(-10, 10)
            found.append(Place(point, "pile", f"Pile {i - 9:02d}", x, 60 + dice.randint(0, 880)))
    for i, (x, y) in enumerate(((160, 160), (480, 820), (650, 200), (950, 640))):
        found.append(Place(HOMES + PILES + i + 1, "battery", f"Battery {'ABCD'[i]}", x, y))
    return found


def sun(hour: float) -> float:
    """Clear-sky shape, 0 to 1."""
    return max(0.0, math.sin((hour - 5.5) / 15 * math.pi)) ** 1.4 if 5.5 < hour < 20.5 else 0.0


def tariff_at(hour: float) -> Tariff:
    """A day-ahead shaped tariff."""
    retail = 290_000 + int(
        60_000 * math.exp(-((hour - 19) ** 2) / 6) + 35_000 * math.exp(-((hour - 8) ** 2) / 4) - 70_000 * sun(hour)
    )
    feed_in = 82_000 - int(45_000 * sun(hour))
    return Tariff(MicroPerKwh(retail), MicroPerKwh(feed_in), MicroPerKwh(4_000), MicroPerKwh(4_000))


def readings_at(town: list[Place], index: int) -> dict[PointId, Wh]:
    """Net Wh of each point that stands at the grid itself."""
    dice = random.Random(index)
    hour = index * LENGTH / 3600
    found: dict[PointId, Wh] = {}
    for place in town:
        wh = 0.0
        if place.kind == "home":
            size = 3_000 + 900 * (place.point % 7)
            load = 90 + 120 * math.exp(-((hour - 19.5) ** 2) / 5) + 60 * math.exp(-((hour - 7.5) ** 2) / 3)
            wh = load * dice.uniform(0.6, 1.5) - (
                size / 4 * sun(hour) * dice.uniform(0.85, 1) if place.point % 5 else 0
            )
        elif place.kind == "pile" and not place.parent:
            busy = 0.12 + 0.4 * math.exp(-((hour - 9.5) ** 2) / 8) + 0.5 * math.exp(-((hour - 18.5) ** 2) / 7)
            if dice.random() < busy * 0.75:
                wh = dice.choice((920, 1840, 2750, 2750, 5500))
        elif place.kind == "battery":
            wh = (
                2400 * sun(hour) * dice.uniform(0.5, 1)
                if 10 < hour < 16
                else -1700 * dice.uniform(0.4, 1)
                if 18 < hour < 23
                else 0
            )
        if round(wh):
            found[PointId(place.point)] = Wh(round(wh))
    return found


def orders_of(town: list[Place]) -> dict[PointId, StandingOrder]:
    """Half keep the default; the others differ."""
    dice = random.Random(9)
    until = 2**32 - 1
    found: dict[PointId, StandingOrder] = {}
    for place in town:
        buy = 500 if dice.random() < 0.4 else dice.choice((300, 420, 560, 640, 700, 760, 820, 900, 1000))
        sell = 500 if dice.random() < 0.4 else dice.choice((0, 60, 120, 200, 260, 340, 420, 480, 620))
        found[PointId(place.point)] = StandingOrder(PerMille(buy), PerMille(sell), Wh(20_000), until)
    return found


@dataclass(frozen=True)
class Settled:
    """One interval of the sample day as rows of the store."""

    batch: dict[str, Any]
    bills: list[dict[str, Any]]


def settle(town: list[Place], orders: Mapping[PointId, StandingOrder], index: int, previous: bytes) -> Settled:
    """Clear and bill one interval with the live code."""
    tariff = tariff_at(index * LENGTH / 3600)
    interval = DAY_START // LENGTH + index
    book = Book.from_orders(tariff, interval, readings_at(town, index), orders)
    clearing = clear(book)
    buyers = tuple((PointId(p), Wh(w)) for p, _, w in book.buyers.rows())
    sellers = tuple((PointId(p), Wh(w)) for p, _, w in book.sellers.rows())
    groups = (clearing.buy_above, clearing.buy_at, clearing.sell_below, clearing.sell_at)
    header = Header(
        ZONE, interval, 0, clearing.price, len(buyers), len(sellers), *groups, 1, random.Random(index).randbytes(32)
    )
    batch = Batch(header, Rows(buyers, sellers), tariff, previous)
    facts = ZoneFacts(ZONE, interval, interval, previous, 1, tariff, {}, orders)
    body = {"facts": facts_to_json(facts), "proposal": {**batch_to_json(batch), "witness": [], "excluded": []}}
    made = bills_of(batch, clearing)
    missing = index % 4
    seats = [seat for seat in range(4) if index % 7 or seat != missing]
    row: dict[str, Any] = {
        "zone": ZONE,
        "interval": interval,
        "round": 0,
        "body": json.dumps(body),
        "digest": batch.struct_hash(),
        "witness_root": header.witness_root,
        "signatures": json.dumps([[seat, "0x" + "11" * 65] for seat in seats]),
        "refusals": json.dumps([]),
        "state": "settled",
        "price": clearing.price,
        "volume_wh": clearing.volume,
        "chain_tx": random.Random(index + 1).randbytes(32),
        "gas": 90_000 + 5_900 * len(batch.rows),
        "created_at": (interval + 1) * LENGTH + 60,
    }
    due = [
        {
            "zone": ZONE,
            "interval": interval,
            "point": b.point,
            "kind": "batch",
            "wh": b.wh,
            "matched_wh": b.matched_wh,
            "grid_wh": b.grid_wh,
            "nano": b.nano,
            "unpaid": 0,
        }
        for b in made
    ]
    return Settled(row, due)


def fill(connection: Connection, intervals: int = 64) -> None:
    """Write the town and the first `intervals` of its day into an empty store."""
    town, orders = places(), orders_of(places())
    previous = bytes(32)
    for index in range(intervals):
        settled = settle(town, orders, index, previous)
        previous = settled.batch["digest"]
        connection.execute(insert(tables.batches), settled.batch)
        if settled.bills:
            connection.execute(insert(tables.bills), settled.bills)
    _write_points(connection, town, intervals)
    _write_sessions(connection, town, intervals)


def _write_points(connection: Connection, town: list[Place], intervals: int) -> None:
    key = Key.from_seed("meter").address
    now = readings_at(town, max(0, intervals - 1))
    hour = intervals * LENGTH / 3600
    dice = random.Random(3)
    for place in town:
        connection.execute(
            insert(tables.points),
            {
                "point": place.point,
                "zone": ZONE,
                "kind": place.kind,
                "owner": OWNER.address,
                "meter_key": key,
                "node_signs": place.kind != "home",
                "parent": place.parent,
                "cap_wh": 20_000,
                "label": place.label,
                "x": place.x,
                "y": place.y,
            },
        )
        wh = now.get(PointId(place.point), Wh(0))
        if place.kind == "pile":
            charging = wh > 0
            station = f"SP-{place.point:03d}"
            connection.execute(
                insert(tables.stations),
                {"station": station, "password_salt": b"s", "password_hash": b"h", "max_w": 22_000},
            )
            status = (
                "Charging"
                if charging
                else dice.choice(
                    (
                        "Available",
                        "Available",
                        "Available",
                        "Preparing",
                        "Finishing",
                        "Available",
                        "Faulted" if place.point == 57 else "Available",
                    )
                )
            )
            connection.execute(
                insert(tables.connectors), {"station": station, "evse": 1, "point": place.point, "status": status}
            )
        device = {"home": "meter", "battery": "battery", "pile": "meter"}[place.kind]
        name = f"{device}-{place.point}"
        connection.execute(
            insert(tables.devices),
            {
                "device": name,
                "point": place.point,
                "kind": device,
                "host": "127.0.0.1",
                "port": 502,
                "unit": 1,
                "max_w": 30_000,
            },
        )
        soc = dice.randint(300, 900) if place.kind == "battery" else None
        connection.execute(
            insert(tables.device_registers),
            {"device": name, "at": 1, "import_wh": 0, "export_wh": 0, "w": wh * 4, "soc_permille": soc},
        )
        if place.kind == "home" and place.point % 5:
            roof = f"inverter-{place.point}"
            made = int((3_000 + 900 * (place.point % 7)) * sun(hour))
            connection.execute(
                insert(tables.devices),
                {
                    "device": roof,
                    "point": place.point,
                    "kind": "inverter",
                    "host": "127.0.0.1",
                    "port": 502,
                    "unit": 2,
                    "max_w": 12_000,
                },
            )
            connection.execute(
                insert(tables.device_registers), {"device": roof, "at": 1, "import_wh": 0, "export_wh": 0, "w": made}
            )


def _write_sessions(connection: Connection, town: list[Place], intervals: int) -> None:
    dice = random.Random(11)
    now = DAY_START + intervals * LENGTH
    piles = [place for place in town if place.kind == "pile"]
    for i in range(9):
        active = i < 4
        start = now - dice.randint(600, 4_000) - (0 if active else 9_000)
        wh = dice.randint(3_000, 24_000)
        owed = wh * 240_000
        connection.execute(
            insert(tables.sessions),
            {
                "session": f"S{i:04d}",
                "station": f"SP-{piles[i * 3 + 1].point:03d}",
                "evse": 1,
                "driver": f"driver-{i}",
                "ocpp_transaction": f"t{i}",
                "state": "active" if active else "held" if i == 6 else "ended",
                "begun": True,
                "started_at": start,
                "ended_at": None if active else start + 5_400,
                "start_wh": 0,
                "last_at": now,
                "wh": wh,
                "price": 240_000,
                "owed": owed,
                "paid": owed - 14_000_000_00 if active else owed,
            },
        )


def node_info(intervals: int = 64) -> NodeInfo:
    """The node's facts at the end of the written part of the day."""
    contracts = {
        name: Address("0x" + f"{i:02x}" * 20)
        for i, name in enumerate(("SettlementToken", "Registry", "EnergyMarket", "Council", "Channels"), 161)
    }
    return NodeInfo(
        chain_id=4242,
        contracts=dict(contracts),
        zone=ZONE,
        tree=1,
        interval_length=LENGTH,
        payee=OWNER.address,
        node_signer=OWNER.address,
        rpc="",
        members=[f"http://127.0.0.1:85{i:02d}" for i in range(4)],
        currency="EUR",
        now=DAY_START + intervals * LENGTH + 75,
    )
