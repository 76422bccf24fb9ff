"""A node's HTTP side over a store with most of a day: what the tests of API and page look at."""

from dataclasses import dataclass, replace
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import create_engine
from tests.people.fakes import FakeOperations, FakeRpc
from tests.people.sample_day import fill, node_info

from sunpile.people import create_app
from sunpile.people.board import LivePoint, PowerBoard
from sunpile.people.feed import EventHub
from sunpile.people.ports import ApiSettings
from sunpile.store.database import Database
from sunpile.store.every_table import metadata
from sunpile.store.people import StoreView

ADMIN = "admin-token-of-the-tests"


@dataclass
class House:
    """The application and everything behind it."""

    app: FastAPI
    database: Database
    view: StoreView
    operations: FakeOperations
    hub: EventHub
    board: PowerBoard


def write_day(file: Path, intervals: int) -> Path:
    """A SQLite store with a town and the first `intervals` of its day."""
    engine = create_engine(f"sqlite:///{file}")
    metadata.create_all(engine)
    with engine.begin() as connection:
        if intervals:
            fill(connection, intervals)
    engine.dispose()
    return file


def open_house(file: Path, settings: ApiSettings | None = None, intervals: int = 64) -> House:
    """The application over `file`."""
    database = Database(f"sqlite:///{file}")
    hub = EventHub(listener_limit=4)
    board = PowerBoard(hub)
    info = replace(node_info(intervals), operator="one operator (test town)")
    view = StoreView(database, board, lambda: info)
    operations = FakeOperations()
    app = create_app(view, operations, FakeRpc(), hub, settings or ApiSettings(ADMIN))
    return House(app, database, view, operations, hub, board)


def stir(house: House, now: int) -> None:
    """A change of power, as a node publishes it."""
    house.board.update({1: LivePoint(w=-3_200, pv_w=3_900), 60: LivePoint(w=11_000, status="Charging")}, now)
    house.hub.publish("clock", {"now": now})
