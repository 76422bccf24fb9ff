"""The doctor says in plain words what is out of reach, and what to do."""

import time
from pathlib import Path

import pytest
from sqlalchemy import insert

from sunpile.people.cli.commands import Finding
from sunpile.settings import NodeSettings
from sunpile.store.database import Database
from sunpile.store.schema import upgrade
from sunpile.store.tables import devices, refused_attempts, stations
from sunpile.wiring.demo import free_ports
from sunpile.wiring.doctor import examine
from sunpile.wiring.folder import Folder
from sunpile.wiring.serving import shown_host


@pytest.fixture
async def findings(tmp_path: Path) -> dict[str, Finding]:
    """A node that does not run, with piles and an inverter in all conditions."""
    http, ocpp, member = free_ports(3)
    members = [f"http://127.0.0.1:{member}"]
    settings = NodeSettings(folder=tmp_path, http_port=http, ocpp_port=ocpp, members=members)
    folder = Folder(tmp_path)
    database = Database(folder.database_url(""))
    upgrade(database.engine)
    secret = {"password_salt": b"", "password_hash": b"", "max_w": 11_000, "ocpp_version": "1.6"}
    now = int(time.time())

    def fill(connection) -> None:
        seen = {"fresh": now - 60, "asleep": now - 86_400, "new": None}
        for station, last_seen in seen.items():
            connection.execute(insert(stations), {"station": station, "last_seen": last_seen, **secret})
        for station, reason in (("stranger", "unknown station"), ("new", "wrong password")):
            connection.execute(insert(refused_attempts), {"station": station, "at": now, "reason": reason})
        inverter = {"device": "d", "point": 1, "kind": "inverter", "host": "192.0.2.20", "port": 502, "unit": 1}
        fault = "nothing answers at 192.0.2.20:502"
        connection.execute(insert(devices), {**inverter, "max_w": 8000, "last_error": fault})

    await database.write(fill)
    database.close()
    return {finding.name: finding for finding in await examine(settings, folder)}


async def test_each_thing_out_of_reach_has_its_sentence_and_its_remedy(findings: dict[str, Finding]) -> None:
    said = {
        "node": "nothing answers",
        "chain": "",
        "member 0": "nothing answers",
        "door for piles": "nobody listens",
        "pile asleep": "silent since",
        "pile new": "never connected",
        "pile 'stranger'": "no pile of this identity",
        "pile 'new'": "the password is wrong",
        "inverter at 192.0.2.20:502 unit 1": "nothing answers",
    }
    for what, words in said.items():
        assert not findings[what].ok
        assert words in findings[what].sentence
        assert findings[what].remedy, what
    assert {what for what, finding in findings.items() if finding.ok} == {"database", "engine", "pile fresh"}


def test_a_pile_is_told_an_address_it_can_reach() -> None:
    assert shown_host("192.0.2.7") == "192.0.2.7"
    assert shown_host("fd00::1") == "[fd00::1]"
    assert shown_host("0.0.0.0") not in ("", "0.0.0.0")
