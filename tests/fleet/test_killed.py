"""kill -9 at each moment a station is asked: what the disk holds then is enough to go on, and never to ask twice."""

import sqlite3
from pathlib import Path

import pytest
from tests.fleet.parts import ANNA, BERT, Rig, make_store

from sunpile.basics.ids import StationId
from sunpile.chargers.commands import Command, CommandResult
from sunpile.fleet.run_model import Options
from sunpile.fleet.run_ports import Filter, Selection


@pytest.mark.parametrize("operation", ["reset", "get-local-list-version"])
async def test_from_every_moment_it_goes_on_and_restarts_nobody_twice(tmp_path: Path, operation: str) -> None:
    rig = Rig(make_store(tmp_path / "node.db"))
    moments: list[tuple[Path, set[str], set[str]]] = []
    asked, answered = set[str](), set[str]()
    ask = rig.stations.command

    async def command(station: StationId, what: Command) -> CommandResult:
        asked.add(station)
        moments.append((tmp_path / f"at-{len(moments)}.db", set(asked), set(answered)))
        # What a process killed now leaves: all that is committed, and nothing else.
        with sqlite3.connect(rig.file) as there, sqlite3.connect(moments[-1][0]) as here:
            there.backup(here)
        result = await ask(station, what)
        answered.add(station)
        return result

    rig.stations.command = command  # type: ignore[method-assign]
    header = await rig.runner.start(ANNA, operation, {}, Selection(filter=Filter()), Options(in_flight=2))
    if operation == "reset":
        header = await rig.runner.approve(BERT, header.run)
    rig.go()
    await rig.ended(header.run)
    await rig.kill()
    assert len(moments) == 6
    for file, before, done in moments:
        again = Rig(file)
        again.go()
        ended = await again.ended(header.run)
        after = {station for station, _ in again.stations.asked}
        # Kept as asked, killed before the frame left: nobody can tell, so staff are told to look.
        unsure = {item.station for item in await again.runner.items(ANNA, header.run, "timed out", "", 9)}
        assert before | after | unsure == {f"S{n}" for n in range(6)}, "nobody is forgotten"
        if operation == "reset":
            assert not before & after, "nobody is restarted twice"
            assert not unsure & after
            assert len(unsure) <= 2, "no more than were in flight"
        else:
            assert ended.counts == {"done": 6}
            assert all(again.stations.times(station) <= 1 for station in done)
        await again.kill()
