"""Rows of a tenant: the one condition, and that no query of staff goes without one."""

import ast
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert

import sunpile.store
from sunpile.basics.errors import NotFound
from sunpile.basics.scope import NODE, Scope
from sunpile.store.database import Database
from sunpile.store.identity_tables import api_keys
from sunpile.store.scoped import own_station, scoped
from sunpile.store.tables import frames, stations

OTHER = Scope("other", "staff:b", NODE.permissions)
STORE = Path(sunpile.store.__file__).parent


def fill(database: Database) -> None:
    with database.engine.begin() as connection:
        for station, tenant in (("SP-1", "default"), ("SP-2", "other")):
            row = {"station": station, "tenant": tenant, "password_salt": b"", "password_hash": b"", "max_w": 1}
            connection.execute(insert(stations).values(row))
            frame = {"station": station, "at": 1, "incoming": True, "frame": station}
            connection.execute(insert(frames).values(frame))


def test_rows_are_cut_down_by_their_own_tenant_or_their_stations(database: Database) -> None:
    fill(database)

    def seen(scope: Scope) -> list[list[str]]:
        queries = (scoped(stations, scope, stations.c.station), scoped(frames, scope, frames.c.frame))
        return [database.read_now(lambda c, q=query: list(c.scalars(q))) for query in queries]

    assert seen(NODE) == [["SP-1"], ["SP-1"]]
    assert seen(OTHER) == [["SP-2"], ["SP-2"]]
    assert seen(Scope("nobody", "x", NODE.permissions)) == [[], []]


def test_station_of_another_looks_like_none(database: Database) -> None:
    fill(database)
    database.read_now(lambda connection: own_station(connection, NODE, "SP-1"))
    said: set[str] = set()
    for station in ("SP-2", "SP-9"):
        with pytest.raises(NotFound) as refused:
            database.read_now(lambda connection, s=station: own_station(connection, NODE, s))
        said.add(refused.value.detail.replace(station, ""))
    assert len(said) == 1


def test_table_that_belongs_to_nobody_cannot_be_asked() -> None:
    with pytest.raises(TypeError, match="no tenant"):
        scoped(Table("x", MetaData(), Column("a", Integer)), NODE)
    assert "tenant" in str(scoped(api_keys, NODE))


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def takes_scope(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    for argument in (*function.args.args, *function.args.kwonlyargs):
        if argument.annotation is not None and ast.unparse(argument.annotation).strip("\"'").startswith("Scope"):
            return argument.arg
    return None


def uses(function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> bool:
    """True if the tenant gets into the query: `scope.tenant`, or the scope goes to a function that takes one."""
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and node.attr == "tenant" and ast.unparse(node.value) == name:
            return True
        if isinstance(node, ast.Call):
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            if any(isinstance(value, ast.Name) and value.id == name for value in given):
                return True
    return False


def test_whatever_serves_staff_asks_for_its_tenant_only() -> None:
    bare: list[str] = []
    found = 0
    for file in sorted(STORE.glob("*.py")):
        for function in functions(ast.parse(file.read_text())):
            name = takes_scope(function)
            if name is not None:
                found += 1
                if not uses(function, name):
                    bare.append(f"{file.name}: {function.name}")
    assert bare == []
    assert found > 60


def test_the_check_finds_a_query_that_forgot() -> None:
    tree = ast.parse("def good(s: Scope):\n    return scoped(t, s)\ndef bad(s: Scope):\n    return select(t)")
    assert [f.name for f in functions(tree) if not uses(f, takes_scope(f) or "")] == ["bad"]
