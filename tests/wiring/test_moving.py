"""`sunpile move` on a real folder: files in, database out; never beside a running node."""

import json
import socket
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select
from tests.fleet.moving.dumps import dump, small

from sunpile.basics.errors import Conflict, InputInvalid, NotFound
from sunpile.people.cli.commands import InitWish
from sunpile.people.cli.moving import MoveWish
from sunpile.settings import FILE, NodeSettings
from sunpile.store.tables import sessions, stations
from sunpile.wiring.moving import move
from sunpile.wiring.upkeep import init


class Quiet:
    def say(self, sentence: str) -> None:
        pass

    def step(self, done: int, total: int, note: str = "") -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of charging stations alone, whose node never ran."""
    path = tmp_path / "node"
    init(InitWish(path, "anvil", "", "", "EUR", 900, 4, "off", True))
    text = (path / FILE).read_text()
    (path / FILE).write_text(text + "".join(f"{name} = {_free()}\n" for name in ("http_port", "ocpp_port")))
    return path


def _free() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def wish(folder: Path, path: Path, source: str = "steve", tenant: str = "default", dry_run: bool = False) -> MoveWish:
    return MoveWish(source, path, folder, tenant, dry_run, 22_000, False)  # type: ignore[arg-type]


def counted(folder: Path) -> tuple[int, int]:
    engine = create_engine(f"sqlite:///{folder / 'sunpile.db'}")
    with engine.connect() as connection:
        found = [connection.scalar(select(func.count()).select_from(table)) or 0 for table in (stations, sessions)]
    engine.dispose()
    return found[0], found[1]


def test_a_dump_comes_into_a_folder_whose_node_never_ran(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "steve.sql"
    file.write_bytes(dump(small()))
    assert move(wish(folder, file, dry_run=True), Quiet()).tallies["sessions"].moved == 2
    assert counted(folder) == (0, 0)
    assert len(move(wish(folder, file), Quiet()).passwords) == 1
    assert counted(folder) == (1, 2)


@pytest.mark.parametrize(("insecure", "profile"), [("[]", 2), ("[1]", 1)])
def test_stations_get_the_profile_that_the_doors_let_in(
    folder: Path, tmp_path: Path, insecure: str, profile: int
) -> None:
    file = tmp_path / "steve.sql"
    file.write_bytes(dump(small()))
    text = (folder / FILE).read_text()
    (folder / FILE).write_text(text.replace("insecure_profiles = [1]", f"insecure_profiles = {insecure}"))
    move(wish(folder, file), Quiet())
    engine = create_engine(f"sqlite:///{folder / 'sunpile.db'}")
    with engine.connect() as connection:
        assert connection.scalar(select(stations.c.security_profile)) == profile
    engine.dispose()


def test_an_export_comes_in_from_a_folder_of_files(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "ChargingStations.json").write_text(json.dumps([{"id": "CS-1", "protocol": "ocpp2.0.1"}]))
    (out / "Evses.csv").write_text("id,stationId,evseTypeId\n1,CS-1,1\n")
    (out / "notes.txt").write_text("not read")
    assert move(wish(folder, out, "citrineos"), Quiet()).tallies["stations"].moved == 1
    (out / "Copy.json").write_text('{"data": {"ChargingStations": []}}')
    with pytest.raises(InputInvalid, match="a second time"):
        move(wish(folder, out, "citrineos"), Quiet())


@pytest.mark.parametrize("door", ["http_port", "ocpp_port"])
def test_nothing_is_moved_beside_a_running_node(folder: Path, tmp_path: Path, door: str) -> None:
    file = tmp_path / "steve.sql"
    file.write_bytes(dump(small()))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", int(getattr(NodeSettings.load(folder), door))))
        listening.listen()
        with pytest.raises(Conflict, match="stop the node"):
            move(wish(folder, file), Quiet())


def test_what_is_not_there_is_said(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "steve.sql"
    with pytest.raises(NotFound, match="no file"):
        move(wish(folder, file), Quiet())
    with pytest.raises(NotFound, match="no folder"):
        move(wish(folder, file, "citrineos"), Quiet())
    file.write_bytes(b"")
    with pytest.raises(InputInvalid, match="is empty"):
        move(wish(folder, file), Quiet())
    file.write_bytes(dump(small()))
    with pytest.raises(NotFound, match="no tenant acme"):
        move(wish(folder, file, tenant="acme"), Quiet())
