"""Fixtures of the chain's tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from tests.chain.ground import Chain, MemoryBook, StillClock, deploy_counter, engine_in

from sunpile.basics.keys import Key
from sunpile.chain.engine.anvil import AnvilEngine
from sunpile.store.chain import Submissions
from sunpile.store.database import Database
from sunpile.store.tables import metadata


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "chain"


@pytest.fixture
async def engine(folder: Path, clock: StillClock) -> AsyncIterator[AnvilEngine]:
    engine = engine_in(folder, clock)
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
async def chain(engine: AnvilEngine, clock: StillClock) -> Chain:
    """The counter deployed by a fresh key, with its nonce 0, in block 1."""
    key = Key.from_seed("chain tests")
    return Chain(engine, clock, key, await deploy_counter(engine, key))


@pytest.fixture
def book() -> MemoryBook:
    return MemoryBook()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'node.db'}"
    engine = create_engine(url)
    metadata.create_all(engine)
    engine.dispose()
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def stored(database: Database) -> Submissions:
    return Submissions(database)
