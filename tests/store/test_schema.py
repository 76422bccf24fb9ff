"""Migrations and backups: an old database becomes today's, and a backup becomes a database anywhere."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, insert, inspect, select, text

from sunpile.basics.errors import Conflict, InputInvalid, StoreUnreachable
from sunpile.store import schema
from sunpile.store.backup import backup, restore
from sunpile.store.database import open_engine
from sunpile.store.schema import current_revision, head_revision, upgrade
from sunpile.store.tables import frames, metadata, points, stations

POINT = {"point": 7, "zone": 1, "kind": "home", "owner": "0x1", "meter_key": "0x2", "node_signs": True, "cap_wh": 9}


@pytest.fixture(params=["sqlite", "postgres"])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without any table, once on each engine."""
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path / 'bare.db'}")
        yield engine
        engine.dispose()
        return
    server: Engine = request.getfixturevalue("postgres")
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE IF EXISTS bare"))
        connection.execute(text("CREATE DATABASE bare"))
    engine = create_engine(server.url.set(database="bare"))
    yield engine
    engine.dispose()


def test_the_migrations_make_exactly_the_tables_the_code_uses(bare: Engine) -> None:
    assert current_revision(bare) is None
    upgrade(bare)
    assert current_revision(bare) == head_revision()
    with bare.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    upgrade(bare)


def test_rows_survive_a_migration_from_the_first_release(bare: Engine) -> None:
    with bare.begin() as connection:
        command.upgrade(schema._config(connection), "0001")
        connection.execute(insert(points).values(POINT))
        station = "INSERT INTO stations (station, password_salt, password_hash, max_w) VALUES ('SP', :salt, :hash, 9)"
        connection.execute(text(station), {"salt": b"s", "hash": b"h"})
    upgrade(bare)
    with bare.connect() as connection:
        assert connection.execute(select(points.c.point, points.c.kind)).all() == [(7, "home")]
        columns = (stations.c.station, stations.c.security_profile, stations.c.registration, stations.c.leniency)
        assert connection.execute(select(*columns)).all() == [("SP", 1, "Accepted", "[]")]


def test_sessions_are_found_by_their_token_whatever_its_case(bare: Engine) -> None:
    upgrade(bare)
    query = "SELECT 1 FROM sessions WHERE upper(id_token) = 'A' AND started_at > 5"
    explain = "EXPLAIN QUERY PLAN " if bare.dialect.name == "sqlite" else "EXPLAIN "
    with bare.connect() as connection:
        if bare.dialect.name != "sqlite":
            connection.execute(text("SET enable_seqscan = off"))
        plan = str(connection.execute(text(explain + query)).all())
    assert "ix_sessions_token_started_at" in plan


def test_a_database_of_a_newer_release_is_left_alone(bare: Engine) -> None:
    upgrade(bare)
    with bare.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreUnreachable, match="newer"):
        upgrade(bare)


def filled(path: Path) -> Engine:
    """A SQLite database with two kinds of rows, bytes among them."""
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(insert(points).values(POINT))
        connection.execute(insert(frames).values(station="SP", at=5, incoming=True, frame="[2]"))
    return engine


def test_a_backup_of_sqlite_becomes_a_database_on_each_engine_and_goes_on_counting(
    bare: Engine, tmp_path: Path
) -> None:
    source = filled(tmp_path / "source.db")
    rows = backup(source, tmp_path / "rows.zip")
    source.dispose()
    assert rows["points"] == rows["ocpp_frames"] == 1
    assert restore(bare, tmp_path / "rows.zip") == rows
    with bare.begin() as connection:
        assert connection.execute(select(points.c.owner)).scalar_one() == "0x1"
        connection.execute(insert(frames).values(station="SP", at=6, incoming=True, frame="[3]"))
        assert connection.execute(select(frames.c.id).order_by(frames.c.id)).scalars().all() == [1, 2]
    with pytest.raises(Conflict, match="not empty"):
        restore(bare, tmp_path / "rows.zip")


@pytest.mark.parametrize("damage", ["not a zip", "no manifest", "rows missing"])
def test_a_damaged_backup_restores_nothing(tmp_path: Path, damage: str) -> None:
    source = filled(tmp_path / "source.db")
    whole, broken = tmp_path / "rows.zip", tmp_path / "broken.zip"
    backup(source, whole)
    if damage == "not a zip":
        broken.write_bytes(b"nothing")
    else:
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(broken, "w") as new:
            for name in old.namelist():
                if damage == "no manifest" and name == "manifest.json":
                    continue
                new.writestr(name, b"" if damage == "rows missing" and name == "points.jsonl" else old.read(name))
    target = open_engine(f"sqlite:///{tmp_path / 'target.db'}")
    with pytest.raises(InputInvalid, match="backup"):
        restore(target, broken)
    with target.connect() as connection:
        assert all(connection.execute(select(table)).first() is None for table in metadata.sorted_tables)
    assert inspect(target).has_table("points")
